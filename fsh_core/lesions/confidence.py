"""Calibrated confidence: of a lesion, and of a volume.

What a network's numbers mean on patients who were not trained on, `Calibration` says: it is
fitted on validation patients (`fsh_core.training.calibrate`) and travels with the weights.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from fsh_core.errors import InputError, reason_of
from fsh_core.lesions.frequency import usual_frequency
from fsh_core.lesions.uncertainty import VOLUME_OFFSET_ML
from fsh_core.network.card import WeightsCard

CONFIDENCE_COLUMNS: dict[str, str] = {
    "least_member_probability": "Largest lesion probability among its voxels as the least sure of "
    "the ensemble's members sees it, from 0 to 1; empty without an ensemble.",
    "uncertainty": "Structural uncertainty: 1 minus the mean overlap (IoU) of the lesion with "
    "those of the ensemble's members, 0 to 1; empty without an ensemble.",
    "confidence": "Chance that a reader would call it a lesion, 0 to 1, calibrated on validation "
    "patients; empty for weights without a calibration, and where the scan's quality fails.",
}
"""Columns of the lesion table that say how sure a lesion is, with their units."""

FEATURES = (
    "intercept",
    "max_probability_logit",
    "least_member_logit",
    "volume_log_mm3",
    "contrast_log",
    "lesion_frequency_log",
    "scan_uncertainty",
)
_CLIP = 1e-4  # keeps logarithms of 0 and logits of 0 and 1 finite
_FIRST_FEATURES = tuple(
    name for name in FEATURES if name not in ("least_member_logit", "lesion_frequency_log")
)  # of the first version
_RAREST = 0.01  # what the map of few patients cannot tell from nothing


@dataclass(frozen=True)
class Calibration:
    """Calibration of a network's confidences and volumes, from validation patients.

    Attributes
    ----------
    lesion_coefficients : tuple of float
        Of a logistic regression on `FEATURES`: is a found lesion in the reference?
    volumes : ScaledVolumes or LogNormalVolumes
        Where a reader's volume is expected.
    patients : int
        How many patients the volumes are from.
    rate : float
        Share of patients whose reference volume the interval is meant to cover.
    """

    lesion_coefficients: tuple[float, ...]
    volumes: "ScaledVolumes | LogNormalVolumes"
    patients: int
    rate: float

    @classmethod
    def from_card(cls, card: WeightsCard) -> "Calibration | None":
        """Read it from the JSON beside weights; None where the weights have none.

        A feature that the card does not name counts nothing: earlier versions had fewer.

        Raises
        ------
        InputError
            If the card's calibration is not one.
        """
        stored = card.calibration
        if stored is None:
            return None
        try:
            named = dict(stored["lesion_coefficients"])
            if missing := sorted(set(_FIRST_FEATURES) - set(named)):
                raise KeyError(missing[0])
            coefficients = tuple(float(named.get(name, 0.0)) for name in FEATURES)
            patients, rate = int(stored["patients"]), float(stored["rate"])
            volumes: ScaledVolumes | LogNormalVolumes
            if "volume_factor" in stored:
                volumes = ScaledVolumes(float(stored["volume_factor"]))
            else:
                mean, sd = float(stored["volume_log_mean"]), float(stored["volume_log_sd"])
                volumes = LogNormalVolumes.of(mean, sd, patients, rate)
            if not np.isfinite([*coefficients, rate, *astuple(volumes)]).all():
                raise ValueError("it holds what is no number")
        except KeyError as missing:
            raise _no_calibration(card, f"{missing} is missing") from None
        except (TypeError, ValueError, OverflowError) as error:
            raise _no_calibration(card, reason_of(error)) from None
        return cls(coefficients, volumes, patients, rate)

    def confidence(self, lesions: pd.DataFrame, scan_uncertainty: float) -> NDArray[np.float64]:
        """Return each lesion's chance of being real, (N,) in [0, 1].

        Parameters
        ----------
        lesions : DataFrame
            As `lesion_features` reads it.
        scan_uncertainty : float
            `patient_uncertainty` of their scan; NaN counts as 0.
        """
        return np.asarray(
            special.expit(
                lesion_features(lesions, scan_uncertainty) @ np.asarray(self.lesion_coefficients)
            )
        )

    def volume_interval_ml(self, volume_ml: float, spread: float) -> tuple[float, float]:
        """Return the interval in which the reference volume is expected to lie, in ml.

        Parameters
        ----------
        volume_ml : float
            Volume found.
        spread : float
            `fsh_core.lesions.uncertainty.volume_spread` of the scan.
        """
        below, above = self.volumes.reach(spread)
        found = np.log(volume_ml + VOLUME_OFFSET_ML)
        low, high = np.exp([found + below, found + above]) - VOLUME_OFFSET_ML
        return max(0.0, float(low)), max(0.0, float(high))


@dataclass(frozen=True)
class ScaledVolumes:
    """An interval as wide as the scan itself leaves open: split conformal prediction.

    It covers the stated share of patients if they are like those that it was fitted on (Lei et
    al., JASA 2018, doi 10.1080/01621459.2017.1307116, section 5.2).

    Attributes
    ----------
    factor : float
        `conformal_quantile` of `volume_score` over patients.
    """

    factor: float

    def reach(self, spread: float) -> tuple[float, float]:
        """Return how far the logarithm of a reader's volume may lie below and above."""
        return -self.factor * spread, self.factor * spread


