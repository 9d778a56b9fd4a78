"""Repeatability of the volume of single lesions, by size."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from fsh_core.studies.statistics import FEWEST_FOR_AN_INTERVAL

UP_TO_MM3 = (30.0, 100.0, 300.0, float("inf"))
"""Upper ends of the classes of volume: about 4, 6 and 8 mm in equivalent diameter."""

LESION_REPEATABILITY_COLUMNS: dict[str, str] = {
    "up_to_mm3": "Upper end of the class of volume, not included, in mm3.",
    "lesions": "Lesions that were measured twice.",
    "patients": "Patients of these lesions; each counts once, and its lesions share that.",
    "log_ratio": "95th percentile of the size of the logarithm of the two volumes' ratio.",
    "log_ratio_low": "Lower end of its 95 % bootstrap interval over patients; undefined for fewer "
    "than 5.",
    "log_ratio_high": "Upper end of that interval.",
    "increase_percent": "The same limit as an increase, in % of the smaller volume.",
    "decrease_percent": "The same limit as a decrease, in % of the larger volume.",
}
"""Every column of the table of limits and what it holds."""

_COVERAGE = 0.95
_INTERVAL = (2.5, 97.5)  # percentiles of the draws
_DRAWS = 2000


def lesion_repeatability(
    first_mm3: ArrayLike,
    second_mm3: ArrayLike,
    patients: ArrayLike,
    up_to_mm3: Sequence[float] = UP_TO_MM3,
) -> pd.DataFrame:
    """Limits of the change of a lesion's volume between two scans without any change.

    The limit of a class is exceeded by one lesion in twenty. A percentile, and not the
    standard deviation of Bland and Altman's limits, since the logarithms of small lesions
    have long tails. A lesion's class is that of the geometric mean of its two volumes,
    so that neither scan is preferred.

    Parameters
    ----------
    first_mm3, second_mm3 : (N,) floats
        Volume of each lesion in both scans, above 0.
    patients : (N,) of names
        Whose lesion it is. The lesions of a patient share the weight of one, in every
        class anew.
    up_to_mm3 : sequence of float
        Upper ends of the classes, ascending; the last is usually infinite.

    Returns
    -------
    DataFrame
        A row a class, with the columns of `LESION_REPEATABILITY_COLUMNS`; NaN without a
        lesion.

    Raises
    ------
    ValueError
        If lengths differ, or if a volume is not above 0.
    """
    first = np.asarray(first_mm3, dtype=np.float64).ravel()
    second = np.asarray(second_mm3, dtype=np.float64).ravel()
    names = np.asarray(patients, dtype=object).ravel()
    if not first.shape == second.shape == names.shape:
        raise ValueError(
            f"expected as many first and second volumes as patients, "
            f"got {first.size}, {second.size} and {names.size}"
        )
    if not (np.minimum(first, second) > 0).all():
        raise ValueError("volumes must be above 0: lesions that one scan lacks have no ratio")
    sizes = np.abs(np.log(second) - np.log(first))
    classes = np.searchsorted(np.asarray(up_to_mm3), np.sqrt(first * second), side="right")
    rows = [
        _row(end, sizes[classes == number], names[classes == number])
        for number, end in enumerate(up_to_mm3)
    ]
    return pd.DataFrame(rows, columns=list(LESION_REPEATABILITY_COLUMNS))


def _row(end: float, sizes: NDArray[np.float64], names: NDArray[np.object_]) -> dict[str, float]:
    """Limit of one class."""
    by_patient = [np.sort(sizes[names == name]) for name in sorted(set(names.tolist()), key=str)]
    limit = _limit(by_patient)
    low, high = float("nan"), float("nan")
    if len(by_patient) >= FEWEST_FOR_AN_INTERVAL:
        rng = np.random.default_rng(0)
        drawn = [
            _limit(
                [by_patient[place] for place in rng.integers(len(by_patient), size=len(by_patient))]
            )
            for _ in range(_DRAWS)
        ]
        low, high = np.percentile(drawn, _INTERVAL).tolist()
    return {
        "up_to_mm3": float(end),
        "lesions": sizes.size,
        "patients": len(by_patient),
        "log_ratio": limit,
        "log_ratio_low": low,
        "log_ratio_high": high,
        "increase_percent": float(100 * np.expm1(limit)),
        "decrease_percent": float(-100 * np.expm1(-limit)),
    }


def _limit(by_patient: Sequence[NDArray[np.float64]]) -> float:
    """Smallest size that holds 95 % of the lesions, each patient weighing the same."""
    if not by_patient:
        return float("nan")
    sizes = np.concatenate(by_patient)
    weights = np.concatenate([np.full(part.size, 1 / part.size) for part in by_patient])
    order = np.argsort(sizes, kind="stable")
    covered = np.cumsum(weights[order]) / weights.sum()
    reached = int(np.searchsorted(covered, _COVERAGE * (1 - 1e-9)))
    return float(sizes[order][min(reached, sizes.size - 1)])
