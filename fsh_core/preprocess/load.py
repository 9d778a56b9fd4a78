"""A case in memory: its channels on one grid, and its brain.

Training and segmenting both come through here, so that they cannot differ.
"""

import logging
from dataclasses import dataclass
from pathlib import Path

from fsh_core.cases import Case
from fsh_core.config import ModelConfig
from fsh_core.errors import InputError
from fsh_core.preprocess.air import count_from_air
from fsh_core.preprocess.brain_mask import Brain, BrainSegmenter, find_brain
from fsh_core.volume.volume import Volume, check_same_grid, load_mask, load_volume

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoadedScan:
    """A case's images and its brain.

    Attributes
    ----------
    volumes : list of Volume
        The channels that the network wants, (I, J, K) float32, the FLAIR first, on one grid.
    brain : Brain
        Where the brain is.
    """

    volumes: list[Volume]
    brain: Brain

    @property
    def flair(self) -> Volume:
        """The FLAIR as it came, (I, J, K) float32."""
        return self.volumes[0]


def load_scan(case: Case, model: ModelConfig, finder: BrainSegmenter | None = None) -> LoadedScan:
    """Load a case's images and find its brain.

    Parameters
    ----------
    case : Case
        Its FLAIR, other channels where the network wants them, and its brain mask where
        there is one.
    model : ModelConfig
        What the network wants.
    finder : BrainSegmenter, optional
        Finds the brain in a whole head without a brain mask.

    Raises
    ------
    InputError
        If a file is missing or cannot be used.
    """
    volumes = load_channels(case, model)
    return LoadedScan(volumes, load_brain(case, volumes[0], finder))


def load_channels(
    case: Case,
    model: ModelConfig,
    *,
    wanted_by: str = "these weights want",
    otherwise: str = "use weights for FLAIR alone",
) -> list[Volume]:
    """Load the images that a network wants.

    Parameters
    ----------
    case : Case
        Where the files are.
    model : ModelConfig
        Which channels are wanted.
    wanted_by, otherwise : str
        For the error: who wants the channels, and what to do if there is no such file.

    Returns
    -------
    list of Volume
        One per channel, (I, J, K) float32 with air at 0 (`fsh_core.preprocess.air`), all on the
        grid of the first, the FLAIR.

    Raises
    ------
    InputError
        If a channel is missing, cannot be read or lies on another grid than the FLAIR.
    """
    missing = [name for name in model.channels if name not in case.channels]
    if missing:
        raise InputError(
            f"{case.flair}: {wanted_by} {', '.join(model.channels)}, "
            f"found no {missing[0]} beside the FLAIR; add it or {otherwise}"
        )
    volumes = [load_image(case.channels[name]) for name in model.channels]
    for name, volume in zip(model.channels[1:], volumes[1:], strict=True):
        check_same_grid(volume, volumes[0], case.channels[name], case.flair)
    return volumes


def load_image(path: str | Path) -> Volume:
    """Load an image with the air around the head at 0, see `fsh_core.preprocess.air`.

    Parameters
    ----------
    path : path
        A NIfTI file.

    Returns
    -------
    Volume
        (I, J, K) float32, as networks and quality checks expect it.

    Raises
    ------
    InputError
        As `fsh_core.volume.volume.load_volume`.
    """
    volume = load_volume(path)
    data, air = count_from_air(volume.data)
    if air is not None:
        _log.warning("%s: air is set to %g; intensities are counted from there", path, air)
    return volume.with_data(data)


def load_brain(case: Case, flair: Volume, finder: BrainSegmenter | None = None) -> Brain:
    """Load a case's brain mask, or find the brain where the case has none.

    Parameters
    ----------
    case : Case
        With or without a brain mask.
    flair : Volume
        Its FLAIR, (I, J, K) float32.
    finder : BrainSegmenter, optional
        Finds the brain in a whole head.

    Returns
    -------
    Brain
        On the grid of the FLAIR.

    Raises
    ------
    InputError
        If the mask cannot be read, is empty, or lies on another grid.
    """
    given = load_mask(case.brain, flair, case.flair).data if case.brain else None
    return find_brain(flair, given, finder)
