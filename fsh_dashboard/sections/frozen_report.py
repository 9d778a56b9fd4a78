"""The cases that are shown, as a report that stays as it is."""

from functools import partial

import pandas as pd
import streamlit as st

from fsh_dashboard.data.cohort_tables import Results
from fsh_dashboard.data.columns import label_of
from fsh_dashboard.data.folder import Opened

WHAT = (
    "One file with the numbers of the cases shown, the filters, the weights, and the SHA-256 of "
    "every file behind them. The same files and filters give the same bytes."
)


def offer_report(opened: Opened, results: Results, cases: pd.DataFrame) -> None:
    """Offer the report; it is made when it is asked for, not before."""
    said = filters()

    def freeze(ending: str) -> str | bytes:
        from fsh_dashboard.data.cohort_report import cohort_report  # loads matplotlib, 0.4 s

        report = cohort_report(opened, results, cases, said)
        return report.html() if ending == "html" else report.pdf()

    for label, ending, kind in (
        ("Report as HTML", "html", "text/html"),
        ("Report as PDF", "pdf", "application/pdf"),
    ):
        st.download_button(
            label,
            partial(freeze, ending),
            f"fsh-cohort-report.{ending}",
            kind,
            key=f"get-report-{ending}",
            on_click="ignore",
            help=WHAT,
            disabled=cases.empty,
        )


def filters() -> tuple[str, ...]:
    """Say what the page's cases were filtered by, in words."""
    state = st.session_state
    said = []
    if state.get("find"):
        said.append(f"name contains {state['find']}")
    if state.get("flagged"):
        said.append("flagged cases only")
    if state.get("where") and state.get("is"):
        said.append(f"{label_of(state['where'])} is {' or '.join(sorted(state['is']))}")
    return tuple(said)
