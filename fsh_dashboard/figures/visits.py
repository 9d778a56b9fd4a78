"""Quality over time and by group, and which visits of which patients are there."""

from typing import Any

import altair as alt
import pandas as pd

from fsh_dashboard.data.visits import STATES, reading_order
from fsh_dashboard.figures.style import PALETTE, QUIET, axis, finish

_BLUE, _ORANGE, _GREEN, _VIOLET, _OCHRE, _GREY = PALETTE
COLOURS = dict(zip(STATES, (_GREEN, _OCHRE, _ORANGE, _BLUE, _VIOLET, _GREY), strict=True))
SIGNS = dict(zip(STATES, ("✓", "!", "✗", "?", "○", "–"), strict=True))
"""Of the states of a visit: told by sign and colour, never by colour alone."""
_CELL_PIXELS = 24
_AROUND_PIXELS = 170
"""What legend and axis take of the height of a chart."""
_MOST_UPRIGHT = 10  # names beside each other; more are written aslant
_LONGEST_NAME_PIXELS = 220
_LETTERS = "white"  # every colour of the palette is at least 3:1 against it


def quality_map(table: pd.DataFrame, group: str, period: str) -> Any:
    """Draw the share of failed scans by group and time, each cell with its numbers.

    Parameters
    ----------
    table : DataFrame
        From `fsh_dashboard.data.visits.quality_by`.
    group, period : str
        Titles of the axes.

    Returns
    -------
    altair chart
        A cell says ``failed/n``; a grey one with a dash has scans, and none with a verdict.
    """
    with_verdict = table["n"] - table["no verdict"]
    said = table["fail"].astype(str) + "/" + with_verdict.astype(str)
    shown = table.rename(columns={"no verdict": "none"}).assign(
        said=said.where(with_verdict > 0, "–"), with_verdict=with_verdict
    )
    hint = [
        alt.Tooltip("group:N", title=f"{group} "),
        alt.Tooltip("period:N", title=f"{period} "),
        alt.Tooltip("n:Q", title="Scans"),
        alt.Tooltip("pass:Q", title="Pass"),
        alt.Tooltip("caution:Q", title="Caution"),
        alt.Tooltip("fail:Q", title="Fail"),
        alt.Tooltip("none:Q", title="Without a verdict"),
        alt.Tooltip("failed:Q", title="Share failed", format=".1%"),
    ]
    colour = alt.Color(
        "failed:Q",
        scale=alt.Scale(domain=[0, 0.5, 1], range=[_GREEN, _OCHRE, _ORANGE]),
        legend=alt.Legend(title="Share failed", format="%", orient="top"),
    )
    place = _place(table, "group", group, "period", period)
    known = alt.Chart(shown[with_verdict > 0]).mark_rect().encode(**place, color=colour)
    unknown = alt.Chart(shown[with_verdict == 0]).mark_rect(color=QUIET).encode(**place)
    words = alt.Chart(shown).mark_text(color=_LETTERS, fontWeight=600)
    layers = [
        known.encode(tooltip=hint),
        unknown.encode(tooltip=hint),
        words.encode(**place, text=alt.Text("said:N"), tooltip=hint),
    ]
    return finish(alt.layer(*layers), _height(table["group"].nunique()))


def matrix(table: pd.DataFrame) -> Any:
    """Draw patients against visits; a click on a visit that is there chooses its case.

    Parameters
    ----------
    table : DataFrame
        From `fsh_dashboard.data.visits.visit_matrix`.
    """
    shown = table.assign(sign=table["state"].map(SIGNS))
    there = [state for state in STATES if (table["state"] == state).any()]
    colour = alt.Color(
        "state:N",
        scale=alt.Scale(domain=there, range=[COLOURS[state] for state in there]),
        legend=alt.Legend(
            title=None, orient="top", symbolType="square", symbolStrokeWidth=0, columns=len(there)
        ),
    )
    hint = [
        alt.Tooltip("patient:N", title="Patient"),
        alt.Tooltip("visit:N", title="Visit"),
        alt.Tooltip("state:N", title="State"),
    ]
    place = _place(table, "patient", "", "visit", "Visit")
    chosen = alt.selection_point(name="point", fields=["case"], on="click", empty=False)
    cells = alt.Chart(shown).mark_rect(stroke=QUIET, strokeOpacity=0.3)
    signs = alt.Chart(shown).mark_text(color=_LETTERS, fontWeight=600)
    layers = [
        cells.encode(**place, color=colour, tooltip=hint).add_params(chosen),
        signs.encode(**place, text=alt.Text("sign:N"), tooltip=hint),
    ]
    return finish(alt.layer(*layers), _height(table["patient"].nunique()))


def _place(table: pd.DataFrame, up: str, up_title: str, across: str, title: str) -> dict[str, Any]:
    """Both axes in reading order."""
    few = table[across].nunique() <= _MOST_UPRIGHT
    return {
        "x": alt.X(
            f"{across}:O",
            sort=_in_order(table[across]),
            axis=axis(title, orient="top", labelAngle=0 if few else -45, labelOverlap=False),
        ),
        "y": alt.Y(
            f"{up}:N",
            sort=_in_order(table[up]),
            axis=axis(up_title, labelLimit=_LONGEST_NAME_PIXELS, labelOverlap=False),
        ),
    }


def _in_order(names: "pd.Series[str]") -> list[str]:
    return sorted(names.unique(), key=reading_order)


def _height(rows: int) -> int:
    return _AROUND_PIXELS + _CELL_PIXELS * rows
