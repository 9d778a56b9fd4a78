"""Completing a case: the reader is asked first, and the saved files follow."""

from fsh_core.review.events import COMPLETED
from fsh_napari.review.interfaces import CaseUnderReview, Saver, View


class Completion:
    """How the saved files follow the status of the case.

    Parameters
    ----------
    view : View
        Asks the reader.
    saver : Saver
        Writes the corrected lesions.
    """

    def __init__(self, view: View, saver: Saver) -> None:
        self.view, self.saver = view, saver
        self._asked_at = -1  # events there were when the reader was asked
        self._was_completed = False

    def begin(self, case: CaseUnderReview) -> None:
        """Hear which case is open now."""
        self._asked_at = -1
        self._was_completed = case.review.case_status == COMPLETED

    def forget_question(self) -> None:
        """Ask again."""
        self._asked_at = -1

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
        count = len(review.lesions) - review.decided
        asked_at, self._asked_at = self._asked_at, len(review.journal.events)
        if not count or review.case_status == COMPLETED or asked_at == self._asked_at:
            self._asked_at = -1
            return True
        lesions = "1 lesion is" if count == 1 else f"{count} lesions are"
        self.view.show_message(
            f"⚠ {lesions} not decided. The same once more completes the case all the same."
        )
        return False


def _saving(name: str) -> str:
    return f"Saving {name}…"
