"""Finding the window of a viewer without napari's private attributes."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from napari.qt import QtViewer
from qtpy.QtCore import QSize, QTimer
from qtpy.QtWidgets import QApplication, QDockWidget, QMainWindow, QWidget

if TYPE_CHECKING:
    import napari


def plain(viewer: Any) -> "napari.viewer.Viewer":
    """Return the viewer itself.

    Plugins are handed a proxy, whose layers are never the same object twice.
    """
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


def move_point(viewer: Any, point: Sequence[float], axis: int) -> None:
    """Move the point of a viewer; its layers are cut anew once, or not at all.

    Left to itself napari cuts every layer for a point that moves within the slice that is
    shown, and asks again whether to cut when it tells of the same point in steps.

    Parameters
    ----------
    viewer : ViewerModel
        The viewer.
    point : sequence of float
        Viewer mm along each axis.
    axis : int
        The axis that the slices lie across.
    """
    dims = viewer.dims
    inside = tuple(
        min(max(value, low), high) for value, (low, high, _) in zip(point, dims.range, strict=True)
    )
    # napari's own: a version without it is slower, and right.
    cut = getattr(viewer, "_update_layers", None)
    with ExitStack() as quiet:
        if cut is not None:
            quiet.enter_context(dims.events.current_step.blocker(cut))
        if cut is not None and inside[axis] == dims.point[axis]:
            quiet.enter_context(dims.events.point.blocker(cut))
        dims.set_point(range(len(inside)), inside)


def dock_of(widget: QWidget | None) -> QDockWidget | None:
    """Return the dock that a widget stands in."""
    while widget is not None and not isinstance(widget, QDockWidget):
        widget = widget.parentWidget()
    return widget


def shrink_to(window: QWidget, size: QSize) -> None:
    """Give a window its size back: docks that stand on each other for a moment make it higher."""
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
