"""The cases of a study at a glance.

Table, distributions, agreement with references, two results paired.
"""

from functools import partial

import pandas as pd
import streamlit as st

from fsh_core.studies.statistics import summarise
from fsh_dashboard import loading, page
from fsh_dashboard.chart_files import offer_charts
from fsh_dashboard.choices import choose_case, follow_point, follow_row, row_of, tick
from fsh_dashboard.data.cohort_tables import Results
from fsh_dashboard.data.columns import CASES, label_of
from fsh_dashboard.data.folder import Opened
from fsh_dashboard.data.participants import few_valued
from fsh_dashboard.data.tags import KEY_COLUMNS, having, spelled, words_in
from fsh_dashboard.figures.distribution import distribution
from fsh_dashboard.figures.scatter import against
from fsh_dashboard.figures.style import tell_left_out
from fsh_dashboard.sections.agreement import compare_results, show_agreement
from fsh_dashboard.sections.atlas import show_map
from fsh_dashboard.sections.frozen_report import offer_report
from fsh_dashboard.sections.mosaic import show_mosaic
from fsh_dashboard.table_display import show_table

FIRST_COLUMNS = (
    "case",
    "flags",
    "review",
    "lesion_count",
    "lesion_volume_ml",
    "reviewed_lesion_volume_ml",
    "dice",
)
TABLE_HEIGHT = 380


def main() -> None:
    """Choose results and cases, then tell their story."""
    opened = page.begin(
        "Cohort",
        "Every case of a study. A click on a row or a point marks that case in every chart.",
    )
    results = loading.choose_results(opened)
    cases = choose_cases(results)
    show_numbers(results, cases)
    case = show_cases(opened, results, cases)
    if cases.empty:
        st.info("No case fits these filters.")
        st.stop()
    if len(cases) > 1:
        show_distributions(cases, case)
        show_relation(results, cases, case)
    show_agreement(cases, group_columns(results), case)
    compare_results(opened, results, case)
    show_map(results.lesions[results.lesions["case"].isin(cases["case"])], len(cases), case)
    show_mosaic(opened, results, cases, case)
    offer_charts()


def choose_cases(results: Results) -> pd.DataFrame:
    """Filter by name, flag and group."""
    cases = results.cases
    name, flagged, group, words = st.columns([2, 1, 1.3, 2.2], vertical_alignment="bottom")
    text = name.text_input(
        "Find", key="find", bind="query-params", placeholder="part of a case's name"
    )
    if flagged.toggle("Flagged only", key="flagged", bind="query-params"):
        cases = cases[cases["flags"] != ""]
    if text:
        cases = cases[cases["case"].str.contains(text, case=False, regex=False)]
    column = group.selectbox(
        "Only where",
        [*group_columns(results), *word_columns(results)],
        index=None,
        key="where",
        bind="query-params",
        placeholder="any column",
        format_func=label_of,
    )
    if column:
        said = words_of(results, column)
        chosen = words.multiselect(
            "is",
            words_in(said),
            key="is",
            bind="query-params",
            format_func=spelled if column in KEY_COLUMNS else str,
        )
        cases = cases[having(said.loc[cases.index], chosen)] if chosen else cases
    return cases


def word_columns(results: Results) -> list[str]:
    """Columns whose words one filters by.

    Flags, how far the readers are, the regions of a case's lesions.
    """
    known = [column for column in ("flags", "review") if column in results.cases]
    return [column for column in known if words_in(results.cases[column])] + ["region"] * (
        "region" in results.lesions
    )


def words_of(results: Results, column: str) -> "pd.Series[str]":
    """What the cases have in a column; for the region, in those of all their lesions."""
    if column != "region":
        return results.cases[column].fillna("n/a").astype(str)
    regions = (
        results.lesions.dropna(subset=["region"])
        .groupby("case")["region"]
        .agg(lambda r: ", ".join(sorted(set(r))))
    )
    return results.cases["case"].map(regions)


