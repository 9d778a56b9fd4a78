"""Gradients of every layer are right on every processor, whatever stood in the memory before.

Each test is a process of its own: glibc fills what it hands out (MALLOC_PERTURB_) with bytes of
0x7f, as a float 3e38, and oneDNN is held to an instruction set (ONEDNN_MAX_CPU_ISA), so that a
processor takes the path of a smaller one. What it has not, it is not held to: that would be the
same path again.
"""

import os
import subprocess
import sys

import pytest
import torch

from tests.conftest import REPOSITORY

# Axes that the layers of a network can have for the patch sizes that the configuration allows: 16
# to 96, halved up to four times.
LENGTHS = [(1, 2, 3, 4, 6, 8), (1, 2, 4, 6), (1, 2, 3, 4)]

LAYERS = f"""
import itertools, torch
from fsh_core.network.model import Conv3x3x3

def gradient(layer, image, dtype):
    layer.zero_grad()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype == torch.bfloat16):
        out = layer(image)
    (out.float() ** 2).sum().backward()
    return layer.weight.grad.clone()

torch.manual_seed(0)
for shape in itertools.product(*{LENGTHS}):
    for channels in ((8, 8), (16, 8)):
        for layer in (Conv3x3x3(*channels), torch.nn.Conv3d(*channels, 1, bias=False)):
            layer = layer.to(memory_format=torch.channels_last_3d)
            image = torch.randn(2, channels[0], *shape).to(memory_format=torch.channels_last_3d)
            exact = gradient(layer, image, torch.float32)
            found = [gradient(layer, image, torch.bfloat16) for _ in range(3)]
            where = f"{{layer}} over {{shape}}"
            assert all(torch.equal(found[0], other) for other in found[1:]), where
            assert (found[0] - exact).abs().max() < 0.05 * exact.abs().max(), where
"""

NETWORK = """
import sys, torch
from fsh_core.config import ModelConfig
from fsh_core.network.model import R2AttentionUNet3d

def gradients(network, image, bf16):
    network.zero_grad()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
        logits = network(image)
    logits.float().sigmoid().mean().backward()
    return torch.cat([parameter.grad.flatten() for parameter in network.parameters()])

patches = (32, 32, 32), (16, 32, 32), (32, 16, 48), (48, 32, 16), (64, 32, 32)
for norm, patch in zip(("batch", "instance", "batch", "instance", "batch"), patches):
    torch.manual_seed(0)
    network = R2AttentionUNet3d(ModelConfig(widths=(4, 6, 8, 8, 8), norm=norm))
    network = network.to(memory_format=torch.channels_last_3d)
    image = torch.rand(2, 1, *patch).to(memory_format=torch.channels_last_3d)
    found = [gradients(network, image, bf16=True) for _ in range(2)]
    assert torch.equal(*found), (norm, patch)
    exact = gradients(network, image, bf16=False)
    # Rounding makes half of the gradient of an untrained network; memory that nothing wrote
    # makes 1e37.
    assert (found[0] - exact).norm() < 10 * exact.norm(), (norm, patch)
"""


def paths_of_this_processor() -> tuple[str, ...]:
    """Return the instruction sets whose paths oneDNN takes here, but for AVX2 where it has more."""
    has_more = torch.cpu.get_capabilities().get("avx512_f", False)
    return ("AVX512_CORE", "DEFAULT") if has_more else ("AVX2",)


def gradients_are_right(code: str, isa: str) -> None:
    environment = os.environ | {"ONEDNN_MAX_CPU_ISA": isa, "MALLOC_PERTURB_": "128"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("isa", dict.fromkeys(("AVX2", *paths_of_this_processor())))
def test_bfloat16_gradients_of_a_layer_are_equal_and_near_those_of_float32(isa: str) -> None:
    gradients_are_right(LAYERS, isa)


@pytest.mark.parametrize("isa", paths_of_this_processor())
def test_bfloat16_gradients_of_the_network_are_finite_and_equal(isa: str) -> None:
    gradients_are_right(NETWORK, isa)
