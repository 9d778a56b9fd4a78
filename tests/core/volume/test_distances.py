"""Distances, as scipy gives them, in less memory."""

import tracemalloc

import numpy as np
import pytest
from scipy import ndimage

from fsh_core.volume.distances import distance_mm


@pytest.mark.parametrize("spacing_mm", [(1.0, 1.0, 1.0), (0.9, 0.5, 3.3)])
def test_the_very_numbers_of_scipy(spacing_mm) -> None:
    mask = np.random.default_rng(0).random((21, 18, 15)) < 0.97
    np.testing.assert_array_equal(
        distance_mm(mask, spacing_mm), ndimage.distance_transform_edt(mask, sampling=spacing_mm)
    )


def test_two_voxels_apart() -> None:
    mask = np.ones((5, 3, 3), dtype=bool)
    mask[0] = False
    assert distance_mm(mask, (2.5, 1.0, 1.0))[2, 1, 1] == 5.0


def test_it_takes_a_third_of_the_memory() -> None:
    mask = np.ones((80, 80, 80), dtype=bool)
    mask[0, 0, 0] = False
    peaks = []
    for function in (distance_mm, lambda mask, mm: ndimage.distance_transform_edt(mask, mm)):
        tracemalloc.start()
        function(mask, (1.0, 1.0, 1.0))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[0] < 0.45 * peaks[1]
