"""The layers of a case under review: those that are open already, or opened from its record."""

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels, Layer
from numpy.typing import NDArray

from fsh_core.derivatives import StoredSegmentation
from fsh_core.errors import InputError
from fsh_core.volume.volume import Volume
from fsh_napari.layers.convert import GRID_KEY, grid_of_layer
from fsh_napari.layers.files import record_layers
from fsh_napari.layers.grid import Grid
from fsh_napari.layers.ownership import owner_of

if TYPE_CHECKING:
    import napari


def open_missing_layers(viewer: "napari.viewer.Viewer", stored: StoredSegmentation) -> None:
    """Open what a record has and the viewer does not show yet."""
    shown = {layer.name for layer in viewer.layers}
    for data, options, kind in record_layers(stored.paths["record"]):
        if options["name"] not in shown:
            add = viewer.add_labels if kind == "labels" else viewer.add_image
            add(data, **options)


def lesions_layer(viewer: "napari.viewer.Viewer", case: str) -> Labels:
    """Return the layer that a review of a case takes: one opened as a file, else Segment's own."""
    found = [layer for layer in layers_of(viewer, case) if layer.metadata.get("role") == "lesions"]
    return min(found, key=lambda layer: owner_of(layer) == "segment")


def layers_of(viewer: "napari.viewer.Viewer", case: str) -> list[Layer]:
    """List the layers of a case."""
    return [layer for layer in viewer.layers if layer.metadata.get("fsh_case") == case]


def painted_before(
    layer: Labels, grid: Grid, original: NDArray[np.integer[Any]]
) -> tuple[NDArray[np.int64], NDArray[np.integer[Any]]]:
    """Return what was painted into a record's layer while no review listened.

    Parameters
    ----------
    layer : Labels
        The layer.
    grid : Grid
        Of the record's files.
    original : (I, J, K) int
        The lesions in the file.

    Returns
    -------
    voxels : (N,) int64
        Flat indices on the file's grid.
    labels : (N,) int
        What was painted there.
    """
    nothing = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    if owner_of(layer) or layer.data.shape != grid.layer_shape:
        return nothing
    shown = grid.from_layer(np.asarray(layer.data)).reshape(-1)
    voxels = np.flatnonzero(shown != original.reshape(-1))
    return (voxels, shown[voxels]) if voxels.size else nothing


def scan_of_case(viewer: "napari.viewer.Viewer", case: str, grid: Grid) -> Volume | None:
    """Return the scan of a case, from its layer; None where none is open."""
    for layer in layers_of(viewer, case):
        if "role" not in layer.metadata:
            own = grid_of_layer(layer.data.shape, {"metadata": layer.metadata, "name": layer.name})
            if own.shape == grid.shape:
                return own.volume(own.from_layer(np.asarray(layer.data, dtype=np.float32)))
    return None


def reference_of_case(
    viewer: "napari.viewer.Viewer", case: str, grid: Grid
) -> tuple[str, NDArray[np.bool_]] | None:
    """Return name and voxels of a reference mask that is open; None if there is none.

    That is a labels layer that was opened from a file on the very grid of the case, is not
    empty, and holds no lesions of F.sh's own.

    Returns
    -------
    (str, (I, J, K) bool) or None
        Its name, and where it has lesions.
    """
    for layer in viewer.layers:
        if not isinstance(layer, Labels) or "role" in layer.metadata:
            continue
        own = layer.metadata.get(GRID_KEY)
        if isinstance(own, Grid) and own.is_same_as(grid):
            mask = grid.from_layer(np.asarray(layer.data)) > 0
            if mask.any():
                return layer.name, mask
    return None


def no_scan(case: str) -> InputError:
    """Say that the scan of a case cannot be shown, and what to do."""
    return InputError(
        f"the scan of {case} is not where its record says, or has changed, so that only outlines "
        "are shown; put it back and open the record again"
    )
