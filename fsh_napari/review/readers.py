"""Other readers of the case under review: when they are shown, and how far all agree."""

import logging
from collections.abc import Sequence
from typing import Any

from fsh_core.derivatives import StoredSegmentation
from fsh_core.errors import InputError
from fsh_core.review import (
    Review,
    ReviewState,
    compare_readers,
    open_review,
    other_readers,
    read_ledger,
)
from fsh_core.review.open import hides_others
from fsh_core.review.reader_agreement import Agreement
from fsh_napari.review.interfaces import CaseUnderReview

_log = logging.getLogger(__name__)


def check_shows_others(stored: StoredSegmentation) -> None:
    """Refuse to show the others' decisions in a trial, where readers never see them.

    Raises
    ------
    InputError
        If the case belongs to a trial.
    """
    if hides_others(stored):
        raise InputError(
            f"{stored.record.case}: is read in a trial, in which no reader sees what the others "
            "decided; fsh readers adjudicate compares what was signed"
        )


def check_may_see(review: Review) -> None:
    """Refuse to show a blinded reader the others' decisions before all is decided.

    Raises
    ------
    InputError
        If a lesion is undecided, or the case is not completed.
    """
    if review.is_final:
        return
    count = len(review.lesions) - review.decided
    missing = "complete the case first (C)"
    if count:
        missing = f"decide every lesion first ({count} left), and complete the case (C)"
    raise InputError(
        f"you read blinded: {missing}, or switch Blinded off in File > Preferences > F.sh"
    )


def reveal_others(case: CaseUnderReview) -> list[Agreement]:
    """Show what the others decided, and note that in the journal.

    Raises
    ------
    InputError
        If a journal cannot be used.
    """
    review = case.review
    others = [open_review(case.stored, name) for name in other_readers(case.stored, review.reader)]
    review.reveal()
    case.others = {other.reader: other for other in others}
    return [compare_readers(other, review) for other in others]


def read_others(stored: StoredSegmentation, review: Review) -> dict[str, ReviewState]:
    """Read what the others decided, where nothing is to be hidden any more.

    Returns
    -------
    dict of str to ReviewState
        By reader; empty in a trial, and where a journal cannot be used: it keeps nobody out.
    """
    try:
        if hides_others(stored):
            return {}
        return {name: read_ledger(stored, name) for name in other_readers(stored, review.reader)}
    except InputError as error:
        _log.warning("%s", error)
        return {}


def agreement_in_words(found: Agreement) -> str:
    """Say in a sentence or two how far two readers agree."""
    kappa = "" if found.kappa != found.kappa else f", kappa {found.kappa:.2f}"
    differing = _listed("; differently about ", found.differing)
    not_blinded = _listed(" Not counted, since decided after looking: ", found.not_blinded)
    return (
        f"{found.readers[0]} decided alike about {found.alike} of {found.compared} lesions"
        f"{kappa}{differing}. Dice {found.dice:.3f}, F1 {found.lesion_f1:.3f}."
        f"{not_blinded}{'.' if not_blinded else ''}"
    )


def _listed(words: str, labels: Sequence[Any]) -> str:
    return words + ", ".join(map(str, labels)) if labels else ""
