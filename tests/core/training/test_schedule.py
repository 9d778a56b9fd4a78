"""Learning rates, by hand and against torch."""

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fsh_core.config import TrainConfig
from fsh_core.training.schedule import learning_rate, plateau_factor

STEPS = 110


def config(schedule: str = "poly", **settings) -> TrainConfig:
    return TrainConfig(schedule=schedule, **{"learning_rate": 0.01, "warmup_steps": 10, **settings})


def rates(schedule: str, **settings) -> list[float]:
    return [learning_rate(config(schedule, **settings), step, STEPS, []) for step in range(STEPS)]


@pytest.mark.parametrize("schedule", ["poly", "cosine", "plateau"])
def test_warm_up_is_linear_and_ends_at_the_peak(schedule):
    assert rates(schedule)[:10] == pytest.approx([0.001 * step for step in range(1, 11)])
    assert rates(schedule)[10] == pytest.approx(0.01)


@pytest.mark.parametrize("schedule", ["poly", "cosine", "plateau"])
def test_without_warm_up_the_first_step_has_the_peak(schedule):
    assert rates(schedule, warmup_steps=0)[0] == pytest.approx(0.01)


@pytest.mark.parametrize("schedule", ["poly", "cosine"])
def test_it_falls_to_almost_nothing_and_is_never_below(schedule):
    after = rates(schedule)[10:]
    assert all(one > other > 0 for one, other in pairwise(after))
    assert after[-1] < 0.01 * 0.02


def test_half_way_by_hand():
    assert learning_rate(config("poly"), 60, STEPS, []) == pytest.approx(0.01 * 0.5**0.9)
    assert learning_rate(config("cosine"), 60, STEPS, []) == pytest.approx(0.01 / 2)
    assert learning_rate(config("cosine"), 35, STEPS, []) == pytest.approx(
        0.01 * (1 + math.cos(math.pi / 4)) / 2
    )


def test_a_training_of_nothing_but_warm_up():
    assert learning_rate(config(warmup_steps=50), 2, 3, []) == pytest.approx(0.01 * 3 / 50)


def test_plateau_halves_by_the_losses_and_not_by_the_step():
    plateau = config("plateau", plateau_patience=1)
    stalled = [1.0, 1.0, 1.0]
    assert learning_rate(plateau, 20, STEPS, stalled) == pytest.approx(0.005)
    assert learning_rate(plateau, 100, STEPS, stalled) == pytest.approx(0.005)
    assert learning_rate(plateau, 100, STEPS, [1.0, 0.9, 0.8]) == pytest.approx(0.01)


@pytest.mark.parametrize("schedule", ["poly", "cosine"])
def test_the_other_schedules_do_not_look_at_the_losses(schedule):
    assert learning_rate(config(schedule), 40, STEPS, [1.0] * 50) == learning_rate(
        config(schedule), 40, STEPS, []
    )


@given(
    losses=st.lists(
        st.one_of(st.sampled_from([0.5, 0.50004, 0.49996, 0.4999]), st.floats(1e-3, 2)), max_size=60
    ),
    patience=st.integers(0, 6),
)
def test_plateau_is_torchs(losses, patience):
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    oracle = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimiser, factor=0.5, patience=patience, eps=0
    )
    for loss in losses:
        oracle.step(loss)
    assert plateau_factor(losses, patience) == optimiser.param_groups[0]["lr"]
