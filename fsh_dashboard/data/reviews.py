"""What readers decided: every review journal of a derivatives folder, as tables."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from fsh_core.errors import InputError
from fsh_core.file_names import (
    ANAT_ENDINGS,
    ANY_JOURNAL,
    case_of_record,
    in_anat,
    split_journal_name,
)
from fsh_core.files import sha256_of
from fsh_core.review import Journal, ReviewEvent, ReviewState
from fsh_core.review.readers import labels_of_name
from fsh_dashboard.data.cohort_tables import Results
from fsh_dashboard.data.folder import Opened

UNREVIEWED, REJECTED, DIFFER = "unreviewed", "rejected", "readers differ"
PROGRESS = ["reader", "case", "status", "decided", "lesions", "accepted", "rejected", "unsure"]
PROGRESS += ["kept_lesions", "kept_ml", "reading_time_s", "acts", "begun", "latest", "note"]
DECISIONS = ["reader", "case", "label", "status", "note"]
ACTS = ["time", "reader", "case", "number", "act", "lesion", "what"]


@dataclass(frozen=True)
class Reviews:
    """Everything that readers wrote about the cases of a folder.

    Attributes
    ----------
    progress : DataFrame
        One row per reader and case that was begun, columns `PROGRESS`. ``kept_lesions``
        and ``kept_ml`` are what is left without the rejected lesions, with what was
        painted, split or erased.
    decisions : DataFrame
        One row per reader and lesion of the segmentation, columns `DECISIONS`; a lesion
        whose voxels a reader gave away counts as rejected.
    events : DataFrame
        The audit journal: one row per event, columns `ACTS`, by time.
    problems : tuple of str
        One sentence for every journal that was skipped.
    """

    progress: pd.DataFrame
    decisions: pd.DataFrame
    events: pd.DataFrame
    problems: tuple[str, ...]


def journals(opened: Opened, name: str) -> list[Path]:
    """List the review journals of a derivatives folder, by name; of who reads blinded, the own."""
    found = in_anat(opened.root / name, ANY_JOURNAL)
    if not opened.reader:
        return found
    labels = labels_of_name(opened.reader)
    return [path for path in found if split_journal_name(path.name)[1] in labels]


def read_reviews(opened: Opened, results: Results) -> Reviews:
    """Read every journal; one that is broken, or about other lesions, is named and skipped."""
    found = journals(opened, results.name)
    known = (
        results.cases[["record", "case", "voxel_volume_mm3"]].itertuples(index=False)
        if found and len(results.cases)
        else ()
    )
    cases = {_start(opened.root / record): (case, voxel_mm3) for record, case, voxel_mm3 in known}
    lesions = dict(tuple(results.lesions.groupby("case"))) if found else {}
    progress: list[dict[str, Any]] = []
    decisions: list[dict[str, Any]] = []
    events: list[dict[str, Any]] = []
    problems: list[str] = []
    for path in found:
        start = split_journal_name(path.name)[0]
        case, voxel_mm3 = cases.get(path.with_name(start), (None, 0.0))
        if case is None and opened.reader:
            continue  # not given to who reads
        if case is None:
            problems.append(f"{opened.named(path)}: there is no readable record beside it; skipped")
            continue
        try:
            journal, state = _replay(opened, path, case, lesions.get(case))
        except InputError as error:
            problems.append(str(error).replace(f"{opened.root}/", ""))
            continue
        if journal.events and opened.reader in ("", journal.events[-1].reader):
            progress.append(_progress_row(case, journal, state, voxel_mm3))
            decisions += _decision_rows(case, journal, state, lesions.get(case))
            events += [_act_row(case, event) for event in journal.events]
    return Reviews(
        pd.DataFrame(progress, columns=PROGRESS),
        pd.DataFrame(decisions, columns=DECISIONS),
        pd.DataFrame(events, columns=ACTS).sort_values(
            ["time", "reader", "number"], ignore_index=True
        ),
        tuple(problems),
    )


def with_status(lesions: pd.DataFrame, reviews: Reviews) -> pd.DataFrame:
    """Add a column ``status``.

    What the readers decided, ``readers differ`` where they do not agree.
    """
    if reviews.decisions.empty:
        return lesions
    decided = reviews.decisions[reviews.decisions["status"] != UNREVIEWED]
    words = decided.groupby(["case", "label"])["status"].agg(
        lambda said: said.iloc[0] if said.nunique() == 1 else DIFFER
    )
    keys = pd.MultiIndex.from_frame(lesions[["case", "label"]])
    return lesions.assign(status=words.reindex(keys).fillna(UNREVIEWED).to_numpy())


def with_review(cases: pd.DataFrame, reviews: Reviews) -> pd.DataFrame:
    """Add how far the readers are.

    And what is left of each case after the review that was worked on last.
    """
    last = (
        reviews.progress.sort_values("latest", kind="stable")
        .drop_duplicates("case", keep="last")
        .set_index("case")
    )
    return cases.assign(
        review=case_status(cases["case"], reviews),
        reviewed_lesion_count=cases["case"].map(last["kept_lesions"]),
        reviewed_lesion_volume_ml=cases["case"].map(last["kept_ml"]),
    )


def case_status(cases: Iterable[str], reviews: Reviews) -> list[str]:
    """Say of each case how far its readers are, such as ``completed (AB), in progress (CD)``.

    Empty = not begun.
    """
    said: dict[str, list[str]] = {}
    for row in reviews.progress.itertuples():
        said.setdefault(str(row.case), []).append(f"{row.status} ({row.reader})")
    return [", ".join(said.get(case, [])) for case in cases]


def _start(record: Path) -> Path:
    return record.with_name(case_of_record(record))


def _replay(
    opened: Opened, path: Path, case: str, lesions: pd.DataFrame | None
) -> tuple[Journal, ReviewState]:
    """Read a journal and let its events happen, without the voxels.

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
    journal = Journal.open(path, {"case": case, "labels_sha256": sha256_of(labels)})
    sizes = {} if lesions is None else zip(lesions["label"], lesions["voxels"], strict=True)
    state = ReviewState({int(label): int(voxels) for label, voxels in sizes}, path)
    for event in journal.events:
        state.repeat(event)
    return journal, state


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
    case: str, journal: Journal, state: ReviewState, lesions: pd.DataFrame | None
) -> Iterator[dict[str, Any]]:
    for label in () if lesions is None else map(int, lesions["label"]):
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
