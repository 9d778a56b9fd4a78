"""The followed patients of a derivatives folder as tables: intervals, visits, changes, tracks."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd

from fsh_core.errors import InputError
from fsh_core.file_names import TRACKS_ENDINGS, TRACKS_FOLDER
from fsh_core.follow_up import TrackRecord, find_tracks
from fsh_core.follow_up.record import read_track_record
from fsh_dashboard.data.change_tables import CHANGES, TRACKS, read_change_tables
from fsh_dashboard.data.folder import Opened

COMPARABLE = ("pass", "caution")
COUNTED = ("new", "enlarging", "shrinking", "resolved", "uncertain")
INTERVALS = (
    *("patient", "interval", "from_visit", "to_visit", "days", "verdict", "reasons", "comparable"),
    *COUNTED,
    *("volume_before_ml", "volume_after_ml", "volume_change_ml", "volume_change_percent"),
)
VISITS = (
    *("patient", "number", "visit", "date", "days", "lesion_count", "lesion_volume_ml"),
    *("volume_low_ml", "volume_high_ml", "lesions_by", "quality", "record"),
)


@dataclass(frozen=True)
class Followed:
    """Every followed patient of a derivatives folder that could be read.

    Attributes
    ----------
    records : dict of str to TrackRecord
        By patient (``sub-X``).
    intervals : DataFrame
        One row a patient and two visits that follow each other, columns `INTERVALS`; volumes in
        ml, ``interval`` counts from 0, ``comparable`` is False where the verdict is ``fail``.
    visits : DataFrame
        One row a patient and visit, columns `VISITS`; ``days`` since the first visit, missing
        from the first unknown date on.
    changes, tracks : DataFrame
        ``patient``, then the columns of `fsh_core.tracking.CHANGE_COLUMNS` and
        `fsh_core.tracking.LESION_COLUMNS`; changes with the number of their ``interval``.
    problems : tuple of str
        One sentence for every patient that was skipped.
    """

    records: dict[str, TrackRecord]
    intervals: pd.DataFrame
    visits: pd.DataFrame
    changes: pd.DataFrame
    tracks: pd.DataFrame
    problems: tuple[str, ...]


def track_files(folder: Path) -> Iterator[Path]:
    """List the records and tables of followed patients; maps are left out."""
    for record in find_tracks(folder):
        with os.scandir(record.parent) as entries:
            yield from (Path(e.path) for e in entries if e.name.endswith((".tsv", ".json")))


def read_patients(opened: Opened, name: str) -> Followed:
    """Read what was followed in a derivatives folder; what is broken is named and skipped.

    Parameters
    ----------
    opened : Opened
        The opened folder; files that lead out of it are refused.
    name : str
        The derivatives folder, from `fsh_dashboard.data.folder.find_results`.

    Returns
    -------
    Followed
        Tables and problems.
    """
    records: dict[str, TrackRecord] = {}
    problems: list[str] = []
    tables: dict[str, tuple[Path, Path]] = {}
    inside = opened.all_inside()
    for path in find_tracks(opened.root / name):
        try:
            record = _checked(read_track_record(inside(path)), path)
            patient = f"sub-{record.subject}"
            tables[patient] = (
                inside(path.with_name(f"{patient}{TRACKS_ENDINGS['changes']}")),
                inside(path.with_name(f"{patient}{TRACKS_ENDINGS['tracks']}")),
            )
            records[patient] = record
        except InputError as error:
            problems.append(str(error))
    changes, broken = read_change_tables({p: both[0] for p, both in tables.items()}, CHANGES)
    tracks, more = read_change_tables({p: both[1] for p, both in tables.items()}, TRACKS)
    for patient, reason in {**more, **broken}.items():
        problems.append(f"{reason}; {patient} was skipped")
        del records[patient]
    problems = [problem.replace(f"{opened.root}/", "") for problem in problems]
    intervals = pd.DataFrame(
        [row for record in records.values() for row in _interval_rows(record)], columns=INTERVALS
    )
    visits = pd.DataFrame(
        [row for record in records.values() for row in _visit_rows(record)], columns=VISITS
    )
    changes = changes[changes["patient"].isin(list(records))]
    tracks = tracks[tracks["patient"].isin(list(records))]
    return Followed(
        records,
        _with_types(intervals, ("days", *(c for c in INTERVALS if c.startswith("volume_")))),
        _with_types(visits, ("days", "volume_low_ml", "volume_high_ml")),
        _numbered(changes, intervals),
        tracks.reset_index(drop=True),
        tuple(problems),
    )


def _checked(record: TrackRecord, path: Path) -> TrackRecord:
    """Refuse a record that is about another patient, or whose pairs are not those of its visits.

    The name of the patient leads to files, so that it must be the one of the folder.
    """
    patient = path.parent.parent.name
    if f"sub-{record.subject}" != patient or path.parent.name != TRACKS_FOLDER:
        raise InputError(
            f"{path}: expected the record of {patient}, found that of sub-{record.subject:.80}; "
            "follow the visits again"
        )
    names = [visit.name for visit in record.visits]
    if [(pair.earlier, pair.later) for pair in record.pairs] != list(pairwise(names)):
        raise InputError(
            f"{path}: expected a comparison for every two visits that follow each other, found "
            "others; follow the visits again"
        )
    return record


def _interval_rows(record: TrackRecord) -> Iterator[dict[str, Any]]:
    for number, pair in enumerate(record.pairs):
        before, after = record.visits[number], record.visits[number + 1]
        change_ml = after.lesion_volume_ml - before.lesion_volume_ml
        yield {
            "patient": f"sub-{record.subject}",
            "interval": number,
            "from_visit": pair.earlier,
            "to_visit": pair.later,
            "days": pair.days,
            "verdict": pair.verdict,
            "reasons": "; ".join(pair.reasons) or None,
            "comparable": pair.verdict in COMPARABLE,
            **{kind: pair.counts.get(kind, 0) for kind in COUNTED},
            "volume_before_ml": before.lesion_volume_ml,
            "volume_after_ml": after.lesion_volume_ml,
            "volume_change_ml": change_ml,
            "volume_change_percent": 100 * change_ml / before.lesion_volume_ml
            if before.lesion_volume_ml > 0
            else None,
        }


def _visit_rows(record: TrackRecord) -> Iterator[dict[str, Any]]:
    for number, visit in enumerate(record.visits):
        yield {
            "patient": f"sub-{record.subject}",
            "number": number,
            "visit": visit.name,
            "date": (visit.date or "")[:10] or None,
            "days": record.days_since_first(number),
            "lesion_count": visit.lesion_count,
            "lesion_volume_ml": visit.lesion_volume_ml,
            "volume_low_ml": visit.volume_low_ml,
            "volume_high_ml": visit.volume_high_ml,
            "lesions_by": visit.reader or "F.sh",
            "quality": visit.quality,
            "record": visit.record,
        }


def _with_types(table: pd.DataFrame, numbers: tuple[str, ...]) -> pd.DataFrame:
    """Make columns numbers also where every value is missing."""
    return table.astype(dict.fromkeys(numbers, "float64"))


def _numbered(changes: pd.DataFrame, intervals: pd.DataFrame) -> pd.DataFrame:
    """Add the number of the interval to each change; changes of no interval are left out."""
    keys = ["patient", "from_visit", "to_visit"]
    return changes.merge(intervals[[*keys, "interval"]], on=keys, how="inner")
