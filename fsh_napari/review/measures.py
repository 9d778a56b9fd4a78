"""The table of the lesions under review, measured anew where an event changed them."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fsh_core.derivatives import StoredSegmentation
from fsh_core.review import Review, ReviewEvent, measure_lesions
from fsh_core.review.save import with_found
from fsh_core.volume.boxes import Box, box_of_voxels, joined, label_boxes, whole_box
from fsh_core.volume.volume import Volume


class LesionMeasures:
    """What the list shows of every lesion.

    Parameters
    ----------
    stored : StoredSegmentation
        The original, whose table holds for lesions that are as they were found.
    review : Review
        What became of it.
    flair : Volume or None
        The scan; None where it is gone.
    probability : (I, J, K) float32 in [0, 1]
        Lesion probability.
    brain : (I, J, K) bool
        Where the brain is.

    Attributes
    ----------
    table : DataFrame
        The lesions' measures, and what the segmentation knew of them, a row a lesion.
    """

    def __init__(
        self,
        stored: StoredSegmentation,
        review: Review,
        flair: Volume | None,
        probability: NDArray[np.float32],
        brain: NDArray[np.bool_],
    ) -> None:
        self._found, self._review = stored.lesions, review
        nothing = np.broadcast_to(np.float32(0), review.labels.shape)
        self._flair = flair or review.grid.with_data(nothing)
        self._probability, self._brain = probability, brain
        # A part of the scan that holds the lesion; it grows with every stroke, never shrinks.
        self._boxes = label_boxes(review.labels)
        self.table = stored.lesions
        self._measure({label for event in review.journal.events for label in event.touched})

    def update(self, event: ReviewEvent) -> None:
        """Measure the lesions again that an event touched, also one that was taken back."""
        for change in event.changes:
            box = box_of_voxels(change.voxels, self._review.labels.shape)
            for label in {change.before, change.after} - {0}:
                self._boxes[label] = joined(self._boxes.get(label, box), box)
        self._measure(event.touched)

    def inside(self, label: int) -> tuple[int, int, int] | None:
        """Return a voxel inside a lesion; None if there is no such lesion."""
        rows = self.table[self.table["label"] == label]
        if rows.empty:
            return None
        i, j, k = rows.iloc[0][["inside_i", "inside_j", "inside_k"]]
        return int(i), int(j), int(k)

    def box(self, label: int) -> Box:
        """Return a part of the scan that holds a lesion; all of it, where none is known."""
        return self._boxes.get(label, whole_box(self._review.labels.shape))

    def _measure(self, labels: set[int]) -> None:
        if not labels:
            return
        rows = measure_lesions(
            self._review.labels,
            sorted(labels),
            self._flair,
            self._probability,
            self._brain,
            self._boxes,
        )
        known_before = [column for column in self.table if column not in rows.columns]
        kept = self.table[~self.table["label"].isin(labels)].drop(columns=known_before)
        parts = [part for part in (kept, rows) if len(part)]
        table = pd.concat(parts, ignore_index=True) if parts else kept
        self.table = with_found(
            table.sort_values("label", ignore_index=True), self._found, self._review.redrawn
        )