def group_columns(results: Results) -> list[str]:
    """Columns that split cases into few groups."""
    candidates = [
        "quality",
        *results.participant_columns,
        "brain_source",
        "weights",
        "version",
        "voxel_mm",
        "session",
    ]
    return few_valued(results.cases, candidates)


def show_numbers(results: Results, cases: pd.DataFrame) -> None:
    """The four numbers one asks for first."""
    lesions = int(cases["lesion_count"].sum())
    shown = (
        len(cases) if len(cases) == len(results.cases) else f"{len(cases)} of {len(results.cases)}"
    )
    columns = st.columns(4)
    columns[0].metric("Cases", shown)
    columns[1].metric("Lesions", f"{lesions:,}")
    columns[2].metric(
        "Median lesion volume",
        f"{cases['lesion_volume_ml'].median():.1f} ml" if len(cases) else "–",
    )
    columns[3].metric("Flagged cases", int((cases["flags"] != "").sum()))


def show_cases(opened: Opened, results: Results, cases: pd.DataFrame) -> str | None:
    """The table of cases; returns the chosen case."""
    own = [column for column in CASES if column in cases]
    first = [column for column in FIRST_COLUMNS if column in own]
    order = list(dict.fromkeys([*first, *results.participant_columns, *own]))
    table = cases[[column for column in order if cases[column].notna().any()]].reset_index(
        drop=True
    )
    case = choose_case(list(results.cases["case"]), "Marked case")
    tick("cases", row_of(table, {"case": case}))
    show_table(
        table,
        "cases",
        "Cases with lesion counts, volumes and agreement",
        height=TABLE_HEIGHT,
        follow=partial(follow_row, "cases", table),
    )
    with st.container(horizontal=True):
        page.offer_csv(cases, "fsh-cases.csv", "Cases as CSV")
        page.offer_csv(partial(summarise, cases), "fsh-statistics.csv", "Statistics as CSV")
        offer_report(opened, results, cases)
    return case


def show_distributions(cases: pd.DataFrame, case: str | None) -> None:
    """Histograms of what every cohort has."""
    st.subheader("Distributions")
    wanted = [
        c
        for c in ("lesion_volume_ml", "lesion_count", "largest_lesion_mm3", "least_probability")
        if c in cases
    ]
    wanted = [column for column in wanted if cases[column].notna().any()]
    for place, column in zip(st.columns(len(wanted)), wanted, strict=True):
        with place:
            page.show_chart(
                distribution(cases, column, label_of(column), case),
                f"dist-{column}",
                f"Histogram of {label_of(column)}",
            )


def show_relation(results: Results, cases: pd.DataFrame, case: str | None) -> None:
    """One column against another, as chosen."""
    numbers = [
        column for column in cases.select_dtypes("number").columns if cases[column].notna().any()
    ]
    preferred = [
        column for column in (*results.participant_columns, "lesion_count") if column in numbers
    ]
    st.subheader("Relations")
    x_place, y_place, colour_place, log_place = st.columns(4, vertical_alignment="bottom")
    x = x_place.selectbox(
        "Across",
        numbers,
        numbers.index(preferred[0]),
        key="x",
        bind="query-params",
        format_func=label_of,
    )
    y = y_place.selectbox(
        "Upwards",
        numbers,
        numbers.index("lesion_volume_ml"),
        key="y",
        bind="query-params",
        format_func=label_of,
    )
    colour = colour_place.selectbox(
        "Colour",
        group_columns(results),
        None,
        key="colour",
        bind="query-params",
        format_func=label_of,
        placeholder="none",
    )
    log_scale = log_place.toggle("Log scale", key="logy", bind="query-params")
    tint = (colour, label_of(colour)) if colour else None
    chart = against(cases, (x, label_of(x)), (y, label_of(y)), case, tint, log_scale)
    page.show_chart(
        chart,
        "relation",
        f"{label_of(y)} against {label_of(x)}, a point per case",
        follow=partial(follow_point, "relation"),
    )
    if log_scale and (left_out := tell_left_out(cases.loc[cases[x].notna(), y])):
        st.caption(left_out)


main()
