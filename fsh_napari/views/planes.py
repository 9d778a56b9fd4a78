"""Axial, coronal and sagittal views of the same layers, with one crosshair.

The large view is napari's own; two more viewers stand in a dock and show the same arrays.
"""

from typing import TYPE_CHECKING, Any

from napari.components import ViewerModel
from napari.qt import QtViewer
from qtpy.QtCore import QSize, Qt, QTimer, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QPushButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from fsh_core.volume.planes import CONVENTIONS
from fsh_napari.preferences import preferences
from fsh_napari.views.contrast import reset_windows
from fsh_napari.views.layer_mirror import LayerMirror
from fsh_napari.views.linked_views import LinkedViews
from fsh_napari.views.overlays import AXIAL, CORONAL, LAYER_AXES, SAGITTAL, LayerPlane
from fsh_napari.views.plane import PlaneView
from fsh_napari.views.window import dock_of, plain, window_of

if TYPE_CHECKING:
    import napari

_STILL_MS = 200  # after which slices stand still


class PlanesWidget(LinkedViews):
    """The two small planes and the switches; with napari's own view they are three.

    ``shown`` says that the large view shows another plane, or the other convention.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer; its view becomes the large plane.
    """

    shown = Signal()

    def __init__(self, napari_viewer: "napari.viewer.Viewer") -> None:
        super().__init__()
        self.viewer = viewer = plain(napari_viewer)
        self._enlarged: tuple[PlaneView, LayerPlane] | None = None
        self._switches()
        models = [ViewerModel(), ViewerModel()]
        for model in models:
            model.theme = viewer.theme
        self.mirrors = [LayerMirror(viewer, model) for model in models]
        self._qt_viewers = [QtViewer(model) for model in models]
        self._splitter = splitter = QSplitter(Qt.Orientation.Vertical)
        for qt_viewer in self._qt_viewers:
            qt_viewer.dims.hide()
            qt_viewer.setMinimumSize(160, 140)
            splitter.addWidget(qt_viewer)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2, 2, 2, 2)
        layout.addWidget(splitter, stretch=1)
        layout.addWidget(self._bar)
        window, large = window_of(viewer)
        self.views = [
            PlaneView(self, model, widget, plane)
            for model, widget, plane in zip(
                (viewer, *models),
                (large, *self._qt_viewers),
                (AXIAL, CORONAL, SAGITTAL),
                strict=True,
            )
        ]
        self._surroundings = (large.layers, window.statusBar())
        self._surroundings_later = QTimer(self, singleShot=True, interval=_STILL_MS)
        self._surroundings_later.timeout.connect(self._draw_surroundings)
        viewer.layers.events.inserted.connect(self._on_first_layer)
        viewer.events.theme.connect(self._on_theme)
        self.show_planes()

    def _switches(self) -> None:
        self._bar = QWidget()
        self.convention_box = QComboBox(accessibleName="Convention")
        self.convention_box.addItems(CONVENTIONS)
        self.convention_box.setCurrentText(preferences().convention)
        self.convention_box.setToolTip(
            "Radiological shows the patient's left on the right of the screen"
        )
        self.convention_box.currentTextChanged.connect(lambda _: self.show_planes())
        self.linked = QCheckBox(
            "Link zoom", accessibleName="Link zoom", toolTip="Zoom and pan all planes together"
        )
        window = QPushButton("W/L", accessibleName="Reset the window")
        window.setToolTip("Window and level as they were at the beginning (Y in Review)")
        window.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        window.clicked.connect(lambda: reset_windows(self.viewer))
        self.crosshair.setToolTip("Draw the crosshair in every plane")
        # Two rows: in one they would take from the large plane what they need in width.
        rows = QGridLayout(self._bar)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(4)
        for place, widget in enumerate((self.convention_box, window, self.crosshair, self.linked)):
            rows.addWidget(widget, place // 2, place % 2)

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
        self.shown.emit()

    def go_to(self, point: tuple[float, ...]) -> None:
        """Move the crosshair of all planes to a point, in viewer mm."""
        if len(point) == self.viewer.dims.ndim:
            self._main.move(point)

    @property
    def point(self) -> tuple[float, ...]:
        """Where the crosshair is, in viewer mm."""
        return tuple(self.viewer.dims.point)

    def follow(self, source: ViewerModel) -> None:
        """Show in all planes the slice that one was turned to."""
        point = list(self.viewer.dims.point)
        if self._quiet or not len(point) == source.dims.ndim == len(LAYER_AXES):
            return
        if source is not self.viewer:
            axis = next(view.plane.order[0] for view in self.views if view.viewer is source)
            point[axis] = source.dims.point[axis]
        with self.quietly():
            for view in self.views:
                if view.viewer is not source and view.viewer.dims.ndim == len(point):
                    view.move(point)
        self._draw_surroundings(False)
        self._surroundings_later.start()
        self.redraw_overlays()

    def _draw_surroundings(self, now: bool = True) -> None:
        """Draw napari's list of layers and its status bar, or only once the slices stand still.

        Both follow the slice, a moment after it; each time Qt would lay out the whole window anew.
        """
        for widget in self._surroundings:
            widget.setUpdatesEnabled(now)

    @property
    def _main(self) -> PlaneView:
        """The large plane."""
        return self.views[0]

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
                view.camera.center = (
                    0.0,
                    *(centers.get(axis, own[axis]) for axis in view.plane.order[1:]),
                )
                view.camera.zoom = source.camera.zoom
                view.overlay.update()

    def enlarge(self, view: PlaneView) -> None:
        """Let one plane fill the window, or bring the others back."""
        large = self._main
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
        self.shown.emit()

    def stand_apart(self) -> None:
        """Stand side by side, as in a window of one's own."""
        self._splitter.setOrientation(Qt.Orientation.Horizontal)

    def stand_below(self, widget: QWidget) -> None:
        """Let something else stand below the two small planes."""
        self._splitter.addWidget(widget)

    def refresh(self, layer: Any) -> None:
        """Show in the small planes that voxels of a layer changed."""
        for mirror in self.mirrors:
            mirror.refresh(layer)

    def _on_first_layer(self, event: Any) -> None:
        if len(self.viewer.layers) == 1:
            self.show_planes()

    def _on_theme(self, event: Any) -> None:
        for view in self.views[1:]:
            view.viewer.theme = self.viewer.theme

    def detach(self) -> None:
        """Take the extra views away and leave napari's own as it was."""
        if not self.views:
            return
        self.viewer.layers.events.inserted.disconnect(self._on_first_layer)
        self.viewer.events.theme.disconnect(self._on_theme)
        self._surroundings_later.stop()
        self._draw_surroundings()
        for view in self.views:
            view.detach()
        for mirror in self.mirrors:
            mirror.detach()
        for qt_viewer in self._qt_viewers:
            qt_viewer.close()
        self.views.clear()
        self.mirrors.clear()
        self._qt_viewers.clear()
