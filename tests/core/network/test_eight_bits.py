"""In eight bits a network says nearly what it says in float32, and only with ranges of its own."""

import json
import logging

import numpy as np
import pytest
import torch

from fsh_core.config import ModelConfig
from fsh_core.errors import InputError
from fsh_core.inference.openvino_backend import multiplies_eight_bits
from fsh_core.network import eight_bits
from fsh_core.network.build import build_graph
from fsh_core.network.checkpoint import DEFAULT_WEIGHTS, load_checkpoint, save_checkpoint
from fsh_core.network.eight_bits import (
    EightBits,
    accept_eight_bits,
    eight_bits_path,
    observed_ranges,
    read_eight_bits,
    round_to_eight_bits,
    write_eight_bits,
)
from fsh_core.network.model import R2AttentionUNet3d, arrays_of
from fsh_core.network.quiet_openvino import ov

TINY = ModelConfig(widths=(4, 4, 6, 6, 8))
PATCH = (32, 16, 48)
RANGES = {"head": (-1.5, 2.25), "bridge.widen": (0.0, 1.0)}


def weights_of(config: ModelConfig) -> dict[str, np.ndarray]:
    torch.manual_seed(1)
    return arrays_of(R2AttentionUNet3d(config).eval())


def images(count: int) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [random.random((1, 1, *PATCH), np.float32) for _ in range(count)]


def answer(graph: ov.Model, image: np.ndarray) -> np.ndarray:
    return ov.Core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})([image])[0]


NEEDS_VNNI = pytest.mark.skipif(
    not multiplies_eight_bits(), reason="sums of eight bits saturate here: they are never used"
)


