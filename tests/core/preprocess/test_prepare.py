"""To the network's grid and back: every place stays where it is in the patient."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nibabel.orientations import aff2axcodes
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from fsh_core.config import ModelConfig
from fsh_core.preprocess.prepare import Prepared, prepare
from fsh_core.volume.volume import Volume, from_ras, to_ras

ORIENTATIONS = [
    np.eye(3)[:, order] * signs
    for order in itertools.permutations(range(3))
    for signs in itertools.product((1.0, -1.0), repeat=3)
]
SHAPE = (30, 26, 22)
SPACING_MM = (1.4, 0.9, 2.5)
OBLIQUE = Rotation.from_euler("xyz", (11, -8, 5), degrees=True).as_matrix()


def grid_of(matrix: NDArray, spacing_mm=SPACING_MM, shape=SHAPE) -> Volume:
    """An empty scan whose axes are the columns of ``matrix``."""
    affine = np.eye(4)
    affine[:3, :3] = matrix * spacing_mm
    affine[:3, 3] = 12.5, -7.25, 3.0
    return Volume(np.zeros(shape, np.float32), affine)


def places_mm(affine: NDArray, shape: tuple[int, int, int]) -> NDArray:
    """Where each voxel lies, (I, J, K, 3)."""
    return np.moveaxis(np.indices(shape), 0, -1) @ affine[:3, :3].T + affine[:3, 3]


def blob(
    affine: NDArray, shape: tuple[int, int, int], centre_mm: NDArray, sigma_mm: float = 3.0
) -> NDArray:
    distance = np.linalg.norm(places_mm(affine, shape) - centre_mm, axis=-1)
    return np.exp(-0.5 * (distance / sigma_mm) ** 2).astype(np.float32)


def centroid_mm(data: NDArray, affine: NDArray) -> NDArray:
    """Centre of mass, in mm."""
    return (places_mm(affine, data.shape) * data[..., None]).sum((0, 1, 2)) / data.sum()


def crop_affine(prepared: Prepared) -> NDArray:
    affine = prepared.grid.affine.copy()
    affine[:3, 3] += affine[:3, :3] @ [side.start for side in prepared.crop]
    return affine


def check_landmark(empty: Volume, spacing_mm: float) -> None:
    """A blob in the scan lies at the same millimetres in the network's image, and back."""
    centre = (
        empty.affine[:3, :3] @ (np.array(empty.shape) / 2 + (1.3, -0.7, 0.4)) + empty.affine[:3, 3]
    )
    scan = empty.with_data(blob(empty.affine, empty.shape, centre))
    nowhere = np.zeros(scan.shape, bool)
    prepared = prepare([scan], nowhere, ModelConfig(spacing_mm=spacing_mm, intensity="minmax"))
    assert prepared.image.dtype == np.float32
    assert aff2axcodes(prepared.grid.affine) == ("R", "A", "S")
    assert prepared.grid.spacing_mm == pytest.approx((spacing_mm,) * 3, rel=0.01)
    assert centroid_mm(prepared.image[0], crop_affine(prepared)) == pytest.approx(centre, abs=0.1)

    there = blob(crop_affine(prepared), prepared.image.shape[1:], centre, sigma_mm=4.0)
    back = prepared.to_input_grid(there)
    assert back.shape == scan.shape
    assert back.dtype == np.float32
    assert centroid_mm(back, scan.affine) == pytest.approx(centre, abs=0.1)
    assert np.abs(back - blob(scan.affine, scan.shape, centre, 4.0)).max() < 0.12


@pytest.mark.parametrize(
    "matrix",
    ORIENTATIONS,
    ids=lambda matrix: "".join(aff2axcodes(np.diag([0, 0, 0, 1.0]) + np.pad(matrix, (0, 1)))),
)
def test_a_landmark_stays_in_its_place_for_every_orientation(matrix):
    check_landmark(grid_of(matrix), spacing_mm=1.0)


