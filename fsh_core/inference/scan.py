"""From a case on disk to its probabilities: what a network says before anything is called a lesion, free of torch."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fsh_core.cases import Case
from fsh_core.config import ModelConfig
from fsh_core.errors import InputError
from fsh_core.preprocess.brain_mask import Brain, BrainSegmenter, find_brain
from fsh_core.preprocess.prepare import prepare
from fsh_core.volume.volume import Volume, check_same_grid, load_mask, load_volume

OnPatch = Callable[[int, int], None]


class Predictor(Protocol):
    """Any callable from an image to a probability, or to several; `fsh_core.load_predictor` returns one.

    It may also have an attribute ``model``, the `ModelConfig` of the image it wants, and
    ``card``, what the record says about the weights.
    """

    def __call__(
        self, image: NDArray[np.float32], on_patch: OnPatch | None = None, /
    ) -> NDArray[np.float32]:
        """Turn a (C, I, J, K) image in [0, 1] into an (I, J, K) probability, or (M, I, J, K) of an ensemble."""


@dataclass(frozen=True)
class Prediction:
    """What a network says of one scan, before anything is called a lesion; all on the scan's own grid.

    Attributes
    ----------
    flair : Volume
        The FLAIR as it came, (I, J, K) float32.
    brain : Brain
        Where the brain is.
    members : tuple of (I, J, K) float32 in [0, 1]
        Each ensemble member's probability, 0 outside the brain; one where there is no ensemble.
    """

    flair: Volume
    brain: Brain
    members: tuple[NDArray[np.float32], ...]

    @cached_property
    def probability(self) -> NDArray[np.float32]:
        """Mean of the members, (I, J, K) float32."""
        if len(self.members) == 1:
            return self.members[0]
        return np.asarray(sum(self.members) / np.float32(len(self.members)), dtype=np.float32)


@dataclass(frozen=True)
class Scan:
    """A case in memory.

    Attributes
    ----------
    volumes : list of Volume
        The channels that the network wants, the FLAIR first, on one grid.
    brain : Brain
        Where the brain is.
    """

    volumes: list[Volume]
    brain: Brain

    @property
    def flair(self) -> Volume:
        """The FLAIR as it came, (I, J, K) float32."""
        return self.volumes[0]


def open_scan(case: Case, model: ModelConfig, finder: BrainSegmenter | None = None) -> Scan:
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
        If a file cannot be used.
    """
    volumes = _load_channels(case, model)
    flair = volumes[0]
    given = load_mask(case.brain, flair, case.flair).data if case.brain else None
    return Scan(volumes, find_brain(flair, given, finder))


def predict_scan(scan: Scan, predictor: Predictor, on_patch: OnPatch | None = None) -> Prediction:
    """Run the network over a scan; ``on_patch`` is called with (done, total), and raising from it cancels."""
    brain = scan.brain
    prepared = prepare(scan.volumes, brain.mask, expected_model(predictor))
    predicted = predictor(prepared.masked, on_patch)
    maps = predicted if predicted.ndim == 4 else predicted[None]
    return Prediction(
        scan.flair,
        brain,
        tuple(np.where(brain.mask, prepared.to_input_grid(one), np.float32(0)) for one in maps),
    )


def predict_case(
    case: Case,
    predictor: Predictor,
    *,
    finder: BrainSegmenter | None = None,
    on_patch: OnPatch | None = None,
) -> Prediction:
    """Load a case, find its brain, and run the network over it: `open_scan`, then `predict_scan`."""
    return predict_scan(open_scan(case, expected_model(predictor), finder), predictor, on_patch)


def expected_model(predictor: Predictor) -> ModelConfig:
    """Return what a predictor expects of an image; a plain function gets the default."""
    return getattr(predictor, "model", ModelConfig())


def _load_channels(case: Case, model: ModelConfig) -> list[Volume]:
    """Load the images a network wants, all on the FLAIR's grid."""
    missing = [name for name in model.channels if name not in case.channels]
    if missing:
        raise InputError(
            f"{case.flair}: these weights want {', '.join(model.channels)}, found no {missing[0]} beside the FLAIR; "
            "add it or use weights for FLAIR alone"
        )
    volumes = [load_volume(case.channels[name]) for name in model.channels]
    for name, volume in zip(model.channels[1:], volumes[1:], strict=True):
        check_same_grid(volume, volumes[0], case.channels[name], case.flair)
    return volumes
