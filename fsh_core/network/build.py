"""One door from a configuration to a network: to swap the network, begin here.

The network has two forms that compute the same: a torch module, for training and graphics
cards (`fsh_core.network.model`), and an OpenVINO graph, for processors
(`fsh_core.network.openvino_graph`). They share their weights, under the same names, and
`fsh_core.config.ModelConfig`, which travels with the weights. Another network needs both
forms, here, and its settings there; nothing else of F.sh knows its class.

Each library is loaded when its form is asked for: segmenting on a processor loads no torch.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fsh_core.config import ModelConfig, Size3

if TYPE_CHECKING:
    from fsh_core.network.model import R2AttentionUNet3d
    from fsh_core.network.quiet_openvino import ov

Weights = Mapping[str, NDArray[np.float32]]
"""The state dict of the torch module, as arrays."""


def build_module(config: ModelConfig, weights: Weights | None = None) -> "R2AttentionUNet3d":
    """Build the network as a torch module.

    Parameters
    ----------
    config : ModelConfig
        What the network is.
    weights : mapping of str to float32 array, optional
        Its weights; drawn by torch's random numbers if not given.

    Returns
    -------
    torch.nn.Module
        From (B, C, I, J, K) float32 in [0, 1] to (B, 1, I, J, K) logits. In evaluation mode
        if weights were given, else in training mode.

    Raises
    ------
    ValueError
        If the weights are not those of the configuration.
    """
    from fsh_core.network.model import R2AttentionUNet3d, restore

    return R2AttentionUNet3d(config) if weights is None else restore(config, weights)


def build_graph(config: ModelConfig, weights: Weights, patch_size: Size3) -> "ov.Model":
    """Build the network as an OpenVINO graph for one patch.

    Parameters
    ----------
    config : ModelConfig
        What the network is.
    weights : mapping of str to float32 array
        Its weights.
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
    from fsh_core.network.openvino_graph import graph_of

    return graph_of(config, dict(weights), patch_size)
