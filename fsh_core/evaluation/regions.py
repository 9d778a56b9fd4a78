"""Agreement of two masks, region by region of the brain."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fsh_core.evaluation.overlap import measure_overlaps
from fsh_core.evaluation.rules import match_by_fraction
from fsh_core.evaluation.voxel import check_shapes, voxel_metrics
from fsh_core.imaging.volume import Volume, check_same_grid
from fsh_core.lesions.label import label_lesions

ELSEWHERE = "elsewhere"

REGION_COLUMNS: dict[str, str] = {
    "region": "Name of the region; elsewhere is all that lies in none.",
    "dice": "Dice of the masks within the region, 0 to 1; undefined if neither has a voxel there.",
    "reference_ml": "Lesion volume of the reference within the region, in ml.",
    "prediction_ml": "Lesion volume of the prediction within the region, in ml.",
    "lesion_sensitivity": "Share of the region's reference lesions that were found; undefined without any.",
    "lesion_precision": "Share of the region's predicted lesions that are in the reference; undefined without any.",
    "reference_lesions": "Reference lesions of the region: those with most of their voxels in it.",
    "detected_lesions": "Those of them that the prediction overlaps.",
    "prediction_lesions": "Predicted lesions of the region.",
    "false_lesions": "Those of them that overlap no reference lesion.",
}
"""Every column of the region table and what it holds, with its unit."""


def region_metrics(
    reference: Volume,
    prediction: Volume,
    regions: NDArray[np.integer],
    names: Mapping[int, str],
    minimum_volume_mm3: float = 0.0,
) -> pd.DataFrame:
    """Compare a predicted mask with its reference in each region.

    Voxels count where they lie. A lesion, in the sense of `label_lesions`, belongs as a
    whole to the region that holds most of its voxels (of equal ones the first named, and
    a named one before elsewhere), and is matched when one voxel overlaps a lesion of the
    other mask, wherever that one belongs.

    Parameters
    ----------
    reference, prediction : Volume
        Masks, (I, J, K) bool, on one grid.
    regions : (I, J, K) int
        Label of the region of every voxel; labels that ``names`` does not have are
        elsewhere.
    names : mapping of int to str
        Name of each label, in the order of the rows; several labels may share a name.
    minimum_volume_mm3 : float
        Lesions below it, in either mask, are not counted as lesions, in mm3.

    Returns
    -------
    DataFrame
        One row per name, and one for `ELSEWHERE`, with the columns of `REGION_COLUMNS`;
        the counts add up to those of `evaluate_case`.

    Raises
    ------
    InputError
        If the grids of the masks differ.
    ValueError
        If the regions have another shape.
    """
    check_same_grid(prediction, reference, "prediction", "reference")
    check_shapes(reference.data, regions)
    rows = [*dict.fromkeys(names.values()), ELSEWHERE]
    place = np.full(regions.shape, len(rows) - 1, dtype=np.int32)
    for label, name in names.items():
        place[regions == label] = rows.index(name)
    labels = [
        label_lesions(mask.data, reference.voxel_volume_mm3, minimum_volume_mm3) for mask in (reference, prediction)
    ]
    overlaps = measure_overlaps(labels[0], labels[1])
    homes = [_homes(one, place, len(rows)) for one in labels]
    matched = [match_by_fraction(side, 0.0) for side in overlaps.sides()]
    table = pd.DataFrame(
        _voxels(reference, prediction, place == row) | _lesions([home == row for home in homes], matched)
        for row in range(len(rows))
    )
    return table.assign(region=rows)[list(REGION_COLUMNS)]


def _homes(labels: NDArray[np.int32], place: NDArray[np.int32], count: int) -> NDArray[np.intp]:
    """Row of the region that holds most of each lesion, in the order of the labels."""
    inside = labels > 0
    lesions = int(labels.max(initial=0))
    voxels = np.bincount((labels[inside] - 1) * count + place[inside], minlength=lesions * count)
    return np.asarray(voxels.reshape(lesions, count).argmax(axis=1))


def _voxels(reference: Volume, prediction: Volume, here: NDArray[np.bool_]) -> dict[str, float]:
    """Dice and volumes of the voxels of one region."""
    real, claimed = (int(np.count_nonzero(mask.data & here)) for mask in (reference, prediction))
    some = real + claimed > 0
    return {
        "dice": voxel_metrics(reference.data, prediction.data, here).dice if some else float("nan"),
        "reference_ml": real * reference.voxel_volume_mm3 / 1000,
        "prediction_ml": claimed * reference.voxel_volume_mm3 / 1000,
    }


def _lesions(here: list[NDArray[np.bool_]], matched: list[NDArray[np.bool_]]) -> dict[str, float]:
    """Counts and ratios of the lesions of one region."""
    lesions, predicted = (int(np.count_nonzero(one)) for one in here)
    detected, confirmed = (int(np.count_nonzero(one & found)) for one, found in zip(here, matched, strict=True))
    undefined = float("nan")
    return {
        "lesion_sensitivity": detected / lesions if lesions else undefined,
        "lesion_precision": confirmed / predicted if predicted else undefined,
        "reference_lesions": lesions,
        "detected_lesions": detected,
        "prediction_lesions": predicted,
        "false_lesions": predicted - confirmed,
    }
