"""What a case under review holds, read and prepared in a thread: nothing here knows a window."""

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsh_core.derivatives import StoredSegmentation
from fsh_core.review import Review, ReviewState, open_review
from fsh_core.volume.nifti import read_labels, read_nifti
from fsh_core.volume.volume import Volume, check_same_grid
from fsh_napari.layers.convert import GRID_KEY
from fsh_napari.layers.files import LayerData, layers_of_record, scan_of_record
from fsh_napari.layers.grid import Grid
from fsh_napari.review.measures import LesionMeasures
from fsh_napari.review.readers import read_others


@dataclass(frozen=True)
class Shown:
    """What the window shows of a case already, as if it had been read.

    Attributes
    ----------
    scan : LayerData or None
        An open scan; read from its file if there is none.
    lesions : (S, P, L) int or None
        The lesions as a layer has them to which nobody listened: someone may have painted.
    """

    scan: LayerData | None = None
    lesions: NDArray[Any] | None = None


@dataclass(frozen=True)
class LoadedCase:
    """A record and its review, ready to be shown.

    Attributes
    ----------
    stored : StoredSegmentation
        The original.
    review : Review
        What became of it.
    flair : Volume or None
        The scan, (I, J, K) float32; None where it is gone.
    probability : (I, J, K) float32 in [0, 1]
        Lesion probability.
    brain : (I, J, K) bool
        Where the brain is.
    painted : (I, J, K) int
        The lesions' voxels that the layer shows, and that strokes change.
    layers : list of LayerData
        Scan (if there is one), probability and lesions, sharing memory with the above.
    measures : LesionMeasures
        The lesions' table.
    others : dict of str to ReviewState
        What other readers decided, by their names; empty until they may be seen.
    early : (voxels, labels)
        What was painted before anybody listened: flat indices on the file's grid, (N,) int64,
        and their labels, (N,) int.
    """

    stored: StoredSegmentation
    review: Review
    flair: Volume | None
    probability: NDArray[np.float32]
    brain: NDArray[np.bool_]
    painted: NDArray[np.integer[Any]]
    layers: list[LayerData]
    measures: LesionMeasures
    others: Mapping[str, ReviewState]
    early: tuple[NDArray[np.int64], NDArray[np.integer[Any]]]


class Left(Exception):
    """The reader went on before the case was there."""


def load_case(
    stored: StoredSegmentation, reader: str, shown: Shown, left: Event
) -> LoadedCase | None:
    """Read a case and its review, from where the reader stopped.

    Parameters
    ----------
    stored : StoredSegmentation
        The record.
    reader : str
        Who reviews.
    shown : Shown
        What needs not be read.
    left : Event
        Set where the reader wants another case: what was read is dropped.

    Returns
    -------
    LoadedCase or None
        None where the reader left.

    Raises
    ------
    InputError
        If a file or the journal cannot be used.
    """
    try:
        return _load(stored, reader, shown, left)
    except Left:
        return None


def _load(stored: StoredSegmentation, reader: str, shown: Shown, left: Event) -> LoadedCase:
    review = open_review(stored, reader)
    _go_on(left)
    scan = _as_volume(shown.scan) or scan_of_record(stored, review.grid)
    _go_on(left)
    probability = Volume(*read_nifti(stored.paths["probability"]))
    check_same_grid(probability, review.grid, stored.paths["probability"], stored.paths["labels"])
    _go_on(left)
    brain = read_labels(stored.paths["brain"])[0] > 0
    painted = review.labels.copy()
    layers = layers_of_record(
        stored, None if shown.scan else scan, probability, review.grid.with_data(painted)
    )
    _go_on(left)
    flair = scan[1] if scan else None
    return LoadedCase(
        stored,
        review,
        flair,
        probability.data,
        brain,
        painted,
        layers,
        LesionMeasures(stored, review, flair, probability.data, brain),
        read_others(stored, review) if review.others_seen != "never" else {},
        _painted_before(shown.lesions, review),
    )


def _go_on(left: Event) -> None:
    if left.is_set():
        raise Left


def _as_volume(layer: LayerData | None) -> tuple[Any, Volume] | None:
    """Return the scan of an open layer, as `scan_of_record` does."""
    if layer is None:
        return None
    data, options, _ = layer
    grid: Grid = options["metadata"][GRID_KEY]
    voxels = grid.from_layer(np.asarray(data, dtype=np.float32))
    return options["metadata"].get("source", ""), grid.volume(voxels)


def _painted_before(
    lesions: NDArray[Any] | None, review: Review
) -> tuple[NDArray[np.int64], NDArray[np.integer[Any]]]:
    """Return what was painted into a record's layer while no review listened."""
    nothing = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    grid = Grid.of(review.grid)
    if lesions is None or lesions.shape != grid.layer_shape:
        return nothing
    shown = grid.from_layer(lesions)
    voxels = np.flatnonzero(shown != review.found_labels())
    return (voxels, shown.reshape(-1)[voxels]) if voxels.size else nothing
