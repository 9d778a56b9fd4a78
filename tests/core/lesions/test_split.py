"""Cutting confluent lesions: what is cut, where, and what stays whole."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fsh_core.lesions.label import label_lesions
from fsh_core.lesions.split import split_confluent

SPACINGS = [(1.0, 1.0, 1.0), (0.9, 1.2, 2.0), (0.5, 0.5, 0.5)]


def ball(shape, spacing_mm, centre_mm, radius_mm):
    places = np.moveaxis(np.indices(shape), 0, -1) * np.array(spacing_mm)
    return np.linalg.norm(places - np.array(centre_mm), axis=-1) <= radius_mm


def grid(spacing_mm, size_mm=(40, 24, 24)):
    return tuple(
        round(length / spacing) for length, spacing in zip(size_mm, spacing_mm, strict=True)
    )


def split(mask, spacing_mm=(1.0, 1.0, 1.0), **options):
    return split_confluent(label_lesions(mask, float(np.prod(spacing_mm))), spacing_mm, **options)


@pytest.mark.parametrize("spacing_mm", SPACINGS)
def test_two_overlapping_balls_are_cut_half_way(spacing_mm):
    shape = grid(spacing_mm)
    # Radius 7, centres 10 mm apart: the neck, at 19 mm, is 4.9 mm deep, 2.1 mm less than the balls.
    mask = ball(shape, spacing_mm, (14, 12, 12), 7) | ball(shape, spacing_mm, (24, 12, 12), 7)
    parts = split(mask, spacing_mm)
    assert parts.max() == 2
    ends = sorted((np.argwhere(parts == part)[:, 0] * spacing_mm[0]).tolist() for part in (1, 2))
    lower, upper = sorted(ends, key=min)
    assert max(lower) == pytest.approx(19, abs=spacing_mm[0])
    assert min(upper) == pytest.approx(19, abs=spacing_mm[0])


def test_three_in_a_row_are_three_and_the_largest_is_first():
    shape = (60, 24, 24)
    mask = ball(shape, (1, 1, 1), (9, 12, 12), 5) | ball(shape, (1, 1, 1), (18, 12, 12), 6)
    mask |= ball(shape, (1, 1, 1), (29, 12, 12), 8)
    parts = split(mask)
    sizes = [int((parts == part).sum()) for part in (1, 2, 3)]
    assert parts.max() == 3
    assert sizes == sorted(sizes, reverse=True)
    assert [parts[9, 12, 12], parts[18, 12, 12], parts[29, 12, 12]] == [3, 2, 1]


def test_a_shallow_waist_is_no_neck():
    shape = (40, 24, 24)
    # Radius 8, centres 4 mm apart: the waist is 7.7 mm deep.
    mask = ball(shape, (1, 1, 1), (14, 12, 12), 8) | ball(shape, (1, 1, 1), (18, 12, 12), 8)
    assert split(mask).max() == 1


@pytest.mark.parametrize("spacing_mm", SPACINGS)
@pytest.mark.parametrize("radius_mm", [1.5, 4, 9])
def test_a_ball_stays_whole(spacing_mm, radius_mm):
    assert (
        split(ball(grid(spacing_mm), spacing_mm, (20.3, 12.1, 11.7), radius_mm), spacing_mm).max()
        == 1
    )


BOXES = {
    "cube": (10, 10, 10),
    "thin plate": (30, 20, 1),
    "plate of two": (30, 20, 2),
    "rod": (30, 2, 1),
}


@pytest.mark.parametrize("spacing_mm", [*SPACINGS, (1.0, 1.0, 6.0)])
@pytest.mark.parametrize("size", BOXES.values(), ids=BOXES)
def test_a_box_stays_whole(spacing_mm, size):
    mask = np.zeros((34, 24, 14), dtype=bool)
    mask[tuple(slice(2, 2 + length) for length in size)] = True
    assert split(mask, spacing_mm).max() == 1


def test_a_lesion_of_one_voxel_and_one_that_fills_the_image_stay_whole():
    one = np.zeros((5, 5, 5), dtype=bool)
    one[4, 4, 4] = True
    assert split(one).sum() == 1
    assert (split(np.ones((6, 5, 4), dtype=bool)) == 1).all()


def test_no_lesion_has_no_part():
    parts = split(np.zeros((5, 6, 7), dtype=bool))
    assert parts.dtype == np.int32
    assert parts.shape == (5, 6, 7)
    assert not parts.any()


def test_parts_of_equal_size_are_numbered_by_their_first_voxel():
    mask = np.zeros((20, 5, 5), dtype=bool)
    mask[12:14, 1:3, 1:3] = mask[2:4, 1:3, 1:3] = True
    labels = np.where(mask, np.arange(20)[:, None, None] // 10, 0).astype(np.int32) + 6 * mask
    parts = split_confluent(
        labels.astype(np.int32), (1, 1, 1)
    )  # labels 6 and 7: gaps are no matter
    assert (parts[2, 1, 1], parts[12, 1, 1], parts.max()) == (1, 2, 2)


def test_touching_labels_stay_apart():
    labels = np.zeros((12, 6, 6), dtype=np.int32)
    labels[1:6, 1:5, 1:5], labels[6:11, 1:5, 1:5] = 1, 2
    parts = split_confluent(labels, (1, 1, 1))
    assert len(np.unique(parts[1:6, 1:5, 1:5])) == 1
    assert parts.max() == 2


def test_the_depth_of_the_neck_is_a_choice():
    shape = (40, 24, 24)
    mask = ball(shape, (1, 1, 1), (14, 12, 12), 7) | ball(shape, (1, 1, 1), (24, 12, 12), 7)
    assert split(mask, neck_depth_mm=3).max() == 1
    with pytest.raises(ValueError, match="neck_depth_mm must be above 0, got 0"):
        split(mask, neck_depth_mm=0)


@given(arrays(bool, (9, 8, 7)), st.sampled_from(SPACINGS))
def test_the_same_voxels_every_part_in_one_lesion_the_same_every_time(mask, spacing_mm):
    labels = label_lesions(mask, 1.0)
    before = labels.copy()
    parts = split_confluent(labels, spacing_mm)
    assert (labels == before).all()
    assert ((parts > 0) == mask).all()
    assert all(len(np.unique(labels[parts == part])) == 1 for part in range(1, parts.max() + 1))
    sizes = np.bincount(parts.ravel())[1:]
    assert (np.diff(sizes) <= 0).all()
    assert (sizes > 0).all()
    assert parts.max() >= labels.max()
    assert (split_confluent(labels, spacing_mm) == parts).all()
