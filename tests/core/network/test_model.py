"""The network: the paper's formulas by hand, the ablations, and what must be refused."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from fsh_core.config import ABLATIONS, ModelConfig
from fsh_core.network.model import (
    AttentionGate,
    InstanceNorm,
    R2AttentionUNet3d,
    RecurrentConv,
    RecurrentResidualBlock,
    Upsample,
    flops,
    parameter_count,
)

TINY = ModelConfig(widths=(4, 4, 6, 6, 8))


def randomised(module: nn.Module) -> nn.Module:
    """Give every parameter and running statistic a value of its own, so that none is mistaken."""
    generator = torch.Generator().manual_seed(1)
    for tensor in (
        *module.parameters(),
        *(one for one in module.buffers() if one.is_floating_point()),
    ):
        tensor.data = torch.rand(tensor.shape, generator=generator) - 0.4
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm3d):
            norm.running_var.data.abs_().add_(0.5)
    return module.eval()


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def tiny(**settings) -> R2AttentionUNet3d:
    return R2AttentionUNet3d(TINY.model_copy(update=settings)).eval()


@pytest.mark.parametrize("size", [(16, 16, 32), (32, 48, 16)])
def test_logits_have_the_images_size_and_one_channel(size):
    with torch.no_grad():
        logits = randomised(tiny())(noise(2, 1, *size))
    assert logits.shape == (2, 1, *size)
    assert logits.min() < 0 < logits.max()  # logits, not probabilities


def test_several_channels_are_all_seen():
    model = randomised(tiny(channels=("FLAIR", "T1w", "T2w")))
    image = noise(1, 3, 16, 16, 32)
    with torch.no_grad():
        logits = model(image)
        for channel in range(3):
            other = image.clone()
            other[:, channel] += noise(16, 16, 32)
            assert not torch.equal(model(other), logits)


@pytest.mark.parametrize(
    ("size", "sentence"),
    [
        ((16, 16, 40), r"must be divisible by 16, got \(16, 16, 40\); try \(16, 16, 32\)"),
        ((60, 33, 64), r"must be divisible by 16, got \(60, 33, 64\); try \(64, 32, 64\)"),
        ((16, 16, 16), r"\(16, 16, 16\) leaves a bridge of one voxel; try \(32, 32, 32\)"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(size, sentence):
    with pytest.raises(ValueError, match=sentence):
        tiny()(torch.zeros(1, 1, *size))


class TestRecurrentConv:
    def by_hand(self, module: RecurrentConv, x: torch.Tensor) -> torch.Tensor:
        f, (norm0, norm1, norm2) = module.conv, module.norms
        h0 = F.relu(norm0(f(x)))
        h1 = F.relu(norm1(f(x + h0)))
        return F.relu(norm2(f(x + h1)))

    @pytest.mark.parametrize("norm", ["instance", "batch"])
    def test_unrolled_formula(self, norm):
        module = randomised(RecurrentConv(ModelConfig(norm=norm), 3))
        x = noise(2, 3, 5, 6, 7)
        with torch.no_grad():
            assert torch.equal(module(x), self.by_hand(module, x))

    def test_the_known_copy_error_would_be_seen(self):
        module = randomised(RecurrentConv(ModelConfig(), 3))
        x = noise(2, 3, 5, 6, 7)
        f, norm2 = module.conv, module.norms[2]
        with torch.no_grad():
            copied = F.relu(norm2(f(x + x)))  # forgets what the step before said
            assert (module(x) - copied).abs().max() > 0.1

    def test_one_shared_convolution_and_a_norm_for_each_step(self):
        module = RecurrentConv(ModelConfig(recurrence=3), 4)
        convolutions = [one for one in module.modules() if isinstance(one, nn.Conv3d)]
        assert len(convolutions) == 1
        assert convolutions[0].bias is None
        assert convolutions[0].kernel_size == (3, 3, 3)
        assert len(module.norms) == 4
        assert len({id(norm) for norm in module.norms}) == 4

    def test_the_steps_statistics_are_separate(self):
        module = RecurrentConv(ModelConfig(norm="batch"), 2).train()
        module(noise(2, 2, 6, 6, 6))
        means = [norm.running_mean for norm in module.norms]
        assert not torch.equal(means[0], means[1])
        assert not torch.equal(means[1], means[2])
        assert all(norm.num_batches_tracked == 1 for norm in module.norms)

    def test_without_recurrence_it_is_a_plain_convolution(self):
        module = randomised(RecurrentConv(ModelConfig(recurrence=0), 3))
        x = noise(1, 3, 5, 6, 7)
        with torch.no_grad():
            assert torch.equal(module(x), F.relu(module.norms[0](module.conv(x))))
        assert len(module.norms) == 1


class TestRecurrentResidualBlock:
    def test_two_recurrent_convolutions_and_a_sum_with_nothing_after_it(self):
        block = randomised(RecurrentResidualBlock(ModelConfig(), 2, 4))
        x = noise(1, 2, 6, 6, 6)
        with torch.no_grad():
            wide = F.conv3d(x, block.widen.weight, block.widen.bias)
            first, second = block.recurrent
            out = block(x)
            assert torch.equal(out, wide + second(first(wide)))
        assert out.min() < 0  # an activation after the sum would have cut this off
        assert block.widen.kernel_size == (1, 1, 1)


class TestAttentionGate:
    def test_formula(self):
        gate = randomised(AttentionGate(4))
        skip, below = noise(2, 4, 5, 6, 7), noise(2, 4, 5, 6, 7).flip(0)
        with torch.no_grad():
            joined = F.relu(gate.from_gate(below) + gate.from_skip(skip))
            alpha = torch.sigmoid(F.conv3d(joined, gate.psi.weight, gate.psi.bias))
            out = gate(skip, below)
        assert alpha.shape == (2, 1, 5, 6, 7)
        assert torch.equal(out, alpha * skip)
        assert joined.shape[1] == 2  # half the width

    def test_all_four_start_open(self):
        torch.manual_seed(0)
        model = R2AttentionUNet3d(TINY).eval()
        alphas = []
        for decode in model.decoder:
            decode.gate.psi.register_forward_hook(
                lambda _module, _inputs, out: alphas.append(torch.sigmoid(out))
            )
        with torch.no_grad():
            model(noise(1, 1, 16, 16, 32).abs())
        assert [alpha.shape[2] for alpha in alphas] == [2, 4, 8, 16]
        assert min(alpha.mean() for alpha in alphas) > 0.8

    def test_a_closed_gate_lets_nothing_of_the_skip_through(self):
        model = randomised(tiny())
        with torch.no_grad():
            for decode in model.decoder:
                decode.gate.psi.weight.zero_()
                decode.gate.psi.bias.fill_(-1e4)
            skips = [torch.zeros_like, noise_like]
            decode = model.decoder[-1]
            below = noise(1, 4, 8, 8, 8)
            closed = [decode(below, make(torch.empty(1, 4, 16, 16, 16))) for make in skips]
        assert torch.equal(*closed)


def noise_like(tensor: torch.Tensor) -> torch.Tensor:
    return noise(*tensor.shape)


def test_upsampling_repeats_voxels_and_then_convolves():
    up = randomised(Upsample(ModelConfig(), 4, 2))
    x = noise(1, 4, 3, 4, 5)
    repeated = x.repeat_interleave(2, 2).repeat_interleave(2, 3).repeat_interleave(2, 4)
    with torch.no_grad():
        assert torch.allclose(up(x), F.relu(up.norm(up.conv(repeated))), atol=1e-6)


def test_the_whole_network_by_hand():
    model = randomised(tiny())
    image = noise(1, 1, 16, 16, 32)
    with torch.no_grad():
        x, skips = image, []
        for level in model.encoder:
            x = level(x)
            skips.append(x)
            x = F.max_pool3d(x, kernel_size=2, stride=2)
        x = model.bridge(x)
        assert x.shape == (1, 8, 1, 1, 2)
        for level in model.decoder:
            up, skip = level.up(x), skips.pop()
            x = level.block(torch.cat([level.gate(skip, up), up], dim=1))
        by_hand = model.head(x)
        assert torch.equal(model(image), by_hand)
    assert model.head.kernel_size == (1, 1, 1)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("unet", 7_155_297), ("attention-unet", 7_177_301), ("r2unet", 7_161_185), ("fsh", 7_183_189)],
)
def test_parameter_counts_of_the_ablations(name, parameters):
    with torch.device("meta"):
        model = R2AttentionUNet3d(ModelConfig(**ABLATIONS[name]))
    assert parameter_count(model) == parameters


@pytest.mark.parametrize(
    ("name", "gflop"), [("unet", 41.8), ("attention-unet", 42.1), ("r2unet", 97.1), ("fsh", 97.3)]
)
def test_flops_of_the_ablations(name, gflop):
    assert flops(ModelConfig(**ABLATIONS[name])) / 1e9 == pytest.approx(gflop, abs=0.05)


def test_flops_are_two_for_each_weight_and_voxel_of_a_convolution():
    model, counted = R2AttentionUNet3d(TINY), []

    def count(layer, _inputs, output):
        voxels, weights_each = output[0, 0].numel(), layer.weight.numel()
        counted.append(2 * voxels * weights_each)

    for layer in model.modules():
        if isinstance(layer, nn.Conv3d):
            layer.register_forward_hook(count)
    with torch.no_grad():
        model(torch.zeros(1, 1, 32, 16, 16))
    assert flops(TINY, (32, 16, 16)) == sum(counted)


def test_ablations_are_one_class_with_parts_left_out():
    """The weights that two variants share have the same names and shapes."""
    shapes = {
        name: {key: value.shape for key, value in tiny(**settings).state_dict().items()}
        for name, settings in ABLATIONS.items()
    }
    for name, own in shapes.items():
        assert own.items() <= shapes["fsh"].items()
        assert any(".gate." in key for key in own) == (name in ("attention-unet", "fsh"))
        assert any(".norms.2." in key for key in own) == (name in ("r2unet", "fsh"))
        assert not any(".norms.3." in key for key in own)


def test_without_gates_the_skip_is_joined_as_it_is():
    model = randomised(tiny(attention=False))
    level, below, skip = model.decoder[-1], noise(1, 4, 8, 8, 8), noise(1, 4, 16, 16, 16)
    with torch.no_grad():
        assert torch.equal(
            level(below, skip), level.block(torch.cat([skip, level.up(below)], dim=1))
        )


@pytest.mark.parametrize(("norm", "kind"), [("instance", InstanceNorm), ("batch", nn.BatchNorm3d)])
def test_the_norm_is_a_setting(norm, kind):
    norms = [
        module
        for module in tiny(norm=norm).modules()
        if isinstance(module, InstanceNorm | nn.BatchNorm3d)
    ]
    assert {type(module) for module in norms} == {kind}
    assert (
        len(norms) == 9 * 2 * 3 + 4
    )  # nine blocks of two convolutions of three steps, and four upsamplings


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last_3d])
@pytest.mark.parametrize("batch", [1, 3])
def test_instance_norm_is_torchs(layout, batch):
    own, torchs = randomised(InstanceNorm(4)), nn.InstanceNorm3d(4, affine=True)
    torchs.load_state_dict(own.state_dict())
    x = noise(batch, 4, 5, 6, 7).to(memory_format=layout).requires_grad_()
    assert torch.allclose(own(x), torchs(x), atol=1e-6)
    own_gradient, torchs_gradient = (
        torch.autograd.grad(norm(x).pow(3).sum(), x)[0] for norm in (own, torchs)
    )
    assert torch.allclose(own_gradient, torchs_gradient, atol=1e-4)


def test_a_patch_is_normalised_without_regard_to_the_others_of_its_batch():
    model = randomised(tiny())
    images = noise(3, 1, 16, 16, 32) * torch.tensor([1.0, 5.0, 0.1]).reshape(3, 1, 1, 1, 1)
    with torch.no_grad():
        assert torch.allclose(model(images)[1:2], model(images[1:2]), atol=1e-4)


def test_every_parameter_learns():
    torch.manual_seed(0)
    model = R2AttentionUNet3d(TINY)
    model(noise(1, 1, 16, 16, 32)).square().mean().backward()
    assert [
        name for name, one in model.named_parameters() if one.grad is None or not one.grad.any()
    ] == []
