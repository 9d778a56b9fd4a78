"""Views that show one point: what a click or a turn in one means for the others."""

from collections.abc import Iterator
from contextlib import contextmanager

from napari.components import ViewerModel
from qtpy.QtCore import QEvent, Signal
from qtpy.QtWidgets import QCheckBox, QWidget

from fsh_napari.preferences import preferences


class LinkedViews(QWidget):
    """Views that show one point.

    ``clicked`` carries a point, in viewer mm, and whether Shift was held, which keeps the
    crosshair where it is; ``scribbled`` the points of a line that was drawn while that was
    wanted, a single one if the mouse did not move; ``told`` something for the reader; ``gone``
    says that its dock was taken away.

    Attributes
    ----------
    views : list of QWidget
        The views, each a `fsh_napari.views.plane.PlaneView`.
    crosshair : QCheckBox
        Whether it is drawn.
    crosshair_colour : str
        One of `fsh_napari.preferences.CROSSHAIRS`.
    scribbles : bool
        Whether the left button draws a line.
    ruler : tuple of point
        The two ends of what was measured, in viewer mm; empty = nothing.
    diameters : tuple of pairs of points
        Longest diameters of a lesion, each from one end to the other, in viewer mm.
    caption : str
        What is shown; it stands in the corner of every view.
    """

    clicked = Signal(object, bool)
    scribbled = Signal(object)
    told = Signal(str)
    gone = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.views: list[QWidget] = []
        self.crosshair = QCheckBox("Crosshair", checked=True, accessibleName="Crosshair")
        self.crosshair.toggled.connect(self.redraw_overlays)
        self.crosshair_colour = preferences().crosshair
        self.scribbles = False
        self.ruler: tuple[tuple[float, ...], ...] = ()
        self.diameters: tuple[tuple[tuple[float, ...], ...], ...] = ()
        self.caption = ""
        self._quiet = False

    @property
    def convention(self) -> str:
        """``radiological`` or ``neurological``."""
        raise NotImplementedError

    @property
    def point(self) -> tuple[float, ...]:
        """Where the crosshair is, in viewer mm."""
        raise NotImplementedError

    def go_to(self, point: tuple[float, ...]) -> None:
        """Move the crosshair, in viewer mm."""
        raise NotImplementedError

    def follow(self, source: ViewerModel) -> None:
        """Show in all views the slice that one was turned to."""
        raise NotImplementedError

    def link_cameras(self, source: QWidget) -> None:
        """Answer a zoom or pan in one view."""

    def enlarge(self, view: QWidget) -> None:
        """Answer a double click in one view."""

    def detach(self) -> None:
        """Leave napari as it was."""
        raise NotImplementedError

    def changeEvent(self, event: QEvent) -> None:
        """Detach when napari takes the dock away, as its button does."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            if self.views:
                self.detach()
                self.gone.emit()
            # Nobody shows it again, and Python's collector does not see through Qt's connections.
            self.deleteLater()

    def click(self, point: tuple[float, ...], shift: bool = False) -> None:
        """Answer a click in any view."""
        if not shift:
            self.go_to(point)
        self.clicked.emit(point, shift)

    def scribble(self, path: list[tuple[float, ...]]) -> None:
        """Answer a line that was drawn in any view."""
        self.go_to(path[-1])
        self.scribbled.emit(path)

    def show_ruler(self, ends: tuple[tuple[float, ...], ...]) -> None:
        """Draw a ruler between two points, in viewer mm; empty takes it away."""
        self.ruler = ends
        self.redraw_overlays()

    def show_diameters(self, diameters: tuple[tuple[tuple[float, ...], ...], ...]) -> None:
        """Draw the longest diameters of a lesion; empty takes them away."""
        self.diameters = diameters
        self.redraw_overlays()

    def show_caption(self, caption: str) -> None:
        """Say in the corner of every view what is shown; empty says nothing."""
        self.caption = caption
        self.redraw_overlays()

    def redraw_overlays(self) -> None:
        """Draw crosshairs and letters again."""
        for view in self.views:
            view.overlay.update()

    @contextmanager
    def quietly(self) -> Iterator[None]:
        """Keep views from answering each other."""
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before
