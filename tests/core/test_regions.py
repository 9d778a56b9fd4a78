"""Agreement region by region, on a brain of three slabs."""

import numpy as np
import pytest

from fsh_core.errors import InputError
from fsh_core.evaluation.compare import evaluate_case
from fsh_core.evaluation.regions import ELSEWHERE, REGION_COLUMNS, region_metrics
from fsh_core.imaging.volume import Volume

AFFINE = np.diag([1.0, 2.0, 3.0, 1.0])  # 6 mm3
SHAPE = (30, 8, 6)
NAMES = {2: "deep", 7: "cortical", 9: "cortical"}


def volume(*boxes):
    data = np.zeros(SHAPE, dtype=bool)
    for start, stop in boxes:
        data[start:stop, 2:4, 2:4] = True  # 4 voxels a slice
    return Volume(data, AFFINE)


REGIONS = np.zeros(SHAPE, dtype=np.int16)
REGIONS[:10], REGIONS[10:16], REGIONS[16:20] = 2, 7, 9


def rows(reference, prediction, **options):
    table = region_metrics(reference, prediction, REGIONS, NAMES, **options)
    assert list(table.columns) == list(REGION_COLUMNS)
    assert table["region"].tolist() == ["deep", "cortical", ELSEWHERE]
    return table.set_index("region")


def test_three_regions_by_hand():
    # A lesion of 8 slices, 6 of them deep; one cortical; one elsewhere that is missed; a false one.
    found = rows(volume((4, 12), (14, 18), (22, 24)), volume((4, 12), (16, 18), (26, 28)))
    deep, cortical, elsewhere = (found.loc[name] for name in ("deep", "cortical", ELSEWHERE))
    assert (deep["reference_lesions"], deep["detected_lesions"], deep["lesion_sensitivity"]) == (1, 1, 1.0)
    assert deep["dice"] == 1.0
    assert deep["reference_ml"] == pytest.approx(6 * 4 * 0.006)
    # Cortical: 2 slices of the first lesion and 4 of the second, of which 2 + 2 were predicted.
    assert cortical["dice"] == pytest.approx(2 * 4 / (6 + 4))
    assert (cortical["reference_lesions"], cortical["lesion_precision"]) == (1, 1.0)
    assert (elsewhere["lesion_sensitivity"], elsewhere["lesion_precision"], elsewhere["dice"]) == (0, 0, 0)
    assert elsewhere["false_lesions"] == 1


def test_counts_and_volumes_add_up_to_those_of_the_case():
    reference, prediction = volume((1, 5), (8, 12), (18, 22)), volume((2, 4), (13, 17), (24, 29))
    found, case = rows(reference, prediction), evaluate_case(reference, prediction).row()
    for column in ("reference_lesions", "detected_lesions", "prediction_lesions", "false_lesions"):
        assert found[column].sum() == case[column]
    for column in ("reference_ml", "prediction_ml"):
        assert found[column].sum() == pytest.approx(case[column])


def test_a_lesion_half_in_two_regions_goes_to_the_first_named():
    assert rows(volume((8, 12)), volume()).loc["deep", "reference_lesions"] == 1
    assert rows(volume((18, 22)), volume()).loc["cortical", "reference_lesions"] == 1


def test_regions_without_lesions_are_undefined():
    found = rows(volume(), volume())
    assert found[["dice", "lesion_sensitivity", "lesion_precision"]].isna().all(axis=None)
    assert found["reference_lesions"].tolist() == [0, 0, 0]


def test_small_lesions_can_be_left_out():
    found = rows(volume((3, 4)), volume(), minimum_volume_mm3=25)  # 4 voxels of 6 mm3
    assert found.loc["deep", "reference_lesions"] == 0
    assert found.loc["deep", "reference_ml"] == pytest.approx(0.024)


def test_without_names_all_is_elsewhere():
    table = region_metrics(volume((3, 5)), volume((3, 5)), REGIONS, {})
    assert table["region"].tolist() == [ELSEWHERE]
    assert table["lesion_sensitivity"].tolist() == [1.0]


def test_other_grids_are_refused():
    with pytest.raises(InputError, match="must have the affine"):
        region_metrics(volume(), Volume(volume().data, np.eye(4)), REGIONS, NAMES)
    with pytest.raises(ValueError, match="must have one shape"):
        region_metrics(volume(), volume(), REGIONS[:-1], NAMES)
