"""One review journal as the rows of tables; it is read again only when it has changed."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from fsh_core.errors import InputError
from fsh_core.file_names import ANAT_ENDINGS, split_journal_name
from fsh_core.files import sha256_of
from fsh_core.review import Journal, ReviewEvent, ReviewState
from fsh_dashboard.data.cohort_tables import Stamp, stamps_of
from fsh_dashboard.data.folder import Opened

REJECTED = "rejected"


class Told(NamedTuple):
    """The rows of one journal.

    Attributes
    ----------
    progress : dict
        How far the reader is.
    decisions : tuple of dict
        One a lesion of the segmentation.
    acts : tuple of dict
        One an event.
    """

    progress: dict[str, Any]
    decisions: tuple[dict[str, Any], ...]
    acts: tuple[dict[str, Any], ...]


def told_by(
    opened: Opened, path: Path, case: str, voxel_mm3: float, lesions: pd.DataFrame | None
) -> Told | None:
    """Read a journal, or take it from memory while it has not changed.

    Parameters
    ----------
    opened : Opened
        The folder that it must lie in.
    path : Path
        The journal.
    case : str
        Name of its case.
    voxel_mm3 : float
        Volume of a voxel of that case.
    lesions : DataFrame or None
        The lesions of that case, with ``label`` and ``voxels``.

    Returns
    -------
    Told or None
        None if nothing happened in it.

    Raises
    ------
    InputError
        If it is broken, leads out of the folder, or is about other lesions than those on disk.
    """
    path = opened.inside(path)
    start = split_journal_name(path.name)[0]
    labels = opened.inside(path.with_name(start + ANAT_ENDINGS["labels"]))
    if not labels.is_file():
        raise InputError(
            f"{labels}: expected the lesions of the review {path.name}, found nothing; "
            "segment again"
        )
    known = () if lesions is None else zip(lesions["label"], lesions["voxels"], strict=True)
    sizes = tuple((int(label), int(voxels)) for label, voxels in known)
    return _replay(path, labels, stamps_of((path, labels)), case, voxel_mm3, sizes)


# Readers write one journal at a time, and a trial has thousands.
@lru_cache(maxsize=10_000)
def _replay(
    path: Path,
    labels: Path,
    stamps: tuple[Stamp, ...],
    case: str,
    voxel_mm3: float,
    sizes: tuple[tuple[int, int], ...],
) -> Told | None:
    """Read a journal and let its events happen, without the voxels."""
    journal = Journal.open(path, {"case": case, "labels_sha256": sha256_of(labels)})
    state = ReviewState(dict(sizes), path)
    for event in journal.events:
        state.repeat(event)
    if not journal.events:
        return None
    return Told(
        _progress_row(case, journal, state, voxel_mm3),
        tuple(_decision_rows(case, journal, state, [label for label, _ in sizes])),
        tuple(_act_row(case, event) for event in journal.events),
    )


def _progress_row(
    case: str, journal: Journal, state: ReviewState, voxel_mm3: float
) -> dict[str, Any]:
    counts = state.counts()
    kept = [state.voxels(label) for label in state.lesions if state.status(label) != REJECTED]
    return {
        "reader": journal.events[-1].reader,
        "case": case,
        "status": state.case_status,
        "decided": state.decided,
        "lesions": len(state.lesions),
        **{word: counts[word] for word in ("accepted", "rejected", "unsure")},
        "kept_lesions": len(kept),
        "kept_ml": sum(kept) * voxel_mm3 / 1000,
        "reading_time_s": round(state.reading_time.case_s, 1),
        "acts": len(journal.events),
        "begun": journal.events[0].time,
        "latest": journal.events[-1].time,
        "note": state.note(0),
    }


def _decision_rows(
    case: str, journal: Journal, state: ReviewState, labels: Iterable[int]
) -> Iterator[dict[str, Any]]:
    for label in labels:
        status = state.status(label) if state.voxels(label) else REJECTED
        yield {
            "reader": journal.events[-1].reader,
            "case": case,
            "label": label,
            "status": status,
            "note": state.note(label),
        }


def _act_row(case: str, event: ReviewEvent) -> dict[str, Any]:
    """Say in words what an event did."""
    said = [
        f"{mark.field}: {mark.before or '–'} → {mark.after or '–'}" for mark in event.annotations
    ]
    changed = sum(change.voxels.size for change in event.changes)
    said += [f"{changed} voxels"] if changed else []
    said += [f"event {event.target_event}"] if event.target_event else []
    return {
        "time": event.time,
        "reader": event.reader,
        "case": case,
        "number": event.number,
        "act": event.kind,
        "lesion": event.label or None,
        "what": ", ".join(said),
    }
