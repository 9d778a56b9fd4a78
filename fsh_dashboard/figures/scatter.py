"""One column against another, a point per case or lesion; the chosen case stands out."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from fsh_dashboard.figures.style import HIGHLIGHT, PALETTE, PLAIN, axis, finish


def against(
    table: pd.DataFrame,
    x: tuple[str, str],
    y: tuple[str, str],
    case: str | None = None,
    colour: tuple[str, str] | None = None,
    log_scale: bool = False,
) -> Any:
    """Draw one column against another, a point per row; a click chooses a case.

    Parameters
    ----------
    table : DataFrame
        One row per case or lesion, with a column ``case``.
    x, y : (str, str)
        Column and title of each axis.
    case : str or None
        The chosen case: large and named.
    colour : (str, str) or None
        A column of few words, and its title.
    log_scale : bool
        Logarithmic vertical axis; values of 0 and below are left out.

    Returns
    -------
    altair chart
        With the point selection ``point`` over the column ``case``.
    """
    points, *others = point_layers(table, x, y, case, colour, log_scale)
    chosen = alt.selection_point(name="point", fields=["case"], on="click", empty=False)
    return finish(alt.layer(points.add_params(chosen), *others), 340)


def point_layers(
    table: pd.DataFrame,
    x: tuple[str, str],
    y: tuple[str, str],
    case: str | None,
    colour: tuple[str, str] | None = None,
    log_scale: bool = False,
    reach: tuple[Sequence[float], Sequence[float]] = ((), ()),
) -> list[Any]:
    """Make the layers of `against`, for drawing among others.

    Their axes also hold the values of ``reach``.
    """
    columns = list(dict.fromkeys(["case", x[0], y[0], *([colour[0]] if colour else [])]))
    shown = table[columns].dropna(subset=[x[0], y[0]])
    shown = shown[shown[y[0]] > 0] if log_scale else shown
    place = {
        "x": _quantity(x[0], x[1], _linear([*shown[x[0]], *reach[0]]), grid=False),
        "y": _quantity(
            y[0],
            y[1],
            alt.Scale(type="log", padding=8) if log_scale else _linear([*shown[y[0]], *reach[1]]),
        ),
    }
    hint = [
        alt.Tooltip("case:N", title="Case"),
        *(alt.Tooltip(_field(name), title=title) for name, title in (x, y)),
    ]
    tint: Any = alt.value(PLAIN)
    if colour:
        shown = shown.assign(**{colour[0]: shown[colour[0]].fillna("n/a").astype(str)})
        legend = alt.Legend(title=None, orient="top", symbolType="circle")
        tint = alt.Color(
            _field(colour[0], "N"), scale=alt.Scale(range=list(PALETTE)), legend=legend
        )
        hint.append(alt.Tooltip(_field(colour[0], "N"), title=colour[1]))
    layers = [
        alt.Chart(shown).mark_circle(size=55, opacity=0.7).encode(**place, color=tint, tooltip=hint)
    ]
    marked = shown[shown["case"] == case]
    if len(marked):
        ring = (
            alt.Chart(marked)
            .mark_point(size=190, strokeWidth=2.5, color=HIGHLIGHT)
            .encode(**place, tooltip=hint)
        )
        layers.append(ring)
        if len(marked) == 1:
            is_right = table.loc[marked.index[0], x[0]] > table[x[0]].mean()
            side: dict[str, Any] = (
                {"align": "right", "dx": -14} if is_right else {"align": "left", "dx": 14}
            )
            name = alt.Chart(marked).mark_text(color=HIGHLIGHT, fontWeight=600, **side)
            layers.append(name.encode(**place, text="case:N"))
    return layers


def _linear(values: Sequence[float]) -> alt.Scale:
    """Scale with some room on both sides, but none below 0 where nothing is.

    No volume is negative.
    """
    low, high = (float(min(values)), float(max(values))) if values else (0.0, 1.0)
    room = 0.05 * (high - low) or 1.0
    return alt.Scale(
        domain=[max(0.0, low - room) if low >= 0 else low - room, high + room], nice=False
    )


def _quantity(column: str, title: str, scale: alt.Scale, grid: bool = True) -> Any:
    kind = alt.X if not grid else alt.Y
    return kind(_field(column), axis=axis(title, grid=grid, gridOpacity=0.5), scale=scale)


def _field(column: str, kind: str = "Q") -> str:
    """Name a column so that dots, brackets and colons in it are read as letters."""
    for letter in ("\\", ".", "[", "]", ":", "'", '"'):
        column = column.replace(letter, f"\\{letter}")
    return f"{column}:{kind}"
