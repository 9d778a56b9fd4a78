"""From a case on disk to the probability of lesion in every voxel, free of torch."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fsh_core.cases import Case
from fsh_core.config import ModelConfig
from fsh_core.preprocess.brain_mask import Brain, BrainSegmenter
from fsh_core.preprocess.load import LoadedScan, load_scan
from fsh_core.preprocess.prepare import prepare
from fsh_core.volume.boxes import bounding_box
from fsh_core.volume.volume import Volume

OnPatch = Callable[[int, int], None]


class Predictor(Protocol):
    """Any callable from an image to a probability, or several; see `fsh_core.load_predictor`.

    It may also have an attribute ``model``, the `ModelConfig` of the image it wants, and
    ``card``, what the record says about the weights.
    """

    def __call__(
        self, image: NDArray[np.float32], on_patch: OnPatch | None = None, /
    ) -> NDArray[np.float32]:
        """Turn a (C, I, J, K) image in [0, 1] into (I, J, K) or, an ensemble, (M, I, J, K)."""


@dataclass(frozen=True)
class Prediction:
    """What a network says of one scan, on its own grid, before anything is called a lesion.

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
        mean = np.zeros(self.brain.mask.shape, np.float32)
        box = bounding_box(self.brain.mask)  # most of a scan is air
        mean[box] = sum(member[box] for member in self.members) / np.float32(len(self.members))
        return mean


def predict_scan(
    scan: LoadedScan, predictor: Predictor, on_patch: OnPatch | None = None
) -> Prediction:
    """Run the network over a scan; ``on_patch`` gets (done, total), and raising in it cancels."""
    brain = scan.brain
    prepared = prepare(scan.volumes, brain.mask, expected_model(predictor))
    predicted = predictor(prepared.masked, on_patch)
    maps = predicted[None] if predicted.ndim == brain.mask.ndim else predicted
    members = tuple(prepared.to_input_grid(one) for one in maps)
    outside = ~brain.mask
    for member in members:
        member[outside] = 0
    return Prediction(scan.flair, brain, members)


def predict_case(
    case: Case,
    predictor: Predictor,
    *,
    finder: BrainSegmenter | None = None,
    on_patch: OnPatch | None = None,
) -> Prediction:
    """Load a case, find its brain, and run the network: `load_scan`, then `predict_scan`."""
    return predict_scan(load_scan(case, expected_model(predictor), finder), predictor, on_patch)


def expected_model(predictor: Predictor) -> ModelConfig:
    """Return what a predictor expects of an image; a plain function gets the default."""
    return getattr(predictor, "model", ModelConfig())
