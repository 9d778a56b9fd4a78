"""The cases of a study at a glance: table, distributions, agreement with references, two results paired."""

from collections.abc import Sequence
from functools import partial

import pandas as pd
import streamlit as st

from fsh_core.evaluation.statistics import summarise
from fsh_dashboard import loading, page
from fsh_dashboard.agreement import bland_altman, by_group, paired, paired_test
from fsh_dashboard.cohort import Results
from fsh_dashboard.columns import CASES, MAIN_METRICS, config_for, label_of
from fsh_dashboard.figures.cohort import against, differences, distribution, intervals, pairs
from fsh_dashboard.folder import Opened, find_results

MOST_GROUPS = 6
TABLE_HEIGHT = 380


def main() -> None:
    """Choose results and cases, then tell their story."""
    opened = page.begin("Cohort", "Every case of a study. A click on a row or a point marks that case in every chart.")
    results = loading.choose_results(opened)
    cases = choose_cases(results)
    show_numbers(results, cases)
    case = show_table(results, cases)
    if cases.empty:
        st.info("No case fits these filters.")
        st.stop()
    show_distributions(cases, case)
    show_relation(results, cases, case)
    show_agreement(results, cases, case)
    compare_results(opened, results, case)


def choose_cases(results: Results) -> pd.DataFrame:
    """Filter by name, flag and group."""
    cases = results.cases
    name, flagged, group, words = st.columns([2, 1, 1.3, 2.2], vertical_alignment="bottom")
    text = name.text_input("Find", key="find", bind="query-params", placeholder="part of a case's name")
    if flagged.toggle("Flagged only", key="flagged", bind="query-params"):
        cases = cases[cases["flags"] != ""]
    if text:
        cases = cases[cases["case"].str.contains(text, case=False, regex=False)]
    groups = group_columns(results)
    if groups:
        column = group.selectbox(
            "Only where",
            groups,
            index=None,
            key="where",
            bind="query-params",
            placeholder="any column",
            format_func=label_of,
        )
        if column:
            values = results.cases[column].fillna("n/a").astype(str)
            chosen = words.multiselect("is", sorted(values.unique()), key="is", bind="query-params")
            if chosen:
                cases = cases[values.loc[cases.index].isin(chosen)]
    return cases


def group_columns(results: Results) -> list[str]:
    """Columns that split cases into few groups."""
    candidates = [*results.participant_columns, "brain_source", "weights", "version", "voxel_mm", "session"]
    counts = {column: results.cases[column].nunique() for column in candidates if column in results.cases}
    return [column for column, count in counts.items() if 2 <= count <= MOST_GROUPS]


def show_numbers(results: Results, cases: pd.DataFrame) -> None:
    """The four numbers one asks for first."""
    lesions = int(cases["lesion_count"].sum())
    shown = len(cases) if len(cases) == len(results.cases) else f"{len(cases)} of {len(results.cases)}"
    columns = st.columns(4)
    columns[0].metric("Cases", shown)
    columns[1].metric("Lesions", f"{lesions:,}")
    columns[2].metric("Median lesion volume", f"{cases['lesion_volume_ml'].median():.1f} ml" if len(cases) else "–")
    columns[3].metric("Flagged cases", int((cases["flags"] != "").sum()))


def show_table(results: Results, cases: pd.DataFrame) -> str | None:
    """The table of cases; returns the chosen case."""
    own = [column for column in CASES if column in cases]
    first = [
        column for column in ("case", "flags", "lesion_count", "lesion_volume_ml", "dice", "lesion_f1") if column in own
    ]
    order = list(dict.fromkeys([*first, *results.participant_columns, *own]))
    table = cases[[column for column in order if cases[column].notna().any()]].reset_index(drop=True)
    st.dataframe(
        table,
        hide_index=True,
        width="stretch",
        height=min(TABLE_HEIGHT, 36 * (len(table) + 1) + 2),
        column_config=config_for(table),
        key="cases",
        selection_mode="single-row",
        on_select=partial(loading.follow_row, "cases", table),
        placeholder="–",
        alt="Cases with lesion counts, volumes and agreement",
    )
    left, middle, right = st.columns([2, 1, 1], vertical_alignment="bottom")
    with left:
        case = loading.choose_case(list(results.cases["case"]), "Marked case")
    with middle:
        page.offer_csv(cases, "fsh-cases.csv", "Cases as CSV")
    with right:
        page.offer_csv(partial(summarise, cases), "fsh-statistics.csv", "Statistics as CSV")
    return case


