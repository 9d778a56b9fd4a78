"""Agreement of two masks, lesion by lesion."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fsh_core.evaluation.matching import (
    PanopticQuality,
    f1_by_rule,
    f1_of,
    match_by_fraction,
    panoptic_quality,
)
from fsh_core.evaluation.overlap import measure_overlaps, overlap_table
from fsh_core.evaluation.ratio import ratio
from fsh_core.volume.components import equivalent_diameter_mm

__all__ = ["SIZE_BINS", "LesionMetrics", "SizeBin", "lesion_metrics", "overlap_table"]

SMALL_MM = 3.0
LARGE_MM = 10.0
SIZE_BINS = {
    "below_3mm": "below 3 mm in equivalent diameter",
    "3_to_10mm": "of 3 to 10 mm in equivalent diameter",
    "above_10mm": "above 10 mm in equivalent diameter",
}
"""Sizes of lesions that are counted apart."""


@dataclass(frozen=True)
class SizeBin:
    """Agreement on the lesions of one size, each by its own size.

    Attributes
    ----------
    lesions : int
        Reference lesions of this size.
    detected : int
        Those that were found.
    sensitivity : float
        ``detected / lesions``; NaN (nothing to find) where there are none.
    predicted : int
        Predicted lesions of this size.
    confirmed : int
        Those that are in the reference.
    precision : float
        ``confirmed / predicted``; NaN (nothing claimed) where there are none.
    """

    lesions: int
    detected: int
    sensitivity: float
    predicted: int
    confirmed: int
    precision: float


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
        Agreement by equivalent diameter: ``below_3mm``, ``3_to_10mm`` (both ends
        included) and ``above_10mm``.
    f1_by_rule : mapping of str to float
        F1 by the other rules for a match, `fsh_core.evaluation.matching.RULES`.
    panoptic : PanopticQuality
        Panoptic quality and its two parts.
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
    f1_by_rule: Mapping[str, float]
    panoptic: PanopticQuality


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
        raise ValueError(
            f"minimum_overlap_fraction must be in [0, 1], got {minimum_overlap_fraction}"
        )
    overlaps = measure_overlaps(reference_labels, prediction_labels)
    reference = _judged(overlaps.reference, minimum_overlap_fraction, voxel_volume_mm3)
    prediction = _judged(overlaps.prediction, minimum_overlap_fraction, voxel_volume_mm3)
    detected, confirmed = int(reference["matched"].sum()), int(prediction["matched"].sum())
    empty = 1.0 if len(reference) == len(prediction) == 0 else 0.0
    return LesionMetrics(
        reference_lesions=len(reference),
        prediction_lesions=len(prediction),
        detected_lesions=detected,
        confirmed_lesions=confirmed,
        sensitivity=ratio(detected, len(reference), empty),
        precision=ratio(confirmed, len(prediction), empty),
        f1=f1_of(detected, len(reference), confirmed, len(prediction)),
        reference_matched=dict(
            zip(reference.index.tolist(), reference["matched"].tolist(), strict=True)
        ),
        prediction_matched=dict(
            zip(prediction.index.tolist(), prediction["matched"].tolist(), strict=True)
        ),
        by_size={size: _size_bin(reference, prediction, size) for size in SIZE_BINS},
        f1_by_rule=f1_by_rule(overlaps),
        panoptic=panoptic_quality(overlaps),
    )


def _judged(
    lesions: pd.DataFrame, minimum_overlap_fraction: float, voxel_volume_mm3: float
) -> pd.DataFrame:
    """Add to the lesions of a map whether each is matched, and the bin of its size."""
    return lesions.assign(
        matched=match_by_fraction(lesions, minimum_overlap_fraction),
        size=_sizes(lesions, voxel_volume_mm3),
    )


def _sizes(lesions: pd.DataFrame, voxel_volume_mm3: float) -> list[str]:
    """Name the bin of each lesion."""
    diameters_mm = [
        equivalent_diameter_mm(voxels * voxel_volume_mm3) for voxels in lesions["voxels"]
    ]
    return [_size_of(diameter_mm) for diameter_mm in diameters_mm]


def _size_of(diameter_mm: float) -> str:
    """Name the bin of a diameter; one on a border belongs to the middle."""
    below, middle, above = SIZE_BINS
    if diameter_mm < SMALL_MM:
        return below
    return above if diameter_mm > LARGE_MM else middle


def _size_bin(reference: pd.DataFrame, prediction: pd.DataFrame, size: str) -> SizeBin:
    """Count the lesions of one size in both maps, and those that are matched."""
    is_detected = reference["matched"][reference["size"] == size]
    is_confirmed = prediction["matched"][prediction["size"] == size]
    detected, confirmed = int(is_detected.sum()), int(is_confirmed.sum())
    return SizeBin(
        lesions=len(is_detected),
        detected=detected,
        sensitivity=ratio(detected, len(is_detected)),
        predicted=len(is_confirmed),
        confirmed=confirmed,
        precision=ratio(confirmed, len(is_confirmed)),
    )
