"""The changes of a patient as a reader judged them, as a table beside the one that was found."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fsh_core.derivatives.layout import to_json, to_tsv, track_paths
from fsh_core.files import (
    check_may_write,
    move_together,
    sha256_of,
    staging_folder,
    write_atomically,
)
from fsh_core.follow_up.change_review import ACCEPTED, REJECTED, ChangeReview, open_change_review
from fsh_core.follow_up.read import StoredTrack, read_track
from fsh_core.follow_up.reader_files import reviewed_changes_paths
from fsh_core.follow_up.record import RecordedPair
from fsh_core.follow_up.tables import as_text, between, count_changes
from fsh_core.locks import one_writer
from fsh_core.tracking import CHANGE_COLUMNS
from fsh_core.tracking.regions import longest_mm
from fsh_core.volume.boxes import bounding_box

REVIEWED_COLUMNS: dict[str, str] = CHANGE_COLUMNS | {
    "evidence": "What says so: segmentation, difference, both, or the reader who added it.",
    "status": "What the reader decided: unreviewed, accepted, rejected or unsure.",
    "kind_reviewed": "The kind after the review: stable where the reader rejected the change; what "
    "the volumes say (new, resolved, enlarging or shrinking) where an uncertain one was accepted.",
    "note": "What the reader noted.",
}
"""Every column of a table of reviewed changes, with its unit."""


def kind_reviewed(kind: str, status: str, before_mm3: float, after_mm3: float) -> str:
    """Say what a change is after a reader's decision.

    Parameters
    ----------
    kind : str
        As it was found.
    status : str
        What the reader decided.
    before_mm3, after_mm3 : float
        Volumes in both visits.
    """
    if status == REJECTED:
        return "stable"
    if status != ACCEPTED or kind != "uncertain":
        return kind
    if not before_mm3:
        return "new"
    if not after_mm3:
        return "resolved"
    return "enlarging" if after_mm3 > before_mm3 else "shrinking"


def judged_changes(stored: StoredTrack, reviews: Sequence[ChangeReview]) -> pd.DataFrame:
    """Return every change with what a reader decided, and the new lesions that were added.

    Parameters
    ----------
    stored : StoredTrack
        The patient.
    reviews : sequence of ChangeReview
        One for each two visits, in the order of ``stored.record.pairs``.

    Returns
    -------
    DataFrame
        See `REVIEWED_COLUMNS`.
    """
    rows: list[dict[str, Any]] = []
    for pair, review in zip(stored.record.pairs, reviews, strict=True):
        rows += _judged(stored, pair, review)
    return pd.DataFrame(rows, columns=list(REVIEWED_COLUMNS))


def judged_pair(stored: StoredTrack, pair: RecordedPair, review: ChangeReview) -> pd.DataFrame:
    """Return what `judged_changes` does, of two visits alone."""
    return pd.DataFrame(_judged(stored, pair, review), columns=list(REVIEWED_COLUMNS))


def _judged(stored: StoredTrack, pair: RecordedPair, review: ChangeReview) -> list[dict[str, Any]]:
    found = between(stored.changes, pair.earlier, pair.later)
    rows = [{str(name): value for name, value in row.items()}
            for row in found.to_dict("records")]  # fmt: skip
    rows += [_added(pair, review, number) for number in review.added]
    return [row | _judgement(row, review) for row in rows]


def save_change_review(record_path: Path, reader: str) -> dict[str, Path]:
    """Write the changes of a patient as a reader judged them, beside those that were found.

    Everything comes from the disk: the tables that were found, and the reader's journals. Table
    and record are replaced together, or neither.

    Parameters
    ----------
    record_path : Path
        The record of the patient's visits.
    reader : str
        Who reviewed.

    Returns
    -------
    dict of str to Path
        ``table`` and ``record``.

    Raises
    ------
    InputError
        If a file cannot be written, or a journal is about changes that were found before.
    """
    stored = read_track(record_path)
    reviews = [open_change_review(stored, pair, reader) for pair in stored.record.pairs]
    paths = reviewed_changes_paths(stored.home, stored.record.subject, reader)
    for path in paths.values():
        check_may_write(path)
    name = paths["record"].name.removesuffix(".json")
    with one_writer(stored.home, name), staging_folder(stored.home) as staging:
        staged = {key: staging / path.name for key, path in paths.items()}
        table = judged_changes(stored, reviews)
        table["note"] = [" ".join(str(note).split()) for note in table["note"]]
        write_atomically(staged["table"], to_tsv(as_text(table)))
        content = _provenance(stored, reviews, table, staged)
        write_atomically(staged["record"], to_json(content))
        move_together(staging, stored.home, name)
    return paths


def _judgement(row: Mapping[str, Any], review: ChangeReview) -> dict[str, str]:
    number = int(row["change"])
    status = review.status(number)
    volumes = float(row["volume_before_mm3"]), float(row["volume_after_mm3"])
    return {
        "status": status,
        "kind_reviewed": kind_reviewed(str(row["kind"]), status, *volumes),
        "note": review.note(number),
    }


def _added(pair: RecordedPair, review: ChangeReview, number: int) -> dict[str, Any]:
    """Measure a new lesion that the reader added; what only the tracker knows is missing."""
    grid = review.grid
    voxels = np.stack(np.unravel_index(review.added[number], grid.shape), axis=1)
    mask: NDArray[np.bool_] = np.zeros(grid.shape, dtype=bool)
    mask[tuple(voxels.T)] = True
    r, a, s, _ = (grid.affine @ [*voxels.mean(axis=0), 1.0]).tolist()
    return dict.fromkeys(CHANGE_COLUMNS, math.nan) | {
        "change": number,
        "from_visit": pair.earlier,
        "to_visit": pair.later,
        "kind": "new",
        "size_change": "",
        "labels_before": [],
        "labels_after": [],
        "volume_before_mm3": 0.0,
        "volume_after_mm3": len(voxels) * grid.voxel_volume_mm3,
        "longest_mm": longest_mm(mask[bounding_box(mask)], grid.spacing_mm),
        "evidence": "reader",
        "reason": "",
        "centre_r_mm": r,
        "centre_a_mm": a,
        "centre_s_mm": s,
    }


def _provenance(
    stored: StoredTrack,
    reviews: Sequence[ChangeReview],
    table: pd.DataFrame,
    staged: Mapping[str, Path],
) -> dict[str, Any]:
    sources = track_paths(stored.record.subject, stored.folder)
    judged = table.assign(kind=table["kind_reviewed"])
    pairs = []
    for pair, review in zip(stored.record.pairs, reviews, strict=True):
        events = review.journal.events
        pairs.append(
            {
                "earlier": pair.earlier,
                "later": pair.later,
                "status": review.case_status,
                "first_act": events[0].time if events else None,
                "last_act": events[-1].time if events else None,
                "acts": dict(sorted(Counter(event.kind for event in events).items())),
                "changes_by_status": dict(review.counts()),
                "added": len(review.added),
                "counts": count_changes(between(judged, pair.earlier, pair.later)),
                "journal": review.path.name if events else None,
                "journal_sha256": sha256_of(review.path) if events else None,
            }
        )
    return {
        "subject": stored.record.subject,
        "version": version("fsh-ms"),
        "reader": reviews[0].reader,
        "pairs": pairs,
        "Sources": [sources["record"].name, sources["changes"].name],
        "changes_sha256": sha256_of(sources["changes"]),
        "files": {key: path.name for key, path in staged.items()},
        "files_sha256": {"table": sha256_of(staged["table"])},
        **{name: {"Description": text} for name, text in REVIEWED_COLUMNS.items()},
    }
