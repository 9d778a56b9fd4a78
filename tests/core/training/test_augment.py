"""Augmentation: in the right place, image and reference together, only what the recipe says."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from torch import Tensor

from fsh_core.training.augment import RIM_MM, sample_patch, thicken, vary_intensities

SHAPE = (40, 36, 30)
SIZE = (16, 16, 32)
CENTRE = np.array([20.0, 17.0, 15.0])
SEEDS = range(40)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def places(shape: tuple[int, int, int] = (90, 90, 90)) -> Tensor:
    """A stack whose channels hold the voxel indices, from 100 so that 0 means outside."""
    return torch.from_numpy(np.indices(shape).astype(np.float32)) + 100


def blobs(seed: int = 0, shape: tuple[int, int, int] = SHAPE) -> Tensor:
    """Channel: smooth blobs in [0, 1]; reference: where they exceed 0.5; all in the brain."""
    smooth = ndimage.gaussian_filter(rng(seed).standard_normal(shape), 3)
    smooth = (smooth - smooth.min()) / np.ptp(smooth)
    return torch.from_numpy(
        np.stack([smooth, smooth > 0.5, np.full(shape, 2 * RIM_MM)]).astype(np.float32)
    )


def flat(
    value: float = 0.4, depth: float = 2 * RIM_MM, size: tuple[int, int, int] = (8, 9, 10)
) -> Tensor:
    """A patch of one value without lesions."""
    return torch.stack([torch.full(size, value), torch.zeros(size), torch.full(size, depth)])


def fitted(patch: Tensor) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fit places = matrix @ offset + centre; return matrix, centre and what is left, in voxels."""
    size = patch.shape[1:]
    offsets = np.moveaxis(np.indices(size), 0, -1).reshape(-1, 3) - (np.array(size) - 1) / 2
    design = np.column_stack([offsets, np.ones(len(offsets))])
    found = patch.numpy().reshape(3, -1).T.astype(float) - 100
    solution = np.linalg.lstsq(design, found, rcond=None)[0]
    return solution[:3].T, solution[3], found - design @ solution


class TestNone:
    @settings(max_examples=30)
    @given(
        shape=st.tuples(*[st.integers(5, 40)] * 3),
        size=st.tuples(*[st.sampled_from([1, 7, 16, 32])] * 3),
        centre=st.tuples(*[st.floats(-10, 50)] * 3),
    )
    def test_voxels_come_as_they_are(self, shape, size, centre):
        stack = torch.from_numpy(rng().random((3, *shape), np.float32))
        patch = sample_patch(stack, np.array(centre), size, "none", rng())
        assert patch.shape == (3, *size)
        # The patch lies inside the image where the image is large enough, else the image inside the
        # patch.
        for axis in range(3):
            line = np.moveaxis(np.asarray(patch[0]), axis, 0)
            empty = [i for i in range(size[axis]) if not line[i].any()]
            assert len(empty) == max(0, size[axis] - shape[axis])
        values = np.asarray(patch)[:, np.asarray(patch[0]) > 0]
        start = [
            int(np.clip(np.floor(c - (p - 1) / 2 + 0.5), 0, s - p)) if s >= p else None
            for c, p, s in zip(centre, size, shape, strict=True)
        ]
        if None not in start:
            first = [round(s) for s in start]
            i, j, k = (slice(f, f + p) for f, p in zip(first, size, strict=True))
            assert np.array_equal(patch, stack[:, i, j, k])
        assert np.isin(values, np.asarray(stack)).all()

    @pytest.mark.parametrize("size", [(16, 16, 32), (32, 48, 16)])
    def test_the_centre_of_a_grid_patch_is_that_patch(self, size):
        """A grid patch at a corner is found from its centre: nothing moves by a voxel."""
        stack = torch.from_numpy(rng().random((3, 60, 61, 62), np.float32))
        for corner in [(0, 0, 0), (3, 4, 5), tuple(np.array([60, 61, 62]) - size)]:
            i, j, k = (
                slice(start, start + length) for start, length in zip(corner, size, strict=True)
            )
            patch = sample_patch(
                stack, np.array(corner) + (np.array(size) - 1) / 2, size, "none", rng()
            )
            assert np.array_equal(patch, stack[:, i, j, k])


class TestDefault:
    @pytest.mark.parametrize("seed", SEEDS)
    def test_a_turn_a_scale_and_a_left_right_mirror_around_the_centre(self, seed):
        centre = np.array([45.3, 44.8, 44.1])
        matrix, middle, rest = fitted(sample_patch(places(), centre, SIZE, "default", rng(seed)))
        assert middle == pytest.approx(centre, abs=1e-3)
        assert np.abs(rest).max() < 1e-3  # nothing bends
        scales = np.linalg.norm(matrix, axis=0)
        assert (scales > 0.849).all()
        assert (scales < 1.201).all()
        turn = matrix / scales
        assert turn.T @ turn == pytest.approx(np.eye(3), abs=1e-3)
        assert (turn.diagonal()[1:] > 0.85).all()  # never mirrored back to front or upside down
        assert abs(turn[0, 0]) > 0.85

    def test_both_sides_occur_and_every_scale(self):
        matrices = [
            fitted(sample_patch(places(), np.full(3, 45.0), SIZE, "default", rng(seed)))[0]
            for seed in SEEDS
        ]
        mirrored = [np.linalg.det(matrix) < 0 for matrix in matrices]
        assert 0.25 < np.mean(mirrored) < 0.75
        scales = np.array([np.linalg.norm(matrix, axis=0) for matrix in matrices])
        assert scales.min() < 0.9
        assert scales.max() > 1.15
        degrees = [
            np.degrees(np.arccos(matrix[2, 2] / np.linalg.norm(matrix[:, 2])))
            for matrix in matrices
        ]
        assert max(degrees) > 8


