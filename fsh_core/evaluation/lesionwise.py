"""Agreement of two masks, lesion by lesion."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fsh_core.evaluation.voxel import check_shapes
from fsh_core.lesions.label import equivalent_diameter_mm

SMALL_MM = 3.0
LARGE_MM = 10.0
SIZE_BINS = {
    "below_3mm": "below 3 mm in equivalent diameter",
    "3_to_10mm": "of 3 to 10 mm in equivalent diameter",
    "above_10mm": "above 10 mm in equivalent diameter",
}
"""Sizes of reference lesions for which detection is counted apart."""


@dataclass(frozen=True)
class SizeBin:
    """Detection of the reference lesions of one size.

    Attributes
    ----------
    lesions : int
        Reference lesions of this size.
    detected : int
        Those that were found.
    sensitivity : float
        ``detected / lesions``; NaN (nothing to find) where there are none.
    """

    lesions: int
    detected: int
    sensitivity: float


@dataclass(frozen=True)
class LesionMetrics:
    """Agreement of two label maps, lesion by lesion.

    Attributes
    ----------
    reference_lesions, prediction_lesions : int
        How many there are.
    detected_lesions : int
        Reference lesions that were found.
    confirmed_lesions : int
        Predicted lesions that are in the reference; the others are false.
    sensitivity : float in [0, 1]
        ``detected_lesions / reference_lesions``.
    precision : float in [0, 1]
        ``confirmed_lesions / prediction_lesions``: positive predictive value.
    f1 : float in [0, 1]
        Harmonic mean of the two.
    reference_matched, prediction_matched : mapping of int to bool
        For every label, whether that lesion was matched.
    by_size : mapping of str to SizeBin
        Detection by equivalent diameter: ``below_3mm``, ``3_to_10mm`` (both ends
        included) and ``above_10mm``.
    """

    reference_lesions: int
    prediction_lesions: int
    detected_lesions: int
    confirmed_lesions: int
    sensitivity: float
    precision: float
    f1: float
    reference_matched: Mapping[int, bool]
    prediction_matched: Mapping[int, bool]
    by_size: Mapping[str, SizeBin]


def lesion_metrics(
    reference_labels: NDArray[np.int32],
    prediction_labels: NDArray[np.int32],
    voxel_volume_mm3: float,
    minimum_overlap_fraction: float = 0.0,
) -> LesionMetrics:
    """Compare two label maps lesion by lesion.

    A lesion is what `label_lesions` numbers: a 26-connected component. It is matched if
    at least one of its voxels, and at least ``minimum_overlap_fraction`` of them, lie in
    lesions of the other map; those may be several, and one may match several. F1 is the
    harmonic mean of detection sensitivity and positive predictive value (Commowick et
    al., Scientific Reports 2018).

    Empty maps follow the rule of `voxel_metrics`: sensitivity, precision and F1 are all
    1 if neither map has a lesion, and all 0 if only one has. The sensitivity of a size
    of which the reference has no lesion is NaN, which summaries leave out and count.

    Parameters
    ----------
    reference_labels, prediction_labels : (I, J, K) int
        0 = background; numbers need not be consecutive.
    voxel_volume_mm3 : float
        Volume of one voxel, in mm3.
    minimum_overlap_fraction : float in [0, 1]
        Least share of a lesion's own voxels that must overlap; 0: one voxel suffices.

    Returns
    -------
    LesionMetrics
        Counts, ratios, and the matched flag of every lesion.

    Raises
    ------
    ValueError
        If shapes differ, if a mask is given instead of labels, or if the fraction is not
        in [0, 1].
    """
    if not 0 <= minimum_overlap_fraction <= 1:
        raise ValueError(f"minimum_overlap_fraction must be in [0, 1], got {minimum_overlap_fraction}")
    overlaps = overlap_table(reference_labels, prediction_labels)
    reference = _match(overlaps, "reference", "prediction", minimum_overlap_fraction)
    prediction = _match(overlaps, "prediction", "reference", minimum_overlap_fraction)
    detected, confirmed = int(reference["matched"].sum()), int(prediction["matched"].sum())
    empty = 1.0 if len(reference) == len(prediction) == 0 else 0.0
    sensitivity = detected / len(reference) if len(reference) else empty
    precision = confirmed / len(prediction) if len(prediction) else empty
    both = sensitivity + precision
    return LesionMetrics(
        reference_lesions=len(reference),
        prediction_lesions=len(prediction),
        detected_lesions=detected,
        confirmed_lesions=confirmed,
        sensitivity=sensitivity,
        precision=precision,
        f1=2 * sensitivity * precision / both if both else 0.0,
        reference_matched=dict(zip(reference.index.tolist(), reference["matched"].tolist(), strict=True)),
        prediction_matched=dict(zip(prediction.index.tolist(), prediction["matched"].tolist(), strict=True)),
        by_size=_by_size(reference, voxel_volume_mm3),
    )


def overlap_table(reference_labels: NDArray[np.int32], prediction_labels: NDArray[np.int32]) -> pd.DataFrame:
    """Count the voxels of every pair of labels: the one table behind all lesion metrics.

    Parameters
    ----------
    reference_labels, prediction_labels : (I, J, K) int
        0 = background.

    Returns
    -------
    DataFrame
        Columns ``reference``, ``prediction`` (labels) and ``voxels``, one row per pair
        that occurs, background with background left out.

    Raises
    ------
    ValueError
        If shapes differ, or if a mask is given instead of labels.
    """
    check_shapes(reference_labels, prediction_labels)
    for name, labels in (("reference", reference_labels), ("prediction", prediction_labels)):
        if labels.dtype.kind not in "iu":
            raise ValueError(f"{name} must be integer labels, got {labels.dtype}; number a mask with label_lesions")
    somewhere = (reference_labels > 0) | (prediction_labels > 0)
    base = int(prediction_labels.max(initial=0)) + 1
    pairs = reference_labels[somewhere].astype(np.int64) * base + prediction_labels[somewhere]
    found, voxels = np.unique(pairs, return_counts=True)
    return pd.DataFrame({"reference": found // base, "prediction": found % base, "voxels": voxels})


def _match(overlaps: pd.DataFrame, side: str, other: str, minimum_fraction: float) -> pd.DataFrame:
    """Return ``voxels`` and ``matched`` for every lesion of one side, indexed by label."""
    lesions = overlaps[overlaps[side] > 0]
    voxels = lesions.groupby(side)["voxels"].sum()
    shared = lesions["voxels"].where(lesions[other] > 0, 0).groupby(lesions[side]).sum()
    matched = (shared > 0) & (shared >= minimum_fraction * voxels)
    return pd.DataFrame({"voxels": voxels, "matched": matched})


def _by_size(reference: pd.DataFrame, voxel_volume_mm3: float) -> dict[str, SizeBin]:
    """Count the reference lesions, and those found, in each bin of diameters."""
    diameter_mm = np.array([equivalent_diameter_mm(voxels * voxel_volume_mm3) for voxels in reference["voxels"]])
    matched = reference["matched"].to_numpy(dtype=bool)
    chosen = {
        "below_3mm": diameter_mm < SMALL_MM,
        "3_to_10mm": (diameter_mm >= SMALL_MM) & (diameter_mm <= LARGE_MM),
        "above_10mm": diameter_mm > LARGE_MM,
    }
    bins = {}
    for name, here in chosen.items():
        lesions, detected = int(here.sum()), int((here & matched).sum())
        bins[name] = SizeBin(lesions, detected, detected / lesions if lesions else float("nan"))
    return bins