@settings(max_examples=20)
@given(
    orientation=st.sampled_from(ORIENTATIONS),
    degrees=st.tuples(*[st.floats(-25, 25)] * 3),
    size_mm=st.tuples(*[st.floats(0.7, 3.0)] * 3),
    spacing_mm=st.sampled_from([1.0, 1.25, 2.0]),
)
def test_a_landmark_stays_in_its_place_on_oblique_anisotropic_grids(
    orientation, degrees, size_mm, spacing_mm
):
    turned = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix() @ orientation
    shape = tuple(int(np.ceil(40 / size)) for size in size_mm)
    check_landmark(grid_of(turned, size_mm, shape), spacing_mm)


@settings(max_examples=40)
@given(
    size_mm=st.tuples(
        *[st.sampled_from([0.5, 0.99, 0.995, 1.0, 1.005, 1.009, 1.25, 1.5, 3.0])] * 3
    ),
    shape=st.tuples(*[st.integers(16, 67)] * 3),
    spacing_mm=st.sampled_from([1.0, 0.9, 1.5]),
)
def test_image_and_reference_lie_on_one_grid_whatever_the_voxel_size(size_mm, shape, spacing_mm):
    scan = grid_of(OBLIQUE, size_mm, shape)
    mask = np.zeros(shape, bool)
    mask[4:10, 5:12, 6:14] = True
    scan = scan.with_data(mask.astype(np.float32))
    prepared = prepare(
        [scan], np.ones(shape, bool), ModelConfig(spacing_mm=spacing_mm, intensity="minmax")
    )
    assert prepared.from_input_grid(mask).shape == prepared.image.shape[1:]
    assert np.array_equal(prepared.from_input_grid(mask), prepared.grid.data[prepared.crop] >= 0.5)
    assert prepared.to_input_grid(prepared.image[0]).shape == shape


@pytest.mark.parametrize("matrix", [np.eye(3), ORIENTATIONS[21], OBLIQUE @ ORIENTATIONS[38]])
def test_at_the_networks_spacing_nothing_is_interpolated(matrix):
    scan = grid_of(matrix, (1.0, 1.0, 1.0))
    values = np.random.default_rng(0).random(SHAPE, np.float32)
    values.flat[:2] = 0, 1
    brain = values > 0.5
    prepared = prepare([scan.with_data(values)], brain, ModelConfig(intensity="minmax"))
    assert (
        prepared.image[0].tobytes()
        == np.ascontiguousarray(to_ras(scan.with_data(values)).data[prepared.crop]).tobytes()
    )
    assert np.array_equal(prepared.to_input_grid(prepared.image[0]), values)
    assert np.array_equal(from_ras(prepared.brain, scan), brain)
    assert np.array_equal(from_ras(prepared.from_input_grid(brain), scan), brain)


def test_a_reference_of_whole_voxels_comes_back():
    """A cube of 12 mm on anisotropic voxels has 12^3 voxels of 1 mm, less blurred corners."""
    scan = grid_of(np.eye(3), (2.0, 1.5, 3.0))
    mask = np.zeros(SHAPE, bool)
    mask[10:16, 8:16, 9:13] = True
    there = prepare([scan.with_data(mask.astype(np.float32))], mask, ModelConfig()).from_input_grid(
        mask
    )
    assert there.sum() == 12**3 - 8
    prepared = prepare([scan.with_data(mask.astype(np.float32))], mask, ModelConfig())
    assert np.array_equal(prepared.to_input_grid(there.astype(np.float32)) >= 0.5, mask)


