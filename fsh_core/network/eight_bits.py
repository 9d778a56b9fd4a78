"""Networks that multiply in eight bits: what each convolution reads and its kernel are rounded.

Processors multiply whole numbers of eight bits several times as fast as float32, and add them up
exactly. What a convolution reads is rounded to 256 steps between two limits, its kernel to 255
steps for each channel that it makes (affine and symmetric rounding, Jacob et al. 2018,
arXiv:1712.05877). The kernels' steps follow from the weights. The limits are measured once, on
patches of scans (`observed_ranges`), and lie beside the weights: ``name.eight-bits.json`` beside
``name.safetensors``. It holds for these weights alone, whose SHA-256 it names, and for patches of
any size.
"""

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fsh_core.errors import InputError
from fsh_core.files import write_atomically
from fsh_core.network.quiet_openvino import ops, ov
from fsh_core.strict_json import first_problem, parse_json

_log = logging.getLogger(__name__)
_ENDING = ".eight-bits.json"
_ACTIVATION_STEPS, _KERNEL_STEPS = 256, 255  # of the kernels -127 to 127, so that 0 stays 0

Range = Annotated[tuple[float, float], Field(strict=False)]
"""Lower and upper limit of what a convolution reads."""
Ranges = Mapping[str, Range]
"""By the names of the convolutions, as `fsh_core.network.openvino_graph` has them."""


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    format: Literal["fsh-eight-bits-1"]
    weights_sha256: str
    members: Annotated[tuple[dict[str, Range], ...], Field(strict=False)]
    by_default: bool = False
    made: dict[str, Any] = {}
    checked: dict[str, Any] = {}


@dataclass(frozen=True)
class EightBits:
    """What weights need to be used in eight bits.

    Attributes
    ----------
    members : tuple of dict
        The ranges of each network of the checkpoint.
    by_default : bool
        Whether the results are close enough to those in float32 to be the default.
    sha256 : str
        Of the file.
    """

    members: tuple[Ranges, ...]
    by_default: bool
    sha256: str


def eight_bits_path(weights: Path) -> Path:
    """Return where the file lies that belongs to a ``.safetensors`` file."""
    return weights.with_suffix(_ENDING)


def read_eight_bits(weights: Path, sha256: str) -> EightBits | None:
    """Read the file beside weights; None where there is none, or one of other weights.

    Parameters
    ----------
    weights : Path
        The ``.safetensors`` file.
    sha256 : str
        Of it.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    path = eight_bits_path(weights)
    if not path.is_file():
        return None
    payload, found = _read(path)
    if found.weights_sha256 != sha256:
        _log.warning(
            "%s: expected to belong to %s (%s…), is of other weights (%s…) and not used; make it "
            "anew with scripts/make_eight_bits.py",
            path,
            weights.name,
            sha256[:12],
            found.weights_sha256[:12],
        )
        return None
    return EightBits(found.members, found.by_default, hashlib.sha256(payload).hexdigest())


def write_eight_bits(
    weights: Path, sha256: str, members: Iterable[Ranges], made: Mapping[str, Any]
) -> None:
    """Write the file beside weights; it is not used by default until it is checked.

    Parameters
    ----------
    weights : Path
        The ``.safetensors`` file.
    sha256 : str
        Of it.
    members : iterable of mappings
        The ranges of each network.
    made : mapping
        Plain JSON: how it was made.
    """
    facts = {"format": "fsh-eight-bits-1", "weights_sha256": sha256, "by_default": False}
    _write(weights, {**facts, "made": dict(made), "members": [dict(one) for one in members]})


def accept_eight_bits(weights: Path, passed: bool, checked: Mapping[str, Any]) -> None:
    """Say in the file beside weights whether it is used by default, and what was measured.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    _, found = _read(eight_bits_path(weights))
    facts = found.model_dump(mode="json") | {"by_default": passed, "checked": dict(checked)}
    members = facts.pop("members")
    _write(weights, facts | {"members": members})


