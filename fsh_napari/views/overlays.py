"""Which way up a plane is shown, and its overlay: letters at the borders and a crosshair."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from qtpy.QtCore import QPointF, QRect, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QWidget

from fsh_core.volume.planes import PLANES, Plane
from fsh_napari.preferences import CROSSHAIRS
from fsh_napari.views.letters import draw_letters, scanner_axes, side_letters

LAYER_AXES = (2, 1, 0)
"""A layer's axes for those towards R, A and S; it has S, P, L: see `fsh_napari.layers.grid`."""

_S_AXIS = 2

_GAP = 9  # pixels around the centre that the crosshair leaves free
_OPACITY = 170  # of 255: what lies under the crosshair shines through
_TRAIL_PIXELS = 3
_RULER, _RULER_EDGE, _RULER_PIXELS = "#ffffff", "#000000", 2  # seen on every grey
_CAPTION_COLOUR, _CAPTION_MARGIN, _CAPTION_POINTS = "#ffdd57", 8, 11
_TEXT_MARGIN = 2  # pixels between a length and the border
_FLAT = 2  # dimensions on the screen: slices, not the volume


@dataclass(frozen=True)
class LayerPlane:
    """A plane of `fsh_core.volume.planes` on the axes that a layer has."""

    plane: Plane

    @property
    def name(self) -> str:
        """What radiologists call it, in lower case."""
        return self.plane.name.lower()

    @property
    def order(self) -> tuple[int, int, int]:
        """The layer's axes through the plane, then down and right on the screen."""
        through, up, across = self.plane.through, self.plane.up, self.plane.across
        return LAYER_AXES[through], LAYER_AXES[up], LAYER_AXES[across]

    def orientation(self, convention: str) -> tuple[str, str]:
        """Return where the vertical and horizontal axes grow to, for napari's ``orientation2d``."""
        # Of the layer's axes only S grows the way it did in RAS: the other two are flipped.
        vertical = "up" if self.plane.up == _S_AXIS else "down"
        return vertical, "left" if self.plane.is_mirrored(convention) else "right"

    def letters(self, convention: str) -> dict[str, str]:
        """Return the letter at each border of the view."""
        left, right, lower, upper = self.plane.letters(convention)
        return {"top": upper, "bottom": lower, "left": left, "right": right}


AXIAL, CORONAL, SAGITTAL = map(LayerPlane, PLANES)


class OverlaidView(Protocol):
    """What an overlay is drawn over: a `fsh_napari.views.plane.PlaneView`."""

    canvas: QWidget
    viewer: Any
    group: Any
    plane: LayerPlane
    trail: list[tuple[float, ...]]

    def to_pixel(self, point: Any) -> QPointF:
        """Return where a voxel is on the canvas."""


