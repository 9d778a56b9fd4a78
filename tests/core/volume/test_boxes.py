"""Bounding boxes: what the copies that were here once did differently, and the empty mask."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsh_core.simulation.brain_frame import BrainFrame
from fsh_core.volume.boxes import (
    bounding_box,
    box_at,
    crop,
    first_voxel,
    is_empty,
    label_boxes,
    touches_border,
    voxels_across,
    whole_box,
    widen,
)
from fsh_core.volume.volume import Volume

REPOSITORY = Path(__file__).resolve().parents[3]


def mask_of(shape, *voxels):
    mask = np.zeros(shape, dtype=bool)
    mask[tuple(np.transpose(voxels))] = True
    return mask


def test_box_of_a_bar_at_the_border():
    mask = np.zeros((10, 11, 12), dtype=bool)
    mask[2, 3:6, 11] = True
    box = bounding_box(mask)
    assert box == (slice(2, 3), slice(3, 6), slice(11, 12))
    assert touches_border(box, mask.shape)
    assert not touches_border(widen(box, (1, 1, 0), (10, 11, 13)), (10, 11, 13))
    assert (first_voxel(box) == [2, 3, 11]).all()


def test_a_margin_stops_at_both_ends_of_the_array_and_says_so():
    """One copy let a box end beyond the array, which is right to index with and wrong to count."""
    mask = mask_of((10, 11, 12), (2, 3, 11), (2, 5, 11))
    box = bounding_box(mask, (4, 1, 2))
    assert box == (slice(0, 7), slice(2, 7), slice(9, 12))
    assert box == widen(bounding_box(mask), (4, 1, 2), mask.shape)


def test_an_empty_mask_has_a_box_without_voxels_with_a_margin_too():
    """The copies said: the whole array, no voxel, an IndexError, a StopIteration."""
    empty = np.zeros((4, 5, 6), dtype=bool)
    for margin in ((0, 0, 0), (3, 3, 3)):
        box = bounding_box(empty, margin)
        assert is_empty(box)
        assert empty[box].shape == (0, 0, 0)
        assert not touches_border(box, empty.shape)
    assert label_boxes(empty.astype(np.int32)) == {}
    assert whole_box(empty.shape) == (slice(0, 4), slice(0, 5), slice(0, 6))
    with pytest.raises(ValueError, match="the mask is empty"):
        BrainFrame.of_mask(empty, (1.0, 1.0, 1.0))


def test_numbers_without_a_voxel_have_no_box():
    labels = np.zeros((4, 4, 4), dtype=np.int32)
    labels[1, 1, 1], labels[2:, 2, 2] = 2, 5
    assert label_boxes(labels) == {
        2: (slice(1, 2), slice(1, 2), slice(1, 2)),
        5: (slice(2, 4), slice(2, 3), slice(2, 3)),
    }


def test_a_distance_is_held_in_whole_voxels():
    assert voxels_across(3.0, (1.0, 0.9, 6.5)) == (3, 4, 1)
    assert voxels_across(0.0, (1.0, 0.9, 6.5)) == (0, 0, 0)


@given(st.data())
def test_the_box_holds_the_mask_and_no_smaller_one_does(data):
    shape = data.draw(st.tuples(*[st.integers(1, 6)] * 3))
    voxels = data.draw(
        st.lists(st.tuples(*(st.integers(0, size - 1) for size in shape)), min_size=1, max_size=4)
    )
    mask = mask_of(shape, *voxels)
    box = bounding_box(mask)
    assert mask[box].sum() == mask.sum()
    for axis in range(3):
        ends = np.moveaxis(mask[box], axis, 0)
        assert ends[0].any()
        assert ends[-1].any()


def test_a_box_of_a_shape_starts_where_it_is_told():
    box = box_at(np.array([1, 0, 4]), (2, 5, 1))
    assert box == (slice(1, 3), slice(0, 5), slice(4, 5))
    assert first_voxel(box).tolist() == [1, 0, 4]


def test_a_crop_keeps_every_voxel_where_it_was():
    affine = np.array([[0, 0, 3.0, -10], [-1.5, 0.1, 0, 20], [0, 0.9, 0, 5], [0, 0, 0, 1]])
    volume = Volume(np.arange(4 * 5 * 6.0).reshape(4, 5, 6), affine)
    box = (slice(1, 3), slice(2, 5), slice(4, 6))
    part = crop(volume, box)
    assert part.data[1, 2, 0] == volume.data[2, 4, 4]
    np.testing.assert_allclose(part.affine @ [1, 2, 0, 1], affine @ [2, 4, 4, 1])
    np.testing.assert_array_equal(volume.affine, affine)


def test_boxes_are_made_nowhere_else():
    here = "fsh_core/volume/boxes.py"
    for package in ("fsh_core", "fsh_napari", "fsh_dashboard"):
        for path in (REPOSITORY / package).rglob("*.py"):
            name = path.relative_to(REPOSITORY).as_posix()
            assert name == here or "find_objects" not in path.read_text(encoding="utf-8"), name