def show_distributions(cases: pd.DataFrame, case: str | None) -> None:
    """Histograms of what every cohort has."""
    st.subheader("Distributions")
    wanted = [c for c in ("lesion_volume_ml", "lesion_count", "largest_lesion_mm3", "least_probability") if c in cases]
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
    numbers = [column for column in cases.select_dtypes("number").columns if cases[column].notna().any()]
    preferred = [column for column in (*results.participant_columns, "lesion_count") if column in numbers]
    st.subheader("Relations")
    x_place, y_place, colour_place, log_place = st.columns(4, vertical_alignment="bottom")
    x = x_place.selectbox(
        "Across", numbers, numbers.index(preferred[0]), key="x", bind="query-params", format_func=label_of
    )
    y = y_place.selectbox(
        "Upwards", numbers, numbers.index("lesion_volume_ml"), key="y", bind="query-params", format_func=label_of
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
    st.altair_chart(
        chart,
        key="relation",
        on_select=partial(loading.follow_point, "relation"),
        selection_mode="point",
        alt=f"{label_of(y)} against {label_of(x)}, a point per case",
    )


def show_agreement(results: Results, cases: pd.DataFrame, case: str | None) -> None:
    """Metrics against reference masks, where records hold them."""
    st.subheader("Agreement with references")
    metrics = [metric for metric in MAIN_METRICS if metric in cases and cases[metric].notna().any()]
    if not metrics:
        st.caption("No record holds an evaluation. `fsh segment` adds one to every case that has a reference mask.")
        return
    group = None
    if groups := group_columns(results):
        group = st.selectbox(
            "By", groups, None, key="by", bind="query-params", placeholder="all cases together", format_func=label_of
        )
    left, right = st.columns(2)
    summary = agreement(cases[["case", *metrics, *([group] if group else [])]], metrics, group)
    with left:
        labels = {metric: label_of(metric) for metric in metrics}
        page.show_chart(intervals(summary, labels), "intervals", "Mean agreement with 95 % bootstrap intervals")
        st.caption(
            f"{int(cases[metrics[0]].notna().sum())} cases with a reference. 95 % bootstrap intervals over cases."
        )
    limits = bland_altman(cases["reference_ml"], cases["prediction_ml"]) if "reference_ml" in cases else None
    with right:
        if limits is None:
            st.caption("Bland-Altman needs two cases with references.")
        else:
            page.show_chart(differences(cases, limits, case), "bland", "Bland-Altman plot of lesion volumes")
            said = (
                f"Bias {limits.bias:+.2f} ml (95 % interval ± {limits.bias_half_width:.2f}), limits of agreement "
                f"{limits.low:+.2f} to {limits.high:+.2f} ml, {limits.n} cases. Grey: 95 % intervals."
            )
            st.caption(said.replace(" -", " −"))
    with st.expander("As a table"):
        shown = summary.assign(metric=summary["metric"].map(label_of))
        st.dataframe(shown, hide_index=True, width="stretch", column_config=config_for(shown))
        page.offer_csv(summary, "fsh-agreement.csv", "Agreement as CSV")


@st.cache_data(max_entries=64, show_spinner=False)
def agreement(cases: pd.DataFrame, metrics: list[str], group: str | None) -> pd.DataFrame:
    """Bootstrap once for each choice of cases."""
    return by_group(cases, metrics, group)


def compare_results(opened: Opened, results: Results, case: str | None) -> None:
    """Two results of the same cases, paired."""
    others = [name for name in find_results(opened) if name != results.name]
    if not others:
        return
    st.subheader("Compare with other results")
    left, right = st.columns(2)
    other = left.selectbox("Other results", others, None, key="other", bind="query-params", placeholder="choose")
    if not other:
        return
    second = loading.load(opened, other)
    shared = shared_numbers(results.cases, second.cases)
    if not shared:
        st.caption("These results share no number.")
        return
    metric = right.selectbox("Number", shared, key="number", bind="query-params", format_func=label_of)
    table = paired(results.cases, second.cases, metric)
    if table.empty:
        st.caption("No case has this number in both results.")
        return
    page.show_chart(pairs(table, (results.name, other), label_of(metric), case), "pairs", "Two results, case by case")
    mean, low, high, p = paired_test(table)
    st.caption(
        f"{label_of(metric)}, {other} minus {results.name}: mean {mean:+.3f}, 95 % bootstrap interval {low:+.3f} to "
        f"{high:+.3f}, {len(table)} cases. Wilcoxon signed-rank p {'needs six cases' if p != p else f'= {p:.2g}'}."
    )
    page.offer_csv(table, "fsh-paired.csv", "Pairs as CSV")


def shared_numbers(first: pd.DataFrame, second: pd.DataFrame) -> Sequence[str]:
    """Numbers that both tables have, agreement first."""
    both = [column for column in first.select_dtypes("number") if column in second]
    return sorted(both, key=lambda column: column not in MAIN_METRICS)


main()
