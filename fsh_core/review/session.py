"""A review in progress: lesion labels, their status and notes, and one history of it all."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsh_core.errors import InputError
from fsh_core.review.between_slices import BETWEEN_SLICES, fill_between_slices
from fsh_core.review.changes import changes_of, jaccard_of_changed, lost_voxels
from fsh_core.review.decisions import Decisions, never_closed, utc_now
from fsh_core.review.edits import Voxel, split_lesion
from fsh_core.review.events import STATUSES, Annotation, Change, Field, ReviewEvent
from fsh_core.review.journal import Journal
from fsh_core.volume.volume import Volume


class Review(Decisions):
    """The lesions under review, with their voxels.

    Attributes
    ----------
    grid : Volume
        The grid of the file; all its voxels are 0 and take no memory.
    labels : (I, J, K) int16, or int32 where a number needs it
        The lesions as they are now.
    original : tuple of int
        Labels before the first event.
    """

    def __init__(
        self,
        labels: Volume,
        journal: Journal,
        reader: str,
        now: Callable[[], datetime] = utc_now,
        closed: Callable[[], str] = never_closed,
    ) -> None:
        self.grid = labels.with_data(np.broadcast_to(np.int16(0), labels.shape))
        self.labels = _as_numbers(labels.data).copy()
        # Of lesions alone: to count, numpy makes eight bytes of every voxel.
        sizes = enumerate(np.bincount(self.labels[self.labels > 0]))
        super().__init__(
            {label: int(count) for label, count in sizes if count}, journal, reader, now, closed
        )
        # Voxels of every change and what they were before it, the first change first.
        self._changed: list[tuple[NDArray[np.int64], NDArray[np.integer[Any]]]] = []
        self.original = tuple(self.lesions)
        for event in journal.events:
            self.repeat(event)

    @property
    def prediction(self) -> NDArray[np.bool_]:
        """Every lesion that was not rejected, (I, J, K) bool."""
        rejected = [label for label in self._voxels if self.status(label) == "rejected"]
        kept = self.labels > 0
        voxels = np.flatnonzero(kept)  # few: to look among all would take long
        is_rejected = np.isin(self.labels.reshape(-1)[voxels], rejected)
        kept.reshape(-1)[voxels[is_rejected]] = False
        return kept

    @property
    def redrawn(self) -> dict[int, float]:
        """Lesions whose voxels are not those that were found, with the Jaccard index of both."""
        voxels, found = self._as_found()
        return jaccard_of_changed(found, self.labels.reshape(-1)[voxels], self._voxels)

    def found_labels(self) -> NDArray[np.integer[Any]]:
        """Return a copy of the lesions before the first event, (I, J, K) int."""
        voxels, found = self._as_found()
        labels = self.labels.copy()
        labels.reshape(-1)[voxels] = found
        return labels

    def _as_found(self) -> tuple[NDArray[np.int64], NDArray[np.integer[Any]]]:
        """Return the voxels that ever changed, each once, and what they were to begin with."""
        if not self._changed:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=self.labels.dtype)
        voxels, first = np.unique(
            np.concatenate([voxels for voxels, _ in self._changed]), return_index=True
        )
        before = np.concatenate([before for _, before in self._changed])[first]
        self._changed = [(voxels, before)]
        return voxels, before

    @property
    def lesion_volume_ml(self) -> float:
        """Volume of every lesion that was not rejected, in ml."""
        kept = sum(
            count for label, count in self._voxels.items() if self.status(label) != "rejected"
        )
        return kept * self.grid.voxel_volume_mm3 / 1000

    def paint(
        self, voxels: NDArray[np.int64], after: NDArray[np.integer[Any]] | int, tool: str = ""
    ) -> ReviewEvent | None:
        """Give voxels other labels.

        Parameters
        ----------
        voxels : (N,) int
            Flat indices (C order) on the grid of the file, in any order, each once.
        after : (N,) int or int
            Their new labels; 0 erases.
        tool : str
            What proposed them; empty = the reader's own hand.

        Returns
        -------
        ReviewEvent or None
            None if nothing changed.
        """
        changes = self._changes(voxels, after)
        if not changes:
            return None
        label = changes[0].after or changes[0].before
        return self._do("paint", label, changes, self._forgotten(changes), tool=tool)

    def add(self, mask: NDArray[np.bool_], tool: str = "") -> ReviewEvent:
        """Make a new lesion of the free voxels of a mask, (I, J, K); ``tool`` proposed them.

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
        changes = self._changes(voxels, self.next_label)
        return self._do("add", self.next_label, changes, tool=tool)

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

    def fill_between_slices(self, label: int) -> ReviewEvent:
        """Fill a lesion between its painted slices, in free voxels; see `fill_between_slices`.

        Raises
        ------
        InputError
            If there is no such lesion, or nothing to fill.
        """
        self._check(label)
        added = fill_between_slices(self.labels == label, self.grid.spacing_mm)
        voxels = np.flatnonzero(added & (self.labels == 0))
        if voxels.size == 0:
            raise InputError(f"between the slices of lesion {label} there are other lesions alone")
        return self._do("paint", label, self._changes(voxels, label), tool=BETWEEN_SLICES)

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

    def _apply(self, event: ReviewEvent, backwards: bool = False) -> None:
        self._make_room(max((change.after for change in event.changes), default=0))
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
            self._changed.append((change.voxels, flat[change.voxels]))
            flat[change.voxels] = after
        super()._apply(event, backwards)

    def _make_room(self, label: int) -> None:
        """Let the voxels hold larger numbers, where a label needs that."""
        if label > np.iinfo(self.labels.dtype).max:
            self.labels = self.labels.astype(np.int32)

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


def _as_numbers(data: NDArray[Any]) -> NDArray[np.integer[Any]]:
    """Return labels as signed integers in C order, as they are if they are such."""
    if data.dtype in (np.int16, np.int32):
        return np.ascontiguousarray(data)
    return np.ascontiguousarray(data, dtype=np.int32)
