"""Weights that a training goes on from, instead of random ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fsh_core.config import ModelConfig
from fsh_core.errors import InputError
from fsh_core.network.checkpoint import EnsembleMember, load_checkpoint

COPIED_FROM = "copied_from"
"""In the JSON beside a copy in a run folder: the SHA-256 of the file that it was taken from."""


@dataclass(frozen=True)
class Start:
    """A trained network to go on with.

    Attributes
    ----------
    network : EnsembleMember
        What it is, and its weights.
    path : Path
        The file that it comes from.
    sha256 : str
        Of that file, or of the one that it is a copy of.
    subjects : tuple of str
        Patients it learned from, as far as its card says.
    """

    network: EnsembleMember
    path: Path
    sha256: str
    subjects: tuple[str, ...]


def start_from(path: Path | None, asked: Mapping[str, Any]) -> Start:
    """Read the network that a training goes on from.

    Parameters
    ----------
    path : Path or None
        The ``.safetensors`` file; None is the bundled default.
    asked : mapping
        Settings of `ModelConfig` that the network must have: they choose among the networks of an
        ensemble.

    Returns
    -------
    Start
        The network, with what is known of it.

    Raises
    ------
    InputError
        If the file cannot be used, or not just one of its networks has the settings.
    """
    checkpoint = load_checkpoint(path)
    fitting = [
        number
        for number, member in enumerate(checkpoint.members)
        if _with(member.config, asked) == member.config
    ]
    if len(fitting) != 1:
        found = "none" if not fitting else str(len(fitting))
        norms = " or ".join(f"--norm {member.config.norm}" for member in checkpoint.members)
        raise InputError(
            f"{checkpoint.path}: --start-from expects one network with the settings asked for, "
            f"found {found}; choose one by {norms}, and leave other settings of the network away"
        )
    origin = checkpoint.card.part((COPIED_FROM,)).get(COPIED_FROM, checkpoint.sha256)
    cards = checkpoint.card.members or (checkpoint.card,)
    number = fitting[0]
    return Start(
        checkpoint.members[number],
        *(checkpoint.path, origin, cards[number].training.subjects),
    )


def _with(config: ModelConfig, asked: Mapping[str, Any]) -> ModelConfig:
    return ModelConfig.from_options(**{**config.model_dump(), **asked})
