"""Where the lesions under review are seen: the planes, how lesions look, the other visit."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, QSize, Qt, QTimer, Signal
from qtpy.QtWidgets import QWidget

from fsh_core.errors import InputError
from fsh_napari.review.case import OpenCase
from fsh_napari.review.help import HelpOverlay
from fsh_napari.review.interfaces import Point
from fsh_napari.views.other_visits import other_visits
from fsh_napari.views.planes import PlanesWidget
from fsh_napari.views.visits import VisitWidget
from fsh_napari.views.window import dock_of, shrink_to

if TYPE_CHECKING:
    import napari

_OPACITIES = (0.3, 0.7, 1.0)
_SAME_OPACITY = 0.01
# Of the planes and the list: most of the width is left to the large plane.
_LEAST_WIDTHS = (300, 340)  # pixels
_LAID_OUT_MS = 50
_PARTS_OF_WINDOW = (0.2, 0.3)


class ReviewStage(QObject):
    """The part of the window that shows lesions in the scan; nothing here is an event.

    Signals
    -------
    clicked : (point, bool)
        A click in a plane, in viewer mm, and whether Shift was held.
    told : str
        Something for the reader.
    next_case_wanted, kept : no arguments
        The controller asks for the next case; something was decided or changed.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    window : QWidget
        Its window.
    panel : QWidget
        The review's own widget, beside which the planes stand.
    opened_case : callable
        Returns the case that is open, or None.
    """

    clicked = Signal(object, bool)
    told = Signal(str)
    next_case_wanted = Signal()
    kept = Signal()

    def __init__(
        self,
        viewer: "napari.viewer.Viewer",
        window: Any,
        panel: QWidget,
        opened_case: Callable[[], OpenCase],
    ) -> None:
        super().__init__(panel)
        self.viewer, self._window, self._panel = viewer, window, panel
        self._opened_case = opened_case
        self.planes: PlanesWidget | None = None
        self.visit: VisitWidget | None = None
        self.help = HelpOverlay(window)
        self._share_later = QTimer(self, singleShot=True, interval=_LAID_OUT_MS)
        self._share_later.timeout.connect(self._share_the_room)

    # ---- the planes

    def show_planes(self) -> PlanesWidget:
        """Return the three planes; open them if they are not."""
        if self.planes is None:
            self.planes = next(iter(self._window.findChildren(PlanesWidget)), None)
            if self.planes is None:
                size = self._window.size()
                self.planes = PlanesWidget(self.viewer)
                self.viewer.window.add_dock_widget(self.planes, name="Three planes", area="right")
                QTimer.singleShot(0, lambda: self._stand_side_by_side(size))
            self.planes.clicked.connect(self.clicked)
            self.planes.told.connect(self.told)
            self.planes.gone.connect(self._forget_planes)
        return self.planes

    def go_to(self, point: Point) -> None:
        """Put the crosshair on a point."""
        self.show_planes().go_to(point)

    def redraw(self) -> None:
        """Draw the lesions again where voxels of their layer changed."""
        if self.planes is not None:
            self.planes.refresh(self._opened_case().layer)

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

    # ---- how lesions look

    def toggle_outline(self) -> None:
        """Switch between outline and fill."""
        layer = self._opened_case().layer
        layer.contour = 0 if layer.contour else 1

    def change_opacity(self) -> None:
        """Go through the opacities."""
        layer = self._opened_case().layer
        higher = [value for value in _OPACITIES if value > layer.opacity + _SAME_OPACITY]
        layer.opacity = higher[0] if higher else _OPACITIES[0]

    def toggle_lesions(self) -> None:
        """Hide or show the lesions."""
        layer = self._opened_case().layer
        layer.visible = not layer.visible

    def reset_window(self) -> None:
        """Set window and level of the scan back."""
        self.show_planes().reset_window()

    # ---- the other visit

    def show_other_visit(self) -> None:
        """Show the next other visit side by side, or none after the last."""
        case, before = self._opened_case(), self.visit
        visits = other_visits(self.viewer, case)
        if not visits:
            raise InputError(
                "there is no other visit; open its scan, or segment it into the same folder"
            )
        names = [visit.name for visit in visits]
        following = 0
        if before is not None and before.name in names:
            following = names.index(before.name) + 1
        self.close_visit()
        if following == len(visits):
            self.told.emit("The other visit is closed.")
            return
        self.visit = VisitWidget(self.show_planes(), case, visits[following])
        self.visit.told.connect(self.told)
        self.visit.gone.connect(self._forget_visit)
        self.visit.begin()

    def close_visit(self) -> None:
        """Take the other visit away, if there is one."""
        if self.visit is not None:
            self.visit.close_visit()
            self._forget_visit()

    def _forget_visit(self) -> None:
        self.visit = None
        QTimer.singleShot(0, self._share_the_room)

    # ---- the help, and what leads out of the case

    def toggle_keys(self) -> None:
        """Show or hide the help."""
        self.help.toggle()

    def hide_keys(self) -> None:
        """Hide the help."""
        self.help.hide()

    def open_next_case(self) -> None:
        """Go on with the cohort."""
        self.next_case_wanted.emit()

    def event_kept(self) -> None:
        """Hear that something was decided or changed."""
        self.kept.emit()
