"""A training that ends in time: how many epochs fit into some minutes."""

import time

from fsh_core.errors import InputError
from fsh_core.training.dataset import PatchSource
from fsh_core.training.learner import Learner
from fsh_core.training.supply import make_batch

_WARMING_STEPS = 3  # the first ones are slower
_TIMED_STEPS = 8
_USED = 0.92  # of the minutes: the rest is for starting, making batches and saving


def epochs_in(minutes: float, learner: Learner, patches: PatchSource) -> int:
    """Measure some steps on a copy of the learner; return how many epochs fit.

    Parameters
    ----------
    minutes : float
        For the steps of the whole training.
    learner : Learner
        Stays as it is.
    patches : PatchSource
        Gives the batches. Making them is not timed: it is part of what `_USED` leaves.

    Raises
    ------
    InputError
        If not even one epoch fits.
    """
    trial = learner.copy()
    trial.model.train()
    seconds = []
    for step in range(_WARMING_STEPS + _TIMED_STEPS):
        batch = make_batch(patches, step, None, learner.config.lesion_weight > 0)
        started = time.perf_counter()
        losses, _, _ = trial.step(step, learner.config.learning_rate, batch)
        float(losses.total.detach())  # a graphics card is done only now
        seconds.append(time.perf_counter() - started)
    step_seconds = sum(seconds[_WARMING_STEPS:]) / _TIMED_STEPS
    epoch_seconds = step_seconds * patches.steps_per_epoch
    epochs = int(_USED * minutes * 60 / epoch_seconds)
    if epochs < 1:
        raise InputError(
            f"--minutes {minutes:g}: one epoch of {patches.steps_per_epoch} steps takes "
            f"{epoch_seconds / 60:.1f} minutes here; give more, or set --steps-per-epoch lower"
        )
    return epochs
