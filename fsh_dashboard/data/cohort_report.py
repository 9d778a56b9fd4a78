"""A cohort frozen as one HTML page or PDF: what was counted, of which files, by which weights.

Nothing in it is of the clock or of the machine, so that the same files and filters give the same
bytes.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from fsh_core.derivatives import read_record
from fsh_core.errors import InputError
from fsh_core.evaluation.case_metrics import CASE_COLUMNS
from fsh_core.file_names import case_of_record, split_journal_name
from fsh_core.files import sha256_of
from fsh_core.report.page import (
    MISSING,
    Number,
    Section,
    Table,
    count_patients,
    page_html,
    show,
    show_interval,
)
from fsh_core.report.pdf import page_pdf
from fsh_core.studies.counting import counted
from fsh_core.studies.statistics import summarise
from fsh_dashboard.data.cohort_tables import Results
from fsh_dashboard.data.columns import MAIN_METRICS, label_of
from fsh_dashboard.data.folder import Opened
from fsh_dashboard.data.group_numbers import without_trained
from fsh_dashboard.data.participants import participant_files
from fsh_dashboard.data.reviews import journals

NUMBERS = (
    *("lesion_count", "lesion_volume_ml", "reviewed_lesion_count", "reviewed_lesion_volume_ml"),
    *("brain_volume_ml", *MAIN_METRICS),
)
IN_CASES = ("lesion_count", "lesion_volume_ml", "dice", "quality", "flags", "review")
HEADINGS = [("", ""), ("Mean", ""), ("Interval", "95 %"), ("Median", ""), ("SD", "over patients")]
HEADINGS += [("Patients", ""), ("Scans", "")]
DEFINITIONS = {
    "Mean, median, SD": "Over patients: the visits of one are averaged, and each counts once. "
    "Undefined values are left out.",
    "Interval": "95 % bootstrap interval of the mean over patients (2,000 draws, fixed seed); none "
    "for fewer than five.",
    "SHA-256 of the data": "Of the list of files as sha256sum writes it (hash, two spaces, path, "
    "end of line), sorted by path.",
    "Scores": "Without patients that the weights learned from.",
}


class Report(NamedTuple):
    """The parts of a frozen cohort, as `fsh_core.report.page.page_html` takes them."""

    title: str
    subtitle: str
    numbers: list[Number]
    sections: list[Section]
    definitions: dict[str, str]

    def html(self) -> bytes:
        """Return one HTML file that asks for nothing from outside and prints on A4."""
        return page_html(*self).encode()

    def pdf(self) -> bytes:
        """Return the same as PDF."""
        return page_pdf(*self)


def cohort_report(
    opened: Opened, results: Results, cases: pd.DataFrame, filters: Sequence[str]
) -> Report:
    """Freeze the cases that are shown.

    Parameters
    ----------
    opened : Opened
        The opened folder.
    results : Results
        What was read of it.
    cases : DataFrame
        Rows of ``results.cases``.
    filters : sequence of str
        What was filtered by, in words; none if all cases are in it.

    Raises
    ------
    InputError
        If a file is gone meanwhile, or leads out of the opened folder.
    """
    cases = cases.sort_values("case", kind="stable")
    files = sorted(_files(opened, results, cases), key=lambda path: opened.named(path))
    hashes = {opened.named(path): _hash_of(opened, path) for path in files}
    sections = [
        Section("What this is of", points=_origin(opened, results, cases, filters, hashes)),
        Section("Numbers by patient", table=Table(HEADINGS, _number_rows(cases))),
        Section("Cases", table=_case_table(cases)),
        Section(
            "Files",
            table=Table([("", ""), ("SHA-256", "")], [list(item) for item in hashes.items()]),
            note="Records and lesion tables of these cases, journals of their readers, and what is "
            "known of the patients. The SHA-256 of each scan stands in its record.",
        ),
    ]
    numbers = [
        *count_patients(cases),
        Number("Lesions", f"{int(cases['lesion_count'].sum()):,}"),
        Number("Median volume of a scan", show(cases["lesion_volume_ml"].median(), "_ml"), "ml"),
    ]
    title = "Cohort report"
    subtitle = "Frozen: the same files and filters give the same bytes."
    return Report(title, subtitle, numbers, sections, _definitions(cases))


def data_sha256(hashes: dict[str, str]) -> str:
    """Hash a list of files as ``sha256sum`` writes it.

    Parameters
    ----------
    hashes : dict of str to str
        Path -> SHA-256, in the order of the list.
    """
    listed = "".join(f"{sha256}  {path}\n" for path, sha256 in hashes.items())
    return hashlib.sha256(listed.encode()).hexdigest()


def _files(opened: Opened, results: Results, cases: pd.DataFrame) -> Iterator[Path]:
    """Everything that the numbers of these cases come from."""
    folder = opened.root / results.name
    records = [opened.root / record for record in cases["record"]]
    known = {_start(record) for record in records}
    for path in records:
        yield path
        yield folder / read_record(opened.inside(path)).table_file
    for path in journals(opened, results.name):
        if path.with_name(split_journal_name(path.name)[0]) in known:
            yield path
    people = (path for path in participant_files(opened, folder) if path.is_file())
    inside = (path for path in people if path.is_relative_to(opened.root))
    yield from list(inside)[:1]


def _start(record: Path) -> Path:
    return record.with_name(case_of_record(record))


def _hash_of(opened: Opened, path: Path) -> str:
    try:
        return sha256_of(opened.inside(path))
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or error}); load the page again"
        ) from None


def _origin(
    opened: Opened,
    results: Results,
    cases: pd.DataFrame,
    filters: Sequence[str],
    hashes: dict[str, str],
) -> list[str]:
    """Say what was counted, of which files, by which program and weights."""
    dates = {read_record(opened.inside(record)).run.date for record in cases["record"]}
    place = "the opened folder" if results.name == "." else results.name
    last = max((date for date in dates if date), default="")
    when = f"the last of them on {last}" if last else "the records do not say when"
    said = [
        f"{len(cases):,} of {counted(len(results.cases), 'case')} in {place}",
        f"Filters: {'; '.join(filters) if filters else 'none, all cases'}",
        f"SHA-256 of the data: {data_sha256(hashes)} ({counted(len(hashes), 'file')})",
        f"Segmented by F.sh {_words(cases['version'])}, {when}",
    ]
    weights = cases[["weights", "weights_sha"]].drop_duplicates().sort_values("weights_sha")
    for row in weights.to_dict("records"):
        said.append(f"Weights: {row['weights']}, SHA-256 {row['weights_sha'] or 'not known'}")
    if len(results.problems):
        said.append(f"Skipped: {counted(len(results.problems), 'file or value')} of this folder")
    return said


def _words(values: Iterable[object]) -> str:
    return ", ".join(sorted({str(value) for value in values}))


def _number_rows(cases: pd.DataFrame) -> list[list[str]]:
    known = without_trained(cases)
    names = [name for name in NUMBERS if name in known and known[name].notna().any()]
    return [
        [
            label_of(row["metric"]),
            show(row["mean"], row["metric"]),
            show_interval(row["ci_low"], row["ci_high"], row["metric"]),
            show(row["median"], row["metric"]),
            show(row["sd"], row["metric"]),
            f"{row['n_patients']}",
            f"{row['n']}",
        ]
        for row in summarise(known, names).to_dict("records")
    ]


def _case_table(cases: pd.DataFrame) -> Table:
    columns = [name for name in IN_CASES if name in cases and cases[name].notna().any()]
    rows = [
        [str(row["case"]), *(_cell(row[name], name) for name in columns)]
        for row in cases.to_dict("records")
    ]
    return Table([("Case", ""), *((label_of(name), "") for name in columns)], rows)


def _cell(value: object, column: str) -> str:
    if isinstance(value, str):
        return value or MISSING
    number = float(value) if isinstance(value, int | float) else float("nan")
    return show(number, "lesions" if column == "lesion_count" else column)


def _definitions(cases: pd.DataFrame) -> dict[str, str]:
    scores = {label_of(name): CASE_COLUMNS[name] for name in MAIN_METRICS if name in cases}
    return DEFINITIONS | scores
