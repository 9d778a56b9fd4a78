"""Training runs as tables: what ``fsh train`` left on disk, read while it goes on."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from fsh_core.errors import InputError
from fsh_core.figures.training import LOSSES, METRICS
from fsh_core.file_names import RUN_FAILURE_FILE

STEP_LOSSES = "step_losses"
PATIENCE = 3.0
LEAST_PATIENCE_S = 300.0
"""A run is taken for stopped when its log is older than `PATIENCE` of its epochs, and than this."""


@dataclass(frozen=True)
class Run:
    """One training run.

    Attributes
    ----------
    name : str
        Its folder, relative to the opened one.
    config : dict of str to value
        The settings, nested ones by names such as ``model.norm``.
    log : DataFrame
        One row per epoch; empty before the first has ended.
    steps : DataFrame
        ``step`` from 1 and ``loss``, a row for each training step of the epochs that have ended;
        empty where the log holds none, as that of an earlier version.
    training, validation : tuple of str
        Subjects.
    changed_s : float
        When the log was last written, in seconds since 1970.
    problems : tuple of str
        One sentence for everything that could not be read and was left out.
    failure : str
        Why it ended before its last epoch; empty where nothing is known.
    """

    name: str
    config: dict[str, Any]
    log: pd.DataFrame
    training: tuple[str, ...]
    validation: tuple[str, ...]
    changed_s: float
    problems: tuple[str, ...] = ()
    failure: str = ""
    steps: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["step", "loss"]))

    @property
    def epochs_done(self) -> int:
        """The last epoch in the log; 0 before the first has ended."""
        return int(self.log["epoch"].max()) if len(self.log) else 0

    @property
    def epochs_planned(self) -> int:
        """Epochs the settings ask for; 0 if they do not say."""
        planned = self.config.get("epochs", 0)
        return planned if isinstance(planned, int) else 0

    def state(self, now_s: float) -> str:
        """Return ``failed``, ``finished``, ``running`` or ``stopped``, as far as the log tells."""
        if self.failure:
            return "failed"
        if 0 < self.epochs_planned <= self.epochs_done:
            return "finished"
        slowest_s = (
            float(self.log["seconds"].max()) if "seconds" in self.log and len(self.log) else 0.0
        )
        patience_s = (
            max(LEAST_PATIENCE_S, PATIENCE * slowest_s) if slowest_s > 0 else 12 * LEAST_PATIENCE_S
        )
        return "running" if now_s - self.changed_s < patience_s else "stopped"

    def remaining_s(self) -> float:
        """Estimate the seconds to the last epoch from the mean of the latest ten.

        NaN if unknown.
        """
        if "seconds" not in self.log or not len(self.log):
            return math.nan
        return float(self.log["seconds"].tail(10).mean()) * max(
            0, self.epochs_planned - self.epochs_done
        )

    def best(self) -> tuple[int, float] | None:
        """Return epoch and value of the highest validation Dice.

        None before the first validation.
        """
        if "val_dice" not in self.log or not self.log["val_dice"].notna().any():
            return None
        row = self.log.iloc[int(self.log["val_dice"].argmax())]
        return int(row["epoch"]), float(row["val_dice"])


def read_run(folder: Path, name: str) -> Run:
    """Read a run folder; what is still being written is left out.

    Raises
    ------
    InputError
        If the settings or the log cannot be read at all.
    """
    settings = _read_json(folder / "config.json")
    if not isinstance(settings, dict):
        raise InputError(
            f"{name}/config.json: expected the settings of a run, found something else; "
            "look at the file"
        )
    log, steps, problems = _read_log(folder / "log.jsonl", name)
    sides: list[tuple[str, ...]] = [(), ()]
    try:
        split = _read_json(folder / "split.json")
        sides = [tuple(map(str, split[side])) for side in ("training", "validation")]
    except (InputError, KeyError, TypeError):
        problems.append(
            f"{name}/split.json: expected the subjects of training and validation, cannot be read"
        )
    failure = _failure(folder / RUN_FAILURE_FILE, log)
    changed_s = max((folder / file).stat().st_mtime for file in ("config.json", "log.jsonl"))
    return Run(
        name,
        dict(_flat(settings)),
        log,
        sides[0],
        sides[1],
        changed_s,
        tuple(problems),
        failure,
        steps,
    )


def _failure(path: Path, log: pd.DataFrame) -> str:
    """Say why a run ended: what it noted itself, or that its losses are no numbers any more."""
    if path.exists():
        try:
            return str(_read_json(path)["reason"])
        except (InputError, KeyError, TypeError):
            return f"it ended with an error, and {path.name} cannot be read"
    if len(log) and "train_loss" in log and not math.isfinite(log["train_loss"].iloc[-1]):
        epoch = int(log["epoch"].iloc[-1])
        return f"the loss became {log['train_loss'].iloc[-1]} in epoch {epoch}"
    return ""


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"{path.name}: cannot be read ({error.strerror or error}); check its permissions"
        ) from None
    except ValueError as error:
        raise InputError(
            f"{path.parent.name}/{path.name}: expected JSON, found something else ({error})"
        ) from None


def _read_log(path: Path, name: str) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Read the epochs; a damaged line is named, the one still being written is not."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(f"{name}/log.jsonl: cannot be read ({error.strerror or error})") from None
    rows, problems = [], []
    *lines, unfinished = text.split("\n")
    for number, line in enumerate(lines, start=1):
        row = _epoch(line)
        if row is not None:
            rows.append(row)
        elif line.strip():
            problems.append(f"{name}/log.jsonl: line {number} is no epoch and was left out")
    if (row := _epoch(unfinished)) is not None:
        rows.append(row)
    steps = _steps({row["epoch"]: row for row in rows}.values())
    rows = [{key: value for key, value in row.items() if key != STEP_LOSSES} for row in rows]
    log = pd.DataFrame(rows) if rows else pd.DataFrame({"epoch": pd.Series(dtype="int64")})
    numbers = log.apply(pd.to_numeric, errors="coerce").astype({"epoch": "int64"})
    known = set(LOSSES) | set(METRICS) | {"f1"}
    odd = [
        c
        for c in numbers
        if c.split("_", 1)[-1] in known and log[c].notna().sum() > numbers[c].notna().sum()
    ]
    problems += [
        f"{name}/log.jsonl: values of {column} that are no numbers were left out" for column in odd
    ]
    numbers = numbers.drop_duplicates("epoch", keep="last")
    return numbers.sort_values("epoch", ignore_index=True), steps, problems


def _steps(rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Put the losses of all steps below each other; an epoch's last step is in its line."""
    pieces = []
    for row in rows:
        losses, last = row.get(STEP_LOSSES), row.get("step")
        if isinstance(losses, list) and losses and isinstance(last, int):
            values = pd.to_numeric(pd.Series(losses, dtype=object), errors="coerce")
            first = last - len(losses) + 1
            pieces.append(pd.DataFrame({"step": range(first, last + 1), "loss": values}))
    if not pieces:
        return pd.DataFrame(columns=["step", "loss"])
    return pd.concat(pieces).sort_values("step", ignore_index=True)


def _epoch(line: str) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    epoch = row.get("epoch") if isinstance(row, dict) else None
    return row if isinstance(epoch, int) and not isinstance(epoch, bool) else None


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    """Walk nested settings, in order; lists stay whole."""
    for name, value in settings.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value
