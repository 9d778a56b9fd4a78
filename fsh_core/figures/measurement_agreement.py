"""Agreement of two measurements: Bland-Altman plots, and differences case by case."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from fsh_core.figures.style import DPI, INK, PAGE_WIDTH_IN, QUIET, RULE
from fsh_core.studies.bland_altman import BlandAltman, Estimate

_DOT, _BAND = "#0072b2", "#d55e00"  # of Okabe and Ito's palette
_DASHES = (0, (4, 2))
_PANELS_A_ROW = 3


def draw_bland_altman(
    panels: Mapping[str, tuple[ArrayLike, ArrayLike, BlandAltman]],
    unit: str = "ml",
    what: str = "volume",
) -> Figure:
    """Draw differences against means, with bias, limits of agreement and their 95 % intervals.

    Parameters
    ----------
    panels : mapping of str to (first, second, limits)
        Title of each panel, the two measurements (N,) of the same cases, and what
        `fsh_core.studies.bland_altman.bland_altman` made of them.
    unit, what : str
        For the axes.

    Returns
    -------
    Figure
        Up to three panels a row, with one scale.
    """
    columns = min(len(panels), _PANELS_A_ROW)
    rows = -(-len(panels) // _PANELS_A_ROW)
    figure = Figure(
        figsize=(PAGE_WIDTH_IN, 2.9 * rows), dpi=DPI, facecolor="white", layout="constrained"
    )
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    half_height = 0.0
    for place, (axes, (title, (first, second, limits))) in enumerate(
        zip(grid.flat, panels.items(), strict=False)
    ):
        first_values = np.asarray(first, dtype=np.float64)
        second_values = np.asarray(second, dtype=np.float64)
        for line, style in ((limits.bias, "-"), (limits.lower, _DASHES), (limits.upper, _DASHES)):
            _draw_line(axes, line, style)
        half_height = max(half_height, _half_height(first_values, second_values, limits))
        axes.scatter(
            (first_values + second_values) / 2,
            second_values - first_values,
            s=14,
            color=_DOT,
            alpha=0.8,
            linewidths=0,
            zorder=3,
        )
        axes.axhline(0, color=QUIET, linewidth=0.5)
        axes.set_title(title, size=8, color=INK, loc="left")
        _dress(axes)
        if place % columns == 0:
            axes.set_ylabel(f"Difference ({unit})", size=8, color=INK)
        axes.set_xlabel(f"Mean {what} of the two ({unit})", size=8, color=INK)
    grid[0, 0].set_ylim(-half_height, half_height)
    for unused in grid.flat[len(panels) :]:
        unused.set_visible(False)
    return figure


def draw_differences(
    differences: Mapping[str, ArrayLike], intervals: Mapping[str, Estimate], names: Sequence[str]
) -> Figure:
    """Draw the differences of two methods, a dot for each case, with the mean and its interval.

    Parameters
    ----------
    differences : mapping of str to (N,) floats
        Second minus first, by the name of the metric; missing values are left out.
    intervals : mapping of str to Estimate
        Mean difference and its 95 % interval.
    names : two str
        The methods.

    Returns
    -------
    Figure
        One row per metric.
    """
    figure = Figure(
        figsize=(PAGE_WIDTH_IN, 0.7 + 0.42 * len(differences)), dpi=DPI, facecolor="white"
    )
    figure.set_layout_engine("constrained")
    axes = figure.add_subplot()
    for row, (metric, values) in enumerate(differences.items()):
        known = np.asarray(values, dtype=np.float64)
        known = known[np.isfinite(known)]
        axes.scatter(
            known, row + _spread(known), s=12, color=_DOT, alpha=0.6, linewidths=0, zorder=3
        )
        found = intervals[metric]
        axes.plot(
            [found.low, found.high],
            [row, row],
            color=_BAND,
            linewidth=2,
            zorder=4,
            solid_capstyle="butt",
        )
        axes.plot([found.value], [row], "D", color=_BAND, markersize=4.5, zorder=5)
    axes.axvline(0, color=QUIET, linewidth=0.7)
    axes.set_yticks(range(len(differences)), list(differences))
    axes.set_ylim(len(differences) - 0.4, -0.6)
    axes.set_xlabel(f"{names[1]} minus {names[0]}", size=8, color=INK)
    _dress(axes)
    return figure


def _half_height(
    first: NDArray[np.float64], second: NDArray[np.float64], limits: BlandAltman
) -> float:
    """Upper end of an axis centred on 0, never so small that rounding fills it."""
    ends = [limits.lower.low, limits.upper.high, *(second - first)]
    furthest = float(np.nanmax(np.abs(ends))) if np.isfinite(ends).any() else 0.0
    largest = float(np.nanmax(np.abs([*first, *second], dtype=np.float64), initial=0.0))
    return 1.1 * max(furthest, 0.02 * largest, 0.01)


def _draw_line(axes: Axes, found: Estimate, style: str | tuple[int, tuple[int, int]]) -> None:
    """A horizontal line with its value and, where it is known, its interval."""
    if not np.isfinite(found.value):
        return
    if np.isfinite(found.low):
        axes.axhspan(found.low, found.high, color=_BAND, alpha=0.1, linewidth=0)
    axes.axhline(found.value, color=_BAND, linewidth=1, linestyle=style)
    shown = f"{found.value:+.2g}" if abs(found.value) < 1 else f"{found.value:+.2f}"
    axes.annotate(
        shown.replace("-", "\N{MINUS SIGN}"),
        (1, found.value),
        xycoords=("axes fraction", "data"),
        ha="right",
        va="bottom",
        size=6.5,
        color=INK,
    )


def _spread(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Small offsets, the same every time, that keep dots of like value apart."""
    offsets = np.zeros(len(values))
    offsets[np.argsort(values, kind="stable")] = (np.arange(len(values)) % 5 - 2) * 0.07
    return offsets


def _dress(axes: Axes) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6))
    axes.tick_params(labelsize=7, colors=QUIET, length=0)
    axes.grid(color=RULE, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)
