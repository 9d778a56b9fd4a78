"""Lesions set into training images on the fly, so that small lesions and light patients are seen more."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fsh_core.config import TrainConfig
from fsh_core.errors import InputError
from fsh_core.imaging.host import Host
from fsh_core.imaging.lesion_bank import LesionBank
from fsh_core.imaging.planter import Planter
from fsh_core.imaging.prepare import Prepared
from fsh_core.imaging.volume import Volume, to_ras

_LARGEST_MM3 = 1500.0  # larger ones take too long, and there is no lack of them
_MOST_LESIONS = 4
_TRIES = 20


class PatchSimulator:
    """Draws images with simulated lesions, and where to cut a patch that shows them.

    Parameters
    ----------
    cases : sequence of (Prepared, Tensor)
        Training cases; the tensor is (3, I, J, K): FLAIR, reference, depth.
    config : TrainConfig
        Patch size and channels.

    Raises
    ------
    InputError
        If the network has other channels than the FLAIR or looks for brains, or if no
        case shows white matter.
    """

    def __init__(self, cases: Sequence[tuple[Prepared, Tensor]], config: TrainConfig) -> None:
        if config.model.channels != ("FLAIR",) or config.model.target != "lesion":
            raise InputError("--simulate-fraction: lesions can be simulated in the FLAIR alone; set it to 0")
        self._bank = LesionBank.load()
        volumes_mm3 = np.array([shape.volume_mm3 for shape in self._bank])
        self._fitting = np.flatnonzero(volumes_mm3 <= _LARGEST_MM3)
        of_patient = self._bank.patients[self._fitting]
        weights = 1 / np.bincount(of_patient)[of_patient]  # every patient as likely as every other
        self._weights = weights / weights.sum()
        self._reach = np.asarray(config.patch_size) // 4
        self._hosts: list[tuple[int, Host, Tensor]] = []
        for number, (prepared, stack) in enumerate(cases):
            grid = Volume(stack[0].numpy(), np.diag([*prepared.grid.spacing_mm, 1.0]))
            spacing, acquired = grid.spacing_mm, to_ras(prepared.original).spacing_mm
            thickness = tuple(max(pair) for pair in zip(acquired, spacing, strict=True))
            try:
                host = Host.of(
                    grid, prepared.brain, stack[-2].numpy() >= 0.5, (thickness[0], thickness[1], thickness[2])
                )
            except InputError:
                continue  # a scan without white matter can still be learned from as it is
            self._hosts.append((number, host, stack))
        if not self._hosts:
            raise InputError("--simulate-fraction: no training scan shows white matter; set it to 0")
        self._scratch = torch.empty(max(stack.numel() for _, _, stack in self._hosts))

    def draw(self, rng: np.random.Generator) -> tuple[int, Tensor, NDArray[np.float64]]:
        """Return the number of a case, its image with new lesions, and a centre near them.

        The image is good until the next call: allocating one takes as long as the lesions.
        Every case is as likely as every other, so that light ones are seen more often
        than their few lesions would have it.
        """
        number, host, original = self._hosts[int(rng.integers(len(self._hosts)))]
        stack = self._scratch[: original.numel()].view(original.shape).copy_(original)
        planter = Planter(host, stack[0].numpy(), stack[-2].numpy(), rng)
        wanted = int(rng.integers(1, _MOST_LESIONS + 1))
        centre: NDArray[np.float64] | None = None
        spacing = np.asarray(host.flair.spacing_mm)
        for _ in range(_TRIES):
            index = int(rng.choice(self._fitting, p=self._weights))
            place = host.frame.position_mm(self._bank.places[index])
            if centre is not None:  # its neighbours come into the same patch, from wherever they were
                place = (centre + rng.uniform(-self._reach, self._reach)) * spacing
            lesion = planter.plant_one(self._bank[index], index, place)
            if lesion is None:
                continue
            wanted -= 1
            if centre is None:
                centre = np.asarray(lesion.centre, dtype=np.float64)
            if wanted == 0:
                break
        if centre is None:
            centre = np.argwhere(host.white.mask)[0].astype(np.float64)
        return number, stack, centre + rng.uniform(-self._reach, self._reach)