@pytest.mark.parametrize(
    ("steps", "alike"), [(2**16, 0.9999), pytest.param(2**8, 0.6, marks=NEEDS_VNNI)]
)
@pytest.mark.parametrize("norm", ["batch", "instance"])
def test_it_says_what_it_says_in_float32_but_for_the_steps(
    norm: str, steps: int, alike: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network that nobody trained, shown noise, is as sensitive to rounding as any can be."""
    monkeypatch.setattr(eight_bits, "_ACTIVATION_STEPS", steps)
    monkeypatch.setattr(eight_bits, "_KERNEL_STEPS", steps - 1)
    config = TINY.model_copy(update={"norm": norm})
    weights = weights_of(config)
    shown = images(1)
    ranges = observed_ranges(build_graph(config, weights, PATCH), shown)
    exact = answer(build_graph(config, weights, PATCH), shown[0])
    rounded = answer(round_to_eight_bits(build_graph(config, weights, PATCH), ranges), shown[0])
    assert not np.array_equal(rounded, exact)
    assert np.corrcoef(rounded.ravel(), exact.ravel())[0, 1] > alike


def test_every_convolution_has_a_range_and_each_use_of_a_recurrent_one() -> None:
    graph = build_graph(TINY, weights_of(TINY), PATCH)
    ranges = observed_ranges(graph, images(1))
    kinds = [node.get_type_name() for node in graph.get_ops()]
    assert len(ranges) == kinds.count("Convolution")
    assert {f"bridge.recurrent.0.conv.{step}" for step in range(TINY.recurrence + 1)} <= set(ranges)


def test_a_range_is_the_mean_over_patches_of_the_lowest_and_highest_value() -> None:
    graph = build_graph(TINY, weights_of(TINY), PATCH)
    dark, bright = (np.full((1, 1, *PATCH), level, np.float32) for level in (0.0, 0.5))
    bright[0, 0, 0, 0, 0] = 1.0
    assert observed_ranges(graph, [dark, bright])["encoder.0.widen"] == (0.25, 0.5)


def test_what_is_observed_the_first_time_is_observed_again() -> None:
    graph = build_graph(TINY, weights_of(TINY), PATCH)
    assert observed_ranges(graph, images(2)) == observed_ranges(graph, images(2))


def test_ranges_hold_for_patches_of_another_size() -> None:
    weights = weights_of(TINY)
    ranges = observed_ranges(build_graph(TINY, weights, PATCH), images(1))
    graph = round_to_eight_bits(build_graph(TINY, weights, (48, 48, 32)), ranges)
    image = np.zeros((1, 1, 48, 48, 32), np.float32)
    assert answer(graph, image).shape == image.shape


@pytest.mark.parametrize("limits", [(-1.3, 2.7), (0.0, 5.0), (0.4, 0.9), (-3.0, -1.0), (0.0, 0.0)])
def test_zero_is_one_of_the_steps(limits: tuple[float, float]) -> None:
    low, high = eight_bits._with_zero(limits)
    step = (high - low) / 255
    assert low <= 0 <= high
    assert abs(low / step - round(low / step)) < 1e-9
    assert low <= limits[0] + step
    assert high >= limits[1] - step


def test_ranges_of_another_network_are_refused() -> None:
    weights = weights_of(TINY)
    with pytest.raises(ValueError, match="the eight-bit ranges differ at bridge"):
        round_to_eight_bits(build_graph(TINY, weights, PATCH), {"head": (0.0, 1.0)})


class TestFile:
    @pytest.fixture
    def weights(self, tmp_path):
        path = tmp_path / "tiny.safetensors"
        self.sha256 = save_checkpoint(TINY, path, {}, weights_of(TINY))
        return path

    def test_it_comes_back(self, weights) -> None:
        write_eight_bits(weights, self.sha256, [RANGES, RANGES], {"scans": ["sub-1"]})
        found = read_eight_bits(weights, self.sha256)
        assert found is not None
        assert found.members == (RANGES, RANGES)
        assert not found.by_default
        assert len(found.sha256) == 64

    @pytest.mark.parametrize("passed", [True, False])
    def test_what_a_check_found_is_kept_with_it(self, weights, passed: bool) -> None:
        write_eight_bits(weights, self.sha256, [RANGES], {"scans": ["sub-1"]})
        accept_eight_bits(weights, passed, {"least_dice": 0.99})
        found = read_eight_bits(weights, self.sha256)
        assert found is not None
        assert (found.by_default, found.members) == (passed, (RANGES,))
        kept = json.loads(eight_bits_path(weights).read_text())
        assert (kept["made"], kept["checked"]) == ({"scans": ["sub-1"]}, {"least_dice": 0.99})

    def test_weights_without_one(self, weights) -> None:
        assert read_eight_bits(weights, self.sha256) is None

    def test_one_of_other_weights_is_not_used_and_said(self, weights, caplog) -> None:
        write_eight_bits(weights, "0" * 64, [RANGES], {})
        with caplog.at_level(logging.WARNING):
            assert read_eight_bits(weights, self.sha256) is None
        assert "tiny.eight-bits.json: expected to belong to tiny.safetensors" in caplog.text

    @pytest.mark.parametrize("content", ["", "{}", "[1]", '{"format": "fsh-eight-bits-2"}', "\xff"])
    def test_a_damaged_one_is_refused(self, weights, content: str) -> None:
        eight_bits_path(weights).write_text(content, encoding="latin-1")
        with pytest.raises(InputError, match=r"tiny\.eight-bits\.json: expected the ranges of"):
            read_eight_bits(weights, self.sha256)


def test_the_bundled_one_is_of_the_bundled_weights() -> None:
    """After a change of weights: scripts/make_eight_bits.py and check_eight_bits.py, or remove."""
    checkpoint = load_checkpoint()
    if not eight_bits_path(DEFAULT_WEIGHTS).exists():
        pytest.skip("the bundled weights have no ranges for eight bits")
    found = read_eight_bits(DEFAULT_WEIGHTS, checkpoint.sha256)
    assert isinstance(found, EightBits)
    for member, ranges in zip(checkpoint.members, found.members, strict=True):
        round_to_eight_bits(build_graph(member.config, member.weights, (32, 32, 32)), ranges)
