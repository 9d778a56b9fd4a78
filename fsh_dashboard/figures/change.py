"""What changed between visits: volumes and lesions over time, changes of each interval."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from fsh_dashboard.figures.style import PALETTE, PLAIN, QUIET, axis, finish, tooltip

HEIGHT = 210
# As in the viewer, which has them brighter, for its black ground.
KIND_COLOURS = {
    "new": PALETTE[1],
    "enlarging": PALETTE[4],
    "shrinking": PALETTE[2],
    "resolved": PALETTE[0],
}
_DATED, _ORDERED = "Days since the first visit", "Visit"


def over_visits(visits: pd.DataFrame, column: str, title: str, log_scale: bool = False) -> Any:
    """Draw a number of each visit of a patient over time.

    Parameters
    ----------
    visits : DataFrame
        Of one patient, from `fsh_dashboard.data.followed.read_patients`.
    column, title : str
        What to draw, and the title of its axis. For ``lesion_volume_ml`` each visit's own
        interval is drawn too, where there is one.
    log_scale : bool
        Logarithmic vertical axis; values of 0 are left out.

    Returns
    -------
    altair chart
        Over days since the first visit where all are known, else in the order of the visits.
    """
    is_volume = column == "lesion_volume_ml"
    # Names of our own: what people call a visit may mean something to Vega.
    shown = pd.DataFrame(
        {
            "days": visits["days"],
            "visit": visits["visit"],
            "value": visits[column].astype(float),
            "low": visits["volume_low_ml"] if is_volume else None,
            "high": visits["volume_high_ml"] if is_volume else None,
        }
    )
    positive = shown["value"] > 0
    shown = shown[positive] if log_scale else shown
    if log_scale:  # the lower end of an interval may be 0
        least = min([1e-3, *shown["value"]])
        shown = shown.assign(low=shown["low"].astype(float).clip(lower=least))
    x, scale = _place(visits), alt.Scale(type="log") if log_scale else alt.Scale(zero=True)
    hint = [tooltip("visit:N", "Visit"), tooltip("value:Q", title, format=".4~g")]
    base = alt.Chart(shown)
    y = alt.Y("value:Q", axis=axis(title, gridOpacity=0.5), scale=scale)
    line = base.mark_line(color=PLAIN, strokeWidth=1.8).encode(x=x, y=y)
    points = base.mark_circle(color=PLAIN, size=70, opacity=1).encode(x=x, y=y, tooltip=hint)
    layers = [line, points]
    if _has_dates(visits):
        names = base.mark_text(dy=-12, color=QUIET, fontSize=11, limit=90)
        layers.append(names.encode(x=x, y=y, text=alt.Text("visit:N")))
    known = shown.dropna(subset=["low", "high"])
    if len(known):
        bars = alt.Chart(known).mark_rule(color=PLAIN, strokeWidth=5, opacity=0.3)
        ends = [tooltip("low:Q", "From (ml)"), tooltip("high:Q", "To (ml)")]
        layers.insert(
            0, bars.encode(x=x, y=alt.Y("low:Q"), y2=alt.Y2("high:Q"), tooltip=[*hint, *ends])
        )
    return finish(alt.layer(*layers), HEIGHT)


def by_interval(intervals: pd.DataFrame) -> Any:
    """Stack the changes of each interval of a patient, by kind.

    Parameters
    ----------
    intervals : DataFrame
        Of one patient, from `fsh_dashboard.data.followed.read_patients`.
    """
    kinds = list(KIND_COLOURS)
    names = [f"{row.from_visit} → {row.to_visit}" for row in intervals.itertuples(index=False)]
    long = intervals.assign(name=names)[["name", *kinds]].melt("name", kinds, "kind", "count")
    long = long.assign(order=long["kind"].map(kinds.index), kind=long["kind"].str.capitalize())
    colours = alt.Scale(
        domain=[kind.capitalize() for kind in kinds], range=list(KIND_COLOURS.values())
    )
    chart = (
        alt.Chart(long)
        .mark_bar()
        .encode(
            y=alt.Y("name:N", sort=list(dict.fromkeys(names)), axis=axis("", labelLimit=120)),
            x=alt.X("count:Q", axis=axis("Lesions", tickMinStep=1, gridOpacity=0.5)),
            color=alt.Color(
                "kind:N",
                scale=colours,
                legend=alt.Legend(title=None, orient="top", symbolType="square", columns=2),
            ),
            order=alt.Order("order:Q"),
            tooltip=[
                tooltip("name:N", "Interval"),
                tooltip("kind:N", "Kind"),
                tooltip("count:Q", "Lesions"),
            ],
        )
    )
    return finish(chart, HEIGHT)


def rates(table: pd.DataFrame, columns: Sequence[str], title: str) -> Any:
    """Draw a number of each group with its 95 % interval.

    Parameters
    ----------
    table : DataFrame
        From `fsh_dashboard.data.activity.summarise_activity`.
    columns : (value, low, high)
        The number and the ends of its interval.
    title : str
        Of the axis.
    """
    value, low, high = columns
    shown = pd.DataFrame(
        {
            "group": [f"{r.group} (n = {r.patients})" for r in table.itertuples(index=False)],
            **{"value": table[value], "low": table[low], "high": table[high]},
        }
    )
    order = list(shown["group"])
    x = alt.X("value:Q", axis=axis(title, gridOpacity=0.5), scale=alt.Scale(zero=True))
    base = alt.Chart(shown).encode(y=alt.Y("group:N", sort=order, axis=axis("", labelLimit=200)))
    hint = [
        tooltip("group:N", "Group"),
        *(
            tooltip(f"{name}:Q", name.capitalize(), format=".3~g")
            for name in ("value", "low", "high")
        ),
    ]
    span = base.mark_rule(strokeWidth=2, color=PLAIN).encode(
        x=alt.X("low:Q"), x2=alt.X2("high:Q"), tooltip=hint
    )
    dots = base.mark_circle(size=70, opacity=1, color=PLAIN).encode(x=x, tooltip=hint)
    return finish(alt.layer(span, dots), 34 * len(order) + 20)


def _has_dates(visits: pd.DataFrame) -> bool:
    return bool(visits["days"].notna().all()) and visits["days"].nunique() == len(visits)


def _place(visits: pd.DataFrame) -> alt.X:
    if _has_dates(visits):
        scale = alt.Scale(nice=False, zero=False, padding=24)
        return alt.X("days:Q", axis=axis(_DATED, grid=False), scale=scale)
    labels = axis(_ORDERED, grid=False, labelAngle=0, labelLimit=90)
    return alt.X("visit:N", sort=list(visits["visit"]), axis=labels, scale=alt.Scale(padding=0.4))
