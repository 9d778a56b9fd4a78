"""``fsh evaluate``: predictions against references, one method or two."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from fsh_core.cli.scan_anatomy import anatomy_of
from fsh_core.cli.terminal import print_failures
from fsh_core.errors import InputError
from fsh_core.report.comparison_page import write_comparison_page
from fsh_core.report.evaluation_page import describe_training_patients, write_evaluation_page
from fsh_core.report.page import by_name, show, show_interval, show_p
from fsh_core.studies.counting import counted, patients_and_scans
from fsh_core.studies.evaluate import Evaluation, evaluate_folders, write_evaluation
from fsh_core.studies.mask_files import Failure
from fsh_core.studies.paired import PAIRED_COLUMNS, compare_methods
from fsh_core.studies.raters import distinct_names
from fsh_core.studies.tables import write_tables

_SHOWN = (
    "dice",
    "normalised_dice",
    "sensitivity",
    "precision",
    "lesion_f1",
    "lesion_sensitivity",
    "lesion_precision",
    "panoptic_quality",
    "hd95_mm",
    "assd_mm",
)
_PATHS = 2  # predictions, references
_PATHS_TO_COMPARE = 3  # predictions of either method, references
_RULE = "A lesion counts as found when at least one voxel overlaps; lesions are 26-connected."


def evaluate_command(
    paths: Sequence[Path],
    compare: bool,
    out: Path,
    with_training_patients: bool = False,
    regions: bool = True,
) -> list[str]:
    """Compare, write tables and page, print the summary.

    Parameters
    ----------
    paths : sequence of path
        Predictions and references; with ``compare`` two methods' predictions and the
        references.
    compare : bool
        Whether two methods are compared.
    out : path
        Folder for what is written.
    with_training_patients : bool
        Whether patients that the weights learned from count in the means.
    regions : bool
        Whether to evaluate by region too, which registers every scan; never with ``compare``.

    Returns
    -------
    list of str
        One sentence for each case that could not be compared.

    Raises
    ------
    InputError
        If the number of paths is wrong, if nothing could be compared, or if a file
        cannot be written.
    """
    wanted = _PATHS_TO_COMPARE if compare else _PATHS
    if len(paths) != wanted:
        expected = (
            "two methods' predictions and the references (A B REFERENCES)"
            if compare
            else "predictions and references"
        )
        is_two_methods = not compare and len(paths) >= _PATHS_TO_COMPARE
        more = "; to compare two methods add --compare" if is_two_methods else ""
        raise InputError(f"evaluate needs {expected}, got {counted(len(paths), 'path')}{more}")
    failures = (
        _compare(paths[0], paths[1], paths[2], out, with_training_patients)
        if compare
        else _evaluate(paths[0], paths[1], out, with_training_patients, regions)
    )
    sentences = [sentence for _, sentence in failures]
    print_failures(sentences)
    return sentences


def _evaluate(
    predictions: Path, references: Path, out: Path, with_training_patients: bool, regions: bool
) -> list[Failure]:
    """One method against the references."""
    console = Console()
    evaluation = evaluate_folders(
        predictions,
        references,
        find_anatomy=anatomy_of if regions else None,
        with_training_patients=with_training_patients,
    )
    written = write_evaluation(evaluation, out)
    page = out / "evaluation.html"
    write_evaluation_page(evaluation, page, f"{predictions} against {references}")
    table = Table(
        title=f"{patients_and_scans(evaluation.counted)}: "
        "means with 95 % bootstrap intervals over patients"
    )
    for name in ("metric", "mean", "95 % interval", "median", "patients", "scans"):
        table.add_column(name, justify="left" if name == "metric" else "right")
    rows = by_name(evaluation.summary, "metric")
    for metric in _SHOWN:
        if metric in rows:
            row = rows[metric]
            interval = show_interval(row["ci_low"], row["ci_high"], metric)
            table.add_row(
                metric,
                show(row["mean"], metric),
                interval,
                show(row["median"], metric),
                str(row["n_patients"]),
                str(row["n"]),
            )
    console.print(table)
    if said := describe_training_patients([evaluation]):
        console.print(said, soft_wrap=True)
    _say_written(console, [*written, page])
    return evaluation.failures


def _compare(
    first: Path, second: Path, references: Path, out: Path, with_training_patients: bool
) -> list[Failure]:
    """Two methods against the same references."""
    names = _names(first, second)
    methods = [
        evaluate_folders(predictions, references, with_training_patients=with_training_patients)
        for predictions in (first, second)
    ]
    failures = _failures(methods, names)
    comparison = compare_methods(methods[0].counted, methods[1].counted)
    if not set(methods[0].cases["case"]) & set(methods[1].cases["case"]):
        raise InputError(
            f"{first} and {second}: no case could be evaluated in both, "
            "so there is nothing to compare"
            + (f"; the first problem is: {failures[0][1]}" if failures else "")
        )
    written = [
        path
        for method, evaluation in zip(("first", "second"), methods, strict=True)
        for path in write_evaluation(evaluation, out / method)
    ]
    written += write_tables({"comparison.csv": (comparison, PAIRED_COLUMNS)}, failures, out)
    page = out / "comparison.html"
    subtitle = f"{first} (first) and {second} (second), both against {references}"
    write_comparison_page(methods[0], methods[1], comparison, names, failures, page, subtitle)
    console = Console()
    console.print(_comparison_table(comparison, names, methods))
    if said := describe_training_patients(methods):
        console.print(said, soft_wrap=True)
    console.print(
        "Differences are second minus first. p is not adjusted for the number of rows; there is "
        "none with fewer than 6 patients who differ.",
        soft_wrap=True,
    )
    _say_written(console, [*written, page])
    return failures


def _comparison_table(
    comparison: pd.DataFrame, names: tuple[str, str], methods: Sequence[Evaluation]
) -> Table:
    rows = by_name(comparison, "metric")
    first, second = (method.counted for method in methods)
    common = first[first["case"].isin(second["case"])]
    table = Table(
        title=f"{patients_and_scans(common)} in both: {names[0]} (first) and {names[1]} (second), "
        "means over the same patients",
        box=SIMPLE_HEAD,  # without lines between the columns all numbers fit into 80 characters
        show_edge=False,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    headings = ("first", "second", "second − first", "95 % interval", "patients (scans)", "p")
    for name in ("metric", *headings):
        table.add_column(
            name,
            justify="left" if name == "metric" else "right",
            no_wrap=name not in ("second − first", "patients (scans)"),
        )
    for metric in _SHOWN:
        row = rows[metric]
        interval = show_interval(row["ci_low"], row["ci_high"], metric, signed=True)
        means = [show(row[name], metric) for name in ("mean_first", "mean_second")]
        difference = show(row["mean_difference"], metric, signed=True)
        sizes = f"{row['n_patients']} ({row['n']})"
        table.add_row(metric, *means, difference, interval, sizes, show_p(row["wilcoxon_p"]))
    return table


def _names(first: Path, second: Path) -> tuple[str, str]:
    for path in (first, second):
        if not path.exists():
            raise InputError(f"{path}: no such file or folder; check the name")
    if first.resolve() == second.resolve():
        raise InputError(f"{first}: is named as both methods; name the predictions of another one")
    first_name, second_name = distinct_names([first, second])
    return first_name, second_name


def _failures(methods: list[Evaluation], names: tuple[str, str]) -> list[Failure]:
    """The cases that one method or both lack, each with the method it concerns."""
    return sorted(
        (name, f"{sentence} ({method})" if method not in sentence else sentence)
        for evaluation, method in zip(methods, names, strict=True)
        for name, sentence in evaluation.failures
    )


def _say_written(console: Console, written: list[Path]) -> None:
    console.print(f"{_RULE} Written: {', '.join(str(path) for path in written)}", soft_wrap=True)
