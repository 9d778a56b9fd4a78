"""Doing normalisation's work once, before inference, instead of at every voxel."""

import copy

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from fsh_core.network.model import R2AttentionUNet3d, RecurrentConv, Upsample


def fold_norms(network: R2AttentionUNet3d) -> R2AttentionUNet3d:
    """Return a copy whose batch normalisations are part of the convolutions before them.

    Parameters
    ----------
    network : R2AttentionUNet3d
        In evaluation mode. Instance normalisation depends on the patch and stays as it is;
        so does batch normalisation after a convolution that is applied several times.

    Returns
    -------
    R2AttentionUNet3d
        Computes the same but for rounding.
    """
    folded = copy.deepcopy(network)
    for module in folded.modules():
        if isinstance(module, RecurrentConv) and len(module.norms) == 1:
            module.conv, module.norms[0] = _fused(module.conv, module.norms[0])
        elif isinstance(module, Upsample):
            module.conv, module.norm = _fused(module.conv, module.norm)
    return folded


def _fused(conv: nn.Conv3d, norm: nn.Module) -> tuple[nn.Conv3d, nn.Module]:
    return (fuse_conv_bn_eval(conv, norm), nn.Identity()) if isinstance(norm, nn.BatchNorm3d) else (conv, norm)
