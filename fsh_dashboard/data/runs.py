"""Training runs as tables: what ``fsh train`` left on disk, read while it goes on."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from fsh_core.errors import InputError
from fsh_core.figures.training import LOSSES, METRICS

PARTS = {"train_": "Training", "val_": "Validation"}
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
    training, validation : tuple of str
        Subjects.
    changed_s : float
        When the log was last written, in seconds since 1970.
    problems : tuple of str
        One sentence for everything that could not be read and was left out.
    """

    name: str
    config: dict[str, Any]
    log: pd.DataFrame
    training: tuple[str, ...]
    validation: tuple[str, ...]
    changed_s: float
    problems: tuple[str, ...] = ()

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
        """Return ``finished``, ``running`` or ``stopped``, as far as the log tells."""
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
    log, problems = _read_log(folder / "log.jsonl", name)
    sides: list[tuple[str, ...]] = [(), ()]
    try:
        split = _read_json(folder / "split.json")
        sides = [tuple(map(str, split[side])) for side in ("training", "validation")]
    except (InputError, KeyError, TypeError):
        problems.append(
            f"{name}/split.json: expected the subjects of training and validation, cannot be read"
        )
    changed_s = max((folder / file).stat().st_mtime for file in ("config.json", "log.jsonl"))
    return Run(name, dict(_flat(settings)), log, sides[0], sides[1], changed_s, tuple(problems))


def measured(
    runs: Sequence[Run], measures: Mapping[str, str], smoothing: float = 0.0
) -> pd.DataFrame:
    """Put chosen columns of several logs into one long table.

    Parameters
    ----------
    runs : sequence of Run
        Any, also without epochs.
    measures : mapping of str to str
        Columns of the log without ``train_`` and ``val_``, and their labels.
    smoothing : float in [0, 1)
        Weight of the past in the exponential moving average; 0 = none.

    Returns
    -------
    DataFrame
        ``run``, ``epoch``, ``part`` (Training or Validation), ``measure`` (label),
        ``value`` (smoothed) and ``raw``; what was not measured has no row.
    """
    pieces = []
    for run in runs:
        for measure, label in measures.items():
            for prefix, part in PARTS.items():
                if prefix + measure not in run.log:
                    continue
                known = (
                    run.log[["epoch", prefix + measure]]
                    .dropna()
                    .rename(columns={prefix + measure: "raw"})
                )
                piece = known.assign(
                    run=run.name, part=part, measure=label, value=smooth(known["raw"], smoothing)
                )
                pieces.append(piece)
    columns = ["run", "epoch", "part", "measure", "value", "raw"]
    return (
        pd.concat(pieces, ignore_index=True)[columns] if pieces else pd.DataFrame(columns=columns)
    )


def smooth(values: "pd.Series[float]", weight: float) -> "pd.Series[float]":
    """Average exponentially, without the pull towards the first value.

    ``weight`` 0 changes nothing; a constant stays what it is at any weight.
    """
    return values if weight <= 0 else values.ewm(alpha=1 - weight, adjust=True).mean()


def one_table(runs: Iterable[Run]) -> pd.DataFrame:
    """Stack the logs of several runs, with a column ``run`` in front."""
    logs = [run.log.assign(run=run.name) for run in runs if len(run.log)]
    if not logs:
        return pd.DataFrame(columns=["run", "epoch"])
    table = pd.concat(logs, ignore_index=True)
    return table[["run", *(column for column in table.columns if column != "run")]]


def setting_differences(runs: Sequence[Run]) -> pd.DataFrame:
    """Compare settings: one row per setting that is not the same in all runs.

    One column per run.
    """
    names = dict.fromkeys(name for run in runs for name in run.config)
    rows = {name: [_shown(run.config.get(name, "–")) for run in runs] for name in names}
    different = {name: values for name, values in rows.items() if len(set(values)) > 1}
    table = pd.DataFrame.from_dict(
        different, orient="index", columns=[run.name for run in runs], dtype=str
    )
    return table.rename_axis("setting").reset_index()


def experiments(runs: Sequence[Run], now_s: float) -> pd.DataFrame:
    """List runs, best validation Dice first: what came out, then the settings in which they differ.

    Parameters
    ----------
    runs : sequence of Run
        Any.
    now_s : float
        Seconds since 1970, to tell a run that goes on.
    """
    differing = (
        setting_differences(runs).set_index("setting").T if len(runs) > 1 else pd.DataFrame()
    )
    rows = []
    for run in runs:
        best = run.best() or (math.nan, math.nan)
        row: dict[str, Any] = {
            "run": run.name,
            "state": run.state(now_s),
            "epochs": run.epochs_done,
        }
        row |= {"best_epoch": best[0], "best_dice": best[1]}
        row |= {"training": len(run.training), "validation": len(run.validation)}
        rows.append(row | (dict(differing.loc[run.name]) if run.name in differing.index else {}))
    table = pd.DataFrame(rows)
    return (
        table.sort_values("best_dice", ascending=False, ignore_index=True) if len(table) else table
    )


def all_settings(run: Run) -> pd.DataFrame:
    """List the settings of one run."""
    return pd.DataFrame(
        [(name, _shown(value)) for name, value in run.config.items()], columns=["setting", "value"]
    )


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


def _read_log(path: Path, name: str) -> tuple[pd.DataFrame, list[str]]:
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
    return numbers.drop_duplicates("epoch", keep="last").sort_values(
        "epoch", ignore_index=True
    ), problems


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


def _shown(value: Any) -> str:
    """Write a setting in words: ``yes``, ``0.002``, ``64 × 64 × 64``."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " × ".join(_shown(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
