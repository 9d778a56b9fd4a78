"""Where two visits differ, and whose it is."""

import numpy as np
import pytest

from fsh_core.tracking import track_visits
from fsh_core.tracking.regions import _joined, longest_mm
from tests.core.tracking.phantom import make_visit


def test_where_two_lesions_meet_the_smaller_has_the_voxel_in_either_order() -> None:
    large, small = np.zeros((8, 8, 8), np.int32), np.zeros((8, 8, 8), np.int32)
    large[1:7, 1:7, 1:7] = 1
    small[3:5, 3:5, 3:5] = 2
    for joined in (_joined(large, small), _joined(small, large)):
        assert np.bincount(joined.ravel()).tolist() == [512 - 216, 216 - 8, 8]


def test_no_lesion_vanishes_under_others() -> None:
    first, second = np.zeros((4, 4, 4), np.int32), np.zeros((4, 4, 4), np.int32)
    first[1:3, 1:3, 1:3] = 1  # under two smaller ones, wholly
    second[1, 1:3, 1:3], second[2, 1:3, 1:3] = 2, 3
    for joined in (_joined(first, second), _joined(second, first)):
        assert 1 in joined


def test_lesions_outside_the_brain_are_followed_too() -> None:
    ball = ((0.0, 0.0, 56.0), 2.5)  # as a reader may draw
    before = make_visit("a", [], labelled=[ball])
    after = make_visit("b", [], labelled=[ball], seed=1)
    assert track_visits([before, after]).changes["kind"].tolist() == ["stable"]


@pytest.mark.parametrize(
    ("shape", "spacing_mm", "length_mm"),
    [
        ((1, 1, 1), (1.0, 1.0, 6.0), 1.0),
        ((3, 1, 1), (1.0, 1.0, 1.0), 3.0),
        ((1, 1, 2), (0.7, 0.7, 3.0), 3.7),
        ((20, 20, 1), (1.0, 1.0, 1.0), 19 * 2**0.5 + 1),
    ],
)
def test_the_largest_diameter(shape, spacing_mm, length_mm) -> None:
    mask = np.zeros((22, 22, 6), dtype=bool)
    mask[: shape[0], : shape[1], : shape[2]] = True
    assert longest_mm(mask, spacing_mm) == pytest.approx(length_mm)
