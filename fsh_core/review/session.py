"""A review in progress: lesion labels, their status and notes, and one history of it all."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsh_core.errors import InputError
from fsh_core.review.changes import changes_of, jaccard_of_changed, lost_voxels
from fsh_core.review.edits import Voxel, split_lesion
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
from fsh_core.volume.volume import Volume

_CHANGING: frozenset[Kind] = UNDOABLE - {"case", "note"}


class Review(ReviewState):
    """The state of a review; every method that changes it writes an event first.

    Attributes
    ----------
    labels : (I, J, K) int32
        The lesions as they are now, on the grid of the file.
    journal : Journal
        What happened.
    reader : str
        Who reviews.
    original : tuple of int
        Labels before the first event.
    is_read_only : bool
        Whether the folder cannot be written, so that there is only looking.
    """

    def __init__(
        self,
        labels: Volume,
        journal: Journal,
        reader: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.grid = labels
        self.labels = np.ascontiguousarray(labels.data.astype(np.int32))
        sizes = enumerate(np.bincount(self.labels.ravel()))
        super().__init__(
            {label: int(count) for label, count in sizes if label and count}, journal.path
        )
        self.original = tuple(self.lesions)
        self.journal = journal
        self.reader = reader
        self.is_read_only = not journal.is_writable()
        self._now = now
        for event in journal.events:
            self.repeat(event)

    @property
    def prediction(self) -> NDArray[np.bool_]:
        """Every lesion that was not rejected, (I, J, K) bool."""
        rejected = [label for label in self._voxels if self.status(label) == "rejected"]
        return (self.labels > 0) & ~np.isin(self.labels, rejected) if rejected else self.labels > 0

    @property
    def redrawn(self) -> dict[int, float]:
        """Lesions whose voxels are not those that were found, with the Jaccard index of both."""
        return jaccard_of_changed(self.grid.data, self.labels)

    @property
    def lesion_volume_ml(self) -> float:
        """Volume of every lesion that was not rejected, in ml."""
        kept = sum(
            count for label, count in self._voxels.items() if self.status(label) != "rejected"
        )
        return kept * self.grid.voxel_volume_mm3 / 1000

    def paint(
        self, voxels: NDArray[np.int64], after: NDArray[np.integer[Any]] | int
    ) -> ReviewEvent | None:
        """Give voxels other labels.

        Parameters
        ----------
        voxels : (N,) int
            Flat indices (C order) on the grid of the file, in any order, each once.
        after : (N,) int or int
            Their new labels; 0 erases.

        Returns
        -------
        ReviewEvent or None
            None if nothing changed.
        """
        changes = self._changes(voxels, after)
        if not changes:
            return None
        label = changes[0].after or changes[0].before
        return self._do("paint", label, changes, self._forgotten(changes))

    def add(self, mask: NDArray[np.bool_]) -> ReviewEvent:
        """Make a new lesion of the free voxels of a mask, (I, J, K).

        Raises
        ------
        InputError
            If there is none.
        """
        voxels = np.flatnonzero(mask & (self.labels == 0))
        if voxels.size == 0:
            raise InputError(
                "there is nothing to add here; click a bright spot outside other lesions"
            )
        return self._do("add", self.next_label, self._changes(voxels, self.next_label))

    def split(self, label: int, seeds: Sequence[Voxel] = ()) -> ReviewEvent:
        """Split a lesion; the largest part keeps the label. See `split_lesion`.

        Raises
        ------
        InputError
            If there is no such lesion, or it cannot be split.
        """
        self._check(label)
        parts = split_lesion(self.labels == label, self.grid.spacing_mm, seeds)
        voxels = np.flatnonzero(parts > 1)
        return self._do(
            "split", label, self._changes(voxels, parts.ravel()[voxels] - 2 + self.next_label)
        )

    def join(self, label: int, other: int) -> ReviewEvent:
        """Give the voxels of another lesion to this one.

        Raises
        ------
        InputError
            If one of the two does not exist, or they are the same.
        """
        self._check(label)
        self._check(other)
        if label == other:
            raise InputError(f"lesion {label} cannot be joined with itself; choose another one")
        changes = self._changes(np.flatnonzero(self.labels == other), label)
        return self._do("join", label, changes, self._forgotten(changes))

    def delete(self, label: int) -> ReviewEvent:
        """Remove a lesion's voxels, its status and its note.

        Raises
        ------
        InputError
            If there is no such lesion.
        """
        self._check(label)
        changes = self._changes(np.flatnonzero(self.labels == label), 0)
        return self._do("delete", label, changes, self._forgotten(changes))

    def set_status(self, label: int, status: str) -> ReviewEvent | None:
        """Decide about a lesion; None if that is its status already.

        Raises
        ------
        InputError
            If there is no such lesion or status.
        """
        self._check(label)
        if status not in STATUSES:
            raise InputError(f"a lesion is {', '.join(STATUSES)}, got {status!r}")
        return self._say("status", label, "status", self.status(label), status)

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
        if self.is_read_only or label == self.last_label or label not in self._voxels:
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
        self, kind: Kind, label: int, field: Field, before: str, after: str
    ) -> ReviewEvent | None:
        if before == after:
            return None
        return self._do(kind, label, annotations=(Annotation(label, field, before, after),))

    def _do(
        self,
        kind: Kind,
        label: int,
        changes: tuple[Change, ...] = (),
        annotations: tuple[Annotation, ...] = (),
        target_event: int = 0,
    ) -> ReviewEvent:
        """Write an event, then apply it: what is seen is always on the disk.

        What is decided or changed after completion takes the case back into progress, in the
        same event: a case that is called completed is the one that was saved.
        """
        if self.is_read_only:
            raise InputError(
                f"{self.path.parent}: cannot be written, so that this review is open to look only; "
                "copy the folder to where you may write"
            )
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
        )
        self.journal.append(event)
        self.repeat(event)
        return event

    def _apply(self, event: ReviewEvent, backwards: bool = False) -> None:
        flat = self.labels.reshape(-1)
        for change in event.changes:
            before, after = change.before, change.after
            if backwards:
                before, after = after, before
            is_outside = change.voxels.size > 0 and change.voxels[-1] >= flat.size
            if is_outside or (flat[change.voxels] != before).any():
                raise InputError(
                    f"{self.path}: event {event.number} does not fit the lesions before it; "
                    "restore the file from a backup"
                )
            flat[change.voxels] = after
        super()._apply(event, backwards)

    def _changes(
        self, voxels: NDArray[np.int64], after: NDArray[np.integer[Any]] | int
    ) -> tuple[Change, ...]:
        return changes_of(self.labels.reshape(-1), voxels, after)

    def _forgotten(self, changes: Sequence[Change]) -> tuple[Annotation, ...]:
        """Clear the status and note of lesions that lose their last voxel.

        They are part of the event, so that undo brings all of it back.
        """
        emptied = [
            label
            for label, count in lost_voxels(changes).items()
            if label and count == self._voxels.get(label, 0)
        ]
        cleared: list[tuple[Field, str]] = [("status", STATUSES[0]), ("note", "")]
        return tuple(
            Annotation(label, field, self._annotations[label, field], after)
            for label in emptied
            for field, after in cleared
            if self._annotations.get((label, field))
        )

    def _check(self, label: int) -> None:
        if label not in self._voxels:
            raise InputError(f"there is no lesion {label}; choose one from the list")
