"""The training loop, on one page."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from statistics import fmean
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fsh_core.cases import Split, check_no_leak
from fsh_core.commit import commit_of_code
from fsh_core.config import TrainConfig
from fsh_core.errors import InputError
from fsh_core.inference.torch_backend import best_device
from fsh_core.network.build import build_module
from fsh_core.network.card import not_as_described
from fsh_core.network.checkpoint import save_checkpoint
from fsh_core.network.model import arrays_of, parameter_count
from fsh_core.preprocess.brain_mask import BrainSegmenter
from fsh_core.training.budget import epochs_in
from fsh_core.training.dataset import PatchSource
from fsh_core.training.devices import described
from fsh_core.training.learner import Learner
from fsh_core.training.material import learned, lesion_filled, validated
from fsh_core.training.memory import peak_memory_mb
from fsh_core.training.ranks import Ranks, ranks
from fsh_core.training.run_inputs import Learnable
from fsh_core.training.runs import RunFolder
from fsh_core.training.sample import is_kept, sample_of, write_sample
from fsh_core.training.schedule import learning_rate
from fsh_core.training.scores import Totals, validate
from fsh_core.training.start import Start
from fsh_core.training.state import pack, restore
from fsh_core.training.supply import supply
from fsh_core.training.training_case import WholeScan

_DETERMINISTIC: Any = torch.utils.deterministic


@dataclass(frozen=True)
class Progress:
    """Progress of a training; given to ``on_progress`` after every step and every epoch.

    Attributes
    ----------
    epoch, epochs, step, steps : int
        Finished so far, and in all.
    loss : float
        Training loss of the last step.
    seconds_per_step : float
        Mean over this process, without the first step if there were more.
    memory_mb : float
        Peak memory of the process.
    epoch_log : dict or None
        The line just logged, at the end of an epoch.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    seconds_per_step: float
    memory_mb: float
    epoch_log: dict[str, Any] | None = None


OnProgress = Callable[[Progress], None]


@contextmanager
def deterministic() -> Iterator[None]:
    """Deterministic algorithms of torch, as far as the device has them."""
    was_on = torch.are_deterministic_algorithms_enabled()
    was_filling = _DETERMINISTIC.fill_uninitialized_memory
    # Max pooling has no such algorithm on CUDA: there, torch only warns.
    torch.use_deterministic_algorithms(True, warn_only=best_device() != "cpu")
    _DETERMINISTIC.fill_uninitialized_memory = False  # it would triple the time of a step
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(was_on)
        _DETERMINISTIC.fill_uninitialized_memory = was_filling


def train(
    cases: Sequence[Learnable],
    split: Split,
    config: TrainConfig,
    run: RunFolder,
    *,
    resume: bool = False,
    start: Start | None = None,
    finder: BrainSegmenter | None = None,
    on_progress: OnProgress | None = None,
) -> None:
    """Train a network and leave a run folder.

    Parameters
    ----------
    cases : sequence of Case, or of PackedCase
        Every subject of theirs is in the split; each with a reference.
    split : Split
        Which subjects are for training, which for validation.
    config : TrainConfig
        Everything else.
    run : RunFolder
        Made when the cases are loaded, so that a start that fails leaves none; see
        `fsh_core.training.runs`.
    resume : bool
        Go on from the run's saved state. The numbers are those of an uninterrupted run.
    start : Start, optional
        The network to begin with, instead of random weights; its settings are those of `config`.
        The run folder keeps it: a run that goes on needs none.
    finder : callable, optional
        Finds the brain in whole-head scans without a brain mask.
    on_progress : callable, optional
        Called after every step and epoch; raising from it stops the training.

    Raises
    ------
    InputError
        If subjects leak between the sets or have no case, if a case cannot be used, or
        if the run folder holds a run already (or, to resume, none, a damaged one, or one that
        was begun with other data), or if the processes that ``torchrun`` started cannot share
        the work.
    """
    with deterministic(), ranks(config) as team:
        _train(cases, split, config, run, team, resume, start, finder, on_progress or _ignore)


