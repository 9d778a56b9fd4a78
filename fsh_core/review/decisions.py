"""A review in which every decision is on the disk before it is shown: the same for all reviews."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from fsh_core.errors import InputError
from fsh_core.review.events import (
    CASE_STATUSES,
    COMPLETED,
    IN_PROGRESS,
    STATUSES,
    Annotation,
    Change,
    Field,
    Kind,
    ReviewEvent,
)
from fsh_core.review.journal import Journal
from fsh_core.review.state import UNDOABLE, ReviewState

_CHANGING: frozenset[Kind] = UNDOABLE - {"case", "note"}


def utc_now() -> datetime:
    """Return the time for an event."""
    return datetime.now(UTC)


def never_closed() -> str:
    """Say nothing against reviewing."""
    return ""


class Decisions(ReviewState):
    """Decisions, notes and their history; every method that changes them writes an event first.

    Parameters
    ----------
    voxels : mapping of int to int
        Voxels of everything that is reviewed, before the first event.
    journal : Journal
        Where events go. Those that are in it already are for the caller to repeat.
    reader : str
        Who reviews.
    now : callable
        Tells the time.
    closed : callable
        Says in a sentence why nothing may be changed, asked before every event; empty where
        nothing is against it.

    Attributes
    ----------
    journal : Journal
        What happened.
    reader : str
        Who reviews.
    why_read_only : str
        Why there was only looking when the review was opened: it is closed, or the folder cannot
        be written. Empty where it could be changed.
    """

    thing = "lesion"
    """What is reviewed, in sentences for people."""

    def __init__(
        self,
        voxels: Mapping[int, int],
        journal: Journal,
        reader: str,
        now: Callable[[], datetime] = utc_now,
        closed: Callable[[], str] = never_closed,
    ) -> None:
        super().__init__(voxels, journal.path)
        self.journal, self.reader = journal, reader
        self._now, self._closed = now, closed
        self.why_read_only = closed()
        if not journal.is_writable():
            self.why_read_only = (
                f"{self.path.parent}: cannot be written, so that this review is open to look only; "
                "copy the folder to where you may write"
            )

    @property
    def is_read_only(self) -> bool:
        """Whether there was only looking when the review was opened."""
        return bool(self.why_read_only)

    def set_status(self, label: int, status: str, tool: str = "") -> ReviewEvent | None:
        """Decide about a lesion; None if that is its status already. ``tool`` proposed it.

        Raises
        ------
        InputError
            If there is no such lesion or status.
        """
        self._check(label)
        if status not in STATUSES:
            raise InputError(f"a {self.thing} is {', '.join(STATUSES)}, got {status!r}")
        return self._say("status", label, "status", self.status(label), status, tool)

    def set_note(self, label: int, text: str) -> ReviewEvent | None:
        """Note something about a lesion, or with 0 about the case; None if nothing changed."""
        if label:
            self._check(label)
        return self._say("note", label, "note", self.note(label), text.strip())

    def set_case_status(self, status: str) -> ReviewEvent | None:
        """Say how far the case is; None if that is its status already.

        Raises
        ------
        InputError
            If there is no such status.
        """
        if status not in CASE_STATUSES:
            raise InputError(f"a case is {', '.join(CASE_STATUSES)}, got {status!r}")
        return self._say("case", 0, "case", self._annotations.get((0, "case"), ""), status)

    def visit(self, label: int) -> ReviewEvent | None:
        """Note that the reader went to a lesion; not undone, and not noted twice in a row."""
        if label == self.last_label or label not in self._voxels:
            return None
        if self.why_read_only or self._closed():  # looking is free
            return None
        return self._do("visit", label)

    def reveal(self) -> ReviewEvent | None:
        """Note that the reader looked at the others' decisions; not undone, and noted once."""
        return self._do("reveal", 0) if self.others_seen == "never" else None

    def undo(self) -> ReviewEvent | None:
        """Take the last event back; return that event, or None if there is none."""
        if not self._done:
            return None
        event = self._done[-1]
        self._do("undo", event.label, target_event=event.number)
        return event

    def redo(self) -> ReviewEvent | None:
        """Repeat the event that was taken back last; return it, or None if there is none."""
        if not self._undone:
            return None
        event = self._undone[-1]
        self._do("redo", event.label, target_event=event.number)
        return event

    def _say(
        self, kind: Kind, label: int, field: Field, before: str, after: str, tool: str = ""
    ) -> ReviewEvent | None:
        if before == after:
            return None
        annotation = Annotation(label, field, before, after)
        return self._do(kind, label, annotations=(annotation,), tool=tool)

    def _do(
        self,
        kind: Kind,
        label: int,
        changes: tuple[Change, ...] = (),
        annotations: tuple[Annotation, ...] = (),
        target_event: int = 0,
        tool: str = "",
    ) -> ReviewEvent:
        """Write an event, then apply it: what is seen is always on the disk.

        What is decided or changed after completion takes the case back into progress, in the
        same event: a case that is called completed is the one that was saved.
        """
        if why := self.why_read_only or self._closed():  # it may have been closed meanwhile
            raise InputError(why)
        if kind in _CHANGING and self.case_status == COMPLETED:
            annotations = (*annotations, Annotation(0, "case", COMPLETED, IN_PROGRESS))
        time = self._now().isoformat(timespec="milliseconds")
        event = ReviewEvent(
            kind,
            label,
            changes,
            annotations,
            target_event,
            len(self.journal.events) + 1,
            self.reader,
            time,
            tool,
        )
        self.journal.append(event)
        self.repeat(event)
        return event

    def _check(self, label: int) -> None:
        if label not in self._voxels:
            raise InputError(f"there is no {self.thing} {label}; choose one from the list")
