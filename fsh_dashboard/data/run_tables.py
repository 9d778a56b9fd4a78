"""Several training runs beside each other: curves, settings that differ, best results."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from fsh_dashboard.data.runs import Run

PARTS = {"train_": "Training", "val_": "Validation"}


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


def step_losses(runs: Sequence[Run], smoothing: float, most: int) -> pd.DataFrame:
    """Put the training losses of every step of several runs into one table.

    Parameters
    ----------
    runs : sequence of Run
        Any.
    smoothing : float in [0, 1)
        As for `measured`.
    most : int
        Rows of a run at most: of a longer one, each is the mean of as many steps as it takes.

    Returns
    -------
    DataFrame
        ``run``, ``step`` (the last of those averaged), ``raw`` (their mean loss), ``value``
        (smoothed) and ``together`` (how many steps).
    """
    pieces = []
    for run in runs:
        if run.steps.empty:
            continue
        together = -(-len(run.steps) // most)
        grouped = run.steps.groupby(np.arange(len(run.steps)) // together)
        raw = grouped["loss"].mean()
        pieces.append(
            pd.DataFrame({"run": run.name, "step": grouped["step"].max(), "raw": raw}).assign(
                value=smooth(raw, smoothing), together=together
            )
        )
    columns = ["run", "step", "raw", "value", "together"]
    return pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame(columns=columns)


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


def _shown(value: Any) -> str:
    """Write a setting in words: ``yes``, ``0.002``, ``64 × 64 × 64``."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " × ".join(_shown(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
