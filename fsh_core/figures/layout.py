"""A layout of panels that share one scale, sized so that type prints in its true size."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fsh_core.figures.slices import View
from fsh_core.figures.style import DPI, HEAT, INK, PAGE_WIDTH_IN, QUIET
from fsh_core.volume.planes import PLANES

_CELL_IN = 2.26  # three columns fill an A4 page between its margins
_GAP_IN = 0.045
_EDGE_IN = 0.07
_TITLE_IN, _HEADING_IN, _ROW_NAME_IN, _CAPTION_IN = 0.25, 0.22, 0.2, 0.2


@dataclass(frozen=True)
class FigureLayout:
    """Positions and scale of a figure's panels.

    Attributes
    ----------
    columns : int
        Panels in a row.
    cell_mm : float
        Width of every panel, in mm of the patient.
    rows_mm : tuple of float
        Height of each row, in mm of the patient.
    scale : float
        Inches of paper per mm of the patient.
    title : str
        Above everything; empty = none.
    named : bool
        Whether rows have names, as columns always have.
    """

    columns: int
    cell_mm: float
    rows_mm: tuple[float, ...]
    scale: float
    title: str
    named: bool

    @classmethod
    def of_planes(cls, view: View, columns: int, title: str) -> Self:
        """Lay out one row per plane, at the scale at which three columns fill a page."""
        cell_mm = max(view.extent_mm(0), view.extent_mm(1))
        rows_mm = tuple(view.extent_mm(plane.up) for plane in PLANES)
        return cls(columns, cell_mm, rows_mm, _CELL_IN / cell_mm, title, named=True)

    @classmethod
    def of_row(cls, view: View, columns: int) -> Self:
        """Lay out one row of panels, square enough for every plane, over the width of a page."""
        cell_mm = max(view.extent_mm(0), view.extent_mm(1))
        height_mm = max(view.extent_mm(plane.up) for plane in PLANES)
        cell_in = (PAGE_WIDTH_IN - 2 * _EDGE_IN - (columns - 1) * _GAP_IN) / columns
        return cls(columns, cell_mm, (height_mm,), cell_in / cell_mm, "", named=False)

    @property
    def _left_in(self) -> float:
        return _EDGE_IN + (_ROW_NAME_IN if self.named else 0.0)

    @property
    def _top_in(self) -> float:
        return _EDGE_IN + (_TITLE_IN if self.title else 0.0) + _HEADING_IN

    @property
    def size_in(self) -> tuple[float, float]:
        """Width and height of the figure, in inches."""
        width = self._left_in + self.columns * (self.cell_mm * self.scale + _GAP_IN) - _GAP_IN
        height = (
            self._top_in
            + sum(self.rows_mm) * self.scale
            + _GAP_IN * (len(self.rows_mm) - 1)
            + _CAPTION_IN
        )
        return width + _EDGE_IN, height + _EDGE_IN

    def figure(self) -> Figure:
        """Make the figure, with its title."""
        width, height = self.size_in
        figure = Figure(figsize=self.size_in, dpi=DPI, facecolor="white")
        longest = int((width - self._left_in) * 10)
        title = self.title if len(self.title) <= longest else self.title[: longest - 1] + "…"
        y = 1 - (_EDGE_IN + 0.08) / height
        figure.text(
            self._left_in / width,
            y,
            title,
            size=9,
            weight="bold",
            color=INK,
            va="center",
            parse_math=False,
        )
        return figure

    def panel(self, figure: Figure, row: int, column: int) -> Axes:
        """Make a black panel whose unit is the mm, 0 in the middle."""
        width, height = self.size_in
        panel_width, panel_height = self.cell_mm * self.scale, self.rows_mm[row] * self.scale
        left, bottom = self._column_in(column) / width, self._bottom_in(row) / height
        axes = figure.add_axes(
            (left, bottom, panel_width / width, panel_height / height), facecolor="black"
        )
        axes.set(xticks=[], yticks=[])
        axes.set(
            xlim=(-self.cell_mm / 2, self.cell_mm / 2),
            ylim=(-self.rows_mm[row] / 2, self.rows_mm[row] / 2),
        )
        axes.spines[:].set_visible(False)
        axes.set_autoscale_on(False)
        return axes

    def write_names(self, figure: Figure, columns: Sequence[tuple[str, str]]) -> None:
        """Write headings, each with a line in its colour if it has one, and the rows' planes."""
        width, height = self.size_in
        y_in = height - self._top_in + _HEADING_IN / 2
        for column, (name, colour) in enumerate(columns):
            x_in = self._column_in(column)
            if colour:
                figure.add_artist(_line(figure, x_in, x_in + 0.16, y_in, colour))
                x_in += 0.22
            figure.text(x_in / width, y_in / height, name, size=8, color=INK, va="center_baseline")
        for row, plane in enumerate(PLANES if self.named else ()):
            middle = (self._bottom_in(row) + self.rows_mm[row] * self.scale / 2) / height
            figure.text(
                (_EDGE_IN + 0.06) / width,
                middle,
                plane.name,
                size=8,
                color=INK,
                rotation=90,
                ha="center",
                va="center",
            )

    def draw_probability_key(self, figure: Figure, column: int) -> None:
        """Draw the colours of a probability from 0 to 1, at the right end of a heading."""
        width, height = self.size_in
        right = self._column_in(column) + self.cell_mm * self.scale
        middle = height - self._top_in + _HEADING_IN / 2
        box = ((right - 0.68) / width, (middle - 0.035) / height, 0.6 / width, 0.07 / height)
        axes = figure.add_axes(box, xticks=[], yticks=[])
        axes.imshow(np.linspace(0, 1, 256)[None], cmap=HEAT, aspect="auto", vmin=0, vmax=1)
        axes.spines[:].set_visible(False)
        for text, x, side in (("0", right - 0.72, "right"), ("1", right, "right")):
            figure.text(
                x / width, middle / height, text, size=6, color=QUIET, ha=side, va="center_baseline"
            )

    def write_caption(self, figure: Figure, text: str, key: Sequence[tuple[str, str]] = ()) -> None:
        """Write below the panels, with a key of names and colours at the right."""
        width, height = self.size_in
        y_in = _EDGE_IN + 0.04
        figure.text(
            self._left_in / width, y_in / height, text, size=6, color=QUIET, va="center_baseline"
        )
        x_in = width - _EDGE_IN
        for name, colour in reversed(key):
            x_in -= 0.06 * len(name)
            figure.text(x_in / width, y_in / height, name, size=6, color=INK, va="center_baseline")
            figure.add_artist(_line(figure, x_in - 0.2, x_in - 0.05, y_in, colour))
            x_in -= 0.32

    def _column_in(self, column: int) -> float:
        return self._left_in + column * (self.cell_mm * self.scale + _GAP_IN)

    def _bottom_in(self, row: int) -> float:
        return (
            self.size_in[1]
            - self._top_in
            - sum(self.rows_mm[: row + 1]) * self.scale
            - row * _GAP_IN
        )


def _line(figure: Figure, left_in: float, right_in: float, y_in: float, colour: str) -> Line2D:
    """Make a short horizontal line, placed in inches."""
    width, height = figure.get_size_inches()
    return Line2D(
        (left_in / width, right_in / width), (y_in / height,) * 2, color=colour, linewidth=1.6
    )
