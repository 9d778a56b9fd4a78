"""A derivatives folder as two tables.

One row per case, one row per lesion, fast for a thousand cases.
"""

import math
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from fsh_core.derivatives import find_records, read_record
from fsh_core.errors import InputError
from fsh_core.file_names import (
    ANAT_ENDINGS,
    ANY_JOURNAL,
    CASES_TABLE,
    READERS_FILE,
    RECORD_ENDING,
    case_of_record,
    entries_in_anat,
)
from fsh_core.lesions.regions import REGIONS
from fsh_core.record import Record
from fsh_core.tables import TAB, read_table
from fsh_dashboard.data.flags import flag_cases
from fsh_dashboard.data.folder import Opened
from fsh_dashboard.data.lesion_tables import read_tables
from fsh_dashboard.data.participants import participant_files, with_participants
from fsh_dashboard.data.trial import cases_shown

COHORT_TABLE = CASES_TABLE
Stamp = tuple[str, int, int]
"""Path, bytes and time of the last change in ns of a file."""
NOT_SHOWN = ("flags", "weights_sha256", "input_path", "input_sha256")


@dataclass(frozen=True)
class Results:
    """Every case of a derivatives folder that could be read.

    Attributes
    ----------
    name : str
        The folder, relative to the opened one.
    cases : DataFrame
        One row per case: ``case``, ``subject``, ``session``, what was found, what made
        it, agreement with the reference under the names of
        `fsh_core.evaluation.case_metrics.CASE_COLUMNS`, columns of participants.tsv, and
        ``flags`` (text, comma-separated).
    lesions : DataFrame
        One row per lesion: ``case``, ``subject``, ``session``, then the columns of
        `fsh_core.lesions.measure.LESION_COLUMNS` and whatever else the tables hold.
    participant_columns : tuple of str
        Columns of ``cases`` that came from participants.tsv.
    problems : tuple of str
        One sentence for every file that was skipped.
    """

    name: str
    cases: pd.DataFrame
    lesions: pd.DataFrame
    participant_columns: tuple[str, ...]
    problems: tuple[str, ...]


def stamps_of(paths: Iterable[Path]) -> tuple[Stamp, ...]:
    """Give name, size and time of the files that are there: the same while nothing has changed."""
    stats = [(str(path), path.stat()) for path in paths if path.exists()]
    return tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats)


def fingerprint(opened: Opened, name: str) -> tuple[Stamp, ...]:
    """Name, size and time of everything `read_results` looks at.

    The same while nothing has changed.
    """
    return fingerprints(opened, name)[0]


def fingerprints(opened: Opened, name: str) -> tuple[tuple[Stamp, ...], tuple[Stamp, ...]]:
    """Name, size and time of the files of cases, and those of the journals of their readers.

    Both from one way through the folder, for a page that is drawn at every click.
    """
    folder = opened.root / name
    cases: list[Stamp] = []
    reviews: list[Stamp] = []
    of_cases = (RECORD_ENDING, ANAT_ENDINGS["table"])
    for entry in entries_in_anat(folder, *of_cases, ANY_JOURNAL):
        with suppress(FileNotFoundError):  # gone meanwhile, or a link to nothing
            stat = entry.stat()
            kind = cases if entry.name.endswith(of_cases) else reviews
            kind.append((entry.path, stat.st_size, stat.st_mtime_ns))
    others = (folder / COHORT_TABLE, folder / READERS_FILE, *participant_files(opened, folder))
    stats = [(str(path), path.stat()) for path in others if path.exists()]
    cases += [(path, stat.st_size, stat.st_mtime_ns) for path, stat in stats]
    return tuple(cases), tuple(reviews)


def read_results(opened: Opened, name: str) -> Results:
    """Read the cases of a derivatives folder; what is broken is named and skipped.

    Parameters
    ----------
    opened : Opened
        The opened folder; files that lead out of it are refused.
    name : str
        The derivatives folder, from `fsh_dashboard.data.folder.find_results`.

    Returns
    -------
    Results
        Tables and problems.
    """
    folder, inside = opened.root / name, opened.all_inside()
    rows: list[dict[str, Any]] = []
    tables: list[Path] = []
    problems: list[str] = []
    try:
        own = cases_shown(opened, folder)
    except InputError as error:
        own = set()
        problems.append(str(error).replace(f"{opened.root}/", ""))
    for path in find_records(folder):
        if own is not None and case_of_record(path) not in own:
            continue
        try:
            record = read_record(inside(path))
            row = _case_row(record) | {"record": opened.named(path)}
            table = inside(folder / record.table_file)
        except InputError as error:
            problems.append(str(error).replace(f"{opened.root}/", ""))
        else:
            rows.append(row)
            tables.append(table)
    lesions, broken = read_tables(rows, tables)
    problems += [
        f"{opened.named(tables[index])}: {reason}; the case was skipped"
        for index, reason in broken.items()
    ]
    cases = pd.DataFrame([row for index, row in enumerate(rows) if index not in broken])
    if cases.empty:
        return Results(name, pd.DataFrame(columns=["case"]), lesions, (), tuple(problems))
    cases, more = _with_cohort_table(_with_lesion_facts(cases, lesions), opened, folder)
    cases, columns, troubles = with_participants(cases, opened, folder)
    cases["flags"] = flag_cases(cases)
    return Results(name, cases, lesions, columns, (*problems, *more, *troubles))


