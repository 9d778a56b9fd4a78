"""``fsh train``: configuration, split, run folder and progress of a training."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import TextColumn

from fsh_core.cases import Split, split_by_subject
from fsh_core.cli.guards import is_first_process
from fsh_core.cli.terminal import progress_bar
from fsh_core.cli.train_data import find_to_learn
from fsh_core.config import ABLATIONS, ModelConfig, TrainConfig
from fsh_core.errors import InputError
from fsh_core.preprocess.brain_mask import BrainSegmenter
from fsh_core.training.run_inputs import Learnable
from fsh_core.training.runs import RunFolder
from fsh_core.training.start import start_from
from fsh_core.training.train import Progress, parameters_of, train

_STEPS_BEFORE_ESTIMATE = 5


def train_command(
    data: Path,
    out: Path,
    preset: str,
    ablation: str | None,
    exclude: list[str],
    validation: list[str],
    lesion_free: list[Path],
    label: str,
    reader: str | None,
    weights: Path | None,
    resume: bool,
    options: dict[str, Any],
) -> None:
    """Run one training and show its progress.

    Raises
    ------
    InputError
        If the data, the settings or the run folder cannot be used.
    """
    # Of the processes that torchrun starts the first one alone speaks.
    run, console = RunFolder(out), Console(quiet=not is_first_process())
    start = None
    if resume:
        epochs = options.get("epochs")
        if weights or options.keys() - {"epochs"}:
            raise InputError(
                "--resume takes its settings from the run folder; leave the other options away, "
                "but for --epochs"
            )
        config, split = run.open()
        found = find_to_learn(data, lesion_free, label, reader, exclude, config, console)
        cases = _cases_of(split, found.all)
        if epochs is not None:  # last: what is refused leaves the run as it was
            config = run.lengthen(config, epochs)
    else:
        if weights:
            start = start_from(
                None if weights == Path("default") else weights, _of_network(ablation, options)
            )
        config = configure(preset, ablation, options, start.network.config if start else None)
        found = find_to_learn(data, lesion_free, label, reader, exclude, config, console)
        cases = found.all
        split = _chosen_split(found.cases, validation) or split_by_subject(
            found.cases, config.validation_fraction, config.seed
        )
        split = split.model_copy(
            update={
                "lesion_free": found.lesion_free_subjects,
                "learned_before": start.subjects if start else (),
            }
        )
    show = _Display(config, split, run, console)
    with show.bar:
        train(
            *(cases, split, config, run),
            resume=resume,
            start=start,
            finder=None if data.is_file() else _finder(config),
            on_progress=show,
        )
    show.console.print(f"Done: {run.path}/best.safetensors, {run.path}/last.safetensors, {run.log}")


def configure(
    preset: str,
    ablation: str | None,
    options: dict[str, Any],
    network: ModelConfig | None = None,
) -> TrainConfig:
    """Merge a preset, an ablation and single options into one configuration.

    A network that has the settings asked for already takes the place of the preset's.

    Raises
    ------
    InputError
        If a name is unknown or a value out of range.
    """
    if ablation is not None and ablation not in ABLATIONS:
        raise InputError(f"--ablation must be one of {', '.join(ABLATIONS)}, got {ablation!r}")
    base = TrainConfig.preset(preset)
    of_training = {
        name: value for name, value in options.items() if name not in ModelConfig.model_fields
    }
    model = network or ModelConfig.from_options(
        **{**base.model.model_dump(), **_of_network(ablation, options)}
    )
    of_base = base.model_dump()
    if (
        model.channels != ("FLAIR",) or model.target != "lesion"
    ):  # lesions can be simulated for nothing else
        of_base |= {"simulate_fraction": 0.0, "simulated_copies": 0}
    return TrainConfig.from_options(**{**of_base, **of_training, "model": model})


def _of_network(ablation: str | None, options: dict[str, Any]) -> dict[str, Any]:
    """Return what is asked of the network, by an ablation and by single options."""
    asked = {name: value for name, value in options.items() if name in ModelConfig.model_fields}
    return {**ABLATIONS.get(ablation or "", {}), **asked}


def _cases_of(split: Split, cases: Sequence[Learnable]) -> list[Learnable]:
    """Return the cases of a run's subjects, which must all be in the data."""
    missing = sorted(split.subjects - {case.subject for case in cases})
    if missing:
        raise InputError(
            f"--resume: the run was started with {', '.join(missing)}, not found in the data; "
            "bring it back, and name the folders of --lesion-free again"
        )
    return [case for case in cases if case.subject in split.subjects]


def _chosen_split(cases: Sequence[Learnable], validation: list[str]) -> Split | None:
    """Return the split with the named validation subjects, if any are named."""
    if not validation:
        return None
    chosen = {name.removeprefix("sub-") for name in validation}
    subjects = {case.subject for case in cases}
    if not chosen <= subjects:
        raise InputError(
            f"--validation: there is no subject {', '.join(sorted(chosen - subjects))} in the "
            "data; check the name"
        )
    return Split(training=tuple(sorted(subjects - chosen)), validation=tuple(sorted(chosen)))


def _finder(config: TrainConfig) -> BrainSegmenter | None:
    """Return the bundled brain finder, unless it is what is being trained."""
    if config.model.target == "brain":
        return None
    # Brings openvino, which a training from a pack can do without.
    from fsh_core.inference.predict import BrainFinder

    return BrainFinder()


class _Display:
    """Progress bar with loss and speed, an estimate after the first steps, a line an epoch."""

    def __init__(self, config: TrainConfig, split: Split, run: RunFolder, console: Console) -> None:
        self.console = console
        self._steps_seen = 0
        self.bar = progress_bar(self.console, TextColumn("{task.fields[facts]}"))
        self._task = self.bar.add_task("training", total=None, facts="")
        length = f"{config.epochs} epochs"
        if config.minutes and not run.state.exists():
            length = f"as many epochs as fit into {config.minutes:g} minutes"
        bodies = f"{len(split.lesion_free)} bodies without lesions, " * bool(split.lesion_free)
        self.console.print(
            f"{len(split.training)} training and {len(split.validation)} validation subjects, "
            f"{bodies}"
            f"{length}, {parameters_of(config):,} parameters, into {run.path}"
        )

    def __call__(self, progress: Progress) -> None:
        facts = f"loss {progress.loss:.4f}  {progress.seconds_per_step:.2f} s/step"
        self.bar.update(self._task, completed=progress.step, total=progress.steps, facts=facts)
        if progress.epoch_log is not None:
            self.console.print(_epoch_line(progress.epoch_log))
            return
        self._steps_seen += 1
        is_last = progress.step == progress.steps and self._steps_seen < _STEPS_BEFORE_ESTIMATE
        if is_last or self._steps_seen == _STEPS_BEFORE_ESTIMATE:
            minutes = (progress.steps - progress.step) * progress.seconds_per_step / 60
            self.console.print(
                f"{progress.steps} steps, {progress.seconds_per_step:.2f} s each, "
                f"{progress.memory_mb / 1000:.1f} GB of memory: about {minutes:.0f} minutes to go, "
                "validation not counted (measured on the first steps)"
            )


def _epoch_line(log: dict[str, Any]) -> str:
    line = f"epoch {log['epoch']:>3}  loss {log['train_loss']:.4f}  Dice {log['train_dice']:.3f}"
    if "val_dice" in log:
        line += f"  | validation: loss {log['val_loss']:.4f}  Dice {log['val_dice']:.3f}"
    return line
