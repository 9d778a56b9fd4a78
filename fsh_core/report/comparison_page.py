"""HTML page of the comparison of two methods."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from fsh_core.figures.measurement_agreement import draw_differences
from fsh_core.report.evaluation_page import NAMES, definitions, describe_training_patients
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
    show_p,
    write_page,
)
from fsh_core.studies.bland_altman import Estimate
from fsh_core.studies.evaluate import Evaluation
from fsh_core.studies.mask_files import Failure

_DRAWN = ("dice", "normalised_dice", "lesion_f1", "lesion_sensitivity", "lesion_precision")


def write_comparison_page(
    first: Evaluation,
    second: Evaluation,
    comparison: pd.DataFrame,
    names: tuple[str, str],
    failures: list[Failure],
    path: str | Path,
    subtitle: str,
) -> None:
    """Write the page of two methods on the same cases.

    Parameters
    ----------
    first, second : Evaluation
        What `evaluate_folders` found for each.
    comparison : DataFrame
        From `fsh_core.studies.paired.compare_methods`.
    names : two str
        What the methods are called.
    failures : list of (name, sentence)
        Cases that could not be compared.
    path : path
        Ends in .html.
    subtitle : str
        What was compared.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    rows = by_name(comparison, "metric")
    pairs = first.counted.merge(second.counted, on="case", suffixes=("_1", "_2"))
    dice = rows["dice"]
    numbers = [
        *count_patients(pairs.assign(subject=pairs["subject_1"])),
        Number(f"Mean Dice, {names[0]}", show(dice["mean_first"], "dice")),
        Number(f"Mean Dice, {names[1]}", show(dice["mean_second"], "dice")),
        Number("Mean difference", show(dice["mean_difference"], "dice", signed=True)),
    ]
    said = describe_training_patients([first, second])
    sections = [
        *([Section("Patients that the weights learned from", said)] if said else []),
        _difference_section(rows, pairs, names),
        _paired_section(rows, names),
        _pairs_section(pairs, names),
    ]
    sections += failures_section(failures, "Not compared")
    write_page(path, f"{names[0]} and {names[1]}", subtitle, numbers, sections, definitions())


def _difference_section(
    rows: Mapping[str, Row], pairs: pd.DataFrame, names: tuple[str, str]
) -> Section:
    """The figure of differences, a dot for each case."""
    drawn = None
    if len(pairs):
        differences = {
            NAMES[name]: (pairs[f"{name}_2"] - pairs[f"{name}_1"]).to_numpy(dtype=float)
            for name in _DRAWN
        }
        intervals = {
            NAMES[name]: Estimate(
                *(float(rows[name][key]) for key in ("mean_difference", "ci_low", "ci_high"))
            )
            for name in _DRAWN
        }
        drawn = draw_differences(differences, intervals, names)
    return Section(
        "Differences, case by case",
        f"Right of 0, {names[1]} is higher. A dot is a case; "
        "the diamond is the mean with its 95 % interval.",
        drawn,
        "Difference of the two methods in each metric, a dot for each case",
    )


def _paired_section(rows: Mapping[str, Row], names: tuple[str, str]) -> Section:
    """The table of differences with interval and test."""
    cells = []
    for metric, name in NAMES.items():
        row = rows[metric]
        interval = show_interval(row["ci_low"], row["ci_high"], metric, signed=True)
        means = [show(row["mean_first"], metric), show(row["mean_second"], metric)]
        difference = show(row["mean_difference"], metric, signed=True)
        cases = [
            f"{row['n_higher']} / {row['n_lower']}",
            str(row["n_patients"]),
            str(row["n"]),
        ]
        cells.append([name, *means, difference, interval, *cases, show_p(row["wilcoxon_p"])])
    headings = [
        ("", ""),
        (names[0], "mean"),
        (names[1], "mean"),
        ("Difference", "mean"),
        ("Interval", "95 %"),
    ]
    headings += [
        ("Higher / lower", f"patients of {names[1]}"),
        ("Patients", ""),
        ("Scans", ""),
        ("p", "Wilcoxon"),
    ]
    note = (
        f"Differences: {names[1]} minus {names[0]}, over patients in which both have a value. "
        "Interval of the mean: bootstrap over patients, fixed seed. p: signed-rank test, "
        "two-sided, not adjusted for the number of rows; none with fewer than 6 patients who "
        "differ. For HD95 "
        "and ASSD lower is better; a volume difference is best near 0."
    )
    return Section("Means and tests", table=Table(headings, cells), note=note)


def _pairs_section(pairs: pd.DataFrame, names: tuple[str, str]) -> Section:
    """Both Dice and lesion F1 of every case, the largest loss first."""
    ordered = pairs.assign(difference=pairs["dice_2"] - pairs["dice_1"]).sort_values(
        ["difference", "case"]
    )
    rows = []
    for row in ordered.to_dict("records"):
        dice = [
            show(row["dice_1"], "dice"),
            show(row["dice_2"], "dice"),
            show(row["difference"], "dice", signed=True),
        ]
        f1 = [show(row["lesion_f1_1"], "f1"), show(row["lesion_f1_2"], "f1")]
        rows.append([str(row["case"]), *dice, *f1, show(row["reference_ml_1"], "_ml")])
    headings = [("Case", ""), ("Dice", names[0]), ("Dice", names[1]), ("Difference", "of Dice")]
    headings += [("Lesion F1", names[0]), ("Lesion F1", names[1]), ("Reference", "ml")]
    return Section("Cases", table=Table(headings, rows), note=f"Where {names[1]} loses most first.")
