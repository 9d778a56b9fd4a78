"""Patches to learn from: which lesions, where, how often, and the same ones again."""

import dataclasses
from collections import Counter
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch

from fsh_core.cases import Case, discover_cases
from fsh_core.config import ModelConfig, TrainConfig
from fsh_core.errors import InputError
from fsh_core.preprocess.intensity import MEDIAN_LEVEL
from fsh_core.training.augment import RIM_MM
from fsh_core.training.dataset import PatchSource
from fsh_core.training.training_case import (
    load_lesion_free,
    load_training_case,
    load_whole,
)
from fsh_core.volume.volume import Volume, save_like

COARSE = ModelConfig(spacing_mm=2.0)
PATCH = (32, 32, 32)


def config(**settings) -> TrainConfig:
    return TrainConfig(
        **{
            "model": COARSE,
            "patch_size": PATCH,
            "augmentation": "none",
            "lesion_fraction": 1,
            **settings,
        }
    )


@pytest.fixture(scope="module")
def cases(training_bids):
    return [load_training_case(case, COARSE) for case in discover_cases(training_bids)]


@pytest.fixture(scope="module")
def first(training_bids):
    """The first case as a whole scan."""
    return load_whole(discover_cases(training_bids)[0], COARSE)


class TestLoadTrainingCase:
    def test_what_a_stack_holds(self, cases, first):
        case = cases[0]
        assert case.name == first.name == "sub-01"
        assert case.stack.shape == (3, *first.prepared.image.shape[1:])
        assert case.stack.dtype == torch.float32
        assert np.array_equal(case.stack[0], first.prepared.image[0])
        assert np.array_equal(case.stack[1], first.prepared.from_input_grid(first.reference))
        assert np.array_equal(case.brain, first.prepared.brain)
        assert case.spacing_mm == first.prepared.grid.spacing_mm
        assert sum(len(voxels) for voxels in case.lesions) == case.stack[1].sum()
        assert not case.has_thick_slices

    def test_depth_is_counted_in_mm_from_a_surface_outside_the_brain(self, cases, first):
        depth, brain = cases[0].stack[2].numpy(), first.prepared.brain
        assert (
            depth[brain].min() == RIM_MM + 2
        )  # voxels of 2 mm: the outermost lies one voxel inside
        assert depth[~brain].max() == RIM_MM - 2
        assert depth.max() == 2 * RIM_MM
        assert depth.min() == 0

    def test_the_reference_is_bright_in_the_image(self, cases):
        for case in cases:
            image, reference = case.stack[0], case.stack[1] > 0
            assert image[reference].mean() > 1.4 * image[case.brain & ~reference.numpy()].mean()

    def test_lesions_are_the_26_connected_components(self, training_bids, tmp_path):
        flair = discover_cases(training_bids)[0]
        grid = load_whole(flair, COARSE).prepared.original
        mask = np.zeros(grid.shape, bool)
        mask[20, 20, 20] = mask[21, 21, 21] = True  # they touch at a corner
        mask[10:13, 20, 18] = True
        save_like(mask, grid, tmp_path / "mask.nii.gz")
        case = load_training_case(
            dataclasses.replace(flair, reference=tmp_path / "mask.nii.gz"), COARSE
        )
        assert sorted(len(voxels) for voxels in case.lesions) == [2, 3]
        for voxels in case.lesions:
            assert (case.stack[1].numpy()[tuple(voxels.T)] == 1).all()

    def test_thick_slices_are_known(self, cases):
        thick = {case.name: case.has_thick_slices for case in cases}
        assert thick == {
            "sub-01": False,
            "sub-02_ses-a": False,
            "sub-02_ses-b": False,
            "sub-03": True,
            "sub-04": False,
        }

    def test_the_finder_is_not_asked_where_a_brain_mask_is_given(self, training_bids):
        class Broken:
            @property
            def model(self) -> ModelConfig:
                raise AssertionError("the finder was asked")

            def __call__(self, image):
                raise AssertionError("the finder was asked")

        load_training_case(discover_cases(training_bids)[0], COARSE, Broken())

    def test_a_network_that_finds_brains_learns_from_the_whole_image(self, training_bids):
        case = discover_cases(training_bids)[0]
        config = COARSE.model_copy(update={"target": "brain"})
        loaded, whole = load_training_case(case, config), load_whole(case, config)
        assert loaded.stack.shape == (3, 40, 38, 36)
        assert (loaded.stack[2] == 2 * RIM_MM).all()  # nothing is cut away
        assert whole.reference.sum() > 10_000
        assert loaded.stack[1].sum() == whole.reference.sum()

    def test_several_channels(self, training_bids, tmp_path):
        case = with_t1(discover_cases(training_bids)[0], tmp_path)
        loaded = load_training_case(case, COARSE.model_copy(update={"channels": ("FLAIR", "T1w")}))
        assert loaded.stack.shape[0] == 4
        assert not torch.equal(loaded.stack[0], loaded.stack[1])


