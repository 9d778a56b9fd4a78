"""Checkpoints that explain themselves: weights in safetensors, everything else in JSON.

``name.safetensors`` holds the weights, ``name.json`` beside it the configuration, the
weights' SHA-256 and whatever the author wants to say (training data, results). An ensemble
is one such pair too: its JSON lists the members. Nothing is ever unpickled, and torch is
not needed.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load as arrays_from_bytes
from safetensors.numpy import save as arrays_to_bytes

from fsh_core.config import ModelConfig
from fsh_core.errors import InputError
from fsh_core.files import write_atomically

FORMAT = "fsh-checkpoint-1"
WEIGHTS_FOLDER = Path(__file__).parent.parent / "weights"
DEFAULT_WEIGHTS = WEIGHTS_FOLDER / "default.safetensors"
BRAIN_WEIGHTS = WEIGHTS_FOLDER / "brain.safetensors"
_LONGEST_REASON = 200


@dataclass(frozen=True)
class EnsembleMember:
    """One network of a checkpoint.

    Attributes
    ----------
    config : ModelConfig
        What it is, and what it expects of an image.
    weights : dict of str to float32 array
        The state dict of `fsh_core.network.model.R2AttentionUNet3d`.
    """

    config: ModelConfig
    weights: dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Checkpoint:
    """Weights with their papers.

    Attributes
    ----------
    members : tuple of EnsembleMember
        More than one if it is an ensemble.
    sha256 : str
        Of the safetensors file.
    card : dict
        What the JSON says beside the configuration.
    path : Path
        The safetensors file.
    """

    members: tuple[EnsembleMember, ...]
    sha256: str
    card: dict[str, Any]
    path: Path

    @property
    def config(self) -> ModelConfig:
        """What the network is; of an ensemble the first one."""
        return self.members[0].config


def save_checkpoint(
    config: ModelConfig, path: Path, card: dict[str, Any], weights: Mapping[str, ArrayLike]
) -> str:
    """Write weights and their JSON; return the weights' SHA-256.

    Parameters
    ----------
    config : ModelConfig
        What the network is.
    path : Path
        Ends in ``.safetensors``; the JSON is written beside it.
    card : dict
        Plain JSON: training data, results, whatever explains the weights.
    weights : mapping of str to array
        The network's state dict, or an average of several; stored as float32.
    """
    return _save(path, weights, {"config": config.model_dump(mode="json")}, card)


def save_ensemble(members: Sequence[Path], path: Path, card: dict[str, Any]) -> str:
    """Join checkpoints into one whose networks look at a scan side by side; return its SHA-256.

    Parameters
    ----------
    members : sequence of Path
        Their ``.safetensors`` files; each must want the same of an image.
    path : Path
        Ends in ``.safetensors``; the JSON is written beside it.
    card : dict
        Plain JSON about the ensemble; what each member's JSON says of its training is kept
        under ``members``.

    Raises
    ------
    InputError
        If a member cannot be used, or wants other images than the first.
    """
    loaded = [load_checkpoint(member) for member in members]
    for one in loaded:
        if len(one.members) > 1:
            raise InputError(f"{one.path}: is an ensemble itself; name its members instead")
        if _wants(one.config) != _wants(loaded[0].config):
            raise InputError(
                f"{one.path}: the members of an ensemble must want the same channels, spacing and intensities as "
                f"{loaded[0].path}; train it with the same --channels, --spacing-mm and --intensity"
            )
    weights = {
        f"{number}/{name}": weight
        for number, one in enumerate(loaded)
        for name, weight in one.members[0].weights.items()
    }
    described = [
        {"sha256": one.sha256, "config": one.config.model_dump(mode="json"), **one.card}
        for one in loaded
    ]
    facts = {
        "config": described[0]["config"],
        "training": _joined([one.card for one in loaded]),
        "members": described,
    }
    return _save(path, weights, facts, card)


def _joined(cards: Sequence[dict[str, Any]]) -> dict[str, list[str]]:
    """Say whom an ensemble was trained on: whom any member was; validated on: whom every member was."""
    trained, validated = (
        [set(card.get("training", {}).get(key, [])) for card in cards]
        for key in ("subjects", "validated_on")
    )
    return {
        "subjects": sorted(set.union(*trained)),
        "validated_on": sorted(set.intersection(*validated)),
    }


def _wants(config: ModelConfig) -> tuple[object, ...]:
    return config.channels, config.target, config.spacing_mm, config.intensity


def _save(
    path: Path, weights: Mapping[str, ArrayLike], described: dict[str, Any], card: dict[str, Any]
) -> str:
    payload = arrays_to_bytes(
        {name: np.array(weight, np.float32, order="C") for name, weight in weights.items()}
    )
    sha256 = hashlib.sha256(payload).hexdigest()
    facts = {"format": FORMAT, "sha256": sha256, **described}
    write_atomically(path, payload)
    write_atomically(
        path.with_suffix(".json"), json.dumps({**facts, **card, **facts}, indent=2) + "\n"
    )
    return sha256


def load_checkpoint(path: Path | None = None) -> Checkpoint:
    """Read weights and their papers; whether they fit together is seen where the network is built.

    Parameters
    ----------
    path : Path or None
        The ``.safetensors`` file; None is the bundled default.

    Raises
    ------
    InputError
        If a file is missing, is a pickle or another format, or does not match its
        recorded hash.
    """
    path = DEFAULT_WEIGHTS if path is None else Path(path)
    if path.suffix != ".safetensors":
        raise InputError(
            f"{path}: weights must be a .safetensors file (pickles such as .pt can run code and are never loaded); "
            "export them with fsh train"
        )
    described = path.with_suffix(".json")
    for needed in (path, described):
        if not needed.is_file():
            raise InputError(
                f"{needed}: no such file; a checkpoint is a .safetensors file with its .json beside it"
            )
    payload = path.read_bytes()
    card = _read_card(described)
    sha256 = hashlib.sha256(payload).hexdigest()
    if sha256 != card["sha256"]:
        raise InputError(
            f"{path}: its SHA-256 must be {card['sha256'][:12]}… as {described.name} says, is {sha256[:12]}…; "
            "the file is damaged or not the one described: copy both again"
        )
    try:
        members = _part(arrays_from_bytes(payload), card)
    except (SafetensorError, ValidationError, AttributeError) as error:
        raise not_as_described(path, error) from None
    explained = {
        key: value for key, value in card.items() if key not in ("format", "sha256", "config")
    }
    return Checkpoint(members, sha256, explained, path)


def not_as_described(path: Path, error: Exception) -> InputError:
    """Say that weights are not those of the network that their JSON describes, and why, in one sentence."""
    # The first line of torch and pydantic names only the class; the second says what is wrong.
    reason = " ".join(line.strip() for line in str(error).splitlines()[:3])[:_LONGEST_REASON]
    return InputError(
        f"{path}: expected weights of the network that {path.with_suffix('.json').name} describes, found others "
        f"({reason}); use a checkpoint written by fsh train"
    )


def _part(
    weights: dict[str, NDArray[np.float32]], card: dict[str, Any]
) -> tuple[EnsembleMember, ...]:
    """Give each member of an ensemble its own weights; a network alone has them all."""
    if not card.get("members"):
        return (EnsembleMember(ModelConfig.model_validate(card.get("config")), weights),)
    return tuple(
        EnsembleMember(
            ModelConfig.model_validate(member.get("config")),
            {
                name.removeprefix(f"{number}/"): one
                for name, one in weights.items()
                if name.startswith(f"{number}/")
            },
        )
        for number, member in enumerate(card["members"])
    )


def _read_card(path: Path) -> dict[str, Any]:
    """Read the JSON beside the weights."""
    try:
        card = json.loads(path.read_text())
    except (ValueError, OSError) as error:
        raise InputError(
            f"{path}: expected the JSON of a checkpoint, cannot be read ({error}); copy it again"
        ) from None
    if (
        not isinstance(card, dict)
        or card.get("format") != FORMAT
        or not isinstance(card.get("sha256"), str)
    ):
        raise InputError(
            f"{path}: expected a {FORMAT} description, found another JSON; use one written by fsh train"
        )
    return card
