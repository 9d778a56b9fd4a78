"""Opening reviews: one reader's with its voxels, or what every reader said without them."""

import getpass
from functools import partial
from pathlib import Path

from fsh_core.derivatives import StoredSegmentation, read_segmentation
from fsh_core.files import sha256_of
from fsh_core.locks import clear_after_killed
from fsh_core.review.journal import Journal
from fsh_core.review.readers import exact_name, journal_path
from fsh_core.review.session import Review
from fsh_core.review.state import ReviewState
from fsh_core.review.trial.file import read_trial
from fsh_core.volume.nifti import read_labels
from fsh_core.volume.volume import Volume


def open_review(record: str | Path | StoredSegmentation, reader: str | None = None) -> Review:
    """Begin a review, or go on with the one that this reader began.

    Parameters
    ----------
    record : path or StoredSegmentation
        The record of the case.
    reader : str, optional
        Who reviews; the name of the login if not given.

    Raises
    ------
    InputError
        If the record or the journal cannot be used.
    """
    stored = record if isinstance(record, StoredSegmentation) else read_segmentation(record)
    reader = exact_name(reader or getpass.getuser())
    clear_after_killed(stored.paths["record"].parent)
    labels = Volume(*read_labels(stored.paths["labels"]))
    about = _about(stored) | {"shape": list(labels.shape)}
    closed = partial(why_closed, stored, reader)
    return Review(labels, Journal.open(journal_path(stored, reader), about), reader, closed=closed)


def why_closed(stored: StoredSegmentation, reader: str) -> str:
    """Say why a reader may only look at a case; empty where nothing is against reading it.

    Raises
    ------
    InputError
        If there is a trial that cannot be read.
    """
    trial = read_trial(stored.record.folder(stored.paths["record"]))
    return trial.why_closed(stored.record.case, reader) if trial else ""


def hides_others(stored: StoredSegmentation) -> bool:
    """Tell whether a case belongs to a trial, in which nobody sees what the others decided."""
    return read_trial(stored.record.folder(stored.paths["record"])) is not None


def read_ledger(stored: StoredSegmentation, reader: str) -> ReviewState:
    """Read what a reader said about a case, without opening an image.

    Raises
    ------
    InputError
        If the journal cannot be used.
    """
    journal = read_journal(stored, reader)
    sizes = zip(stored.lesions["label"], stored.lesions["voxels"], strict=True)
    state = ReviewState({int(label): int(voxels) for label, voxels in sizes}, journal.path)
    for event in journal.events:
        state.repeat(event)
    return state


def read_journal(stored: StoredSegmentation, reader: str) -> Journal:
    """Read a reader's journal about a case.

    Raises
    ------
    InputError
        If the journal cannot be used.
    """
    return Journal.open(journal_path(stored, reader), _about(stored))


def _about(stored: StoredSegmentation) -> dict[str, str]:
    """Say which lesions a journal is about."""
    return {"case": stored.record.case, "labels_sha256": sha256_of(stored.paths["labels"])}
