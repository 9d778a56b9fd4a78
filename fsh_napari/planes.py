"""Axial, coronal and sagittal views of the same layers, with one crosshair.

The large view is napari's own; two more viewers stand in a dock and show the same arrays.
Every view listens to the mouse alike: the wheel turns slices (with Ctrl it zooms), a click
moves the crosshair, a drag with the right button changes window and level, a double click
enlarges a plane and brings the others back.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.components import ViewerModel
from napari.qt import QtViewer
from qtpy.QtCore import QObject, QPointF, QSize, Qt, QTimer, Signal
from qtpy.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QSplitter, QVBoxLayout, QWidget

from fsh_napari.preferences import preferences
from fsh_napari.twins import Twins
from fsh_napari.window import dock_of, plain, window_of

if TYPE_CHECKING:
    import napari

AXIS_ENDS = (("I", "S"), ("A", "P"), ("R", "L"))
"""What lies at the low and the high end of a layer's axes; see `fsh_napari.layers`."""

CONVENTIONS = ("radiological", "neurological")
_FILL = 0.95  # of the view
_GAP = 9  # pixels around the centre that the crosshair leaves free
_WINDOW_PER_PIXEL = 1 / 300  # of the window's width


@dataclass(frozen=True)
class Plane:
    """How a plane is shown: the axis through it, then down and right on the screen."""

    name: str
    order: tuple[int, int, int]
    vertical: str

    def orientation(self, convention: str) -> tuple[str, str]:
        """Return where the vertical and the horizontal axis grow to, as napari's camera wants it."""
        mirrored = convention == "neurological" and self.order[2] == 2
        return self.vertical, "left" if mirrored else "right"

    def letters(self, convention: str) -> dict[str, str]:
        """Return the letter at each border of the view."""
        vertical, horizontal = self.orientation(convention)
        low_v, high_v = AXIS_ENDS[self.order[1]]
        low_h, high_h = AXIS_ENDS[self.order[2]]
        top, bottom = (low_v, high_v) if vertical == "down" else (high_v, low_v)
        left, right = (low_h, high_h) if horizontal == "right" else (high_h, low_h)
        return {"top": top, "bottom": bottom, "left": left, "right": right}


AXIAL = Plane("axial", (0, 1, 2), "down")
CORONAL = Plane("coronal", (1, 0, 2), "up")
SAGITTAL = Plane("sagittal", (2, 0, 1), "up")


