"""An evaluation, or a comparison of two methods, as ``fsh evaluate`` wrote it."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from fsh_core.evaluation.regions import REGION_COLUMNS
from fsh_core.report.evaluation_page import NAMES, describe_training_patients, size_name
from fsh_core.report.page import by_name, show
from fsh_core.studies.bland_altman import BlandAltman, Estimate
from fsh_core.studies.counting import patients_and_scans
from fsh_core.studies.evaluate import CASE_COLUMNS, STUDY_COLUMNS, Evaluation
from fsh_core.studies.paired import PAIRED_COLUMNS
from fsh_core.studies.pooled import lesions_by_region, lesions_by_size
from fsh_core.studies.statistics import SUMMARY_COLUMNS
from fsh_core.studies.volume_agreement import VOLUME_COLUMNS
from fsh_core.studies.written import WrittenStudy
from fsh_dashboard import page
from fsh_dashboard.data.study_columns import BY_SIZE, metric_name, named
from fsh_dashboard.figures.agreement import differences, intervals
from fsh_dashboard.plain_text import plain
from fsh_dashboard.sections.agreement import choose_scale, describe_limits
from fsh_dashboard.table_display import show_table

# Shares from 0 to 1, which the chart has one axis for.
DRAWN = [name for name in NAMES if not name.endswith(("_mm", "_ml"))]
FIRST_SCORES = {"dice": "Dice", "lesion_f1": "lesion F1"}
IN_SUMMARY = ("meaning", "mean", "ci_low", "ci_high", "median", "sd", "n_patients", "n")
IN_COMPARISON = ("mean_first", "mean_second", "mean_difference", "ci_low", "ci_high")
FIRST = ("case", "subject", "trained_on", "dice", "lesion_f1", "hd95_mm", "assd_mm")
MEANING = {"meaning": "Definition of the metric."}


def show_evaluation(study: WrittenStudy) -> None:
    """Scores by patient, lesions by size and region, volumes, and every case."""
    evaluation = study.evaluation
    if evaluation is None:
        st.info("Without cases.csv and summary.csv there is nothing to show of this evaluation.")
        return
    show_numbers(evaluation)
    show_scores(evaluation.summary)
    show_sizes(evaluation)
    show_regions(evaluation)
    if "volumes" in study.tables and len(evaluation.counted):
        show_volumes(evaluation.counted, study.tables["volumes"])
    show_cases(evaluation.cases)


def show_numbers(evaluation: Evaluation) -> None:
    """The numbers one asks for first, and what they are of."""
    summary = by_name(evaluation.summary, "metric")
    columns = st.columns(4)
    columns[0].metric("Patients", int(summary["dice"]["n_patients"]) if "dice" in summary else "–")
    columns[1].metric("Scans", len(evaluation.counted))
    for place, (metric, name) in zip(columns[2:], FIRST_SCORES.items(), strict=True):
        mean = summary[metric]["mean"] if metric in summary else float("nan")
        place.metric(f"Mean {name}", show(mean, metric), help=CASE_COLUMNS[metric])
    said = describe_training_patients([evaluation])
    if said:
        st.caption(plain(said))


def show_scores(summary: pd.DataFrame) -> None:
    """Means over patients with their intervals, drawn and as a table."""
    st.subheader("Scores by patient")
    shown = in_words(summary, SUMMARY_COLUMNS, IN_SUMMARY)
    drawn = summary[summary["metric"].isin(DRAWN) & summary["mean"].notna()]
    left, right = st.columns([2, 3])
    if len(drawn):
        with left:
            names = {metric: metric_name(metric) for metric in drawn["metric"]}
            page.show_chart(
                intervals(drawn.assign(group="all"), names),
                "scores",
                "Mean scores with 95 % bootstrap intervals over patients",
            )
    with right:
        show_table(
            shown,
            "summary",
            "Mean, interval and median of every metric",
            height=420,
            named=named(SUMMARY_COLUMNS | MEANING),
        )
        st.caption(
            "The visits of a patient are averaged and each patient counts once; 95 % bootstrap "
            "intervals over patients, from five on."
        )


def in_words(table: pd.DataFrame, meanings: dict[str, str], columns: Sequence[str]) -> pd.DataFrame:
    """Name the metrics in words, say what each is, and put the columns in order."""
    words = table.assign(
        metric=table["metric"].map(metric_name), meaning=table["metric"].map(CASE_COLUMNS)
    )
    first = ["metric", *(name for name in columns if name != "meaning")]
    rest = [name for name in meanings if name not in first]
    return words[[*first, "meaning", *rest]]


def show_sizes(evaluation: Evaluation) -> None:
    """Lesions by size: counts of all scans, shares by patient with intervals."""
    st.subheader("Lesions by size")
    summary = evaluation.summary.set_index("metric")
    table = lesions_by_size(evaluation.counted)
    for share in ("lesion_sensitivity", "lesion_precision"):
        rows = summary.reindex([f"{share}_{size}" for size in table["size"]])
        values: dict[str, Any] = {share: "mean", f"{share}_low": "ci_low"}
        values |= {f"{share}_high": "ci_high"}
        for column, source in values.items():
            table[column] = rows[source].to_numpy()
    table["size"] = table["size"].map(size_name)
    show_table(table[list(BY_SIZE)], "sizes", "Lesions by size", named=named(BY_SIZE))


def show_regions(evaluation: Evaluation) -> None:
    """Lesions by region, where regions were evaluated."""
    if evaluation.regions is None or evaluation.regions.empty:
        return
    st.subheader("Lesions by region")
    regions = evaluation.regions[evaluation.regions["case"].isin(evaluation.counted["case"])]
    table = lesions_by_region(regions)
    if len(table):
        show_table(table, "regions", "Lesions by region", named=named(REGION_COLUMNS))
        st.caption("Over all scans together; Dice: mean over scans with lesions there.")
    unknown = regions[regions["note"] != ""]
    if len(unknown):
        first = unknown.iloc[0]
        said = f"Not known in {page.counted(len(unknown), 'scan')}; of {first['case']} because: "
        st.caption(plain(said + first["note"]))


def show_volumes(cases: pd.DataFrame, volumes: pd.DataFrame) -> None:
    """Bland and Altman's plot with the limits that were written, and limits by load."""
    st.subheader("Volumes")
    scale = choose_scale()
    rows = volumes[volumes["scale"] == scale]
    whole = rows[rows["load"] == "all"]
    if whole.empty:
        return
    left, right = st.columns(2)
    limits = limits_of(whole.iloc[0])
    with left:
        page.show_chart(
            differences(cases, limits, None, scale), "bland", "Bland-Altman plot of lesion volumes"
        )
    with right:
        st.caption(describe_limits(limits, scale))
        show_table(
            rows.drop(columns="scale"),
            "limits",
            "Bias and limits of agreement by lesion load",
            named=named(VOLUME_COLUMNS),
        )


