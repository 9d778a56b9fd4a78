"""Groups of patients compared: arms, sites, or any other column of participants.tsv."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from fsh_core.errors import InputError
from fsh_core.studies.adjusted import ADJUSTED_COLUMNS, adjusted_differences
from fsh_core.studies.groups import (
    DIFFERENCE_COLUMNS,
    GROUP_COLUMNS,
    GroupComparison,
    by_patient,
    compare_groups,
)
from fsh_dashboard import loading, page
from fsh_dashboard.chart_files import offer_charts
from fsh_dashboard.data.cohort_tables import Results
from fsh_dashboard.data.columns import label_of
from fsh_dashboard.data.folder import Opened
from fsh_dashboard.data.group_numbers import numbers_of, with_new_lesions, without_trained
from fsh_dashboard.data.participants import few_valued
from fsh_dashboard.data.study_columns import heading_of, named
from fsh_dashboard.figures.groups import patients_by_group
from fsh_dashboard.loading_change import followed_in
from fsh_dashboard.plain_text import plain
from fsh_dashboard.table_display import show_table

USUAL = 3  # numbers that are compared at first
IN_A_ROW = 2


def main() -> None:
    """Choose a column and numbers, then compare."""
    opened = page.begin(
        "Groups",
        "Arms, sites, or any other column of `participants.tsv`, compared by patient.",
    )
    results = loading.choose_results(opened)
    columns = few_valued(results.cases, results.participant_columns)
    if not columns:
        page.empty(
            "No column to compare by. A table participants.tsv in the data set, with a column of "
            "two to six words such as arm or site, makes groups:",
            "participant_id\tarm\nsub-01\tplacebo\nsub-02\tdrug",
        )
    group = st.selectbox(
        "Group by", columns, key="column", bind="query-params", format_func=label_of
    )
    cases = cases_of(opened, results)
    numbers, baseline = choose(cases, group)
    if not numbers:
        st.info("Choose a number to compare.")
        st.stop()
    kept = cases[["case", "subject", group, *numbers]]
    found = _compare(kept, numbers, group, baseline)
    show_charts(kept, found, numbers, group)
    show_tables(found, baseline)
    covariates = [name for name in covariates_of(cases, results) if name not in (group, *numbers)]
    if covariates:
        show_adjusted(cases, numbers, group, baseline, covariates)
    offer_charts()


def cases_of(opened: Opened, results: Results) -> pd.DataFrame:
    """The cases with new lesions a year, without scores of patients that were trained on."""
    intervals = followed_in(opened, results.name).intervals
    cases = with_new_lesions(results.cases, intervals[intervals["comparable"].astype(bool)])
    return without_trained(cases)


def choose(cases: pd.DataFrame, group: str) -> tuple[list[str], str]:
    """Let numbers and the group to compare with be chosen."""
    left, right = st.columns([3, 1])
    known = numbers_of(cases, group)
    numbers = left.multiselect(
        "Numbers",
        known,
        list(known[:USUAL]),
        key="numbers",
        bind="query-params",
        format_func=heading_of,
    )
    groups = sorted(set(cases[group].dropna().map(str)))
    if st.session_state.get("baseline") not in groups:
        st.session_state.pop("baseline", None)  # of another column
    baseline = right.selectbox("Compared with", groups, key="baseline", bind="query-params")
    return list(numbers), str(baseline)


@st.cache_data(max_entries=64, show_spinner=False)
def _compare(
    cases: pd.DataFrame, numbers: Sequence[str], group: str, baseline: str
) -> GroupComparison:
    """Bootstrap once for each choice."""
    return compare_groups(cases, numbers, group, baseline)


def show_charts(
    cases: pd.DataFrame, found: GroupComparison, numbers: Sequence[str], group: str
) -> None:
    """Every patient and the means of the groups, a chart a number."""
    means, _, _ = by_patient(cases, numbers, group)
    places = st.columns(min(IN_A_ROW, len(numbers)))
    for position, number in enumerate(numbers):
        label = heading_of(number)
        with places[position % len(places)]:
            page.show_chart(
                patients_by_group(
                    means, found.groups[found.groups["number"] == number], number, label
                ),
                f"groups-{position}",
                f"{label} by group",
            )
    said = "A tick is a patient, the dot the mean with its 95 % bootstrap interval over patients."
    if found.left_out:
        said += f" Left out, because they have no group: {page.counted(found.left_out, 'patient')}."
    st.caption(said)


def show_tables(found: GroupComparison, baseline: str) -> None:
    """Groups and differences with their intervals, and what the test is."""
    st.subheader("Groups")
    show_table(
        found.groups.assign(number=found.groups["number"].map(heading_of)),
        "groups",
        "Mean and median of each group",
        named=named(GROUP_COLUMNS),
    )
    st.subheader(f"Differences from {plain(baseline)}")
    show_table(
        # Which group they are compared with stands above; beside it the p would be out of sight.
        found.differences.drop(columns="baseline").assign(
            number=found.differences["number"].map(heading_of)
        ),
        "differences",
        "Differences of the groups with intervals and tests",
        named=named(DIFFERENCE_COLUMNS),
    )
    tests = int(found.differences["p"].notna().sum())
    st.caption(
        "The visits of a patient are averaged and each patient counts once. Difference: of the "
        "means, with a 95 % bootstrap interval over patients. Test: Mann-Whitney U, two-sided, by "
        "ranks, since a few patients have most of the lesions; it asks whether one group tends to "
        f"have more, not whether the means differ. {page.counted(tests, 'test')}, corrected "
        "together after Benjamini and Hochberg. No interval and no test for fewer than five "
        "patients in a group. Scores of patients that the weights learned from are left out. "
        "Groups that were not drawn by lot may differ in more than this column: nothing is "
        "adjusted for here."
    )
    left, right, _ = st.columns([1, 1, 2])
    with left:
        page.offer_csv(found.groups, "fsh-groups.csv", "Groups as CSV")
    with right:
        page.offer_csv(found.differences, "fsh-differences.csv", "Differences as CSV")


def covariates_of(cases: pd.DataFrame, results: Results) -> list[str]:
    """List the columns of participants.tsv that can be held equal: numbers, and a few words."""
    columns = results.participant_columns
    numbers = [name for name in columns if pd.api.types.is_numeric_dtype(cases[name])]
    words = few_valued(cases, [name for name in columns if name not in numbers])
    return [*numbers, *words]


def show_adjusted(
    cases: pd.DataFrame, numbers: list[str], group: str, baseline: str, covariates: list[str]
) -> None:
    """The differences at the same covariates, where some are chosen."""
    st.subheader("Adjusted for covariates")
    chosen = st.multiselect(
        "Adjust for",
        covariates,
        key="covariates",
        bind="query-params",
        placeholder="nothing",
        format_func=label_of,
    )
    if not chosen:
        st.caption("Choose columns of `participants.tsv`, such as age, that are to be held equal.")
        return
    kept = cases[["case", "subject", group, *chosen, *numbers]]
    try:
        table = adjusted_differences(kept, numbers, group, chosen, baseline)
    except InputError as error:
        st.warning(plain(error))
        return
    show_table(
        table.assign(number=table["number"].map(heading_of)),
        "adjusted",
        "Differences of the groups at the same covariates",
        named=named(ADJUSTED_COLUMNS) | {"p": ("p (t)", ADJUSTED_COLUMNS["p"])},
    )
    st.caption(
        "A linear model of each number (statsmodels): group and the chosen columns, numbers in a "
        "straight line, words as a step each; one row a patient. Volumes that are all above 0 by "
        "their logarithms, so that the effect is a ratio. 95 % intervals and p by Student's t with "
        f"the HC3 covariance; {page.counted(int(table['p'].notna().sum()), 'test')}, corrected "
        "together after Benjamini and Hochberg. Patients without one of these columns are left "
        "out. What was not measured is not adjusted for."
    )
    page.offer_csv(table, "fsh-adjusted.csv", "Adjusted as CSV")


main()
