"""Activity by arm, site or any other column of participants.tsv."""

from typing import Any

import pandas as pd
import streamlit as st

from fsh_dashboard import page
from fsh_dashboard.data.activity import ALL, summarise_activity
from fsh_dashboard.data.cohort_tables import Results
from fsh_dashboard.data.columns import label_of
from fsh_dashboard.data.participants import few_valued
from fsh_dashboard.figures.change import rates
from fsh_dashboard.table_display import show_table

ACTIVE = ("active_percent", "active_low", "active_high")
RATE = ("new_per_year", "new_per_year_low", "new_per_year_high")


def show_groups(results: Results, counted: pd.DataFrame) -> None:
    """Counts and rates of each group, with intervals over patients."""
    people = results.cases.drop_duplicates("subject").set_index("subject")
    people.index = pd.Index([f"sub-{subject}" for subject in people.index])
    people = people[people.index.isin(counted["patient"])]
    columns = few_valued(people, results.participant_columns)
    if not columns:
        return
    column = st.selectbox(
        "By group",
        columns,
        None,
        key="group",
        bind="query-params",
        placeholder="all patients together",
        format_func=label_of,
    )
    if column is None:
        return
    table = groups_of(counted, people[column])
    left, right = st.columns(2)
    with left:
        page.show_chart(
            rates(table, ACTIVE, "Patients with new or enlarging lesions (%)"),
            "active-groups",
            "Share of active patients by group with 95 % intervals",
        )
    if table["new_per_year"].notna().any():
        with right:
            page.show_chart(
                rates(table, RATE, "New lesions per patient-year"),
                "rate-groups",
                "New lesions per patient-year by group with 95 % intervals",
            )
    few = " Groups of fewer than five patients have no interval." if has_few(table) else ""
    st.caption(
        "By patient: 95 % intervals, exact of shares, by bootstrap over patients of rates. "
        f"Groups that were not drawn by lot may differ in more than this column.{few}"
    )
    show_table(table, "groups", "Activity by group")
    page.offer_csv(table, "fsh-activity.csv", "Groups as CSV")


def has_few(table: pd.DataFrame) -> bool:
    """Tell whether a group is too small for an interval."""
    return bool(table.loc[table["group"] != ALL, "active_low"].isna().any())


@st.cache_data(max_entries=64, show_spinner=False)
def groups_of(counted: pd.DataFrame, groups: "pd.Series[Any]") -> pd.DataFrame:
    """Bootstrap once for each choice."""
    return summarise_activity(counted, groups)
