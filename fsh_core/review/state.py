"""The state of a review without its voxels: sizes, decisions, notes and the history.

Enough to list a cohort without opening an image; `fsh_core.review.session` adds the voxels.
"""

from collections.abc import Mapping
from pathlib import Path

from fsh_core.errors import InputError
from fsh_core.review.events import CASE_STATUSES, COMPLETED, STATUSES, Field, Kind, ReviewEvent
from fsh_core.review.reading_time import ReadingTime

UNDOABLE: frozenset[Kind] = frozenset(
    ("paint", "split", "join", "delete", "add", "status", "note", "case")
)


class ReviewState:
    """The lesions of a case, with their status and notes.

    Parameters
    ----------
    voxels : mapping of int to int
        Voxels of every lesion before the first event.
    path : Path
        The journal, named in errors.

    Attributes
    ----------
    events : int
        How many have happened.
    next_label : int
        The number a new lesion gets; no number is used twice.
    last_label : int
        The lesion of the last event: where the reader stopped; 0 = none.
    others_seen : str
        When this reader first looked at the others' decisions: ``never``, ``before
        completion`` or ``after completion``, which is with every lesion decided.
    decided_after_reveal : set of int
        Lesions that this reader decided about, or whose voxels changed, after having looked at
        the others' decisions. Nothing takes a lesion out again.
    reading_time : ReadingTime
        How long the reader looked at each lesion and at the case.
    """

    def __init__(self, voxels: Mapping[int, int], path: Path) -> None:
        self.path = path
        self.events = 0
        self.next_label = max(voxels, default=0) + 1
        self.last_label = 0
        self.others_seen = "never"
        self.decided_after_reveal: set[int] = set()
        self.reading_time = ReadingTime()
        self._voxels = dict(voxels)
        self._annotations: dict[tuple[int, Field], str] = {}
        self._done: list[ReviewEvent] = []
        self._undone: list[ReviewEvent] = []

    @property
    def lesions(self) -> list[int]:
        """Labels that have voxels."""
        return sorted(self._voxels)

    def voxels(self, label: int) -> int:
        """Return the number of voxels of a lesion."""
        return self._voxels.get(label, 0)

    def status(self, label: int) -> str:
        """Return one of `STATUSES`."""
        return self._annotations.get((label, "status"), STATUSES[0])

    def note(self, label: int) -> str:
        """Return the note about a lesion, or with 0 about the case."""
        return self._annotations.get((label, "note"), "")

    @property
    def case_status(self) -> str:
        """One of `CASE_STATUSES`."""
        status = self._annotations.get((0, "case"), "")
        return status or CASE_STATUSES[1 if self.events else 0]

    def counts(self) -> Mapping[str, int]:
        """Count the lesions by status."""
        given = [self.status(label) for label in self._voxels]
        return {status: given.count(status) for status in STATUSES}

    @property
    def decided(self) -> int:
        """How many lesions are accepted, rejected or unsure."""
        return len(self._voxels) - self.counts()[STATUSES[0]]

    @property
    def all_decided(self) -> bool:
        """Whether no lesion is left unreviewed."""
        return self.decided == len(self._voxels)

    @property
    def is_final(self) -> bool:
        """Whether the case is completed with every lesion decided."""
        return self.case_status == COMPLETED and self.all_decided

    def repeat(self, event: ReviewEvent) -> None:
        """Apply the next event of the journal.

        Raises
        ------
        InputError
            If it does not fit what happened before.
        """
        self.events += 1
        self.reading_time.hear(event)
        self.last_label = event.label or self.last_label
        if event.kind == "reveal" and self.others_seen == "never":
            self.others_seen = "after completion" if self.is_final else "before completion"
        if event.kind in ("undo", "redo"):
            stack, other = self._done, self._undone
            if event.kind == "redo":
                stack, other = other, stack
            if not stack or stack[-1].number != event.target_event:
                raise InputError(
                    f"{self.path}: event {event.number} takes back event {event.target_event}, "
                    "which was not the last; restore the file from a backup"
                )
            other.append(stack.pop())
            self._apply(other[-1], backwards=event.kind == "undo")
        elif event.kind in UNDOABLE:
            self._apply(event)
            self._done.append(event)
            self._undone.clear()

    def _apply(self, event: ReviewEvent, backwards: bool = False) -> None:
        for change in event.changes:
            more = -change.voxels.size if backwards else change.voxels.size
            self._count(change.before, -more)
            self._count(change.after, more)
            self.next_label = max(self.next_label, change.after + 1)
        for annotation in event.annotations:
            value = annotation.before if backwards else annotation.after
            self._annotations[annotation.label, annotation.field] = value
        if self.others_seen != "never":
            self.decided_after_reveal |= event.decided

    def _count(self, label: int, more: int) -> None:
        """Count voxels that a lesion gained; without a voxel it is no longer there."""
        if label:
            self._voxels[label] = self._voxels.get(label, 0) + more
            if self._voxels[label] == 0:
                del self._voxels[label]
