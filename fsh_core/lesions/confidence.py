"""Calibrated confidence: of a lesion, and of a volume.

What a network's numbers mean on patients who were not trained on, `Calibration` says: it is
fitted on validation patients (`fsh_core.training.calibrate`) and travels with the weights.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from fsh_core.errors import InputError, reason_of
from fsh_core.network.card import WeightsCard

CONFIDENCE_COLUMNS: dict[str, str] = {
    "uncertainty": "Structural uncertainty: 1 minus the mean overlap (IoU) of the lesion with "
    "those of the ensemble's members, 0 to 1; empty without an ensemble.",
    "confidence": "Chance that a reader would call it a lesion, 0 to 1, calibrated on validation "
    "patients; empty for weights without a calibration, and where the scan's quality fails.",
}
"""Columns of the lesion table that say how sure a lesion is, with their units."""

FEATURES = (
    "intercept",
    "max_probability_logit",
    "volume_log_mm3",
    "contrast_log",
    "scan_uncertainty",
)
VOLUME_OFFSET_ML = 0.5  # added before logarithms are taken: a scan without lesions counts too
_CLIP = 1e-4  # keeps logarithms of 0 and logits of 0 and 1 finite


@dataclass(frozen=True)
class Calibration:
    """Calibration of a network's confidences and volumes, from validation patients.

    Attributes
    ----------
    lesion_coefficients : tuple of float
        Of a logistic regression on `FEATURES`: is a found lesion in the reference?
    volume_log_mean, volume_log_sd : float
        Of the logarithm of reference over found volume, both with `VOLUME_OFFSET_ML` added.
    patients : int
        How many patients the volumes are from.
    rate : float
        Share of patients whose reference volume the interval is meant to cover.
    """

    lesion_coefficients: tuple[float, ...]
    volume_log_mean: float
    volume_log_sd: float
    patients: int
    rate: float

    @classmethod
    def from_card(cls, card: WeightsCard) -> "Calibration | None":
        """Read it from the JSON beside weights; None where the weights have none.

        Raises
        ------
        InputError
            If the card's calibration is not one.
        """
        stored = card.calibration
        if stored is None:
            return None
        try:
            coefficients = tuple(float(stored["lesion_coefficients"][name]) for name in FEATURES)
            numbers = [
                float(stored[name])
                for name in ("volume_log_mean", "volume_log_sd", "patients", "rate")
            ]
            if not np.isfinite([*coefficients, *numbers]).all():
                raise ValueError("it holds what is no number")
        except KeyError as missing:
            raise _no_calibration(card, f"{missing} is missing") from None
        except (TypeError, ValueError, OverflowError) as error:
            raise _no_calibration(card, reason_of(error)) from None
        return cls(coefficients, numbers[0], numbers[1], int(numbers[2]), numbers[3])

    def to_json(self) -> dict[str, Any]:
        """Return what `from_card` reads."""
        return {
            "lesion_coefficients": dict(zip(FEATURES, self.lesion_coefficients, strict=True)),
            "volume_log_mean": self.volume_log_mean,
            "volume_log_sd": self.volume_log_sd,
            "patients": self.patients,
            "rate": self.rate,
        }

    def confidence(self, lesions: pd.DataFrame, scan_uncertainty: float) -> NDArray[np.float64]:
        """Return each lesion's chance of being real, (N,) in [0, 1].

        Parameters
        ----------
        lesions : DataFrame
            Rows of a lesion table; a contrast that could not be measured counts as none.
        scan_uncertainty : float
            `patient_uncertainty` of their scan; NaN counts as 0.
        """
        return np.asarray(
            special.expit(
                lesion_features(lesions, scan_uncertainty) @ np.asarray(self.lesion_coefficients)
            )
        )

    def volume_interval_ml(self, volume_ml: float) -> tuple[float, float]:
        """Return the interval in which the reference volume is expected to lie, in ml.

        A prediction interval of a log-normal ratio (Student's t), wide where few patients
        were validated on.
        """
        width = special.stdtrit(self.patients - 1, (1 + self.rate) / 2) * np.sqrt(
            1 + 1 / self.patients
        )
        middle = np.log(volume_ml + VOLUME_OFFSET_ML) + self.volume_log_mean
        low = np.exp(middle - width * self.volume_log_sd) - VOLUME_OFFSET_ML
        high = np.exp(middle + width * self.volume_log_sd) - VOLUME_OFFSET_ML
        return max(0.0, float(low)), max(0.0, float(high))


def _no_calibration(card: WeightsCard, reason: str) -> InputError:
    of_weights = f"the card of the weights {card.name}" if card.name else "the weights' card"
    return InputError(
        f"the calibration in {of_weights}: expected what fsh calibrate writes, found something "
        f"else ({reason}); run fsh calibrate again"
    )


def lesion_features(lesions: pd.DataFrame, scan_uncertainty: float) -> NDArray[np.float64]:
    """Return `FEATURES` of every lesion, (N, 5)."""
    ones = np.ones(len(lesions))
    largest = special.logit(
        np.clip(lesions["max_probability"].to_numpy(np.float64), _CLIP, 1 - _CLIP)
    )
    volume = np.log(np.maximum(lesions["volume_mm3"].to_numpy(np.float64), _CLIP))
    contrast = np.log(np.maximum(lesions["contrast"].to_numpy(np.float64), _CLIP))
    return np.column_stack(
        [ones, largest, volume, np.nan_to_num(contrast), ones * np.nan_to_num(scan_uncertainty)]
    )
