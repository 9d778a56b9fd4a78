"""Agreement of two masks, region by region of the brain."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fsh_core.anatomy.template import Anatomy
from fsh_core.evaluation.matching import match_by_fraction
from fsh_core.evaluation.overlap import measure_overlaps
from fsh_core.evaluation.ratio import ratio
from fsh_core.evaluation.voxel import voxel_metrics
from fsh_core.lesions.label import label_lesions
from fsh_core.lesions.regions import REGIONS, name_regions
from fsh_core.volume.volume import Volume, check_same_grid

ELSEWHERE = "elsewhere"

REGION_COLUMNS: dict[str, str] = {
    "case": "Name of the case.",
    "region": "Region as in the lesion table; elsewhere is outside the brain; "
    "empty if the regions are not known.",
    "dice": "Dice of the masks within the region, 0 to 1; undefined if neither has a voxel there.",
    "reference_ml": "Lesion volume of the reference within the region, in ml.",
    "prediction_ml": "Lesion volume of the prediction within the region, in ml.",
    "lesion_sensitivity": "Share of the region's reference lesions that were found; "
    "undefined without any.",
    "lesion_precision": "Share of the region's predicted lesions that are in the reference; "
    "undefined without any.",
    "reference_lesions": "Reference lesions of the region.",
    "detected_lesions": "Those of them that the prediction overlaps.",
    "prediction_lesions": "Predicted lesions of the region.",
    "false_lesions": "Those of them that overlap no reference lesion.",
    "note": "Why the case's regions are not known; empty if they are.",
}
"""Every column of the region table and what it holds, with its unit."""

_MEASURES = tuple(REGION_COLUMNS)[1:-1]


def region_metrics(
    reference: Volume,
    prediction: Volume,
    anatomy: Anatomy,
    minimum_overlap_fraction: float = 0.0,
    minimum_volume_mm3: float = 0.0,
) -> pd.DataFrame:
    """Compare a predicted mask with its reference in each region.

    A lesion belongs as a whole to the region that `fsh_core.lesions.regions.name_regions`
    gives it, those of the reference as those of the prediction; it is matched wherever its
    partner belongs. A voxel belongs to the region of its reference lesion, or, outside the
    reference, of its predicted lesion, so that every voxel counts once.

    Parameters
    ----------
    reference, prediction : Volume
        Masks, (I, J, K) bool, on one grid.
    anatomy : Anatomy
        Found, on the same grid.
    minimum_overlap_fraction, minimum_volume_mm3 : float
        As for `fsh_core.evaluation.case_metrics.evaluate_case`.

    Returns
    -------
    DataFrame
        One row for each of `fsh_core.lesions.regions.REGIONS`, and one for `ELSEWHERE`, with
        the columns of `REGION_COLUMNS` but ``case`` and ``note``; counts and volumes add up
        to those of `evaluate_case`.

    Raises
    ------
    InputError
        If the grids of the masks differ.
    ValueError
        If the anatomy was not found, or has another shape.
    """
    check_same_grid(prediction, reference, "prediction", "reference")
    if anatomy.tissue is None:
        raise ValueError(f"region metrics need the anatomy of the scan: {anatomy.note}")
    rows = [*REGIONS, ELSEWHERE]
    voxel_mm3 = reference.voxel_volume_mm3
    labels = [label_lesions(mask.data, voxel_mm3) for mask in (reference, prediction)]
    homes = [_homes(numbered, reference, anatomy) for numbered in labels]
    # Row of each voxel's region: that of its reference lesion, else of its predicted one, else -1.
    place = np.append(-1, homes[0])[labels[0]]
    place = np.where(place >= 0, place, np.append(-1, homes[1])[labels[1]])
    # Numbered by size, so that the lesions that are large enough to count come first.
    kept = [
        int(label_lesions(mask.data, voxel_mm3, minimum_volume_mm3).max())
        for mask in (reference, prediction)
    ]
    overlaps = measure_overlaps(
        *(
            np.where(numbered <= most, numbered, 0)
            for numbered, most in zip(labels, kept, strict=True)
        )
    )
    matched = [match_by_fraction(side, minimum_overlap_fraction) for side in overlaps.sides()]
    counted = [home[:most] for home, most in zip(homes, kept, strict=True)]
    table = pd.DataFrame(
        _voxels(reference, prediction, place == row)
        | _lesions([home == row for home in counted], matched)
        for row in range(len(rows))
    )
    return table.assign(region=rows)[list(_MEASURES)]


def unknown_regions(note: str) -> pd.DataFrame:
    """Return the single row of a case whose regions are not known: nothing but the reason."""
    empty: dict[str, object] = dict.fromkeys(_MEASURES, float("nan"))
    return pd.DataFrame([empty | {"region": "", "note": note}])


def _homes(labels: NDArray[np.int32], like: Volume, anatomy: Anatomy) -> NDArray[np.intp]:
    """Row of each lesion's region, in the order of the labels."""
    numbers = range(1, int(labels.max(initial=0)) + 1)
    names = name_regions(labels, numbers, like, anatomy)["region"]
    return np.array(
        [REGIONS.index(name) if name else len(REGIONS) for name in names], dtype=np.intp
    )


def _voxels(reference: Volume, prediction: Volume, region: NDArray[np.bool_]) -> dict[str, float]:
    """Dice and volumes of the voxels of one region."""
    reference_ml = reference.volume_ml(reference.data & region)
    prediction_ml = reference.volume_ml(prediction.data & region)
    dice = float("nan")
    if reference_ml + prediction_ml > 0:
        dice = voxel_metrics(reference.data, prediction.data, region).dice
    return {
        "dice": dice,
        "reference_ml": reference_ml,
        "prediction_ml": prediction_ml,
    }


def _lesions(
    in_region: list[NDArray[np.bool_]], matched: list[NDArray[np.bool_]]
) -> dict[str, float]:
    """Counts and ratios of the lesions of one region, reference first."""
    lesions = int(np.count_nonzero(in_region[0]))
    predicted = int(np.count_nonzero(in_region[1]))
    detected = int(np.count_nonzero(in_region[0] & matched[0]))
    confirmed = int(np.count_nonzero(in_region[1] & matched[1]))
    return {
        "lesion_sensitivity": ratio(detected, lesions),
        "lesion_precision": ratio(confirmed, predicted),
        "reference_lesions": lesions,
        "detected_lesions": detected,
        "prediction_lesions": predicted,
        "false_lesions": predicted - confirmed,
    }
