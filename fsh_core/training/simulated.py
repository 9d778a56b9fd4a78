"""Simulated lesions in training images: more small lesions, low lesion loads, other patterns."""

import threading
from collections.abc import Collection, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fsh_core.config import TrainConfig
from fsh_core.errors import InputError
from fsh_core.simulation.inpaint import remove_lesions
from fsh_core.simulation.insert import LesionInserter
from fsh_core.simulation.shape_bank import LesionShapeBank
from fsh_core.simulation.target import TargetScan
from fsh_core.training.training_case import SizeMm, TrainingCase

_LARGEST_MM3 = 1500.0  # larger ones take too long while training, and there is no lack of them
_MOST_LESIONS = 4
_TRIES = 20


def check_simulation(config: TrainConfig) -> None:
    """Check that lesions can be simulated for what is trained.

    Raises
    ------
    InputError
        If the network has other channels than the FLAIR or looks for brains.
    """
    if config.model.channels != ("FLAIR",) or config.model.target != "lesion":
        raise InputError(
            "lesions can be simulated in the FLAIR alone; "
            "set --simulate-fraction and --simulated-copies to 0, and --lesion-free-copies too"
        )


def simulated_copies(
    scan: TrainingCase, copies: int, rng: np.random.Generator, held_out: Collection[str]
) -> list[Tensor]:
    """Replace a scan's lesions by those of other patients, all the lesions of one patient a copy.

    Patients differ in where and how large their lesions are, which single lesions set at
    random do not show: each copy has the pattern of one patient of the bank.

    Parameters
    ----------
    scan : TrainingCase
        The target.
    copies : int
        How many.
    rng : Generator
        Where chance comes from.
    held_out : collection of str
        Subjects of the bank that may not be used: those validated on.

    Returns
    -------
    list of (3, I, J, K) float32
        As many as asked for; none if the scan shows no white matter.
    """
    bank = LesionShapeBank.load()
    allowed = bank.without(held_out)
    patients = np.unique(bank.patients[allowed])
    try:
        light = remove_lesions(scan.flair, scan.reference, scan.brain, rng)
        target = TargetScan.of(
            light, scan.brain, np.zeros(light.shape, dtype=bool), _slice_mm(scan)
        )
    except InputError:
        return []
    made = []
    for patient in rng.choice(patients, copies, replace=copies > len(patients)):
        stack = scan.stack.clone()
        stack[0] = torch.from_numpy(np.asarray(light.data, dtype=np.float32))
        stack[-2] = 0
        lesions = allowed[bank.patients[allowed] == patient]
        inserter = LesionInserter(target, stack[0].numpy(), stack[-2].numpy(), rng, overlap=True)
        inserter.insert(bank, len(lesions), None, lesions)
        made.append(stack)
    return made


def _slice_mm(scan: TrainingCase) -> SizeMm:
    """Voxel size of the acquisition along R, A and S, at least that of the network's grid."""
    acquired, grid = scan.acquired_mm, scan.spacing_mm
    return max(acquired[0], grid[0]), max(acquired[1], grid[1]), max(acquired[2], grid[2])


class PatchSimulator:
    """Draws images with a few inserted lesions, and the centre of a patch that shows them.

    Parameters
    ----------
    scans : sequence of TrainingCase
        Training cases.
    config : TrainConfig
        Patch size.
    held_out : collection of str
        Subjects of the bank that may not be used.

    Raises
    ------
    InputError
        If no case shows white matter.
    """

    def __init__(
        self, scans: Sequence[TrainingCase], config: TrainConfig, held_out: Collection[str] = ()
    ) -> None:
        self._bank = LesionShapeBank.load()
        allowed = self._bank.without(held_out)
        volumes_mm3 = np.array([self._bank[number].volume_mm3 for number in allowed])
        self._fitting = allowed[volumes_mm3 <= _LARGEST_MM3]
        of_patient = self._bank.patients[self._fitting]
        weights = 1 / np.bincount(of_patient)[of_patient]  # every patient as likely as every other
        self._weights = weights / weights.sum()
        self._reach = np.asarray(config.patch_size) // 4
        self._targets: dict[int, tuple[TargetScan, Tensor]] = {}
        for number, scan in enumerate(scans):
            try:
                target = TargetScan.of(scan.flair, scan.brain, scan.reference, _slice_mm(scan))
            except InputError:
                continue  # a scan without white matter can still be learned from as it is
            self._targets[number] = target, scan.stack
        if not self._targets:
            raise InputError(
                "--simulate-fraction: no training scan shows white matter; set it to 0"
            )
        self._largest = max(stack.numel() for _, stack in self._targets.values())
        self._scratch = threading.local()  # each thread that draws has its own

    def draw(
        self, rng: np.random.Generator, number: int
    ) -> tuple[Tensor, NDArray[np.float64]] | None:
        """Return an image of a case with new lesions, and a centre near them.

        The image is good until this thread's next call: allocating one takes as long as the
        lesions.

        Parameters
        ----------
        rng : Generator
            Where chance comes from.
        number : int
            Which of the scans.

        Returns
        -------
        (Tensor, (3,) float) or None
            None where that scan shows no white matter or has no room for a lesion.
        """
        if number not in self._targets:
            return None
        target, original = self._targets[number]
        stack = self._room()[: original.numel()].view(original.shape).copy_(original)
        inserter = LesionInserter(target, stack[0].numpy(), stack[-2].numpy(), rng)
        wanted = int(rng.integers(1, _MOST_LESIONS + 1))
        centre: NDArray[np.float64] | None = None
        spacing = np.asarray(target.flair.spacing_mm)
        for _ in range(_TRIES):
            index = int(rng.choice(self._fitting, p=self._weights))
            place = target.frame.position_mm(self._bank.places[index])
            if (
                centre is not None
            ):  # its neighbours come into the same patch, from wherever they were
                place = (centre + rng.uniform(-self._reach, self._reach)) * spacing
            lesion = inserter.insert_one(self._bank[index], index, place)
            if lesion is None:
                continue
            wanted -= 1
            if centre is None:
                centre = np.asarray(lesion.centre, dtype=np.float64)
            if wanted == 0:
                break
        return None if centre is None else (stack, centre + rng.uniform(-self._reach, self._reach))

    def _room(self) -> Tensor:
        """Memory for the largest image, of the thread that asks."""
        if not hasattr(self._scratch, "room"):
            self._scratch.room = torch.empty(self._largest)
        room: Tensor = self._scratch.room
        return room