def with_t1(case: Case, folder: Path, shift_mm: float = 0.0) -> Case:
    """Add a T1w to a case, which may lie elsewhere."""
    flair = load_whole(case, COARSE).prepared.original
    affine = flair.affine.copy()
    affine[0, 3] += shift_mm
    save_like(flair.data.max() - flair.data, Volume(flair.data, affine), folder / "t1.nii.gz")
    return dataclasses.replace(case, channels={**case.channels, "T1w": folder / "t1.nii.gz"})


class TestBadCases:
    def test_without_a_reference(self, training_bids):
        case = dataclasses.replace(discover_cases(training_bids)[0], reference=None)
        with pytest.raises(
            InputError, match=r"sub-01: has no reference lesion mask; add one or leave the case out"
        ):
            load_training_case(case, COARSE)

    def test_without_a_brain_to_learn(self, training_bids):
        case = dataclasses.replace(discover_cases(training_bids)[0], brain=None)
        with pytest.raises(InputError, match=r"sub-01: has no reference brain mask"):
            load_training_case(case, COARSE.model_copy(update={"target": "brain"}))

    def test_without_a_channel(self, training_bids):
        with pytest.raises(
            InputError,
            match=r"sub-01_FLAIR.nii.gz: this training wants FLAIR, T1w, found no T1w beside the "
            r"FLAIR; add it or leave the case out",
        ):
            load_training_case(
                discover_cases(training_bids)[0],
                COARSE.model_copy(update={"channels": ("FLAIR", "T1w")}),
            )

    def test_a_channel_on_another_grid(self, training_bids, tmp_path):
        case = with_t1(discover_cases(training_bids)[0], tmp_path, shift_mm=2.0)
        with pytest.raises(
            InputError,
            match=r"t1.nii.gz: must have the affine of .*FLAIR.nii.gz, differs by up to 2;",
        ):
            load_training_case(case, COARSE.model_copy(update={"channels": ("FLAIR", "T1w")}))

    def test_a_reference_on_another_grid(self, training_bids, tmp_path):
        case = discover_cases(training_bids)[0]
        save_like(
            np.ones((20, 20, 20), bool),
            Volume(np.zeros((20, 20, 20)), np.eye(4)),
            tmp_path / "mask.nii.gz",
        )
        with pytest.raises(InputError, match=r"mask.nii.gz: must have the shape \(40, 38, 36\)"):
            load_training_case(
                dataclasses.replace(case, reference=tmp_path / "mask.nii.gz"), COARSE
            )

    @pytest.mark.parametrize("sampling", ["lesion", "grid"])
    def test_no_lesion_anywhere(self, cases, sampling):
        healthy = [without_lesions(case) for case in cases]
        with pytest.raises(InputError, match=r"contains? a lesion|has a lesion"):
            PatchSource(healthy, config(sampling=sampling))

    def test_no_case_at_all(self):
        with pytest.raises(InputError, match=r"there is no training case; .*"):
            PatchSource([], config(lesion_fraction=0))


def without_lesions(case):
    stack = case.stack.clone()
    stack[-2] = 0
    return dataclasses.replace(case, stack=stack, lesions=[])


@pytest.fixture(scope="module")
def one_large_three_small(tmp_path_factory):
    """A case with lesions of 1000, 8, 8 and 1 voxels, so far apart that a patch sees only one.

    Each has its own brightness: 0.4, 0.6, 0.8 and 1.
    """
    folder = tmp_path_factory.mktemp("case")
    data = np.zeros((96, 96, 64), np.float32)
    data[15:25, 15:25, 20:30] = 0.4
    data[75:77, 20:22, 20:22] = 0.6
    data[20:22, 75:77, 40:42] = 0.8
    data[70, 70, 30] = 1.0
    grid = Volume(data + 1e-3 * np.random.default_rng(0).random(data.shape, np.float32), np.eye(4))
    paths = {name: folder / f"{name}.nii.gz" for name in ("flair", "lesion", "brain")}
    for name, voxels in (
        ("flair", grid.data),
        ("lesion", data > 0),
        ("brain", np.ones(data.shape, bool)),
    ):
        save_like(voxels, grid, paths[name])
    case = Case("01", None, {"FLAIR": paths["flair"]}, paths["lesion"], paths["brain"])
    return load_training_case(case, ModelConfig(intensity="minmax"))


