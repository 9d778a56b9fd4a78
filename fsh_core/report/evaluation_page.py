"""HTML page of an evaluation."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from fsh_core.evaluation.lesionwise import SIZE_BINS
from fsh_core.report.page import (
    Number,
    Row,
    Section,
    Table,
    by_name,
    count_patients,
    failures_section,
    show,
    show_interval,
    write_page,
)
from fsh_core.report.volume_section import volume_sections
from fsh_core.studies.bland_altman import bland_altman
from fsh_core.studies.counting import counted
from fsh_core.studies.evaluate import CASE_COLUMNS, Evaluation
from fsh_core.studies.pooled import COUNTS, lesions_by_region, lesions_by_size
from fsh_core.studies.statistics import patients_of

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
_MOST_NAMED = 5
_INTERVALS = "Intervals: 95 %, bootstrap over patients."


def write_evaluation_page(evaluation: Evaluation, path: str | Path, subtitle: str) -> None:
    """Write the page of one evaluation.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    cases, summary = evaluation.counted, by_name(evaluation.summary, "metric")
    limits = bland_altman(cases["reference_ml"], cases["prediction_ml"], patients_of(cases))
    numbers = count_patients(cases)
    numbers += [
        Number(name, show(summary[column]["mean"], column))
        for column, name in (("dice", "Mean Dice"), ("lesion_f1", "Mean lesion F1"))
        if column in summary
    ]
    numbers.append(
        Number("Mean volume difference", show(limits.bias.value, "_ml", signed=True), "ml")
    )
    trained_on = describe_training_patients([evaluation])
    sections = [
        *([Section("Patients that the weights learned from", trained_on)] if trained_on else []),
        Section("Voxels and surfaces", table=_summary_table(summary, _VOXELS), note=_INTERVALS),
        Section("Lesions", table=_summary_table(summary, _LESIONS), note=_INTERVALS),
        Section(
            "Lesions by size",
            table=_size_table(cases),
            note="Over all lesions of all cases together.",
        ),
        *_region_section(_of_cases(evaluation.regions, cases)),
        *volume_sections(cases, limits, evaluation.volumes),
        _case_section(evaluation),
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
                str(int(row["n_patients"])),
                str(int(row["n"])),
            ]
        )
    return Table(
        [
            ("", ""),
            ("Mean", ""),
            ("Interval", "of the mean"),
            ("Median", ""),
            ("SD", "over patients"),
            ("Patients", ""),
            ("Scans", ""),
        ],
        rows,
    )


def _size_table(cases: pd.DataFrame) -> Table:
    """One row per size: lesions of all cases, and how many were found and false."""
    rows = []
    for row in lesions_by_size(cases).to_dict("records"):
        rows.append([size_name(row["size"]), *_counted(*(row[name] for name in COUNTS))])
    return Table([("Equivalent diameter", ""), *_COUNTED], rows)


def size_name(size: str) -> str:
    """Write a key of `fsh_core.evaluation.lesionwise.SIZE_BINS`: ``below 3 mm``."""
    return SIZE_BINS[size].removesuffix(" in equivalent diameter").removeprefix("of ")


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
    for found in lesions_by_region(regions).to_dict("records"):
        row = [found["region"].replace("_", " "), *_counted(*(found[name] for name in COUNTS))]
        row += [show(found[column], column) for column in ("reference_ml", "prediction_ml", "dice")]
        rows.append(row)
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


def _of_cases(regions: pd.DataFrame | None, cases: pd.DataFrame) -> pd.DataFrame | None:
    return None if regions is None else regions[regions["case"].isin(cases["case"])]


def describe_training_patients(evaluations: Sequence[Evaluation]) -> str:
    """Say how many cases the weights learned from, and whether they count; empty if none."""
    names = sorted({name for evaluation in evaluations for name in evaluation.trained_on})
    if not names:
        return ""
    counted_too = evaluations[0].with_training_patients
    ending = (
        "they count in the means all the same, which makes these too good."
        if counted_too
        else "they are marked in cases.csv and left out of all means (--with-training-patients "
        "counts them)."
    )
    return (
        f"The weights learned from the patients of {counted(len(names), 'case')} "
        f"({', '.join(names[:_MOST_NAMED])}{' …' if len(names) > _MOST_NAMED else ''}): {ending}"
    )


def _case_section(evaluation: Evaluation) -> Section:
    """Every case, the least Dice first."""
    marked = set(evaluation.trained_on)
    ordered = evaluation.cases.sort_values(["dice", "case"])
    rows = [
        [_marked(str(row["case"]), marked), *(show(row[name], name) for name in _IN_CASES)]
        for row in ordered.to_dict("records")
    ]
    headings = [("Case", ""), *((name, "") for name in _IN_CASES.values())]
    return Section(
        "Cases", table=Table(headings, rows), note="Least Dice first; cases.csv has every column."
    )


def _marked(case: str, trained_on: set[str]) -> str:
    return f"{case} (trained on)" if case in trained_on else case


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
