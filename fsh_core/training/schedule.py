"""Learning rates: pure functions of the step and of the losses so far."""

import math
from collections.abc import Sequence

from fsh_core.config import TrainConfig

_PLATEAU_FACTOR = 0.5
_PLATEAU_THRESHOLD = 1e-4  # relative; what torch's ReduceLROnPlateau counts as an improvement


def learning_rate(
    config: TrainConfig, step: int, steps: int, validation_losses: Sequence[float]
) -> float:
    """Return the learning rate of one step.

    Parameters
    ----------
    config : TrainConfig
        Peak rate, warm-up, schedule.
    step, steps : int
        This step, counted from 0, and how many there will be.
    validation_losses : sequence of float
        So far, oldest first; only ``plateau`` looks at them.

    Returns
    -------
    float
        ``poly`` falls as (1 - t)^0.9, ``cosine`` as (1 + cos pi t) / 2, ``plateau`` halves
        whenever the loss has not improved for more than ``plateau_patience`` validations.
    """
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    progress = (step - config.warmup_steps) / max(1, steps - config.warmup_steps)
    if config.schedule == "poly":
        return config.learning_rate * math.pow(1 - progress, 0.9)
    if config.schedule == "cosine":
        return config.learning_rate * (1 + math.cos(math.pi * progress)) / 2
    return config.learning_rate * plateau_factor(validation_losses, config.plateau_patience)


def plateau_factor(losses: Sequence[float], patience: int) -> float:
    """Factor of the learning rate after these losses, as ReduceLROnPlateau(factor=0.5)."""
    best, stalled, factor = math.inf, 0, 1.0
    for loss in losses:
        if loss < best * (1 - _PLATEAU_THRESHOLD):
            best, stalled = loss, 0
        else:
            stalled += 1
        if stalled > patience:
            factor, stalled = factor * _PLATEAU_FACTOR, 0
    return factor
