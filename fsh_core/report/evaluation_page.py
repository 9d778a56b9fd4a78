"""HTML page of an evaluation."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from fsh_core.evaluation.lesionwise import SIZE_BINS
from fsh_core.figures.measurement_agreement import draw_bland_altman
from fsh_core.report.page import (
    Number,
    Row,
    Section,
    Table,
    by_name,
    counted,
    failures_section,
    show,
    show_interval,
    write_page,
)
from fsh_core.studies.bland_altman import BlandAltman, bland_altman
from fsh_core.studies.evaluate import CASE_COLUMNS, Evaluation
from fsh_core.studies.statistics import FEWEST_CASES

NAMES = {
    "dice": "Dice",
    "normalised_dice": "Normalised Dice",
    "sensitivity": "Sensitivity",
    "precision": "Precision",
    "hd95_mm": "HD95 (mm)",
    "assd_mm": "ASSD (mm)",
    "volume_difference_ml": "Volume difference (ml)",
    "lesion_sensitivity": "Lesion sensitivity",
    "lesion_precision": "Lesion precision",
    "lesion_f1": "Lesion F1, any overlap",
    "lesion_f1_overlap10": "Lesion F1, 10 % overlap",
    "lesion_f1_overlap25": "Lesion F1, 25 % overlap",
    "lesion_f1_msseg": "Lesion F1, MSSEG",
    "lesion_f1_iou50": "Lesion F1, IoU above 0.5",
    "segmentation_quality": "Segmentation quality",
    "panoptic_quality": "Panoptic quality",
}
_VOXELS = tuple(NAMES)[:7]
_LESIONS = tuple(NAMES)[7:]
_IN_CASES = {
    "dice": "Dice",
    "normalised_dice": "nDSC",
    "lesion_f1": "Lesion F1",
    "panoptic_quality": "PQ",
    "hd95_mm": "HD95 (mm)",
    "reference_ml": "Reference (ml)",
    "prediction_ml": "Predicted (ml)",
    "reference_lesions": "Lesions",
    "detected_lesions": "Found",
    "false_lesions": "False",
}
_ABBREVIATIONS = {
    "nDSC, PQ": "Normalised Dice and panoptic quality.",
    "Found, false": "A lesion counts as found, or as real, when at least one voxel overlaps; "
    "lesions are 26-connected components.",
}
_COUNTED = [("Lesions", "reference"), ("Found", ""), ("Sensitivity", "")]
_COUNTED += [("Lesions", "predicted"), ("False", ""), ("Precision", "")]
_INTERVALS = "Intervals: 95 %, bootstrap over cases."


def write_evaluation_page(evaluation: Evaluation, path: str | Path, subtitle: str) -> None:
    """Write the page of one evaluation.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    cases, summary = evaluation.cases, by_name(evaluation.summary, "metric")
    limits = bland_altman(cases["reference_ml"], cases["prediction_ml"])
    numbers = [Number("Cases", str(len(cases)))]
    numbers += [
        Number(name, show(summary[column]["mean"], column))
        for column, name in (("dice", "Mean Dice"), ("lesion_f1", "Mean lesion F1"))
        if column in summary
    ]
    numbers.append(
        Number("Mean volume difference", show(limits.bias.value, "_ml", signed=True), "ml")
    )
    sections = [
        Section("Voxels and surfaces", table=_summary_table(summary, _VOXELS), note=_INTERVALS),
        Section("Lesions", table=_summary_table(summary, _LESIONS), note=_INTERVALS),
        Section(
            "Lesions by size",
            table=_size_table(cases),
            note="Over all lesions of all cases together.",
        ),
        *_region_section(evaluation.regions),
        _volume_section(cases, limits),
        _case_section(cases),
        *failures_section(evaluation.failures, "Not evaluated"),
    ]
    write_page(path, "Evaluation", subtitle, numbers, sections, definitions() | _ABBREVIATIONS)


def _summary_table(summary: Mapping[str, Row], columns: tuple[str, ...]) -> Table:
    """One row per metric: mean, interval, median, spread and number of cases."""
    rows = []
    for column in columns:
        if column not in summary:
            continue
        row = summary[column]
        signed = column == "volume_difference_ml"
        rows.append(
            [
                NAMES[column],
                show(row["mean"], column, signed),
                show_interval(row["ci_low"], row["ci_high"], column, signed),
                show(row["median"], column, signed),
                show(row["sd"], column),
                str(int(row["n"])),
            ]
        )
    return Table(
        [
            ("", ""),
            ("Mean", ""),
            ("Interval", "of the mean"),
            ("Median", ""),
            ("SD", ""),
            ("Cases", ""),
        ],
        rows,
    )