def _read(path: Path) -> tuple[bytes, _File]:
    try:
        payload = path.read_bytes()
        return payload, _File.model_validate(parse_json(payload))
    except ValidationError as error:
        reason = first_problem(error)
    except (OSError, ValueError) as error:
        reason = str(error)
    raise InputError(
        f"{path}: expected the ranges of a network in eight bits, found something else ({reason}); "
        "make it anew with scripts/make_eight_bits.py, or remove it"
    )


def _write(weights: Path, content: Mapping[str, Any]) -> None:
    write_atomically(eight_bits_path(weights), json.dumps(content, indent=1) + "\n")


def observed_ranges(graph: ov.Model, patches: Iterable[NDArray[np.float32]]) -> dict[str, Range]:
    """Run a network in float32 and see what each of its convolutions reads.

    Parameters
    ----------
    graph : openvino.Model
        Of `fsh_core.network.build.build_graph`.
    patches : iterable of (1, C, I, J, K) float32
        What it is shown; I, J, K are those of the graph.

    Returns
    -------
    dict of str to (float, float)
        Mean over the patches of the lowest and highest value, by the convolution's name: a
        single bright voxel does not make all steps wider.
    """
    read = {node.get_friendly_name(): node.input_value(0) for node in _convolutions(graph)}
    watched = ov.Model(list(read.values()), graph.get_parameters())
    compiled = ov.Core().compile_model(watched, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    seen = [[(one.min(), one.max()) for one in compiled([patch]).values()] for patch in patches]
    limits: NDArray[np.float64] = np.asarray(np.mean(seen, axis=0, dtype=np.float64))
    return {
        name: (round(float(low), 6), round(float(high), 6))
        for name, (low, high) in zip(read, limits, strict=True)
    }


def round_to_eight_bits(graph: ov.Model, ranges: Ranges) -> ov.Model:
    """Round what the convolutions of a network read, and their kernels; the graph is changed.

    Parameters
    ----------
    graph : openvino.Model
        Of `fsh_core.network.build.build_graph`.
    ranges : mapping of str to (float, float)
        For each of its convolutions.

    Raises
    ------
    ValueError
        If the ranges are not those of this network's convolutions.
    """
    convolutions = _convolutions(graph)
    names = {node.get_friendly_name() for node in convolutions}
    if names != set(ranges):
        raise ValueError(f"the eight-bit ranges differ at {min(names ^ set(ranges))}")
    rounded: dict[tuple[str, Range], ov.Node] = {}  # one for all that read the same
    for node in convolutions:
        source, limits = node.input_value(0), ranges[node.get_friendly_name()]
        key = (source.get_node().get_friendly_name(), limits)
        if key not in rounded:
            low, high = (np.full((1,) * 5, limit, np.float32) for limit in _with_zero(limits))
            rounded[key] = _round(source, low, high, _ACTIVATION_STEPS)
        kernel = node.input_value(1).get_node().get_data()
        largest = np.abs(kernel).max(axis=(1, 2, 3, 4), keepdims=True)
        largest[largest == 0] = 1  # a kernel of zeros
        node.input(0).replace_source_output(rounded[key].output(0))
        steps = _round(node.input_value(1), -largest, largest, _KERNEL_STEPS)
        node.input(1).replace_source_output(steps.output(0))
    graph.validate_nodes_and_infer_types()
    return graph


def _convolutions(graph: ov.Model) -> list[ov.Node]:
    return [node for node in graph.get_ordered_ops() if node.get_type_name() == "Convolution"]


def _with_zero(limits: Range) -> tuple[float, float]:
    """Move limits so that 0 is one of the steps: convolutions pad with it."""
    low, high = min(limits[0], 0.0), max(limits[1], 0.0)
    step = (high - low or 1.0) / (_ACTIVATION_STEPS - 1)
    below = round(-low / step)
    return -below * step, (_ACTIVATION_STEPS - 1 - below) * step


def _round(
    values: ov.Output, low: NDArray[np.float32], high: NDArray[np.float32], steps: int
) -> ov.Node:
    limits = [ops.constant(limit) for limit in (low, high, low, high)]
    return ops.fake_quantize(values, *limits, steps)
