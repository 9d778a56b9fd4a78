"""A loss by lesion: each voxel with its nearest lesion, and a small lesion like a large one."""

import numpy as np
import pytest
import torch

from fsh_core.config import ModelConfig, TrainConfig
from fsh_core.network.losses import composite_loss, loss_by_lesion
from fsh_core.training.learner import Learner
from fsh_core.training.lesion_regions import lesion_regions
from fsh_core.training.ranks import Ranks
from fsh_core.training.supply import Batch

SIZE = (32, 16, 16)


def two_lesions() -> torch.Tensor:
    """A patch with a small and a large lesion, and one without any."""
    references = torch.zeros(2, 1, *SIZE)
    references[0, 0, 2, 8, 8] = 1
    references[0, 0, 9:14, 5:11, 5:11] = 1
    return references


def test_a_voxel_belongs_to_its_nearest_lesion() -> None:
    regions = lesion_regions(two_lesions())
    assert regions.shape == (2, 1, *SIZE)
    assert (regions[1] == 0).all()
    assert regions[0, 0, 2, 8, 8] == 0
    assert (regions[0, 0, 9:14, 5:11, 5:11] == 1).all()
    assert (regions[0, 0, :5, 8, 8] == 0).all()  # nearer to the small one
    assert (regions[0, 0, 7:, 8, 8] == 1).all()
    assert set(regions.unique().tolist()) == {0.0, 1.0}


def test_lesions_that_touch_at_a_corner_are_one() -> None:
    references = torch.zeros(1, 1, *SIZE)
    references[0, 0, 4, 4, 4] = references[0, 0, 5, 5, 5] = 1
    assert (lesion_regions(references) == 0).all()


def test_by_hand() -> None:
    references = two_lesions()
    regions = lesion_regions(references)
    logits = torch.from_numpy(np.random.default_rng(0).normal(size=references.shape)).float()
    probability = logits.sigmoid().double().numpy()
    true, where = references.numpy(), regions.numpy()
    expected = []
    for patch, region in ((0, 0), (0, 1), (1, 0)):
        inside = where[patch] == region
        p, t = probability[patch][inside], true[patch][inside]
        dice = 1 - (2 * (p * t).sum() + 1) / (p.sum() + t.sum() + 1)
        bce = -(t * np.log(p) + (1 - t) * np.log(1 - p)).mean()
        expected.append(0.3 * bce + 0.7 * dice)
    assert loss_by_lesion(logits, references, regions, 0.3).item() == pytest.approx(
        np.mean(expected), rel=1e-5
    )


def test_a_missed_small_lesion_costs_as_much_as_a_missed_large_one() -> None:
    references = two_lesions()[:1]
    regions = lesion_regions(references)
    sure = (2 * references - 1) * 12

    def missing(*place: slice | int) -> torch.Tensor:
        logits = sure.clone()
        logits[(0, 0, *place)] = -12
        return logits

    small, large = missing(2, 8, 8), missing(slice(9, 14), slice(5, 11), slice(5, 11))
    by_lesion = [loss_by_lesion(one, references, regions, 0.0).item() for one in (small, large)]
    assert by_lesion == pytest.approx([0.25, 0.5], abs=0.01)  # one voxel more is in both sums
    overall = [composite_loss(one, references, 0.0).total.item() for one in (small, large)]
    assert overall[0] < 0.01
    assert overall[1] > 0.9


def test_one_lesion_or_none_is_the_loss_over_all_voxels() -> None:
    references = two_lesions()[1:]
    logits = torch.from_numpy(np.random.default_rng(1).normal(size=references.shape)).float()
    assert loss_by_lesion(logits, references, lesion_regions(references)).item() == pytest.approx(
        composite_loss(logits, references).total.item(), rel=1e-5
    )


def test_the_weight_changes_what_is_learned() -> None:
    references = two_lesions()
    images = torch.from_numpy(np.random.default_rng(2).random(references.shape, dtype=np.float32))
    batch = Batch(images, references, lesion_regions(references))
    model = ModelConfig(widths=(4, 6, 4, 4, 4))

    def learned(weight: float, batch: Batch) -> torch.Tensor:
        torch.manual_seed(0)
        config = TrainConfig(model=model, lesion_weight=weight, precision="fp32")
        learner = Learner(config, torch.device("cpu"), Ranks())
        learner.step(0, 1e-2, batch)
        return next(learner.model.parameters()).detach().clone()

    plain = learned(0.0, batch._replace(regions=None))
    assert torch.equal(learned(0.0, batch), plain)
    assert not torch.equal(learned(0.5, batch), plain)
