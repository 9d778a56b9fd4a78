"""Longest diameters, of shapes that can be measured by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import pdist

from fsh_core.lesions.diameter import longest_axial_diameter, longest_diameter

AFFINE = np.diag([-1.0, 1.0, 2.5, 1.0])  # slices of 2.5 mm


def box(*sides: tuple[int, int]) -> np.ndarray:
    inside = np.zeros((12, 12, 12), dtype=bool)
    inside[tuple(slice(*side) for side in sides)] = True
    return inside


def test_a_voxel_is_as_long_as_its_longest_side() -> None:
    one = box((3, 4), (3, 4), (3, 4))
    assert longest_diameter(one, AFFINE).mm == 2.5
    assert longest_axial_diameter(one, AFFINE).mm == 1.0


def test_a_row_is_as_long_as_its_voxels_together() -> None:
    found = longest_diameter(box((2, 3), (1, 11), (5, 6)), AFFINE)
    assert found.mm == 10.0
    np.testing.assert_array_equal(found.ends, [(2, 0.5, 5), (2, 10.5, 5)])


def test_a_box_is_measured_across() -> None:
    inside = box((0, 3), (0, 4), (0, 5))
    # From the middle of a face to that of the opposite one: the longest of three.
    sides = np.array([3, 4, 5]) * (1.0, 1.0, 2.5)
    voxel = np.array([1.0, 1.0, 2.5])
    expected = max(
        np.linalg.norm(np.where(np.arange(3) == axis, sides, sides - voxel)) for axis in range(3)
    )
    assert longest_diameter(inside, AFFINE).mm == pytest.approx(expected, abs=1e-6)
    assert longest_axial_diameter(inside, AFFINE).mm == pytest.approx(math.hypot(2, 4), abs=1e-6)


def test_the_axial_one_lies_in_the_slice_that_is_longest() -> None:
    inside = box((0, 2), (0, 2), (0, 3)) | box((0, 1), (0, 9), (7, 8))
    found = longest_axial_diameter(inside, AFFINE)
    assert found.mm == 9.0
    np.testing.assert_array_equal(found.ends[:, 2], [7, 7])


def test_axial_follows_the_affine_not_the_order_in_the_file() -> None:
    swapped = AFFINE[:, [2, 0, 1, 3]]  # the first axis of the file is superior
    inside = np.moveaxis(box((0, 3), (0, 6), (0, 9)), 2, 0)
    assert longest_axial_diameter(inside, swapped).mm == pytest.approx(math.hypot(2, 6))


@given(arrays(bool, (4, 5, 3), elements=st.booleans()).filter(np.any))
def test_it_is_the_longest_of_all_lines_between_faces(inside: np.ndarray) -> None:
    voxels = np.argwhere(inside)
    steps = np.concatenate([np.eye(3), -np.eye(3)]) / 2
    faces = (voxels[:, None] + steps).reshape(-1, 3) @ AFFINE[:3, :3].T
    found = longest_diameter(inside, AFFINE)
    assert found.mm == pytest.approx(pdist(faces).max(), abs=1e-6)
    ends = found.ends @ AFFINE[:3, :3].T
    assert np.linalg.norm(ends[0] - ends[1]) == pytest.approx(found.mm, abs=1e-6)
    assert longest_axial_diameter(inside, AFFINE).mm <= found.mm + 1e-6


def test_no_voxel_is_refused() -> None:
    for measure in (longest_diameter, longest_axial_diameter):
        with pytest.raises(ValueError, match="at least one voxel"):
            measure(np.zeros((3, 3, 3), dtype=bool), AFFINE)
