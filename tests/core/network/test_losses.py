"""The composite loss: by hand, on nothing, and what flows back."""

import math

import pytest
import torch

from fsh_core.network.losses import composite_loss

SHAPE = (2, 1, 4, 5, 3)  # 120 voxels


def reference(voxels: int = 12) -> torch.Tensor:
    mask = torch.zeros(SHAPE)
    mask.view(-1)[:voxels] = 1
    return mask


def logits_of(probability: torch.Tensor) -> torch.Tensor:
    return torch.logit(probability.double())


def test_undecided_by_hand():
    losses = composite_loss(torch.zeros(SHAPE), reference(12))
    assert losses.bce.item() == pytest.approx(math.log(2))
    # overlap 12 x 0.5, sizes 120 x 0.5 and 12, and one voxel of epsilon
    assert losses.dice.item() == pytest.approx(1 - (2 * 6 + 1) / (60 + 12 + 1))
    assert losses.total.item() == pytest.approx((losses.bce.item() + losses.dice.item()) / 2)


def test_unequal_probabilities_by_hand():
    probability = torch.full(SHAPE, 0.1)
    probability.view(-1)[:10] = 0.8
    losses = composite_loss(logits_of(probability), reference(12))
    expected = -(10 * math.log(0.8) + 2 * math.log(0.1) + 108 * math.log(0.9)) / 120
    assert losses.bce.item() == pytest.approx(expected, rel=1e-5)
    assert losses.dice.item() == pytest.approx(1 - (2 * 8.2 + 1) / (8 + 11 + 12 + 1), rel=1e-5)


def test_a_perfect_prediction_costs_nothing():
    mask = reference()
    losses = composite_loss(100 * (2 * mask - 1), mask)
    assert losses.total.item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("bce_weight", [0.0, 0.3, 1.0])
def test_the_weight_of_bce(bce_weight):
    losses = composite_loss(torch.ones(SHAPE), reference(), bce_weight)
    expected = bce_weight * losses.bce + (1 - bce_weight) * losses.dice
    assert losses.total.item() == pytest.approx(expected.item())
    assert losses.bce.item() != pytest.approx(losses.dice.item(), abs=0.05)


def test_nothing_to_find_and_nothing_found():
    logits = torch.full(SHAPE, -200.0, requires_grad=True)
    losses = composite_loss(logits, torch.zeros(SHAPE))
    assert losses.dice.item() == 0
    losses.total.backward()
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("value", [-200.0, -5.0, 0.0, 5.0, 200.0])
@pytest.mark.parametrize("voxels", [0, 1, 120])
def test_loss_and_gradient_are_finite_and_push_the_right_way(value, voxels):
    mask = reference(voxels)
    logits = torch.full(SHAPE, value, requires_grad=True)
    losses = composite_loss(logits, mask)
    assert 0 <= losses.dice.item() <= 1
    losses.total.backward()
    assert torch.isfinite(logits.grad).all()
    assert (logits.grad[mask == 1] <= 0).all()  # lesion voxels up
    if abs(value) < 100:
        assert (logits.grad[mask == 0] > 0).all()  # the others down


def test_dice_alone_has_a_gradient_everywhere():
    logits = torch.zeros(SHAPE, requires_grad=True)
    composite_loss(logits, reference(), bce_weight=0).total.backward()
    assert (logits.grad[reference() == 1] < 0).all()
    assert (logits.grad[reference() == 0] > 0).all()


def test_the_dice_loss_is_one_ratio_over_the_batch():
    """An empty patch beside a full one adds its false positives, not a loss of its own."""
    mask, logits = torch.zeros(SHAPE), torch.zeros(SHAPE)
    mask[0] = 1
    together = composite_loss(logits, mask).dice.item()
    assert together == pytest.approx(1 - (2 * 30 + 1) / (60 + 60 + 1))
    alone = [
        composite_loss(logits[item : item + 1], mask[item : item + 1]).dice.item()
        for item in range(2)
    ]
    assert together != pytest.approx(sum(alone) / 2, abs=0.05)


def test_bfloat16_logits_are_computed_in_float32():
    # 30 000 voxels of probability 1: counted in bfloat16 the sum would stop growing at 256.
    logits = torch.full((1, 1, 30, 1000, 1), 20.0, dtype=torch.bfloat16, requires_grad=True)
    mask = torch.ones(logits.shape, dtype=torch.bool)
    losses = composite_loss(logits, mask)
    assert losses.total.dtype == torch.float32
    assert losses.dice.item() == pytest.approx(0, abs=1e-6)
    losses.total.backward()
    assert torch.isfinite(logits.grad).all()
