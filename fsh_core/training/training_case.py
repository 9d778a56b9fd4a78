"""A case prepared for training: on the network's grid, with its lesions, in memory."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from fsh_core.cases import Case
from fsh_core.config import ModelConfig
from fsh_core.errors import InputError
from fsh_core.preprocess.brain_mask import BrainSegmenter
from fsh_core.preprocess.load import load_brain, load_channels
from fsh_core.preprocess.prepare import Prepared, prepare
from fsh_core.simulation.inpaint import remove_lesions
from fsh_core.training.augment import RIM_MM
from fsh_core.volume.boxes import first_voxel, label_boxes
from fsh_core.volume.components import label_components
from fsh_core.volume.volume import Volume, load_mask, to_ras

_THICK_SLICE_MM = 3.0
_HALF_VOXEL = 0.5  # a voxel is lesion if at least half of it is
_BRAIN_THINNED = 97  # one voxel in so many is enough to draw centres from

SizeMm = tuple[float, float, float]


@dataclass(frozen=True)
class WholeScan:
    """A scan with its reference on the file's grid: what a training is validated on.

    Attributes
    ----------
    name : str
        ``sub-X[_ses-Y]``.
    prepared : Prepared
        The scaled image and the way back to the file's grid.
    reference : (I', J', K') bool
        The reference on the file's grid.
    """

    name: str
    prepared: Prepared
    reference: NDArray[np.bool_]


@dataclass(frozen=True)
class TrainingCase:
    """A case in memory on the network's grid.

    Attributes
    ----------
    name : str
        ``sub-X[_ses-Y]``.
    stack : (C + 2, I, J, K) float32
        Channels, reference, and depth; see `fsh_core.training.augment.vary_intensities`.
    spacing_mm : (float, float, float)
        Voxel size of the stack.
    acquired_mm : (float, float, float)
        Voxel size of the acquisition along R, A and S.
    lesions : list of (N, 3) int arrays
        Voxels of each lesion.
    brain_voxels : (N, 3) int
        A thinned list of voxels in the brain.
    """

    name: str
    stack: Tensor
    spacing_mm: SizeMm
    acquired_mm: SizeMm
    lesions: list[NDArray[np.int64]]
    brain_voxels: NDArray[np.int64]

    @classmethod
    def of(cls, name: str, stack: Tensor, spacing_mm: SizeMm, acquired_mm: SizeMm) -> Self:
        """Make a case of its stack; lesions and brain are read off it."""
        lesions = lesion_voxels(stack[-2].numpy() >= _HALF_VOXEL)
        brain = np.argwhere(_brain_in(stack))[::_BRAIN_THINNED]
        return cls(name, stack, spacing_mm, acquired_mm, lesions, brain)

    def with_stack(self, stack: Tensor) -> Self:
        """Return the same brain with another image or other lesions."""
        return replace(self, stack=stack, lesions=lesion_voxels(stack[-2].numpy() >= _HALF_VOXEL))

    @property
    def has_thick_slices(self) -> bool:
        """Whether the scan's own slices are 3 mm or thicker."""
        return max(self.acquired_mm) >= _THICK_SLICE_MM

    @property
    def flair(self) -> Volume:
        """The scaled FLAIR, (I, J, K) in RAS, on a grid of its own."""
        return Volume(self.stack[0].numpy(), np.diag([*self.spacing_mm, 1.0]))

    @property
    def reference(self) -> NDArray[np.bool_]:
        """Its lesions, (I, J, K)."""
        return np.asarray(self.stack[-2].numpy() >= _HALF_VOXEL)

    @property
    def brain(self) -> NDArray[np.bool_]:
        """Its brain, (I, J, K)."""
        return _brain_in(self.stack)


def load_whole(case: Case, config: ModelConfig, finder: BrainSegmenter | None = None) -> WholeScan:
    """Read a case with its reference and prepare it.

    Parameters
    ----------
    case : Case
        Must have a reference; for ``config.target == "brain"`` a brain mask.
    config : ModelConfig
        Channels, spacing and scaling.
    finder : callable, optional
        Finds the brain where no mask is given and the scan is not stripped.

    Raises
    ------
    InputError
        If a file is missing or cannot be used.
    """
    volumes = load_channels(
        case, config, wanted_by="this training wants", otherwise="leave the case out"
    )
    flair = volumes[0]
    target = case.brain if config.target == "brain" else case.reference
    if target is None:
        raise InputError(
            f"{case.name}: has no reference {config.target} mask; add one or leave the case out"
        )
    reference = load_mask(target, flair, case.flair).data
    if config.target == "brain":
        brain = np.zeros(flair.shape, np.bool_)
    else:
        brain = load_brain(case, flair, finder).mask
    return WholeScan(case.name, prepare(volumes, brain, config), reference)


def load_training_case(
    case: Case, config: ModelConfig, finder: BrainSegmenter | None = None
) -> TrainingCase:
    """Read a case with its reference and prepare it to be learned from; see `load_whole`."""
    whole = load_whole(case, config, finder)
    prepared = whole.prepared
    learned = prepared.from_input_grid(whole.reference)
    depth = _depth_mm(prepared.brain, config.spacing_mm)
    stack = np.concatenate([prepared.image, learned[None].astype(np.float32), depth[None]])
    return TrainingCase.of(
        case.name,
        torch.from_numpy(stack),
        prepared.grid.spacing_mm,
        to_ras(prepared.original).spacing_mm,
    )


def load_lesion_free(
    case: Case, config: ModelConfig, finder: BrainSegmenter | None, seed: int
) -> TrainingCase:
    """Read a case and fill its lesions in: a body without lesions to learn from.

    The mask need not be a person's: what it marks is replaced by white matter from nearby, and
    nothing is learned from what lay there.

    Parameters
    ----------
    case : Case
        Must have a mask of the lesions, which may be empty.
    config : ModelConfig
        Channels (the FLAIR alone), spacing and scaling.
    finder : callable, optional
        Finds the brain where no mask is given and the scan is not stripped.
    seed : int
        Where the texture of the filling comes from.

    Raises
    ------
    InputError
        If a file is missing or cannot be used, or if the scan shows no white matter to fill from.
    """
    loaded = load_training_case(case, config, finder)
    try:
        filled = remove_lesions(
            loaded.flair,
            loaded.stack[-2].numpy() > 0,
            loaded.brain,
            np.random.default_rng((seed, *case.name.encode())),
        )
    except InputError as error:
        raise InputError(f"{case.name}: its lesions cannot be filled in ({error})") from None
    stack = loaded.stack.clone()
    stack[0] = torch.from_numpy(np.asarray(filled.data, dtype=np.float32))
    stack[-2] = 0
    return loaded.with_stack(stack)


def _depth_mm(brain: NDArray[np.bool_], spacing_mm: float) -> NDArray[np.float32]:
    """Depth in mm below a surface `RIM_MM` outside the brain, clipped to [0, 2 * `RIM_MM`]."""
    if brain.all():
        return np.full(brain.shape, 2 * RIM_MM, np.float32)
    outside = ndimage.distance_transform_edt(~brain, sampling=spacing_mm)
    inside = ndimage.distance_transform_edt(brain, sampling=spacing_mm)
    return np.asarray(np.clip(RIM_MM + inside - outside, 0, 2 * RIM_MM), dtype=np.float32)


def _brain_in(stack: Tensor) -> NDArray[np.bool_]:
    """Where the brain is, by the depth of a stack."""
    return np.asarray(stack[-1].numpy() > RIM_MM)


def lesion_voxels(reference: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """List the voxels of each lesion, (N, 3) indices into a reference of (I, J, K)."""
    labels, _ = label_components(reference)
    return [
        np.argwhere(labels[box] == number) + first_voxel(box)
        for number, box in label_boxes(labels).items()
    ]
