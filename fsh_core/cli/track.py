"""``fsh track``: what changed between the visits of a patient."""

import os.path
import re
import time
from collections.abc import Sequence
from pathlib import Path

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from fsh_core.cases import Case, discover_cases
from fsh_core.cases.raw import is_own_output
from fsh_core.cli.segment import segment_command
from fsh_core.cli.terminal import print_failures
from fsh_core.config import SegmentConfig
from fsh_core.derivatives import derivative_paths, find_records
from fsh_core.derivatives.layout import track_paths
from fsh_core.errors import InputError, sentence_of
from fsh_core.file_names import CHANGES_TABLE, TRACKS_TABLE
from fsh_core.files import sha256_of
from fsh_core.follow_up import (
    TrackRecord,
    find_patients,
    read_track,
    read_visits,
    why_stale_track,
    write_track,
    write_track_cohort,
)
from fsh_core.locks import clear_after_killed
from fsh_core.report.track_page import write_track_page
from fsh_core.tracking import TrackConfig, track_visits

DEFAULT_OUT = Path("derivatives/fsh")
_COLUMNS = ("new", "enlarging", "shrinking", "resolved", "uncertain")


def track_command(
    inputs: Sequence[Path],
    out: Path | None,
    weights: Path | None,
    config: SegmentConfig,
    force: bool,
) -> list[str]:
    """Follow the lesions of patients from visit to visit; a bad patient does not stop the others.

    Parameters
    ----------
    inputs : sequence of Path
        The scans of one patient's visits in their order, a BIDS dataset with sessions, or what
        ``fsh segment`` wrote.
    out : Path or None
        The derivatives folder; None is that of ``fsh segment``, or the input where that is one.
    weights : Path or None
        None is the bundled default.
    config : SegmentConfig
        Settings of the segmentation.
    force : bool
        Follow again what is followed already.

    Returns
    -------
    list of str
        One sentence for each patient that failed.

    Raises
    ------
    InputError
        If there is nothing to follow.
    """
    console = Console()
    order: list[str] | None = None
    failed: list[str] = []
    if _is_segmented(inputs):
        if out is not None and out.resolve() != inputs[0].resolve():
            raise InputError(
                f"-o {out}: results are followed where they are, in {inputs[0]}; leave -o away"
            )
        folder = inputs[0]
        clear_after_killed(folder)
        patients, alone = find_patients(folder)
    else:
        folder = out or DEFAULT_OUT
        cases, order = choose_visits(inputs, failed)
        failed += segment_command(cases, folder, weights, config, force=False)
        patients, alone = _segmented(cases, folder)
    for subject in alone:
        console.print(f"sub-{subject}: one visit only, nothing to compare with", soft_wrap=True)
    if not patients:
        raise InputError(
            f"{inputs[0]}: expected at least two visits of a patient, found "
            f"{len(alone)} patient(s) with one; name the scans of all visits"
        )
    records = []
    for subject, paths in patients.items():
        try:
            records.append(_follow(subject, paths, order, folder, force, console))
        except Exception as error:  # whatever it is, the other patients are not affected
            failed.append(sentence_of(error, f"sub-{subject}"))
            console.print(f"sub-{subject}: failed")
    failed += write_track_cohort(folder)
    _show(records, folder, console)
    print_failures(failed)
    return failed


def choose_visits(inputs: Sequence[Path], failed: list[str]) -> tuple[list[Case], list[str] | None]:
    """Turn the command's words into cases.

    Returns
    -------
    cases : list of Case
        The scans to segment.
    order : list of str or None
        Names of the visits of the one patient, as they were given; None of a dataset.

    Raises
    ------
    InputError
        If there is one scan only, or the scans are of several patients.
    """
    if len(inputs) == 1 and inputs[0].is_dir():
        cases = discover_cases(inputs[0], on_problem=lambda error: failed.append(str(error)))
        return cases, None
    if len(inputs) == 1:
        raise InputError(
            f"{inputs[0]}: expected two visits or more, got one scan; name those of all visits"
        )
    found = [_one(path) for path in inputs]
    named = {case.subject for case, is_named in found if is_named}
    if len(named) > 1:
        raise InputError(
            f"{inputs[-1]}: expected visits of one patient, found scans of "
            f"{', '.join(f'sub-{name}' for name in sorted(named))}; follow one patient at a time"
        )
    _check_different([case.flair for case, _ in found])
    subject = named.pop() if named else _common_name([case.subject for case, _ in found])
    sessions = [case.session for case, _ in found]
    if None in sessions or len(set(sessions)) < len(sessions):
        sessions = [str(number) for number in range(1, len(found) + 1)]
    visits = [
        Case(subject, session, case.channels, case.reference, case.brain)
        for (case, _), session in zip(found, sessions, strict=True)
    ]
    return visits, [str(session) for session in sessions]


