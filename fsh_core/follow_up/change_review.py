"""A reader's review of the changes between two visits: decisions, and new lesions that were missed.

The journal, its events and its history are those of the review of lesions
(`fsh_core.review`): a change takes the place of a lesion, under its number in the table of changes.
"""

import getpass
from collections.abc import Callable, Iterable
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from fsh_core.errors import InputError
from fsh_core.follow_up.read import StoredTrack
from fsh_core.follow_up.reader_files import change_journal_path
from fsh_core.follow_up.record import RecordedPair
from fsh_core.follow_up.tables import between, hash_of_changes
from fsh_core.locks import clear_after_killed
from fsh_core.review.decisions import Decisions, utc_now
from fsh_core.review.events import STATUSES, Annotation, Change, ReviewEvent
from fsh_core.review.journal import Journal
from fsh_core.review.readers import exact_name
from fsh_core.volume.nifti import read_nifti
from fsh_core.volume.volume import Volume

_OTHER_CHANGES = "other changes, because the visits were followed again"
ACCEPTED, REJECTED = STATUSES[1], STATUSES[2]


class ChangeReview(Decisions):
    """The changes between two visits under review.

    Attributes
    ----------
    grid : Volume
        The map of changes on the grid of the later visit.
    added : dict of int to (N,) int64
        Voxels of the new lesions that the reader added, by number: flat indices (C order) on
        that grid, ascending.
    """

    thing = "change"

    def __init__(
        self,
        changes: Iterable[int],
        grid: Volume,
        journal: Journal,
        reader: str,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        # Of a change that was found only that it is there counts, so that it has one voxel.
        super().__init__(dict.fromkeys(changes, 1), journal, reader, now)
        self.grid = grid
        self.added: dict[int, NDArray[np.int64]] = {}
        for event in journal.events:
            self.repeat(event)

    def add(self, mask: NDArray[np.bool_]) -> ReviewEvent:
        """Add a new lesion that was missed, (I, J, K) bool on the grid of the later visit.

        It counts as accepted.

        Raises
        ------
        InputError
            If it has no voxel.
        """
        voxels = np.flatnonzero(mask)
        if voxels.size == 0:
            raise InputError("there is nothing to add here; click a bright spot")
        number = self.next_label
        accepted = Annotation(number, "status", STATUSES[0], ACCEPTED)
        return self._do("add", number, (Change(0, number, voxels),), (accepted,))

    def _apply(self, event: ReviewEvent, backwards: bool = False) -> None:
        for change in event.changes:
            if backwards:
                self.added.pop(change.after, None)
            elif change.before or change.after in self.lesions:
                raise InputError(
                    f"{self.path}: event {event.number} does not add a new lesion; "
                    "restore the file from a backup"
                )
            else:
                self.added[change.after] = change.voxels
        super()._apply(event, backwards)


def open_change_review(
    stored: StoredTrack, pair: RecordedPair, reader: str | None = None
) -> ChangeReview:
    """Begin a review of the changes between two visits, or go on with it.

    Parameters
    ----------
    stored : StoredTrack
        The patient.
    pair : RecordedPair
        The two visits.
    reader : str, optional
        Who reviews; the name of the login if not given.

    Raises
    ------
    InputError
        If the map of changes or the journal cannot be used, or the journal is about changes that
        were found before.
    """
    reader = exact_name(reader or getpass.getuser())
    clear_after_killed(stored.home)
    grid = Volume(*read_nifti(stored.folder / pair.files["changes_after"]))
    about = {
        "case": f"sub-{stored.record.subject}",
        "from_visit": pair.earlier,
        "to_visit": pair.later,
        "changes_sha256": hash_of_changes(stored.changes, pair.earlier, pair.later),
        "shape": list(grid.shape),
    }
    path = change_journal_path(stored.home, stored.record.subject, pair.earlier, pair.later, reader)
    own = between(stored.changes, pair.earlier, pair.later)
    journal = Journal.open(path, about, _OTHER_CHANGES)
    return ChangeReview([int(number) for number in own["change"]], grid, journal, reader)
