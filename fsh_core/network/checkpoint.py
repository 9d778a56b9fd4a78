"""Checkpoints that explain themselves: weights in safetensors, everything else in JSON.

``name.safetensors`` holds the weights, ``name.json`` beside it the configuration, the
weights' SHA-256 and whatever the author wants to say (training data, results). An ensemble
is one such pair too: its JSON lists the members. Nothing is ever unpickled, and torch is
not needed.
"""

import hashlib
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
from fsh_core.network.card import (
    TrainingFacts,
    WeightsCard,
    not_as_described,
    read_card,
    write_card,
)

WEIGHTS_FOLDER = Path(__file__).parent.parent / "weights"
DEFAULT_WEIGHTS = WEIGHTS_FOLDER / "default.safetensors"
BRAIN_WEIGHTS = WEIGHTS_FOLDER / "brain.safetensors"
HASH_SHOWN = 12  # of 64 digits: enough to tell two files apart


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
    """Weights with their metadata.

    Attributes
    ----------
    members : tuple of EnsembleMember
        More than one if it is an ensemble.
    sha256 : str
        Of the safetensors file.
    card : WeightsCard
        The JSON beside it.
    path : Path
        The safetensors file.
    """

    members: tuple[EnsembleMember, ...]
    sha256: str
    card: WeightsCard
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
        The network's state dict, or an average of several; stored as float32, or as float16
        what `halve_kernels` made so.
    """
    return _save(path, weights, {"config": config.model_dump(mode="json")}, card)


def save_ensemble(
    members: Sequence[Path], path: Path, card: dict[str, Any], *, half: bool = False
) -> str:
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
    half : bool
        Store the convolution kernels in 16 bits (see `halve_kernels`), and say so in the JSON.

    Raises
    ------
    InputError
        If a member cannot be used, or wants other images than the first.
    """
    loaded = [load_checkpoint(member) for member in members]
    for member in loaded:
        if len(member.members) > 1:
            raise InputError(f"{member.path}: is an ensemble itself; name its members instead")
        if _wants(member.config) != _wants(loaded[0].config):
            raise InputError(
                f"{member.path}: the members of an ensemble must want the same channels, spacing "
                f"and intensities as {loaded[0].path}; train it with the same --channels, "
                "--spacing-mm and --intensity"
            )
    weights = {
        f"{number}/{name}": weight
        for number, member in enumerate(loaded)
        for name, weight in member.members[0].weights.items()
    }
    configs = [member.config.model_dump(mode="json") for member in loaded]
    described = [
        {"sha256": member.sha256, "config": config, **member.card.said()}
        for member, config in zip(loaded, configs, strict=True)
    ]
    facts = {
        "config": configs[0],
        "training": _joined([member.card.training for member in loaded]),
        "members": described,
    }
    if half:
        weights, facts = halve_kernels(weights), facts | {"kernels": "float16"}
    return _save(path, weights, facts, card)


def halve_kernels(weights: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[Any]]:
    """Round the convolution kernels of a state dict to float16, half of the file's size.

    All else (biases, normalisation and its running statistics) stays float32: it is less than a
    thousandth of the file, and running variances can lie beyond the range of float16.

    Parameters
    ----------
    weights : mapping of str to float32 array
        The state dict.

    Raises
    ------
    ValueError
        If a kernel does not fit into float16 (beyond 65,504).
    """
    halved = {}
    for name, weight in weights.items():
        is_kernel = weight.ndim > 1
        if is_kernel and np.abs(weight).max() > np.finfo(np.float16).max:
            raise ValueError(f"{name} has values beyond the range of float16")
        halved[name] = weight.astype(np.float16) if is_kernel else weight
    return halved


def _joined(members: Sequence[TrainingFacts]) -> dict[str, list[str]]:
    """Join the patients of members: trained on by any of them, validated on by all of them."""
    trained = set[str]().union(*(facts.subjects for facts in members))
    validated = set(members[0].validated_on).intersection(
        *(facts.validated_on for facts in members)
    )
    return {"subjects": sorted(trained), "validated_on": sorted(validated)}


def _wants(config: ModelConfig) -> tuple[object, ...]:
    return config.channels, config.target, config.spacing_mm, config.intensity


def _save(
    path: Path, weights: Mapping[str, ArrayLike], described: dict[str, Any], card: dict[str, Any]
) -> str:
    payload = arrays_to_bytes({name: _stored(np.asarray(one)) for name, one in weights.items()})
    sha256 = hashlib.sha256(payload).hexdigest()
    write_atomically(path, payload)
    write_card(path.with_suffix(".json"), {"sha256": sha256, **described}, card)
    return sha256


def _stored(weight: NDArray[Any]) -> NDArray[Any]:
    """Keep float16 as it is; everything else is stored as float32."""
    kept = np.float16 if weight.dtype == np.float16 else np.float32
    return np.array(weight, kept, order="C")


def load_checkpoint(path: Path | None = None) -> Checkpoint:
    """Read weights and their card.

    Whether they fit together is seen where the network is built.

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
            f"{path}: weights must be a .safetensors file (pickles such as .pt can run code and "
            "are never loaded); export them with fsh train"
        )
    described = path.with_suffix(".json")
    for needed in (path, described):
        if not needed.is_file():
            raise InputError(
                f"{needed}: no such file; "
                "a checkpoint is a .safetensors file with its .json beside it"
            )
    payload = path.read_bytes()
    card = read_card(described)
    sha256 = hashlib.sha256(payload).hexdigest()
    if sha256 != card.sha256:
        raise InputError(
            f"{path}: its SHA-256 must be {str(card.sha256)[:HASH_SHOWN]}… as {described.name} "
            f"says, is {sha256[:HASH_SHOWN]}…; the file is damaged or not the one described: "
            "copy both again"
        )
    try:
        weights = arrays_from_bytes(payload)
        members = _part({name: one.astype(np.float32) for name, one in weights.items()}, card)
    except (SafetensorError, ValidationError) as error:
        raise not_as_described(path, str(error)) from None
    return Checkpoint(members, sha256, card, path)


def _part(weights: dict[str, NDArray[np.float32]], card: WeightsCard) -> tuple[EnsembleMember, ...]:
    """Give each member of an ensemble its own weights; a network alone has them all."""
    if not card.members:
        return (EnsembleMember(card.network_config(), weights),)
    return tuple(
        EnsembleMember(
            member.network_config(),
            {
                name.removeprefix(f"{number}/"): weight
                for name, weight in weights.items()
                if name.startswith(f"{number}/")
            },
        )
        for number, member in enumerate(card.members)
    )
