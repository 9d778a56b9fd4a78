"""Another visit of the patient beside the large view: same plane, linked crosshairs."""

from typing import Protocol

import numpy as np
from napari.components import ViewerModel
from napari.layers import Labels, Layer
from napari.qt import QtViewer
from napari.utils.colormaps import DirectLabelColormap
from numpy.typing import NDArray
from qtpy.QtCore import QSize, Qt, QTimer
from qtpy.QtWidgets import QLabel, QVBoxLayout

from fsh_core.errors import InputError
from fsh_core.volume.volume import Volume
from fsh_napari.layers.colours import counterpart_colours, lesion_colours
from fsh_napari.layers.convert import grid_of_layer
from fsh_napari.layers.grid import Grid
from fsh_napari.messages import bold
from fsh_napari.review.case import OpenCase
from fsh_napari.task import Task
from fsh_napari.views.counterparts import counterparts
from fsh_napari.views.linked_views import LinkedViews
from fsh_napari.views.other_visits import Visit
from fsh_napari.views.overlays import LAYER_AXES
from fsh_napari.views.plane import PlaneView
from fsh_napari.views.planes import PlanesWidget
from fsh_napari.views.window import dock_of, window_of


class Compared(Protocol):
    """What another visit stands beside, such as a `fsh_napari.review.case.OpenCase`."""

    name: str
    flair: Volume | None
    grid: Grid


