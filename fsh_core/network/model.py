"""3DR2AUNet: a 3-D recurrent residual attention U-Net, from its smallest block to the whole.

Sources: the F.sh paper (doi 10.38124/ijisrt/IJISRT24SEP1439); R2U-Net (Alom et al. 2018,
arXiv 1802.06955) for the recurrent residual block; Attention U-Net (Oktay et al. 2018,
arXiv 1804.03999) for the additive gate.

Shapes are (B, C, I, J, K): batch, channels, and space in RAS order.
"""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from fsh_core.config import ModelConfig, check_patch_size

_GATE_BIAS = (
    2.0  # sigmoid(2) = 0.88: gates start open, so the skips carry signal from the first step
)
_MISREAD_LENGTH = 2  # voxels, see `Conv3x3x3`


class InstanceNorm(nn.Module):
    """Instance normalisation, as `torch.nn.InstanceNorm3d` with ``affine=True``.

    A sample alone is a batch of one, and torch normalises a batch in channels-last memory in
    place of copying it to and fro: a forward pass takes two thirds of the time.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        samples = [
            F.batch_norm(one, None, None, self.weight, self.bias, training=True)
            for one in x.split(1)
        ]
        return samples[0] if len(samples) == 1 else torch.cat(samples)


class Conv3x3x3(nn.Conv3d):
    """A 3x3x3 convolution to the same size, without bias.

    oneDNN 3.12, which torch 2.13 brings, reads memory that nothing wrote when it computes the
    bfloat16 weight gradient of a 3x3x3 convolution over a first axis of two voxels (the bridge of a
    32-voxel patch) on processors with AVX-512 and without AMX. Such a layer is computed in float32;
    it is so small that this costs nothing.
    """

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__(in_channels, channels, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        if x.device.type == "cpu" and x.shape[2] == _MISREAD_LENGTH:
            with torch.autocast("cpu", enabled=False):
                return super().forward(x.float())
        return super().forward(x)


def _norm(config: ModelConfig, channels: int) -> nn.Module:
    return nn.BatchNorm3d(channels) if config.norm == "batch" else InstanceNorm(channels)


class RecurrentConv(nn.Module):
    """One shared 3x3x3 convolution applied t + 1 times, each with its own normalisation.

    ``h0 = act(norm0(f(x)))``, then ``h_n = act(norm_n(f(x + h_(n-1))))``.
    """

    def __init__(self, config: ModelConfig, channels: int) -> None:
        super().__init__()
        self.conv = Conv3x3x3(channels, channels)
        self.norms = nn.ModuleList(_norm(config, channels) for _ in range(config.recurrence + 1))

    def forward(self, x: Tensor) -> Tensor:
        h = F.relu(self.norms[0](self.conv(x)), inplace=True)
        for norm in self.norms[1:]:
            h = F.relu(norm(self.conv(x + h)), inplace=True)
        return h  # (B, C, I, J, K)


class RecurrentResidualBlock(nn.Module):
    """3DR2CL: to the block's width, two recurrent convolutions, and a residual sum."""

    def __init__(self, config: ModelConfig, in_channels: int, channels: int) -> None:
        super().__init__()
        self.widen = nn.Conv3d(in_channels, channels, 1)
        self.recurrent = nn.Sequential(
            RecurrentConv(config, channels), RecurrentConv(config, channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.widen(x)
        out: Tensor = x + self.recurrent(x)
        return out  # (B, channels, I, J, K)


class AttentionGate(nn.Module):
    """Weigh a skip connection by what the decoder looks for (additive attention)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.from_gate = nn.Conv3d(channels, channels // 2, 1)
        self.from_skip = nn.Conv3d(channels, channels // 2, 1, bias=False)
        self.psi = nn.Conv3d(channels // 2, 1, 1)
        nn.init.constant_(self.psi.bias, _GATE_BIAS)  # type: ignore[arg-type]

    def forward(self, skip: Tensor, gate: Tensor) -> Tensor:
        alpha = torch.sigmoid(
            self.psi(F.relu(self.from_gate(gate) + self.from_skip(skip), inplace=True))
        )  # (B, 1, I, J, K)
        return alpha * skip  # (B, C, I, J, K)


class Upsample(nn.Module):
    """Nearest neighbour x2, then a convolution to half the channels."""

    def __init__(self, config: ModelConfig, in_channels: int, channels: int) -> None:
        super().__init__()
        self.conv = Conv3x3x3(in_channels, channels)
        self.norm = _norm(config, channels)

    def forward(self, x: Tensor) -> Tensor:
        x = F.interpolate(x, scale_factor=2.0, mode="nearest")
        return F.relu(self.norm(self.conv(x)), inplace=True)  # (B, channels, 2I, 2J, 2K)


class Decode(nn.Module):
    """One level up: upsample, gate the skip, join, and convolve."""

    def __init__(self, config: ModelConfig, in_channels: int, channels: int) -> None:
        super().__init__()
        self.up = Upsample(config, in_channels, channels)
        self.gate = AttentionGate(channels) if config.attention else None
        self.block = RecurrentResidualBlock(config, 2 * channels, channels)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x = self.up(x)
        if self.gate is not None:
            skip = self.gate(skip, x)
        out: Tensor = self.block(torch.cat((skip, x), dim=1))
        return out  # (B, channels, I, J, K)


class R2AttentionUNet3d(nn.Module):
    """F.sh, and by configuration its baselines: U-Net, Attention U-Net, R2U-Net.

    Parameters
    ----------
    config : ModelConfig
        ``recurrence`` 0 leaves plain convolutions, ``attention`` False plain skips.

    Notes
    -----
    Input is (B, C, I, J, K) float in [0, 1] with one channel per ``config.channels``, each
    axis divisible by 16; output is (B, 1, I, J, K) logits.
    """

    def __init__(self, config: ModelConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or ModelConfig()
        *widths, bridge = config.widths
        inputs = (len(config.channels), *widths[:-1])
        self.encoder = nn.ModuleList(
            RecurrentResidualBlock(config, i, o) for i, o in zip(inputs, widths, strict=True)
        )
        self.bridge = RecurrentResidualBlock(config, widths[-1], bridge)
        below = (bridge, *reversed(widths[1:]))
        self.decoder = nn.ModuleList(
            Decode(config, i, o) for i, o in zip(below, reversed(widths), strict=True)
        )
        self.head = nn.Conv3d(widths[0], 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        i, j, k = x.shape[2:]
        check_patch_size((i, j, k))
        skips = []
        for block in self.encoder:
            x = block(x)
            skips.append(x)
            x = F.max_pool3d(x, 2)
        x = self.bridge(x)
        for decode, skip in zip(self.decoder, reversed(skips), strict=True):
            x = decode(x, skip)
        logits: Tensor = self.head(x)
        return logits  # (B, 1, I, J, K)


def arrays_of(model: nn.Module) -> dict[str, NDArray[np.float32]]:
    """Return the state dict as float32 arrays, what `fsh_core.network.checkpoint` stores."""
    return {
        name: tensor.detach().float().cpu().numpy() for name, tensor in model.state_dict().items()
    }


def restore(config: ModelConfig, weights: Mapping[str, NDArray[np.float32]]) -> R2AttentionUNet3d:
    """Make a network of the arrays of another, in evaluation mode.

    Raises
    ------
    ValueError
        If the weights are not those of the configuration.
    """
    model = R2AttentionUNet3d(config)
    try:
        model.load_state_dict({name: torch.from_numpy(weight) for name, weight in weights.items()})
    except RuntimeError as error:
        raise ValueError(str(error)) from None
    return model.eval()


def parameter_count(model: nn.Module) -> int:
    """Return the number of trained parameters."""
    return sum(parameter.numel() for parameter in model.parameters())


def flops(config: ModelConfig, patch_size: tuple[int, int, int] = (64, 64, 64)) -> int:
    """Count the floating-point operations of one forward pass, convolutions only.

    A multiply and an add count as two. The model has no storage, so it takes no memory.
    """
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        R2AttentionUNet3d(config)(torch.empty(1, len(config.channels), *patch_size))
    return int(counter.get_total_flops())
