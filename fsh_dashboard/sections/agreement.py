"""Agreement with references, and two results of the same cases paired."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from fsh_core.studies.bland_altman import bland_altman
from fsh_core.studies.statistics import patients_of
from fsh_dashboard import loading, page
from fsh_dashboard.data.agreement_tables import by_group, paired, paired_test
from fsh_dashboard.data.cohort_tables import Results
from fsh_dashboard.data.columns import MAIN_METRICS, label_of
from fsh_dashboard.data.folder import Opened, find_results
from fsh_dashboard.figures.agreement import differences, intervals, pairs
from fsh_dashboard.plain_text import plain
from fsh_dashboard.table_display import config_for

FEWEST_FOR_LIMITS = 2
"""Cases: a standard deviation needs two."""


def show_agreement(cases: pd.DataFrame, groups: Sequence[str], case: str | None) -> None:
    """Metrics against reference masks, where records hold them."""
    st.subheader("Agreement with references")
    metrics = [metric for metric in MAIN_METRICS if metric in cases and cases[metric].notna().any()]
    if not metrics:
        st.caption(
            "No record holds an evaluation. `fsh segment` adds one to every case that has a "
            "reference mask."
        )
        return
    group = None
    if groups:
        group = st.selectbox(
            "By",
            list(groups),
            None,
            key="by",
            bind="query-params",
            placeholder="all cases together",
            format_func=label_of,
        )
    left, right = st.columns(2)
    columns = ["case", "subject", *metrics, *([group] if group else [])]
    summary = agreement(cases[list(dict.fromkeys(columns))], metrics, group)
    with left:
        labels = {metric: label_of(metric) for metric in metrics}
        page.show_chart(
            intervals(summary, labels), "intervals", "Mean agreement with 95 % bootstrap intervals"
        )
        st.caption(
            f"{int(cases[metrics[0]].notna().sum())} cases with a reference. "
            "95 % bootstrap intervals over cases."
        )
    limits = (
        bland_altman(cases["reference_ml"], cases["prediction_ml"], patients_of(cases))
        if "reference_ml" in cases
        else None
    )
    with right:
        if limits is None or limits.n < FEWEST_FOR_LIMITS:
            st.caption("Bland-Altman needs two cases with references.")
        else:
            page.show_chart(
                differences(cases, limits, case), "bland", "Bland-Altman plot of lesion volumes"
            )
            bias, lower, upper = limits.bias, limits.lower, limits.upper
            said = (
                f"Bias {bias.value:+.2f} ml (95 % interval {bias.low:+.2f} to {bias.high:+.2f}), "
                "limits of agreement "
                f"{lower.value:+.2f} to {upper.value:+.2f} ml, {limits.n} cases. Grey: "
                "95 % intervals of all three."
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
    other = left.selectbox(
        "Other results", others, None, key="other", bind="query-params", placeholder="choose"
    )
    if not other:
        return
    second = loading.load(opened, other)
    shared = shared_numbers(results.cases, second.cases)
    if not shared:
        st.caption("These results share no number.")
        return
    metric = right.selectbox(
        "Number", shared, key="number", bind="query-params", format_func=label_of
    )
    table = paired(results.cases, second.cases, metric)
    if table.empty:
        st.caption("No case has this number in both results.")
        return
    page.show_chart(
        pairs(table, (results.name, other), label_of(metric), case),
        "pairs",
        "Two results, case by case",
    )
    row = paired_test(results.cases, second.cases, metric)
    p = row["wilcoxon_p"]
    said = (
        f"{label_of(metric)}, {other} minus {results.name}: mean {row['mean_difference']:+.3f}, "
        f"95 % bootstrap interval {row['ci_low']:+.3f} to {row['ci_high']:+.3f}, {row['n']} cases. "
        f"Wilcoxon signed-rank p {f'= {p:.2g}' if pd.notna(p) else 'needs six cases that differ'}."
    )
    st.caption(plain(said.replace(" -", " −")))
    page.offer_csv(table, "fsh-paired.csv", "Pairs as CSV")


def shared_numbers(first: pd.DataFrame, second: pd.DataFrame) -> Sequence[str]:
    """Numbers that both tables have, agreement first."""
    both = [str(column) for column in first.select_dtypes("number") if column in second]
    return sorted(both, key=lambda column: column not in MAIN_METRICS)
