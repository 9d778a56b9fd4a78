"""A click grows or shrinks a lesion: only there, only what is alike, and only what is connected."""

from dataclasses import replace

import numpy as np
import pytest

from fsh_core.errors import InputError
from fsh_core.review.correct import (
    REACH_MM,
    Surroundings,
    voxels_along,
    voxels_to_add,
    voxels_to_remove,
)

SPACING_MM = (1.0, 1.0, 2.0)
SHAPE = (40, 40, 16)


def scan() -> Surroundings:
    """Lesion 1 is half of a bright bar, lesion 2 stands beside it; the rest of the bar is free."""
    intensity = np.full(SHAPE, 50, dtype=np.float32)
    intensity[8:32, 18:22, 7:9] = 100
    labels = np.zeros(SHAPE, dtype=np.int16)
    labels[8:20, 18:22, 7:9] = 1
    labels[8:20, 22:24, 7:9] = 2
    brain = np.ones(SHAPE, dtype=bool)
    return Surroundings(labels, brain, intensity, np.zeros(SHAPE, dtype=np.float32), SPACING_MM)


def as_mask(voxels) -> np.ndarray:
    mask = np.zeros(SHAPE, dtype=bool)
    mask.reshape(-1)[voxels] = True
    return mask


class TestGrowing:
    def test_what_is_alike_within_reach_and_nothing_else(self):
        around = scan()
        gained = as_mask(voxels_to_add(1, [(20, 20, 7)], around))
        assert (around.intensity[gained] == 100).all()
        assert (around.labels[gained] == 0).all()
        assert np.argwhere(gained)[:, 0].max() == 20 + REACH_MM
        assert gained[20:24, 18:22, 7:9].all()

    def test_by_the_probability_where_the_scan_shows_nothing(self):
        around = scan()
        flat = replace(
            around,
            intensity=np.full_like(around.intensity, 50),
            probability=np.where(around.intensity == 100, np.float32(0.6), np.float32(0.02)),
        )
        np.testing.assert_array_equal(
            voxels_to_add(1, [(20, 20, 7)], flat), voxels_to_add(1, [(20, 20, 7)], around)
        )

    def test_not_outside_the_brain(self):
        around = scan()
        around.brain[22:] = False
        gained = as_mask(voxels_to_add(1, [(20, 20, 7)], around))
        assert gained[20:22, 18:22, 7:9].all()
        assert gained.sum() == 16

    def test_not_over_a_gap(self):
        around = scan()
        around.intensity[23] = 50
        gained = as_mask(voxels_to_add(1, [(21, 20, 7)], around))
        assert np.argwhere(gained)[:, 0].max() == 22

    def test_a_scribble_reaches_farther_than_a_click(self):
        around = scan()
        path = voxels_along([(20, 20, 7), (31, 20, 7)])
        assert len(path) == 12
        gained = as_mask(voxels_to_add(1, path, around))
        assert gained.sum() == 12 * 4 * 2

    def test_a_click_in_the_lesion_grows_it_around(self):
        gained = as_mask(voxels_to_add(1, [(18, 20, 7)], scan()))
        assert gained[20:23, 20, 7].all()

    def test_a_hole_is_filled_and_one_elsewhere_is_not(self):
        around = scan()
        around.labels[18, 19:21, 7] = 0
        around.labels[4:8, 10:30, 2:14] = 1
        around.intensity[4:8, 10:30, 2:14] = 100
        around.labels[5, 12, 6] = 0  # closed, and far from the click
        gained = as_mask(voxels_to_add(1, [(19, 20, 7)], around))
        assert gained[18, 19:21, 7].all()
        assert not gained[5, 12, 6]

    @pytest.mark.parametrize(
        ("click", "words"),
        [
            ((20, 30, 7), "looks like the tissue around lesion 1"),
            ((10, 22, 7), "grows only in the brain and outside other lesions"),
            ((39, 20, 7), "more than 15 mm from the click"),
        ],
    )
    def test_a_click_that_means_nothing_is_refused(self, click, words):
        with pytest.raises(InputError, match=words):
            voxels_to_add(1, [click], scan())

    def test_nothing_is_left_to_gain(self):
        around = scan()
        around.labels[8:32, 18:22, 7:9] = 1
        with pytest.raises(InputError, match="has all there that looks like it"):
            voxels_to_add(1, [(25, 20, 7)], around)

    def test_a_lesion_like_everything_around_is_for_the_brush(self):
        around = replace(scan(), intensity=np.full(SHAPE, 50, dtype=np.float32))
        with pytest.raises(InputError, match="neither in the scan nor in the probability"):
            voxels_to_add(1, [(20, 20, 7)], around)


class TestShrinking:
    @staticmethod
    def with_a_dark_end() -> Surroundings:
        around = scan()
        around.intensity[8:11, 18:22, 7:9] = 60
        return around

    def test_what_is_darker_goes_and_the_rest_stays(self):
        lost = as_mask(voxels_to_remove(1, [(9, 20, 7)], self.with_a_dark_end()))
        assert lost[8:11, 18:22, 7:9].all()
        assert lost.sum() == 3 * 4 * 2

    def test_not_what_is_far_away(self):
        around = self.with_a_dark_end()
        around.intensity[18:20, 18:22, 7:9] = 60
        lost = as_mask(voxels_to_remove(1, [(9, 20, 7)], around))
        assert lost.sum() == 3 * 4 * 2

    def test_what_lies_outside_the_lesion_does_not_count(self):
        path = voxels_along([(4, 20, 7), (9, 20, 7)])
        lost = as_mask(voxels_to_remove(1, path, self.with_a_dark_end()))
        assert lost.sum() == 3 * 4 * 2
        with pytest.raises(InputError, match="click inside it"):
            voxels_to_remove(1, path[:2], self.with_a_dark_end())

    def test_never_the_whole_lesion(self):
        around = scan()
        around.labels[12:20] = 0
        with pytest.raises(InputError, match="nothing of lesion 1 would be left"):
            voxels_to_remove(1, [(10, 20, 7)], around)


def test_a_scribble_is_one_line_without_gaps_and_each_voxel_once():
    assert voxels_along([(3, 3, 3)]) == [(3, 3, 3)]
    assert voxels_along([(0, 0, 0), (3, 0, 0), (1, 0, 0)]) == [(i, 0, 0) for i in range(4)]
