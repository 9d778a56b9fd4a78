"""Image quality of a scan: eight checks, each with a verdict and a plain reason.

The thresholds stand beside each check, with their grounds; what the checks give on real
scans, and on scans spoilt on purpose, is in ``docs/quality.md``.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsh_core.quality.check import Check, Verdict, worst
from fsh_core.quality.coverage import (
    check_brain_volume,
    check_coverage,
    check_field_of_view,
    check_voxel_size,
)
from fsh_core.quality.flair_contrast import check_sequence
from fsh_core.quality.noise import check_contrast_to_noise, check_ghosting, check_intensities
from fsh_core.volume.volume import Volume

__all__ = ["Check", "Quality", "Verdict", "check_quality"]

_START: dict[Verdict, str] = {
    "pass": "The scan passed its quality checks",
    "caution": "The scan is to be read with caution",
    "fail": "The scan is not fit to be relied on",
}

_OF_THE_BRAIN = {
    "contrast_to_noise": "ratio",
    "brain_volume": "ml",
    "coverage": "fraction",
    "field_of_view": "fraction",
    "flair_likeness": "grey_to_white",
}


@dataclass(frozen=True)
class Quality:
    """All checks of one scan.

    Attributes
    ----------
    checks : tuple of Check
        One for each thing looked at, always the same ones in the same order.
    """

    checks: tuple[Check, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst of all checks."""
        return worst(*(check.verdict for check in self.checks))

    @property
    def summary(self) -> str:
        """One sentence: the verdict, the checks it rests on, and those that could not be made."""
        verdict = self.verdict
        culprits = [check for check in self.checks if check.verdict == verdict != "pass"]
        unknown = [
            check for check in self.checks if check.value is None and check.verdict == "pass"
        ]
        sentence = _START[verdict]
        if culprits:
            sentence += f" because of {_named(culprits)}"
        if unknown:
            sentence += f" (not measured: {_named(unknown)})"
        return sentence + "."

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON: verdict, summary and every check, values with four digits."""
        return {
            "verdict": self.verdict,
            "summary": self.summary,
            "checks": [
                {
                    "name": check.name,
                    "verdict": check.verdict,
                    "value": None if check.value is None else float(f"{check.value:.4g}"),
                    "unit": check.unit,
                    "reason": check.reason,
                }
                for check in self.checks
            ],
        }


def check_quality(flair: Volume, brain: NDArray[np.bool_], *, source: str = "given") -> Quality:
    """Check whether a scan is fit to be segmented.

    A bad scan is an answer, never an exception. A check that cannot be made has the
    value None: it passes where that is no fault of the scan (ghosting, where there is
    no air to see it in), and is a caution or a failure elsewhere.

    Parameters
    ----------
    flair : Volume
        The scan as it came, (I, J, K), any orientation. NaN and infinity count as 0.
    brain : (I, J, K) bool
        Where the brain is.
    source : str
        `fsh_core.preprocess.brain_mask.Brain.source`; ``none`` fails: what needs the brain is
        then not measured.

    Returns
    -------
    Quality
        voxel_size (mm), ghosting (fraction), intensities (fraction), contrast_to_noise
        (ratio), brain_volume (ml), coverage (fraction), field_of_view (fraction) and
        flair_likeness (its unit names the ratio that decided), in this order.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    if brain.shape != flair.shape:
        raise ValueError(
            f"the brain mask must have the scan's shape {flair.shape}, got {brain.shape}"
        )
    flair = flair.with_data(
        np.nan_to_num(flair.data, nan=0.0, posinf=0.0, neginf=0.0).astype(np.float32, copy=False)
    )
    checks = (check_voxel_size(flair), check_ghosting(flair), check_intensities(flair, brain))
    if source == "none":
        return Quality(checks + tuple(_unknown(name, unit) for name, unit in _OF_THE_BRAIN.items()))
    return Quality(
        (
            *checks,
            check_contrast_to_noise(flair, brain),
            check_brain_volume(flair, brain),
            check_coverage(flair, brain),
            check_field_of_view(flair, brain),
            check_sequence(flair, brain),
        )
    )


def _unknown(name: str, unit: str) -> Check:
    """Say that a check needs a brain, and none was found: the one of its volume fails."""
    if name == "brain_volume":
        reason = (
            "The brain was not found, so lesions may be reported anywhere in the head; give a "
            "brain mask."
        )
        return Check(name, "fail", None, unit, reason)
    reason = "This cannot be measured because the brain was not found."
    return Check(name, "caution", None, unit, reason)


def _named(checks: list[Check]) -> str:
    """Name some checks in words."""
    return ", ".join(check.name.replace("_", " ") for check in checks)
