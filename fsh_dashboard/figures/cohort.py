"""A cohort in charts: distributions, one column against another, agreement.

The chosen case stands out in each.
"""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from fsh_core.studies.bland_altman import BlandAltman
from fsh_dashboard.figures.style import HIGHLIGHT, PALETTE, PLAIN, QUIET, axis, finish

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
        "from:Q", axis=axis(label, grid=False), scale=alt.Scale(zero=False, nice=False, padding=4)
    )
    hint = [
        alt.Tooltip("from:Q", format=".3~s"),
        alt.Tooltip("to:Q", format=".3~s"),
        alt.Tooltip("count:Q", title=unit),
    ]
    drawn = alt.Chart(bars).mark_bar(color=PLAIN, opacity=0.75, binSpacing=1)
    y = alt.Y("count:Q", axis=axis(unit, tickMinStep=1, gridOpacity=0.5))
    layers = [drawn.encode(x=x, x2="to:Q", y=y, y2=alt.datum(0), tooltip=hint)]
    marked = (
        table.loc[table["case"] == case, ["case", column]].dropna().rename(columns={column: "from"})
    )
    if len(marked):
        rule = alt.Chart(marked).mark_rule(color=HIGHLIGHT, strokeWidth=2)
        layers.append(
            rule.encode(
                x="from:Q", tooltip=["case:N", alt.Tooltip("from:Q", title=label, format=".4~s")]
            )
        )
    return finish(alt.layer(*layers), 200)


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
    points, *others = _points(table, x, y, case, colour, log_scale)
    chosen = alt.selection_point(name="point", fields=["case"], on="click", empty=False)
    return finish(alt.layer(points.add_params(chosen), *others), 340)


def _points(
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


def intervals(table: pd.DataFrame, labels: dict[str, str]) -> Any:
    """Draw means with their 95 % intervals, by metric and group.

    Parameters
    ----------
    table : DataFrame
        From `fsh_dashboard.data.agreement_tables.by_group`.
    labels : dict of str to str
        What the metrics are called, in this order.

    Returns
    -------
    altair chart
        Metrics from top to bottom, groups beside each other in colours.
    """
    shown = table.assign(label=table["metric"].map(labels), shown_n=table["n"])
    groups = list(dict.fromkeys(table["group"]))
    order = list(labels.values())
    legend = alt.Legend(title=None, orient="top", symbolType="circle") if len(groups) > 1 else None
    base = alt.Chart(shown).encode(
        y=alt.Y("label:N", sort=order, axis=axis("", labelLimit=220)),
        yOffset=alt.YOffset("group:N", sort=groups),
        color=alt.Color(
            "group:N", scale=alt.Scale(domain=groups, range=list(PALETTE)), legend=legend
        ),
        tooltip=[
            alt.Tooltip("label:N", title="Metric"),
            alt.Tooltip("group:N", title="Group"),
            alt.Tooltip("n:Q", title="Cases"),
            *(
                alt.Tooltip(f"{name}:Q", format=".3f")
                for name in ("mean", "ci_low", "ci_high", "median")
            ),
        ],
    )
    x = alt.Scale(domain=[0, 1])
    span = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("ci_low:Q", scale=x, axis=axis("Mean and 95 % interval")), x2="ci_high:Q"
    )
    dot = base.mark_circle(size=70, opacity=1).encode(x=alt.X("mean:Q", scale=x))
    return finish(
        alt.layer(span, dot), 36 * len(order) + 14 * len(groups) * len(order), "Agreement"
    )


def differences(
    table: pd.DataFrame, limits: BlandAltman, case: str | None = None, unit: str = "ml"
) -> Any:
    """Draw Bland and Altman's plot of volumes.

    Parameters
    ----------
    table : DataFrame
        ``case``, ``reference_ml`` and ``prediction_ml``.
    limits : BlandAltman
        From `fsh_core.studies.bland_altman`.
    case : str or None
        The chosen case.
    unit : str
        Of the volumes.

    Returns
    -------
    altair chart
        Mean of both on the horizontal axis, prediction minus reference on the upright one.
    """
    points = table[["case", "reference_ml", "prediction_ml"]].dropna()
    points = points.assign(
        mean=(points["reference_ml"] + points["prediction_ml"]) / 2,
        difference=points["prediction_ml"] - points["reference_ml"],
    )
    x, y = (
        ("mean", f"Mean of reference and prediction ({unit})"),
        ("difference", f"Prediction − reference ({unit})"),
    )
    names = ("bias", "+1.96 sd", "−1.96 sd")
    estimates = (limits.bias, limits.upper, limits.lower)
    bands = pd.DataFrame(
        {
            "difference": [one.value for one in estimates],
            "name": [
                f"{n} {e.value:+.2f}".replace("-", "−")
                for n, e in zip(names, estimates, strict=True)
            ],
            "low": [one.low for one in estimates],
            "high": [one.high for one in estimates],
        }
    )
    rules = bands[["difference", "name"]]
    scatter = _points(points, x, y, case, reach=((), [*bands["low"], *bands["high"]]))
    band = alt.Chart(bands).mark_rect(color=QUIET, opacity=0.12).encode(y="low:Q", y2="high:Q")
    rule = alt.Chart(rules).mark_rule(color=QUIET, strokeDash=[4, 3]).encode(y="difference:Q")
    text = alt.Chart(rules).mark_text(align="right", dx=-4, dy=-7, color=QUIET, fontSize=11)
    text = text.encode(y="difference:Q", x=alt.value("width"), text="name:N")
    return finish(alt.layer(band, rule, *scatter, text), 340, "Bland-Altman")


def pairs(table: pd.DataFrame, names: tuple[str, str], label: str, case: str | None = None) -> Any:
    """Draw one result against another, case by case, with the line on which both are equal.

    Parameters
    ----------
    table : DataFrame
        From `fsh_dashboard.data.agreement_tables.paired`.
    names : (str, str)
        Of the two results.
    label : str
        Of the metric.
    case : str or None
        The chosen case.
    """
    both = table[["first", "second"]].to_numpy(dtype=float)
    ends = pd.DataFrame({"first": [both.min(), both.max()], "second": [both.min(), both.max()]})
    line = (
        alt.Chart(ends)
        .mark_line(color=QUIET, strokeDash=[4, 3], strokeWidth=1)
        .encode(x="first:Q", y="second:Q")
    )
    x, y = ("first", f"{label}: {names[0]}"), ("second", f"{label}: {names[1]}")
    return finish(
        alt.layer(
            line, *_points(table, x, y, case, reach=(list(ends["first"]), list(ends["second"])))
        ),
        340,
    )


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
