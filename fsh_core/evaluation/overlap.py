"""Overlap table of two label maps, from which all lesion metrics follow."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fsh_core.evaluation.voxel import check_shapes

SIDES = ("reference", "prediction")


def overlap_table(
    reference_labels: NDArray[np.int32], prediction_labels: NDArray[np.int32]
) -> pd.DataFrame:
    """Count the voxels of every pair of labels.

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
    for name, labels in zip(SIDES, (reference_labels, prediction_labels), strict=True):
        if labels.dtype.kind not in "iu":
            raise ValueError(
                f"{name} must be integer labels, got {labels.dtype}; "
                "number a mask with label_lesions"
            )
    somewhere = (reference_labels > 0) | (prediction_labels > 0)
    base = int(prediction_labels.max(initial=0)) + 1
    pairs = reference_labels[somewhere].astype(np.int64) * base + prediction_labels[somewhere]
    found, voxels = np.unique(pairs, return_counts=True)
    return pd.DataFrame({"reference": found // base, "prediction": found % base, "voxels": voxels})


@dataclass(frozen=True)
class Overlaps:
    """The lesions of two label maps and what they share.

    Attributes
    ----------
    reference, prediction : DataFrame
        One row per lesion, indexed by label: ``voxels``, and ``shared``, those of them
        that lie in lesions of the other map.
    pairs : DataFrame
        One row per pair that shares voxels: the labels ``reference`` and ``prediction``,
        ``voxels`` (shared), and ``iou``, the intersection over the union, in (0, 1].
    """

    reference: pd.DataFrame
    prediction: pd.DataFrame
    pairs: pd.DataFrame

    def sides(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the lesions of both maps."""
        return self.reference, self.prediction


def measure_overlaps(
    reference_labels: NDArray[np.int32], prediction_labels: NDArray[np.int32]
) -> Overlaps:
    """Overlaps of the lesions of two label maps.

    Parameters
    ----------
    reference_labels, prediction_labels : (I, J, K) int
        Numbered lesions, 0 elsewhere.

    Returns
    -------
    Overlaps
        Lesions of both maps, and the pairs that share voxels.

    Raises
    ------
    ValueError
        As `overlap_table`.
    """
    table = overlap_table(reference_labels, prediction_labels)
    shared = (table["reference"] > 0) & (table["prediction"] > 0)
    reference = _lesions(table, "reference", shared.to_numpy())
    prediction = _lesions(table, "prediction", shared.to_numpy())
    pairs = table[shared].reset_index(drop=True)
    sizes = (
        reference["voxels"].loc[pairs["reference"]].to_numpy()
        + prediction["voxels"].loc[pairs["prediction"]]
    )
    pairs["iou"] = pairs["voxels"].to_numpy() / (sizes.to_numpy() - pairs["voxels"].to_numpy())
    return Overlaps(reference, prediction, pairs)


def _lesions(table: pd.DataFrame, side: str, shared: NDArray[np.bool_]) -> pd.DataFrame:
    """Size of each lesion of one side, and how much of it is shared."""
    is_lesion = table[side].to_numpy() > 0
    labels, row = np.unique(table[side].to_numpy()[is_lesion], return_inverse=True)
    voxels = table["voxels"].to_numpy()[is_lesion]
    sums = [
        np.bincount(row, weights=counts, minlength=len(labels)).astype(np.int64)
        for counts in (voxels, voxels * shared[is_lesion])
    ]
    return pd.DataFrame({"voxels": sums[0], "shared": sums[1]}, index=pd.Index(labels, name=side))
