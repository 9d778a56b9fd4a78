"""Finding the window of a viewer without napari's private attributes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from napari.qt import QtViewer
from qtpy.QtCore import QSize, QTimer
from qtpy.QtWidgets import QApplication, QDockWidget, QMainWindow, QWidget

if TYPE_CHECKING:
    import napari


def plain(viewer: Any) -> "napari.viewer.Viewer":
    """Return the viewer itself: plugins are handed a proxy, whose layers are never the same object twice."""
    return getattr(viewer, "__wrapped__", viewer)


def window_of(viewer: Any) -> tuple[QMainWindow, QtViewer]:
    """Return the window and the large view of a viewer.

    Raises
    ------
    RuntimeError
        If it has none.
    """
    for window in QApplication.topLevelWidgets():
        if isinstance(window, QMainWindow):
            for view in window.findChildren(QtViewer):
                if view.viewer is plain(viewer):
                    return window, view
    raise RuntimeError("this viewer has no window")


def dock_of(widget: QWidget | None) -> QDockWidget | None:
    """Return the dock that a widget stands in."""
    while widget is not None and not isinstance(widget, QDockWidget):
        widget = widget.parentWidget()
    return widget


def shrink_to(window: QWidget, size: QSize) -> None:
    """Give a window the size back that it had before docks stood on each other for a moment, which made it higher."""
    if not window.isMaximized() and not window.isFullScreen():
        QTimer.singleShot(0, lambda: window.resize(size))


@contextmanager
def undrawn(window: QWidget) -> Iterator[None]:
    """Draw nothing meanwhile.

    Layers come and go one by one, and napari has Qt draw in between: a view with half of its
    layers is slow to draw at best, and at worst OpenGL dies of it.
    """
    before = window.updatesEnabled()
    window.setUpdatesEnabled(False)
    try:
        yield
    finally:
        window.setUpdatesEnabled(before)
