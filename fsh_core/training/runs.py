"""The run folder: settings, log, state and weights of one training.

::

    run/config.json        settings
    run/split.json         subjects for training and validation
    run/log.jsonl          one line an epoch
    run/last.safetensors   weights of the last epoch, with .json
    run/best.safetensors   weights of the best validation Dice, with .json
    run/state.safetensors  what --resume needs, replaced atomically every epoch
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import load as tensors_from_bytes
from safetensors.torch import save as tensors_to_bytes
from torch import Tensor

from fsh_core.cases import Split
from fsh_core.config import TrainConfig
from fsh_core.errors import InputError
from fsh_core.files import write_atomically


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
        return self.path / "state.safetensors"

    def weights(self, which: str) -> Path:
        """Return the checkpoint called ``last`` or ``best``."""
        return self.path / f"{which}.safetensors"

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

    def create(self, config: TrainConfig, split: Split) -> None:
        """Start a new run.

        Raises
        ------
        InputError
            If the folder already holds one, or cannot be written.
        """
        self.check_is_new()
        split.save(self.path / "split.json")
        write_atomically(self.path / "config.json", config.model_dump_json(indent=2) + "\n")
        self.log.touch()

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
                f"({error.errors()[0]['msg']}); start a new run"
            ) from None
        return config, Split.load(self.path / "split.json")

    def append(self, epoch: dict[str, Any]) -> None:
        """Add the line of one epoch to the log."""
        with self.log.open("a") as file:
            file.write(json.dumps(epoch) + "\n")

    def read_log(self) -> list[dict[str, Any]]:
        """Return the epochs logged so far; a line that is still being written is left out."""
        epochs = []
        for line in self.log.read_text().splitlines() if self.log.exists() else []:
            try:
                epochs.append(json.loads(line))
            except ValueError:
                break
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
        for kind in ("safetensors", "json", "jsonl"):
            for partial in self.path.glob(f".*.{kind}.*"):  # as `write_atomically` calls them
                partial.unlink()
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
