"""Every training run of the folder, best first."""

import time

import streamlit as st

from fsh_core.errors import InputError
from fsh_dashboard import page
from fsh_dashboard.data.folder import Opened, find_runs
from fsh_dashboard.data.run_tables import experiments
from fsh_dashboard.data.runs import read_run
from fsh_dashboard.table_display import show_table

EXPERIMENTS = {
    "run": "Run",
    "state": "State",
    "epochs": "Epochs",
    "best_epoch": "Best epoch",
    "best_dice": "Best validation Dice",
    "training": "Training patients",
    "validation": "Validation patients",
}


def show_experiments(opened: Opened) -> None:
    """Every run of the folder."""
    st.subheader("Experiments")
    runs, problems = [], []
    for name in find_runs(opened):
        try:
            runs.append(read_run(opened.inside(name), name))
        except InputError as error:
            problems.append(str(error).replace(f"{opened.root}/", ""))
    page.tell_problems(problems)
    if not runs:
        st.caption(
            "No training run in this folder. One begins with `fsh train DATA --out runs/first`."
        )
        return
    table = experiments(runs, time.time())
    show_table(table.rename(columns=EXPERIMENTS), "experiments", "Training runs, best first")
    page.offer_csv(table, "fsh-experiments.csv", "Experiments as CSV")
