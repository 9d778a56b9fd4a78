"""Deciding about lesions: go, accept, reject, note; and what other readers decided."""

import logging
from typing import Any

from fsh_core.errors import InputError
from fsh_core.review import compare_readers, open_review, other_readers
from fsh_napari.preferences import preferences
from fsh_napari.review.looking import LookingPanel
from fsh_napari.table import SIGNS

_log = logging.getLogger(__name__)


class DecidingPanel(LookingPanel):
    """The part of the review that goes from lesion to lesion and writes what the reader thinks of it."""

    def next(self) -> None:
        """Go to the next lesion of the list."""
        self._step(1)

    def previous(self) -> None:
        """Go to the one before."""
        self._step(-1)

    def _step(self, by: int) -> None:
        labels = self.table.labels
        if not labels:
            raise InputError("no lesion is shown; change the filter")
        here = labels.index(self.label) + by if self.label in labels else 0
        if not 0 <= here < len(labels):
            self.show_message(
                "That was the last lesion of the list."
                if by > 0
                else "That was the first lesion of the list."
            )
            return
        self.go_to(labels[here])

    def accept(self) -> None:
        """Accept the lesion."""
        self._decide("accepted")

    def reject(self) -> None:
        """Reject the lesion; it stays visible, and does not count."""
        self._decide("rejected")

    def unsure(self) -> None:
        """Leave the decision open."""
        self._decide("unsure")

    def _decide(self, status: str) -> None:
        label, review = self.chosen(), self.opened().review
        labels = self.table.labels  # before a filter hides what was decided
        here = labels.index(label)
        review.set_status(label, status)
        self.refresh()
        self.show_message(f"Lesion {label}: {SIGNS[status]} {status}.")
        waiting = [
            one for one in labels[here + 1 :] + labels[:here] if review.status(one) == "unreviewed"
        ]
        if not waiting:
            self.show_message(
                f"Lesion {label}: {SIGNS[status]} {status}. All in the list are decided; C completes the case."
            )
        if self.advance.isChecked() and waiting:
            self.go_to(waiting[0])
        else:
            self.table.select(label)

    def note_lesion(self) -> None:
        """Write a note about the lesion."""
        self.chosen()
        self.note.setFocus()
        self.note.selectAll()

    def _on_note(self) -> None:
        if self.case is not None and self.label:
            self.attempt(lambda: self.case.review.set_note(self.label, self.note.text()))
            self.refresh()
            if self.note.hasFocus():
                self.table.setFocus()

    def reveal(self) -> None:
        """Show what the other readers decided, and how far they agree with this one; it is noted in the journal."""
        case = self.opened()
        names = other_readers(case.stored, case.review.reader)
        if not names:
            self.show_message("Nobody else has read this case.")
            return
        if preferences().blinded and case.review.case_status != "completed":
            raise InputError(
                "you read blinded: complete the case first (C), or switch Blinded off in File > Preferences > F.sh"
            )
        others = [open_review(case.stored, name) for name in names]
        case.review.reveal()
        case.others = others
        self.refresh()
        self.show_message(
            " ".join(_in_words(compare_readers(other, case.review)) for other in others)
        )

    def _reveal_if_open(self) -> None:
        """Show the others at once where nothing is to be hidden any more."""
        case = self.opened()
        if case.review.others_seen != "never":
            try:
                names = other_readers(case.stored, case.review.reader)
                case.others = [open_review(case.stored, name) for name in names]
            except (
                InputError
            ) as error:  # another reader's damaged journal must not keep this one out
                _log.warning("%s", error)


def _in_words(found: Any) -> str:
    """Say in a sentence how far two readers agree."""
    kappa = "" if found.kappa != found.kappa else f", kappa {found.kappa:.2f}"
    differing = (
        f"; differently about {', '.join(map(str, found.differing))}" if found.differing else ""
    )
    return (
        f"{found.readers[0]} decided alike about {found.alike} of {found.compared} lesions{kappa}{differing}. "
        f"Dice {found.dice:.3f}, F1 {found.lesion_f1:.3f}."
    )
