"""The layers of Segment: scans to choose from, and the result."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QTimer, Signal

from fsh_core.pipeline import Segmentation
from fsh_core.volume.volume import save_like
from fsh_napari.layers.colours import lesion_colours
from fsh_napari.layers.convert import grid_of_layer, labels_layer, probability_layer
from fsh_napari.layers.files import LayerData, features_by_label
from fsh_napari.layers.grid import Grid
from fsh_napari.layers.ownership import give_to_segment, owner_of
from fsh_napari.preferences import preferences

if TYPE_CHECKING:
    import napari

_SPACE_DIMENSIONS = 3


class SegmentStage(QObject):
    """The layers of a viewer, as Segment uses them.

    Signals
    -------
    shown : no arguments
        All layers of a result are there.

    Attributes
    ----------
    grid : Grid or None
        The grid of the result.
    """

    shown = Signal()

    def __init__(self, viewer: "napari.viewer.Viewer", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.viewer = viewer
        self.grid: Grid | None = None
        self._case_name = ""
        self._layers_to_show: list[LayerData] = []

    def scans(self) -> list[str]:
        """List the scans that are open."""
        return [layer.name for layer in self.viewer.layers if _is_scan(layer)]

    def open_scan(self, path: Path) -> str:
        """Open a file and return the name of its layer.

        Raises
        ------
        InputError
            If the file cannot be used.
        """
        layers = self.viewer.open(str(path), plugin="fsh-ms")
        return str(layers[0].name)

    def scan_file(self, name: str, records_folder: Path) -> Path:
        """Return the file of a scan, or that of a copy if the layer has none.

        Raises
        ------
        InputError
            If the layer cannot be written as a file.
        """
        layer = self.viewer.layers[name]
        source = layer.metadata.get("source", "")
        if source and Path(source).is_file():
            return Path(source)
        options = {**layer.as_layer_data_tuple()[1], "name": layer.name}
        grid = grid_of_layer(layer.data.shape, options)
        copy = records_folder / "scans" / f"{_as_file_name(layer.name)}_FLAIR.nii.gz"
        data = grid.from_layer(np.asarray(layer.data)).astype(np.float32)
        save_like(data, grid.volume(data), copy)
        return copy

    def show_result(self, found: Segmentation) -> None:
        """Show probability (hidden) and lesions (outlined).

        One after another, so that the window can draw between.
        """
        self._case_name = found.case.name
        self.grid = Grid.of(found.flair)
        facts = {"fsh_case": self._case_name}
        probability = found.flair.with_data(found.probability)
        labels = found.flair.with_data(found.lesion_labels)
        self._layers_to_show = [
            probability_layer(
                probability, f"{self._case_name} probability", role="probability", **facts
            ),
            labels_layer(labels, self._lesions_name, role="lesions", **facts),
        ]
        self._show_next()

    def _show_next(self) -> None:
        if not self._layers_to_show:
            self.shown.emit()
            return
        self._show_layer(self._layers_to_show.pop(0))
        QTimer.singleShot(0, self._show_next)

    def _show_layer(self, layer: LayerData) -> None:
        data, options, kind = layer
        if kind == "labels":
            self._show_lesions(data, options)
            return
        own = [one for one in self._own_layers() if one.metadata.get("role") == "probability"]
        if own:
            own[0].data = data
        else:
            self.viewer.add_image(data, **options)

    def _show_lesions(self, data: NDArray[np.int32], options: dict[str, Any]) -> None:
        """Show lesions in Segment's own layer; one that is reviewed or was opened stays as it is.

        Nobody can paint there: the next threshold, and Save record, would lose it.
        """
        lesions = self._lesions()
        if lesions is None:
            lesions = self.viewer.add_labels(data, **options)
            lesions.contour, lesions.colormap = 1, lesion_colours(preferences().colours)
        else:
            lesions.data = data
        give_to_segment(lesions)

    @property
    def _lesions_name(self) -> str:
        return f"{self._case_name} lesions"

    def _own_layers(self) -> "list[napari.layers.Layer]":
        """List the layers of the case that were not opened from a record."""
        return [
            layer
            for layer in self.viewer.layers
            if layer.metadata.get("fsh_case") == self._case_name
            and (layer.metadata.get("role") != "lesions" or owner_of(layer) == "segment")
        ]

    def _lesions(self) -> "napari.layers.Labels | None":
        """Return Segment's own layer of lesions; None if the user or a review took it away."""
        own = [layer for layer in self._own_layers() if layer.metadata.get("role") == "lesions"]
        return own[0] if own else None

    def _is_reviewed(self) -> bool:
        """Whether a review has taken lesions of this case over."""
        return any(
            isinstance(layer, Labels)
            and layer.metadata.get("fsh_case") == self._case_name
            and owner_of(layer) == "review"
            for layer in self.viewer.layers
        )

    def show_labels(self, found: Segmentation) -> None:
        """Show the lesions of another threshold; beside those under review, if they are."""
        if self.grid is None or (self._lesions() is None and not self._is_reviewed()):
            return
        labels = found.flair.with_data(found.lesion_labels)
        name = f"{self._lesions_name} (Segment)"
        data, options, _ = labels_layer(labels, name, role="lesions", fsh_case=self._case_name)
        self._show_lesions(data, options)

    def is_under_review(self, record: Path) -> bool:
        """Tell whether a review of that very record is open."""
        return any(
            isinstance(layer, Labels)
            and layer.editable
            and owner_of(layer) == "review"
            and Path(layer.metadata.get("fsh_record", "")) == record
            for layer in self.viewer.layers
        )

    def show_features(self, found: Segmentation) -> None:
        """Give the lesions' layer the lesions' measures, which napari shows under the mouse."""
        layer = self._lesions()
        if layer is not None:
            layer.features = features_by_label(found.lesions)

    def go_to(self, voxel: tuple[int, int, int]) -> None:
        """Show the slices through a voxel of the result's file."""
        if self.grid is not None:
            self.viewer.dims.set_point(range(_SPACE_DIMENSIONS), self.grid.to_viewer_mm(voxel))

    def note_record(self, case_name: str, record: Path) -> None:
        """Let the layers of a case say which record they were saved in."""
        for layer in self.viewer.layers:
            is_reviewed = isinstance(layer, Labels) and owner_of(layer) == "review"
            if layer.metadata.get("fsh_case") == case_name and not is_reviewed:
                layer.metadata["fsh_record"] = str(record)


def _is_scan(layer: "napari.layers.Layer") -> bool:
    return bool(
        layer._type_string == "image"
        and layer.ndim == _SPACE_DIMENSIONS
        and "role" not in layer.metadata
    )


def _as_file_name(name: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in name).strip("-") or "scan"
