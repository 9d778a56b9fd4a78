"""What is drawn into one panel: a slice, outlines, a probability, letters and a ruler."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from fsh_core.figures.slices import Mask, View
from fsh_core.figures.style import HEAT, PALE
from fsh_core.volume.planes import Plane

_RULER_MM = 50
_INSET_MM = 3.0
_OPAQUE_FROM = 0.2  # probability from which the colour no longer fades
_OPACITY = 0.85  # of the colours of a probability: the anatomy shines through
HALO = [withStroke(linewidth=1.5, foreground="black", alpha=0.8)]


def draw_slice(axes: Axes, view: View, plane: Plane, index: int) -> None:
    """Draw the grey values of a slice."""
    grey = plane.cut(view.grey, index)
    axes.imshow(grey, cmap="gray", vmin=0, vmax=1, **_placed(view, plane))


def draw_letters(axes: Axes, plane: Plane, size: float = 6.5) -> None:
    """Name the four edges: R, L, A, P, S or I."""
    left, right, lower, upper = plane.letters()
    (x_low, x_high), (y_low, y_high) = axes.get_xlim(), axes.get_ylim()
    _write(axes, x_low + _INSET_MM, 0, left, "left", "center", size)
    _write(axes, x_high - _INSET_MM, 0, right, "right", "center", size)
    _write(axes, 0, y_low + _INSET_MM, lower, "center", "bottom", size)
    _write(axes, 0, y_high - _INSET_MM, upper, "center", "top", size)


def draw_ruler(axes: Axes, view: View, plane: Plane, index: int) -> None:
    """Draw a scale bar, and where the slice lies."""
    left = axes.get_xlim()[0] + _INSET_MM
    lower, upper = axes.get_ylim()[0] + _INSET_MM, axes.get_ylim()[1] - _INSET_MM
    position = format_mm(view.position_mm(plane.through, index))
    _write(axes, left, upper, f"{plane.coordinate} = {position} mm", "left", "top", 6)
    axes.add_patch(
        Rectangle((left, lower), _RULER_MM, 1.0, facecolor=PALE, edgecolor="black", linewidth=0.3)
    )
    _write(axes, left + _RULER_MM / 2, lower + 2.5, f"{_RULER_MM} mm", "center", "bottom", 6)


def draw_outline(
    axes: Axes,
    view: View,
    plane: Plane,
    mask: Mask,
    colour: str,
    width: float = 0.9,
    fill: bool = True,
) -> None:
    """Draw a mask's outline crisply and its inside faintly, so that the image shows through.

    Parameters
    ----------
    axes, view, plane
        Where.
    mask : (up, across) bool
        The slice of the mask, from `Plane.cut`.
    colour : str
        Of outline and inside.
    width : float
        Of the outline, in points.
    fill : bool
        Whether to tint the inside.
    """
    if not mask.any():
        return
    # Padded: closes the outline of a lesion that reaches the border of the image.
    framed = np.pad(mask, 1).astype(np.float32)
    left, _, lower, _ = view.frame_mm(plane)
    x = left + (np.arange(framed.shape[1]) - 0.5) * view.spacing_mm[plane.across]
    y = lower + (np.arange(framed.shape[0]) - 0.5) * view.spacing_mm[plane.up]
    if fill:
        axes.contourf(x, y, framed, levels=[0.5, 1.5], colors=[colour], alpha=0.2)
    axes.contour(x, y, framed, levels=[0.5], colors=[colour], linewidths=width)


def draw_probability(axes: Axes, view: View, plane: Plane, index: int) -> None:
    """Lay the probability over the slice; what is improbable stays transparent."""
    probability = plane.cut(view.maps["Probability"], index)
    coloured = HEAT(probability)
    coloured[..., 3] = np.clip(probability / _OPAQUE_FROM, 0, 1) * _OPACITY
    axes.imshow(coloured, **_placed(view, plane))


def format_mm(value: float) -> str:
    """Format a coordinate with its sign: +24, −7, 0."""
    rounded = round(value)
    return f"{rounded:+d}".replace("-", "\N{MINUS SIGN}") if rounded else "0"


def _placed(view: View, plane: Plane) -> dict[str, Any]:
    return {
        "origin": "lower",
        "extent": view.frame_mm(plane),
        "aspect": "auto",
        "interpolation": "bilinear",
    }


def _write(
    axes: Axes, x_mm: float, y_mm: float, text: str, across: str, up: str, size: float
) -> None:
    axes.text(x_mm, y_mm, text, ha=across, va=up, size=size, color=PALE, path_effects=HALO)