def limits_of(row: "pd.Series[Any]") -> BlandAltman:
    """Bias and limits of a row of volumes.csv; the standard deviation is not written."""
    estimates = {
        name: Estimate(float(row[name]), float(row[f"{name}_low"]), float(row[f"{name}_high"]))
        for name in ("bias", "lower", "upper", "slope")
    }
    return BlandAltman(
        n=int(row["n"]),
        patients=int(row["n_patients"]),
        n_left_out=int(row["n_left_out"]),
        sd=float("nan"),
        **estimates,
    )


def show_cases(cases: pd.DataFrame) -> None:
    """Every scan with its scores, the least Dice first."""
    st.subheader("Every scan")
    ordered = cases.sort_values(["dice", "case"], na_position="last")
    order = [*FIRST, *(name for name in cases if name not in FIRST)]
    words = {True: "yes", False: "no"}
    shown = ordered[order].assign(trained_on=ordered["trained_on"].map(words.get))
    shown = shown.dropna(axis="columns", how="all")
    show_table(shown, "scans", "Scores of every scan", named=named(STUDY_COLUMNS))
    size = patients_and_scans(cases)
    st.caption(f"{size}; least Dice first.")


def show_comparison(study: WrittenStudy) -> None:
    """Two methods on the same cases, metric by metric."""
    table = study.tables.get("comparison")
    if table is None:
        st.info("Without comparison.csv there is nothing to show of this comparison.")
        return
    st.subheader("Second minus first, by patient")
    show_table(
        in_words(table, PAIRED_COLUMNS, IN_COMPARISON),
        "comparison",
        "Differences of two methods",
        height=600,
        named=named(PAIRED_COLUMNS | MEANING),
    )
    st.caption(
        "Differences of a patient's visits are averaged first; 95 % bootstrap intervals over "
        "patients, from five on. p is Wilcoxon's signed-rank test, not adjusted for the number of "
        "metrics: decide beforehand which one counts. The scores of each method are the studies "
        "*first* and *second* below this folder."
    )
