"""The corrected lesions as a derivative of their own, beside the original."""

from collections import Counter
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fsh_core.derivatives import StoredSegmentation
from fsh_core.derivatives.layout import (
    describe_columns,
    to_json,
    to_tsv,
    with_bids_columns,
)
from fsh_core.errors import InputError
from fsh_core.file_names import beside_record, reviewed_endings
from fsh_core.files import (
    check_may_write,
    move_together,
    sha256_of,
    staging_folder,
    write_atomically,
)
from fsh_core.lesions.measure import lesion_table
from fsh_core.locks import one_writer
from fsh_core.review.readers import file_label
from fsh_core.review.reading_time import BREAK_S
from fsh_core.review.session import Review
from fsh_core.volume.nifti import read_labels, read_nifti
from fsh_core.volume.volume import Volume, save_like

Maps = tuple[NDArray[np.float32], NDArray[np.bool_]]
"""Lesion probability and brain of a case, (I, J, K)."""

_NEEDS_SCAN = ["mean_intensity", "contrast"]
_TIME_DECIMALS = 1  # of a second
_SAME_PLACE = 0.5  # Jaccard index from which a redrawn lesion is taken to lie where it lay


def review_paths(stored: StoredSegmentation, reader: str) -> dict[str, Path]:
    """Name the files of a reader's corrected lesions; nothing is touched.

    Returns
    -------
    dict of str to Path
        ``mask``, ``labels``, ``table`` and ``record``.
    """
    record, endings = stored.paths["record"], reviewed_endings(file_label(stored, reader))
    return {key: beside_record(record, ending) for key, ending in endings.items()}


def reviewed_table(
    review: Review, stored: StoredSegmentation, flair: Volume | None, maps: Maps | None = None
) -> pd.DataFrame:
    """Measure the lesions as they are now, with ``status``, ``note`` and ``reading_time_s``.

    Parameters
    ----------
    review : Review
        The review.
    stored : StoredSegmentation
        The original, for its probability and brain.
    flair : Volume or None
        The scan; without it there is no ``mean_intensity`` and no ``contrast``.
    maps : (probability, brain), optional
        Those of the original, where they are in memory; else they are read.
    """
    probability, brain = maps or _read_maps(stored)
    nothing = np.broadcast_to(np.float32(0), review.labels.shape)
    scan = flair or review.grid.with_data(nothing)
    table = lesion_table(review.labels, scan, probability, brain)
    if flair is None:
        table = table.drop(columns=_NEEDS_SCAN)
    table = with_found(table, stored.lesions, review.redrawn)
    table["decided_after_reveal"] = table["label"].isin(review.decided_after_reveal)
    seconds = [review.reading_time.lesion_s(int(label)) for label in table["label"]]
    table["reading_time_s"] = np.round(seconds, _TIME_DECIMALS)
    table["status"] = [review.status(label) for label in table["label"]]
    table["note"] = [review.note(label) for label in table["label"]]
    return table


def _read_maps(stored: StoredSegmentation) -> Maps:
    brain = read_labels(stored.paths["brain"])[0] > 0
    return read_nifti(stored.paths["probability"])[0], brain


def with_found(
    table: pd.DataFrame, found: pd.DataFrame, redrawn: Mapping[int, float]
) -> pd.DataFrame:
    """Add what only the segmentation knows of a lesion, such as its region and its uncertainty.

    It was said of those voxels: a lesion that the reader made or redrew has none of it, but
    the region, which a lesion keeps that is still the same for the most part.

    Parameters
    ----------
    table : DataFrame
        The lesions as they are now.
    found : DataFrame
        The lesions as they were found.
    redrawn : mapping of int to float
        Labels whose voxels are not those that were found, with the Jaccard index of both.
    """
    table = table.dropna(axis=1, how="all") if len(table) else table
    more = [
        column
        for column in found.columns
        if column not in table.columns and column not in _NEEDS_SCAN
    ]
    known = found[["label", *more]].copy()
    overlap = known["label"].map(redrawn)
    places = [column for column in more if column == "region"]
    others = [column for column in more if column not in places]
    known[others] = known[others].mask(overlap.notna())
    known[places] = known[places].mask(overlap < _SAME_PLACE)
    return table.merge(known, on="label", how="left")


