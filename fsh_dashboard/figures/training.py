"""How trainings went: the paper's figures 3 and 4, for one run or several."""

from typing import Any

import altair as alt
import pandas as pd

from fsh_dashboard.figures.style import HEIGHT, HIGHLIGHT, PALETTE, QUIET, axis, finish, zoomable

DASHES = {"Training": [1, 0], "Validation": [5, 3]}
FEW_POINTS = 60
LOW = 150  # pixels of a chart below others


def curves(
    table: pd.DataFrame,
    y_title: str,
    *,
    colour: str = "measure",
    title: str = "",
    log_scale: bool = False,
    best: pd.DataFrame | None = None,
    limits: tuple[float, float] | None = None,
    height: int = HEIGHT,
    is_part: bool = False,
) -> Any:
    """Draw measures epoch by epoch: training solid, validation dashed.

    Parameters
    ----------
    table : DataFrame
        From `fsh_dashboard.data.runs.measured`.
    y_title : str
        Of the vertical axis.
    colour : str
        ``measure`` (one run, as in the paper) or ``run`` (several runs, one measure).
    title : str
        Above the chart.
    log_scale : bool
        Logarithmic vertical axis; values of 0 and below are left out.
    best : DataFrame or None
        ``run`` and ``epoch`` of the best validation Dice: a faint upright line each.
    limits : (low, high) or None
        Of the vertical axis; left to the data when None or on a logarithmic axis.
    height : int
        In pixels.
    is_part : bool
        Whether it is for `fsh_dashboard.figures.style.linked`, which zooms it with others.

    Returns
    -------
    altair chart
        By itself with zoom by wheel and drag; a double click goes back.
    """
    shown = table[table["value"] > 0] if log_scale else table
    scale = (
        alt.Scale(type="log")
        if log_scale
        else alt.Scale(domain=limits or alt.Undefined, zero=limits is None)
    )
    order = list(dict.fromkeys(table[colour]))
    base = alt.Chart(shown).encode(
        x=_epochs(),
        y=alt.Y("value:Q", axis=axis(y_title, gridOpacity=0.5), scale=scale),
        color=_colour(colour, order, always=True),
        detail=["run:N", "measure:N", "part:N"],
        tooltip=[
            alt.Tooltip("run:N", title="Run"),
            alt.Tooltip("measure:N", title="Measure"),
            alt.Tooltip("part:N", title="Part"),
            alt.Tooltip("epoch:Q", title="Epoch", format="d"),
            alt.Tooltip("value:Q", title="Shown", format=".4f"),
            alt.Tooltip("raw:Q", title="Logged", format=".4f"),
        ],
    )
    dashes = alt.StrokeDash(
        "part:N",
        scale=alt.Scale(domain=list(DASHES), range=list(DASHES.values())),
        # Small charts, one a measure, have no room for a second legend; the page says what dashes
        # mean.
        legend=alt.Legend(
            title=None, orient="top", symbolType="stroke", symbolSize=300, symbolStrokeColor=QUIET
        )
        if colour == "measure"
        else None,
    )
    layers = [
        base.mark_line(strokeWidth=1.8).encode(strokeDash=dashes),
        base.mark_point(filled=True, **_marks(shown)),
    ]
    if best is not None:
        tint = _colour("run", order) if colour == "run" else alt.ColorValue(HIGHLIGHT)
        rule = alt.Chart(best).mark_rule(opacity=0.45, strokeWidth=1.2)
        hint = [
            alt.Tooltip("run:N", title="Best epoch of"),
            alt.Tooltip("epoch:Q", title="Epoch", format="d"),
        ]
        layers.insert(0, rule.encode(x=_epochs(), color=tint, tooltip=hint))
    chart = alt.layer(*layers)
    return finish(chart if is_part else zoomable(chart), height, title)


