"""How trainings went, live while they go on: the paper's figures 3 and 4 and what explains them."""

import math
import shlex
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import streamlit as st

from fsh_core.errors import InputError
from fsh_core.file_names import RUN_FAILURE_FILE
from fsh_dashboard import page
from fsh_dashboard.chart_files import offer_charts
from fsh_dashboard.choices import asked_in_vain, say_lost
from fsh_dashboard.data.folder import Opened, find_results, find_runs
from fsh_dashboard.data.run_tables import all_settings, setting_differences
from fsh_dashboard.data.runs import Run, read_run
from fsh_dashboard.plain_text import plain
from fsh_dashboard.sections.run_notes import show_notes
from fsh_dashboard.sections.run_samples import show_samples
from fsh_dashboard.sections.training_curves import show_curves
from fsh_dashboard.table_display import show_table

REFRESH_S = 5
MOST_RUNS = 6
SHOWN_IN_SECONDS = 90.0  # longer times are written in minutes


def main() -> None:
    """Choose runs, then tell their story; again every few seconds while one goes on."""
    opened = page.begin(
        "Training", "Losses and metrics of training runs. Solid: training. Dashed: validation."
    )
    names = find_runs(opened)
    st.fragment(run_every=REFRESH_S)(notice_new_runs)(opened, frozenset(names))
    if not names:
        if not find_results(opened):
            page.begin_here(opened, "This folder holds no segmented case and no training run yet.")
        page.empty(
            "No training run in this folder. One begins with:",
            f"fsh train DATA --out {shlex.quote(f'{opened.root}/runs/first')}",
        )
    chosen = choose_runs(names)
    smoothing, log_scale = choose_look()
    runs, _ = load_runs(opened, chosen)
    is_live = any(run.state(time.time()) == "running" for run in runs)
    st.fragment(run_every=REFRESH_S if is_live else None)(tell)(
        opened, chosen, smoothing, log_scale
    )
    if len(chosen) == 1:
        show_samples(opened, chosen[0])
        show_notes(opened, chosen[0])
    offer_charts()


def notice_new_runs(opened: Opened, known: frozenset[str]) -> None:
    """Draw the page again when a run has begun, or is gone."""
    if frozenset(find_runs(opened)) != known:
        st.rerun()


def choose_runs(names: Sequence[str]) -> list[str]:
    """Let one or several runs be chosen; at first the one that was written last."""
    lost = asked_in_vain("run", names)
    if lost is not None:
        say_lost(lost, "Run", "in this folder")
    elif len(names) == 1:
        return list(names)
    first = [] if lost is not None else [names[0]]
    chosen = st.multiselect(
        "Runs", names, default=first, key="run", max_selections=MOST_RUNS, bind="query-params"
    )
    if not chosen:
        st.info("Choose a run above.")
        st.stop()
    return chosen


def choose_look() -> tuple[float, bool]:
    """Let smoothing and the scale of the losses be chosen."""
    left, right, _ = st.columns([2, 2, 1], vertical_alignment="bottom")
    smoothing = left.slider(
        "Smoothing",
        *(0.0, 0.95, 0.0, 0.05),
        key="smoothing",
        bind="query-params",
        help="Weight of earlier epochs in the moving average; 0 shows what was logged.",
    )
    return smoothing, right.toggle("Log scale of losses", key="log", bind="query-params")


def load_runs(opened: Opened, names: Sequence[str]) -> tuple[list[Run], list[str]]:
    """Read the runs; what cannot be read is named."""
    runs, problems = [], []
    for name in names:
        try:
            folder = opened.inside(name)
            opened.inside(folder / "split.json")
            stamps = [
                opened.inside(folder / file).stat()
                for file in ("config.json", "log.jsonl", RUN_FAILURE_FILE)
                if file != RUN_FAILURE_FILE or (folder / file).exists()
            ]
            run = cached_run(
                folder, name, tuple((stat.st_mtime_ns, stat.st_size) for stat in stamps)
            )
        except InputError as error:
            problems.append(str(error))
        except OSError as error:
            problems.append(f"{name}: cannot be read ({error.strerror or error})")
        else:
            runs.append(run)
            problems += run.problems
    return runs, problems


