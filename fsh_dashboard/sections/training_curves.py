"""The curves of training runs: losses, metrics, learning rate and speed."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from fsh_core.figures.training import LOSSES, METRICS
from fsh_dashboard import page
from fsh_dashboard.data.run_tables import measured, one_table, step_losses
from fsh_dashboard.data.runs import Run
from fsh_dashboard.figures.style import tell_left_out
from fsh_dashboard.figures.training import curves, over_epochs, over_steps
from fsh_dashboard.plain_text import plain

MOST_STEPS = 1500
"""Points of a run in the chart of steps."""


def show_curves(runs: Sequence[Run], smoothing: float, log_scale: bool) -> None:
    """Draw losses, metrics, learning rate and speed."""
    best = pd.DataFrame(
        [(run.name, found[0]) for run in runs if (found := run.best())], columns=["run", "epoch"]
    )
    st.subheader("Losses")
    draw_group(runs, LOSSES, "Loss", smoothing, log_scale, best, None)
    draw_steps(runs, smoothing, log_scale)
    st.subheader("Metrics")
    draw_group(runs, METRICS, "Metric (0 to 1)", smoothing, False, best, (0.0, 1.0))
    table = one_table(runs)
    left, right = st.columns(2)
    for place, column, label in (
        (left, "learning_rate", "Learning rate"),
        (right, "steps_per_second", "Steps per second"),
    ):
        if column in table and table[column].notna().any():
            with place:
                page.show_live_chart(
                    over_epochs(table, column, label, label), column, f"{label} over epochs"
                )
    page.offer_csv(table, "fsh-runs.csv", "Download all epochs as CSV")


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
    """Draw measures of one run into one chart, of several runs into a chart each."""
    table = measured(runs, measures, smoothing)
    if table.empty:
        st.caption("Not in the log.")
        return
    if log_scale and (left_out := tell_left_out(table["value"])):
        st.caption(left_out)
    if len(runs) == 1:
        page.show_live_chart(
            curves(table, y_title, log_scale=log_scale, best=best, limits=limits),
            y_title,
            f"{y_title} over epochs",
        )
        return
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
