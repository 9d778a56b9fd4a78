"""Parts of the record that say what made a segmentation: input, weights, brain, grid, ensemble."""

import nibabel as nib

from fsh_core.cases import Case
from fsh_core.config import ModelConfig
from fsh_core.files import sha256_of
from fsh_core.network.card import WeightsCard
from fsh_core.preprocess.brain_mask import Brain
from fsh_core.record import (
    InputFile,
    RecordedBrain,
    RecordedEnsemble,
    RecordedGrid,
    RecordedWeights,
)
from fsh_core.volume.volume import Volume

_OF_WEIGHTS = ("name", "sha256", "config", "licence", "documentation", "training", "calibration")


def describe_input(case: Case, model: ModelConfig) -> dict[str, InputFile]:
    """Name and hash the files that a network looks at.

    Parameters
    ----------
    case : Case
        What is segmented.
    model : ModelConfig
        Which channels are used.
    """
    paths = {name: case.channels[name] for name in model.channels}
    if case.brain:
        paths["brain"] = case.brain
    notes = {"FLAIR": {"note": case.name_note}} if case.name_note else {}
    return {
        name: InputFile(path=str(path), sha256=sha256_of(path), **notes.get(name, {}))
        for name, path in paths.items()
    }


def describe_weights(card: WeightsCard) -> RecordedWeights:
    """Take what the record keeps of a card of weights; the card may be empty."""
    return RecordedWeights.model_validate(card.part(_OF_WEIGHTS))


def describe_brain(brain: Brain, flair: Volume) -> RecordedBrain:
    """Say where the brain mask is from, and how large it is.

    Parameters
    ----------
    brain : Brain
        Its mask is (I, J, K) bool.
    flair : Volume
        For the voxel size.
    """
    volume_ml = round(flair.volume_ml(brain.mask), 1)
    return RecordedBrain(source=brain.source, volume_ml=volume_ml, note=brain.note)


def describe_grid(flair: Volume) -> RecordedGrid:
    """Say on which voxel grid a scan lies."""
    return RecordedGrid(
        shape=flair.shape,
        spacing_mm=tuple(round(size, 4) for size in flair.spacing_mm),
        orientation="".join(nib.aff2axcodes(flair.affine)),
    )


def describe_ensemble(members: int) -> RecordedEnsemble | None:
    """Say what the maps of an ensemble hold; None where there is only one member."""
    if members <= 1:
        return None
    return RecordedEnsemble(
        members=members,
        entropy="Entropy of the mean of the members' probabilities, in bits: 0 = sure, 1 = a coin.",
        variance="Variance of the members' probabilities: "
        "0 = they agree, 0.25 = half say 0 and half 1.",
    )