class Marks(QWidget):
    """Crosshair and letters, drawn over a canvas; the mouse does not see it."""

    def __init__(self, view: "PlaneView") -> None:
        super().__init__(view.canvas)
        self._view = view
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setStyleSheet("background: transparent;")
        self.show()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw."""
        view = self._view
        if not view.viewer.layers or view.viewer.dims.ndisplay != 2:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
        if view.planes.crosshair.isChecked():
            at = view.to_pixel(view.viewer.dims.point)
            painter.setPen(QPen(QColor(90, 220, 255, 170), 1))
            x, y, width, height = at.x(), at.y(), self.width(), self.height()
            for start, end in (
                ((0, y), (x - _GAP, y)),
                ((x + _GAP, y), (width, y)),
                ((x, 0), (x, y - _GAP)),
                ((x, y + _GAP), (x, height)),
            ):
                painter.drawLine(QPointF(*start), QPointF(*end))
        font = QFont(self.font())
        font.setPixelSize(16)
        font.setBold(True)
        painter.setFont(font)
        letters = view.plane.letters(view.planes.convention)
        sides = {
            "top": Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignHCenter,
            "bottom": Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignHCenter,
            "left": Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter,
            "right": Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
        }
        area = self.rect().adjusted(5, 3, -5, -3)
        for side, flags in sides.items():
            for shift, colour in ((1, QColor(0, 0, 0)), (0, QColor(255, 221, 87))):
                painter.setPen(colour)
                painter.drawText(area.translated(shift, shift), int(flags), letters[side])
        painter.end()


class PlaneView(QObject):
    """One view: a plane, its canvas, and what the mouse does there."""

    def __init__(self, planes: "PlanesWidget", viewer: ViewerModel, qt_viewer: QtViewer, plane: Plane) -> None:
        super().__init__(planes)
        self.planes, self.viewer, self.qt_viewer = planes, viewer, qt_viewer
        self.canvas = qt_viewer.canvas.native
        self.camera = viewer.scene.camera
        self.plane = plane
        self._fitted = False
        self._fit_later = QTimer(self, singleShot=True, interval=0)
        self._fit_later.timeout.connect(self.fit)
        self.marks = Marks(self)
        self.canvas.installEventFilter(self)
        self.camera.mouse_zoom = False  # the wheel turns slices, the right button is window and level
        self._double_clicks = list(viewer.mouse_double_click_callbacks)
        viewer.mouse_double_click_callbacks[:] = [self._on_double_click]
        viewer.mouse_drag_callbacks.append(self._on_drag)
        viewer.dims.events.point.connect(self._on_point)
        self.camera.events.connect(self._on_camera)
        self.fit_marks()

    def show_plane(self, plane: Plane) -> None:
        """Show another plane, fitted to the view."""
        self.plane = plane
        with self.planes.quietly():
            self.viewer.dims.order = plane.order
            self.camera.orientation2d = plane.orientation(self.planes.convention)
        self.fit()

    def fit(self) -> None:
        """Fit the plane into the view; it stays fitted until the user zooms or pans."""
        self._fitted = True
        if not self.viewer.layers:
            return
        low, high = self.viewer.layers.extent.world[:, -3:]
        _, down, across = self.plane.order
        size_mm = np.maximum(high - low, 1e-3)
        zoom = min(self.canvas.height() / size_mm[down], self.canvas.width() / size_mm[across])
        middle = (low + high) / 2
        with self.planes.quietly():
            # napari's own reset_view counts with the size the canvas had before it was docked.
            self.camera.center = (0.0, float(middle[down]), float(middle[across]))
            self.camera.zoom = _FILL * float(zoom)
        self.marks.update()

    def to_pixel(self, point: tuple[float, ...]) -> QPointF:
        """Return where a point, in viewer mm, lies on the canvas, in pixels."""
        vertical, horizontal = self.plane.orientation(self.planes.convention)
        down = 1 if vertical == "down" else -1
        right = 1 if horizontal == "right" else -1
        _, center_v, center_h = self.camera.center
        return QPointF(
            self.canvas.width() / 2 + right * (point[self.plane.order[2]] - center_h) * self.camera.zoom,
            self.canvas.height() / 2 + down * (point[self.plane.order[1]] - center_v) * self.camera.zoom,
        )

    def fit_marks(self) -> None:
        """Let the marks cover the canvas."""
        self.marks.setGeometry(0, 0, self.canvas.width(), self.canvas.height())
        self.marks.raise_()

    def step(self, slices: int) -> None:
        """Go through slices."""
        axis = self.plane.order[0]
        low, high, size = self.viewer.dims.range[axis]
        at = self.viewer.dims.point[axis] + slices * size
        self.viewer.dims.set_point(axis, float(np.clip(at, low, high)))

    def eventFilter(self, watched: QObject, event: Any) -> bool:
        """Take the wheel from napari; follow the canvas's size."""
        if event.type() == event.Type.Resize:
            self.fit_marks()
            if self._fitted:
                self._fit_later.start()
        if event.type() == event.Type.Wheel and self.viewer.dims.ndisplay == 2:
            turn = np.sign(event.angleDelta().y())
            if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
                self._fitted = False
                self.camera.zoom *= 1.15**turn
            else:
                self.step(int(turn))
            return True
        return False

    def detach(self) -> None:
        """Leave the viewer as it was."""
        self.canvas.removeEventFilter(self)
        self._fit_later.stop()
        self.viewer.mouse_double_click_callbacks[:] = self._double_clicks
        self.viewer.mouse_drag_callbacks.remove(self._on_drag)
        self.viewer.dims.events.point.disconnect(self._on_point)
        self.camera.events.disconnect(self._on_camera)
        self.camera.mouse_zoom = True
        self.marks.hide()
        self.marks.deleteLater()

    def _on_drag(self, viewer: ViewerModel, event: Any) -> Iterator[None]:
        """Tell a click from a drag; a drag of the right button is window and level."""
        start, button = np.array(event.pos, dtype=float), event.button
        layer = viewer.layers.selection.active
        paints = layer is not None and layer.mode != "pan_zoom"
        image = self.planes.windowed_image() if button == 2 else None
        limits = image.contrast_limits if image is not None else (0.0, 1.0)
        moved = False
        yield
        while event.type == "mouse_move":
            across, down = np.array(event.pos, dtype=float) - start
            moved = moved or abs(across) + abs(down) > 3
            self._fitted = self._fitted and not (moved and button == 1)
            if image is not None and moved:
                image.contrast_limits = window_level(limits, across, down)
            yield
        if button == 1 and not moved and not paints:
            self.planes.click(tuple(event.position), shift="Shift" in event.modifiers)

    def _on_double_click(self, viewer: ViewerModel, event: Any) -> None:
        layer = viewer.layers.selection.active
        if layer is None or layer.mode == "pan_zoom":
            self.planes.enlarge(self)

    def _on_point(self, event: Any = None) -> None:
        self.planes.follow(self.viewer)
        self.marks.update()

    def _on_camera(self, event: Any = None) -> None:
        self.marks.update()
        self.planes.link_cameras(self)


