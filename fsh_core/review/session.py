"""A review in progress: lesion labels, their status and notes, and one history of it all."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsh_core.errors import InputError
from fsh_core.review.changes import changes_of, jaccard_of_changed, lost_voxels
from fsh_core.review.decisions import Decisions, utc_now
from fsh_core.review.edits import Voxel, split_lesion
from fsh_core.review.events import STATUSES, Annotation, Change, Field, ReviewEvent
from fsh_core.review.journal import Journal
from fsh_core.volume.volume import Volume


class Review(Decisions):
    """The lesions under review, with their voxels.

    Attributes
    ----------
    labels : (I, J, K) int32
        The lesions as they are now, on the grid of the file.
    original : tuple of int
        Labels before the first event.
    """

    def __init__(
        self,
        labels: Volume,
        journal: Journal,
        reader: str,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.grid = labels
        self.labels = np.ascontiguousarray(labels.data.astype(np.int32))
        sizes = enumerate(np.bincount(self.labels.ravel()))
        super().__init__(
            {label: int(count) for label, count in sizes if label and count}, journal, reader, now
        )
        self.original = tuple(self.lesions)
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
