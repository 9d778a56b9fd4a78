"""Whether two visits can be compared at all: registration, contrast, resolution."""

import math
from dataclasses import dataclass

import numpy as np

from fsh_core.errors import InputError
from fsh_core.quality.check import Limits, Verdict, judge_high, judge_low, worst
from fsh_core.tracking.difference import Difference
from fsh_core.tracking.halfway import Halfway
from fsh_core.tracking.visit import Visit

_LEAST_IN_COMMON = 0.5  # Dice of the brains: with less there is nothing to compare
_LEAST_OVERLAP = Limits(caution=0.90, fail=0.80)
_MOST_DISAGREEMENT_MM = Limits(caution=1.0, fail=3.0)
_LEAST_CORRELATION = Limits(caution=0.8, fail=0.4)
_MOST_SPACING_RATIO = Limits(caution=1.5, fail=math.inf)

VERDICTS = {
    "pass": "The visits can be compared.",
    "caution": "The visits differ in more than time: read the changes with caution.",
    "fail": "These visits cannot be compared reliably: do not rely on the changes below.",
}
"""Every verdict, and what it means to a reader."""
NOTHING_FOUND = "registration and contrast agree"  # where a verdict has no reasons


@dataclass(frozen=True)
class Comparability:
    """A verdict on a pair of visits, and what it rests on.

    Attributes
    ----------
    verdict : str
        ``pass``, ``caution`` or ``fail``.
    reasons : tuple of str
        Why it is no ``pass``.
    brain_overlap : float
        Dice of the two brain masks after registration.
    disagreement_mm : float
        Between the registrations in both directions, in mm.
    correlation : float
        Of the two scans within the brain, lesions left out.
    """

    verdict: Verdict
    reasons: tuple[str, ...]
    brain_overlap: float
    disagreement_mm: float
    correlation: float


def compare_visits(
    first: Visit, second: Visit, halfway: Halfway, difference: Difference
) -> Comparability:
    """Judge whether what differs between two visits can be relied on.

    Parameters
    ----------
    first, second : Visit
        The visits.
    halfway, difference : Halfway, Difference
        Their registration, and their difference in its space.

    Raises
    ------
    InputError
        If the brains hardly overlap.
    """
    overlap, correlation = difference.brain_overlap, difference.correlation
    if overlap < _LEAST_IN_COMMON:
        raise InputError(
            f"{first.name} and {second.name}: expected two scans of one brain, the brains overlap "
            f"by {overlap:.2f} (Dice) only; check that both are whole and of this patient"
        )
    ratios = np.sort(first.flair.spacing_mm) / np.sort(second.flair.spacing_mm)
    spacings = [" x ".join(f"{mm:.2g}" for mm in one.flair.spacing_mm) for one in (first, second)]
    checks: tuple[tuple[Verdict, str], ...] = (
        (
            judge_low(overlap, _LEAST_OVERLAP),
            f"the brains overlap by {overlap:.2f} (Dice) after registration",
        ),
        (
            judge_high(halfway.disagreement_mm, _MOST_DISAGREEMENT_MM),
            f"the registrations there and back differ by {halfway.disagreement_mm:.1f} mm",
        ),
        (
            "fail" if math.isnan(correlation) else judge_low(correlation, _LEAST_CORRELATION),
            f"the scans look different (correlation {correlation:.2f}): another scanner or "
            "sequence, or another patient",
        ),
        (
            judge_high(max(ratios.max(), 1 / ratios.min()), _MOST_SPACING_RATIO),
            f"the voxels differ: {spacings[0]} and {spacings[1]} mm",
        ),
    )
    return Comparability(
        worst(*(verdict for verdict, _ in checks)),
        tuple(reason for verdict, reason in checks if verdict != "pass"),
        overlap,
        halfway.disagreement_mm,
        correlation,
    )
