"""Which way up a plane is shown, and what is drawn over it: letters at the borders and a crosshair."""

from dataclasses import dataclass
from typing import Any, Protocol

from qtpy.QtCore import QPointF, Qt
from qtpy.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QWidget

from fsh_napari.preferences import CROSSHAIRS

AXIS_ENDS = (("I", "S"), ("A", "P"), ("R", "L"))
"""What lies at the low and the high end of a layer's axes; see `fsh_napari.layers.convert`."""

_GAP = 9  # pixels around the centre that the crosshair leaves free
_OPACITY = 170  # of 255: what lies under the crosshair shines through


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


class MarkedView(Protocol):
    """What marks are drawn over: a `fsh_napari.views.plane.PlaneView`."""

    canvas: QWidget
    viewer: Any
    group: Any
    plane: Plane

    def to_pixel(self, point: Any) -> QPointF:
        """Return where a voxel is on the canvas."""


class Marks(QWidget):
    """Crosshair and letters, drawn over a canvas; the mouse does not see it."""

    def __init__(self, view: MarkedView) -> None:
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
        if view.group.crosshair.isChecked():
            at = view.to_pixel(view.group.point)
            colour = QColor(CROSSHAIRS[view.group.crosshair_colour])
            colour.setAlpha(_OPACITY)
            painter.setPen(QPen(colour, 1))
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
        letters = view.plane.letters(view.group.convention)
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
