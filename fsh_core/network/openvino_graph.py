"""The network of `fsh_core.network.model` as an OpenVINO graph: for processors, free of torch.

OpenVINO joins convolution, normalisation and activation into one pass over the memory, and
is there in a fifth of the time that torch takes. What both compute is the same but for rounding.
"""

import numpy as np
from numpy.typing import NDArray

from fsh_core.config import ModelConfig, Size3
from fsh_core.network.quiet_openvino import ops, ov

Weights = dict[str, NDArray[np.float32]]

_EPSILON = 1e-5  # of both normalisations, as in torch
_SPACE = np.array([2, 3, 4])


def graph_of(config: ModelConfig, weights: Weights, patch_size: Size3) -> ov.Model:
    """Build a network for one patch.

    Parameters
    ----------
    config : ModelConfig
        What the network is.
    weights : dict of str to array
        The state dict of `fsh_core.network.model.R2AttentionUNet3d`.
    patch_size : (int, int, int)
        Voxels, each axis divisible by 16.

    Returns
    -------
    openvino.Model
        From (1, C, I, J, K) float32 in [0, 1] to (1, 1, I, J, K) logits.

    Raises
    ------
    ValueError
        If a weight is missing, too many, or of another shape; it names the first.
    """
    return _Builder(config, weights).build(patch_size)


class _Builder:
    """Lays node after node; takes each weight once."""

    def __init__(self, config: ModelConfig, weights: Weights) -> None:
        self._config = config
        self._left = dict(weights)

    def build(self, patch_size: Size3) -> ov.Model:
        channels = len(self._config.channels)
        *widths, bridge = self._config.widths
        x = image = ops.parameter([1, channels, *patch_size], np.float32)
        skips = []
        for level, (before, width) in enumerate(zip((channels, *widths[:-1]), widths, strict=True)):
            x = self._block(f"encoder.{level}", x, before, width)
            skips.append(x)
            x = ops.max_pool(x, [2] * 3, [1] * 3, [0] * 3, [0] * 3, [2] * 3).output(0)
        x = self._block("bridge", x, widths[-1], bridge)
        below = (bridge, *reversed(widths[1:]))
        for level, (before, width) in enumerate(zip(below, reversed(widths), strict=True)):
            x = self._decode(f"decoder.{level}", x, skips.pop(), before, width)
        logits = self._conv("head", x, widths[0], 1, size=1)
        if self._left:
            raise ValueError(f"unexpected weight {min(self._left)}")
        return ov.Model([logits], [image])

    def _block(self, name: str, x: ov.Node, before: int, width: int) -> ov.Node:
        x = self._conv(f"{name}.widen", x, before, width, size=1)
        h = self._recurrent(f"{name}.recurrent.0", x, width)
        return ops.add(x, self._recurrent(f"{name}.recurrent.1", h, width))

    def _recurrent(self, name: str, x: ov.Node, width: int) -> ov.Node:
        """Apply one convolution t + 1 times, each time with its own normalisation."""
        kernel = self._take(f"{name}.conv.weight", width, width, 3, 3, 3)
        h = self._activated(f"{name}.norms.0", _convolve(f"{name}.conv.0", x, kernel), width)
        for step in range(1, self._config.recurrence + 1):
            again = _convolve(f"{name}.conv.{step}", ops.add(x, h), kernel)
            h = self._activated(f"{name}.norms.{step}", again, width)
        return h

    def _decode(self, name: str, x: ov.Node, skip: ov.Node, before: int, width: int) -> ov.Node:
        twice = np.full(3, 2, np.float32)
        nearest = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        x = ops.interpolate(x, twice, "nearest", "scales", axes=_SPACE, **nearest)
        x = self._conv(f"{name}.up.conv", x, before, width, bias=False)
        x = self._activated(f"{name}.up.norm", x, width)
        if self._config.attention:
            skip = self._gate(f"{name}.gate", skip, x, width)
        return self._block(f"{name}.block", ops.concat([skip, x], 1), 2 * width, width)

    def _gate(self, name: str, skip: ov.Node, gate: ov.Node, width: int) -> ov.Node:
        wanted = self._conv(f"{name}.from_gate", gate, width, width // 2, size=1)
        offered = self._conv(f"{name}.from_skip", skip, width, width // 2, size=1, bias=False)
        alpha = self._conv(f"{name}.psi", ops.relu(ops.add(wanted, offered)), width // 2, 1, size=1)
        return ops.multiply(ops.sigmoid(alpha), skip)

    def _activated(self, name: str, x: ov.Node, width: int) -> ov.Node:
        """Normalise, then ReLU."""
        scale, shift = (self._take(f"{name}.{what}", width) for what in ("weight", "bias"))
        if self._config.norm == "batch":
            mean, variance = (
                self._take(f"{name}.running_{what}", width) for what in ("mean", "var")
            )
            self._take(f"{name}.num_batches_tracked")
            return ops.relu(ops.batch_norm_inference(x, scale, shift, mean, variance, _EPSILON))
        x = ops.mvn(x, _SPACE, True, _EPSILON, "inside_sqrt")
        return ops.relu(ops.add(ops.multiply(x, _over_space(scale)), _over_space(shift)))

    def _conv(
        self, name: str, x: ov.Node, before: int, width: int, *, size: int = 3, bias: bool = True
    ) -> ov.Node:
        x = _convolve(name, x, self._take(f"{name}.weight", width, before, size, size, size))
        return ops.add(x, _over_space(self._take(f"{name}.bias", width))) if bias else x

    def _take(self, name: str, *shape: int) -> NDArray[np.float32]:
        if name not in self._left:
            raise ValueError(f"missing weight {name}")
        weight = self._left.pop(name)
        if weight.shape != shape:
            raise ValueError(f"weight {name} must be of shape {shape}, is of {weight.shape}")
        return weight


def _convolve(name: str, x: ov.Node, kernel: NDArray[np.float32]) -> ov.Node:
    """Convolve to the same size; a kernel is as long along every axis.

    `fsh_core.network.eight_bits` finds the convolution by its name.
    """
    once, pad = [1] * 3, [kernel.shape[-1] // 2] * 3
    return ops.convolution(x, ops.constant(kernel), once, pad, pad, once, name=name)


def _over_space(values: NDArray[np.float32]) -> ov.Node:
    """Lay a value a channel over (1, C, I, J, K)."""
    return ops.constant(values.reshape(1, -1, 1, 1, 1))