def _one(path: Path) -> tuple[Case, bool]:
    """Return the one scan that a path names, and whether its name says whose it is."""
    cases = discover_cases(path)
    if len(cases) > 1:
        raise InputError(
            f"{path}: expected the scan of one visit, found {len(cases)}; name the file"
        )
    return cases[0], cases[0].flair.name.startswith("sub-")


def _check_different(scans: Sequence[Path]) -> None:
    """Refuse the same scan as two visits, before anything is computed."""
    seen: dict[str, Path] = {}
    for scan in scans:
        same = seen.setdefault(sha256_of(scan), scan)
        if same is not scan:
            raise InputError(
                f"{scan}: expected another scan than {same}, found the same; "
                "name the scan of each visit"
            )


def _common_name(names: Sequence[str]) -> str:
    """Return what the names begin with in common, or ``patient``."""
    common = os.path.commonprefix(list(names))  # noqa: RUF071 - letter by letter is what is meant
    return re.sub(r"\d+$", "", common) or "patient"


def _is_segmented(inputs: Sequence[Path]) -> bool:
    """Tell whether the input is a folder of results."""
    return len(inputs) == 1 and is_own_output(inputs[0]) and bool(find_records(inputs[0]))


def _segmented(cases: Sequence[Case], folder: Path) -> tuple[dict[str, list[Path]], list[str]]:
    """Group the records of the cases by patient; those that failed are left out."""
    found: dict[str, list[Path]] = {}
    for case in cases:
        record = derivative_paths(case, folder)["record"]
        if record.is_file():
            found.setdefault(case.subject, []).append(record)
    several = {subject: paths for subject, paths in found.items() if len(paths) > 1}
    return several, [subject for subject in found if subject not in several]


def _follow(
    subject: str,
    paths: Sequence[Path],
    order: list[str] | None,
    folder: Path,
    force: bool,
    console: Console,
) -> TrackRecord:
    """Follow one patient, unless what is there is current."""
    started = time.perf_counter()
    config = TrackConfig()
    visits, rests_on = read_visits(paths, order)
    reason = why_stale_track(subject, visits, rests_on, folder, config)
    record_path = track_paths(subject, folder)["record"]
    if reason is None and not force:
        console.print(f"sub-{subject}: done already ({record_path}); --force does it again",
                      soft_wrap=True)  # fmt: skip
        return read_track(record_path).record
    for visit in visits:
        if visit.reader is not None:
            console.print(f"sub-{subject} {visit.name}: lesions as corrected by {visit.reader}",
                          markup=False)  # fmt: skip
    with console.status(f"sub-{subject}: comparing {len(visits)} visits"):
        track = track_visits([visit.load() for visit in visits], config)
        record, _ = write_track(
            subject,
            visits,
            rests_on,
            track,
            folder,
            config=config,
            started=started,
            write_report=write_track_page,
        )
    return record


def _show(records: Sequence[TrackRecord], folder: Path, console: Console) -> None:
    """Print a row for every two visits."""
    if not records:
        return
    table = Table(title="Changes between visits", box=SIMPLE, padding=(0, 1, 0, 0))
    for name in ("patient", "from", "to", "verdict", *_COLUMNS):
        table.add_column(name, justify="right" if name in _COLUMNS else "left", no_wrap=True)
    remarks = []
    for record in records:
        for pair in record.pairs:
            counts = [str(pair.counts.get(kind, 0)) for kind in _COLUMNS]
            table.add_row(record.subject, pair.earlier, pair.later, pair.verdict, *counts)
            if pair.verdict != "pass":
                where = f"sub-{record.subject} {pair.earlier} → {pair.later}"
                remarks.append(f"{where}: {pair.verdict}, {'; '.join(pair.reasons)}")
    console.print(table)
    for remark in remarks:
        console.print(remark, markup=False, soft_wrap=True)
    reports = [str(track_paths(record.subject, folder)["report"]) for record in records]
    console.print(
        f"Written: {', '.join(reports)}; {folder / TRACKS_TABLE}, {folder / CHANGES_TABLE}",
        soft_wrap=True,
    )