def _train(
    cases: Sequence[Learnable],
    split: Split,
    config: TrainConfig,
    run: RunFolder,
    team: Ranks,
    resume: bool,
    start: Start | None,
    finder: BrainSegmenter | None,
    report: OnProgress,
) -> None:
    """Train as one of a group of processes."""
    _check_split(cases, split, config)
    used = [case for case in cases if case.subject in split.subjects]
    if resume:
        run.inputs.check(used)
    else:
        run.check_is_new()
    team.told(None)  # all have looked before one of them writes
    device = torch.device(best_device())
    training = [learned(case, config, finder) for case in _of(split.training, cases)]
    lesion_free = [lesion_filled(case, config, finder) for case in _of(split.lesion_free, cases)]
    validation = [validated(case, config, finder) for case in _of(split.validation, cases)]
    patches = PatchSource(training, config, split.validation, lesion_free, device)
    steps_per_epoch = patches.steps_per_epoch

    torch.manual_seed(config.seed)
    start = run.start if resume else start
    learner = _learner(config, device, team, start)
    if config.minutes and not resume:
        fitting = epochs_in(config.minutes, learner, patches) if team.is_first else 0
        config = config.model_copy(update={"epochs": team.told(fitting)})
    steps = steps_per_epoch * config.epochs
    if not resume and team.is_first:
        run.create(config, split, used, start)
    team.told(None)  # the run folder is there
    commit = commit_of_code()
    first_epoch = restore(run, *learner.parts) if run.state.exists() else 0
    log = team.told(run.mend(first_epoch) if team.is_first else [])
    facts: dict[str, Any] = {"device": described(device)}
    facts |= {"commit": commit} if commit else {}
    facts |= {"started_from": start.sha256} if start else {}
    facts |= {"lengthened_at": list(run.lengthened_at)} if run.lengthened_at else {}

    step_seconds: list[float] = []
    share, by_lesion = team.share_of(config.batch_size), config.lesion_weight > 0
    with supply(patches, share, steps, device, by_lesion) as batches:
        for epoch in range(first_epoch, config.epochs):
            learner.model.train()
            totals = Totals()
            validation_losses = _known(log, "val_loss")
            epoch_started = time.perf_counter()
            for step in range(epoch * steps_per_epoch, (epoch + 1) * steps_per_epoch):
                step_started = time.perf_counter()
                rate = learning_rate(config, step, steps, validation_losses)
                totals.add(*learner.step(step, rate, batches.batch(step)))
                if not np.isfinite(totals.last_loss):
                    raise _diverged(run, team, step + 1, totals.last_loss)
                # report
                step_seconds.append(time.perf_counter() - step_started)
                seconds = fmean(step_seconds[1:] or step_seconds)  # the first one warms caches up
                done = Progress(
                    *(epoch, config.epochs, step + 1, steps),
                    *(totals.last_loss, seconds, peak_memory_mb()),
                )
                report(done)
            # evaluate
            line: dict[str, Any] = {
                "epoch": epoch + 1,
                "step": step + 1,
                "learning_rate": rate,
                **totals.means(),
            }
            steps_per_second = steps_per_epoch / (time.perf_counter() - epoch_started)
            is_last = epoch + 1 == config.epochs
            is_due = (epoch + 1) % config.validate_every == 0 or is_last
            if validation and is_due and team.is_first:
                due = -(-(epoch + 1) // config.validate_every)
                keep = partial(_keep_sample, run, epoch + 1)
                wanted = config.samples and is_kept(due, is_last)
                line |= validate(learner.average, validation, config, keep if wanted else None)
            line |= {
                "seconds": round(time.perf_counter() - epoch_started, 3),
                "steps_per_second": round(steps_per_second, 4),
                "step_losses": totals.step_losses,
            }
            line = team.told(line)
            log.append(line)
            if team.is_first:
                _keep(run, log, config, _card(split, config, line, facts), learner.average)
                run.save_state(pack(*learner.parts), epoch + 1)
            report(replace(done, epoch=epoch + 1, memory_mb=peak_memory_mb(), epoch_log=line))


def _learner(
    config: TrainConfig, device: torch.device, team: Ranks, start: Start | None
) -> Learner:
    """Return what learns, from random weights or from those of a network."""
    if start is None:
        return Learner(config, device, team)
    try:
        return Learner(config, device, team, start.network.weights)
    except ValueError as error:
        raise not_as_described(start.path, str(error)) from None


def _keep(
    run: RunFolder,
    log: list[dict[str, Any]],
    config: TrainConfig,
    card: dict[str, Any],
    average: torch.nn.Module,
) -> None:
    """Log an epoch, then keep its weights: a kill in between is mended when the run goes on."""
    line = log[-1]
    run.append(line)
    best = max(_known(log, "val_dice"), default=None)
    if best is None or line.get("val_dice") == best:
        save_checkpoint(config.model, run.weights("best"), card, arrays_of(average))
    save_checkpoint(config.model, run.weights("last"), card, arrays_of(average))


def _keep_sample(
    run: RunFolder, epoch: int, case: WholeScan, probability: NDArray[np.float32]
) -> None:
    """Keep a slice of a validation scan with what the network said of it."""
    write_sample(run.path, epoch, sample_of(case, probability))


def _diverged(run: RunFolder, team: Ranks, step: int, loss: float) -> InputError:
    """Say that the training cannot go on; noted in the run folder by one process."""
    reason = f"the loss became {loss} at step {step}; lower --learning-rate"
    return run.failed(step, reason) if team.is_first else InputError(reason)


def _check_split(cases: Sequence[Learnable], split: Split, config: TrainConfig) -> None:
    """Check that no subject is in both sets, that all are there, and that the schedule fits."""
    check_no_leak(split, cases)
    absent = sorted(split.subjects - {case.subject for case in cases})
    if absent:
        raise InputError(
            f"the split names {', '.join(absent)}, found no case of theirs; bring the data back"
        )
    if config.schedule == "plateau" and not split.validation:
        raise InputError(
            "--schedule plateau watches the validation loss; leave subjects for validation"
        )


def _of(subjects: Collection[str], cases: Sequence[Learnable]) -> list[Learnable]:
    """Return the cases of some subjects."""
    return [case for case in cases if case.subject in subjects]


def _ignore(_progress: Progress) -> None:
    """Stand in for ``on_progress`` where there is none."""


def _known(log: list[dict[str, Any]], name: str) -> list[float]:
    """Values of a column of the log, of the epochs that have one."""
    return [line[name] for line in log if line.get(name) is not None]


def _card(
    split: Split, config: TrainConfig, line: dict[str, Any], said: Mapping[str, Any]
) -> dict[str, Any]:
    """Metadata of the weights of an epoch: what they were trained and validated on."""
    facts = {
        "epoch": line["epoch"],
        "seed": config.seed,
        "validation_dice": line.get("val_dice"),
        "subjects": list(split.learned),
        "validated_on": list(split.validation),
        **said,
    }
    if split.lesion_free:
        facts["lesion_free"] = list(split.lesion_free)
    return {"training": facts}


def parameters_of(config: TrainConfig) -> int:
    """Return the number of parameters that a configuration trains."""
    with torch.device("meta"):
        return parameter_count(build_module(config.model))