@st.cache_data(max_entries=32, show_spinner=False)
def cached_run(folder: Path, name: str, stamps: tuple[tuple[int, int], ...]) -> Run:
    """Read a run once for each state of its files."""
    return read_run(folder, name)


def tell(opened: Opened, names: Sequence[str], smoothing: float, log_scale: bool) -> None:
    """Tell the story of the chosen runs."""
    runs, problems = load_runs(opened, names)
    page.tell_problems(problems)
    if not runs:
        st.info("None of the chosen runs can be read; the reasons are listed above.")
        return
    for run in runs:
        if run.failure:
            st.error(f"{plain(run.name)} failed: {plain(run.failure)}.")
    show_state(runs)
    if all(run.log.empty for run in runs):
        st.info("No epoch has ended yet. Curves appear here by themselves when the first one has.")
    else:
        show_curves(runs, smoothing, log_scale)
    show_settings(runs)


def show_state(runs: Sequence[Run]) -> None:
    """Say how far the runs are and how good the best epoch was."""
    if len(runs) > 1:
        show_table(state_table(runs), "states", "How far the runs are")
        return
    run = runs[0]
    best = run.best()
    progress, score, left, speed = st.columns(4)
    progress.metric(
        f"Epochs ({run.state(time.time())})", f"{run.epochs_done} of {run.epochs_planned or '?'}"
    )
    label = f"Best validation Dice (epoch {best[0]})" if best else "Best validation Dice"
    none = "none yet" if run.validation else "no patients"
    score.metric(label, f"{best[1]:.3f}" if best else none)
    left.metric(
        "Time left", duration(run.remaining_s()) if run.state(time.time()) == "running" else "–"
    )
    steps = (
        run.log["steps_per_second"].dropna()
        if "steps_per_second" in run.log
        else pd.Series(dtype=float)
    )
    speed.metric("Steps per second", f"{steps.iloc[-1]:.2f}" if len(steps) else "–")


def state_table(runs: Sequence[Run]) -> pd.DataFrame:
    """List runs with progress and best epoch."""
    now_s = time.time()
    rows = []
    for run in runs:
        best = run.best()
        rows.append(
            {
                "Run": run.name,
                "State": run.state(now_s),
                "Epochs": f"{run.epochs_done} of {run.epochs_planned or '?'}",
                "Best validation Dice": best[1] if best else None,
                "At epoch": best[0] if best else None,
                "Time left": duration(run.remaining_s()) if run.state(now_s) == "running" else "–",
                "Why it ended": run.failure or None,
                "Subjects (training + validation)": f"{len(run.training)} + {len(run.validation)}",
            }
        )
    return pd.DataFrame(rows)


def show_settings(runs: Sequence[Run]) -> None:
    """Show in what the runs differ, or all settings of a single one."""
    st.subheader("Settings")
    if len(runs) > 1:
        different = setting_differences(runs)
        if different.empty:
            st.caption("All settings are the same.")
        else:
            show_table(
                different.rename(columns={"setting": "Setting"}),
                "different",
                "Settings that differ",
            )
        return
    run = runs[0]
    st.caption(
        f"{page.counted(len(run.training), 'subject')} for training, "
        f"{len(run.validation)} for validation"
        + (f" ({plain(', '.join(run.validation))})" if run.validation else "")
    )
    with st.expander("All settings of this run"):
        show_table(all_settings(run).rename(columns=str.capitalize), "settings", "All settings")


def duration(seconds: float) -> str:
    """Write a time as people say it: ``2 h 05 min``, ``40 s``."""
    if not math.isfinite(seconds):
        return "unknown"
    if seconds < SHOWN_IN_SECONDS:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"


main()
