"""A view of surfaces in 3-D, from the front: drag to turn, click on a lesion to go to it."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Surface
from napari.qt import QtViewer
from numpy.typing import NDArray
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from fsh_napari.review.surfaces import Surfaces

_CLICK_PIXELS = 3  # a mouse that moves farther turns the view
_BRAIN_OPACITY = 0.12
_DARKNESS = np.zeros(0, dtype=np.float32)
_CLOSER = 1.25  # than napari's own fit, which leaves room to turn
# The layers' axes are S, P and L: with P downwards and L to the right, S points away from who
# looks. napari's own "towards" would show a mirror image of the patient.
_ORIENTATION = ("away", "down", "right")
_FROM_THE_FRONT, _SUPERIOR = (0.0, 1.0, 0.0), (1.0, 0.0, 0.0)
_LEFT_BUTTON = 1  # as vispy counts them
_TEXT = "In 3-D, from the front: the patient's left is on the right. Drag turns, a click goes there"


def _lit(colours: NDArray[Any], light: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return RGBA as bright as the light that falls there."""
    return np.c_[colours[:, :3] * light[:, None], colours[:, 3:]].astype(np.float32)


class SurfacesView(QWidget):
    """Lesions in 3-D inside a translucent brain; ``chosen`` carries the lesion of a click."""

    chosen = Signal(int)

    def __init__(self, theme: str) -> None:
        super().__init__()
        self.model = ViewerModel(ndisplay=3)
        self.model.theme = theme
        self.model.canvas.background_color_override = "black"
        self.model.scene.camera.orientation = _ORIENTATION
        self.model.mouse_drag_callbacks.append(self._on_drag)
        self._qt_viewer = QtViewer(self.model)
        self._qt_viewer.dims.hide()
        self._qt_viewer.setMinimumSize(160, 140)
        self.canvas = self._qt_viewer.canvas.native
        self._lesions: Surface | None = None
        self._selected: Surface | None = None
        self._shown: Surfaces | None = None
        self._light = _DARKNESS
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._qt_viewer, stretch=1)
        layout.addWidget(QLabel(_TEXT, wordWrap=True, accessibleName="Lesions in 3-D"))

    def show_brain(self, brain: Surfaces) -> None:
        """Show the brain around the lesions."""
        self.model.add_layer(
            Surface(
                (brain.vertices, brain.faces),
                name="brain",
                opacity=_BRAIN_OPACITY,
                shading="none",
                blending="translucent_no_depth",
                vertex_colors=_lit(np.ones((len(brain.vertices), 4)), brain.light),
            )
        )

    def look_from_the_front(self) -> None:
        """Look at all of it from the front."""
        self.model.reset_view()
        self.model.scene.camera.set_view_direction(_FROM_THE_FRONT, _SUPERIOR)
        self.model.scene.camera.zoom *= _CLOSER

    def show_lesions(
        self, lesions: Surfaces | None, colours: Mapping[int, NDArray[np.float32]]
    ) -> None:
        """Show lesions; colours are RGBA from 0 to 1."""
        self._shown = lesions
        self._light = lesions.light if lesions is not None else _DARKNESS
        if lesions is None:
            if self._lesions is not None:
                self._lesions.visible = False
            return
        data = (lesions.vertices, lesions.faces, lesions.labels.astype(np.float32))
        if self._lesions is None:
            self._lesions = Surface(data, name="lesions", shading="none")
            self.model.add_layer(self._lesions)
        else:
            self._lesions.vertex_colors = None  # of other vertices
            self._lesions.data = data
            self._lesions.visible = True
        self.colour(colours)

    def colour(self, colours: Mapping[int, NDArray[np.float32]]) -> None:
        """Give every lesion a colour."""
        if self._lesions is not None and self._shown is not None:
            known, of_vertex = np.unique(self._shown.labels, return_inverse=True)
            table = np.array([colours[int(label)] for label in known])
            self._lesions.vertex_colors = _lit(table[of_vertex], self._light)

    def select(self, label: int) -> None:
        """Let one lesion shine through all others; 0 = none."""
        faces = np.zeros((0, 3), dtype=np.int64)
        if self._shown is not None:
            faces = self._shown.faces[self._shown.labels[self._shown.faces[:, 0]] == label]
        if self._selected is not None:
            self._selected.visible = len(faces) > 0
        if self._shown is None or not len(faces):
            return
        used, own = np.unique(faces, return_inverse=True)
        data = (self._shown.vertices[used], own.reshape(-1, 3))
        if self._selected is None:
            self._selected = Surface(data, name="selected", shading="none")
            self._selected.blending = "translucent_no_depth"
            self.model.add_layer(self._selected)
        else:
            self._selected.vertex_colors = None  # of other vertices
            self._selected.data = data
        self._selected.vertex_colors = _lit(np.ones((len(used), 4)), self._light[used])

    def close_view(self) -> None:
        """Free the canvas."""
        self.model.mouse_drag_callbacks.clear()
        self._qt_viewer.close()
        self.setParent(None)
        self.deleteLater()

    def _on_drag(self, viewer: ViewerModel, event: Any) -> Iterator[None]:
        """Tell a click from a turn, and find the lesion under a click."""
        start, moved = np.array(event.pos, dtype=float), False
        yield
        while event.type == "mouse_move":
            moved = moved or np.abs(np.array(event.pos) - start).sum() > _CLICK_PIXELS
            yield
        if moved or event.button != _LEFT_BUTTON or self._lesions is None:
            return
        value = self._lesions.get_value(
            event.position,
            view_direction=event.view_direction,
            dims_displayed=event.dims_displayed,
            world=True,
        )
        label = value[0] if isinstance(value, tuple) else None
        if label is not None:
            self.chosen.emit(round(float(label)))
