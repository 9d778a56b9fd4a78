"""The three planes beside a widget: opened when they are wanted, and given their share of room."""

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, QSize, Qt, QTimer, Signal
from qtpy.QtWidgets import QWidget

from fsh_napari.review.interfaces import Point
from fsh_napari.views.planes import PlanesWidget
from fsh_napari.views.window import dock_of, shrink_to

if TYPE_CHECKING:
    import napari


# Of the planes and the list: most of the width is left to the large plane.
_LEAST_WIDTHS = (300, 340)  # pixels
_LAID_OUT_MS = 50
_PARTS_OF_WINDOW = (0.2, 0.3)


class PlanesStage(QObject):
    """The part of a window that shows a scan in three planes beside a widget.

    Signals
    -------
    clicked : (point, bool)
        A click in a plane, in viewer mm, and whether Shift was held.
    scribbled : list of point
        A line that was drawn in a plane, in viewer mm.
    told : str
        Something for the reader.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    window : QWidget
        Its window.
    panel : QWidget
        The widget beside which the planes stand.
    """

    clicked = Signal(object, bool)
    scribbled = Signal(object)
    told = Signal(str)

    def __init__(self, viewer: "napari.viewer.Viewer", window: Any, panel: QWidget) -> None:
        super().__init__(panel)
        self.viewer, self._window, self._panel = viewer, window, panel
        self.planes: PlanesWidget | None = None
        self._share_later = QTimer(self, singleShot=True, interval=_LAID_OUT_MS)
        self._share_later.timeout.connect(self._share_the_room)

    def show_planes(self, at_once: bool = False) -> PlanesWidget:
        """Return the three planes; open them if they are not.

        They find their place once the panel has its own, or at once where it has.
        """
        if self.planes is None:
            self.planes = next(iter(self._window.findChildren(PlanesWidget)), None)
            if self.planes is None:
                size = self._window.size()
                self.planes = PlanesWidget(self.viewer)
                self.viewer.window.add_dock_widget(self.planes, name="Three planes", area="right")
                if at_once:
                    self._stand_side_by_side(size)
                else:
                    QTimer.singleShot(0, lambda: self._stand_side_by_side(size))
            self.planes.clicked.connect(self.clicked)
            self.planes.scribbled.connect(self.scribbled)
            self.planes.told.connect(self.told)
            self.planes.gone.connect(self._forget_planes)
        return self.planes

    def go_to(self, point: Point) -> None:
        """Put the crosshair on a point."""
        self.show_planes().go_to(point)

    def _forget_planes(self) -> None:
        self.planes = None
        self.told.emit("The three planes are closed; going to a lesion opens them again.")

    def _stand_side_by_side(self, size: QSize) -> None:
        """Planes left of the list: one above the other, both would be too low on a laptop."""
        planes, own = dock_of(self.planes), dock_of(self._panel)
        if planes is not None and own is not None and not own.isFloating():
            tabs = self._window.tabifiedDockWidgets(own)
            self._window.splitDockWidget(planes, own, Qt.Orientation.Horizontal)
            for tab in tabs:
                self._window.tabifyDockWidget(own, tab)
            own.raise_()
            self._share_the_room()
            shrink_to(self._window, size)
            # Again once the window has its size: Qt shares what there was before.
            self._share_later.start()

    def _share_the_room(self) -> None:
        """Leave most of the width to the large plane."""
        found = (dock_of(self.planes), dock_of(self._panel))
        docks = [dock for dock in found if dock is not None]
        widths = [
            max(least, round(part * self._window.width()))
            for least, part in zip(_LEAST_WIDTHS, _PARTS_OF_WINDOW, strict=True)
        ][-len(docks) :]
        self._window.resizeDocks(docks, widths, Qt.Orientation.Horizontal)