def _size_table(cases: pd.DataFrame) -> Table:
    """One row per size: lesions of all cases, and how many were found and false."""
    rows = []
    for size, words in SIZE_BINS.items():
        names = ("reference_lesions", "detected_lesions", "prediction_lesions", "false_lesions")
        counts = [int(cases[f"{name}_{size}"].sum()) for name in names]
        rows.append(
            [words.removesuffix(" in equivalent diameter").removeprefix("of "), *_counted(*counts)]
        )
    return Table([("Equivalent diameter", ""), *_COUNTED], rows)


def _counted(lesions: int, found: int, predicted: int, false: int) -> list[str]:
    """Write counts of lesions with their ratios, under the headings of `_COUNTED`."""
    sensitivity = found / lesions if lesions else float("nan")
    precision = 1 - false / predicted if predicted else float("nan")
    row = [f"{lesions:,}", f"{found:,}", show(sensitivity, "ratio")]
    return [*row, f"{predicted:,}", f"{false:,}", show(precision, "ratio")]


def _region_section(regions: pd.DataFrame | None) -> list[Section]:
    """One row per region: lesions of all cases, found and false; and why some have none."""
    if regions is None or regions.empty:
        return []
    known = regions[regions["note"] == ""]
    rows = []
    for name, lesions in known.groupby("region", sort=False):
        names = ("reference_lesions", "detected_lesions", "prediction_lesions", "false_lesions")
        row = [
            str(name).replace("_", " "),
            *_counted(*(int(lesions[column].sum()) for column in names)),
        ]
        row += [show(lesions[column].sum(), column) for column in ("reference_ml", "prediction_ml")]
        rows.append([*row, show(lesions["dice"].mean(), "dice")])
    headings = [
        ("Region", ""),
        *_COUNTED,
        ("Volume", "reference, ml"),
        ("Volume", "predicted, ml"),
        ("Dice", "mean"),
    ]
    note = (
        f"Over all lesions of {counted(known['case'].nunique(), 'case')} together, each lesion by "
        "its own region; Dice: mean over cases with lesions there. regions.csv has every case."
    )
    missing = regions[regions["note"] != ""]
    text = ""
    if len(missing):
        first = missing.iloc[0]
        text = (
            f"Not known in {counted(len(missing), 'case')}; of {first['case']} because: "
            f"{first['note']}."
        )
    table = Table(headings, rows) if rows else None
    return [Section("Lesions by region", text, table=table, note=note if rows else "")]


def _volume_section(cases: pd.DataFrame, limits: BlandAltman) -> Section:
    """Bland-Altman plot, with bias and limits of agreement in a sentence."""
    drawn = None
    if limits.n:
        panels = {
            "Predicted minus reference": (cases["reference_ml"], cases["prediction_ml"], limits)
        }
        drawn = draw_bland_altman(panels, what="lesion volume")
    return Section(
        "Volumes",
        describe_limits(limits, "The prediction"),
        drawn,
        "Difference of the volumes against their mean, a dot for each case",
        note="Lines: bias and limits of agreement (Bland and Altman 1999); shaded: "
        "their 95 % intervals.",
    )


def describe_limits(limits: BlandAltman, who: str) -> str:
    """Say bias and limits of agreement in a sentence."""
    if limits.n < FEWEST_CASES:
        return "Limits of agreement need at least two cases."
    return (
        f"{who} differs by {show(limits.bias.value, '_ml', signed=True)} ml on average "
        f"({show_interval(limits.bias.low, limits.bias.high, '_ml', signed=True)}); 95 % of "
        f"differences are expected between {show(limits.lower.value, '_ml', signed=True)} "
        f"({show_interval(limits.lower.low, limits.lower.high, '_ml', signed=True)}) and "
        f"{show(limits.upper.value, '_ml', signed=True)} ml "
        f"({show_interval(limits.upper.low, limits.upper.high, '_ml', signed=True)})."
    )


def _case_section(cases: pd.DataFrame) -> Section:
    """Every case, the least Dice first."""
    ordered = cases.sort_values(["dice", "case"])
    rows = [
        [str(row["case"]), *(show(row[name], name) for name in _IN_CASES)]
        for row in ordered.to_dict("records")
    ]
    headings = [("Case", ""), *((name, "") for name in _IN_CASES.values())]
    return Section(
        "Cases", table=Table(headings, rows), note="Least Dice first; cases.csv has every column."
    )


def definitions() -> dict[str, str]:
    """Definitions of the metrics on the page."""
    meanings = {}
    for column, name in NAMES.items():
        meaning = CASE_COLUMNS[column]
        for other in sorted(NAMES, key=len, reverse=True):
            if "_" in other:
                meaning = meaning.replace(other, NAMES[other])
        meanings[name] = meaning
    return meanings