def over_epochs(
    table: pd.DataFrame,
    column: str,
    y_title: str,
    title: str,
    log_scale: bool = False,
    is_part: bool = False,
) -> Any:
    """Draw one column of several logs, such as the learning rate.

    Parameters
    ----------
    table : DataFrame
        From `fsh_dashboard.data.runs.one_table`.
    column : str
        What to draw.
    y_title, title : str
        Of the axis and of the chart.
    log_scale : bool
        Logarithmic vertical axis.
    is_part : bool
        As for `curves`; such a chart is lower.

    Returns
    -------
    altair chart
        One line per run.
    """
    known = table[["run", "epoch", column]].dropna().rename(columns={column: "raw"})
    long = known.assign(part="Training", measure=y_title, value=known["raw"])
    scale = alt.Scale(type="log") if log_scale else alt.Scale(zero=True)
    base = alt.Chart(long).encode(
        x=_epochs(),
        y=alt.Y("value:Q", axis=axis(y_title, gridOpacity=0.5, format="~g"), scale=scale),
        color=_colour("run", list(dict.fromkeys(long["run"]))),
        tooltip=[
            "run:N",
            alt.Tooltip("epoch:Q", format="d"),
            alt.Tooltip("value:Q", title=y_title, format=".4~g"),
        ],
    )
    layers = alt.layer(
        base.mark_line(strokeWidth=1.8), base.mark_point(filled=True, **_marks(long))
    )
    return finish(layers, LOW, title) if is_part else finish(zoomable(layers), 250, title)


def over_steps(table: pd.DataFrame, log_scale: bool = False) -> Any:
    """Draw the training loss step by step.

    Parameters
    ----------
    table : DataFrame
        From `fsh_dashboard.data.run_tables.step_losses`.
    log_scale : bool
        Logarithmic vertical axis; values of 0 and below are left out.

    Returns
    -------
    altair chart
        One line per run, with zoom by wheel and drag.
    """
    shown = table[table["value"] > 0] if log_scale else table
    scale = alt.Scale(type="log") if log_scale else alt.Scale(zero=False)
    steps = alt.X(
        "step:Q",
        axis=axis("Step", format="d", grid=False),
        scale=alt.Scale(nice=False, zero=False, padding=8),
    )
    line = (
        alt.Chart(shown)
        .mark_line(strokeWidth=1.2)
        .encode(
            x=steps,
            y=alt.Y("value:Q", axis=axis("Training loss", gridOpacity=0.5), scale=scale),
            color=_colour("run", list(dict.fromkeys(table["run"]))),
            tooltip=[
                alt.Tooltip("run:N", title="Run"),
                alt.Tooltip("step:Q", title="Step", format="d"),
                alt.Tooltip("value:Q", title="Shown", format=".4f"),
                alt.Tooltip("raw:Q", title="Logged", format=".4f"),
            ],
        )
    )
    return finish(zoomable(alt.layer(line)), HEIGHT, "")


def _epochs() -> alt.X:
    scale = alt.Scale(nice=False, zero=False, padding=8)
    return alt.X("epoch:Q", axis=axis("Epoch", tickMinStep=1, format="d", grid=False), scale=scale)


def _colour(field: str, names: list[str], always: bool = False) -> alt.Color:
    """One colour for each name, in this order; a legend where there is something to tell apart."""
    colours = [PALETTE[place % len(PALETTE)] for place in range(len(names))]
    legend = alt.Legend(
        title=None,
        orient="top",
        columns=1 if field == "run" else 0,  # names of runs are long
        symbolType="stroke",
        symbolSize=300,
        symbolOpacity=1,
        labelLimit=260,
    )
    return alt.Color(
        f"{field}:N",
        sort=names,
        scale=alt.Scale(domain=names, range=colours),
        legend=legend if always or len(names) > 1 else None,
    )


def _marks(table: pd.DataFrame) -> dict[str, Any]:
    """Small marks while there are few epochs, so that a single one is seen; none later."""
    return (
        {"size": 16, "opacity": 1}
        if table["epoch"].nunique() <= FEW_POINTS
        else {"size": 16, "opacity": 0}
    )
