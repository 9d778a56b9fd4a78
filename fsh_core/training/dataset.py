"""Batches of patches drawn from training cases.

Everything random is drawn from a generator made from (seed, step), so a patch depends on
nothing but those two numbers: a run can be killed at any moment and go on identically.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fsh_core.config import TrainConfig
from fsh_core.errors import InputError
from fsh_core.inference.patches import patch_starts
from fsh_core.training.augment import sample_patch, vary_intensities
from fsh_core.training.simulated import (
    PatchSimulator,
    check_simulation,
    simulated_copies,
)
from fsh_core.training.training_case import TrainingCase

_PROCESSOR = torch.device("cpu")
_COPY_FRACTION = 0.5  # of the patches of a case that has simulated copies
_PASTED_FRACTION = 0.5  # of the patches of a scan without lesions, where lesions are simulated
_BY_VOLUME_FRACTION = 0.5  # of the lesions that such a copy is drawn at: the large ones are few
_GRID_OVERLAP = 0.5  # the paper's stride of 32 for patches of 64


class PatchSource:
    """Batches of patches by step number.

    Parameters
    ----------
    cases : sequence of TrainingCase
        The training subjects.
    config : TrainConfig
        Patch size, sampling, augmentation, seed.
    held_out : collection of str
        Subjects whose lesions may not be used for simulation: those validated on.
    lesion_free : sequence of TrainingCase
        Scans without lesions, drawn beside the others.
    device : torch.device
        Where patches are cut and varied: the images lie there. Images with lesions simulated for
        one patch stay on the processor.

    Raises
    ------
    InputError
        If there is no case, or no lesion where lesions are asked for.
    """

    def __init__(
        self,
        cases: Sequence[TrainingCase],
        config: TrainConfig,
        held_out: Collection[str] = (),
        lesion_free: Sequence[TrainingCase] = (),
        device: torch.device = _PROCESSOR,
    ) -> None:
        if not cases:
            raise InputError("there is no training case; leave at least one subject for training")
        self._simulator: PatchSimulator | None = None
        if config.simulate_fraction or config.simulated_copies or config.lesion_free_copies:
            check_simulation(config)
        if config.lesion_free_copies and not lesion_free:
            raise InputError(
                "--lesion-free-copies are copies of the scans of --lesion-free; give that too"
            )
        if config.simulate_fraction > 0:
            self._simulator = PatchSimulator([*cases, *lesion_free], config, held_out)
        thin = [0 if case.has_thick_slices else config.simulated_copies for case in cases]
        wanted = [*thin, *[config.lesion_free_copies] * len(lesion_free)]
        copies = [
            _with_other_lesions(case, count, (config.seed, number), held_out)
            for number, (case, count) in enumerate(zip([*cases, *lesion_free], wanted, strict=True))
        ]
        self._cases = _moved(cases, device)
        self._lesion_free = _moved(lesion_free, device)
        self._copies = [_moved(of_case, device) for of_case in copies]
        self._config, self._device = config, device
        self._kinds = [[*range(len(cases))]]
        if config.balance:
            thin = [n for n, case in enumerate(cases) if not case.has_thick_slices]
            thick = [n for n, case in enumerate(cases) if case.has_thick_slices]
            self._kinds = [kind for kind in (thin, thick) if kind]
        self._grid = _lesion_grid(cases, config) if config.sampling == "grid" else []
        if config.lesion_fraction > 0 and not any(case.lesions for case in cases):
            raise InputError(
                "no training case has a lesion; add cases with lesions to the training set"
            )
        if config.sampling == "grid" and not self._grid:
            raise InputError(
                "no patch of the training cases contains a lesion; add cases with lesions"
            )

    @property
    def steps_per_epoch(self) -> int:
        """Steps of an epoch: as configured, or as many as the grid has whole batches."""
        if self._config.steps_per_epoch:
            return self._config.steps_per_epoch
        patches = self._grid or _lesion_grid(_moved(self._cases, _PROCESSOR), self._config)
        return max(1, len(patches) // self._config.batch_size)

    def batch(self, step: int, items: range | None = None) -> tuple[Tensor, Tensor]:
        """Images (B, C, I, J, K) and references (B, 1, I, J, K) of a step, counted from 0.

        ``items`` are those of the batch that are wanted; by default all.
        """
        wanted = range(self._config.batch_size) if items is None else items
        patches = [self._patch(step, item) for item in wanted]
        images, references = zip(*patches, strict=True)
        return torch.stack(images), torch.stack(references)

    def _patch(self, step: int, item: int) -> tuple[Tensor, Tensor]:
        config = self._config
        rng = np.random.default_rng((config.seed, step, item))
        if self._grid:
            case, centre = self._grid[self._grid_index(step, item)]
            stack = case.stack
        else:
            case, stack, centre = self._draw(rng)
        patch = sample_patch(stack, centre, config.patch_size, config.augmentation, rng)
        varied = vary_intensities(patch, config.augmentation, case.has_thick_slices, rng)
        return varied[0].to(self._device), varied[1].to(self._device)

    def _draw(self, rng: np.random.Generator) -> tuple[TrainingCase, Tensor, NDArray[np.float64]]:
        """Draw a case, then a centre: near a lesion, all equally likely, or in the brain."""
        if self._lesion_free and rng.random() < self._config.lesion_free_fraction:
            return self._draw_lesion_free(rng)
        kind = self._kinds[int(rng.integers(len(self._kinds)))]
        number = kind[int(rng.integers(len(kind)))]
        case = self._cases[number]
        if self._simulator is not None and rng.random() < self._config.simulate_fraction:
            simulated = self._simulator.draw(rng, number)
            if simulated is not None:
                return case, *simulated
        copies = self._copies[number]
        if copies and rng.random() < _COPY_FRACTION:
            case = copies[int(rng.integers(len(copies)))]
        if case.lesions and rng.random() < self._config.lesion_fraction:
            voxels = case.lesions[int(rng.integers(len(case.lesions)))]
            return case, case.stack, self._near_one_of(voxels, rng)
        return case, case.stack, _in_brain(case, rng)

    def _draw_lesion_free(
        self, rng: np.random.Generator
    ) -> tuple[TrainingCase, Tensor, NDArray[np.float64]]:
        """Draw a scan without lesions: as it is, or with simulated ones."""
        number = int(rng.integers(len(self._lesion_free)))
        case = self._lesion_free[number]
        copies = self._copies[len(self._cases) + number]
        if copies and rng.random() < _COPY_FRACTION:
            case = copies[int(rng.integers(len(copies)))]
            return case, case.stack, self._at_a_copys_lesion(case, rng)
        if self._simulator is not None and rng.random() < _PASTED_FRACTION:
            simulated = self._simulator.draw(rng, len(self._cases) + number)
            if simulated is not None:
                return case, *simulated
        return case, case.stack, _in_brain(case, rng)

    def _at_a_copys_lesion(
        self, case: TrainingCase, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Draw a centre near a lesion: half of them by volume, the others all equally likely."""
        if not case.lesions:  # the pattern had no place in this brain
            return _in_brain(case, rng)
        chances: NDArray[np.float64] | None = None
        if rng.random() < _BY_VOLUME_FRACTION:
            sizes = np.array([len(voxels) for voxels in case.lesions], dtype=np.float64)
            chances = sizes / sizes.sum()
        return self._near_one_of(case.lesions[rng.choice(len(case.lesions), p=chances)], rng)

    def _near_one_of(
        self, voxels: NDArray[np.int64], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Draw a centre near one of (N, 3) voxels."""
        reach = np.asarray(self._config.patch_size) // 4
        return np.asarray(voxels[rng.integers(len(voxels))] + rng.uniform(-reach, reach))

    def _grid_index(self, step: int, item: int) -> int:
        """Index without replacement: every grid patch once a round, each round shuffled anew."""
        epoch, position = divmod(step * self._config.batch_size + item, len(self._grid))
        order = np.random.default_rng((self._config.seed, epoch)).permutation(len(self._grid))
        return int(order[position])


def _moved(cases: Sequence[TrainingCase], device: torch.device) -> list[TrainingCase]:
    """Return the cases with their images on a device."""
    return [
        case if case.stack.device == device else replace(case, stack=case.stack.to(device))
        for case in cases
    ]


def _in_brain(case: TrainingCase, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw a voxel of the brain, (3,)."""
    return np.asarray(case.brain_voxels[rng.integers(len(case.brain_voxels))], dtype=np.float64)


def _with_other_lesions(
    case: TrainingCase, count: int, seed: tuple[int, int], held_out: Collection[str]
) -> list[TrainingCase]:
    """Copies of a case with other patients' lesions."""
    if not count:
        return []
    stacks = simulated_copies(case, count, np.random.default_rng(seed), held_out)
    return [case.with_stack(stack) for stack in stacks]


def _lesion_grid(
    cases: Sequence[TrainingCase], config: TrainConfig
) -> list[tuple[TrainingCase, NDArray[np.float64]]]:
    """Centres of the lesion-containing patches of a half-overlapping grid, as in the paper."""
    size = np.asarray(config.patch_size)
    found = []
    for case in cases:
        reference = case.stack[-2].numpy() > 0
        starts = [
            patch_starts(max(length, patch), patch, _GRID_OVERLAP)
            for length, patch in zip(reference.shape, config.patch_size, strict=True)
        ]
        for corner in product(*starts):
            box = tuple(
                slice(start, start + patch)
                for start, patch in zip(corner, config.patch_size, strict=True)
            )
            if reference[box].any():
                found.append((case, np.asarray(corner) + (size - 1) / 2))
    return found
