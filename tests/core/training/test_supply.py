"""Batches made ahead by threads, on any device, are those made one by one; and fit into time."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from fsh_core.cases import discover_cases
from fsh_core.config import ModelConfig, TrainConfig
from fsh_core.errors import InputError
from fsh_core.training import budget
from fsh_core.training.budget import epochs_in
from fsh_core.training.dataset import PatchSource
from fsh_core.training.learner import Learner
from fsh_core.training.ranks import Ranks
from fsh_core.training.supply import Batch, Supply, supply
from fsh_core.training.training_case import load_lesion_free, load_training_case

CPU = torch.device("cpu")
CONFIG = TrainConfig(
    model=ModelConfig(widths=(4, 6, 4, 4, 4), spacing_mm=2.0, intensity="tissue"),
    patch_size=(32, 32, 16),
    batch_size=2,
    augmentation="wide",
    simulate_fraction=0.5,
    steps_per_epoch=4,
)
STEPS = 6


@pytest.fixture(scope="module")
def cases(simulated_heads):
    return [load_training_case(case, CONFIG.model) for case in discover_cases(simulated_heads)]


@pytest.fixture(scope="module")
def body(simulated_heads):
    return load_lesion_free(discover_cases(simulated_heads)[1], CONFIG.model, None, 0)


@pytest.fixture(scope="module")
def source(cases, body) -> PatchSource:
    return PatchSource(cases[:1], CONFIG, (), [body])


def test_made_ahead_they_are_the_same(source: PatchSource) -> None:
    with ThreadPoolExecutor(3) as pool:
        ahead = Supply(source, range(2), STEPS, pool, 4)
        for step in range(STEPS):
            one_by_one = source.batch(step)
            assert all(
                torch.equal(*pair) for pair in zip(one_by_one, ahead.batch(step)[:2], strict=True)
            )
        assert ahead._made == {}  # none is made that nobody wants


def test_a_processor_makes_each_when_it_is_wanted(source: PatchSource) -> None:
    with supply(source, range(1), STEPS, CPU, by_lesion=False) as batches:
        assert batches._pool is None
        assert torch.equal(batches.batch(3).images, source.batch(3, range(1))[0])


def test_an_error_in_a_thread_is_raised_at_its_step() -> None:
    class Broken:
        def batch(self, step: int, items: range | None = None):
            if step == 1:
                raise InputError("no patch")
            return torch.zeros(1, 1, 2, 2, 2), torch.zeros(1, 1, 2, 2, 2)

    with ThreadPoolExecutor(2) as pool:
        ahead = Supply(Broken(), range(1), STEPS, pool, 2)
        ahead.batch(0)
        with pytest.raises(InputError, match="no patch"):
            ahead.batch(1)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@pytest.mark.parametrize("recipe", ["wide", "default", "paper", "none"])
def test_a_graphics_card_gets_the_same_patches_and_learns_the_same(cases, body, recipe) -> None:
    config = CONFIG.model_copy(update={"augmentation": recipe, "precision": "fp32"})
    cuda = torch.device("cuda")
    near, far = (PatchSource(cases[:1], config, (), [body], device) for device in (CPU, cuda))
    for step in range(STEPS):
        (image, reference), (image_there, reference_there) = near.batch(step), far.batch(step)
        assert image_there.device.type == "cuda"
        assert (image - image_there.cpu()).abs().max() < 1e-3
        assert (reference - reference_there.cpu()).abs().mean() < 1e-3
    torch.manual_seed(0)
    here = Learner(config, CPU, Ranks())
    there = Learner(config, cuda, Ranks())
    there.model.load_state_dict(here.model.state_dict())
    losses = [one.step(0, 1e-3, Batch(*near.batch(0)))[0].total.item() for one in (here, there)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


def test_augmentation_names_the_device_of_the_image() -> None:
    """What `meta` tensors are mixed with on the processor, torch refuses, as it does with CUDA."""
    from fsh_core.training.augment import sample_patch, vary_intensities

    stack = torch.zeros(3, 40, 40, 40, device="meta")
    for recipe in ("default", "paper", "none"):
        patch = sample_patch(
            stack, np.full(3, 20.0), (32, 32, 32), recipe, np.random.default_rng(0)
        )
        assert patch.device.type == "meta"
        for seed in range(12):
            image, _ = vary_intensities(patch, recipe, False, np.random.default_rng(seed))
            assert image.device.type == "meta"


class TestBudget:
    @staticmethod
    def timed(monkeypatch: pytest.MonkeyPatch, step_seconds: float) -> None:
        """Let every step take so long by the clock."""
        now = iter(np.arange(0, 1000) * step_seconds)
        monkeypatch.setattr(budget.time, "perf_counter", lambda: float(next(now)))

    def test_as_many_epochs_as_fit(self, source, monkeypatch) -> None:
        learner = Learner(CONFIG, CPU, Ranks())
        before = [parameter.clone() for parameter in learner.model.parameters()]
        self.timed(monkeypatch, 0.5)  # four steps an epoch: two seconds
        assert epochs_in(1.0, learner, source) == int(0.92 * 60 / 2)
        after = learner.model.parameters()
        assert all(torch.equal(*pair) for pair in zip(before, after, strict=True))
        assert learner.parts.optimiser.state_dict()["state"] == {}

    def test_too_little_time_is_said(self, source, monkeypatch) -> None:
        self.timed(monkeypatch, 60.0)
        with pytest.raises(InputError, match=r"--minutes 1: one epoch of 4 steps takes 4.0 min"):
            epochs_in(1.0, Learner(CONFIG, CPU, Ranks()), source)
