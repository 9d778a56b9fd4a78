"""Intensities: air is told from patient on any scale, and tissue is put on one scale."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from fsh_core.preprocess.intensity import (
    fill_slices,
    foreground,
    grey_levels,
    largest_component,
    scale_minmax,
    scale_percentile,
    scale_tissue,
)

SHAPE = (40, 36, 20)
EVERYWHERE = np.ones(SHAPE, dtype=bool)


def head(air: float = 0.0, tissue: float = 1000.0, noise: float = 0.0) -> NDArray[np.float32]:
    """A block of tissue (30, 26, 16) with a ventricle that is open to the last slice."""
    data = np.full(SHAPE, air, dtype=np.float32)
    data[5:35, 5:31, 4:20] = tissue
    data[18:22, 16:20, 10:20] = air
    return (
        data + np.random.default_rng(0).normal(0, noise, SHAPE).astype(np.float32)
        if noise
        else data
    )


@pytest.mark.parametrize(
    ("air", "tissue"), [(0.0, 1000.0), (300.0, 4000.0), (-1024.0, 40.0), (0.0, 1e-3)]
)
def test_foreground_is_the_patient_on_any_scale_and_ventricles_open_to_a_slice_are_filled(
    air: float, tissue: float
) -> None:
    found = foreground(head(air, tissue))
    assert found.sum() == 30 * 26 * 16
    assert found[5:35, 5:31, 4:20].all()


def test_foreground_ignores_noise_in_the_air_and_keeps_fluid() -> None:
    data = head(air=100.0, noise=20.0)
    data[8:12, 8:12, 6:10] = 420.0  # fluid: brighter than air, much darker than tissue
    assert foreground(data)[8:12, 8:12, 6:10].all()
    assert foreground(data).sum() == 30 * 26 * 16


def test_foreground_is_one_piece() -> None:
    data = head()
    data[0:3, 0:3, 0:3] = 1000.0
    assert not foreground(data)[0:3, 0:3, 0:3].any()


def test_foreground_is_not_misled_by_a_few_extremely_bright_voxels() -> None:
    data = head()
    data[10:13, 10:13, 6:9] = 50_000.0
    assert foreground(data).sum() == 30 * 26 * 16


def test_foreground_of_a_scan_that_is_almost_all_air() -> None:
    data = np.zeros((60, 60, 60), dtype=np.float32)
    data[20:26, 20:26, 20:26] = 7.0
    assert foreground(data).sum() == 6**3


def test_foreground_of_a_constant_image_is_empty() -> None:
    assert not foreground(np.full(SHAPE, 3.0, dtype=np.float32)).any()


def test_percentile_scaling_puts_the_median_of_the_tissue_at_a_third() -> None:
    rng = np.random.default_rng(1)
    data = rng.normal(900.0, 100.0, SHAPE).astype(np.float32)
    within = np.zeros(SHAPE, dtype=bool)
    within[10:30, 10:30, 5:15] = True
    data[~within] = 9000.0
    scaled = scale_percentile(data, within)
    assert scaled.dtype == np.float32
    assert np.median(scaled[within]) == pytest.approx(1 / 3, abs=1e-3)
    assert scaled.min() == 0
    assert (scaled[~within] == 1).all()  # clipped


def test_percentile_scaling_of_tissue_does_not_depend_on_the_lesion_load() -> None:
    rng = np.random.default_rng(2)
    healthy = rng.normal(900.0, 100.0, SHAPE).astype(np.float32)
    few, many = healthy.copy(), healthy.copy()
    few[:, :, :1] = (
        1800.0  # 5 % and 10 % of the brain: the 92nd percentile would move from 1060 to 1800
    )
    many[:, :, :2] = 1800.0
    elsewhere = np.s_[:, :, 2:]
    difference = (
        scale_percentile(few, EVERYWHERE)[elsewhere] - scale_percentile(many, EVERYWHERE)[elsewhere]
    )
    assert np.abs(difference).max() < 0.03


def test_percentile_scaling_leaves_lesions_below_saturation() -> None:
    data = np.random.default_rng(3).normal(900.0, 100.0, SHAPE).astype(np.float32)
    data[:, :, :2] = 50.0  # fluid
    data[:4, :4, 10:14] = 1600.0
    assert 0.5 < scale_percentile(data, EVERYWHERE)[:4, :4, 10:14].min() < 0.7


@given(gain=st.floats(1e-2, 1e3), offset=st.floats(-1e3, 1e3))
def test_scalings_do_not_depend_on_the_scanner_s_units(gain: float, offset: float) -> None:
    data = np.random.default_rng(4).uniform(0.0, 100.0, SHAPE)
    other = gain * data + offset
    assert np.allclose(
        scale_percentile(data, EVERYWHERE), scale_percentile(other, EVERYWHERE), atol=2e-2
    )
    assert np.allclose(scale_minmax(data), scale_minmax(other), atol=2e-2)


def test_percentile_scaling_with_an_empty_region_measures_everywhere() -> None:
    data = np.random.default_rng(5).uniform(0.0, 1.0, SHAPE)
    assert np.array_equal(
        scale_percentile(data, np.zeros(SHAPE, dtype=bool)), scale_percentile(data, EVERYWHERE)
    )


def test_percentile_scaling_where_most_voxels_are_equal_still_shows_the_rest() -> None:
    data = np.zeros(SHAPE, dtype=np.float32)
    data[:4] = 5.0
    scaled = scale_percentile(data, EVERYWHERE)
    assert scaled[:4].min() == 1.0
    assert scaled[4:].max() == 0.0


@pytest.mark.parametrize("value", [0.0, -7.0, 1e6])
def test_constant_data_scale_to_zero(value: float) -> None:
    data = np.full(SHAPE, value, dtype=np.float32)
    assert not scale_percentile(data, EVERYWHERE).any()
    assert not scale_minmax(data).any()


def test_minmax_scaling_maps_the_extremes_to_0_and_1() -> None:
    data = np.linspace(-3.0, 5.0, 40 * 36 * 20).reshape(SHAPE)
    scaled = scale_minmax(data)
    assert scaled.dtype == np.float32
    assert (scaled.flat[0], scaled.flat[-1]) == (0.0, 1.0)
    assert scaled.ravel()[scaled.size // 2] == pytest.approx(0.5, abs=1e-4)


def test_largest_component_counts_faces_not_corners() -> None:
    mask = np.zeros((6, 6, 6), dtype=bool)
    mask[0:2, 0:2, 0:2] = True  # 8 voxels
    mask[2, 2, 2] = True  # touches by a corner only
    assert largest_component(mask).sum() == 8
    assert not largest_component(np.zeros((3, 3, 3), dtype=bool)).any()


def test_fill_slices_fills_a_tunnel_and_changes_nothing_else() -> None:
    mask = np.zeros((9, 9, 9), dtype=bool)
    mask[2:7, 2:7, 1:8] = True
    open_to_both_ends = mask.copy()
    open_to_both_ends[4, 4, :] = False
    assert np.array_equal(fill_slices(open_to_both_ends), mask)
    assert not open_to_both_ends[4, 4, 4]  # the argument is untouched
    assert not fill_slices(np.zeros((4, 4, 4), dtype=bool)).any()


class TestScaleTissue:
    def test_median_and_90th_percentile_go_where_they_belong(self) -> None:
        data = np.arange(1001, dtype=np.float32).reshape(7, 11, 13)
        scaled = scale_tissue(data, np.ones(data.shape, bool))
        assert scaled.ravel()[500] == pytest.approx(1 / 3, abs=1e-6)
        assert scaled.ravel()[900] == pytest.approx(0.45, abs=1e-6)

    def test_scanners_of_different_contrast_become_alike(self) -> None:
        rng = np.random.default_rng(0)
        tissue = rng.normal(0, 1, (12, 10, 8))
        within = np.ones(tissue.shape, bool)
        flat, steep = (
            scale_tissue(400 + 20 * tissue, within),
            scale_tissue(90 + 30 * tissue, within),
        )
        np.testing.assert_allclose(flat, steep, atol=1e-5)

    def test_outside_is_scaled_but_not_measured(self) -> None:
        data = np.arange(1000, dtype=np.float32).reshape(10, 10, 10)
        within = np.zeros(data.shape, bool)
        within[:5] = True
        disturbed = data.copy()
        disturbed[5:] = 1e6
        np.testing.assert_array_equal(
            scale_tissue(data, within)[:5], scale_tissue(disturbed, within)[:5]
        )

    def test_without_contrast_above_the_median_the_level_alone_counts(self) -> None:
        data = np.full((6, 5, 4), 100, np.float32)
        data[0] = 0
        within = np.ones(data.shape, bool)
        np.testing.assert_array_equal(scale_tissue(data, within), scale_percentile(data, within))
        assert not scale_tissue(np.full((4, 4, 4), 7.0), np.ones((4, 4, 4), bool)).any()


def test_fill_slices_fills_what_scipy_fills_in_each_slice() -> None:
    rng = np.random.default_rng(0)
    for density in (0.5, 0.7, 0.9):
        mask = rng.random((9, 12, 10)) < density
        mask[0], mask[:, -1] = False, False  # the box around it is smaller than the array
        expected = mask[1:, :-1].copy()
        for axis in range(3):
            for one in np.moveaxis(expected, axis, 0):
                one[...] = ndimage.binary_fill_holes(one)
        filled = fill_slices(mask)
        assert np.array_equal(filled[1:, :-1], expected)
        assert filled.sum() == expected.sum() > mask.sum()


class TestGreyLevels:
    """Black and the median of the brain, which quality checks and flags both measure by."""

    def test_by_hand(self) -> None:
        values = np.arange(1001, dtype=np.float32)[::-1]
        levels = grey_levels(values)
        assert levels == (1.0, 500.0)  # the 0.1th percentile of 0 to 1000
        assert grey_levels(values, low_percentile=0.5) == (5.0, 500.0)
        assert levels.between(0.5) == 250.5

    @pytest.mark.parametrize(("gain", "offset"), [(1.0, 0.0), (0.01, -3.0), (40.0, 1000.0)])
    def test_a_share_of_the_way_is_the_same_voxels_on_any_scale(
        self, gain: float, offset: float
    ) -> None:
        """A fraction of the median alone would be another level once a scan is a z-score."""
        values = np.arange(1001, dtype=np.float32)
        scaled = gain * values + offset
        assert np.count_nonzero(scaled < grey_levels(scaled).between(0.6)) == 301

    def test_of_no_voxel_there_is_no_contrast(self) -> None:
        """One copy raised here, two said 0 and 0, one said that there is no tissue."""
        levels = grey_levels(np.empty(0, np.float32))
        assert levels == (0.0, 0.0)
        assert not levels.have_contrast
        assert not grey_levels(np.full(5, 7.0, np.float32)).have_contrast

    def test_nobody_measures_black_by_themselves(self) -> None:
        core = Path(__file__).resolve().parents[3] / "fsh_core"
        for path in core.rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            assert "50.0))" not in text or path.name == "intensity.py", path
            assert "50.0])" not in text, path
