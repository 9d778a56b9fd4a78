"""Lesions in a brain of boxes, regions and distances by hand: voxels of 1 x 2 x 4 mm."""

import json

import numpy as np
import pandas as pd
import pytest

from fsh_core.anatomy.template import Anatomy, Tissue
from fsh_core.lesions.measure import lesion_table
from fsh_core.lesions.regions import REGION_COLUMNS, REGIONS, dissemination, region_table
from fsh_core.volume.volume import Volume

SHAPE = (60, 40, 16)
AFFINE = np.array([[-1.0, 0, 0, 30], [0, 2, 0, -40], [0, 0, 4, -32], [0, 0, 0, 1]])
TO_MNI = np.array([[1.1, 0, 0, 5], [0, 1.0, 0, -7], [0, 0, 0.9, 2], [0, 0, 0, 1]])


@pytest.fixture(scope="module")
def anatomy() -> Anatomy:
    """Cortex at i < 4, ventricle at i = 30 to 33, cerebellum below k = 4, nothing from i = 50."""
    tissue = np.full(SHAPE, Tissue.WHITE_MATTER, dtype=np.uint8)
    tissue[:4] = Tissue.CORTEX
    tissue[30:34, 10:30, 6:12] = Tissue.VENTRICLE
    tissue[:, :, :4] = Tissue.INFRATENTORIAL
    tissue[30:34, 18:22, :4] = Tissue.FOURTH_VENTRICLE
    tissue[40:44, 10:30, 6:12] = Tissue.THIRD_VENTRICLE
    tissue[50:] = Tissue.OTHER
    return Anatomy(tissue, TO_MNI, 0.9, "")


def place(anatomy: Anatomy, *boxes, affine=AFFINE) -> pd.DataFrame:
    """The regions of lesions that fill boxes, in the order of the boxes."""
    labels = np.zeros(SHAPE, dtype=np.int32)
    for number, box in enumerate(boxes, start=1):
        labels[box] = number
    flair = Volume(np.ones(SHAPE, np.float32), affine)
    lesions = lesion_table(labels, flair, (labels > 0).astype(np.float32), np.ones(SHAPE, bool))
    return region_table(labels, lesions, flair, anatomy)


def one(i, j, k):
    return slice(i, i + 1), slice(j, j + 1), slice(k, k + 1)


@pytest.mark.parametrize(
    ("box", "region", "ventricle_mm", "cortex_mm"),
    [
        (one(29, 20, 8), "periventricular", 1.0, 26.0),  # beside it
        (one(27, 20, 8), "periventricular", 3.0, 24.0),  # exactly 3 mm
        (one(26, 20, 8), "deep_white_matter", 4.0, 23.0),
        (one(31, 30, 8), "periventricular", 2.0, 28.0),  # the next row is 2 mm away
        (one(31, 20, 12), "deep_white_matter", 4.0, 28.0),  # the next slice is 4 mm away
        (one(28, 31, 8), "deep_white_matter", np.hypot(2, 4), 25.0),
        (one(4, 20, 8), "juxtacortical", 26.0, 1.0),
        (one(5, 20, 8), "deep_white_matter", 25.0, 2.0),
        (one(2, 20, 8), "juxtacortical", 28.0, 0.0),  # within the cortex
        (one(20, 20, 2), "infratentorial", np.hypot(10, 16), np.hypot(17, 8)),
        (one(31, 20, 2), "infratentorial", 16.0, np.hypot(28, 8)),  # in the fourth ventricle
        (one(41, 20, 8), "deep_white_matter", 8.0, 38.0),  # the third ventricle is no lateral one
    ],
)
def test_one_voxel_is_placed(
    anatomy: Anatomy, box, region: str, ventricle_mm: float, cortex_mm: float
) -> None:
    row = place(anatomy, box).iloc[0]
    assert row["region"] == region
    assert row["ventricle_distance_mm"] == pytest.approx(ventricle_mm)
    assert row["cortex_distance_mm"] == pytest.approx(cortex_mm)


