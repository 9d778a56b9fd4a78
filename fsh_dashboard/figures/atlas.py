"""Where in the brain a cohort's lesions are: their points in MNI152 space, in three projections."""

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from fsh_dashboard.data.brain_outline import brain_outline
from fsh_dashboard.figures.style import HIGHLIGHT, PLAIN, QUIET, axis, finish

POSITION = ("mni_x_mm", "mni_y_mm", "mni_z_mm")
BIN_MM = 5
PIXELS_PER_MM = 1.15
"""The same in all directions, so that a brain looks like one; three maps fit beside each other."""
EDGES_MM = {"mni_x_mm": (-80, 80), "mni_y_mm": (-110, 80), "mni_z_mm": (-70, 90)}
PROJECTIONS = {
    "From above": ("mni_x_mm", "mni_y_mm"),
    "From the front": ("mni_x_mm", "mni_z_mm"),
    "From the left": ("mni_y_mm", "mni_z_mm"),
}
TITLES = {
    "mni_x_mm": "← right   x (mm)   left →",
    "mni_y_mm": "← anterior   y (mm)   posterior →",
    "mni_z_mm": "z (mm)",
}


def frequency(lesions: pd.DataFrame, across: str, up: str, cases: int) -> pd.DataFrame:
    """Count in squares of `BIN_MM` how many cases have a lesion there.

    Parameters
    ----------
    lesions : DataFrame
        One row per lesion, with ``case`` and the columns of `POSITION`.
    across, up : str
        The two of `POSITION` that span the projection.
    cases : int
        Cases in the cohort, also those without a lesion.

    Returns
    -------
    DataFrame
        ``across``, ``up`` (lower edges, in mm), ``cases`` and ``share`` of all cases; one
        row per square with a lesion.
    """
    known = lesions.dropna(subset=[across, up])
    squares = pd.DataFrame(
        {
            "case": pd.factorize(known["case"])[0],
            "across": np.floor(known[across].astype(float) / BIN_MM) * BIN_MM,
            "up": np.floor(known[up].astype(float) / BIN_MM) * BIN_MM,
        }
    )
    once = squares.drop_duplicates()
    counted = once.groupby(["across", "up"]).size().rename("cases").reset_index()
    return counted.assign(share=counted["cases"] / max(1, cases))


def lesion_map(lesions: pd.DataFrame, projection: str, cases: int, case: str | None = None) -> Any:
    """Draw one projection; the lesions of the chosen case are points.

    Parameters
    ----------
    lesions : DataFrame
        One row per lesion.
    projection : str
        A key of `PROJECTIONS`.
    cases : int
        Cases in the cohort.
    case : str or None
        The chosen case.
    """
    across, up = PROJECTIONS[projection]
    shown = frequency(lesions, across, up, cases)
    shown = shown.assign(across_end=shown["across"] + BIN_MM, up_end=shown["up"] + BIN_MM)
    # Radiological: the patient's right is on the left, the face of the side view too.
    low, high = EDGES_MM[across]
    y_axis = axis("y (mm)" if up == "mni_y_mm" else TITLES[up], gridOpacity=0.3)
    x = alt.X(
        "across:Q", scale=alt.Scale(domain=[high, low]), axis=axis(TITLES[across], gridOpacity=0.3)
    )
    y = alt.Y("up:Q", scale=alt.Scale(domain=list(EDGES_MM[up])), axis=y_axis)
    # By opacity: more is stronger on a white and on a dark page.
    strength = alt.Opacity(
        "share:Q",
        scale=alt.Scale(domainMin=0, range=[0.1, 1]),
        legend=alt.Legend(
            title="Share of cases",
            format="%",
            orient="bottom",
            tickCount=4,
            columns=3,  # more beside each other are cut off at the edge of the map
            symbolType="square",
            symbolStrokeWidth=0,
        ),
    )
    hint = [
        alt.Tooltip("cases:Q", title="Cases with a lesion here"),
        alt.Tooltip("share:Q", title="Share", format=".1%"),
    ]
    squares = (
        alt.Chart(shown)
        .mark_rect(color=PLAIN)
        .encode(
            x=x,
            x2=alt.X2("across_end:Q"),
            y=y,
            y2=alt.Y2("up_end:Q"),
            opacity=strength,
            tooltip=hint,
        )
    )
    outline = alt.Chart(brain_outline(POSITION.index(across), POSITION.index(up)))
    layers = [
        squares,
        outline.mark_line(color=QUIET, strokeWidth=1).encode(x=x, y=y, order=alt.Order("order:Q")),
    ]
    marked = lesions.loc[lesions["case"] == case, ["case", across, up]].dropna()
    if len(marked):
        named = marked.rename(columns={across: "across", up: "up"})
        dots = alt.Chart(named).mark_point(color=HIGHLIGHT, size=20, strokeWidth=1.3)
        layers.append(dots.encode(x=x, y=y, tooltip=[alt.Tooltip("case:N")]))
    chart = finish(alt.layer(*layers), round(_span_mm(up) * PIXELS_PER_MM), projection)
    # Axes and legend come on top of it: fitted, they would take their room from one direction only.
    return chart.properties(
        width=round(_span_mm(across) * PIXELS_PER_MM), autosize=alt.AutoSizeParams(type="pad")
    )


def _span_mm(column: str) -> int:
    low, high = EDGES_MM[column]
    return high - low
