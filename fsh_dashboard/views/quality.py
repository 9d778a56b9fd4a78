"""Quality of the scans by site, scanner and time, and which visits are missing."""

from functools import partial

import pandas as pd
import streamlit as st

from fsh_dashboard import loading, page
from fsh_dashboard.chart_files import offer_charts
from fsh_dashboard.choices import follow_point
from fsh_dashboard.data.cohort_tables import Results
from fsh_dashboard.data.columns import label_of
from fsh_dashboard.data.visits import (
    MISSING,
    NO_DATE,
    NO_VERDICT,
    NOT_SAID,
    NOT_SEGMENTED,
    ONE_VISIT,
    grouping_columns,
    participants_of,
    quality_by,
    visit_matrix,
)
from fsh_dashboard.figures.visits import SIGNS, matrix, quality_map
from fsh_dashboard.table_display import show_table

MOST_PATIENTS = 40
"""Of one page of the matrix."""


def main() -> None:
    """Tell quality by group and time, then show which visits are there."""
    opened = page.begin(
        "Quality", "How good the scans of each site and scanner are over time; which are missing."
    )
    results = loading.choose_results(opened)
    facts = loading.visits_of(opened, results)
    visits = visit_matrix(
        facts, loading.scans_of(opened, results).values(), participants_of(opened, results)
    )
    show_numbers(facts, visits)
    show_quality(results, facts)
    show_matrix(visits)
    offer_charts()


def show_numbers(facts: pd.DataFrame, visits: pd.DataFrame) -> None:
    """The four numbers one asks for first, and what no file says."""
    verdicts = facts["quality"] if "quality" in facts else pd.Series(dtype=str)
    columns = st.columns(4)
    columns[0].metric("Patients", f"{visits['patient'].nunique():,}")
    columns[1].metric("Scans segmented", f"{len(facts):,}")
    columns[2].metric("Quality failed", f"{int((verdicts == 'fail').sum()):,}")
    missing = visits["state"].isin([MISSING, NOT_SEGMENTED]).sum()
    columns[3].metric("Visits missing or not segmented", f"{int(missing):,}")
    without = {
        "a verdict on their quality": len(facts) - int(verdicts.notna().sum()),
        "a date": int((facts["month"] == NO_DATE).sum()),
        "the name of their scanner": int((facts["scanner_model"] == NOT_SAID).sum()),
    }
    said = [f"{count:,} without {what}" for what, count in without.items() if count]
    if said:
        st.caption(
            f"Of {page.counted(len(facts), 'scan')}: {', '.join(said)}. Dates are looked for in "
            "`scans.tsv` and `sessions.tsv`, scanners in the JSON beside the scan, both inside "
            "the opened folder."
        )


def show_quality(results: Results, facts: pd.DataFrame) -> None:
    """Verdicts by group and time, as a chart and a table."""
    st.subheader("Quality over time")
    left, right = st.columns(2)
    columns = grouping_columns(facts, results)
    group = left.selectbox(
        "By",
        columns,
        index=0 if columns else None,
        key="quality-by",
        bind="query-params",
        placeholder="all together",
        format_func=label_of,
    )
    has_dates = bool((facts["month"] != NO_DATE).any())
    period = right.segmented_control(
        "Over", ["month", "visit"], default="month" if has_dates else "visit", key="over"
    )
    period = period or "visit"
    table = quality_by(facts, group, period)
    page.show_chart(
        quality_map(table, label_of(group) if group else "", period.capitalize()),
        "quality",
        "Share of scans whose quality check failed, by group and time",
    )
    st.caption(
        "Each cell: failed of the scans with a verdict. Grey with a dash: scans, but none with a "
        "verdict. No cell: no scan."
    )
    with st.expander("As a table"):
        show_table(
            table.rename(columns={"group": label_of(group) if group else "group"}),
            "quality-table",
            "Verdicts by group and time",
        )
        page.offer_csv(table, "fsh-quality.csv", "Quality as CSV")


def show_matrix(visits: pd.DataFrame) -> None:
    """Patients against visits, page by page."""
    st.subheader("Visits of each patient")
    if set(visits["visit"]) == {ONE_VISIT}:
        st.caption("These data have no sessions: every patient has one visit.")
    incomplete = st.toggle(
        "Only patients with a missing, failed or not segmented visit",
        key="incomplete",
        bind="query-params",
    )
    if incomplete:
        wanted = visits.loc[visits["state"].isin([MISSING, NOT_SEGMENTED, "fail"]), "patient"]
        visits = visits[visits["patient"].isin(wanted)]
    if visits.empty:
        st.info("No patient has a missing, failed or not segmented visit.")
        return
    patients = list(dict.fromkeys(visits["patient"]))
    pages = -(-len(patients) // MOST_PATIENTS)
    number = 1
    if pages > 1:
        number = int(
            st.number_input(f"Page (of {pages})", 1, pages, key="visits-page", bind="query-params")
        )
    shown = patients[(number - 1) * MOST_PATIENTS : number * MOST_PATIENTS]
    page.show_chart(
        matrix(visits[visits["patient"].isin(shown)]),
        "matrix",
        "Patients against visits: what is there, what is missing, what failed",
        follow=partial(follow_point, "matrix"),
    )
    meanings = {
        "pass": "pass",
        "caution": "pass with caution",
        "fail": "its quality failed",
        NO_VERDICT: "segmented, quality not checked",
        NOT_SEGMENTED: "a scan that is not segmented, or whose record cannot be read",
        MISSING: "no scan",
    }
    there = [state for state in meanings if (visits["state"] == state).any()]
    said = "; ".join(f"{SIGNS[state]} {meanings[state]}" for state in there)
    st.caption(f"{said}. A click on a visit chooses its case for the other pages.")
    with st.expander("As a table"):
        wide = visits.pivot(index="patient", columns="visit", values="state")
        wide = wide[list(dict.fromkeys(visits["visit"]))].reset_index()
        show_table(wide, "visits-table", "Patients against visits")
        page.offer_csv(wide, "fsh-visits.csv", "Visits as CSV")


main()