def test_a_lesion_that_reaches_both_counts_as_periventricular(anatomy: Anatomy) -> None:
    row = place(anatomy, np.s_[4:30, 20:22, 8:9]).iloc[0]
    assert (row["region"], row["ventricle_distance_mm"], row["cortex_distance_mm"]) == (
        "periventricular",
        1,
        1,
    )


@pytest.mark.parametrize(
    ("box", "region"),
    [(np.s_[28:29, 20:21, 2:6], "infratentorial"), (np.s_[28:29, 20:21, 3:7], "periventricular")],
)
def test_half_below_is_infratentorial(anatomy: Anatomy, box, region: str) -> None:
    assert place(anatomy, box)["region"].tolist() == [region]


def test_rows_keep_the_order_and_the_types(anatomy: Anatomy) -> None:
    table = place(anatomy, one(20, 20, 8), one(29, 20, 8), one(4, 20, 8))
    assert list(table.columns) == list(REGION_COLUMNS)
    assert table["region"].tolist() == ["deep_white_matter", "periventricular", "juxtacortical"]
    assert table.dtypes.map(str).tolist() == ["object", *["float64"] * 6]


def test_a_table_in_another_order_gives_rows_in_that_order(anatomy: Anatomy) -> None:
    labels = np.zeros(SHAPE, np.int32)
    labels[one(20, 20, 8)], labels[one(29, 20, 8)] = 1, 2
    flair = Volume(np.ones(SHAPE, np.float32), AFFINE)
    lesions = lesion_table(labels, flair, labels.astype(np.float32), labels >= 0)
    turned = region_table(labels, lesions.iloc[::-1], flair, anatomy)
    assert turned["region"].tolist() == ["periventricular", "deep_white_matter"]


def test_mni_coordinates_are_of_the_point_inside(anatomy: Anatomy) -> None:
    row = place(anatomy, one(20, 25, 8)).iloc[0]
    # RAS 10, 10, 0 through the affine part.
    assert row[["mni_x_mm", "mni_y_mm", "mni_z_mm"]].tolist() == pytest.approx([16.0, 3.0, 2.0])


def test_a_turned_grid_gives_the_same_distances(anatomy: Anatomy) -> None:
    turn = np.eye(4)
    turn[:2, :2] = [[0.8, -0.6], [0.6, 0.8]]
    boxes = (one(26, 20, 8), one(28, 31, 8), one(4, 20, 8))
    straight, turned = place(anatomy, *boxes), place(anatomy, *boxes, affine=turn @ AFFINE)
    distances = ["ventricle_distance_mm", "cortex_distance_mm"]
    assert np.allclose(straight[distances], turned[distances])
    assert straight["region"].tolist() == turned["region"].tolist()


def test_voxels_larger_than_the_limit_touch_when_they_are_neighbours(anatomy: Anatomy) -> None:
    double = AFFINE @ np.diag([2.0, 1.0, 1.0, 1.0])  # 2 x 2 x 4 mm
    table = place(anatomy, one(4, 20, 8), one(5, 20, 8), affine=double)
    assert table["region"].tolist() == ["juxtacortical", "deep_white_matter"]


def test_a_lesion_outside_the_brain_has_no_region_but_its_distances(anatomy: Anatomy) -> None:
    table = place(anatomy, one(58, 20, 8), one(53, 20, 8), one(52, 20, 2))
    assert table["region"].tolist() == [
        "",
        "deep_white_matter",
        "infratentorial",
    ]  # 9, 4 and 3 mm outside
    assert table["ventricle_distance_mm"].iloc[0] == pytest.approx(25.0)


def test_without_ventricles_in_view_there_is_no_distance_to_them(anatomy: Anatomy) -> None:
    tissue = anatomy.tissue.copy()
    tissue[tissue == Tissue.VENTRICLE] = Tissue.WHITE_MATTER
    row = place(Anatomy(tissue, TO_MNI, 0.9, ""), one(29, 20, 8)).iloc[0]
    assert row["region"] == "deep_white_matter"
    assert np.isnan(row["ventricle_distance_mm"])


