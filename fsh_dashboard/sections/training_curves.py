"""The curves of training runs: losses, metrics, learning rate and speed."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from fsh_core.figures.training import LOSSES, METRICS
from fsh_dashboard import page
from fsh_dashboard.data.run_tables import measured, one_table, step_losses
from fsh_dashboard.data.runs import Run
from fsh_dashboard.figures.style import linked, tell_left_out
from fsh_dashboard.figures.training import curves, over_epochs, over_steps
from fsh_dashboard.plain_text import plain

OVER_EPOCHS = {"learning_rate": "Learning rate", "steps_per_second": "Steps per second"}
MOST_STEPS = 1500
"""Points of a run in the chart of steps."""


def show_curves(runs: Sequence[Run], smoothing: float, log_scale: bool) -> None:
    """Draw losses, metrics, learning rate and speed: of one run linked, of several side by side."""
    best = pd.DataFrame(
        [(run.name, found[0]) for run in runs if (found := run.best())], columns=["run", "epoch"]
    )
    table = one_table(runs)
    if len(runs) == 1:
        draw_linked(runs, smoothing, log_scale, best, table)
    else:
        draw_apart(runs, smoothing, log_scale, best, table)
    draw_steps(runs, smoothing, log_scale)
    page.offer_csv(table, "fsh-runs.csv", "Download all epochs as CSV")


def draw_linked(
    runs: Sequence[Run], smoothing: float, log_scale: bool, best: pd.DataFrame, table: pd.DataFrame
) -> None:
    """Draw everything about one run over the same epochs, zoomed together."""
    charts = []
    for measures, y_title, title, is_log, limits in (
        (LOSSES, "Loss", "Losses", log_scale, None),
        (METRICS, "Metric (0 to 1)", "Metrics", False, (0.0, 1.0)),
    ):
        shown = measured(runs, measures, smoothing)
        if shown.empty:
            st.caption(f"{title}: not in the log.")
            continue
        if is_log and (left_out := tell_left_out(shown["value"])):
            st.caption(left_out)
        look: dict[str, Any] = {"log_scale": is_log, "best": best, "limits": limits}
        charts.append(curves(shown, y_title, title=title, is_part=True, **look))
    charts += [
        over_epochs(table, column, label, label, is_part=True)
        for column, label in OVER_EPOCHS.items()
        if column in table and table[column].notna().any()
    ]
    if charts:
        page.show_live_chart(
            linked(charts), "curves", "Losses, metrics, learning rate and speed over epochs"
        )


def draw_apart(
    runs: Sequence[Run], smoothing: float, log_scale: bool, best: pd.DataFrame, table: pd.DataFrame
) -> None:
    """Draw a chart for each measure of several runs."""
    st.subheader("Losses")
    draw_group(runs, LOSSES, "Loss", smoothing, log_scale, best, None)
    st.subheader("Metrics")
    draw_group(runs, METRICS, "Metric (0 to 1)", smoothing, False, best, (0.0, 1.0))
    for place, (column, label) in zip(st.columns(2), OVER_EPOCHS.items(), strict=True):
        if column in table and table[column].notna().any():
            with place:
                page.show_live_chart(
                    over_epochs(table, column, label, label), column, f"{label} over epochs"
                )


def draw_steps(runs: Sequence[Run], smoothing: float, log_scale: bool) -> None:
    """Draw the training loss step by step, folded away; say of which runs no log has it."""
    with st.expander("Training loss by step"):
        table = step_losses(runs, smoothing, MOST_STEPS)
        without = [run.name for run in runs if run.steps.empty]
        if without:
            st.caption(
                f"Not in the log of {plain(', '.join(without))}: it was begun with an earlier "
                "version."
            )
        if table.empty:
            return
        together = int(table["together"].max())
        if together > 1:
            st.caption(f"Each point is the mean of up to {together} steps.")
        page.show_live_chart(over_steps(table, log_scale), "steps", "Training loss over steps")


def draw_group(
    runs: Sequence[Run],
    measures: dict[str, str],
    y_title: str,
    smoothing: float,
    log_scale: bool,
    best: pd.DataFrame,
    limits: tuple[float, float] | None,
) -> None:
    """Draw a chart for each measure."""
    table = measured(runs, measures, smoothing)
    if table.empty:
        st.caption("Not in the log.")
        return
    if log_scale and (left_out := tell_left_out(table["value"])):
        st.caption(left_out)
    columns = st.columns(min(3, len(measures)))
    for place, label in enumerate(table["measure"].unique()):
        chart = curves(
            table[table["measure"] == label],
            y_title,
            colour="run",
            title=label,
            log_scale=log_scale,
            best=best,
            limits=limits,
            height=260,
        )
        with columns[place % len(columns)]:
            page.show_live_chart(chart, f"{y_title} {label}", f"{label} over epochs, by run")
