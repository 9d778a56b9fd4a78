"""Choosing and reading results, once for each state of the files; shared by the pages about cases."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from fsh_dashboard import page
from fsh_dashboard.cohort import Results, fingerprint, read_results
from fsh_dashboard.folder import Opened, find_results


def choose_results(opened: Opened) -> Results:
    """Let a derivatives folder be chosen where there are several; without cases the page ends with what to do."""
    names = find_results(opened)
    if not names:
        page.empty("No segmented case in this folder. They are made with:", "fsh segment SCANS --out derivatives/fsh")
    name = names[0]
    if len(names) > 1:
        name = st.selectbox("Results", names, key="results", bind="query-params")
    results = load(opened, name)
    page.tell_problems(results.problems)
    if results.cases.empty:
        page.empty(
            "No case in this folder can be read. Cases are made with:", "fsh segment SCANS --out derivatives/fsh"
        )
    return results


def load(opened: Opened, name: str) -> Results:
    """Read results, or take them from memory while no file has changed."""
    return _load(opened, name, fingerprint(opened, name))


@st.cache_resource(max_entries=8, show_spinner="Reading records …")
def _load(opened: Opened, name: str, _stamps: tuple[tuple[str, int, int], ...]) -> Results:
    return read_results(opened, name)


def choose_case(cases: Sequence[str], label: str, required: bool = False) -> str | None:
    """Let a case be chosen; the choice is in the address and the same on every page."""
    st.session_state.setdefault("case", None)
    if st.session_state["case"] not in cases:
        st.session_state["case"] = cases[0] if required else None
    return st.selectbox(label, list(cases), key="case", bind="query-params", placeholder="none")


def follow_row(key: str, table: pd.DataFrame) -> None:
    """Choose the case of the row that was clicked in a table; a callback."""
    rows = st.session_state[key]["selection"]["rows"]
    st.session_state["case"] = str(table["case"].iloc[rows[0]]) if rows and rows[0] < len(table) else None


def follow_point(key: str) -> None:
    """Choose the case of the point that was clicked in a chart; a callback."""
    points = st.session_state[key]["selection"].get("point") or []
    if points and "case" in points[0]:
        st.session_state["case"] = str(points[0]["case"])
