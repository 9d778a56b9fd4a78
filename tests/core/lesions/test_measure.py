"""One row per lesion: every column against geometry checked by hand."""

import time

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from scipy import ndimage

from fsh_core.lesions.label import label_lesions
from fsh_core.lesions.measure import LESION_COLUMNS, lesion_table
from fsh_core.volume.volume import Volume, to_ras

SHAPE = (40, 44, 30)
LAS = np.array(
    [[-1.0, 0, 0, 20], [0, 2.0, 0, -30], [0, 0, 3.0, 5], [0, 0, 0, 1]]
)  # voxels of 1 x 2 x 3 mm


def scene(affine=LAS):
    """White matter of 100, one lesion of 4 x 3 x 2 voxels of 150, all inside the brain."""
    labels = np.zeros(SHAPE, dtype=np.int32)
    labels[10:14, 20:23, 15:17] = 1
    flair = np.full(SHAPE, 100.0, dtype=np.float32)
    flair[labels == 1] = 150.0
    probability = np.where(labels == 1, np.float32(0.75), np.float32(0.0))
    probability[10, 20, 15] = 0.9
    return labels, Volume(flair, affine), probability, np.ones(SHAPE, dtype=bool)


def only_row(*arguments):
    table = lesion_table(*arguments)
    assert len(table) == 1
    return table.iloc[0]


def test_size_and_place_of_a_box_by_hand():
    row = only_row(*scene())
    # Sides of 4, 6 and 6 mm: from the middle of a face to the middle of one opposite.
    assert row["longest_diameter_mm"] == pytest.approx(np.linalg.norm((3, 4, 6)), abs=1e-6)
    assert row["axial_diameter_mm"] == pytest.approx(np.linalg.norm((3, 6)), abs=1e-6)
    assert row["label"] == 1
    assert row["voxels"] == 24
    assert row["volume_mm3"] == pytest.approx(24 * 6)
    assert row["equivalent_diameter_mm"] == pytest.approx((6 * 144 / np.pi) ** (1 / 3))
    assert row[["centroid_i", "centroid_j", "centroid_k"]].tolist() == [11.5, 21.0, 15.5]
    world = [20 - 11.5, -30 + 2 * 21.0, 5 + 3 * 15.5]
    assert row[["centroid_r_mm", "centroid_a_mm", "centroid_s_mm"]].tolist() == pytest.approx(world)
    assert row[["extent_r_mm", "extent_a_mm", "extent_s_mm"]].tolist() == pytest.approx(
        [4.0, 6.0, 6.0]
    )
    assert not row["touches_border"]


def test_extents_are_named_for_the_axis_of_the_patient_not_of_the_file():
    sideways = np.array(
        [[0, 0, 1.0, 0], [-2.0, 0, 0, 0], [0, 3.0, 0, 0], [0, 0, 0, 1]]
    )  # axes point P, S, R
    row = only_row(*scene(sideways))
    assert row[["extent_r_mm", "extent_a_mm", "extent_s_mm"]].tolist() == pytest.approx(
        [2.0, 8.0, 9.0]
    )


def test_probability_and_intensity():
    row = only_row(*scene())
    assert row["max_probability"] == pytest.approx(0.9)
    assert row["mean_probability"] == pytest.approx((0.9 + 23 * 0.75) / 24)
    assert row["mean_intensity"] == pytest.approx(150.0)


def test_the_inside_point_is_in_the_lesion_where_the_centroid_is_not():
    labels, flair, probability, brain = scene()
    labels[:] = 0
    labels[10:31, 10:25, 15] = 1
    labels[13:28, 12:23, 15] = 0  # a ring, wider (3 mm against 4 mm) along j
    row = only_row(labels, flair, probability, brain)
    assert labels[round(row["centroid_i"]), round(row["centroid_j"]), round(row["centroid_k"])] == 0
    assert labels[int(row["inside_i"]), int(row["inside_j"]), int(row["inside_k"])] == 1