def test_without_lesions_the_table_is_empty(anatomy: Anatomy) -> None:
    table = place(anatomy)
    assert list(table.columns) == list(REGION_COLUMNS)
    assert table.dtypes.map(str).tolist() == ["object", *["float64"] * 6]
    assert len(table) == 0


def test_without_anatomy_everything_is_blank() -> None:
    table = place(
        Anatomy(None, None, 0.1, "could not be registered"), one(29, 20, 8), one(4, 20, 8)
    )
    assert table["region"].tolist() == ["", ""]
    assert table.drop(columns="region").isna().all(axis=None)
    assert table.dtypes.map(str).tolist() == ["object", *["float64"] * 6]


def test_another_shape_is_the_callers_mistake(anatomy: Anatomy) -> None:
    labels = np.zeros(SHAPE, np.int32)
    labels[20, 20, 8] = 1
    flair = Volume(np.ones(SHAPE, np.float32), AFFINE)
    lesions = lesion_table(labels, flair, labels.astype(np.float32), labels >= 0)
    with pytest.raises(ValueError, match="labels, anatomy and FLAIR must have one shape"):
        region_table(labels[1:], lesions, flair, anatomy)


def lesions_in(*regions: str, volume_mm3: float = 500.0, length_mm: float = 8.0) -> pd.DataFrame:
    sizes = {f"extent_{axis}_mm": length_mm if axis == "a" else 1.0 for axis in "ras"}
    return pd.DataFrame({"region": list(regions)}).assign(volume_mm3=volume_mm3, **sizes)


def test_counts_and_volumes_by_region() -> None:
    told = dissemination(lesions_in("periventricular", "periventricular", "deep_white_matter", ""))
    assert list(told["regions"]) == list(REGIONS)
    assert told["regions"]["periventricular"] == {"count": 2, "volume_ml": 1.0}
    assert told["regions"]["deep_white_matter"] == {"count": 1, "volume_ml": 0.5}
    assert told["regions"]["infratentorial"] == {"count": 0, "volume_ml": 0.0}
    assert told["unplaced"] == 1


@pytest.mark.parametrize(
    ("regions", "fulfilled"),
    [
        ((), False),
        (("deep_white_matter", "deep_white_matter"), False),
        (("periventricular", "periventricular", "deep_white_matter"), False),
        (("periventricular", "juxtacortical"), True),
        (("infratentorial", "juxtacortical"), True),
        (("periventricular", "juxtacortical", "infratentorial"), True),
    ],
)
def test_two_areas_disseminate(regions: tuple[str, ...], fulfilled: bool) -> None:
    readings = dissemination(lesions_in(*regions))["readings"]
    assert [one["title"] for one in readings] == ["McDonald 2017", "McDonald 2024"]
    assert [one["fulfilled_here"] for one in readings] == [fulfilled, fulfilled]
    assert [set(one["areas_seen"]) for one in readings] == [
        set(regions) - {"deep_white_matter"}
    ] * 2


def test_lesions_shorter_than_3_mm_are_counted_but_prove_nothing() -> None:
    short = lesions_in("periventricular", "juxtacortical", length_mm=2.9)
    told = dissemination(short)
    assert told["regions"]["periventricular"]["count"] == 1
    assert told["readings"][0]["areas_seen"] == []
    exact = dissemination(lesions_in("periventricular", "juxtacortical", length_mm=3.0))
    assert exact["readings"][0]["fulfilled_here"]


def test_the_readings_say_what_they_are_and_what_was_not_looked_at() -> None:
    told = dissemination(lesions_in("periventricular"))
    assert json.loads(json.dumps(told)) == told
    assert told["label"].startswith("A summary of this scan, not a diagnosis")
    assert told["not_assessed"] == ["optic nerve", "spinal cord"]
    by_title = {one["title"]: one for one in told["readings"]}
    assert by_title["McDonald 2017"]["not_assessed"] == ["spinal cord"]
    assert by_title["McDonald 2024"]["not_assessed"] == ["optic nerve", "spinal cord"]
    assert (by_title["McDonald 2017"]["areas"], by_title["McDonald 2024"]["areas"]) == (4, 5)
    assert all("doi 10.1016/" in one["source"] for one in told["readings"])