class TestCrop:
    def scan(self):
        scan = grid_of(np.eye(3), (1.0, 1.0, 2.0), (40, 40, 24))
        brain = np.zeros(scan.shape, bool)
        brain[12:30, 2:20, 9:15] = True
        data = np.random.default_rng(0).random(scan.shape, np.float32) + brain
        return scan.with_data(data), brain

    def test_six_millimetres_around_the_brain_and_not_beyond_the_image(self):
        scan, brain = self.scan()
        prepared = prepare([scan], brain, ModelConfig())
        assert prepared.crop == (slice(6, 36), slice(0, 26), slice(18 - 6, 30 + 6))
        assert prepared.image.shape == (1, 30, 26, 24)
        assert prepared.brain.shape == (30, 26, 24)
        assert prepared.brain.sum() == 18 * 18 * 12

    def test_the_margin_is_in_millimetres(self):
        scan, brain = self.scan()
        assert prepare([scan], brain, ModelConfig(spacing_mm=2.0)).crop[2] == slice(9 - 3, 15 + 3)

    def test_the_margin_keeps_its_intensities_and_masked_does_not(self):
        scan, brain = self.scan()
        prepared = prepare([scan], brain, ModelConfig(intensity="minmax"))
        assert prepared.image[0][~prepared.brain].max() > 0
        assert prepared.masked[0][~prepared.brain].max() == 0
        assert np.array_equal(prepared.masked[0][prepared.brain], prepared.image[0][prepared.brain])
        assert prepared.masked.dtype == np.float32

    def test_outside_the_crop_the_probability_is_zero(self):
        scan, brain = self.scan()
        prepared = prepare([scan], brain, ModelConfig())
        back = prepared.to_input_grid(np.ones(prepared.image.shape[1:], np.float32))
        assert back[brain].min() == pytest.approx(1)
        assert back[:6].max() == back[36:].max() == back[:, 26:].max() == 0

    def test_an_empty_brain_keeps_the_whole_image(self):
        scan, brain = self.scan()
        prepared = prepare([scan], np.zeros_like(brain), ModelConfig())
        assert prepared.crop == (slice(0, 40), slice(0, 40), slice(0, 48))
        assert prepared.brain.all()
        assert np.array_equal(prepared.masked, prepared.image)

    def test_a_brain_of_one_voxel(self):
        scan, brain = self.scan()
        one = np.zeros_like(brain)
        one[0, 39, 10] = True
        prepared = prepare([scan], one, ModelConfig())
        assert prepared.crop[:2] == (slice(0, 7), slice(33, 40))
        assert prepared.brain.any()


class TestIntensity:
    def scan(self):
        """Air 0 around a brain of 50 to 150, and a bright spot of 1000 outside the brain."""
        scan = grid_of(np.eye(3), (1.0, 1.0, 1.0))
        brain = np.zeros(SHAPE, bool)
        brain[5:25, 5:21, 5:17] = True
        data = np.where(brain, np.random.default_rng(0).uniform(50, 150, SHAPE), 0).astype(
            np.float32
        )
        data[0, 0, 0] = 1000
        return scan.with_data(data), brain

    def test_minmax_is_measured_on_the_whole_image(self):
        scan, brain = self.scan()
        prepared = prepare([scan], brain, ModelConfig(intensity="minmax"))
        assert np.allclose(prepared.image[0], scan.data[prepared.crop] / 1000)

    def test_percentile_is_measured_in_the_brain(self):
        scan, brain = self.scan()
        prepared = prepare([scan], brain, ModelConfig(intensity="percentile"))
        without = scan.data.copy()
        without[0, 0, 0] = 0
        same = prepare([scan.with_data(without)], brain, ModelConfig())
        assert np.array_equal(prepared.masked, same.masked)
        assert np.median(prepared.image[0][prepared.brain]) == pytest.approx(1 / 3, abs=1e-3)

    def test_percentile_without_a_brain_is_measured_in_the_foreground(self):
        scan, brain = self.scan()
        nowhere = prepare([scan], np.zeros_like(brain), ModelConfig())
        known = prepare([scan], brain, ModelConfig())
        assert np.allclose(nowhere.image[:, *known.crop], known.image, atol=0.02)

    @pytest.mark.parametrize("intensity", ["percentile", "minmax"])
    def test_the_scanners_units_do_not_matter(self, intensity):
        scan, brain = self.scan()
        config = ModelConfig(intensity=intensity)
        other = prepare([scan.with_data(scan.data * 37 + 11)], brain, config)
        assert np.allclose(other.image, prepare([scan], brain, config).image, atol=1e-5)
        assert other.image.min() >= 0
        assert other.image.max() <= 1

    def test_each_channel_is_scaled_by_itself(self):
        scan, brain = self.scan()
        second = scan.with_data(scan.data[::-1].copy() * 20)
        prepared = prepare([scan, second], brain, ModelConfig(channels=("FLAIR", "T1w")))
        assert prepared.image.shape[0] == 2
        for channel in prepared.image:
            assert np.median(channel[prepared.brain]) == pytest.approx(1 / 3, abs=1e-3)
        assert np.array_equal(prepared.image[1], prepare([second], brain, ModelConfig()).image[0])