def test_the_inside_point_is_deepest_in_mm_not_in_voxels():
    labels, flair, probability, brain = scene(np.diag([1.0, 1.0, 8.0, 1.0]))
    labels[:] = 0
    labels[5:8, 5:8, 4:9] = 1  # 3 x 3 x 40 mm: many voxels deep along k, one along i and j
    labels[8:20, 5:17, 6] = 1  # a slab one slice thin, yet 8 mm: 12 mm wide
    row = only_row(labels, flair, probability, brain)
    assert row["inside_k"] == 6
    assert row["inside_i"] > 8


def test_of_equally_deep_points_the_one_nearest_to_the_centroid_is_taken():
    labels, flair, probability, brain = scene()
    labels[:] = 0
    labels[5:20, 8, 8] = 1
    assert only_row(labels, flair, probability, brain)["inside_i"] == 12


def test_world_columns_survive_a_change_of_orientation():
    rng = np.random.default_rng(3)
    oblique = nib.affines.from_matvec(
        np.linalg.qr(rng.standard_normal((3, 3)))[0] @ np.diag([0.9, 1.1, 3.0]), [5.0, -7.0, 11.0]
    )
    flair = Volume(rng.random(SHAPE, dtype=np.float32) + 1, oblique)
    labels = label_lesions(rng.random(SHAPE) > 0.995, flair.voxel_volume_mm3)
    probability, brain = rng.random(SHAPE, dtype=np.float32), rng.random(SHAPE) > 0.1
    there = lesion_table(labels, flair, probability, brain)
    parts = (to_ras(flair.with_data(array)) for array in (labels, probability, brain))
    ras_labels, ras_probability, ras_brain = (part.data for part in parts)
    here = lesion_table(ras_labels, to_ras(flair), ras_probability, ras_brain)
    kept = [
        c
        for c in LESION_COLUMNS
        if not c.endswith(("_i", "_j", "_k")) and not c.startswith("inside")
    ]
    pd.testing.assert_frame_equal(there[kept], here[kept])


def isotropic_scene():
    """`scene` at 1 mm, with the distance of every voxel from the lesion's nearest one, in mm."""
    labels, flair, probability, _ = scene(np.eye(4))
    return labels, flair, probability, ndimage.distance_transform_edt(labels == 0)


@pytest.mark.parametrize(("first_mm", "last_mm"), [(1, 3), (10.01, 12)])
def test_contrast_is_measured_3_to_10_mm_away(first_mm, last_mm):
    labels, flair, probability, distance_mm = isotropic_scene()
    elsewhere = (distance_mm >= first_mm) & (distance_mm < last_mm)
    flair.data[elsewhere] = 120.0
    shell = np.zeros(SHAPE, dtype=bool)
    shell[12, 21, 20:26] = shell[11, 21, 20:26] = (
        True  # 12 voxels, 4 to 9 mm away: far fewer than elsewhere
    )
    assert only_row(labels, flair, probability, elsewhere | shell | (labels > 0))[
        "contrast"
    ] == pytest.approx(1.5)


def test_fluid_does_not_count_as_surroundings():
    labels, flair, probability, distance_mm = isotropic_scene()
    flair.data[(distance_mm > 3) & (distance_mm < 9)] = 10.0
    assert only_row(labels, flair, probability, np.ones(SHAPE, dtype=bool))[
        "contrast"
    ] == pytest.approx(1.5)


def test_what_is_not_brain_does_not_count_as_surroundings():
    labels, flair, probability, distance_mm = isotropic_scene()
    scalp = (distance_mm > 3) & (distance_mm < 9)
    flair.data[scalp] = 130.0
    assert only_row(labels, flair, probability, ~scalp)["contrast"] == pytest.approx(1.5)


def test_other_lesions_do_not_count_as_surroundings():
    labels, flair, probability, distance_mm = isotropic_scene()
    labels[(distance_mm > 3) & (distance_mm < 9)] = 2
    flair.data[labels == 2] = 130.0
    table = lesion_table(labels, flair, probability, np.ones(SHAPE, dtype=bool))
    assert table["contrast"].tolist() == pytest.approx([1.5, 1.3])


def test_without_surroundings_the_whole_brain_is_the_comparison():
    labels, flair, probability, _ = scene(np.diag([1.0, 1.0, 1.0, 1.0]))
    near = np.zeros(SHAPE, dtype=bool)
    near[:28, 8:36, 3:] = True
    assert only_row(labels, flair, probability, ~near | (labels > 0))["contrast"] == pytest.approx(
        1.5
    )


