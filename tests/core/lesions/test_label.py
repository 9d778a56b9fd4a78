"""Components, their order and volume, and the smoothing of their boundaries."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from fsh_core.lesions.label import (
    label_lesions,
    smooth_mask,
)
from fsh_core.volume.components import equivalent_diameter_mm

MASKS = arrays(bool, st.tuples(*[st.integers(1, 7)] * 3), elements=st.booleans())


def cube(shape=(24, 24, 24), start=(7, 7, 7), size=10):
    mask = np.zeros(shape, dtype=bool)
    mask[tuple(slice(first, first + size) for first in start)] = True
    return mask


def count_lesions(mask):
    return int(label_lesions(mask, 1.0).max())


def test_a_corner_contact_joins_two_voxels_into_one_lesion():
    mask = np.zeros((5, 5, 5), dtype=bool)
    mask[1, 1, 1] = mask[2, 2, 2] = True
    assert label_lesions(mask, 1.0).max() == 1


def test_a_gap_of_one_voxel_separates_two_lesions():
    mask = np.zeros((5, 5, 5), dtype=bool)
    mask[1, 1, 1] = mask[1, 1, 3] = True
    assert label_lesions(mask, 1.0).max() == 2


def test_labels_follow_volume_and_ties_follow_the_first_voxel():
    mask = np.zeros((12, 6, 6), dtype=bool)
    mask[0, 0, 0:2] = True  # 2 voxels, first in C order
    mask[4, 0:2, 0] = True  # 2 voxels, second
    mask[8:11, 3, 3] = True  # 3 voxels
    labels = label_lesions(mask, 0.5)
    assert (labels[9, 3, 3], labels[0, 0, 0], labels[4, 0, 0]) == (1, 2, 3)
    assert labels.dtype == np.int32


def test_the_first_voxel_decides_a_tie_not_the_last():
    mask = np.zeros((5, 6, 6), dtype=bool)
    mask[0:3, 0, 0] = True
    mask[1, 3, 0:3] = True  # begins later and ends earlier
    assert label_lesions(mask, 1.0)[0, 0, 0] == 1


def test_order_does_not_depend_on_memory_layout():
    mask = np.random.default_rng(0).random((14, 15, 16)) > 0.97
    np.testing.assert_array_equal(
        label_lesions(mask, 1.0), label_lesions(np.asfortranarray(mask), 1.0)
    )


@pytest.mark.parametrize(
    ("minimum_mm3", "expected"), [(0.0, 2), (3.0, 2), (3.1, 1), (1000.0, 1), (1001.0, 0)]
)
def test_lesions_below_the_minimum_volume_are_dropped_and_one_at_it_stays(minimum_mm3, expected):
    mask = cube()
    mask[1, 1, 1:4] = True
    # A determinant a hair below 1, as rotated affines give.
    labels = label_lesions(mask, 1.0 - 1e-9, minimum_mm3)
    assert labels.max() == expected


def test_minimum_volume_is_in_mm3_not_voxels():
    mask = np.zeros((5, 5, 5), dtype=bool)
    mask[2, 2, 2] = True
    assert label_lesions(mask, 0.9 * 0.9 * 6.8, 3.0).max() == 1
    assert label_lesions(mask, 0.5**3, 3.0).max() == 0


def test_an_empty_mask_has_no_lesions():
    labels = label_lesions(np.zeros((4, 5, 6), dtype=bool), 1.0)
    assert labels.shape == (4, 5, 6)
    assert not labels.any()


@given(MASKS)
@settings(max_examples=60, deadline=None)
def test_labels_cover_the_mask_without_gaps_in_descending_order(mask):
    labels = label_lesions(mask, 1.0)
    np.testing.assert_array_equal(labels > 0, mask)
    sizes = np.bincount(labels.ravel())[1:]
    assert (sizes > 0).all()
    assert (np.diff(sizes) <= 0).all()
    assert labels.max(initial=0) == ndimage.label(mask, np.ones((3, 3, 3)))[1]


def test_smoothing_fills_a_pin_hole_and_removes_a_spike():
    full = cube()
    rough = full.copy()
    rough[11, 11, 11] = False
    rough[11, 11, 17] = True
    np.testing.assert_array_equal(smooth_mask(rough, (1.0, 1.0, 1.0)), full)


def test_smoothing_leaves_a_cube_as_it_is():
    np.testing.assert_array_equal(smooth_mask(cube(), (1.0, 1.0, 1.0)), cube())


def test_smoothing_never_deletes_a_lesion():
    mask = np.zeros((20, 20, 20), dtype=bool)
    mask[3, 3, 3] = True
    mask[10, 4:9, 10] = True
    smoothed = smooth_mask(mask, (1.0, 1.0, 1.0))
    assert smoothed[3, 3, 3]
    assert count_lesions(smoothed) == 2


def test_thick_slices_do_not_blur_into_each_other():
    mask = np.zeros((20, 20, 12), dtype=bool)
    mask[5:10, 5:10, 3] = True
    mask[7, 7, 4:8] = True  # a thin tower on a plate: in mm a stack of separate sections
    np.testing.assert_array_equal(smooth_mask(mask, (1.0, 1.0, 6.0)), mask)
    assert not smooth_mask(mask, (1.0, 1.0, 1.0))[7, 7, 7]


def test_finer_voxels_are_smoothed_over_more_of_them():
    mask = cube(shape=(40, 40, 40), start=(10, 10, 10), size=18)
    mask[18:20, 18:20, 28:30] = True  # 1 mm wide at 0.5 mm spacing, 2 mm wide at 1 mm
    assert not smooth_mask(mask, (0.5, 0.5, 0.5))[18, 18, 29]
    assert smooth_mask(mask, (1.0, 1.0, 1.0))[18, 18, 28]


def test_smoothing_at_the_image_border_is_as_if_the_lesion_went_on_beyond():
    noise = ndimage.gaussian_filter(np.random.default_rng(0).standard_normal((12, 16, 16)), 1.5)
    mask = label_lesions(noise > 0.05, 1.0) == 1
    assert mask[0].any()
    mirrored = np.concatenate([mask[::-1], mask])
    np.testing.assert_array_equal(
        smooth_mask(mask, (1.0,) * 3), smooth_mask(mirrored, (1.0,) * 3)[12:]
    )


@given(MASKS)
@settings(max_examples=60, deadline=None)
def test_smoothing_leaves_something_of_every_lesion_and_mirrors(mask):
    spacing_mm = (0.8, 1.0, 1.3)
    labels = label_lesions(mask, 1.0)
    for label in range(1, labels.max(initial=0) + 1):
        near = ndimage.binary_dilation(labels == label, np.ones((3, 3, 3)))
        assert smooth_mask(mask, spacing_mm)[near].any()
    np.testing.assert_array_equal(
        smooth_mask(mask[::-1], spacing_mm), smooth_mask(mask, spacing_mm)[::-1]
    )


@given(MASKS)
@settings(max_examples=100, deadline=None)
def test_smoothing_treats_all_axes_alike(mask):
    spacing_mm = (1.0, 1.0, 1.0)
    np.testing.assert_array_equal(smooth_mask(mask.T, spacing_mm), smooth_mask(mask, spacing_mm).T)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_smoothing_keeps_the_volume_of_a_lesion(seed):
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal((20, 20, 20)), 2.0)
    labels = label_lesions(noise > np.quantile(noise, 0.95), 1.0)
    largest = labels == 1
    smoothed = smooth_mask(largest, (1.0, 1.0, 1.0))
    assert abs(int(smoothed.sum()) - int(largest.sum())) <= 8


def test_smoothing_nothing_gives_nothing():
    assert not smooth_mask(np.zeros((8, 8, 8), dtype=bool), (1.0, 1.0, 1.0)).any()


def test_equivalent_diameter_of_a_ball():
    assert equivalent_diameter_mm(4 / 3 * np.pi * 5**3) == pytest.approx(10.0)
    assert equivalent_diameter_mm(0.0) == 0.0