def save_review(
    review: Review,
    stored: StoredSegmentation,
    flair: Volume | None = None,
    maps: Maps | None = None,
) -> dict[str, Path]:
    """Write the corrected lesions beside the original, which stays as it is.

    The mask and the labels hold every lesion that was not rejected, under the numbers of
    the journal; the table holds all of them. The record says who reviewed what and when, and
    has the hashes of the other files. All of them are replaced together, or none.

    Parameters
    ----------
    review : Review
        The review.
    stored : StoredSegmentation
        The original.
    flair : Volume, optional
        The scan.
    maps : (probability, brain), optional
        Those of the original, (I, J, K) float32 and bool, where they are in memory.

    Returns
    -------
    dict of str to Path
        The files, as `review_paths`.

    Raises
    ------
    InputError
        If a file cannot be written, or the case was segmented again meanwhile.
    """
    paths = review_paths(stored, review.reader)
    _check_original(review, stored)
    folder, name = paths["record"].parent, paths["record"].name.removesuffix(".json")
    for path in paths.values():
        check_may_write(path)
    with one_writer(folder, name), staging_folder(folder) as staging:
        staged = {key: staging / path.name for key, path in paths.items()}
        _write_images(review, staged)
        table = with_bids_columns(reviewed_table(review, stored, flair, maps))
        table["note"] = [" ".join(note.split()) for note in table["note"]]  # one line a lesion
        write_atomically(staged["table"], to_tsv(table))
        record = {**_provenance(review, stored, staged), **_columns(table)}
        write_atomically(staged["record"], to_json(record))
        move_together(staging, folder, name)
    return paths


def _check_original(review: Review, stored: StoredSegmentation) -> None:
    """Refuse to join the review of some lesions with the files of others."""
    labels = stored.paths["labels"]
    if sha256_of(labels) != review.journal.about["labels_sha256"]:
        raise InputError(
            f"{labels}: holds other lesions than when the review was opened, because the case was "
            "segmented again; put the earlier file back, or move the review away and begin anew"
        )


def _write_images(review: Review, paths: Mapping[str, Path]) -> None:
    kept = review.prediction
    save_like(kept, review.grid, paths["mask"])
    save_like(np.where(kept, review.labels, 0), review.grid, paths["labels"])


def _provenance(
    review: Review, stored: StoredSegmentation, paths: Mapping[str, Path]
) -> dict[str, Any]:
    record, events = stored.record, review.journal.events
    written = {key: path for key, path in paths.items() if key != "record"}
    kinds = Counter(event.kind for event in events)
    return {
        "case": record.case,
        "subject": record.subject,
        "session": record.session,
        "version": version("fsh-ms"),
        "review": {
            "reader": review.reader,
            "status": review.case_status,
            "others_seen": review.others_seen,
            "decided_after_reveal": sorted(review.decided_after_reveal),
            "note": review.note(0),
            "first_act": events[0].time if events else None,
            "last_act": events[-1].time if events else None,
            "reading_time_s": round(review.reading_time.case_s, _TIME_DECIMALS),
            "reading_breaks": review.reading_time.breaks,
            "reading_break_limit_s": BREAK_S,
            "acts": dict(sorted(kinds.items())),
            "lesions_by_status": dict(review.counts()),
            "journal": review.journal.path.name if events else None,
            "journal_sha256": review.journal.sha256() if events else None,
        },
        "lesion_count": sum(
            count for status, count in review.counts().items() if status != "rejected"
        ),
        "lesion_volume_ml": round(review.lesion_volume_ml, 4),
        "Sources": [stored.paths["record"].name, stored.paths["labels"].name],
        "original_labels_sha256": review.journal.about["labels_sha256"],
        "weights": record.weights.to_json(),
        "input": {name: source.to_json() for name, source in record.input.items()},
        "files": {key: path.name for key, path in paths.items()},
        "files_sha256": {key: sha256_of(path) for key, path in written.items()},
    }


def _columns(table: pd.DataFrame) -> dict[str, dict[str, str]]:
    said = {
        "status": {
            "Description": "What the reader decided: unreviewed, accepted, rejected or unsure."
        },
        "note": {"Description": "What the reader noted."},
        "reading_time_s": {
            "Description": "How long the reader looked at it, from going there to leaving it, by "
            f"the journal; breaks of more than {BREAK_S:g} s are not counted.",
            "Units": "s",
        },
        "decided_after_reveal": {
            "Description": "Whether the reader decided about it, or changed it, after having seen "
            "the other readers' decisions."
        },
    }
    return describe_columns(table.columns) | said