class Overlay(QWidget):
    """Crosshair and letters, drawn over a canvas; the mouse does not see it."""

    def __init__(self, view: OverlaidView) -> None:
        super().__init__(view.canvas)
        self._view = view
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setStyleSheet("background: transparent;")
        self.show()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw."""
        view = self._view
        if not view.viewer.layers or view.viewer.dims.ndisplay != _FLAT:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
        if view.group.crosshair.isChecked():
            self._draw_crosshair(painter)
        self._draw_letters(painter)
        self._draw_caption(painter)
        self._draw_trail(painter)
        group = self._view.group
        if group.ruler:
            self._draw_line(painter, group.ruler, crosses=False)
        for place, ends in enumerate(group.diameters):
            self._draw_line(painter, ends, crosses=True, is_above=place == 0)
        painter.end()

    def _draw_crosshair(self, painter: QPainter) -> None:
        group = self._view.group
        point = self._view.to_pixel(group.point)
        colour = QColor(CROSSHAIRS[group.crosshair_colour])
        colour.setAlpha(_OPACITY)
        painter.setPen(QPen(colour, 1))
        x, y, width, height = point.x(), point.y(), self.width(), self.height()
        for start, end in (
            ((0, y), (x - _GAP, y)),
            ((x + _GAP, y), (width, y)),
            ((x, 0), (x, y - _GAP)),
            ((x, y + _GAP), (x, height)),
        ):
            painter.drawLine(QPointF(*start), QPointF(*end))

    def _draw_caption(self, painter: QPainter) -> None:
        """Write what is shown into the corner, beside the letter of the upper border."""
        font = painter.font()
        font.setPointSize(_CAPTION_POINTS)
        painter.setFont(font)
        width = self.width() // 2 - 3 * _CAPTION_MARGIN
        room = QRect(_CAPTION_MARGIN, _CAPTION_MARGIN, width, self.height() - 2 * _CAPTION_MARGIN)
        wrapped = Qt.AlignmentFlag.AlignLeft | Qt.TextFlag.TextWordWrap
        for colour, shift in ((_RULER_EDGE, 1), (_CAPTION_COLOUR, 0)):
            painter.setPen(QColor(colour))
            painter.drawText(room.translated(shift, shift), wrapped, self._view.group.caption)

    def _draw_trail(self, painter: QPainter) -> None:
        colour = QColor(CROSSHAIRS[self._view.group.crosshair_colour])
        painter.setPen(QPen(colour, _TRAIL_PIXELS))
        painter.drawPolyline([self._view.to_pixel(point) for point in self._view.trail])

    def _draw_line(
        self,
        painter: QPainter,
        ends: Sequence[tuple[float, ...]],
        crosses: bool,
        is_above: bool = True,
    ) -> None:
        """Draw a line with its length where both its ends lie in the slice that is shown.

        One that ``crosses`` slices is drawn dashed in each of them, as seen from the front. The
        length stands beside the upper end, or the lower one.
        """
        view = self._view
        through = view.plane.order[0]
        half_mm = view.viewer.dims.range[through].step / 2
        here = view.group.point[through]
        places = [end[through] for end in ends]
        is_within = all(abs(place - here) <= half_mm for place in places)
        is_between = min(places) - half_mm <= here <= max(places) + half_mm
        if not is_within and not (crosses and is_between):
            return
        style = Qt.PenStyle.SolidLine if is_within else Qt.PenStyle.DashLine
        start, end = (view.to_pixel(point) for point in ends)
        text = f"{math.dist(*ends):.1f} mm"
        for colour, width in ((_RULER_EDGE, _RULER_PIXELS + 2), (_RULER, _RULER_PIXELS)):
            painter.setPen(QPen(QColor(colour), width, style))
            painter.drawLine(start, end)
            for point in (start, end):
                painter.drawEllipse(point, _RULER_PIXELS, _RULER_PIXELS)
        upper, lower = sorted((start, end), key=lambda point: point.y())
        beside = upper + QPointF(_GAP, -_GAP)
        if not is_above:
            beside = lower + QPointF(_GAP, painter.fontMetrics().height())
        beside = kept_inside(beside, painter.fontMetrics().size(0, text), self.rect())
        for colour, shift in ((_RULER_EDGE, 1), (_RULER, 0)):
            painter.setPen(QColor(colour))
            painter.drawText(beside + QPointF(shift, shift), text)

    def _draw_letters(self, painter: QPainter) -> None:
        view = self._view
        orientation = view.plane.orientation(view.group.convention)
        axes = scanner_axes(view.viewer)
        draw_letters(painter, self.rect(), side_letters(view.plane.order, orientation, axes))


def kept_inside(place: QPointF, text: QSize, room: QRect) -> QPointF:
    """Move the lower left corner of a text so that all of it is seen."""
    x = min(place.x(), room.right() - text.width() - _TEXT_MARGIN)
    y = min(max(place.y(), room.top() + text.height()), room.bottom() - _TEXT_MARGIN)
    return QPointF(max(x, room.left()), y)
