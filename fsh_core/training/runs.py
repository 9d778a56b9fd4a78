"""The run folder: settings, log, state and weights of one training.

::

    run/config.json        settings
    run/split.json         subjects for training and validation
    run/inputs.json        SHA-256 of both, and of every file that is learned from
    run/lengthened.json    epochs after which it was to end before, if it was given more
    run/start.safetensors  the network that it began with, if not with random weights, with .json
    run/log.jsonl          one line an epoch
    run/last.safetensors   weights of the last epoch, with .json
    run/best.safetensors   weights of the best validation Dice, with .json
    run/state.safetensors  what --resume needs, replaced atomically every epoch
    run/failure.json       why it ended before its last epoch, where it knows
    run/samples/           slices of a validation scan, as predicted at a few epochs
    run/notes.txt          what people noted about it, in the dashboard
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import load as tensors_from_bytes
from safetensors.torch import save as tensors_to_bytes
from torch import Tensor

from fsh_core.cases import Split
from fsh_core.config import TrainConfig
from fsh_core.errors import InputError, cannot_be_written
from fsh_core.file_names import RUN_FAILURE_FILE, RUN_STATE_FILE
from fsh_core.files import write_atomically
from fsh_core.locks import clear_after_killed
from fsh_core.network.checkpoint import save_checkpoint
from fsh_core.strict_json import first_problem, parse_json
from fsh_core.training.ranks import process_count
from fsh_core.training.run_inputs import Learnable, RunInputs
from fsh_core.training.start import COPIED_FROM, Start, start_from

_LENGTHENED_FILE = "lengthened.json"
_EPOCHS = TypeAdapter(list[int])


@dataclass(frozen=True)
class RunFolder:
    """Files of one training run."""

    path: Path

    @property
    def log(self) -> Path:
        """One JSON object per line, one line per epoch."""
        return self.path / "log.jsonl"

    @property
    def state(self) -> Path:
        """Weights, their average and the optimiser's moments after the last epoch."""
        return self.path / RUN_STATE_FILE

    @property
    def inputs(self) -> RunInputs:
        """What it learns from, by content."""
        return RunInputs(self.path)

    def weights(self, which: str) -> Path:
        """Return the checkpoint called ``last``, ``best`` or ``start``."""
        return self.path / f"{which}.safetensors"

    @property
    def start(self) -> Start | None:
        """The network that it began with; None = with random weights.

        Raises
        ------
        InputError
            If its file is damaged.
        """
        return start_from(self.weights("start"), {}) if self.weights("start").exists() else None

    def failed(self, step: int, reason: str) -> InputError:
        """Note in the folder why the run cannot go on; returns the error to raise."""
        note = {"step": step, "reason": reason}
        write_atomically(self.path / RUN_FAILURE_FILE, json.dumps(note, indent=2) + "\n")
        return InputError(reason)

    def check_is_new(self) -> None:
        """Check that there is no run in the folder.

        Raises
        ------
        InputError
            If there is one.
        """
        if (self.path / "config.json").exists():
            raise InputError(
                f"{self.path}: already holds a training run; add --resume or choose another folder"
            )

    def create(
        self,
        config: TrainConfig,
        split: Split,
        cases: Iterable[Learnable],
        start: Start | None = None,
    ) -> None:
        """Start a new run.

        Parameters
        ----------
        config : TrainConfig
            Its settings.
        split : Split
            Who trains and who validates.
        cases : iterable of Learnable
            What is learned from, and validated on.
        start : Start, optional
            The network that it begins with.

        Raises
        ------
        InputError
            If the folder already holds one, or cannot be written.
        """
        self.check_is_new()
        self.weights("start").unlink(missing_ok=True)  # of one that was killed before it began
        if start:
            card = {"training": {"subjects": list(start.subjects)}, COPIED_FROM: start.sha256}
            save_checkpoint(
                start.network.config, self.weights("start"), card, start.network.weights
            )
        split.save(self.path / "split.json")
        settings = _settings(config)
        self.inputs.write(cases, settings)
        write_atomically(self.path / "config.json", settings)  # last: now there is a run
        self.log.touch()

    def lengthen(self, config: TrainConfig, epochs: int) -> TrainConfig:
        """Give a run more epochs; what it did before is kept in `lengthened.json`.

        Parameters
        ----------
        config : TrainConfig
            Its settings.
        epochs : int
            How many there shall be in all.

        Returns
        -------
        TrainConfig
            The settings now.

        Raises
        ------
        InputError
            If they would not be more, if the settings were changed by hand, or if several processes
            share the work.
        """
        if process_count() > 1:
            raise InputError(
                "--resume --epochs: lengthen a run in one process; then go on with torchrun and "
                "--resume alone"
            )
        if epochs <= config.epochs:
            raise InputError(
                f"--resume --epochs {epochs}: the run has {config.epochs} already; give more, or "
                "leave --epochs away"
            )
        longer = config.model_copy(update={"epochs": epochs})
        settings = _settings(longer)
        self.inputs.allow(settings)
        ends = sorted({*self.lengthened_at, config.epochs})
        write_atomically(self.path / _LENGTHENED_FILE, json.dumps(ends) + "\n")
        write_atomically(self.path / "config.json", settings)
        return longer

    @property
    def lengthened_at(self) -> tuple[int, ...]:
        """Epochs after which the run was to end, before it was given more."""
        path = self.path / _LENGTHENED_FILE
        if not path.exists():
            return ()
        try:
            return tuple(_EPOCHS.validate_json(path.read_bytes()))
        except (OSError, ValidationError):
            raise InputError(
                f"{path}: expected a list of epochs, cannot be read; start a new run"
            ) from None

    def open(self) -> tuple[TrainConfig, Split]:
        """Read the settings and the split of a run.

        Raises
        ------
        InputError
            If the folder holds no run, or a damaged one.
        """
        if not (self.path / "config.json").is_file():
            raise InputError(
                f"{self.path}: expected a run folder with config.json, found none; "
                "start without --resume"
            )
        try:
            config = TrainConfig.model_validate_json((self.path / "config.json").read_bytes())
        except ValidationError as error:
            raise InputError(
                f"{self.path / 'config.json'}: expected the settings of a run, found others "
                f"({first_problem(error)}); start a new run"
            ) from None
        return config, Split.load(self.path / "split.json")

    def append(self, epoch: dict[str, Any]) -> None:
        """Add the line of one epoch to the log.

        Raises
        ------
        InputError
            If it cannot be written.
        """
        try:
            with self.log.open("a") as file:
                file.write(json.dumps(epoch) + "\n")
        except OSError as error:
            raise cannot_be_written(self.log, error) from None

    def read_log(self) -> list[dict[str, Any]]:
        """Return the epochs logged so far; a line that is still being written is left out."""
        epochs: list[dict[str, Any]] = []
        for line in self.log.read_bytes().splitlines() if self.log.exists() else []:
            try:
                epoch = parse_json(line, allow_nan=True)
            except ValueError:
                break
            if not isinstance(epoch, dict):
                break
            epochs.append(epoch)
        return epochs

    def mend(self, epochs: int) -> list[dict[str, Any]]:
        """Repair a killed run: drop log lines after the last saved epoch, and half-written files.

        Parameters
        ----------
        epochs : int
            How many are finished and saved.

        Returns
        -------
        list of dict
            Their lines.

        Raises
        ------
        InputError
            If the log and the saved state do not belong together.
        """
        log = self.read_log()
        if (
            not epochs <= len(log) <= epochs + 1
        ):  # the line of an epoch is written just before its state
            raise InputError(
                f"{self.log}: expected the log of {epochs} epoch(s), found {len(log)}; "
                "start a new run"
            )
        kept = log[:epochs]
        write_atomically(self.log, "".join(json.dumps(line) + "\n" for line in kept))
        clear_after_killed(self.path)
        (self.path / RUN_FAILURE_FILE).unlink(missing_ok=True)  # it goes on
        return kept

    def save_state(self, tensors: dict[str, Tensor], epoch: int) -> None:
        """Replace the state after ``epoch`` finished epochs."""
        payload = tensors_to_bytes(
            {name: tensor.detach().contiguous() for name, tensor in tensors.items()},
            {"epoch": str(epoch)},
        )
        write_atomically(self.state, payload)

    def load_state(self) -> tuple[dict[str, Tensor], int]:
        """Return the saved tensors and how many epochs were finished.

        Raises
        ------
        InputError
            If the state is damaged.
        """
        try:
            with safe_open(self.state, "pt") as file:
                epoch = int(file.metadata()["epoch"])
            return tensors_from_bytes(self.state.read_bytes()), epoch
        except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{self.state}: expected the state of a run, cannot be read ({error}); "
                "start a new run"
            ) from None


def _settings(config: TrainConfig) -> bytes:
    return (config.model_dump_json(indent=2) + "\n").encode()