class TestPaper:
    def test_turned_mirrored_in_all_axes_and_bent_but_not_scaled(self):
        signs, bends = [], []
        for seed in SEEDS:
            matrix, middle, rest = fitted(
                sample_patch(places(), np.full(3, 45.0), SIZE, "paper", rng(seed))
            )
            signs.append(np.sign(matrix.diagonal()))
            bends.append(np.abs(rest).max())
            assert np.linalg.norm(matrix, axis=0) == pytest.approx(1, abs=0.45)
            assert middle == pytest.approx([45] * 3, abs=2)
        assert (
            np.abs(np.mean(signs, axis=0)).max() < 0.5
        )  # each axis mirrored about half of the times
        assert min(bends) > 0.5
        assert max(bends) < 8

    def test_bending_is_smooth(self):
        patch = sample_patch(places(), np.full(3, 45.0), (32, 32, 32), "paper", rng()).numpy()
        for axis in range(3):
            second = np.diff(patch, n=2, axis=axis + 1)
            assert np.abs(second).max() < 2.1  # kinks at the field's nodes only
            assert np.median(np.abs(second)) < 1e-3


@pytest.mark.parametrize("recipe", ["default", "paper"])
@pytest.mark.parametrize("seed", range(8))
def test_image_and_reference_move_together(recipe, seed):
    """A bright ball beside the patch's centre ends somewhere else, and its reference with it."""
    offsets = np.moveaxis(np.indices(SHAPE), 0, -1) - np.add(CENTRE, (4, -3, 6))
    ball = np.exp(-0.5 * (offsets**2).sum(axis=-1) / 2.0**2)
    stack = torch.from_numpy(
        np.stack([ball, ball > 0.5, np.full(SHAPE, 2 * RIM_MM)]).astype(np.float32)
    )
    image, reference = vary_intensities(
        sample_patch(stack, CENTRE, (24, 24, 32), recipe, rng(seed)), "paper", False, rng(seed)
    )
    bright, lesion = (
        np.array(ndimage.center_of_mass((one[0] > 0.5).numpy())) - (11.5, 11.5, 15.5)
        for one in (image, reference)
    )
    assert lesion == pytest.approx(bright, abs=0.3)
    assert np.abs(lesion - (4, -3, 6)).max() > 0.5  # it did move
    assert reference.sum() == pytest.approx((ball > 0.5).sum(), rel=0.6)


@pytest.mark.parametrize("recipe", ["wide", "default", "paper", "none"])
@pytest.mark.parametrize("centre", [CENTRE, np.zeros(3), np.full(3, 99.0)])
def test_images_stay_in_0_to_1_and_references_are_binary(recipe, centre):
    for seed in range(10):
        generator = rng(seed)
        patch = sample_patch(blobs(seed), centre, SIZE, recipe, generator)
        image, reference = vary_intensities(patch, recipe, False, generator)
        assert image.shape == reference.shape == (1, *SIZE)
        assert image.dtype == reference.dtype == torch.float32
        assert torch.isfinite(image).all()
        assert image.min() >= 0
        assert image.max() <= 1
        assert set(reference.unique().tolist()) <= {0.0, 1.0}


@pytest.mark.parametrize("recipe", ["wide", "default", "paper"])
def test_chance_comes_from_the_generator_alone(recipe):
    def patch(seed: int) -> Tensor:
        generator = rng(seed)
        cutting = sample_patch(blobs(), CENTRE, SIZE, recipe, generator)
        return torch.cat(vary_intensities(cutting, recipe, False, generator))

    torch.manual_seed(1)
    first = patch(3)
    torch.manual_seed(2)
    np.random.seed(2)  # noqa: NPY002
    assert torch.equal(patch(3), first)
    assert not torch.equal(patch(4), first)


@pytest.mark.parametrize("recipe", ["default", "paper", "none"])
def test_a_patch_at_the_border_moves_inside(recipe):
    """In a large enough image, a patch around its corner is the corner's, not half empty."""
    patch = sample_patch(places(), np.zeros(3), SIZE, recipe, rng(1))
    assert (patch[0] > 0).float().mean() > 0.8


