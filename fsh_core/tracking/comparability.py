"""Whether two visits can be compared at all: registration, contrast, resolution."""

from dataclasses import dataclass

import numpy as np

from fsh_core.errors import InputError
from fsh_core.tracking.difference import Difference
from fsh_core.tracking.halfway import Halfway, resample_to
from fsh_core.tracking.visit import Visit

_LEAST_IN_COMMON = 0.5  # Dice of the brains: with less there is nothing to compare
_LEAST_OVERLAP = (0.80, 0.90)  # Dice of the brains: below fails, below is a caution
_MOST_DISAGREEMENT_MM = (3.0, 1.0)
_LEAST_CORRELATION = (0.4, 0.8)
_MOST_SPACING_RATIO = 1.5

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

    verdict: str
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
    brains = [
        resample_to(halfway, visit.flair, to_visit, visit.brain) > 0
        for visit, to_visit in ((first, halfway.to_first), (second, halfway.to_second))
    ]
    sizes = sum(np.count_nonzero(brain) for brain in brains)
    overlap = 2 * np.count_nonzero(brains[0] & brains[1]) / sizes if sizes else 0.0
    if overlap < _LEAST_IN_COMMON:
        raise InputError(
            f"{first.name} and {second.name}: expected two scans of one brain, the brains overlap "
            f"by {overlap:.2f} (Dice) only; check that both are whole and of this patient"
        )
    found: list[tuple[str, str]] = []
    if overlap < _LEAST_OVERLAP[1]:
        found.append(
            (
                "fail" if overlap < _LEAST_OVERLAP[0] else "caution",
                f"the brains overlap by {overlap:.2f} (Dice) after registration",
            )
        )
    if halfway.disagreement_mm > _MOST_DISAGREEMENT_MM[1]:
        is_bad = halfway.disagreement_mm > _MOST_DISAGREEMENT_MM[0]
        found.append(
            (
                "fail" if is_bad else "caution",
                f"the registrations there and back differ by {halfway.disagreement_mm:.1f} mm",
            )
        )
    correlation = difference.correlation
    if not correlation >= _LEAST_CORRELATION[1]:
        found.append(
            (
                "fail" if not correlation >= _LEAST_CORRELATION[0] else "caution",
                f"the scans look different (correlation {correlation:.2f}): another scanner or "
                "sequence, or another patient",
            )
        )
    ratios = np.sort(first.flair.spacing_mm) / np.sort(second.flair.spacing_mm)
    if max(ratios.max(), 1 / ratios.min()) > _MOST_SPACING_RATIO:
        sizes_mm = [
            " x ".join(f"{size:.2g}" for size in v.flair.spacing_mm) for v in (first, second)
        ]
        found.append(("caution", f"the voxels differ: {sizes_mm[0]} and {sizes_mm[1]} mm"))
    verdicts = [verdict for verdict, _ in found]
    verdict = next((name for name in ("fail", "caution") if name in verdicts), "pass")
    return Comparability(
        verdict,
        tuple(reason for _, reason in found),
        float(overlap),
        halfway.disagreement_mm,
        correlation,
    )