class TestLesionSampling:
    def test_a_small_lesion_is_as_likely_as_a_large_one(self, one_large_three_small):
        source = PatchSource([one_large_three_small], config(batch_size=8))
        seen = Counter()
        for step in range(50):
            images, _ = source.batch(step)
            seen.update((images.amax(dim=(1, 2, 3, 4)) * 5).round().int().tolist())
        assert sorted(seen) == [2, 3, 4, 5]
        # 400 draws of probability 1/4: 100 each, give or take 3.5 standard deviations of 8.7; by
        # voxel the smallest would come 0.4 times.
        assert min(seen.values()) >= 70
        assert max(seen.values()) <= 130

    def test_all_voxels_of_a_lesion_can_be_the_centre_but_it_is_not_always_in_the_middle(
        self, one_large_three_small
    ):
        source = PatchSource([one_large_three_small], config(batch_size=8))
        places = []
        for step in range(30):
            for reference in source.batch(step)[1]:
                if reference.sum() == 1:
                    places.append(np.argwhere(reference[0].numpy())[0])
        places = np.array(places)
        assert (places.min(axis=0) <= 10).all()
        assert (places.max(axis=0) >= 21).all()
        assert places.min() >= 7  # and never at the edge: within a quarter of the patch
        assert places.max() <= 24

    def test_each_case_with_lesions_is_as_likely(self, cases, one_large_three_small):
        """A case of one lesion counts as much as a case of many."""
        many, one = (
            cases[0],
            dataclasses.replace(one_large_three_small, lesions=one_large_three_small.lesions[:1]),
        )
        assert len(many.lesions) > 1
        source = PatchSource([many, one], config())
        draws = [source._draw(np.random.default_rng(seed))[0] is many for seed in range(400)]
        assert 160 <= sum(draws) <= 240

    @pytest.mark.parametrize("augmentation", ["none", "paper", "default"])
    def test_every_patch_shows_a_lesion_if_so_asked(self, cases, augmentation):
        source = PatchSource(cases, config(batch_size=8, augmentation=augmentation))
        shown = [int(reference.sum()) for step in range(5) for reference in source.batch(step)[1]]
        if augmentation == "default":  # thick slices may wash out a small lesion
            assert np.mean(np.array(shown) > 0) > 0.9
        else:
            assert min(shown) > 0

    @pytest.mark.parametrize("fraction", [0.0, 0.3])
    def test_the_rest_of_the_patches_lies_anywhere_in_the_brain(
        self, one_large_three_small, fraction
    ):
        source = PatchSource(
            [one_large_three_small],
            config(batch_size=8, lesion_fraction=fraction, patch_size=(16, 16, 32)),
        )
        shown = (
            np.array(
                [int(reference.sum()) for step in range(40) for reference in source.batch(step)[1]]
            )
            > 0
        )
        by_chance = 0.09  # four lesions' neighbourhoods in 96 x 96 x 64 voxels
        assert shown.mean() == pytest.approx(fraction + (1 - fraction) * by_chance, abs=0.09)

    def test_cases_without_lesions_are_seen_too(self, cases):
        healthy = dataclasses.replace(without_lesions(cases[0]), name="healthy")
        source = PatchSource([healthy, cases[1]], config(lesion_fraction=0.5))
        drawn = Counter(source._draw(np.random.default_rng(seed))[0].name for seed in range(200))
        assert 70 <= drawn["healthy"] <= 130  # every case is as likely as every other