@dataclass(frozen=True)
class LogNormalVolumes:
    """An interval of one width for every scan, as earlier versions calibrated it.

    A prediction interval of a log-normal ratio of reference over found volume (Student's t),
    wide where few patients were validated on.

    Attributes
    ----------
    middle, width : float
        Of the logarithm of that ratio.
    """

    middle: float
    width: float

    @classmethod
    def of(cls, mean: float, sd: float, patients: int, rate: float) -> "LogNormalVolumes":
        """Compute it from the mean and standard deviation over patients."""
        student = special.stdtrit(patients - 1, (1 + rate) / 2) * np.sqrt(1 + 1 / patients)
        return cls(mean, float(student * sd))

    def reach(self, spread: float) -> tuple[float, float]:
        """Return how far the logarithm of a reader's volume may lie below and above."""
        return self.middle - self.width, self.middle + self.width


def calibration_json(
    coefficients: Sequence[float], factor: float, patients: int, rate: float
) -> dict[str, Any]:
    """Return what `Calibration.from_card` reads, for a card."""
    return {
        "lesion_coefficients": dict(zip(FEATURES, coefficients, strict=True)),
        "volume_factor": factor,
        "patients": patients,
        "rate": rate,
    }


def volume_score(reference_ml: float, volume_ml: float, spread: float) -> float:
    """Return how far a reference volume lies from the found one, in units of the spread."""
    distance = np.log(reference_ml + VOLUME_OFFSET_ML) - np.log(volume_ml + VOLUME_OFFSET_ML)
    return float(abs(distance) / spread)


def conformal_quantile(scores: NDArray[np.float64], rate: float) -> float:
    """Return the score that a new patient's stays below with chance ``rate``.

    The ceil((n + 1) rate)-th smallest of n scores (Vovk et al. 2005; Lei et al. 2018); the
    largest, where n is too small for that.

    Parameters
    ----------
    scores : (N,) float
        Of patients that nothing was fitted on.
    rate : float
        In (0, 1).
    """
    rank = min(len(scores), int(np.ceil((len(scores) + 1) * rate - 1e-9)))
    return float(np.sort(scores)[rank - 1])


def _no_calibration(card: WeightsCard, reason: str) -> InputError:
    of_weights = f"the card of the weights {card.name}" if card.name else "the weights' card"
    return InputError(
        f"the calibration in {of_weights}: expected what fsh calibrate writes, found something "
        f"else ({reason}); run fsh calibrate again"
    )


def lesion_features(lesions: pd.DataFrame, scan_uncertainty: float) -> NDArray[np.float64]:
    """Return `FEATURES` of every lesion, (N, 7).

    Parameters
    ----------
    lesions : DataFrame
        ``max_probability``, ``least_member_probability`` (empty counts as the former),
        ``volume_mm3``, ``contrast`` (what could not be measured counts as none) and
        ``lesion_frequency`` (empty counts as that of a usual place).
    scan_uncertainty : float
        `fsh_core.lesions.uncertainty.patient_uncertainty` of the scan; NaN counts as 0.
    """
    largest, least, volume, contrast, frequency = (
        lesions[name].to_numpy(np.float64)
        for name in (
            *("max_probability", "least_member_probability", "volume_mm3", "contrast"),
            "lesion_frequency",
        )
    )
    ones = np.ones(len(lesions))
    frequency = np.where(np.isnan(frequency), usual_frequency(), frequency)
    return np.column_stack(
        [
            ones,
            _logit(largest),
            _logit(np.where(np.isnan(least), largest, least)),
            np.log(np.maximum(volume, _CLIP)),
            np.nan_to_num(np.log(np.maximum(contrast, _CLIP))),
            np.log(np.maximum(frequency, _RAREST)),
            ones * np.nan_to_num(scan_uncertainty),
        ]
    )


def _logit(chance: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(special.logit(np.clip(chance, _CLIP, 1 - _CLIP)))
