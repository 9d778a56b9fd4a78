"""Letters at the borders of a view: which side of the patient lies there, obliquely or not."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.qt import QtViewer
from numpy.typing import NDArray
from qtpy.QtCore import QEvent, QObject, QRect, Qt
from qtpy.QtGui import QColor, QFont, QPainter, QPaintEvent
from qtpy.QtWidgets import QWidget

from fsh_napari.layers.convert import GRID_KEY
from fsh_napari.layers.grid import TO_LAYER_WORLD, Grid

_NAMES = ("RL", "AP", "SI")  # towards greater and smaller world coordinates
_NAMED_FROM = np.sin(np.radians(10))  # a border that is turned by more has two letters
_FLAT = 2  # dimensions on the screen: slices, not the volume
_LETTER_PIXELS = 16
_LETTER_COLOUR = (255, 221, 87)
_LETTER_MARGINS = (5, 3, -5, -3)  # left, top, right, bottom; pixels
_SIDES = {
    "top": Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignHCenter,
    "bottom": Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignHCenter,
    "left": Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter,
    "right": Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
}


def side_letters(
    order: Sequence[int],
    orientation: tuple[str, str],
    viewer_to_world: NDArray[np.float64] | None = None,
) -> dict[str, str]:
    """Name what lies at each border of a view: ``R``, or ``RA`` where the scan is oblique.

    Parameters
    ----------
    order : three int
        The layer's axes through the plane, then down and right on the screen.
    orientation : two str
        Where the vertical and the horizontal axis grow to, as napari's ``orientation2d``.
    viewer_to_world : (4, 4) or (3, 3) float64, optional
        Viewer coordinates to the scanner's RAS+ mm; along its axes if not given.

    Returns
    -------
    dict of str to str
        By ``top``, ``bottom``, ``left`` and ``right``.
    """
    turn = TO_LAYER_WORLD.T if viewer_to_world is None else viewer_to_world[:3, :3]
    downwards = turn[:, order[1]] * (1 if orientation[0] == "down" else -1)
    rightwards = turn[:, order[2]] * (1 if orientation[1] == "right" else -1)
    return {
        "top": _letters_towards(-downwards),
        "bottom": _letters_towards(downwards),
        "left": _letters_towards(-rightwards),
        "right": _letters_towards(rightwards),
    }


def _letters_towards(direction: NDArray[np.float64]) -> str:
    unit = direction / np.linalg.norm(direction)
    nearest_first = [int(axis) for axis in np.argsort(-np.abs(unit), kind="stable")]
    return "".join(
        _NAMES[axis][0 if unit[axis] > 0 else 1]
        for axis in nearest_first
        if abs(unit[axis]) >= _NAMED_FROM
    )


def scanner_axes(viewer: ViewerModel) -> NDArray[np.float64] | None:
    """Return how viewer coordinates lie in the scanner; None without a scan of F.sh's."""
    grids = [layer.metadata.get(GRID_KEY) for layer in viewer.layers if layer.visible]
    return next((grid.viewer_to_world for grid in grids if isinstance(grid, Grid)), None)


def draw_letters(painter: QPainter, area: QRect, letters: Mapping[str, str]) -> None:
    """Draw letters at the borders of an area."""
    font = QFont(painter.font())
    font.setPixelSize(_LETTER_PIXELS)
    font.setBold(True)
    painter.setFont(font)
    inner = area.adjusted(*_LETTER_MARGINS)
    for side, flags in _SIDES.items():
        # In black one pixel aside first, so that a letter can be read on white.
        for shift, colour in ((1, QColor(0, 0, 0)), (0, QColor(*_LETTER_COLOUR))):
            painter.setPen(colour)
            painter.drawText(inner.translated(shift, shift), int(flags), letters[side])


class SideLetters(QWidget):
    """The letters over napari's own view, as long as no planes with their own are open.

    Parameters
    ----------
    qt_viewer : QtViewer
        The view.
    is_lettered : callable
        Whether another overlay draws letters there.
    """

    def __init__(self, qt_viewer: QtViewer, is_lettered: Any) -> None:
        super().__init__(qt_viewer.canvas.native)
        self._viewer, self._is_lettered = qt_viewer.viewer, is_lettered
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setStyleSheet("background: transparent;")
        self.parentWidget().installEventFilter(self)
        self._events = (
            self._viewer.dims.events.order,
            self._viewer.dims.events.ndisplay,
            self._viewer.layers.events.inserted,
            self._viewer.layers.events.removed,
            self._viewer.scene.camera.events.orientation,
        )
        for event in self._events:
            event.connect(self._on_change)
        self._cover()
        self.show()

    def letters(self) -> dict[str, str]:
        """Name the borders; empty where nothing is known of them."""
        axes = scanner_axes(self._viewer)
        if axes is None or self._viewer.dims.ndisplay != _FLAT or self._is_lettered():
            return {}
        return side_letters(
            self._viewer.dims.order[-3:], self._viewer.scene.camera.orientation2d, axes
        )

    def detach(self) -> None:
        """Leave the view alone."""
        for event in self._events:
            event.disconnect(self._on_change)
        self.hide()
        self.deleteLater()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Cover the view, whatever its size."""
        if event.type() == QEvent.Type.Resize:
            self._cover()
        return False

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw."""
        letters = self.letters()
        if letters:
            painter = QPainter(self)
            draw_letters(painter, self.rect(), letters)
            painter.end()

    def _on_change(self, event: Any = None) -> None:
        self.update()

    def _cover(self) -> None:
        self.setGeometry(self.parentWidget().rect())
        self.raise_()
