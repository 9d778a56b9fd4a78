"""Which voxels a slice shows, and which way round, whatever the order of the file."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nibabel.orientations import apply_orientation, inv_ornt_aff

from fsh_core.figures.slices import make_view
from fsh_core.volume.planes import AXIAL, CORONAL, PLANES, SAGITTAL
from fsh_core.volume.volume import Volume

SHAPE = (20, 24, 18)
SPACING_MM = (1.0, 2.0, 3.0)
ORIENTATIONS = [
    np.column_stack([axes, flips])
    for axes in itertools.permutations(range(3))
    for flips in itertools.product((1, -1), repeat=3)
]


def ras(data):
    affine = np.diag([*SPACING_MM, 1.0])
    affine[:3, 3] = -10.0, -20.0, -30.0
    return Volume(data, affine)


def dot(right, anterior, superior):
    """A mask of the one voxel that lies so far right, anterior and superior."""
    mask = np.zeros(SHAPE, dtype=bool)
    mask[right, anterior, superior] = True
    return mask


def head():
    data = np.zeros(SHAPE, dtype=np.float32)
    data[2:18, 2:22, 2:16] = np.random.default_rng(0).normal(100, 5, (16, 20, 14))
    return data


def view_of(**maps):
    return make_view(ras(head()), maps, head() > 0, margin_mm=0)


@pytest.mark.parametrize(
    ("plane", "letters"),
    [
        (AXIAL, ("R", "L", "P", "A")),
        (CORONAL, ("R", "L", "I", "S")),
        (SAGITTAL, ("A", "P", "I", "S")),
    ],
)
def test_letters_follow_the_radiological_convention(plane, letters):
    assert plane.letters() == letters


@pytest.mark.parametrize(
    ("plane", "index", "row", "column"),
    # The dot is on the patient's right (18 of 20), posterior (3 of 24), superior (15 of 18).
    [(AXIAL, 15, 3, 1), (CORONAL, 3, 15, 1), (SAGITTAL, 18, 15, 20)],
)
def test_a_dot_at_the_right_back_and_top(plane, index, row, column):
    cut = plane.cut(dot(18, 3, 15), index)
    assert cut.shape == (SHAPE[plane.up], SHAPE[plane.across])
    assert [tuple(place) for place in np.argwhere(cut)] == [(row, column)]


@given(orientation=st.sampled_from(ORIENTATIONS))
def test_the_order_of_the_file_does_not_matter(orientation):
    upright = ras(head())
    affine = upright.affine @ inv_ornt_aff(orientation, SHAPE)
    turned = [
        apply_orientation(data, orientation)
        for data in (upright.data, dot(18, 3, 15), upright.data > 0)
    ]
    flair, lesion, brain = turned
    seen = make_view(Volume(flair, affine), {"lesion": lesion}, brain, margin_mm=3)
    expected = make_view(upright, {"lesion": dot(18, 3, 15)}, upright.data > 0, margin_mm=3)
    np.testing.assert_array_equal(seen.grey, expected.grey)
    np.testing.assert_array_equal(seen.maps["lesion"], expected.maps["lesion"])
    np.testing.assert_allclose(seen.affine, expected.affine, atol=1e-9)
    assert seen.box_voxels == expected.box_voxels


def test_the_box_is_the_brain_with_a_margin_inside_the_image():
    view = make_view(ras(head()), {}, head() > 0, margin_mm=4)
    assert view.box_voxels == ((0, 20), (0, 24), (1, 17))
    assert [view.extent_mm(axis) for axis in range(3)] == [20, 48, 48]


def test_a_lesion_outside_the_brain_stays_in_the_picture():
    view = view_of(lesion=dot(19, 10, 10))
    assert view.box_voxels[0] == (2, 20)


def test_a_frame_is_placed_around_the_middle_of_the_box():
    view = make_view(ras(head()), {}, head()[:, :, :] > 0, margin_mm=0)
    assert view.frame_mm(AXIAL) == (-10, 10, -24, 24)
    brain = np.zeros(SHAPE, dtype=bool)
    brain[0:4, 0:4, 0:4] = (
        True  # right is left: what lies further right than the box is drawn at its left
    )
    view = make_view(ras(head()), {}, brain, margin_mm=0)
    assert view.frame_mm(AXIAL) == (-18, 2, -4, 44)
    assert view.frame_mm(SAGITTAL) == (-44, 4, -6, 48)


def test_positions_are_world_coordinates():
    view = view_of()
    assert view.position_mm(0, 10) == pytest.approx(0)
    assert view.position_mm(1, 5) == pytest.approx(-10)
    assert view.position_mm(2, 15) == pytest.approx(15)


def test_the_fullest_slice():
    lesion = dot(4, 5, 6)
    lesion[4, 5:8, 7] = True
    view = view_of(lesion=lesion)
    assert [view.fullest("lesion", plane.through) for plane in PLANES] == [7, 5, 4]


def test_without_lesion_the_middle_is_shown():
    view = view_of(lesion=np.zeros(SHAPE, dtype=bool))
    assert [view.fullest("lesion", plane.through) for plane in PLANES] == [9, 12, 10]


def test_grey_levels_are_set_inside_the_brain():
    data = head()
    data[0, 0, 0] = 5000.0  # fat, say
    view = make_view(ras(data), {}, head() > 0, margin_mm=0)
    inside = view.grey[head() > 0]
    assert inside.min() == 0
    assert inside.max() == 1
    assert 0.3 < np.median(inside) < 0.7


@pytest.mark.parametrize("brain", [None, np.zeros(SHAPE, dtype=bool)])
def test_without_brain_mask_the_foreground_is_shown(brain):
    view = make_view(ras(head()), {}, brain, margin_mm=0)
    assert view.box_voxels == ((2, 18), (2, 22), (2, 16))


def test_an_image_without_contrast_is_shown_whole():
    view = make_view(ras(np.ones(SHAPE, dtype=np.float32)), {}, None, margin_mm=0)
    assert view.box_voxels == ((0, 20), (0, 24), (0, 18))
    assert not view.grey.any()


def test_an_oblique_scan_is_located_at_the_middle_of_the_box():
    turn = np.eye(4)
    turn[:2, :2] = [[0.8, -0.6], [0.6, 0.8]]
    flair = Volume(head(), turn @ ras(head()).affine)
    view = make_view(flair, {}, head() > 0, margin_mm=0)
    middle = view.affine @ [9.5, 11.5, 8.5, 1.0]
    assert view.position_mm(0, 9) == pytest.approx(middle[0] - 0.4)
    assert view.position_mm(2, 8) == pytest.approx(middle[2] - 1.5)


@pytest.mark.parametrize("wrong", ["lesion", "brain"])
def test_maps_must_lie_on_the_grid(wrong):
    small = np.zeros((4, 4, 4), dtype=bool)
    with pytest.raises(
        ValueError, match=rf"{wrong} must have the FLAIR's shape \(20, 24, 18\), got \(4, 4, 4\)"
    ):
        make_view(
            ras(head()),
            {"lesion": small} if wrong == "lesion" else {},
            small if wrong == "brain" else None,
            0,
        )
