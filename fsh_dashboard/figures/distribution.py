"""How a number is distributed over cases or lesions."""

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from fsh_dashboard.figures.style import HIGHLIGHT, PLAIN, axis, finish, in_lines, tooltip

BINS = 30


def distribution(
    table: pd.DataFrame, column: str, label: str, case: str | None = None, unit: str = "Cases"
) -> Any:
    """Draw a histogram; the chosen case is an upright line.

    Parameters
    ----------
    table : DataFrame
        One row per case or lesion, with a column ``case``.
    column, label : str
        What to draw, and the title of its axis.
    case : str or None
        The chosen case.
    unit : str
        What is counted.

    Returns
    -------
    altair chart
        Up to `BINS` bars of equal width.
    """
    values = table[column].astype(float).to_numpy()
    values = values[np.isfinite(values)]
    counts, edges = np.histogram(values, bins=min(BINS, max(1, len(np.unique(values)))))
    bars = pd.DataFrame({"from": edges[:-1], "to": edges[1:], "count": counts})
    x = alt.X(
        "from:Q",
        axis=axis(in_lines(label), grid=False),
        scale=alt.Scale(zero=False, nice=False, padding=4),
    )
    hint = [
        alt.Tooltip("from:Q", format=".3~s"),
        alt.Tooltip("to:Q", format=".3~s"),
        alt.Tooltip("count:Q", title=unit),
    ]
    drawn = alt.Chart(bars).mark_bar(color=PLAIN, opacity=0.75, binSpacing=1)
    y = alt.Y("count:Q", axis=axis(unit, tickMinStep=1, gridOpacity=0.5))
    layers = [drawn.encode(x=x, x2=alt.X2("to:Q"), y=y, y2=alt.Y2Datum(0), tooltip=hint)]
    marked = (
        table.loc[table["case"] == case, ["case", column]].dropna().rename(columns={column: "from"})
    )
    if len(marked):
        rule = alt.Chart(marked).mark_rule(color=HIGHLIGHT, strokeWidth=2)
        layers.append(
            rule.encode(
                x=alt.X("from:Q"),
                tooltip=[alt.Tooltip("case:N"), tooltip("from:Q", label, format=".4~s")],
            )
        )
    return finish(alt.layer(*layers), 200)
