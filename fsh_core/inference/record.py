"""What made a segmentation: input, weights, settings, version."""

from importlib.metadata import version
from typing import Any

import nibabel as nib

from fsh_core.cases import Case
from fsh_core.config import ModelConfig, SegmentConfig
from fsh_core.files import sha256_of
from fsh_core.preprocess.brain_mask import Brain
from fsh_core.volume.volume import Volume

_OF_WEIGHTS = ("name", "sha256", "config", "licence", "documentation", "training", "calibration")


def describe_run(
    case: Case,
    model: ModelConfig,
    config: SegmentConfig,
    flair: Volume,
    brain: Brain,
    card: dict[str, Any],
) -> dict[str, Any]:
    """Say what made a segmentation, as plain JSON.

    Parameters
    ----------
    case : Case
        What was segmented; its files are hashed.
    model : ModelConfig
        Which channels were used.
    config : SegmentConfig
        The settings.
    flair : Volume
        The scan.
    brain : Brain
        Where the brain is.
    card : dict
        What is known of the weights.
    """
    inputs = {name: case.channels[name] for name in model.channels}
    if case.brain:
        inputs["brain"] = case.brain
    return {
        "case": case.name,
        "subject": case.subject,
        "session": case.session,
        "input": {
            name: {"path": str(path), "sha256": sha256_of(path)} for name, path in inputs.items()
        },
        "version": version("fsh-ms"),
        "weights": {key: card[key] for key in _OF_WEIGHTS if key in card},
        "settings": config.model_dump(mode="json"),
        "brain": {
            "source": brain.source,
            "volume_ml": round(flair.volume_ml(brain.mask), 1),
            "note": brain.note,
        },
        "grid": {
            "shape": list(flair.shape),
            "spacing_mm": [round(size, 4) for size in flair.spacing_mm],
            "orientation": "".join(nib.aff2axcodes(flair.affine)),
        },
    }


def describe_ensemble(members: int) -> dict[str, Any] | None:
    """Say what the maps of an ensemble hold, as plain JSON; None where there is only one member."""
    if members < 2:
        return None
    return {
        "members": members,
        "entropy": "Entropy of the mean of the members' probabilities, in bits: 0 = sure, 1 = a coin.",
        "variance": "Variance of the members' probabilities: 0 = they agree, 0.25 = half say 0 and half 1.",
    }
