"""Two followed visits under review: their layers, and where each change lies in both.

Points are in viewer mm (`fsh_napari.layers.grid`) of the visit that is named. Nothing here needs
a window: a pair is opened in a thread of its own.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from fsh_core.errors import InputError
from fsh_core.follow_up import (
    ChangeReview,
    LoadedPair,
    StoredTrack,
    in_reading_order,
    judged_pair,
    load_pair,
    open_change_review,
    read_track,
)
from fsh_core.review import ReviewEvent, grow_lesion
from fsh_core.tracking.halfway import inverse_of, resample_by
from fsh_core.volume.boxes import Box, label_boxes
from fsh_core.volume.volume import Volume
from fsh_napari.changes.layers import describe_layers
from fsh_napari.layers.colours import change_colours
from fsh_napari.layers.grid import Grid
from fsh_napari.review.interfaces import Point


def open_pair(record_path: Path, position: int, reader: str) -> "OpenPair":
    """Read two visits that follow each other, and the reader's review of their changes.

    Raises
    ------
    InputError
        If a file is gone or cannot be used, or the journal is about other changes.
    """
    stored = read_track(record_path)
    if not 0 <= position < len(stored.record.pairs):
        raise InputError(
            f"{record_path}: expected two visits at place {position + 1}, found "
            f"{len(stored.record.pairs)} pair(s); open the folder again"
        )
    pair = stored.record.pairs[position]
    review = open_change_review(stored, pair, reader)
    return OpenPair(record_path, stored, load_pair(stored, pair), review)


class OpenPair:
    """Two visits and the review of what changed between them.

    Parameters
    ----------
    record_path : Path
        The record of the patient's visits.
    stored : StoredTrack
        What is in it.
    loaded : LoadedPair
        The images.
    review : ChangeReview
        What the reader decided.

    Attributes
    ----------
    name : str
        The patient and the earlier visit.
    grid, later_grid : Grid
        Those of the two scans.
    flair : Volume
        The earlier scan.
    movement : (4, 4) float64
        World coordinates (RAS+ mm) of the earlier visit to those of the later one.
    earlier_layers : list of LayerData
        Layers on the grid of the earlier visit, the scan first; among them, hidden, the later
        visit brought there.
    later_layers : list of LayerData
        Layers on the grid of the later visit, the scan first.
    """

    def __init__(
        self, record_path: Path, stored: StoredTrack, loaded: LoadedPair, review: ChangeReview
    ) -> None:
        self.record_path, self.stored, self.review = record_path, stored, review
        self.pair, self._loaded = loaded.pair, loaded
        self.subject = f"sub-{stored.record.subject}"
        self.name = f"{self.subject} {loaded.pair.earlier}"
        self.flair: Volume | None = loaded.earlier.flair
        self.grid, self.later_grid = Grid.of(loaded.earlier.flair), Grid.of(loaded.later.flair)
        self.movement = np.asarray(loaded.pair.earlier_to_later, dtype=np.float64)
        self._to_later = (
            inverse_of(self.later_grid.viewer_to_world) @ self.movement @ self.grid.viewer_to_world
        )
        self._boxes = [label_boxes(one) for one in (loaded.changes_before, loaded.changes_after)]
        self.earlier_layers, self.later_layers = describe_layers(
            loaded, self.subject, self.movement, self.change_maps(), self.colours(0)
        )

    # ---- what is shown

    def change_maps(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return the changes as they are now, with what was added, as data of the two layers."""
        after = self._with_added()
        before = self._loaded.changes_before
        if self.review.added:
            added = np.where(np.isin(after, list(self.review.added)), after, 0)
            here = resample_by(
                self._loaded.later.flair.with_data(added), self._loaded.earlier.flair, self.movement
            )
            before = np.where(here > 0, here, before).astype(np.int32)
        return self.grid.to_layer(before), self.later_grid.to_layer(after)

    def colours(self, selected: int) -> Any:
        """Return the colours of the changes; the selected one stands out."""
        judged = self._judged()
        kinds = dict(zip(judged["change"].astype(int), judged["kind_reviewed"], strict=True))
        return change_colours(
            kinds, {number: self.review.status(number) for number in kinds}, selected
        )

    def listed(self) -> pd.DataFrame:
        """Return the changes with what was decided, in the order of the report.

        Returns
        -------
        DataFrame
            ``label`` is the number of the change; stable lesions are left out.
        """
        table = in_reading_order(self._judged())
        sizes = [
            f"{kind}, {size}" if size not in ("", kind) else kind
            for kind, size in zip(table["kind"], table["size_change"], strict=True)
        ]
        return pd.DataFrame(
            {
                "label": table["change"].astype(int),
                "status": table["status"],
                "kind": sizes,
                "kind_found": table["kind"],
                "kind_reviewed": table["kind_reviewed"],
                "before": table["volume_before_mm3"],
                "after": table["volume_after_mm3"],
                "percent": table["volume_change_percent"],
                "confidence": table["confidence"],
                "reason": table["reason"],
                "evidence": table["evidence"],
                "note": table["note"],
            }
        ).reset_index(drop=True)

    def _judged(self) -> pd.DataFrame:
        return judged_pair(self.stored, self.pair, self.review)

    # ---- where it is

    def to_later(self, point: Point) -> Point:
        """Turn a point of the earlier visit into one of the later visit."""
        return _moved(self._to_later, point)

    def to_earlier(self, point: Point) -> Point:
        """Turn a point of the later visit into one of the earlier visit."""
        return _moved(inverse_of(self._to_later), point)

    def inside(self, change: int) -> Point:
        """Return a point inside a change, in viewer mm of the earlier visit.

        Raises
        ------
        InputError
            If there is no such change.
        """
        if change in self.review.added:
            flat = self.review.added[change]
            voxels = np.stack(np.unravel_index(flat, self.later_grid.shape), axis=1)
            nearest = np.argmin(((voxels - voxels.mean(axis=0)) ** 2).sum(axis=1))
            return self.to_earlier(self.later_grid.to_viewer_mm(voxels[nearest]))
        rows = self.stored.changes
        rows = rows[(rows["change"] == change) & (rows["from_visit"] == self.pair.earlier)]
        if rows.empty:
            raise InputError(f"there is no change {change}; choose one from the list")
        loaded = self._loaded
        if change in self._boxes[1]:
            voxel = _deepest(
                loaded.changes_after == change, self._boxes[1][change], loaded.later.flair
            )
            return self.to_earlier(self.later_grid.to_viewer_mm(voxel))
        if change in self._boxes[0]:
            voxel = _deepest(
                loaded.changes_before == change, self._boxes[0][change], loaded.earlier.flair
            )
            return self.grid.to_viewer_mm(voxel)
        row = rows.iloc[0]
        centre = [float(row[f"centre_{axis}_mm"]) for axis in "ras"]
        world_to_viewer = inverse_of(self.later_grid.viewer_to_world)
        return self.to_earlier(_moved(world_to_viewer, tuple(centre)))

    def change_at(self, point: Point) -> int:
        """Return the change at a point of the later visit; 0 = none, also outside the scan."""
        voxel = self.later_grid.from_viewer_mm(point)
        return int(self._with_added()[voxel]) if voxel is not None else 0

    def add_at(self, point: Point) -> ReviewEvent:
        """Grow a missed new lesion from a point of the later visit.

        Raises
        ------
        InputError
            If the point is not in a free place of the brain.
        """
        voxel = self.later_grid.from_viewer_mm(point)
        if voxel is None:
            raise InputError("that was outside the scan; I begins again")
        later = self._loaded.later
        free = later.brain & (later.labels == 0) & (self._with_added() == 0)
        return self.review.add(
            grow_lesion(voxel, later.flair.data, later.probability, free, later.flair.spacing_mm)
        )

    def _with_added(self) -> NDArray[np.int32]:
        """Changes on the grid of the later visit, (I, J, K)."""
        if not self.review.added:
            return self._loaded.changes_after
        changes = self._loaded.changes_after.copy()
        for number, voxels in self.review.added.items():
            changes.reshape(-1)[voxels] = number
        return changes


def _deepest(mask: NDArray[np.bool_], box: Box, grid: Volume) -> NDArray[np.intp]:
    """Return the voxel of a mask that is furthest from its boundary, in mm."""
    depth = ndimage.distance_transform_edt(np.pad(mask[box], 1), sampling=grid.spacing_mm)
    place = np.array(np.unravel_index(int(np.argmax(depth)), depth.shape)) - 1
    return np.asarray(place + [side.start for side in box], dtype=np.intp)


def _moved(matrix: NDArray[np.float64], point: Point) -> Point:
    s, p, left, _ = (matrix @ [*point, 1.0]).tolist()
    return s, p, left
