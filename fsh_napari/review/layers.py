"""The layers of a case under review: those that are open already, or opened from its record."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels, Layer
from numpy.typing import NDArray

from fsh_core.derivatives import StoredSegmentation
from fsh_core.errors import InputError
from fsh_napari.layers.convert import GRID_KEY
from fsh_napari.layers.files import LayerData
from fsh_napari.layers.grid import Grid
from fsh_napari.layers.ownership import lock, owner_of
from fsh_napari.review.loading import Shown
from fsh_napari.views.window import undrawn

if TYPE_CHECKING:
    import napari


_ROLES = ("scan", "probability", "lesions")
_EMPTY = "empty"  # role of a layer that waits for the next case


class CaseLayers:
    """The layers of the case under review, which the next case takes over.

    napari takes some 100 ms to add a layer to a viewer and as long to take one away, and the three
    planes are three viewers; new voxels in a layer that is there take a tenth of that.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    window : QMainWindow
        Its window.
    """

    def __init__(self, viewer: "napari.viewer.Viewer", window: Any) -> None:
        self.viewer, self._window = viewer, window
        self._kept: dict[str, Layer] = {}

    def show(self, layers: list[LayerData]) -> Iterator[None]:
        """Show the layers of a case, step by step; those that are shown already stay as they are.

        Parameters
        ----------
        layers : list of LayerData
            As of `fsh_napari.layers.files.layers_of_record`.
        """
        shown = {layer.name for layer in self.viewer.layers}
        new = []
        for data, options, kind in layers:
            if options["name"] in shown:
                continue
            layer = self._kept.pop(_role_of(options["metadata"]), None)
            if layer is None or layer not in self.viewer.layers:
                new.append((data, options, kind))
            else:
                yield from _refilled(layer, data, options)
        if new or self._kept:
            with undrawn(self._window):
                self.discard()
                for data, options, kind in new:
                    add = self.viewer.add_labels if kind == "labels" else self.viewer.add_image
                    add(data, **options)
            yield

    def close(self, case: str) -> Iterator[None]:
        """Empty the layers of a case, step by step, and keep them; others of the case go."""
        gone = []
        for layer in layers_of(self.viewer, case):
            role = _role_of(layer.metadata)
            if role in self._kept or role not in _ROLES or not _can_be_kept(layer):
                gone.append(layer)
                continue
            self._kept[role] = layer
            layer.metadata = {"role": _EMPTY}
            layer.name = f"({role})"
            layer.data = np.zeros((1, 1, 1), dtype=layer.data.dtype)
            layer.visible = False
            yield
        if gone:
            with undrawn(self._window), self.viewer.layers.batched_update():
                for layer in gone:
                    self.viewer.layers.remove(layer)
            yield

    def discard(self) -> None:
        """Take away the layers that no case took over."""
        with self.viewer.layers.batched_update():
            for layer in self._kept.values():
                if layer in self.viewer.layers:
                    self.viewer.layers.remove(layer)
        self._kept.clear()


def _role_of(metadata: Mapping[str, Any]) -> str:
    return str(metadata.get("role", _ROLES[0]))


def _can_be_kept(layer: Layer) -> bool:
    """Whether nothing of the case is left in a layer once it has other voxels.

    napari's own: a version without it gets new layers, slower, and right.
    """
    return not isinstance(layer, Labels) or hasattr(layer, "_reset_history")


def _refilled(layer: Layer, data: Any, options: Mapping[str, Any]) -> Iterator[None]:
    """Show another case in a layer; it looks as if it were new, but for what G and O had set."""
    layer.name = options["name"]
    layer.metadata = options["metadata"]
    layer.data = data
    layer.scale, layer.translate = options["scale"], options["translate"]
    if isinstance(layer, Labels):
        layer._reset_history()
        layer.mode = "pan_zoom"
        layer.features = options["features"]
    else:
        layer.contrast_limits_range = options["contrast_limits"]
        layer.contrast_limits = options["contrast_limits"]
    yield
    layer.visible = options.get("visible", True)
    yield


def lesions_layer(viewer: "napari.viewer.Viewer", case: str) -> Labels:
    """Return the layer that a review of a case takes: one opened as a file, else Segment's own.

    Raises
    ------
    InputError
        If there is none.
    """
    found = [layer for layer in layers_of(viewer, case) if layer.metadata.get("role") == "lesions"]
    if not found:
        raise InputError(
            f"the lesions of {case} were taken out of the viewer; open the record again"
        )
    return min(found, key=lambda layer: owner_of(layer) == "segment")


def layers_of(viewer: "napari.viewer.Viewer", case: str) -> list[Layer]:
    """List the layers of a case."""
    return [layer for layer in viewer.layers if layer.metadata.get("fsh_case") == case]


def shown_of_case(viewer: "napari.viewer.Viewer", stored: StoredSegmentation) -> Shown:
    """Return what the viewer shows of a case; lesions that nobody owns are locked meanwhile."""
    case, scan, lesions = stored.record.case, None, None
    for layer in layers_of(viewer, case):
        role, grid = _role_of(layer.metadata), layer.metadata.get(GRID_KEY)
        if role == "scan" and isinstance(grid, Grid) and grid.shape == stored.record.grid.shape:
            scan = layer.as_layer_data_tuple()
        if role == "lesions" and not owner_of(layer):
            lock(layer)
            lesions = layer.data
    return Shown(scan, lesions)


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
