"""A number of each patient by group, with means and intervals."""

from typing import Any

import altair as alt
import pandas as pd

from fsh_dashboard.figures.style import HIGHLIGHT, PLAIN, axis, finish, tooltip

ROW_PIXELS, AXIS_PIXELS = 44, 40


def patients_by_group(means: pd.DataFrame, groups: pd.DataFrame, number: str, label: str) -> Any:
    """Draw a tick for each patient, and the mean of each group with its 95 % interval.

    Parameters
    ----------
    means : DataFrame
        From `fsh_core.studies.groups.by_patient`.
    groups : DataFrame
        Of one number, from `fsh_core.studies.groups.compare_groups`.
    number, label : str
        What is drawn, and the title of its axis.

    Returns
    -------
    altair chart
        Groups from top to bottom.
    """
    named = {row.group: f"{row.group} (n = {row.patients})" for row in groups.itertuples()}
    order = list(named.values())
    points = pd.DataFrame(
        {
            "patient": means.index.astype(str),
            "group": means["group"].map(named).to_numpy(),
            "value": means[number].to_numpy(),
        }
    ).dropna(subset=["value"])
    spans = pd.DataFrame(
        {
            "group": order,
            "value": groups["mean"].to_numpy(),
            "low": groups["mean_low"].to_numpy(),
            "high": groups["mean_high"].to_numpy(),
        }
    )
    y = alt.Y("group:N", sort=order, axis=axis("", labelLimit=200), scale=alt.Scale(domain=order))
    x = alt.X("value:Q", axis=axis(label, gridOpacity=0.5), scale=alt.Scale(zero=True))
    who = [tooltip("patient:N", "Patient"), tooltip("value:Q", label, format=".4~g")]
    ends = [
        tooltip("group:N", "Group"),
        tooltip("value:Q", "Mean", format=".4~g"),
        tooltip("low:Q", "From (95 %)", format=".4~g"),
        tooltip("high:Q", "To (95 %)", format=".4~g"),
    ]
    ticks = alt.Chart(points).mark_tick(color=PLAIN, opacity=0.6, thickness=2, size=18)
    base = alt.Chart(spans.dropna(subset=["value"])).encode(y=y, tooltip=ends)
    rule = base.mark_rule(color=HIGHLIGHT, strokeWidth=3).encode(x="low:Q", x2="high:Q")
    dot = base.mark_circle(color=HIGHLIGHT, size=90, opacity=1).encode(x=x)
    layers = alt.layer(ticks.encode(x=x, y=y, tooltip=who), rule, dot)
    return finish(layers, ROW_PIXELS * len(order) + AXIS_PIXELS)
