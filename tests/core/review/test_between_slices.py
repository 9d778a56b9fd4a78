"""What lies between two painted slices has a shape between theirs."""

import numpy as np
import pytest

from fsh_core.errors import InputError
from fsh_core.review.between_slices import fill_between_slices

SPACING_MM = (1.0, 1.0, 3.0)


def discs(slices: dict[int, tuple[float, float, float]], axis: int = 2) -> np.ndarray:
    """Discs (radius, and centre in the plane, in voxels) in some slices across an axis."""
    mask = np.zeros((50, 50, 50), dtype=bool)
    rows, columns = np.indices((50, 50))
    stack = np.moveaxis(mask, axis, 0)
    for place, (radius, row, column) in slices.items():
        stack[place] = (rows - row) ** 2 + (columns - column) ** 2 <= radius**2
    return mask


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_same_disc_twice_is_a_cylinder(axis):
    mask = discs({10: (6, 25, 25), 14: (6, 25, 25)}, axis)
    added = fill_between_slices(mask, (1.0, 1.0, 1.0))
    stack = np.moveaxis(added, axis, 0)
    assert np.flatnonzero(stack.any(axis=(1, 2))).tolist() == [11, 12, 13]
    for place in (11, 12, 13):
        np.testing.assert_array_equal(stack[place], np.moveaxis(mask, axis, 0)[10])


def test_a_small_and_a_large_disc_are_a_cone():
    added = fill_between_slices(discs({10: (4, 25, 25), 14: (12, 25, 25)}), SPACING_MM)
    areas = added.sum(axis=(0, 1))[11:14]
    np.testing.assert_allclose(np.sqrt(areas / np.pi), [6, 8, 10], atol=0.5)


def test_discs_that_do_not_overlap_are_an_oblique_cylinder():
    added = fill_between_slices(discs({10: (5, 12, 25), 14: (5, 36, 25)}), SPACING_MM)
    for place, row in ((11, 18), (12, 24), (13, 30)):
        np.testing.assert_allclose(np.argwhere(added[..., place]).mean(axis=0), (row, 25), atol=0.3)
        assert added[..., place].sum() == pytest.approx(np.pi * 25, rel=0.1)


def test_in_each_of_several_gaps_and_never_in_a_painted_slice():
    mask = discs({10: (5, 25, 25), 13: (5, 25, 25), 14: (2, 25, 25), 16: (5, 25, 25)})
    added = fill_between_slices(mask, SPACING_MM)
    assert np.flatnonzero(added.any(axis=(0, 1))).tolist() == [11, 12, 15]


def test_nothing_is_left_out():
    with pytest.raises(InputError, match="no slice is left out"):
        fill_between_slices(discs({10: (5, 25, 25), 11: (5, 25, 25)}), SPACING_MM)
    with pytest.raises(InputError, match="no slice is left out"):
        fill_between_slices(np.zeros((5, 5, 5), dtype=bool), SPACING_MM)