def _case_row(record: Record) -> dict[str, Any]:
    """Flatten what a table shows of a record."""
    spacing_mm = record.grid.spacing_mm
    row: dict[str, Any] = {
        "case": record.case,
        "subject": record.subject,
        "session": record.session,
        "lesion_count": record.lesion_count,
        "lesion_volume_ml": record.lesion_volume_ml,
        "raw_lesion_volume_ml": record.raw_lesion_volume_ml,
        "brain_volume_ml": record.brain.volume_ml,
        "brain_source": record.brain.source,
        "voxel_mm": " × ".join(f"{size:.3g}" for size in spacing_mm),
        "voxel_volume_mm3": math.prod(spacing_mm),
        "seconds": record.run.seconds,
        "version": record.version,
        "weights": record.weights.name or "–",
        "weights_sha": record.weights.sha256 or "",
        "evaluated": record.evaluation is not None,
        "trained_on": {True: "yes", False: "no", None: None}[record.was_trained_on()],
    }
    row |= _optional_parts(record)
    scores = record.evaluation or {}
    return row | {name: record.score(name) for name in scores if name not in row}


def _optional_parts(record: Record) -> dict[str, Any]:
    """Flatten what not every record has."""
    row: dict[str, Any] = {}
    if record.lesion_volume_interval_ml is not None:
        row["volume_low_ml"] = record.lesion_volume_interval_ml.low
        row["volume_high_ml"] = record.lesion_volume_interval_ml.high
    if record.scan_uncertainty is not None:
        row["scan_uncertainty"] = record.scan_uncertainty
    # Plain values of a newer version are shown too, under the name of their part.
    for name, part in (("quality", record.quality), ("regions", record.regions)):
        values = part.to_json() if part is not None else {}
        row |= {
            f"{name}_{key}": value
            for key, value in values.items()
            if isinstance(value, str | int | float)
        }
    if "quality_verdict" in row:
        row["quality"] = row.pop("quality_verdict")
    return row


def _with_lesion_facts(cases: pd.DataFrame, lesions: pd.DataFrame) -> pd.DataFrame:
    """Add what the lesions say about a case."""
    grouped = lesions.groupby("case")
    facts = {"largest_lesion_mm3": grouped["volume_mm3"].max()}
    if "mean_probability" in lesions:
        facts["least_probability"] = grouped["mean_probability"].min()
    if "confidence" in lesions and lesions["confidence"].notna().any():
        facts["least_confidence"] = grouped["confidence"].min()
    if "touches_border" in lesions:
        facts["lesions_at_border"] = grouped["touches_border"].sum()
    if "region" in lesions:
        is_placed = grouped["region"].count() > 0
        for region in REGIONS:
            counts = (lesions["region"] == region).groupby(lesions["case"]).sum()
            facts[f"{region}_lesions"] = counts.where(is_placed)
    if "flags" in lesions:
        facts["flagged_lesions"] = (
            lesions["flags"].fillna("").astype(str).str.len().gt(0).groupby(lesions["case"]).sum()
        )
    cases = cases.copy()
    for name, values in facts.items():
        cases[name] = pd.to_numeric(cases["case"].map(values))
    return cases


def _with_cohort_table(
    cases: pd.DataFrame, opened: Opened, folder: Path
) -> tuple[pd.DataFrame, list[str]]:
    """Add what only ``cases.tsv`` knows of a case; rows are matched by their record."""
    path = folder / COHORT_TABLE
    if not path.is_file():
        return cases, []
    try:
        table = read_table(opened.inside(path), TAB, {"record": str})
        table = table.drop_duplicates("record").set_index("record")
    except (KeyError, InputError):
        return cases, [
            f"{opened.named(path)}: expected tabs and a column record, cannot be read; left out"
        ]
    prefix = "" if folder == opened.root else f"{opened.named(folder)}/"
    records = cases["record"].str.removeprefix(prefix)
    new = [str(column) for column in table if column not in cases and column not in NOT_SHOWN]
    return cases.assign(**{column: records.map(table[column]) for column in new}), []