class TestIntensities:
    @pytest.mark.parametrize("recipe", ["paper", "none"])
    def test_of_paper_and_none_are_unchanged_in_the_brain_and_zero_outside(self, recipe):
        patch = blobs()
        patch[2, :10] = RIM_MM - 0.1
        image, reference = vary_intensities(patch, recipe, False, rng())
        assert torch.equal(image[0, 10:], patch[0, 10:])
        assert (image[0, :10] == 0).all()
        assert torch.equal(reference[0], patch[1])

    def test_of_default_change(self):
        changed = [
            vary_intensities(flat(), "default", True, rng(seed))[0].mean().item() for seed in SEEDS
        ]
        assert np.std(changed) > 0.03
        assert max(changed) > 0.45
        assert min(changed) < 0.35

    def test_each_channel_is_varied_by_itself(self):
        patch = torch.cat([flat()[:1], flat()])
        means = [
            vary_intensities(patch, "default", True, rng(seed))[0].mean(dim=(1, 2, 3))
            for seed in SEEDS
        ]
        assert any((one[0] - one[1]).abs() > 0.05 for one in means)

    def test_the_brains_rim_varies_as_finders_do(self):
        """From 1.5 mm inside the brain to 3 mm outside, and now and then nothing is cut away."""
        patch = flat(size=(10, 10, 40))
        patch[2] = torch.linspace(0, 2 * RIM_MM, 40)  # from 6 mm outside to 6 mm inside
        rims = []
        for seed in range(100):
            image, _ = vary_intensities(patch, "default", True, rng(seed))
            kept = image[0].mean(dim=(0, 1)) > 0.1
            rims.append(RIM_MM - patch[2, 0, 0, int(kept.float().argmax())].item())
        whole = np.array(rims) > 5.9
        assert 0.1 < whole.mean() < 0.3
        cut_at = np.array(rims)[~whole]
        assert cut_at.min() < -1
        assert cut_at.min() >= -1.9
        assert cut_at.max() > 2
        assert cut_at.max() <= 3.1

    def test_outside_the_image_there_is_nothing_to_be_brightened(self):
        """As at inference, where an image that is too small for a patch is padded by zeros."""
        stack = flat(size=(8, 8, 8))
        empty = 0
        for seed in range(40):
            generator = rng(seed)
            patch = sample_patch(stack, np.full(3, 3.5), (24, 24, 24), "default", generator)
            image, _ = vary_intensities(patch, "default", True, generator)
            corners = image[0][::23, ::23, ::23]
            empty += bool((corners == 0).all())
        assert empty >= 28  # 4 of 5 patches are stripped


class TestThickSlices:
    def test_runs_of_slices_become_their_mean(self):
        image = torch.zeros(1, 4, 4, 12)
        image[..., 4:8] = 0.8
        thick = thicken(image, 4, axis=2)
        assert thick.shape == image.shape
        middle = thick[0, 0, 0]
        assert middle[5:7].mean() == pytest.approx(
            0.7, abs=0.01
        )  # half-way to the neighbours' centres, 7/8 of 0.8
        assert middle[0] == pytest.approx(0)
        assert torch.equal(thick[0, 0], thick[0, 3])

    def test_means_are_kept(self):
        image = torch.from_numpy(rng().random((1, 12, 12, 12), np.float32))
        for axis in range(3):
            assert thicken(image, 3, axis).mean() == pytest.approx(image.mean().item(), abs=0.01)
            assert thicken(torch.ones(1, 12, 12, 12), 5, axis) == pytest.approx(1)

    @staticmethod
    def likeness(image: Tensor) -> np.ndarray:
        """Correlation of neighbouring voxels along each axis."""
        values = image[0].numpy()
        pairs = [(np.delete(values, -1, axis), np.delete(values, 0, axis)) for axis in range(3)]
        return np.array([np.corrcoef(one.ravel(), other.ravel())[0, 1] for one, other in pairs])

    def thick_axes(self, has_thick_slices: bool) -> list[int]:
        """Which axis was thickened, of the patches where one was."""
        noise = torch.from_numpy(rng().uniform(0.2, 0.6, (24, 24, 24)).astype(np.float32))
        patch = torch.stack([noise, torch.zeros_like(noise), torch.full_like(noise, 2 * RIM_MM)])
        found = []
        for seed in range(100):
            alike = self.likeness(
                vary_intensities(patch, "default", has_thick_slices, rng(seed))[0]
            )
            if alike.max() - np.median(alike) > 0.2:
                found.append(int(alike.argmax()))
        return found

    def test_many_patches_get_thick_slices_mostly_axial(self):
        axes = self.thick_axes(has_thick_slices=False)
        assert 25 <= len(axes) <= 55
        assert axes.count(2) / len(axes) > 0.55
        assert {0, 1, 2} == set(axes)

    def test_thick_slices_are_not_made_thicker(self):
        assert self.thick_axes(has_thick_slices=True) == []

    def test_the_reference_gets_as_thick_as_the_image(self):
        """A lesion in one slice of seven is lost in both."""
        patch = flat(size=(8, 8, 28))
        patch[0, 2:6, 2:6, 14] = patch[1, 2:6, 2:6, 14] = 1
        sums = [
            vary_intensities(patch, "default", False, rng(seed))[1].sum().item() for seed in SEEDS
        ]
        assert 0.0 in sums
        assert 16.0 in sums
