"""What a brush may change."""

from dataclasses import replace

import numpy as np

from fsh_core.review.brush import BrushRange, suggested_ranges
from fsh_core.review.correct import Surroundings


def scan() -> Surroundings:
    """A tenth of it is lesion, twice as bright; the probability rises along the last axis."""
    intensity = np.full((10, 10, 10), 50, dtype=np.float32)
    intensity[:1] = 100
    intensity[0, 0, 0] = 130
    probability = np.broadcast_to(np.linspace(0, 0.9, 10, dtype=np.float32), intensity.shape)
    labels = (intensity > 60).astype(np.int16)
    return Surroundings(labels, labels >= 0, intensity, probability, (1.0, 1.0, 1.0))


def test_both_ends_belong_to_the_range():
    voxels = np.array([0, 1, 999], dtype=np.int64)  # of 130, 100 and 50
    for low, high, wanted in ((50, 100, [False, True, True]), (101, 130, [True, False, False])):
        assert BrushRange("intensity", low, high).holds(voxels, scan()).tolist() == wanted


def test_by_the_probability():
    voxels = np.arange(10)
    held = BrushRange("probability", 0.45, 0.75).holds(voxels, scan())
    assert np.flatnonzero(held).tolist() == [5, 6, 7]


def test_without_a_scan_nothing_is_held_back_by_intensity():
    around = replace(scan(), intensity=None)
    assert BrushRange("intensity", 1, 2).holds(np.arange(3), around).all()
    assert set(suggested_ranges(around)) == {"probability"}


def test_the_journal_says_which_range():
    assert BrushRange("probability", 0.1, 1).tool == "paint within probability 0.1 to 1"


def test_as_bright_as_lesions():
    around = scan()
    assert suggested_ranges(around)["intensity"] == BrushRange("intensity", 75, 130)
    nothing = replace(around, labels=np.zeros_like(around.labels))
    assert suggested_ranges(nothing)["intensity"] == BrushRange("intensity", 50, 130)
