"""One column against another, a point per case or lesion; the chosen case stands out."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from fsh_dashboard.figures.style import HIGHLIGHT, PALETTE, PLAIN, axis, finish, tooltip

MOST_POINTS = 5000
"""In one chart; a browser takes seconds for tens of thousands."""


def evenly_drawn(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return at most `MOST_POINTS` rows, evenly from the lowest to the highest; always the same.

    For a chart whose caption says so.
    """
    if len(table) <= MOST_POINTS:
        return table
    places = np.linspace(0, len(table) - 1, MOST_POINTS).round().astype(int)
    order = table[column].to_numpy().argsort(kind="stable")
    return table.iloc[np.sort(order[places])]


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
    # In the chart the columns have names of our own: what people call a column may mean something
    # to Vega.
    shown = pd.DataFrame(
        {"case": table["case"], "x": table[x[0]].astype(float), "y": table[y[0]].astype(float)}
    )
    if colour:
        shown["colour"] = table[colour[0]].astype("object").fillna("n/a").astype(str)
    shown = shown[np.isfinite(shown["x"]) & np.isfinite(shown["y"])]
    shown = shown[shown["y"] > 0] if log_scale else shown
    y_scale = alt.Scale(type="log", padding=8) if log_scale else _linear([*shown["y"], *reach[1]])
    place = {
        "x": alt.X(
            "x:Q",
            axis=axis(x[1], grid=False, gridOpacity=0.5),
            scale=_linear([*shown["x"], *reach[0]]),
        ),
        "y": alt.Y("y:Q", axis=axis(y[1], grid=True, gridOpacity=0.5), scale=y_scale),
    }
    hint = [tooltip("case:N", "Case"), tooltip("x:Q", x[1]), tooltip("y:Q", y[1])]
    tint: Any = alt.ColorValue(PLAIN)
    if colour:
        legend = alt.Legend(title=None, orient="top", symbolType="circle")
        tint = alt.Color("colour:N", scale=alt.Scale(range=list(PALETTE)), legend=legend)
        hint.append(tooltip("colour:N", colour[1]))
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
            is_right = marked["x"].iloc[0] > shown["x"].mean()
            side: dict[str, Any] = (
                {"align": "right", "dx": -14} if is_right else {"align": "left", "dx": 14}
            )
            name = alt.Chart(marked).mark_text(color=HIGHLIGHT, fontWeight=600, **side)
            layers.append(name.encode(**place, text=alt.Text("case:N")))
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