class VisitWidget(LinkedViews):
    """One view of another visit, in a dock beside the large view.

    Until the two scans are laid over each other the crosshair stands where the scanners
    would have it; ``told`` says when that has changed.

    Parameters
    ----------
    planes : PlanesWidget
        Whose large view it stands beside.
    case : Compared
        What is reviewed, or looked at.
    visit : Visit
        What is shown.
    movement : (4, 4) float64, optional
        World coordinates (RAS+ mm) of the case to those of the visit, where they are known; the
        scans are not laid over each other then.

    Attributes
    ----------
    matches : dict of int to int
        For every lesion of this visit the same lesion under review; 0 = there is none.

    Raises
    ------
    InputError
        If one of the two scans is gone, or the visit cannot be loaded.
    """

    def __init__(
        self,
        planes: PlanesWidget,
        case: Compared,
        visit: Visit,
        movement: NDArray[np.float64] | None = None,
    ) -> None:
        super().__init__()
        self._is_registered = movement is not None
        self._task: Task | None = None
        self.planes, self.case, self.name = planes, case, visit.name
        layers = visit.load()
        data, options, kind = layers[0]
        if case.flair is None:
            raise _scan_is_missing(case.name)
        if kind != "image" or options["metadata"].get("role"):
            raise _scan_is_missing(visit.name)
        self._case_scan = case.flair
        self.grid = grid_of_layer(data.shape, options)
        self._scan = self.grid.volume(self.grid.from_layer(np.asarray(data, dtype=np.float32)))
        self._reviewed = case if isinstance(case, OpenCase) else None
        self._movement: NDArray[np.float64] | None = None  # world of the case to that of the visit
        self._lesions: Labels | None = None
        self.matches: dict[int, int] = {}
        self._case_to_visit = self._between(np.eye(4) if movement is None else movement)
        self.model = ViewerModel()
        self.model.theme = planes.viewer.theme
        for data, options, kind in layers:
            self._add(
                Layer.create(
                    data,
                    {**options, "visible": kind == "labels" or "role" not in options["metadata"]},
                    kind,
                )
            )
        self._qt_viewer = QtViewer(self.model)
        self._qt_viewer.dims.hide()
        self._qt_viewer.setMinimumSize(160, 140)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2, 2, 2, 2)
        self.title = QLabel(bold(visit.name), accessibleName="Other visit", wordWrap=True)
        layout.addWidget(self.title)
        layout.addWidget(self._qt_viewer, stretch=1)
        self.views = [PlaneView(self, self.model, self._qt_viewer, planes.views[0].plane)]
        self._hidden = self._hide_in_main(visit.name)
        planes.viewer.dims.events.point.connect(self._on_main)
        planes.shown.connect(self._on_shown)

    def begin(self) -> None:
        """Stand in the window, and start to lay the scans over each other."""
        viewer, planes = self.planes.viewer, dock_of(self.planes)
        dock = viewer.window.add_dock_widget(self, name="Other visit", area="right")
        if planes is not None:
            window, _ = window_of(viewer)
            window.splitDockWidget(planes, dock, Qt.Orientation.Horizontal)
            planes.hide()
            QTimer.singleShot(0, self._share_the_room)
        self._on_shown()
        self._on_main()
        if self._is_registered:
            return
        fixed, moving = self._case_scan, self._scan
        self._task = Task(lambda: _register(fixed, moving))
        self._task.finished.connect(self._on_registered)
        self._task.failed.connect(self._on_failed)
        self._task.start()
        self.told.emit(f"{self.name} stands beside it; laying the two scans over each other…")

    def _share_the_room(self) -> None:
        """Make the two views equally wide."""
        window, large = window_of(self.planes.viewer)
        if (dock := dock_of(self)) is not None and self.views:
            window.resizeDocks(
                [dock], [(large.width() + dock.width()) // 2], Qt.Orientation.Horizontal
            )

    def close_visit(self) -> None:
        """Leave the window as it was."""
        self.detach()
        self.planes.viewer.window.remove_dock_widget(self)

    def detach(self) -> None:
        """Stop following the planes, and bring back what stood there."""
        if self._task is not None:  # the scans are still being laid over each other
            self._task.finished.disconnect(self._on_registered)
            self._task.failed.disconnect(self._on_failed)
        self.planes.viewer.dims.events.point.disconnect(self._on_main)
        self.planes.shown.disconnect(self._on_shown)
        if self._movement is not None and self._reviewed is not None:
            self._reviewed.changed.disconnect(self._match)
            self._reviewed.layer.events.colormap.disconnect(self._colour)
        for view in self.views:
            view.detach()
        self.views.clear()
        self._qt_viewer.close()
        (dock_of(self) or self).hide()
        (dock_of(self.planes) or self.planes).show()
        for layer in self._hidden:
            layer.visible = True

    def sizeHint(self) -> QSize:
        """Ask for as much as the large view has."""
        return QSize(430, 520)

    @property
    def convention(self) -> str:
        """That of the planes."""
        return self.planes.convention

    @property
    def point(self) -> tuple[float, ...]:
        """Where the crosshair of this visit is, in its own viewer mm."""
        return tuple(self.model.dims.point)

    def go_to(self, point: tuple[float, ...]) -> None:
        """Move this crosshair, and with it that of the planes."""
        self.model.dims.set_point(range(len(point)), point)

    def follow(self, source: ViewerModel) -> None:
        """Move the planes to the same anatomy."""
        if self._quiet or source.dims.ndim != len(LAYER_AXES):
            return
        with self.quietly():
            self.planes.go_to(_moved(_inverse(self._case_to_visit), self.point))
        self.redraw_overlays()

    def _add(self, layer: Layer) -> None:
        if isinstance(layer, Labels):
            layer.contour = 1
            # All in one colour until it is known which of them are the same; unless the colours
            # were made for this visit.
            if not isinstance(layer.colormap, DirectLabelColormap):
                layer.colormap = lesion_colours("one colour")
            self._lesions = layer
        self.model.layers.append(layer)

    def _hide_in_main(self, name: str) -> list[Layer]:
        """An open scan would lie over the one that is reviewed."""
        hidden = [
            layer for layer in self.planes.viewer.layers if layer.name == name and layer.visible
        ]
        for layer in hidden:
            layer.visible = False
        return hidden

    def _between(self, movement: NDArray[np.float64]) -> NDArray[np.float64]:
        """Viewer mm of the case to viewer mm of this visit, for a movement in world coordinates."""
        return np.linalg.inv(self.grid.viewer_to_world) @ movement @ self.case.grid.viewer_to_world

    def _on_main(self, event: object = None) -> None:
        dimensions = {self.planes.viewer.dims.ndim, self.model.dims.ndim}
        if self._quiet or dimensions != {len(LAYER_AXES)}:
            return
        low = [axis.start for axis in self.model.dims.range]
        high = [axis.stop for axis in self.model.dims.range]
        point = np.clip(_moved(self._case_to_visit, self.planes.point), low, high)
        with self.quietly():
            self.go_to(tuple(float(value) for value in point))
        self.redraw_overlays()

    def _on_shown(self) -> None:
        self.views[0].show_plane(self.planes.views[0].plane)

    def _on_registered(self, movement: NDArray[np.float64]) -> None:
        self._task, self._movement = None, movement
        self._case_to_visit = self._between(movement)
        self._on_main()
        if self._reviewed is not None:
            self._reviewed.changed.connect(self._match)
            self._reviewed.layer.events.colormap.connect(self._colour)
            self._match()
        self.told.emit(f"The crosshairs of {self.case.name} and {self.name} are linked.")

    def _match(self) -> None:
        """Find the lesions under review again in this visit."""
        if self._lesions is None or self._movement is None or self._reviewed is None:
            return
        review = self._reviewed.review
        own = self.grid.volume(self.grid.from_layer(np.asarray(self._lesions.data)))
        self.matches = counterparts(
            own, review.grid.with_data(review.labels), _inverse(self._movement)
        )
        self.title.setText(
            f"{bold(self.name)} · same colour: same lesion · red: only in this visit"
        )
        self._colour()

    def _colour(self, event: object = None) -> None:
        """Give them the colours they have under review, as that changes with every decision."""
        if self._lesions is not None and self._reviewed is not None:
            colours = self._reviewed.layer.colormap
            self._lesions.colormap = counterpart_colours(self.matches, colours)

    def _on_failed(self, sentence: str) -> None:
        self._task = None
        self.told.emit(f"⚠ {sentence}")


def _scan_is_missing(name: str) -> InputError:
    return InputError(
        f"{name}: its scan is not where the record says; open it to compare the visits"
    )


def _register(fixed: Volume, moving: Volume) -> NDArray[np.float64]:
    """Load SimpleITK when two visits are compared, and not before."""
    from fsh_core.anatomy.visit_registration import register_visits

    return register_visits(fixed, moving)


def _inverse(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.linalg.inv(matrix), dtype=np.float64)


def _moved(matrix: NDArray[np.float64], point: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(float(value) for value in (matrix @ [*point, 1.0])[: len(LAYER_AXES)])
