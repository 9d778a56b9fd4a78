"""Completing a case: the reader is asked first, and the saved files follow."""

from fsh_core.review.events import COMPLETED
from fsh_napari.review.interfaces import CaseUnderReview, Saver, View
from fsh_napari.walk import Walk


class Completion:
    """How the saved files follow the status of the case.

    Parameters
    ----------
    view : View
        Asks the reader.
    saver : Saver
        Writes the corrected lesions.
    walk : Walk
        Asks before lesions are left undecided.
    """

    def __init__(self, view: View, saver: Saver, walk: Walk) -> None:
        self.view, self.saver, self.walk = view, saver, walk
        self._was_completed = False

    def begin(self, case: CaseUnderReview) -> None:
        """Hear which case is open now."""
        self.walk.forget_question()
        self._was_completed = case.review.case_status == COMPLETED

    def follow(self, case: CaseUnderReview) -> None:
        """Save the case where completion came or went."""
        is_completed = case.review.case_status == COMPLETED
        if is_completed != self._was_completed:
            self._was_completed = is_completed
            self.save(case)

    def save(self, case: CaseUnderReview) -> None:
        """Write the corrected lesions beside the original."""
        self.saver.save(case)
        self.view.show_message(_saving(case.name))

    def saved(self, name: str, mask: str) -> None:
        """Tell that a case was written; what was said meanwhile stands."""
        said = f"Saved beside the original: {mask} and its record."
        self.view.replace_message(_saving(name), said)

    def may_complete(self, case: CaseUnderReview) -> bool:
        """Ask once before a case with undecided lesions is completed."""
        review = case.review
        is_completed = review.case_status == COMPLETED
        undecided = 0 if is_completed else len(review.lesions) - review.decided
        return self.walk.may_complete(undecided, len(review.journal.events))


def _saving(name: str) -> str:
    return f"Saving {name}…"