class PlanesWidget(QWidget):
    """The two small planes and the switches; with napari's own view they are three.

    ``clicked`` carries a point, in viewer mm, and whether Shift was held, which keeps the
    crosshair where it is.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer; its view becomes the large plane.
    """

    clicked = Signal(object, bool)

    def __init__(self, napari_viewer: "napari.viewer.Viewer") -> None:
        super().__init__()
        self.viewer = viewer = plain(napari_viewer)
        self.views: list[PlaneView] = []
        self._quiet = False
        self._enlarged: tuple[PlaneView, Plane] | None = None
        self._switches()
        models = [ViewerModel(), ViewerModel()]
        for model in models:
            model.theme = viewer.theme
        self.twins = [Twins(viewer, model) for model in models]
        self._qt_viewers = [QtViewer(model) for model in models]
        splitter = QSplitter(Qt.Orientation.Vertical)
        for qt_viewer in self._qt_viewers:
            qt_viewer.dims.hide()
            qt_viewer.setMinimumSize(160, 140)
            splitter.addWidget(qt_viewer)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2, 2, 2, 2)
        layout.addWidget(splitter, stretch=1)
        layout.addWidget(self._bar)
        _, large = window_of(viewer)
        self.views = [
            PlaneView(self, model, widget, plane)
            for model, widget, plane in zip(
                (viewer, *models), (large, *self._qt_viewers), (AXIAL, CORONAL, SAGITTAL), strict=True
            )
        ]
        viewer.layers.events.inserted.connect(self._on_first_layer)
        viewer.events.theme.connect(self._on_theme)
        self.show_planes()

    def _switches(self) -> None:
        self._bar = QWidget()
        self.convention_box = QComboBox(accessibleName="Convention")
        self.convention_box.addItems(CONVENTIONS)
        self.convention_box.setCurrentText(preferences().convention)
        self.convention_box.setToolTip("Radiological shows the patient's left on the right of the screen")
        self.convention_box.currentTextChanged.connect(lambda _: self.show_planes())
        self.crosshair = QCheckBox("Crosshair", checked=True, accessibleName="Crosshair")
        self.crosshair.toggled.connect(lambda _: [view.marks.update() for view in self.views])
        self.linked = QCheckBox("Link zoom", accessibleName="Link zoom", toolTip="Zoom and pan all planes together")
        row = QHBoxLayout(self._bar)
        row.setContentsMargins(0, 0, 0, 0)
        for widget in (self.convention_box, self.crosshair, self.linked):
            row.addWidget(widget)

    def sizeHint(self) -> QSize:
        """Leave most of the window to the large plane."""
        return QSize(300, 520)

    @property
    def convention(self) -> str:
        """``radiological`` or ``neurological``."""
        return self.convention_box.currentText()

    def show_planes(self) -> None:
        """Fit every plane to its view."""
        for view in self.views:
            view.show_plane(view.plane)
        self.follow(self.viewer)

    def go_to(self, point: tuple[float, ...]) -> None:
        """Move the crosshair of all planes to a point, in viewer mm."""
        self.viewer.dims.set_point(range(len(point)), point)

    def click(self, point: tuple[float, ...], shift: bool = False) -> None:
        """Answer a click in any plane."""
        if not shift:
            self.go_to(point)
        self.clicked.emit(point, shift)

    def follow(self, source: ViewerModel) -> None:
        """Show in all planes the point of one."""
        if self._quiet:
            return
        with self.quietly():
            for view in self.views:
                if view.viewer is not source and view.viewer.dims.ndim == source.dims.ndim:
                    view.viewer.dims.set_point(range(source.dims.ndim), source.dims.point)
        for view in self.views:
            view.marks.update()

    def link_cameras(self, source: PlaneView) -> None:
        """Zoom and pan the other planes like one, where that is wanted."""
        if self._quiet or not self.linked.isChecked():
            return
        centers = dict(zip(source.plane.order[1:], source.camera.center[1:], strict=True))
        with self.quietly():
            for view in self.views:
                if view is source:
                    continue
                own = dict(zip(view.plane.order[1:], view.camera.center[1:], strict=True))
                view.camera.center = (0.0, *(centers.get(axis, own[axis]) for axis in view.plane.order[1:]))
                view.camera.zoom = source.camera.zoom
                view.marks.update()

    def enlarge(self, view: PlaneView) -> None:
        """Let one plane fill the window, or bring the others back."""
        large = self.views[0]
        if self._enlarged is None:
            self._enlarged = view, large.plane
            plane = view.plane
            view.show_plane(large.plane)
            large.show_plane(plane)
        else:
            other, plane = self._enlarged
            other.show_plane(large.plane)
            large.show_plane(plane)
            self._enlarged = None
        (dock_of(self) or self).setVisible(self._enlarged is None)

    def refresh(self, layer: Any) -> None:
        """Show in the small planes that voxels of a layer changed."""
        for twins in self.twins:
            twins.refresh(layer)

    def windowed_image(self) -> Any:
        """Return the image whose window the mouse changes: the selected one, else the lowest that is shown."""
        active = self.viewer.layers.selection.active
        images = [layer for layer in self.viewer.layers if layer._type_string == "image"]
        if active in images:
            return active
        return next((layer for layer in images if layer.visible), None)

    @contextmanager
    def quietly(self) -> Iterator[None]:
        """Keep views from answering each other."""
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before

    def _on_first_layer(self, event: Any) -> None:
        if len(self.viewer.layers) == 1:
            self.show_planes()

    def _on_theme(self, event: Any) -> None:
        for view in self.views[1:]:
            view.viewer.theme = self.viewer.theme

    def close_planes(self) -> None:
        """Take the extra views away and leave napari's own as it was."""
        self.viewer.layers.events.inserted.disconnect(self._on_first_layer)
        self.viewer.events.theme.disconnect(self._on_theme)
        for view in self.views:
            view.detach()
        for twins in self.twins:
            twins.detach()
        for qt_viewer in self._qt_viewers:
            qt_viewer.close()
        for gone in (self.views, self.twins, self._qt_viewers):
            gone.clear()


def window_level(limits: tuple[float, float], across: float, down: float) -> tuple[float, float]:
    """Return contrast limits after a drag: right widens the window, down raises the level (darker).

    Parameters
    ----------
    limits : two floats
        Limits before the drag.
    across, down : float
        Length of the drag, in pixels.
    """
    width, level = limits[1] - limits[0], (limits[0] + limits[1]) / 2
    new = width * float(np.exp(across * _WINDOW_PER_PIXEL))
    level += width * down * _WINDOW_PER_PIXEL
    return level - new / 2, level + new / 2
