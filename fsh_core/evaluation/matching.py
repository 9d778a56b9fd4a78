"""Rules for matching lesions, F1 by each rule, and panoptic quality."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fsh_core.evaluation.overlap import SIDES, Overlaps

RULES: dict[str, str] = {
    "overlap10": "where at least 10 % of a lesion's own voxels must overlap",
    "overlap25": "where at least 25 % of a lesion's own voxels must overlap",
    "msseg": "by the rule of the MSSEG challenge (Commowick et al. 2018)",
    "iou50": "matched one to one, with an intersection over union above 0.5 (recognition quality)",
}
"""Rules besides that of any overlap, each as the end of a sentence on F1."""

_LEAST_FRACTIONS = {"overlap10": 0.10, "overlap25": 0.25}

MSSEG_LEAST_OVERLAP = 0.10
MSSEG_MOST_OUTSIDE = 0.70
MSSEG_SHARE_JUDGED = 0.65
_UNIQUE_IOU = 0.5  # above it a lesion can have one partner only (Kirillov et al. 2019)
_TOLERANCE = 1e-9  # 0.1 * 70 is more than 7 in binary


@dataclass(frozen=True)
class PanopticQuality:
    """Panoptic quality and its two factors, recognition and segmentation quality.

    Attributes
    ----------
    panoptic_quality : float in [0, 1]
        Sum of the matched lesions' IoU over the mean number of lesions of both maps: the
        product of the other two.
    segmentation_quality : float in (0.5, 1]
        Mean IoU of the matched lesions; NaN where there are lesions but no match.
    recognition_quality : float in [0, 1]
        F1 of the match.
    """

    panoptic_quality: float
    segmentation_quality: float
    recognition_quality: float


def f1_of(detected: int, reference_lesions: int, confirmed: int, prediction_lesions: int) -> float:
    """F1 score over lesions; 1 if neither map has a lesion, 0 if only one has."""
    if reference_lesions == prediction_lesions == 0:
        return 1.0
    if detected == 0 or confirmed == 0:
        return 0.0
    sensitivity, precision = detected / reference_lesions, confirmed / prediction_lesions
    return 2 * sensitivity * precision / (sensitivity + precision)


def f1_by_rule(overlaps: Overlaps) -> dict[str, float]:
    """F1 over lesions by each of `RULES`.

    Overlap of 10 or 25 %
        As `match_by_fraction`, for both maps.
    MSSEG
        As `match_msseg`, for both maps.
    IoU above 0.5
        One to one; see `panoptic_quality`.

    Parameters
    ----------
    overlaps : Overlaps
        From `fsh_core.evaluation.overlap.measure_overlaps`.

    Returns
    -------
    dict of str to float
        By the names of `RULES`; 1 if there is no lesion at all, 0 if only one map has some.
    """
    scores = {}
    for rule in RULES:
        if rule == "iou50":
            scores[rule] = panoptic_quality(overlaps).recognition_quality
            continue
        matched = [
            match_msseg(overlaps, side)
            if rule == "msseg"
            else match_by_fraction(lesions, _LEAST_FRACTIONS[rule])
            for side, lesions in zip(SIDES, overlaps.sides(), strict=True)
        ]
        found, confirmed = int(np.count_nonzero(matched[0])), int(np.count_nonzero(matched[1]))
        scores[rule] = f1_of(found, len(matched[0]), confirmed, len(matched[1]))
    return scores


def match_by_fraction(lesions: pd.DataFrame, minimum_fraction: float) -> NDArray[np.bool_]:
    """Match lesions that overlap the other map's by a voxel and by at least this fraction.

    Parameters
    ----------
    lesions : DataFrame
        One side of `fsh_core.evaluation.overlap.Overlaps`.
    minimum_fraction : float in [0, 1]
        Least share of a lesion's own voxels.

    Returns
    -------
    (N,) bool
        In the order of the rows.
    """
    shared, voxels = lesions["shared"].to_numpy(), lesions["voxels"].to_numpy()
    return np.asarray((shared > 0) & (shared >= minimum_fraction * voxels * (1 - _TOLERANCE)))


def match_msseg(overlaps: Overlaps, side: str) -> NDArray[np.bool_]:
    """Match lesions as the MSSEG challenge did.

    More than 10 % of a lesion must be covered by lesions of the other map, and of those
    that cover it, taken from the largest overlap down until they make up more than 65 %
    of what is covered, none may lie by more than 70 % of its voxels outside all lesions
    (Commowick et al., Scientific Reports 2018, doi 10.1038/s41598-018-31911-7, with the
    values of their evaluation program). A prediction that floods the brain thus finds
    nothing. The challenge also dropped lesions of up to 3 mm3.

    Parameters
    ----------
    overlaps : Overlaps
        From `fsh_core.evaluation.overlap.measure_overlaps`.
    side : str
        ``reference`` (which lesions were found) or ``prediction`` (which are real).

    Returns
    -------
    (N,) bool
        In the order of that side's rows.
    """
    is_reference = side == "reference"
    other = "prediction" if is_reference else "reference"
    lesions, others = overlaps.sides() if is_reference else overlaps.sides()[::-1]
    outside_fraction = 1 - others["shared"] / others["voxels"]
    pairs = overlaps.pairs.sort_values([side, "voxels", other], ascending=[True, False, True])
    covered_before = pairs.groupby(side)["voxels"].cumsum() - pairs["voxels"]
    judged = covered_before <= MSSEG_SHARE_JUDGED * (1 + _TOLERANCE) * pairs[side].map(
        lesions["shared"]
    )
    floods = pairs[other].map(outside_fraction) > MSSEG_MOST_OUTSIDE + _TOLERANCE
    flooded = lesions.index.isin(pairs.loc[judged & floods, side])
    least = MSSEG_LEAST_OVERLAP * (1 + _TOLERANCE) * lesions["voxels"].to_numpy()
    enough = lesions["shared"].to_numpy() > least
    return np.asarray(enough & ~flooded)


def panoptic_quality(overlaps: Overlaps) -> PanopticQuality:
    """Panoptic quality: how many lesions are matched, and how well.

    Two lesions are matched when their intersection over union is above 0.5; a lesion
    can have only one such partner (Kirillov et al., CVPR 2019, doi
    10.1109/CVPR.2019.00963).

    Parameters
    ----------
    overlaps : Overlaps
        From `fsh_core.evaluation.overlap.measure_overlaps`.

    Returns
    -------
    PanopticQuality
        All 1 if there is no lesion at all; without a match, quality and recognition are
        0 and the segmentation quality is NaN.
    """
    iou = overlaps.pairs["iou"].to_numpy(dtype=np.float64)
    iou = iou[iou > _UNIQUE_IOU]
    mean_lesions = sum(len(lesions) for lesions in overlaps.sides()) / 2
    if mean_lesions == 0:
        return PanopticQuality(1.0, 1.0, 1.0)
    return PanopticQuality(
        panoptic_quality=float(iou.sum() / mean_lesions),
        segmentation_quality=float(iou.mean()) if iou.size else float("nan"),
        recognition_quality=iou.size / mean_lesions,
    )
