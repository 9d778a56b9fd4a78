"""How long readers took."""

from typing import Any

import altair as alt
import pandas as pd

from fsh_dashboard.figures.style import HIGHLIGHT, PLAIN, axis, finish, tooltip

ROW_PIXELS, AXIS_PIXELS = 36, 40


def reading_times(minutes: pd.DataFrame) -> Any:
    """Draw a tick for each reading, and the median of each reader.

    Parameters
    ----------
    minutes : DataFrame
        Columns ``case``, ``reader`` and ``minutes``.

    Returns
    -------
    altair chart
        Readers from top to bottom.
    """
    sizes = minutes.groupby("reader").size()
    named = {name: f"{name} (n = {count})" for name, count in sizes.items()}
    points = minutes.assign(who=minutes["reader"].map(named))
    medians = points.groupby("who", as_index=False)["minutes"].median()
    y = alt.Y("who:N", axis=axis("", labelLimit=200))
    x = alt.X(
        "minutes:Q",
        axis=axis("Minutes for a case", gridOpacity=0.5),
        scale=alt.Scale(domain=[0, max(1.0, float(points["minutes"].max()))], nice=True),
    )
    each = [tooltip("case:N", "Case"), tooltip("minutes:Q", "Minutes", format=".1f")]
    middle = [tooltip("who:N", "Reader"), tooltip("minutes:Q", "Median (min)", format=".1f")]
    ticks = alt.Chart(points).mark_tick(color=PLAIN, opacity=0.6, thickness=2, size=18)
    dot = alt.Chart(medians).mark_circle(color=HIGHLIGHT, size=90, opacity=1)
    layers = alt.layer(ticks.encode(x=x, y=y, tooltip=each), dot.encode(x=x, y=y, tooltip=middle))
    return finish(layers, ROW_PIXELS * len(named) + AXIS_PIXELS)
