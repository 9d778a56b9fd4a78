"""Comparing the signed readings of a case, and preparing the adjudicator's copy."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsh_core.derivatives import StoredSegmentation
from fsh_core.errors import InputError
from fsh_core.file_names import case_of_record
from fsh_core.review.open import open_review, read_journal
from fsh_core.review.reader_agreement import decision
from fsh_core.review.session import Review
from fsh_core.review.trial.events import Compare
from fsh_core.review.trial.file import change_trial
from fsh_core.review.trial.sign import root_of, trial_of
from fsh_core.review.trial.state import TO_ADJUDICATE, TO_COMPARE, Trial

FROM_READERS = "from the readers"
"""The tool of what an adjudicator's journal begins with."""


@dataclass(frozen=True)
class Differences:
    """In what several readings of a case differ.

    Attributes
    ----------
    decided : tuple of int
        Lesions that F.sh found and the readers decided differently about.
    drawn : tuple of int
        Lesions that F.sh found, all of them kept, and not all drew alike.
    added : tuple of (N,) int64
        Voxels of lesions that a reader added, as flat indices (C order). Those of several readers
        that overlap are one, as the first drew it.
    """

    decided: tuple[int, ...]
    drawn: tuple[int, ...]
    added: tuple[NDArray[np.int64], ...]


def find_differences(reviews: Sequence[Review]) -> Differences:
    """Compare the readings of one case, lesion by lesion and voxel by voxel.

    What a reader split off or joined is no lesion of its own, but another drawing of those that
    were found.

    Parameters
    ----------
    reviews : sequence of Review
        Of the same lesions.
    """
    original = reviews[0].original
    said = {label: {decision(review, label) for review in reviews} for label in original}
    decided = tuple(label for label in original if len(said[label]) > 1)
    redrawn = {label for review in reviews for label in review.redrawn}
    drawn = tuple(
        label
        for label in original
        if label in redrawn
        and label not in decided
        and said[label] != {"rejected"}
        and not _drawn_alike(reviews, label)
    )
    return Differences(decided, drawn, _added(reviews))


def _drawn_alike(reviews: Sequence[Review], label: int) -> bool:
    first, *others = (np.flatnonzero(review.labels == label) for review in reviews)
    return all(np.array_equal(first, other) for other in others)


def _added(reviews: Sequence[Review]) -> tuple[NDArray[np.int64], ...]:
    """Collect new lesions that lie for the most part where nothing was found."""
    found = reviews[0].found_labels().reshape(-1) > 0
    taken = np.zeros(found.shape, dtype=bool)
    added = []
    for review in reviews:
        kept = (label for label in review.lesions if review.status(label) != "rejected")
        for label in kept:
            if label in review.original:
                continue
            voxels = np.flatnonzero(review.labels.reshape(-1) == label)
            free = voxels[~found[voxels]]
            if 2 * free.size <= voxels.size or taken[free].any():
                continue
            taken[free] = True
            added.append(free)
    return tuple(added)


def adjudicate_cases(cases: Iterable[StoredSegmentation]) -> dict[str, Compare]:
    """Compare what every reader has signed; where they differ, prepare the adjudicator's copy.

    The copy has the decisions that all readers share, and of the lesions that readers added the
    voxels, undecided. Which lesions differ is known to the adjudicator, who said what is not.

    Parameters
    ----------
    cases : iterable of StoredSegmentation
        Of one folder; those whose readings are not all signed are left alone.

    Returns
    -------
    dict of str to Compare
        What was compared, by case.

    Raises
    ------
    InputError
        If there is no trial, or a reading is not what was signed. The cases before stay compared.
    """
    compared: dict[str, Compare] = {}
    for stored in cases:
        trial = trial_of(root_of(stored))
        case = case_of_record(stored.paths["record"])
        stage = trial.stage(case) if case in trial.assigned else ""
        if stage == TO_COMPARE:
            trial = _compare(trial, stored)
            compared[case] = trial.comparisons[case]
        if trial.adjudicator and stage in (TO_COMPARE, TO_ADJUDICATE):
            _prepare(trial, stored)
    return compared


def _compare(trial: Trial, stored: StoredSegmentation) -> Trial:
    case = stored.record.case
    reviews = _readings(trial, stored)
    found = find_differences(reviews)
    first_new = max(reviews[0].original, default=0) + 1
    event = Compare(
        case=case,
        decided=found.decided,
        drawn=found.drawn,
        added=tuple(range(first_new, first_new + len(found.added))),
        journals_sha256={
            reader: trial.signatures[case, reader].journal_sha256 for reader in trial.assigned[case]
        },
    )
    return change_trial(
        root_of(stored), lambda now: [event] if now.stage(case) == TO_COMPARE else []
    )


def _readings(trial: Trial, stored: StoredSegmentation) -> list[Review]:
    """Open the readings of a case, which must be what was signed."""
    readings = []
    for reader in trial.assigned[stored.record.case]:
        check_signed(trial, stored, reader)
        readings.append(open_review(stored, reader))
    return readings


def check_signed(trial: Trial, stored: StoredSegmentation, reader: str) -> None:
    """Refuse a reading that is not what was signed.

    Raises
    ------
    InputError
        If the journal was changed since.
    """
    journal = read_journal(stored, reader)
    signed = trial.signatures[stored.record.case, reader]
    if journal.sha256() != signed.journal_sha256:
        raise InputError(
            f"{journal.path}: is not what {reader} signed (its SHA-256 differs); put the signed "
            f'file back, or open the reading with fsh readers unlock --reader "{reader}" '
            "and sign it again"
        )


def _prepare(trial: Trial, stored: StoredSegmentation) -> None:
    """Begin the adjudicator's copy; again after this was interrupted, never after it was used."""
    case = stored.record.case
    if not trial.comparisons[case].lesions or (case, trial.adjudicator) in trial.signatures:
        return
    copy = open_review(stored, trial.adjudicator)
    if any(event.tool != FROM_READERS for event in copy.journal.events):
        return
    readings = _readings(trial, stored)
    found = find_differences(readings)
    for voxels in found.added:
        if not copy.labels.reshape(-1)[voxels].any():
            mask = np.zeros(copy.labels.shape, dtype=bool)
            mask.reshape(-1)[voxels] = True
            copy.add(mask, FROM_READERS)
    for label in copy.original:
        shared = decision(readings[0], label)
        if label not in found.decided and label not in found.drawn:
            copy.set_status(label, shared, FROM_READERS)
