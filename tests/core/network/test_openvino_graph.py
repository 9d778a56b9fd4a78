"""The graph that a processor runs is the network that was trained."""

import numpy as np
import pytest
import torch
from torch import nn

from fsh_core.config import ABLATIONS, ModelConfig
from fsh_core.network.build import build_graph
from fsh_core.network.model import R2AttentionUNet3d, arrays_of
from fsh_core.network.quiet_openvino import ov

TINY = ModelConfig(widths=(4, 4, 6, 6, 8))
PATCH = (32, 16, 48)


def randomised(config: ModelConfig) -> R2AttentionUNet3d:
    """Give every parameter and running statistic a value of its own, so that none is mistaken."""
    torch.manual_seed(1)
    network = R2AttentionUNet3d(config).eval()
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm3d):
            norm.running_mean.normal_(0, 0.1)
            norm.running_var.uniform_(0.5, 2)
    for name, parameter in network.named_parameters():
        if "norm" in name:
            parameter.data.uniform_(0.5, 1.5)
    return network


def answer(graph: ov.Model, image: np.ndarray) -> np.ndarray:
    return ov.Core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})([image])[0]


@pytest.mark.parametrize("norm", ["batch", "instance"])
@pytest.mark.parametrize("ablation", ABLATIONS)
@pytest.mark.parametrize("channels", [("FLAIR",), ("FLAIR", "T1w", "T2w")])
def test_it_computes_what_the_network_computes(channels, ablation, norm):
    network = randomised(
        TINY.model_copy(update={"channels": channels, "norm": norm, **ABLATIONS[ablation]})
    )
    image = np.random.default_rng(0).random((1, len(channels), *PATCH), np.float32)
    with torch.no_grad():
        expected = network(torch.from_numpy(image)).numpy()
    found = answer(build_graph(network.config, arrays_of(network), PATCH), image)
    assert found.shape == expected.shape == (1, 1, *PATCH)
    assert expected.std() > 0.02
    assert np.abs(found - expected).max() < 1e-3 * expected.std()


class TestWeights:
    @pytest.fixture
    def weights(self):
        return arrays_of(R2AttentionUNet3d(TINY))

    def test_one_missing(self, weights):
        del weights["bridge.widen.bias"]
        with pytest.raises(ValueError, match=r"missing weight bridge\.widen\.bias"):
            build_graph(TINY, weights, PATCH)

    def test_one_too_many(self, weights):
        with pytest.raises(ValueError, match="unexpected weight another"):
            build_graph(TINY, weights | {"another": np.zeros(3, np.float32)}, PATCH)

    def test_another_shape(self, weights):
        weights["head.weight"] = weights["head.weight"][:, :2]
        with pytest.raises(
            ValueError,
            match=r"weight head.weight must be of shape \(1, 4, 1, 1, 1\), is of \(1, 2,",
        ):
            build_graph(TINY, weights, PATCH)
