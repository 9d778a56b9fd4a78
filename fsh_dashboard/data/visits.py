"""What is known of every visit: when, on which scanner, how good; and which visits are missing."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from fsh_core.cases import Case
from fsh_core.derivatives import read_record
from fsh_core.errors import InputError
from fsh_core.follow_up.dates import date_of_scan, tables_with_dates, visit_order
from fsh_core.strict_json import parse_json
from fsh_core.tables import TAB, read_table
from fsh_dashboard.data.cohort_tables import Results
from fsh_dashboard.data.folder import Opened
from fsh_dashboard.data.participants import participant_files

ONE_VISIT, NO_DATE, NOT_SAID = "one visit", "no date", "not said"
VERDICTS = ("pass", "caution", "fail")
NO_VERDICT, NOT_SEGMENTED, MISSING = "no verdict", "not segmented", "missing"
STATES = (*VERDICTS, NO_VERDICT, NOT_SEGMENTED, MISSING)
"""Of a visit: what the quality check said of its scan, or why there is none."""
ADDED = ("visit", "month", "scanner_model", "sequence_name")
"""What `visit_facts` adds to the cases; a column of that name in participants.tsv is not shown."""
_SCANNER = ("Manufacturer", "ManufacturersModelName")
_SEQUENCE = ("ProtocolName", "SeriesDescription", "SequenceName", "ScanningSequence")
_LONGEST = 60  # letters of a name
_MOST_GROUPS = 40
_Door = Callable[[Path], Path]
"""What lets files of the opened folder in, from `Opened.all_inside`."""


def visit_facts(opened: Opened, results: Results, known: Mapping[str, Case]) -> pd.DataFrame:
    """Add to the cases when and on which scanner they were taken.

    Parameters
    ----------
    opened : Opened
        The opened folder; what lies outside of it is not read.
    results : Results
        Its cases.
    known : mapping of str to Case
        The scans of the data sets, from `fsh_dashboard.data.sources.known_cases`.

    Returns
    -------
    DataFrame
        The cases with ``visit``, ``month`` (such as ``2024-03``, from the tables of dates beside
        the scan), ``scanner_model`` and ``sequence_name`` (from the JSON beside the scan). What
        no file says is `NO_DATE` or `NOT_SAID`.
    """
    inside = opened.all_inside()
    rows = [
        _facts(inside, _scan(inside, str(case), str(record), known))
        for case, record in zip(results.cases["case"], results.cases["record"], strict=True)
    ]
    facts = pd.DataFrame(rows, results.cases.index, ["month", "scanner_model", "sequence_name"])
    visits = results.cases["session"].fillna("").astype(str).replace("", ONE_VISIT)
    return results.cases.assign(visit=visits, **{str(name): facts[name] for name in facts})


def grouping_columns(facts: pd.DataFrame, results: Results) -> list[str]:
    """List what visits can be grouped by: scanner, sequence, and participants' columns of words."""
    own = [
        name for name in ("scanner_model", "sequence_name", "voxel_mm") if facts[name].nunique() > 1
    ]
    words = [
        name
        for name in results.participant_columns
        if name not in ADDED
        and not pd.api.types.is_float_dtype(facts[name])
        and 1 < facts[name].nunique() < _MOST_GROUPS
    ]
    # A site is what one asks for first.
    return sorted([*words, *own], key=lambda name: "site" not in name.lower())


def quality_by(facts: pd.DataFrame, group: str | None, period: str) -> pd.DataFrame:
    """Count the verdicts of the quality check by group and time.

    Parameters
    ----------
    facts : DataFrame
        From `visit_facts`.
    group : str or None
        A column of it; None for all together.
    period : {'month', 'visit'}
        What time is told by.

    Returns
    -------
    DataFrame
        ``group``, ``period``, ``n``, a column for each of `VERDICTS` and `NO_VERDICT`, and
        ``failed``: the share of ``fail`` among scans with a verdict, NaN where none has one.
    """
    groups = facts[group].fillna(NOT_SAID).astype(str) if group else "all"
    told = pd.DataFrame({"group": groups, "period": facts[period], "verdict": _verdicts(facts)})
    counts = told.groupby(["group", "period"])["verdict"].value_counts().unstack(fill_value=0)
    counts = counts.reindex(columns=[*VERDICTS, NO_VERDICT], fill_value=0)
    with_verdict = counts[list(VERDICTS)].sum(axis=1)
    counts.insert(0, "n", counts.sum(axis=1))
    counts["failed"] = (counts["fail"] / with_verdict).where(with_verdict > 0)
    table = counts.reset_index()
    table.columns.name = None
    places = list(zip(table["group"], table["period"], strict=True))
    order = sorted(range(len(table)), key=lambda row: tuple(map(reading_order, places[row])))
    return table.iloc[order].reset_index(drop=True)


