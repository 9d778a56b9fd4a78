"""Cutting into patches and stitching together again gives back the image, whatever its size."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsh_core.inference.patches import (
    Stitcher,
    blend_window,
    pad_to_patch,
    patch_corners,
    patch_starts,
)

OVERLAP = st.one_of(st.sampled_from([0.0, 0.25, 0.5, 0.9, 0.99]), st.floats(0, 0.95))


@given(size=st.integers(1, 200), patch=st.integers(1, 80), overlap=OVERLAP)
def test_starts_are_spread_evenly_from_the_first_voxel_to_the_last(size, patch, overlap):
    size = max(size, patch)
    starts = patch_starts(size, patch, overlap)
    assert starts[0] == 0
    assert starts[-1] == size - patch
    gaps = np.diff(starts)
    assert (gaps > 0).all()  # nothing is computed twice
    assert gaps.size == 0 or gaps.max() - gaps.min() <= 1
    assert gaps.size == 0 or gaps.max() <= max(
        1, patch * (1 - overlap)
    )  # the overlap is at least what was asked for


@pytest.mark.parametrize(
    ("size", "patch", "overlap", "starts"),
    [
        (64, 64, 0.5, [0]),
        (128, 64, 0.5, [0, 32, 64]),
        (128, 64, 0.0, [0, 64]),
        (65, 64, 0.5, [0, 1]),
        (100, 64, 0.5, [0, 18, 36]),
        (181, 64, 0.5, [0, 29, 58, 88, 117]),
    ],
)
def test_starts_by_hand(size, patch, overlap, starts):
    assert patch_starts(size, patch, overlap) == starts


@pytest.mark.parametrize(
    ("size", "overlap", "sentence"),
    [
        (63, 0.5, r"at least one patch long \(64\), got 63"),
        (64, 1.0, r"overlap must lie in \[0, 1\), got 1.0"),
    ],
)
def test_what_cannot_be_spread(size, overlap, sentence):
    with pytest.raises(ValueError, match=sentence):
        patch_starts(size, 64, overlap)


def test_corners_come_in_c_order():
    corners = list(patch_corners((4, 6, 8), (4, 4, 4), 0.5))
    assert corners == [(0, j, k) for j in (0, 2) for k in (0, 2, 4)]


@pytest.mark.parametrize("size", [(64, 64, 64), (16, 32, 160), (1, 2, 3)])
def test_the_window_is_a_gaussian_that_is_never_zero(size):
    window = blend_window(size)
    assert window.shape == size
    assert window.dtype == np.float32
    assert window.min() > 0
    assert window.max() <= 1
    for axis in range(3):
        assert np.array_equal(window, np.flip(window, axis))
    offsets = np.indices(size) - (np.array(size).reshape(3, 1, 1, 1) - 1) / 2
    sigma = np.array(size).reshape(3, 1, 1, 1) / 8
    assert np.allclose(window, np.exp(-0.5 * ((offsets / sigma) ** 2).sum(axis=0)), rtol=1e-5)


@given(
    shape=st.tuples(*[st.integers(1, 40)] * 3),
    patch=st.tuples(*[st.sampled_from([1, 3, 8, 16])] * 3),
    overlap=st.sampled_from([0.0, 0.2, 0.5, 0.75]),
    seed=st.integers(0, 2**32 - 1),
)
def test_cut_and_stitched_is_the_image_again(shape, patch, overlap, seed):
    image = np.random.default_rng(seed).random(shape, np.float32)
    padded = pad_to_patch(image[None], patch)[0]
    window = blend_window(patch)
    stitcher = Stitcher(padded.shape, window)
    covered = np.zeros(padded.shape, int)
    for corner in patch_corners(padded.shape, patch, overlap):
        where = tuple(slice(start, start + size) for start, size in zip(corner, patch, strict=True))
        stitcher.add(padded[where], corner)
        covered[where] += 1
    result = stitcher.result()
    assert covered.min() >= 1
    assert result.dtype == np.float32
    assert result.shape == padded.shape
    assert np.allclose(result[tuple(map(slice, shape))], image, rtol=1e-5, atol=1e-7)


def test_where_two_patches_overlap_the_nearer_centre_counts_more():
    stitcher = Stitcher((12, 1, 1), blend_window((8, 1, 1)))
    stitcher.add(np.zeros((8, 1, 1), np.float32), (0, 0, 0))
    stitcher.add(np.ones((8, 1, 1), np.float32), (4, 0, 0))
    blended = stitcher.result()[:, 0, 0]
    assert (blended[:4] == 0).all()
    assert (blended[8:] == 1).all()
    assert (np.diff(blended[4:8]) > 0).all()
    assert blended[4:8] + blended[4:8][::-1] == pytest.approx(1)
    # voxel 4 is 0.5 from the first centre and 3.5 from the second; sigma is 1
    near, far = np.exp(-0.5 * 0.5**2), np.exp(-0.5 * 3.5**2)
    assert blended[4] == pytest.approx(far / (near + far), rel=1e-5)


def test_where_no_patch_was_added_there_is_zero():
    stitcher = Stitcher((6, 4, 4), blend_window((4, 4, 4)))
    stitcher.add(np.ones((4, 4, 4), np.float32), (2, 0, 0))
    result = stitcher.result()
    assert (result[:2] == 0).all()
    assert result[2:] == pytest.approx(1)


def test_padding_adds_zeros_behind_what_is_too_short():
    image = np.random.default_rng(0).random((2, 5, 9, 16), np.float32)
    padded = pad_to_patch(image, (8, 8, 16))
    assert padded.shape == (2, 8, 9, 16)
    assert np.array_equal(padded[:, :5], image)
    assert (padded[:, 5:] == 0).all()
    assert padded.dtype == np.float32


def test_what_is_long_enough_is_not_copied():
    image = np.zeros((1, 8, 9, 16), np.float32)
    assert pad_to_patch(image, (8, 8, 16)) is image
