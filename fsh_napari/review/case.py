"""A record under review: its layers, its arrays, and the review that keeps them together."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from napari.layers import Labels
from qtpy.QtCore import QObject, QTimer, Signal

from fsh_core.derivatives import StoredSegmentation
from fsh_core.errors import InputError
from fsh_core.review import Review, ReviewEvent, grow_lesion, measure_lesions
from fsh_core.review.measure import overlap_scores
from fsh_core.review.save import with_found
from fsh_core.volume.nifti import read_nifti
from fsh_napari.layers.colours import review_colours
from fsh_napari.layers.grid import Grid
from fsh_napari.layers.ownership import give_to_review, lock
from fsh_napari.preferences import preferences
from fsh_napari.review.interfaces import Point, Voxel
from fsh_napari.review.layers import (
    layers_of,
    lesions_layer,
    open_missing_layers,
    painted_before,
    reference_of_case,
    scan_of_case,
)
from fsh_napari.review.listing import list_lesions

if TYPE_CHECKING:
    import napari


class OpenCase(QObject):
    """A record and its review, shown in a viewer.

    ``painted`` carries the event that a stroke of the brush became, ``failed`` why it could not be
    kept; ``changed`` says that voxels of the layer changed in another way.

    Attributes
    ----------
    stored : StoredSegmentation
        The original.
    review : Review
        What became of it.
    layer : Labels
        The lesions, as they are now.
    flair : Volume or None
        The scan; None where it is gone.
    table : DataFrame
        The lesions' measures, and what the segmentation knew of them.
    wanted : tuple of int
        Lesions that the queue names, in its order; empty = all.
    others : list of Review
        Other readers' reviews, once they may be seen.
    early_stroke : ReviewEvent or None
        What was painted into the record's layer before the review was opened.
    """

    painted = Signal(object)
    changed = Signal()
    failed = Signal(str)

    def __init__(
        self,
        viewer: "napari.viewer.Viewer",
        stored: StoredSegmentation,
        review: Review,
        wanted: tuple[int, ...] = (),
    ) -> None:
        super().__init__()
        self.viewer, self.stored, self.review, self.wanted = viewer, stored, review, wanted
        self.others: list[Review] = []
        self._coloured: tuple[dict[int, str], int] = ({}, -1)
        self.name = stored.record.case
        self.grid = Grid.of(review.grid)
        self.probability = read_nifti(stored.paths["probability"])[0]
        self.brain = read_nifti(stored.paths["brain"])[0] > 0
        open_missing_layers(viewer, stored)
        self.layer: Labels = lesions_layer(viewer, self.name)
        self.flair = scan_of_case(viewer, self.name, self.grid)
        self.early_stroke = self._keep_early_stroke()
        self._shadow = self.grid.to_layer(review.labels)
        self.layer.data = self._shadow.copy()
        give_to_review(self.layer, can_write=not review.is_read_only)
        self.layer.contour = 1
        self.show_decisions(0)
        # Later, since napari tells of a filled region before the voxels have their new label.
        self._stroke = QTimer(self, singleShot=True, interval=0)
        self._stroke.timeout.connect(self.keep_stroke)
        self.layer.events.paint.connect(self._on_paint)
        self.table = stored.lesions
        self._measure({label for event in review.journal.events for label in event.touched})

    def _keep_early_stroke(self) -> ReviewEvent | None:
        """Keep what was painted before the review listened, as one stroke that can be undone."""
        voxels, labels = painted_before(self.layer, self.grid, self.review.grid.data)
        return self.review.paint(voxels, labels) if voxels.size else None

    def detach(self) -> None:
        """Keep what was painted, and stop listening; the layers stay."""
        self.keep_stroke()
        self.layer.events.paint.disconnect(self._on_paint)
        lock(self.layer)

    def remove_layers(self) -> None:
        """Take the layers out of the viewer, once detached."""
        for layer in layers_of(self.viewer, self.name):
            self.viewer.layers.remove(layer)

    def show_decisions(self, selected: int) -> None:
        """Colour the lesions by what was decided; the selected one stands out."""
        statuses = {label: self.review.status(label) for label in self.review.lesions}
        shown = statuses, selected
        if shown != self._coloured:
            self._coloured = shown
            self.layer.colormap = review_colours(preferences().colours, statuses, selected)

    def listed(self) -> pd.DataFrame:
        """Return the table with status, note, flags, how sure it is, and what is asked of it."""
        return list_lesions(self.table, self.review, self.wanted, self.others)

    def inside(self, label: int) -> tuple[float, float, float]:
        """Return a point inside a lesion, in viewer mm.

        Raises
        ------
        InputError
            If there is no such lesion.
        """
        rows = self.table[self.table["label"] == label]
        if rows.empty:
            raise InputError(f"there is no lesion {label}; choose one from the list")
        row = rows.iloc[0]
        return self.grid.to_viewer_mm((row["inside_i"], row["inside_j"], row["inside_k"]))

    def voxel_at(self, point: Point) -> Voxel | None:
        """Return the voxel of the file at a point in viewer mm; None outside the scan."""
        return self.grid.from_viewer_mm(point)

    def add_lesion_at(self, voxel: Voxel) -> ReviewEvent:
        """Grow a missed lesion from a voxel of the file."""
        image = self.flair.data if self.flair is not None else self.probability
        free = self.brain & (self.review.labels == 0)
        spacing_mm = self.review.grid.spacing_mm
        return self.review.add(grow_lesion(voxel, image, self.probability, free, spacing_mm))

    def show(self, event: ReviewEvent) -> None:
        """Bring layer and table up to date after an event, or after it was taken back."""
        touched = np.concatenate(
            [np.zeros(0, dtype=np.int64), *(change.voxels for change in event.changes)]
        )
        if touched.size:
            voxels = np.stack(np.unravel_index(touched, self.grid.shape), axis=1)
            where = tuple(self.grid.voxel_to_layer(voxels).T)
            values = self.review.labels.reshape(-1)[touched]
            self._shadow[where] = values
            self.layer.data[where] = values
            self.layer.refresh(extent=False)
            self.changed.emit()
        self._measure(event.touched)

    def scores(self) -> tuple[str, float, float] | None:
        """Return name, Dice and lesion F1 of a reference that is open, if one is."""
        found = reference_of_case(self.viewer, self.name, self.grid)
        if found is None:
            return None
        name, reference = found
        scores = overlap_scores(
            reference, self.review.prediction, self.review.grid.voxel_volume_mm3
        )
        return name, *scores

    def _on_paint(self, event: Any = None) -> None:
        self._stroke.start()

    def keep_stroke(self) -> None:
        """Turn what was painted into an event; where it cannot be written, take it back."""
        self._stroke.stop()
        flat, shadow = self.layer.data.reshape(-1), self._shadow.reshape(-1)
        touched = np.flatnonzero(flat != shadow)
        if touched.size == 0:
            return
        voxels = self.grid.voxel_from_layer(
            np.stack(np.unravel_index(touched, self.layer.data.shape), axis=1)
        )
        indices = np.ravel_multi_index(tuple(voxels.T), self.grid.shape)
        try:
            event = self.review.paint(indices, flat[touched])
        except InputError as error:
            flat[touched] = shadow[touched]
            self.layer.refresh(extent=False)
            self.changed.emit()
            self.failed.emit(str(error))
            return
        shadow[touched] = flat[touched]
        if event is not None:
            self._measure(event.touched)
            self.changed.emit()
            self.painted.emit(event)

    def _measure(self, labels: set[int]) -> None:
        if not labels:
            return
        flair = self.flair or self.review.grid.with_data(
            np.zeros(self.grid.shape, dtype=np.float32)
        )
        rows = measure_lesions(
            self.review.labels, sorted(labels), flair, self.probability, self.brain
        )
        known_before = [column for column in self.table if column not in rows.columns]
        kept = self.table[~self.table["label"].isin(labels)].drop(columns=known_before)
        parts = [part for part in (kept, rows) if len(part)]
        table = pd.concat(parts, ignore_index=True) if parts else kept
        self.table = with_found(
            table.sort_values("label", ignore_index=True),
            self.stored.lesions,
            self.review.redrawn,
        )
