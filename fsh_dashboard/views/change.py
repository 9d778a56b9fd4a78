"""What changed between the visits of patients: who is active, and each change in its two scans."""

import shlex
from functools import partial

import pandas as pd
import streamlit as st

from fsh_dashboard import loading, page, table_display
from fsh_dashboard.chart_files import offer_charts
from fsh_dashboard.choices import choose_patient, follow_interval, row_of, tick
from fsh_dashboard.data.activity import summarise_activity
from fsh_dashboard.data.cohort_tables import Results
from fsh_dashboard.data.folder import Opened
from fsh_dashboard.data.followed import Followed
from fsh_dashboard.loading_change import followed_in
from fsh_dashboard.sections.activity_groups import show_groups
from fsh_dashboard.sections.patient_change import show_patient

TABLE_HEIGHT = 250
SEVERAL = 2  # visits


def main() -> None:
    """Say what can be compared, then who is active, then what changed in one patient."""
    opened = page.begin(
        "Change", "New, enlarging, shrinking and resolved lesions from one visit to the next."
    )
    results = loading.choose_results(opened)
    followed = followed_in(opened, results.name)
    page.tell_problems(followed.problems)
    if not followed.records:
        say_how_to_begin(opened, results)
    tell_not_followed(opened, results, followed)
    counted = choose_intervals(followed)
    show_numbers(counted)
    show_groups(results, counted)
    patient = show_table(followed)
    if patient is None:
        st.caption("A click on a row shows that patient.")
    else:
        show_patient(opened, results, followed, patient)
    if patient is not None or st.session_state.get("group"):
        offer_charts()


def command_for(opened: Opened, results: Results) -> str:
    """The command that follows the visits of results."""
    return f"fsh track {shlex.quote(str(opened.root / results.name))}"


def say_how_to_begin(opened: Opened, results: Results) -> None:
    """Say which command follows visits, or that there is one visit only, then end the page."""
    visits = results.cases.groupby("subject").size()
    several = int((visits >= SEVERAL).sum())
    if several:
        said = (
            f"{page.counted(several, 'patient')} with two visits or more, and no comparison yet. "
            "It is made with:"
        )
        page.empty(said, command_for(opened, results))
    page.empty(
        "One visit only of every patient: there is nothing to compare with. A dataset with several "
        "sessions is segmented and followed with:",
        f"fsh track DATASET -o {shlex.quote(str(opened.root / results.name))}",
    )


def tell_not_followed(opened: Opened, results: Results, followed: Followed) -> None:
    """Say which patients of the results are not on this page, and why."""
    visits = results.cases.groupby("subject").size()
    left = visits[~("sub-" + visits.index.astype(str)).isin(list(followed.records))]
    alone, several = int((left < SEVERAL).sum()), int((left >= SEVERAL).sum())
    if alone:
        st.caption(f"{page.counted(alone, 'patient')} with one visit only: nothing to compare.")
    if several:
        st.caption(
            f"{page.counted(several, 'patient')} with two visits or more, not followed yet: "
            "`fsh track` on these results."
        )


def choose_intervals(followed: Followed) -> pd.DataFrame:
    """Say what can be compared; return the intervals that count."""
    intervals = followed.intervals
    failed = ~intervals["comparable"]
    cautious = int((intervals["verdict"] == "caution").sum())
    size = f"{page.counted(len(followed.records), 'patient')}, "
    size += page.counted(len(intervals), "interval")
    words = f"{size}: {int((~failed).sum())} can be compared"
    if cautious:
        words += f", {cautious} of them with caution"
    if not failed.any():
        st.caption(f"{words}.")
        return intervals
    number = int(failed.sum())
    is_wanted = st.session_state.get("failed", False)
    st.warning(
        f"{words}. {number} cannot be compared reliably and "
        f"{'is' if number == 1 else 'are'} {'' if is_wanted else 'not '}counted below."
    )
    if st.toggle("Count intervals that cannot be compared", key="failed", bind="query-params"):
        return intervals
    return intervals[~failed]


def show_numbers(counted: pd.DataFrame) -> None:
    """The four numbers one asks for first."""
    all_patients = summarise_activity(counted).iloc[0]
    columns = st.columns(4)
    columns[0].metric("Patients", int(all_patients["patients"]))
    columns[1].metric(
        "With new or enlarging lesions", f"{all_patients['active']} of {all_patients['patients']}"
    )
    columns[2].metric("New lesions", f"{all_patients['new']:,}")
    rate = all_patients["new_per_year"]
    columns[3].metric("New lesions per patient-year", f"{rate:.2f}" if pd.notna(rate) else "–")
    st.caption(describe(all_patients))


def describe(row: "pd.Series[float]") -> str:
    """Say the intervals of the numbers, and what they are of."""
    if pd.isna(row["active_low"]):
        said = ["Counted by patient; 95 % intervals from five patients on"]
    else:
        said = [
            f"{row['active_percent']:.0f} % of {row['patients']} patients are active (95 % "
            f"interval {row['active_low']:.0f} to {row['active_high']:.0f} %, exact)"
        ]
    if row["years"] > 0:
        rate = f"{page.counted(int(row['dated_patients']), 'patient')} with dates, "
        rate += f"{row['years']:.1f} years"
        if pd.notna(row["new_per_year_low"]):
            rate += (
                f": {row['new_per_year']:.2f} new lesions a year (95 % interval "
                f"{row['new_per_year_low']:.2f} to {row['new_per_year_high']:.2f}, over patients)"
            )
        said.append(rate)
    else:
        said.append("no dates, so no rate a year")
    return "; ".join(said) + "."


def show_table(followed: Followed) -> str | None:
    """The intervals of all patients; returns the chosen patient."""
    st.subheader("Intervals")
    intervals = followed.intervals
    patient = choose_patient(list(followed.records), "Patient")
    interval = st.session_state.get("interval")
    row = None
    if patient is not None and interval is not None and str(interval).isdecimal():
        row = row_of(intervals, {"patient": patient, "interval": int(interval)})
    if patient is not None and row is None:
        row = row_of(intervals, {"patient": patient})
    tick("intervals", row)
    order = [*(c for c in intervals if c not in ("interval", "comparable", "reasons")), "reasons"]
    shown = intervals[order].dropna(axis="columns", how="all")
    shown = shown.rename(columns={"verdict": "comparison"})  # scans have a verdict of another kind
    table_display.show_table(
        shown,
        "intervals",
        "Intervals between visits with their changes and volumes",
        height=TABLE_HEIGHT,
        follow=partial(follow_interval, "intervals", intervals),
    )
    left, middle, right, _ = st.columns(4)
    with left:
        page.offer_csv(intervals, "fsh-intervals.csv", "Intervals as CSV")
    with middle:
        page.offer_csv(followed.changes, "fsh-changes.csv", "Changes as CSV")
    with right:
        page.offer_csv(followed.tracks, "fsh-tracks.csv", "Tracks as CSV")
    return patient


main()
