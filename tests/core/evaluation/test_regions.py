"""Agreement by region, on a brain of three slabs: ventricle, white matter, cortex."""

import numpy as np
import pytest

from fsh_core.anatomy.template import Anatomy, Tissue
from fsh_core.errors import InputError
from fsh_core.evaluation.regions import ELSEWHERE, REGION_COLUMNS, region_metrics, unknown_regions
from fsh_core.lesions.regions import REGIONS
from fsh_core.studies.evaluate import evaluate_case
from fsh_core.volume.volume import Volume

AFFINE = np.diag([1.0, 2.0, 3.0, 1.0])  # 6 mm3
SHAPE = (40, 8, 6)
TISSUE = np.full(SHAPE, Tissue.OTHER, np.uint8)
TISSUE[:8], TISSUE[8:20], TISSUE[20:24] = Tissue.VENTRICLE, Tissue.WHITE_MATTER, Tissue.CORTEX
ANATOMY = Anatomy(TISSUE, np.eye(4), 0.8, "drawn")
SLICE_ML = 4 * 6 / 1000


def volume(*boxes):
    data = np.zeros(SHAPE, dtype=bool)
    for start, stop in boxes:
        data[start:stop, 2:4, 2:4] = True  # 4 voxels a slice
    return Volume(data, AFFINE)


def rows(reference, prediction, **options):
    table = region_metrics(reference, prediction, ANATOMY, **options)
    assert list(table.columns) == [name for name in REGION_COLUMNS if name not in ("case", "note")]
    assert table["region"].tolist() == [*REGIONS, ELSEWHERE]
    return table.set_index("region")


def test_the_regions_by_hand():
    # At the ventricle found, one slice too long; deep found half; at the cortex missed; beyond one
    # missed, one false.
    reference = volume((5, 9), (13, 16), (18, 21), (32, 34))
    found = rows(reference, volume((5, 10), (14, 17), (35, 37)))
    near, deep, cortex, beyond = (
        found.loc[name]
        for name in ("periventricular", "deep_white_matter", "juxtacortical", ELSEWHERE)
    )
    assert (near["reference_lesions"], near["detected_lesions"], near["lesion_sensitivity"]) == (
        1,
        1,
        1.0,
    )
    assert near["dice"] == pytest.approx(2 * 4 / (4 + 5))
    assert (near["reference_ml"], near["prediction_ml"]) == pytest.approx(
        (4 * SLICE_ML, 5 * SLICE_ML)
    )
    assert (deep["lesion_precision"], deep["dice"]) == pytest.approx((1.0, 2 * 2 / (3 + 3)))
    assert (cortex["lesion_sensitivity"], cortex["dice"], cortex["prediction_lesions"]) == (0, 0, 0)
    assert np.isnan(cortex["lesion_precision"])
    assert (beyond["lesion_sensitivity"], beyond["lesion_precision"], beyond["false_lesions"]) == (
        0,
        0,
        1,
    )
    assert (
        found.loc["infratentorial", ["dice", "lesion_sensitivity", "lesion_precision"]].isna().all()
    )


def test_a_voxel_of_both_masks_counts_where_its_reference_lesion_lies():
    # A deep lesion, predicted so long that it reaches the ventricle: found, and what is too much is
    # periventricular.
    found = rows(volume((13, 16)), volume((9, 16)))
    assert found.loc["deep_white_matter", ["dice", "lesion_sensitivity"]].tolist() == [1.0, 1.0]
    assert found.loc["periventricular", ["dice", "lesion_precision"]].tolist() == [0.0, 1.0]
    assert found.loc["periventricular", "prediction_ml"] == pytest.approx(4 * SLICE_ML)


def test_counts_and_volumes_add_up_to_those_of_the_case():
    reference, prediction = (
        volume((1, 5), (8, 12), (18, 22)),
        volume((2, 4), (13, 17), (24, 29), (36, 38)),
    )
    found, case = rows(reference, prediction), evaluate_case(reference, prediction).row()
    for column in ("reference_lesions", "detected_lesions", "prediction_lesions", "false_lesions"):
        assert found[column].sum() == case[column]
    for column in ("reference_ml", "prediction_ml"):
        assert found[column].sum() == pytest.approx(case[column])


def test_regions_without_lesions_are_undefined():
    found = rows(volume(), volume())
    assert found[["dice", "lesion_sensitivity", "lesion_precision"]].isna().all(axis=None)
    assert found["reference_lesions"].sum() == found["prediction_lesions"].sum() == 0


def test_small_lesions_can_be_left_out_of_the_counts():
    found = rows(volume((1, 5), (13, 14)), volume((13, 14)), minimum_volume_mm3=25).loc[
        "deep_white_matter"
    ]
    assert (found["reference_lesions"], found["prediction_lesions"]) == (0, 0)
    assert (found["reference_ml"], found["dice"]) == pytest.approx((SLICE_ML, 1.0))


def test_the_least_overlap_is_that_of_the_case():
    found = rows(volume((12, 16)), volume((15, 18)), minimum_overlap_fraction=0.5).loc[
        "deep_white_matter"
    ]
    assert (found["detected_lesions"], found["false_lesions"]) == (0, 1)


def test_a_case_without_regions_has_one_row_with_the_reason():
    table = unknown_regions("no FLAIR")
    assert table[["region", "note"]].to_dict("records") == [{"region": "", "note": "no FLAIR"}]
    assert table.drop(columns=["region", "note"]).isna().all(axis=None)


def test_other_grids_are_refused():
    with pytest.raises(InputError, match="must have the affine"):
        region_metrics(volume(), Volume(volume().data, np.eye(4)), ANATOMY)
    with pytest.raises(ValueError, match="must have one shape"):
        region_metrics(volume((1, 3)), volume(), Anatomy(TISSUE[:-1], np.eye(4), 0.8, "drawn"))
    with pytest.raises(ValueError, match="need the anatomy of the scan: too small"):
        region_metrics(volume(), volume(), Anatomy(None, None, 0.0, "too small"))