class TestReproducibility:
    @pytest.mark.parametrize("sampling", ["lesion", "grid"])
    @pytest.mark.parametrize("augmentation", ["default", "paper"])
    def test_a_batch_depends_on_seed_and_step_and_nothing_else(self, cases, sampling, augmentation):
        settings = config(sampling=sampling, augmentation=augmentation, seed=3)
        straight = [PatchSource(cases, settings).batch(step) for step in (0, 1, 7)]
        source = PatchSource(cases, settings)
        torch.manual_seed(9)
        backwards = [source.batch(step) for step in (7, 1, 0)][::-1]
        for (image, reference), (same_image, same_reference) in zip(
            straight, backwards, strict=True
        ):
            assert torch.equal(image, same_image)
            assert torch.equal(reference, same_reference)
        assert not torch.equal(straight[0][0], straight[1][0])
        other = PatchSource(cases, settings.model_copy(update={"seed": 4}))
        assert not torch.equal(straight[0][0], other.batch(0)[0])

    def test_the_patches_of_a_batch_differ(self, cases):
        images, _ = PatchSource(cases, config(batch_size=3)).batch(0)
        assert not torch.equal(images[0], images[1])
        assert not torch.equal(images[1], images[2])


class TestGrid:
    @staticmethod
    def expected(case, size=PATCH) -> Counter:
        """Every patch at half-patch strides that holds a lesion voxel, as bytes of its image."""
        image = np.where(case.brain, case.stack[0].numpy(), np.float32(0))
        reference = case.stack[1].numpy() > 0
        starts = []
        for length, patch in zip(image.shape, size, strict=True):
            assert (length - patch) % (
                patch // 2
            ) == 0  # so that the stride is exactly half a patch
            starts.append(range(0, length - patch + 1, patch // 2))
        found = Counter()
        for corner in product(*starts):
            i, j, k = (
                slice(start, start + patch) for start, patch in zip(corner, size, strict=True)
            )
            if reference[i, j, k].any():
                found[np.clip(image[i, j, k], 0, 1).tobytes()] += 1
        return found

    @staticmethod
    def visited(source: PatchSource, steps: range) -> list[bytes]:
        return [image[0].numpy().tobytes() for step in steps for image in source.batch(step)[0]]

    def test_every_patch_with_lesions_once_an_epoch_in_another_order(self, one_large_three_small):
        expected = self.expected(one_large_three_small)
        assert 10 < len(expected) < 60
        source = PatchSource(
            [one_large_three_small], config(sampling="grid", steps_per_epoch=0, batch_size=1)
        )
        count = source.steps_per_epoch
        assert count == len(expected)
        epochs = [
            self.visited(source, range(epoch * count, (epoch + 1) * count)) for epoch in range(2)
        ]
        assert Counter(epochs[0]) == Counter(epochs[1]) == expected
        assert epochs[0] != epochs[1]

    def test_with_batches_none_comes_twice_before_all_came_once(self, one_large_three_small):
        expected = self.expected(one_large_three_small)
        source = PatchSource(
            [one_large_three_small], config(sampling="grid", steps_per_epoch=0, batch_size=4)
        )
        count = source.steps_per_epoch
        assert count == len(expected) // 4
        visits = self.visited(source, range(0, 3 * count + 3))
        for start in range(0, len(visits) - len(expected), len(expected)):
            assert Counter(visits[start : start + len(expected)]) == expected

    def test_the_papers_stride_is_32(self, one_large_three_small):
        paper = TrainConfig.preset("paper").model_copy(
            update={"augmentation": "none", "batch_size": 1}
        )
        source = PatchSource([one_large_three_small], paper)
        expected = self.expected(one_large_three_small, (64, 64, 64))
        assert source.steps_per_epoch == len(expected)
        assert Counter(self.visited(source, range(source.steps_per_epoch))) == expected

    def test_an_image_smaller_than_a_patch_is_one_patch(self, cases):
        source = PatchSource(
            cases[:1],
            config(sampling="grid", steps_per_epoch=0, batch_size=1, patch_size=(64, 64, 64)),
        )
        assert source.steps_per_epoch == 1
        images, references = source.batch(0)
        assert images.shape == (1, 1, 64, 64, 64)
        assert references.sum() == cases[0].stack[1].sum()

    def test_steps_may_be_chosen_all_the_same(self, cases):
        assert PatchSource(cases, config(sampling="grid", steps_per_epoch=7)).steps_per_epoch == 7


def test_patches_are_what_the_network_sees_at_inference(cases, first):
    """Training and inference mask alike: outside the brain there is 0."""
    case, prepared = cases[0], first.prepared
    source = PatchSource([case], config(sampling="grid", patch_size=(64, 64, 64), batch_size=1))
    image = source.batch(0)[0][0, 0].numpy()
    inner = tuple(
        slice((64 - size + 1) // 2, (64 - size + 1) // 2 + size)
        for size in prepared.image.shape[1:]
    )
    candidates = [
        np.array_equal(np.roll(image, shift, (0, 1, 2))[inner], np.clip(prepared.masked[0], 0, 1))
        for shift in product((-1, 0, 1), repeat=3)
    ]
    assert any(candidates)


@pytest.fixture(scope="module")
def heads(simulated_heads):
    return discover_cases(simulated_heads)


@pytest.fixture(scope="module")
def with_lesion(heads):
    return load_training_case(heads[0], COARSE)


@pytest.fixture(scope="module")
def body(heads):
    return load_lesion_free(heads[0], COARSE, None, 0)


class TestLesionFree:
    """Bodies whose lesions are filled in."""

    def test_nothing_is_left_of_the_lesions(self, with_lesion, body):
        own = with_lesion.reference
        assert own.any()
        assert not body.reference.any()
        assert body.lesions == []
        was, now = with_lesion.stack[0].numpy(), body.stack[0].numpy()
        assert was[own].mean() > 1.2 * MEDIAN_LEVEL
        assert now[own].mean() == pytest.approx(MEDIAN_LEVEL, rel=0.15)
        assert torch.equal(body.stack[2], with_lesion.stack[2])

    def test_filling_is_the_same_again(self, heads, body):
        assert torch.equal(load_lesion_free(heads[0], COARSE, None, 0).stack, body.stack)

    def test_a_scan_that_cannot_be_filled_is_named(self, training_bids):
        with pytest.raises(InputError, match="sub-01: its lesions cannot be filled in"):
            load_lesion_free(discover_cases(training_bids)[0], COARSE, None, 0)

    def test_they_are_drawn_as_often_as_asked(self, with_lesion, body):
        named = dataclasses.replace(body, name="sub-body")
        for share in (0.0, 0.25):
            settings = config(lesion_free_fraction=share)
            source = PatchSource([with_lesion], settings, (), lesion_free=[named])
            names = [source._draw(np.random.default_rng(seed))[0].name for seed in range(400)]
            assert np.mean([name == "sub-body" for name in names]) == pytest.approx(share, abs=0.06)

    def test_half_of_their_patches_get_simulated_lesions(self, with_lesion, body):
        settings = config(lesion_free_fraction=0.99, simulate_fraction=0.01)
        source = PatchSource([with_lesion], settings, (), lesion_free=[body])
        drawn = [source._draw(np.random.default_rng(seed)) for seed in range(60)]
        pasted = [bool((stack[-2] > 0).any()) for case, stack, _ in drawn if case is body]
        assert 0.25 < np.mean(pasted) < 0.7

    def test_half_of_their_patches_show_the_lesions_of_a_patient(self, with_lesion, body):
        settings = config(lesion_free_fraction=0.99, lesion_free_copies=2)
        source = PatchSource([with_lesion], settings, (), lesion_free=[body])
        drawn = [source._draw(np.random.default_rng(seed)) for seed in range(120)]
        of_bodies = [one for one in drawn if one[0].name == body.name and one[0] is not with_lesion]
        shown = [case for case, stack, _ in of_bodies if (stack[-2] > 0).any()]
        assert len({id(case) for case in shown}) == 2
        assert 0.35 < len(shown) / len(of_bodies) < 0.65
        again = PatchSource([with_lesion], settings, (), lesion_free=[body])
        assert torch.equal(source.batch(3)[0], again.batch(3)[0])

    def test_the_large_lesions_of_a_pattern_are_seen(self, with_lesion, body):
        source = PatchSource([with_lesion], config(), (), [body])
        small, large = np.zeros((1, 3), np.int64), np.full((999, 3), 100)
        case = dataclasses.replace(body, lesions=[small] * 99 + [large])
        rng = np.random.default_rng(0)
        near = [source._at_a_copys_lesion(case, rng).min() > 50 for _ in range(400)]
        # half by volume: 999 of 1098 voxels; half one lesion of a hundred
        assert np.mean(near) == pytest.approx(0.46, abs=0.07)

    def test_copies_without_scans_to_copy_are_refused(self, with_lesion):
        with pytest.raises(InputError, match="--lesion-free-copies"):
            PatchSource([with_lesion], config(lesion_free_copies=1))

    def test_without_them_the_patches_are_what_they_were(self, cases):
        settings = config(batch_size=3, augmentation="default")
        plain = PatchSource(cases, settings).batch(5)
        share = settings.model_copy(update={"lesion_free_fraction": 0.9})
        assert all(
            torch.equal(*pair)
            for pair in zip(plain, PatchSource(cases, share).batch(5), strict=True)
        )
