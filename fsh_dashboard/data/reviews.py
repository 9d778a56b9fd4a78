"""What readers decided: every review journal of a derivatives folder, as tables."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from fsh_core.errors import InputError
from fsh_core.file_names import (
    ANY_JOURNAL,
    case_of_record,
    in_anat,
    split_journal_name,
)
from fsh_core.review.readers import labels_of_name
from fsh_dashboard.data.cohort_tables import Results
from fsh_dashboard.data.folder import Opened
from fsh_dashboard.data.journal_rows import told_by

UNREVIEWED, DIFFER = "unreviewed", "readers differ"
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
            told = told_by(opened, path, case, voxel_mm3, lesions.get(case))
        except InputError as error:
            problems.append(str(error).replace(f"{opened.root}/", ""))
            continue
        if told is not None and opened.reader in ("", told.progress["reader"]):
            progress.append(told.progress)
            decisions += told.decisions
            events += told.acts
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
    status = decided["status"].astype("category")
    by_lesion = status.cat.codes.groupby([decided["case"], decided["label"]])
    first, last = by_lesion.min(), by_lesion.max()
    words = first.map(dict(enumerate(status.cat.categories))).where(first == last, DIFFER)
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
