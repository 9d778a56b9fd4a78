"""The three planes beside a widget: opened when they are wanted, and given their share of room."""

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, QSize, Qt, QTimer, Signal
from qtpy.QtWidgets import QDockWidget, QWidget

from fsh_napari.preferences import preferences
from fsh_napari.review.interfaces import Point
from fsh_napari.views.layout import Memory
from fsh_napari.views.planes import PlanesWidget
from fsh_napari.views.planes_window import PlanesWindow
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
        self._caption = ""
        self._share_later = QTimer(self, singleShot=True, interval=_LAID_OUT_MS)
        self._share_later.timeout.connect(self._share_the_room)
        self._size: QSize = window.size()  # before the panel has its dock
        self._tab_later = QTimer(self, singleShot=True, interval=0)
        self._tab_later.timeout.connect(self._become_a_tab)

    def stand_among_tabs(self) -> None:
        """Make the panel a tab of another beside which planes stand, once it has its dock.

        One above the other, both would be too low on a laptop, and the window would grow.
        """
        self._tab_later.start()

    def _become_a_tab(self) -> None:
        own = dock_of(self._panel)
        if own is None or own.isFloating():
            return
        seen = (own, *self._window.tabifiedDockWidgets(own))
        for dock in self._window.findChildren(QDockWidget):
            has_stage = bool(dock.findChildren(PlanesStage)) and not dock.isFloating()
            if has_stage and dock not in seen:
                self._window.tabifyDockWidget(dock, own)
                shrink_to(self._window, self._size)
        # Once the docks have found their places: until then Qt shows another tab.
        QTimer.singleShot(0, self._raise_panel)

    def _raise_panel(self) -> None:
        dock = dock_of(self._panel)
        if dock is not None:
            dock.raise_()

    def show_planes(self, at_once: bool = False) -> PlanesWidget:
        """Return the three planes; open them if they are not.

        They find their place once the panel has its own, or at once where it has.
        """
        if self.planes is None:
            self.planes = next(iter(self._window.findChildren(PlanesWidget)), None)
            if self.planes is None:
                self.planes = self._open_planes(at_once)
            elif at_once:  # left by another panel, and this one was put below them
                self._part_from_planes()
            else:
                QTimer.singleShot(0, self._part_from_planes)
            self.planes.clicked.connect(self.clicked)
            self.planes.scribbled.connect(self.scribbled)
            self.planes.told.connect(self.told)
            self.planes.gone.connect(self._forget_planes)
            if self._caption:
                self.planes.show_caption(self._caption)
        return self.planes

    def _open_planes(self, at_once: bool) -> PlanesWidget:
        """Open the planes in a dock, or where the reader has them in a window of their own."""
        size, memory = self._window.size(), Memory()
        planes = PlanesWidget(self.viewer)
        if memory.has_planes_apart:
            PlanesWindow(planes, self._window, memory)
            self._share_later.start()  # else the list would get the room that the planes leave
            return planes
        self.viewer.window.add_dock_widget(planes, name="Three planes", area="right")
        if at_once:
            # Asks for the planes, which the caller is about to have.
            self.planes = planes
            self._stand_side_by_side(size)
        else:
            QTimer.singleShot(0, lambda: self._stand_side_by_side(size))
        return planes

    def move_planes(self) -> None:
        """Take the small planes into a window of their own, or back into a dock."""
        memory, before = Memory(), self.planes
        memory.keep_planes_apart(not memory.has_planes_apart)
        if before is not None:
            point = before.point
            before.gone.disconnect(self._forget_planes)
            self.planes = None
            if dock_of(before) is not None:
                self.viewer.window.remove_dock_widget(before)
            else:
                before.window().close()
            self.show_planes().go_to(point)
        else:
            self.show_planes()
        self.told.emit(
            "The small planes have a window of their own; Shift+L brings them back."
            if memory.has_planes_apart
            else "The small planes are beside the list."
        )

    def wanted_planes(self) -> PlanesWidget | None:
        """Return the three planes where they are open, or open by themselves; see `Preferences`."""
        is_open = self.planes is not None or bool(self._window.findChildren(PlanesWidget))
        return self.show_planes() if is_open or preferences().planes else None

    def show_caption(self, caption: str) -> None:
        """Say in every plane what is shown, now and when they are opened again."""
        self._caption = caption
        if self.planes is not None:
            self.planes.show_caption(caption)

    def go_to(self, point: Point) -> None:
        """Put the crosshair on a point; without planes, napari's own view shows its slice."""
        planes = self.wanted_planes()
        if planes is not None:
            planes.go_to(point)
        elif len(point) == self.viewer.dims.ndim:
            self.viewer.dims.set_point(range(len(point)), point)

    def _forget_planes(self) -> None:
        self.planes = None
        again = "going to a lesion" if preferences().planes else "Plugins > F.sh > Three planes"
        self.told.emit(f"The three planes are closed; {again} opens them again.")

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

    def _part_from_planes(self) -> None:
        """Stand beside planes that were there first, not below them."""
        planes, own = dock_of(self.planes), dock_of(self._panel)
        if planes is None or own is None or planes.isFloating():
            return
        first, second = planes.geometry(), own.geometry()
        if first.left() < second.right() and second.left() < first.right():
            self._stand_side_by_side(self._size)

    def _share_the_room(self) -> None:
        """Leave most of the width to the large plane."""
        found = (dock_of(self.planes), dock_of(self._panel))
        docks = [dock for dock in found if dock is not None and not dock.isFloating()]
        widths = [
            max(least, round(part * self._window.width()))
            for least, part in zip(_LEAST_WIDTHS, _PARTS_OF_WINDOW, strict=True)
        ][len(found) - len(docks) :]
        self._window.resizeDocks(docks, widths, Qt.Orientation.Horizontal)
