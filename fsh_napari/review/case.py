"""A record under review: its layers, its arrays, and the review that keeps them together."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from napari.layers import Labels
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QTimer, Signal

from fsh_core.errors import InputError
from fsh_core.review import (
    ReviewEvent,
    ReviewState,
    Surroundings,
    grow_lesion,
    voxels_along,
    voxels_to_add,
    voxels_to_remove,
)
from fsh_core.review.answer import Answer, voxels_of_answer
from fsh_core.review.brush import BrushRange
from fsh_core.review.correct import GROW
from fsh_core.review.measure import overlap_scores
from fsh_core.volume.boxes import Box
from fsh_napari.layers.colours import review_colours
from fsh_napari.layers.grid import Grid
from fsh_napari.layers.ownership import give_to_review, lock
from fsh_napari.preferences import preferences
from fsh_napari.review.interfaces import Point, Voxel
from fsh_napari.review.layers import lesions_layer, reference_of_case
from fsh_napari.review.listing import list_lesions
from fsh_napari.review.loading import LoadedCase

if TYPE_CHECKING:
    import napari

_PART = 2**18  # voxels


class OpenCase(QObject):
    """A record and its review, shown in a viewer whose layers are those of the case.

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
    maps : (probability, brain)
        (I, J, K) float32 in [0, 1], and bool.
    wanted : tuple of int
        Lesions that the queue names, in its order; empty = all.
    others : mapping of str to ReviewState
        What other readers decided, by reader, once that may be seen.
    brush_range : BrushRange or None
        Outside of it a stroke changes nothing; None = it may change every voxel.
    early_stroke : ReviewEvent or None
        What was painted into the record's layer before the review was opened.
    """

    painted = Signal(object)
    changed = Signal()
    failed = Signal(str)

    def __init__(
        self, viewer: "napari.viewer.Viewer", loaded: LoadedCase, wanted: tuple[int, ...] = ()
    ) -> None:
        super().__init__()
        self.viewer, self.wanted = viewer, wanted
        self.stored, self.review, self.flair = loaded.stored, loaded.review, loaded.flair
        self.others: Mapping[str, ReviewState] = loaded.others
        self.name = loaded.stored.record.case
        self.grid = Grid.of(loaded.review.grid)
        self.maps = (loaded.probability, loaded.brain)
        self._measures = loaded.measures
        self.brush_range: BrushRange | None = None
        # As the layer shows them, in the file's order; the review's own differ by a stroke.
        self._painted = loaded.painted
        self._coloured: tuple[dict[int, str], int] = ({}, -1)
        self.layer: Labels = lesions_layer(viewer, self.name)
        self._view = loaded.layers[-1][0]
        if self.layer.data is not self._view:
            self.layer.data = self._view
        self.early_stroke = self._keep_early_stroke(*loaded.early)
        give_to_review(self.layer, can_write=not self.review.is_read_only)
        self.layer.contour = 1
        # Later, since napari tells of a filled region before the voxels have their new label.
        self._stroke = QTimer(self, singleShot=True, interval=0)
        self._stroke.timeout.connect(self.keep_stroke)
        self.layer.events.paint.connect(self._on_paint)

    @property
    def table(self) -> pd.DataFrame:
        """The lesions' measures, and what the segmentation knew of them."""
        return self._measures.table

    def _keep_early_stroke(
        self, voxels: NDArray[np.int64], labels: NDArray[np.integer[Any]]
    ) -> ReviewEvent | None:
        """Keep what was painted before the review listened, as one stroke that can be undone."""
        event = self.review.paint(voxels, labels) if voxels.size else None
        if event is not None:
            self._show_voxels(voxels)
            self.layer.refresh(extent=False)
            self._measures.update(event)
        return event

    def detach(self) -> None:
        """Keep what was painted, and stop listening; the layers stay."""
        self.keep_stroke()
        self.layer.events.paint.disconnect(self._on_paint)
        lock(self.layer)

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
        voxel = self._measures.inside(label)
        if voxel is None:
            raise InputError(f"there is no lesion {label}; choose one from the list")
        return self.grid.to_viewer_mm(voxel)

    def cut_out(self, label: int) -> tuple[Box, NDArray[np.bool_]]:
        """Return a box of the scan that holds a lesion, and where in it the lesion is.

        Raises
        ------
        InputError
            If there is no such lesion.
        """
        box = self._measures.box(label)
        inside = self.review.labels[box] == label
        if not inside.any():
            raise InputError(f"there is no lesion {label}; choose one from the list")
        return box, inside

    def voxel_at(self, point: Point) -> Voxel | None:
        """Return the voxel of the file at a point in viewer mm; None outside the scan."""
        return self.grid.from_viewer_mm(point)

    def add_lesion_at(self, voxel: Voxel) -> ReviewEvent:
        """Grow a missed lesion from a voxel of the file."""
        probability, brain = self.maps
        image = self.flair.data if self.flair is not None else probability
        free = brain & (self.review.labels == 0)
        spacing_mm = self.review.grid.spacing_mm
        return self.review.add(grow_lesion(voxel, image, probability, free, spacing_mm))

    @property
    def surroundings(self) -> Surroundings:
        """Scan, probability and lesions as they are now, for what proposes voxels."""
        probability, brain = self.maps
        image = self.flair.data if self.flair is not None else None
        labels, spacing_mm = self.review.labels, self.review.grid.spacing_mm
        return Surroundings(labels, brain, image, probability, spacing_mm)

    def correct(self, label: int, scribble: Sequence[Voxel], tool: str) -> ReviewEvent | None:
        """Grow or shrink a lesion where voxels of the file were clicked."""
        path = voxels_along(scribble)
        if tool == GROW:
            voxels = voxels_to_add(label, path, self.surroundings)
            return self.review.paint(voxels, label, tool)
        return self.review.paint(voxels_to_remove(label, path, self.surroundings), 0, tool)

    def take_answer(self, answer: Answer) -> ReviewEvent | None:
        """Grow or shrink a lesion as another program would have it."""
        voxels = voxels_of_answer(answer, self.surroundings)
        question = answer.question
        label = question.label if question.tool == GROW else 0
        return self.review.paint(voxels, label, answer.tool)

    def show(self, event: ReviewEvent) -> None:
        """Bring layer and table up to date after an event, or after it was taken back."""
        for change in event.changes:
            self._show_voxels(change.voxels)
        if event.changes:
            self.layer.refresh(extent=False)
            self.changed.emit()
        self._measures.update(event)

    def _show_voxels(self, voxels: NDArray[np.int64]) -> None:
        """Let the layer have what the review says of some voxels."""
        labels = self.review.labels
        if labels.dtype != self._painted.dtype:  # a number became too large for it
            self._painted = self._painted.astype(labels.dtype)
            self.layer.data = self._view = self.grid.to_layer(self._painted)
        self._painted.reshape(-1)[voxels] = labels.reshape(-1)[voxels]

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
        if self.layer.data is not self._view:  # another program gave the layer an array
            self._painted[...] = self.grid.from_layer(np.asarray(self.layer.data))
            self.layer.data = self._view
        touched = _differing(self._painted, self.review.labels)
        if touched.size == 0:
            return
        touched = self._within_range(touched)
        tool = self.brush_range.tool if self.brush_range else ""
        try:
            event = self.review.paint(touched, self._painted.reshape(-1)[touched], tool)
        except InputError as error:
            self._show_voxels(touched)
            self.layer.refresh(extent=False)
            self.changed.emit()
            self.failed.emit(str(error))
            return
        if event is not None:
            self._measures.update(event)
            self.changed.emit()
            self.painted.emit(event)

    def _within_range(self, touched: NDArray[np.int64]) -> NDArray[np.int64]:
        """Take back what was painted outside the range of the brush; return what stays."""
        if self.brush_range is None:
            return touched
        is_kept = self.brush_range.holds(touched, self.surroundings)
        if not is_kept.all():
            self._show_voxels(touched[~is_kept])
            self.layer.refresh(extent=False)
            self.changed.emit()
        if not is_kept.any():
            self.failed.emit("nothing under the brush is within its range; Shift+B changes that")
        return touched[is_kept]


def _differing(one: NDArray[Any], other: NDArray[Any]) -> NDArray[np.int64]:
    """Return where two arrays differ, as flat indices (C order).

    Part by part: what fits into the processor's cache takes half the time.
    """
    first, second = one.reshape(-1), other.reshape(-1)
    found = [
        start + np.flatnonzero(first[start : start + _PART] != second[start : start + _PART])
        for start in range(0, first.size, _PART)
    ]
    return np.concatenate(found)
