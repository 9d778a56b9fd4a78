"""One view of a scan: a plane, its crosshair and letters, and what the mouse does there.

Every view listens to the mouse alike: the wheel turns slices (with Ctrl it zooms), a click
moves the crosshair, a drag with the right button changes window and level, a double click
enlarges the plane. What a click or a turn means for other views, its group says.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Labels
from napari.qt import QtViewer
from qtpy.QtCore import QObject, QPointF, Qt, QTimer

from fsh_napari.layers.convert import CONTENT_KEY
from fsh_napari.views.contrast import window_level, windowed_image
from fsh_napari.views.linked_views import LinkedViews
from fsh_napari.views.mouse import fills_outside
from fsh_napari.views.overlays import LayerPlane, Overlay
from fsh_napari.views.window import move_point

_FILL = 0.95  # of the view
_ZOOM_PER_TURN = 1.15
_LEFT_BUTTON, _RIGHT_BUTTON = 1, 2  # as vispy counts them
_TOOLS_OF_LEFT_BUTTON = ("fill", "erase", "pick")  # the brush encircles with the right
_FLAT = 2  # dimensions on the screen: slices, not the volume
_UNITS_PER_NOTCH = 120  # of a wheel, in eighths of a degree; a touchpad sends less at a time
_CLICK_PIXELS = 3  # a mouse that moves farther drags
_SMALLEST_SIZE_MM = 1e-3  # of what is fitted into a view: nothing is divided by 0


class PlaneView(QObject):
    """One view: a plane, its canvas, and what the mouse does there."""

    def __init__(
        self, group: LinkedViews, viewer: ViewerModel, qt_viewer: QtViewer, plane: LayerPlane
    ) -> None:
        super().__init__(group)
        self.group, self.viewer, self.qt_viewer = group, viewer, qt_viewer
        self.canvas = qt_viewer.canvas.native
        self.camera = viewer.scene.camera
        self.plane = plane
        self._fitted = False
        self.trail: list[tuple[float, ...]] = []  # the line that is being drawn, in viewer mm
        self._turned = 0  # units of a wheel that are no whole slice yet
        self._fit_later = QTimer(self, singleShot=True, interval=0)
        self._fit_later.timeout.connect(self.fit)
        self.overlay = Overlay(self)
        self.canvas.installEventFilter(self)
        # The wheel turns slices, the right button is window and level.
        self.camera.mouse_zoom = False
        self._double_clicks = list(viewer.mouse_double_click_callbacks)
        viewer.mouse_double_click_callbacks[:] = [self._on_double_click]
        viewer.mouse_drag_callbacks.append(self._on_drag)
        viewer.dims.events.point.connect(self._on_point)
        self.camera.events.connect(self._on_camera)
        self._background = viewer.canvas.background_color_override
        # In every theme: what surrounds a scan should not dazzle.
        viewer.canvas.background_color_override = "black"
        self.fit_overlay()

    def show_plane(self, plane: LayerPlane) -> None:
        """Show another plane, fitted to the view."""
        self.plane = plane
        with self.group.quietly():
            self.viewer.dims.order = plane.order
            if self.viewer.dims.ndim == len(self.group.point):
                self.viewer.dims.set_point(range(len(self.group.point)), self.group.point)
            self.camera.orientation2d = plane.orientation(self.group.convention)
        self.fit()

    def fit(self) -> None:
        """Fit the plane into the view; it stays fitted until the user zooms or pans."""
        self._fitted = True
        has_room = self.canvas.width() > 0 and self.canvas.height() > 0
        # Without room, as while docks come and go, the zoom would be 0, of which napari dies; the
        # canvas's next size calls again.
        if not self.viewer.layers or not has_room:
            return
        low, high = self._content_mm()
        _, down, across = self.plane.order
        size_mm = np.maximum(high - low, _SMALLEST_SIZE_MM)
        zoom = min(self.canvas.height() / size_mm[down], self.canvas.width() / size_mm[across])
        middle = (low + high) / 2
        with self.group.quietly():
            # napari's own reset_view counts with the size the canvas had before it was docked.
            self.camera.center = (0.0, float(middle[down]), float(middle[across]))
            self.camera.zoom = _FILL * float(zoom)
        self.overlay.update()

    def _content_mm(self) -> Any:
        """Return where what there is to see begins and ends along each axis, in viewer mm."""
        image = next(
            (
                layer
                for layer in self.viewer.layers
                if layer.visible and CONTENT_KEY in layer.metadata
            ),
            None,
        )
        if image is None:
            return self.viewer.layers.extent.world[:, -3:]
        return np.array([image.data_to_world(corner) for corner in image.metadata[CONTENT_KEY]])

    def to_pixel(self, point: tuple[float, ...]) -> QPointF:
        """Return where a point, in viewer mm, lies on the canvas, in pixels."""
        vertical, horizontal = self.plane.orientation(self.group.convention)
        down = 1 if vertical == "down" else -1
        right = 1 if horizontal == "right" else -1
        _, center_v, center_h = self.camera.center
        return QPointF(
            self.canvas.width() / 2
            + right * (point[self.plane.order[2]] - center_h) * self.camera.zoom,
            self.canvas.height() / 2
            + down * (point[self.plane.order[1]] - center_v) * self.camera.zoom,
        )

    def fit_overlay(self) -> None:
        """Let the overlay cover the canvas."""
        self.overlay.setGeometry(0, 0, self.canvas.width(), self.canvas.height())
        self.overlay.raise_()

    def step(self, slices: int) -> None:
        """Go through slices."""
        axis = self.plane.order[0]
        size = self.viewer.dims.range[axis].step
        point = list(self.viewer.dims.point)
        point[axis] += slices * size
        self.move(point)

    def move(self, point: Sequence[float]) -> None:
        """Show the slice through a point, in viewer mm."""
        move_point(self.viewer, point, self.plane.order[0])

    def eventFilter(self, watched: QObject, event: Any) -> bool:
        """Take the wheel from napari; follow the canvas's size."""
        if event.type() == event.Type.Resize:
            self.fit_overlay()
            if self._fitted:
                self._fit_later.start()
        if event.type() == event.Type.Wheel and self.viewer.dims.ndisplay == _FLAT:
            self._turn(event)
            return True
        return False

    def _turn(self, event: Any) -> None:
        """Zoom or go through slices: one for every notch, however small the steps that make it."""
        units = event.angleDelta().y()
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._fitted = False
            self.camera.zoom *= _ZOOM_PER_TURN ** (units / _UNITS_PER_NOTCH)
            return
        if units * self._turned < 0:  # the other way round: nothing is left over
            self._turned = 0
        self._turned += units
        slices = int(self._turned / _UNITS_PER_NOTCH)
        self._turned -= slices * _UNITS_PER_NOTCH
        if slices:
            self.step(slices)

    def detach(self) -> None:
        """Leave the viewer as it was."""
        self.canvas.removeEventFilter(self)
        self._fit_later.stop()
        self.viewer.mouse_double_click_callbacks[:] = self._double_clicks
        self.viewer.mouse_drag_callbacks.remove(self._on_drag)
        self.viewer.dims.events.point.disconnect(self._on_point)
        self.camera.events.disconnect(self._on_camera)
        self.camera.mouse_zoom = True
        self.viewer.canvas.background_color_override = self._background
        self.overlay.hide()
        self.overlay.deleteLater()

    def _on_drag(self, viewer: ViewerModel, event: Any) -> Iterator[None]:
        """Tell a click from a drag; a drag of the right button is window and level."""
        start, button = np.array(event.pos, dtype=float), event.button
        layer = viewer.layers.selection.active
        paints = layer is not None and layer.mode != "pan_zoom"
        if self.group.scribbles and button == _LEFT_BUTTON and not paints:
            yield from self._scribble(event)
            return
        muted = self._mute(layer, event) if isinstance(layer, Labels) else None
        encircles = layer is not None and layer.mode == "paint"
        windows = button == _RIGHT_BUTTON and not encircles
        image = windowed_image(self.viewer) if windows else None
        limits = image.contrast_limits if image is not None else (0.0, 1.0)
        moved = False
        yield
        if muted is not None:
            layer.mouse_drag_callbacks[:] = muted
        while event.type == "mouse_move":
            across, down = np.array(event.pos, dtype=float) - start
            moved = moved or abs(across) + abs(down) > _CLICK_PIXELS
            self._fitted = self._fitted and not (moved and button == _LEFT_BUTTON)
            if image is not None and moved:
                image.contrast_limits = window_level(limits, across, down)
            yield
        if button == _LEFT_BUTTON and not moved and not paints:
            self.group.click(tuple(event.position), shift="Shift" in event.modifiers)

    def _scribble(self, event: Any) -> Iterator[None]:
        """Draw a line that follows the mouse, and tell of it at the end."""
        pans, self.camera.mouse_pan = self.camera.mouse_pan, False  # else the picture moves along
        self.trail = [tuple(event.position)]
        yield
        while event.type == "mouse_move":
            self.trail.append(tuple(event.position))
            self.overlay.update()
            yield
        self.camera.mouse_pan = pans
        path, self.trail = self.trail, []
        self.overlay.update()
        self.group.scribble(path)

    def _mute(self, layer: Labels, event: Any) -> "list[Any] | None":
        """Keep a layer's tool from this press, if it is not meant for it; return what to restore.

        The view hears of a press before the layer. With the right button the tool would work
        while window and level change, and the bucket on the background would fill the brain.
        """
        is_meant = event.button != _RIGHT_BUTTON or layer.mode not in _TOOLS_OF_LEFT_BUTTON
        if event.button == _LEFT_BUTTON and layer.mode == "fill" and fills_outside(layer, event):
            is_meant = False
            self.group.told.emit(
                "⚠ The bucket fills a lesion, or a hole in one; here it would fill all around."
            )
        if is_meant:
            return None
        callbacks = list(layer.mouse_drag_callbacks)
        layer.mouse_drag_callbacks.clear()
        return callbacks

    def _on_double_click(self, viewer: ViewerModel, event: Any) -> None:
        layer = viewer.layers.selection.active
        if layer is None or layer.mode == "pan_zoom":
            self.group.enlarge(self)

    def _on_point(self, event: Any = None) -> None:
        self.group.follow(self.viewer)
        self.overlay.update()

    def _on_camera(self, event: Any = None) -> None:
        self.overlay.update()
        self.group.link_cameras(self)
