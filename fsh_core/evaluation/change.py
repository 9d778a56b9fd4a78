"""Agreement of found with true lesion changes between two visits."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fsh_core.evaluation.matching import f1_of
from fsh_core.evaluation.overlap import measure_overlaps
from fsh_core.evaluation.ratio import ratio
from fsh_core.volume.components import equivalent_diameter_mm

CHANGE_SIZES_MM: dict[str, tuple[float, float]] = {
    "below 3 mm": (0.0, 3.0),
    "3 to 5 mm": (3.0, 5.0),
    "5 to 8 mm": (5.0, 8.0),
    "8 mm and more": (8.0, float("inf")),
}
"""Sizes by which changes are counted: equivalent diameters, the lower end included."""

LEAST_DIAMETER_MM = 3.0
"""Smaller changes are neither missed nor false, as in the criteria for new lesions."""

NOT_FOUND = "not found"
NOT_TRUE = "no change"

_ROUNDING = 1e-6  # of a diameter, which comes from a volume by a cube root


@dataclass(frozen=True)
class SizeCount:
    """Changes of one size.

    Attributes
    ----------
    true, detected : int
        True changes of this size, and those that were found.
    found, false : int
        Found changes of this size, and those that are no such change.
    """

    true: int
    detected: int
    found: int
    false: int


@dataclass(frozen=True)
class ChangeMetrics:
    """Agreement on the changes of one kind, or on all of them together.

    Attributes
    ----------
    dice : float in [0, 1]
        Of the voxels, whatever their size; 1 if there is no change in either map.
    true, detected : int
        True changes of at least the least diameter, and those of them that were found.
    found, confirmed : int
        Found changes that count, and those of them that are true. A found change counts
        if it has at least the least diameter or touches a true one that has.
    false : int
        Those that touch no true change, however small.
    sensitivity, precision, f1 : float in [0, 1]
        Of these counts. 1 where there is neither a true nor a found change, 0 where there
        is only one of them.
    by_size : mapping of str to SizeCount
        Of every size of `CHANGE_SIZES_MM`, each change by its own.
    """

    dice: float
    true: int
    detected: int
    found: int
    confirmed: int
    false: int
    sensitivity: float
    precision: float
    f1: float
    by_size: Mapping[str, SizeCount]


def change_metrics(
    reference_labels: NDArray[np.int32],
    found_labels: NDArray[np.int32],
    voxel_volume_mm3: float,
    least_diameter_mm: float = LEAST_DIAMETER_MM,
) -> ChangeMetrics:
    """Compare found with true changes, voxel by voxel and change by change.

    A change is matched by one voxel that it shares with a change of the other map, as in
    the challenge on new lesions that set the standard (MSSEG-2; Commowick et al. 2021).
    Small true changes need not be found, and a found change is not false if it lies on
    one of them.

    Parameters
    ----------
    reference_labels, found_labels : (I, J, K) int
        Numbers of changed lesions on one grid, 0 elsewhere; of one kind, or of several.
    voxel_volume_mm3 : float
        Volume of one voxel, in mm3.
    least_diameter_mm : float
        Equivalent diameter from which a change counts.

    Returns
    -------
    ChangeMetrics

    Raises
    ------
    ValueError
        If shapes differ, or if a mask is given instead of labels.
    """
    overlaps = measure_overlaps(reference_labels, found_labels)
    true = _sized(overlaps.reference, voxel_volume_mm3)
    found = _sized(overlaps.prediction, voxel_volume_mm3)
    least_mm = least_diameter_mm * (1 - _ROUNDING)
    counted = true[true["diameter_mm"] >= least_mm]
    on_counted = overlaps.pairs.loc[overlaps.pairs["reference"].isin(counted.index), "prediction"]
    confirmed = found.index.isin(on_counted)
    large = (found["diameter_mm"] >= least_mm).to_numpy()
    false = large & ~found["matched"].to_numpy()
    detected = int(counted["matched"].sum())
    hits, claims = int(confirmed.sum()), int((confirmed | false).sum())
    empty = 1.0 if len(counted) == claims == 0 else 0.0
    shared = int(overlaps.pairs["voxels"].sum())
    total = int(true["voxels"].sum()) + int(found["voxels"].sum())
    return ChangeMetrics(
        dice=ratio(2 * shared, total, 1.0),
        true=len(counted),
        detected=detected,
        found=claims,
        confirmed=hits,
        false=int(false.sum()),
        sensitivity=ratio(detected, len(counted), empty),
        precision=ratio(hits, claims, empty),
        f1=f1_of(detected, len(counted), hits, claims),
        by_size={name: _count(true, found, name) for name in CHANGE_SIZES_MM},
    )


def size_of(diameter_mm: float) -> str:
    """Name the size of a change, one of `CHANGE_SIZES_MM`.

    Parameters
    ----------
    diameter_mm : float
        Equivalent diameter, in mm.
    """
    reached = [
        name
        for name, (low_mm, _) in CHANGE_SIZES_MM.items()
        if diameter_mm >= low_mm * (1 - _ROUNDING)
    ]
    return reached[-1]


def _sized(lesions: pd.DataFrame, voxel_volume_mm3: float) -> pd.DataFrame:
    """Add diameter, size and whether a change shares a voxel with the other map."""
    diameters_mm = [
        equivalent_diameter_mm(voxels * voxel_volume_mm3) for voxels in lesions["voxels"]
    ]
    return lesions.assign(
        diameter_mm=np.asarray(diameters_mm, dtype=np.float64),
        size=[size_of(diameter_mm) for diameter_mm in diameters_mm],
        matched=lesions["shared"] > 0,
    )


def _count(true: pd.DataFrame, found: pd.DataFrame, size: str) -> SizeCount:
    """Count the changes of one size."""
    detected = true["matched"][true["size"] == size]
    confirmed = found["matched"][found["size"] == size]
    return SizeCount(
        true=len(detected),
        detected=int(detected.sum()),
        found=len(confirmed),
        false=int((~confirmed).sum()),
    )


def kinds_found(
    reference_labels: NDArray[np.int32],
    reference_kinds: Mapping[int, str],
    found_labels: NDArray[np.int32],
    found_kinds: Mapping[int, str],
) -> pd.DataFrame:
    """Count as what each true change was found, and what each found one truly is.

    Each change belongs to the one of the other map that it shares most voxels with.

    Parameters
    ----------
    reference_labels, found_labels : (I, J, K) int
        Numbers of lesions on one grid, 0 elsewhere.
    reference_kinds, found_kinds : mapping of int to str
        What happened to each; lesions that are not named are left out.

    Returns
    -------
    DataFrame
        Columns ``true``, ``found`` and ``lesions``: how many true changes were found as
        that (`NOT_FOUND` if no found one touches them), and with ``true`` `NOT_TRUE`
        how many found ones touch no true one.

    Raises
    ------
    ValueError
        If shapes differ, or if a mask is given instead of labels.
    """
    overlaps = measure_overlaps(
        _only(reference_labels, reference_kinds), _only(found_labels, found_kinds)
    )
    best = overlaps.pairs.sort_values("voxels", kind="stable").drop_duplicates(
        "reference", keep="last"
    )
    partner = dict(zip(best["reference"].tolist(), best["prediction"].tolist(), strict=True))
    rows = [
        (reference_kinds[label], found_kinds[partner[label]] if label in partner else NOT_FOUND)
        for label in overlaps.reference.index.tolist()
    ]
    alone = overlaps.prediction.index[overlaps.prediction["shared"] == 0]
    rows += [(NOT_TRUE, found_kinds[label]) for label in alone.tolist()]
    table = pd.DataFrame(rows, columns=["true", "found"])
    return table.value_counts(sort=False).rename("lesions").reset_index()


def _only(labels: NDArray[np.int32], kinds: Mapping[int, str]) -> NDArray[np.int32]:
    """Keep the lesions that are named."""
    return np.where(np.isin(labels, list(kinds)), labels, 0).astype(np.int32)