def test_without_any_other_brain_the_contrast_is_one():
    labels, flair, probability, _ = scene()
    assert only_row(labels, flair, probability, labels > 0)["contrast"] == 1.0


def test_a_black_image_has_contrast_one():
    labels, flair, probability, brain = scene()
    assert (
        only_row(labels, flair.with_data(np.zeros(SHAPE, np.float32)), probability, brain)[
            "contrast"
        ]
        == 1.0
    )


def test_intensities_below_zero_are_counted_from_the_darkest_brain():
    labels, flair, probability, brain = scene()
    flair.data[:5] = 0.0  # fluid: black
    shifted = flair.with_data((flair.data - 95) / 20)
    assert only_row(labels, shifted, probability, brain)["contrast"] == pytest.approx(1.5, rel=1e-5)


@pytest.mark.parametrize(
    ("corner", "touches"), [((0, 5, 5), True), ((5, 5, 29), True), ((1, 1, 1), False)]
)
def test_touching_the_border(corner, touches):
    labels, flair, probability, brain = scene()
    labels[:] = 0
    labels[corner] = 1
    assert only_row(labels, flair, probability, brain)["touches_border"] == touches


def test_an_empty_table_has_the_same_columns_and_types():
    labels, flair, probability, brain = scene()
    full = lesion_table(labels, flair, probability, brain)
    empty = lesion_table(np.zeros_like(labels), flair, probability, brain)
    assert len(empty) == 0
    assert list(empty.columns) == list(full.columns) == list(LESION_COLUMNS)
    assert empty.dtypes.equals(full.dtypes)
    assert full.notna().all(axis=None)


def test_labels_may_have_gaps():
    labels, flair, probability, brain = scene()
    labels[labels == 1] = 7
    labels[30, 30, 20] = 3
    assert lesion_table(labels, flair, probability, brain)["label"].tolist() == [3, 7]


@pytest.mark.parametrize("wrong", ["labels", "probability", "brain"])
def test_another_shape_is_refused(wrong):
    labels, flair, probability, brain = scene()
    arrays = {"labels": labels, "probability": probability, "brain": brain}
    arrays[wrong] = arrays[wrong][:-1]
    with pytest.raises(ValueError, match=f"{wrong} must have the shape of the FLAIR"):
        lesion_table(arrays["labels"], flair, arrays["probability"], arrays["brain"])


def test_volumes_add_up_and_every_column_is_described():
    rng = np.random.default_rng(0)
    mask = rng.random(SHAPE) > 0.99
    flair = Volume(rng.random(SHAPE, dtype=np.float32), LAS)
    labels = label_lesions(mask, flair.voxel_volume_mm3)
    table = lesion_table(labels, flair, rng.random(SHAPE, dtype=np.float32), np.ones(SHAPE, bool))
    assert table["volume_mm3"].sum() == pytest.approx(mask.sum() * 6)
    assert all(sentence.endswith(".") for sentence in LESION_COLUMNS.values())


def test_a_whole_brain_with_many_lesions_is_measured_quickly():
    rng = np.random.default_rng(0)
    shape = (182, 218, 182)
    mask = np.zeros(shape, dtype=bool)
    for corner in np.argwhere(np.ones((6, 6, 6))) * 25 + 10:
        mask[
            tuple(
                slice(first, first + size)
                for first, size in zip(corner, rng.integers(1, 9, 3), strict=True)
            )
        ] = True
    flair = Volume(rng.random(shape, dtype=np.float32) + 1, np.eye(4))
    brain = np.zeros(shape, dtype=bool)
    brain[20:160, 20:200, 20:160] = True
    labels = label_lesions(mask, 1.0)
    start = time.process_time()
    table = lesion_table(labels, flair, flair.data - 1, brain)
    measured = time.process_time()
    for _ in range(5):  # what the machine is worth just now
        np.sort(flair.data, axis=None)
    sorted_five_times = time.process_time() - measured
    assert len(table) == 216
    # Six times as long; a pass over the scan for each lesion would take a hundred times.
    assert measured - start < 20 * sorted_five_times