def reading_order(name: str) -> tuple[bool, tuple[tuple[bool, int | str], ...]]:
    """Key that sorts visits, months and groups as people count; what is not said comes last."""
    return name in (NO_DATE, NOT_SAID), visit_order(name)


def visit_matrix(
    facts: pd.DataFrame, known: Iterable[Case], participants: Iterable[str]
) -> pd.DataFrame:
    """Say of every patient and visit whether it is there.

    Parameters
    ----------
    facts : DataFrame
        From `visit_facts`.
    known : iterable of Case
        The scans of the data sets, segmented or not.
    participants : iterable of str
        Patients who should have visits, without ``sub-``.

    Returns
    -------
    DataFrame
        ``patient``, ``visit``, ``case`` (empty where there is none) and ``state``, one of
        `STATES`; a row for each patient and each visit that any patient has.
    """
    states = {
        (str(subject), str(visit)): (str(case), verdict)
        for subject, visit, case, verdict in zip(
            facts["subject"], facts["visit"], facts["case"], _verdicts(facts), strict=True
        )
    }
    for case in known:
        key = (case.subject, case.session or ONE_VISIT)
        states.setdefault(key, ("", NOT_SEGMENTED))
    patients = sorted({subject for subject, _ in states} | set(participants), key=visit_order)
    visits = sorted({visit for _, visit in states}, key=visit_order)
    return pd.DataFrame(
        [
            (f"sub-{patient}", visit, *states.get((patient, visit), ("", MISSING)))
            for patient in patients
            for visit in visits
        ],
        columns=["patient", "visit", "case", "state"],
    )


def participants_of(opened: Opened, results: Results) -> list[str]:
    """List the patients of the study's participants.tsv, without ``sub-``; none where it is not."""
    files = participant_files(opened, opened.root / results.name)
    path = next((path for path in files if path.is_file()), None)
    if path is None:
        return []
    try:
        people = read_table(opened.inside(path), TAB, {"participant_id": str})["participant_id"]
    except (KeyError, InputError):  # the page names it among what was skipped
        return []
    return [name.removeprefix("sub-") for name in people if name]


def _verdicts(facts: pd.DataFrame) -> "pd.Series[str]":
    if "quality" not in facts:
        return pd.Series(NO_VERDICT, facts.index)
    return facts["quality"].where(facts["quality"].isin(VERDICTS), NO_VERDICT)


def _scan(inside: _Door, case: str, record: str, known: Mapping[str, Case]) -> Path | None:
    """Find the scan of a case, by its name in the data sets or by its record, if it is inside."""
    try:
        if case in known:
            return inside(known[case].flair)
        found = read_record(inside(Path(record)))
        return inside(found.path_of(found.flair))
    except InputError:
        return None


def _facts(inside: _Door, flair: Path | None) -> tuple[str, str, str]:
    if flair is None:
        return NO_DATE, NOT_SAID, NOT_SAID
    date = None
    if all(_is_inside(inside, table) for table in tables_with_dates(flair)):
        date = date_of_scan(flair)
    said = _sidecar(inside, flair)
    scanner = [said[key] for key in _SCANNER if key in said]
    if scanner and "MagneticFieldStrength" in said:
        scanner.append(f"{said['MagneticFieldStrength'].removesuffix('.0')} T")
    sequence = next((said[key] for key in _SEQUENCE if key in said), NOT_SAID)
    return f"{date:%Y-%m}" if date else NO_DATE, " ".join(scanner) or NOT_SAID, sequence


def _is_inside(inside: _Door, path: Path) -> bool:
    try:
        inside(path)
    except InputError:
        return False
    return True


def _sidecar(inside: _Door, flair: Path) -> dict[str, str]:
    """Read the JSON beside a scan, as far as it holds words and numbers; empty where it cannot."""
    name = flair.name.removesuffix(".gz").removesuffix(".nii") + ".json"
    try:
        content: Any = parse_json(inside(flair.with_name(name)).read_bytes())
    except (InputError, OSError, ValueError):
        return {}
    values = content.items() if isinstance(content, dict) else ()
    return {
        str(key): f"{value}".strip()[:_LONGEST]
        for key, value in values
        if isinstance(value, str | int | float) and f"{value}".strip()
    }
