"""Measures of single lesions while they are edited: fast enough to follow a brush."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fsh_core.evaluation.lesionwise import lesion_metrics
from fsh_core.evaluation.voxel import voxel_metrics
from fsh_core.lesions.label import label_lesions
from fsh_core.lesions.measure import LESION_COLUMNS, SHELL_MM, lesion_table
from fsh_core.volume.boxes import (
    Box,
    bounding_box,
    crop,
    first_voxel,
    is_empty,
    touches_border,
    voxels_across,
    whole_box,
    widen,
)
from fsh_core.volume.volume import Volume


def measure_lesions(
    labels: NDArray[np.integer[Any]],
    wanted: Sequence[int],
    flair: Volume,
    probability: NDArray[np.float32],
    brain: NDArray[np.bool_],
    boxes: Mapping[int, Box] | None = None,
) -> pd.DataFrame:
    """Measure some lesions, each within its surroundings alone.

    As `fsh_core.lesions.measure.lesion_table`, but what counts as dark tissue is taken from
    the neighbourhood of 10 mm and not from the whole brain, so that ``contrast`` may
    differ a little.

    Parameters
    ----------
    labels : (I, J, K) int
        0 = background.
    wanted : sequence of int
        Which lesions; those without a voxel get no row.
    flair : Volume
        The scan, (I, J, K).
    probability : (I, J, K) float32 in [0, 1]
        Lesion probability.
    brain : (I, J, K) bool
        Where the brain is.
    boxes : mapping of int to Box, optional
        A part of the scan, by label, that holds the lesion; a label without one is looked for in
        all of the scan, which takes long in a large one.

    Returns
    -------
    DataFrame
        One row per lesion, in the order wanted.
    """
    # One voxel more than lesion_table looks at, so that the cut-out's border is never a lesion's.
    margin = [voxels + 1 for voxels in voxels_across(SHELL_MM[1], flair.spacing_mm)]
    rows = []
    for label in wanted:
        part = (boxes or {}).get(label, whole_box(labels.shape))
        own = _moved(bounding_box(labels[part] == label), part)
        if is_empty(own):
            continue
        box = widen(own, margin, labels.shape)
        here = labels[box]
        tissue = brain[box] & ((here == 0) | (here == label))
        single = np.where(here == label, np.int32(1), np.int32(0))
        row = lesion_table(single, crop(flair, box), probability[box], tissue)
        row["label"] = label
        for axis, start in zip("ijk", first_voxel(box), strict=True):
            row[f"centroid_{axis}"] += float(start)
            row[f"inside_{axis}"] += int(start)
        row["touches_border"] = touches_border(own, labels.shape)
        rows.append(row)
    return (
        pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=list(LESION_COLUMNS))
    )


def _moved(box: Box, part: Box) -> Box:
    """Return where a box lies in an array, from where it lies in a part of it."""
    sides = [
        slice(own.start + first, own.stop + first)
        for own, first in zip(box, first_voxel(part).tolist(), strict=True)
    ]
    return sides[0], sides[1], sides[2]


def overlap_scores(
    reference: NDArray[np.bool_], prediction: NDArray[np.bool_], voxel_volume_mm3: float
) -> tuple[float, float]:
    """Return Dice and lesion-wise F1 of two masks, (I, J, K) bool; 1 and 1 if both are empty.

    Only the box that holds both is looked at, so that it can follow every edit.
    """
    box = bounding_box(reference | prediction)
    one, two = reference[box], prediction[box]
    if one.size == 0:
        return 1.0, 1.0
    lesions = lesion_metrics(
        label_lesions(one, voxel_volume_mm3), label_lesions(two, voxel_volume_mm3), voxel_volume_mm3
    )
    return voxel_metrics(one, two).dice, lesions.f1
