"""A case prepared for training: on the network's grid, with its lesions, in memory."""

from dataclasses import dataclass, replace

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
from fsh_core.volume.volume import Volume, load_mask

_THICK_SLICE_MM = 3.0


@dataclass(frozen=True)
class TrainingCase:
    """A case in memory on the network's grid.

    Attributes
    ----------
    name : str
        ``sub-X[_ses-Y]``.
    prepared : Prepared
        The scaled image and the way back to the file's grid.
    reference : (I', J', K') bool
        The reference on the file's grid.
    stack : (C + 2, I, J, K) float32
        Channels, reference, and depth; see `fsh_core.training.augment.vary_intensities`.
    lesions : list of (N, 3) int arrays
        Voxels of each lesion.
    brain_voxels : (N, 3) int
        A thinned list of voxels in the brain.
    """

    name: str
    prepared: Prepared
    reference: NDArray[np.bool_]
    stack: Tensor
    lesions: list[NDArray[np.int64]]
    brain_voxels: NDArray[np.int64]

    @property
    def has_thick_slices(self) -> bool:
        """Whether the scan's own slices are 3 mm or thicker."""
        return max(self.prepared.original.spacing_mm) >= _THICK_SLICE_MM


def load_training_case(
    case: Case, config: ModelConfig, finder: BrainSegmenter | None = None
) -> TrainingCase:
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
    prepared = prepare(volumes, brain, config)
    learned = prepared.from_input_grid(reference)
    depth = _depth_mm(prepared.brain, config.spacing_mm)
    stack = np.concatenate([prepared.image, learned[None].astype(np.float32), depth[None]])
    return TrainingCase(
        case.name,
        prepared,
        reference,
        torch.from_numpy(stack),
        lesion_voxels(learned),
        np.argwhere(prepared.brain)[::97],
    )


def load_lesion_free(
    case: Case, config: ModelConfig, finder: BrainSegmenter | None, seed: int
) -> TrainingCase:
    """Read a case and fill its lesions in: a body without lesions to learn from.

    The mask need not be a person's: what it marks is replaced by white matter from nearby, and
    nothing is learned from where it lies.

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
    flair = Volume(loaded.prepared.image[0], np.diag([*loaded.prepared.grid.spacing_mm, 1.0]))
    drawn = loaded.stack[-2].numpy() > 0
    try:
        filled = remove_lesions(
            flair, drawn, loaded.prepared.brain, np.random.default_rng((seed, *case.name.encode()))
        )
    except InputError as error:
        raise InputError(f"{case.name}: its lesions cannot be filled in ({error})") from None
    stack = loaded.stack.clone()
    stack[0] = torch.from_numpy(np.asarray(filled.data, dtype=np.float32))
    stack[-2] = 0
    return replace(loaded, stack=stack, lesions=[])


def _depth_mm(brain: NDArray[np.bool_], spacing_mm: float) -> NDArray[np.float32]:
    """Depth in mm below a surface `RIM_MM` outside the brain, clipped to [0, 2 * `RIM_MM`]."""
    if brain.all():
        return np.full(brain.shape, 2 * RIM_MM, np.float32)
    outside = ndimage.distance_transform_edt(~brain, sampling=spacing_mm)
    inside = ndimage.distance_transform_edt(brain, sampling=spacing_mm)
    return np.asarray(np.clip(RIM_MM + inside - outside, 0, 2 * RIM_MM), dtype=np.float32)


def lesion_voxels(reference: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """List the voxels of each lesion, (N, 3) indices into a reference of (I, J, K)."""
    labels, _ = label_components(reference)
    return [
        np.argwhere(labels[box] == number) + first_voxel(box)
        for number, box in label_boxes(labels).items()
    ]
