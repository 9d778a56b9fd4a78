"""Pictures of change: a lesion before and after, the difference, and volumes over time."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fsh_core.figures.panel import HALO
from fsh_core.figures.style import (
    DPI,
    INK,
    PAGE_WIDTH_IN,
    PALE,
    PREDICTION_COLOUR,
    QUIET,
    REFERENCE_COLOUR,
    RULE,
)
from fsh_core.tracking import Pair, Visit
from fsh_core.tracking.halfway import resample_to
from fsh_core.volume.planes import PLANES, Plane

DARKER_BRIGHTER = LinearSegmentedColormap.from_list(
    "difference", ["#0072b2", "#9fc6e0", "#ffffff", "#f0b48a", "#d55e00"]
)
_HALF_WIDTH_MM = 28
_COLUMNS = ("Before", "After", "Difference")
_WHITEST = 1.9  # of the median of normal-appearing tissue
_MOST_SD = 8.0
_HEADING_IN = 0.2
_INSET = 2


def draw_changes(
    pair: Pair, visits: tuple[Visit, Visit], places: Sequence[tuple[str, NDArray[np.float64]]]
) -> Figure:
    """Draw changes: before, after and difference side by side, in three planes.

    Parameters
    ----------
    pair : Pair
        Two visits in their half-way space.
    visits : (Visit, Visit)
        The visits, for the outlines of their own lesions.
    places : sequence of (str, (3,) float64)
        What to write beside a row, and the middle of the change in the later visit's world, mm.

    Returns
    -------
    Figure
        One row a change, nine panels of 56 mm.
    """
    halfway, difference = pair.halfway, pair.difference
    lesions = [
        resample_to(halfway, visit.flair, to_visit, visit.labels > 0) > 0
        for visit, to_visit in zip(visits, (halfway.to_first, halfway.to_second), strict=True)
    ]
    to_voxels = np.linalg.inv(halfway.to_second @ halfway.grid.affine)
    cell = PAGE_WIDTH_IN / (len(PLANES) * len(_COLUMNS))
    height = cell * len(places) + _HEADING_IN
    figure = Figure(figsize=(PAGE_WIDTH_IN, height), dpi=DPI, facecolor="white")
    for row, (name, middle_mm) in enumerate(places):
        voxel = np.rint((to_voxels @ [*middle_mm, 1.0])[:3]).astype(int)
        voxel = np.clip(voxel, 0, np.array(halfway.grid.shape) - 1)
        for position in range(len(PLANES) * len(_COLUMNS)):
            plane, column = PLANES[position // len(_COLUMNS)], position % len(_COLUMNS)
            axes = _panel(figure, row, position, cell, height)
            scan = (difference.first, difference.second, difference.sd)[column]
            colours: dict[str, Any] = {"cmap": "gray", "vmin": 0, "vmax": _WHITEST}
            if column == len(_COLUMNS) - 1:
                colours = {"cmap": DARKER_BRIGHTER, "vmin": -_MOST_SD, "vmax": _MOST_SD}
            axes.imshow(_square(scan, plane, voxel), origin="lower", **colours)
            if column < len(lesions):
                colour = (REFERENCE_COLOUR, PREDICTION_COLOUR)[column]
                _outline(axes, _square(lesions[column], plane, voxel), colour)
            if position == 0:
                axes.text(
                    _INSET,
                    2 * _HALF_WIDTH_MM - _INSET,
                    name,
                    size=6,
                    color=PALE,
                    va="top",
                    path_effects=HALO,
                )
    for position in range(len(PLANES) * len(_COLUMNS)):
        plane, column = PLANES[position // len(_COLUMNS)], position % len(_COLUMNS)
        title = f"{plane.name}: {_COLUMNS[0].lower()}" if column == 0 else _COLUMNS[column].lower()
        figure.text(
            (position + 0.5) / (len(PLANES) * len(_COLUMNS)),
            1 - _HEADING_IN / 2 / height,
            title,
            size=6,
            color=INK,
            ha="center",
            va="center",
        )
    return figure


def draw_volumes(
    names: Sequence[str],
    days: Sequence[float] | None,
    volumes_ml: Sequence[float],
    intervals_ml: Sequence[tuple[float, float] | None],
) -> Figure:
    """Draw the lesion volume over the visits, with its interval where there is one.

    Parameters
    ----------
    names : sequence of str
        The visits.
    days : sequence of float or None
        Days since the first visit; None places the visits at equal distances.
    volumes_ml : sequence of float
        Lesion volume, in ml.
    intervals_ml : sequence of (float, float) or None
        Where a reader's volume is expected, in ml.
    """
    figure = Figure(figsize=(PAGE_WIDTH_IN, 2.2), dpi=DPI, facecolor="white", layout="constrained")
    axes = figure.add_subplot()
    at = list(days) if days is not None else [float(place) for place in range(len(names))]
    for place, interval in zip(at, intervals_ml, strict=True):
        if interval is not None:
            axes.plot([place, place], interval, color=REFERENCE_COLOUR, linewidth=4, alpha=0.5)
    axes.plot(at, volumes_ml, "o-", color=INK, linewidth=1.2, markersize=4)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("Lesion volume (ml)", size=8, color=INK)
    axes.set_xticks(at, names, size=7)
    axes.tick_params(colors=QUIET, labelsize=7)
    axes.grid(axis="y", color=RULE, linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def _panel(figure: Figure, row: int, position: int, cell: float, height: float) -> Axes:
    side = cell / PAGE_WIDTH_IN
    bottom = 1 - (_HEADING_IN + (row + 1) * cell) / height
    axes = figure.add_axes(
        (
            position * side + 0.001,
            bottom + 0.004 / height,
            side - 0.002,
            cell / height - 0.02 / height,
        ),
        facecolor="black",
        xticks=[],
        yticks=[],
    )
    axes.spines[:].set_visible(False)
    return axes


def _square(data: NDArray[Any], plane: Plane, voxel: NDArray[np.int_]) -> NDArray[Any]:
    """Cut a square around a voxel out of a slice; what lies outside the volume is 0."""
    padded = np.pad(plane.cut(data, int(voxel[plane.through])), _HALF_WIDTH_MM)
    across = data.shape[plane.across] - 1 - int(voxel[plane.across])  # the picture is mirrored
    up = int(voxel[plane.up])
    return padded[up : up + 2 * _HALF_WIDTH_MM + 1, across : across + 2 * _HALF_WIDTH_MM + 1]


def _outline(axes: Axes, mask: NDArray[np.bool_], colour: str) -> None:
    if mask.any():
        axes.contour(mask.astype(np.float32), levels=[0.5], colors=[colour], linewidths=0.6)
