"""A record under review: its layers, its arrays, and the review that keeps them together."""

import re
from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from napari.layers import Labels
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QTimer, Signal

from fsh_core.derivatives import StoredSegmentation
from fsh_core.errors import InputError
from fsh_core.lesions.flags import FAINT_CONTRAST
from fsh_core.review import Review, ReviewEvent, grow_lesion, measure_lesions
from fsh_core.review.measure import overlap_scores
from fsh_core.review.reader_agreement import decision
from fsh_core.review.save import with_found
from fsh_core.volume.nifti import read_nifti
from fsh_core.volume.volume import Volume
from fsh_napari.layers.colours import lesion_colours
from fsh_napari.layers.convert import Grid, grid_of_layer
from fsh_napari.layers.files import record_layers
from fsh_napari.preferences import preferences
from fsh_napari.review.interfaces import Point, Voxel
from fsh_napari.signs import SIGNS

if TYPE_CHECKING:
    import napari

_SMALL_MM3 = 10.0
_BANDS = ("low", "medium", "high")
_MEDIUM_FROM, _HIGH_ABOVE = 0.6, 0.8  # of a confidence; the filter box says so too


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
        self.name = stored.record.case
        self.grid = Grid.of(review.grid)
        self.probability = read_nifti(stored.paths["probability"])[0]
        self.brain = read_nifti(stored.paths["brain"])[0] > 0
        self._show_missing_layers()
        self.layer: Labels = self._layer("lesions")
        self.flair = self._scan()
        self._shadow = self.grid.to_layer(review.labels)
        self.layer.data = self._shadow.copy()
        self.layer.contour = 1
        self.layer.colormap = lesion_colours(preferences().colours)
        # Later, since napari tells of a filled region before the voxels have their new label.
        self._stroke = QTimer(self, singleShot=True, interval=0)
        self._stroke.timeout.connect(self.keep_stroke)
        self.layer.events.paint.connect(self._on_paint)
        self.table = stored.lesions
        changed = {
            label
            for event in review.journal.events
            for one in event.changes
            for label in (one.before, one.after)
        }
        self._measure(changed - {0})

    def detach(self) -> None:
        """Keep what was painted, and stop listening; the layers stay."""
        self.keep_stroke()
        self.layer.events.paint.disconnect(self._on_paint)

    def close(self) -> None:
        """Stop listening, and take the layers away."""
        self.detach()
        for layer in [
            one for one in self.viewer.layers if one.metadata.get("fsh_case") == self.name
        ]:
            self.viewer.layers.remove(layer)

    def listed(self) -> pd.DataFrame:
        """Return the table with status, note, flags, how sure it is, and what is asked of it."""
        table = self.table.copy()
        labels = [int(label) for label in table["label"]]
        table["status"] = [self.review.status(label) for label in labels]
        table["note"] = [self.review.note(label) for label in labels]
        table["flags"] = [_flags(row) for row in table.to_dict("records")]
        if "region" in table:
            table["region"] = [
                text.replace("_", " ") for text in table["region"].fillna("").astype(str)
            ]
            if not any(table["region"]):
                table = table.drop(columns="region")
        chance = table["mean_probability"]
        if "confidence" in table:
            chance = table["confidence"].fillna(chance)
        table["band"] = np.select(
            [chance < _MEDIUM_FROM, chance <= _HIGH_ABOVE], _BANDS[:2], _BANDS[2]
        )
        if self.wanted:
            places = {label: float(place) for place, label in enumerate(self.wanted, start=1)}
            table["queue"] = [places.get(label, np.nan) for label in labels]
            table["queued"] = ["yes" if label in places else "" for label in labels]
        if self.others:
            table["others"] = [self._said_of(label) for label in labels]
        return table.dropna(axis=1, how="all") if len(table) else table

    def _said_of(self, label: int) -> str:
        """Say what the other readers decided about a lesion of the original."""
        if label not in self.review.original:
            return ""
        return ", ".join(f"{SIGNS[decision(other, label)]} {other.reader}" for other in self.others)

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
        self._measure(
            {label for change in event.changes for label in (change.before, change.after)} - {0}
        )

    def scores(self) -> tuple[float, float] | None:
        """Return Dice and lesion F1 against a reference that is open, if one is."""
        reference = self._reference()
        if reference is None:
            return None
        return overlap_scores(reference, self.review.prediction, self.review.grid.voxel_volume_mm3)

    def _reference(self) -> NDArray[np.bool_] | None:
        for layer in self.viewer.layers:
            if (
                isinstance(layer, Labels)
                and layer is not self.layer
                and layer.data.shape == self.layer.data.shape
            ):
                return self.grid.from_layer(np.asarray(layer.data)) > 0
        return None

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
            self._measure(
                {label for change in event.changes for label in (change.before, change.after)} - {0}
            )
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

    def _show_missing_layers(self) -> None:
        shown = {layer.name for layer in self.viewer.layers}
        for data, options, kind in record_layers(self.stored.paths["record"]):
            if options["name"] not in shown:
                getattr(self.viewer, f"add_{'labels' if kind == 'labels' else 'image'}")(
                    data, **options
                )

    def _layer(self, role: str) -> Any:
        return next(
            layer
            for layer in self.viewer.layers
            if layer.metadata.get("role") == role and layer.metadata.get("fsh_case") == self.name
        )

    def _scan(self) -> Volume | None:
        for layer in self.viewer.layers:
            if layer.metadata.get("fsh_case") == self.name and "role" not in layer.metadata:
                grid = grid_of_layer(
                    layer.data.shape, {"metadata": layer.metadata, "name": layer.name}
                )
                if grid.shape == self.grid.shape:
                    return grid.volume(grid.from_layer(np.asarray(layer.data, dtype=np.float32)))
        return None


def _flags(row: Mapping[Hashable, Any]) -> str:
    """Name what deserves a second look: flags of the segmentation, then those of the measures."""
    given = row.get("flags")
    is_told = isinstance(given, str)
    named = [flag.strip().replace("_", " ") for flag in re.split("[,;]", str(given))]
    if not is_told:
        named = []
    seen = {
        "border": row["touches_border"],
        "small": row["volume_mm3"] < _SMALL_MM3,
        "faint": not is_told and row["contrast"] < FAINT_CONTRAST,
    }
    return ", ".join(
        dict.fromkeys([*filter(None, named), *(name for name, raised in seen.items() if raised)])
    )
