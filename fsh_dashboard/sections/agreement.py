"""Agreement with references, and two results of the same cases paired."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from fsh_core.studies.bland_altman import BlandAltman, Scale, bland_altman
from fsh_core.studies.counting import patients_and_scans
from fsh_core.studies.statistics import patients_of
from fsh_core.studies.volume_agreement import SCALES
from fsh_dashboard import loading, page
from fsh_dashboard.data.agreement_tables import by_group, paired, paired_test
from fsh_dashboard.data.cohort_tables import Results
from fsh_dashboard.data.columns import MAIN_METRICS, label_of
from fsh_dashboard.data.folder import Opened, find_results
from fsh_dashboard.figures.agreement import differences, intervals, pairs
from fsh_dashboard.plain_text import plain
from fsh_dashboard.table_display import show_table

FEWEST_DRAWN = 2  # cases
SCALE_WORDS = {"ml": "ml", "percent": "percent", "ratio": "ratio"}


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
    cases = untouched(cases[cases["evaluated"]])
    if cases.empty:
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
            f"{patients_and_scans(cases)} with a reference; undefined numbers are left out. 95 % "
            "bootstrap intervals over patients, from five on."
        )
    with right:
        show_volumes(cases, case)
    with st.expander("As a table"):
        shown = summary.assign(metric=summary["metric"].map(label_of))
        show_table(shown, "agreement", "Mean agreement with intervals")
        page.offer_csv(summary, "fsh-agreement.csv", "Agreement as CSV")


def untouched(cases: pd.DataFrame) -> pd.DataFrame:
    """Leave out patients that the weights learned from, unless they are asked for."""
    seen = cases["trained_on"] == "yes"
    if not seen.any():
        return cases
    words = f"Count {patients_and_scans(cases[seen])} that the weights learned from"
    if st.toggle(words, key="trained", bind="query-params"):
        return cases
    st.caption(
        f"The weights learned from {patients_and_scans(cases[seen])} of these; their scores say "
        "little about others and are left out."
    )
    return cases[~seen]


def show_volumes(cases: pd.DataFrame, case: str | None) -> None:
    """Bland and Altman's plot on a scale of choice, and its numbers in a sentence."""
    if "reference_ml" not in cases or cases["reference_ml"].notna().sum() < FEWEST_DRAWN:
        st.caption("Bland-Altman needs two cases with references.")
        return
    scale = choose_scale()
    limits = bland_altman(cases["reference_ml"], cases["prediction_ml"], patients_of(cases), scale)
    page.show_chart(
        differences(cases, limits, case, scale), "bland", "Bland-Altman plot of lesion volumes"
    )
    st.caption(describe_limits(limits, scale))


def choose_scale() -> Scale:
    """Let the scale of differences be chosen; the choice is in the address."""
    scale = st.segmented_control(
        "Differences in",
        SCALES,
        default="ml",
        key="scale",
        bind="query-params",
        format_func=lambda name: SCALE_WORDS[name],
    )
    return scale or "ml"


def describe_limits(limits: BlandAltman, scale: Scale) -> str:
    """Say bias, limits and proportional bias, with what they are of and what was left out."""
    form, unit = {"ml": ("+.2f", " ml"), "percent": ("+.1f", " %"), "ratio": (".2f", "")}[scale]
    bias, lower, upper, slope = limits.bias, limits.lower, limits.upper, limits.slope
    size = f"{page.counted(limits.patients, 'patient')}, {page.counted(limits.n, 'scan')}"
    said = f"{size}: bias {bias.value:{form}}{unit}"
    if pd.isna(lower.value):
        said += "; intervals and limits of agreement need five patients."
    else:
        said += (
            f" (95 % interval {bias.low:{form}} to {bias.high:{form}}), limits of agreement of one "
            f"scan {lower.value:{form}} to {upper.value:{form}}{unit}. Grey: 95 % intervals."
        )
    if pd.notna(slope.value):
        said += (
            f" Proportional bias: slope {slope.value:+.3f} ({slope.low:+.3f} to {slope.high:+.3f})."
        )
    if limits.n_left_out:
        said += f" Left out, because a volume is 0: {page.counted(limits.n_left_out, 'scan')}."
    return said.replace(" -", " −").replace("(-", "(−")


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
    interval = "no interval for fewer than five patients"
    if pd.notna(row["ci_low"]):
        interval = f"95 % bootstrap interval {row['ci_low']:+.3f} to {row['ci_high']:+.3f}"
    said = (
        f"{label_of(metric)}, {other} minus {results.name}: mean {row['mean_difference']:+.3f}, "
        f"{interval}; {page.counted(int(row['n_patients']), 'patient')}, "
        f"{page.counted(int(row['n']), 'scan')}. Wilcoxon signed-rank p "
        f"{f'= {p:.2g}' if pd.notna(p) else 'needs six patients who differ'}."
    )
    st.caption(plain(said.replace(" -", " −")))
    page.offer_csv(table, "fsh-paired.csv", "Pairs as CSV")


def shared_numbers(first: pd.DataFrame, second: pd.DataFrame) -> Sequence[str]:
    """Numbers that both tables have, agreement first."""
    both = [str(column) for column in first.select_dtypes("number") if column in second]
    return sorted(both, key=lambda column: column not in MAIN_METRICS)
