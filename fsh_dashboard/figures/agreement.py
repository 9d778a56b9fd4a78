"""Agreement with references, and of two results: intervals, differences, pairs."""

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from fsh_core.studies.bland_altman import BlandAltman, Scale
from fsh_core.studies.bland_altman import differences as pairs_on_scale
from fsh_dashboard.figures.scatter import point_layers
from fsh_dashboard.figures.style import PALETTE, QUIET, axis, finish

DIFFERENCE_TITLES: dict[Scale, str] = {
    "ml": "Prediction − reference (ml)",
    "percent": "Prediction − reference (% of the mean)",
    "ratio": "Prediction ÷ reference",
}


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
            alt.Tooltip("n_patients:Q", title="Patients"),
            alt.Tooltip("n:Q", title="Scans"),
            *(
                alt.Tooltip(f"{name}:Q", format=".3f")
                for name in ("mean", "ci_low", "ci_high", "median")
            ),
        ],
    )
    x = alt.Scale(domain=[0, 1])
    span = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("ci_low:Q", scale=x, axis=axis("Mean and 95 % interval")), x2=alt.X2("ci_high:Q")
    )
    dot = base.mark_circle(size=70, opacity=1).encode(x=alt.X("mean:Q", scale=x))
    return finish(
        alt.layer(span, dot), 36 * len(order) + 14 * len(groups) * len(order), "Agreement"
    )


def differences(
    table: pd.DataFrame, limits: BlandAltman, case: str | None = None, scale: Scale = "ml"
) -> Any:
    """Draw Bland and Altman's plot of volumes.

    Parameters
    ----------
    table : DataFrame
        ``case``, ``reference_ml`` and ``prediction_ml``.
    limits : BlandAltman
        From `fsh_core.studies.bland_altman`, on the same scale.
    case : str or None
        The chosen case.
    scale : {'ml', 'percent', 'ratio'}
        Of the differences; ratios on a logarithmic axis.

    Returns
    -------
    altair chart
        Mean of both on the horizontal axis, the difference on the upright one.
    """
    points = table[["case", "reference_ml", "prediction_ml"]].dropna()
    means, found = pairs_on_scale(points["reference_ml"], points["prediction_ml"], scale)
    points = points.assign(mean=means, difference=found).dropna()
    x = ("mean", "Mean of reference and prediction (ml)")
    y = ("difference", DIFFERENCE_TITLES[scale])
    is_ratio = scale == "ratio"
    names = ("bias", "+1.96 sd", "−1.96 sd")
    estimates = (limits.bias, limits.upper, limits.lower)
    bands = pd.DataFrame(
        {
            "difference": [one.value for one in estimates],
            "name": [
                f"{n} {e.value:{'.2f' if is_ratio else '+.2f'}}".replace("-", "−")
                for n, e in zip(names, estimates, strict=True)
            ],
            "low": [one.low for one in estimates],
            "high": [one.high for one in estimates],
        }
    ).dropna(subset=["difference"])
    rules = bands[["difference", "name"]]
    ends = [end for end in (*bands["low"], *bands["high"]) if np.isfinite(end)]
    scatter = point_layers(points, x, y, case, log_scale=is_ratio, reach=((), ends))
    band = (
        alt.Chart(bands)
        .mark_rect(color=QUIET, opacity=0.12)
        .encode(y=alt.Y("low:Q"), y2=alt.Y2("high:Q"))
    )
    rule = (
        alt.Chart(rules).mark_rule(color=QUIET, strokeDash=[4, 3]).encode(y=alt.Y("difference:Q"))
    )
    text = alt.Chart(rules).mark_text(align="right", dx=-4, dy=-7, color=QUIET, fontSize=11)
    text = text.encode(y=alt.Y("difference:Q"), x=alt.value("width"), text=alt.Text("name:N"))
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
        .encode(x=alt.X("first:Q"), y=alt.Y("second:Q"))
    )
    x, y = ("first", f"{label}: {names[0]}"), ("second", f"{label}: {names[1]}")
    return finish(
        alt.layer(
            line,
            *point_layers(table, x, y, case, reach=(list(ends["first"]), list(ends["second"]))),
        ),
        340,
    )
