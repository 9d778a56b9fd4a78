"""What every chart shares: colours for light and dark, quiet axes."""

import textwrap
from typing import Any

import altair as alt
import pandas as pd
from altair.utils import schemapi

# Altair checks each part of a chart when it is made, and the whole when it is drawn. The second
# is enough, and takes a third of the time.
schemapi.disable_debug_mode()

# Each is at least 3:1 against white and against the dark page, and stays apart in common colour
# blindness.
PALETTE = ("#2f86d0", "#d9632a", "#1f9d73", "#b06ab3", "#b58900", "#7d8590")
HIGHLIGHT = "#d9632a"
PLAIN = "#2f86d0"
QUIET = "#7d8590"

HEIGHT = 300
SMALL_CHART_LETTERS = 22
"""What fits below a chart of which four stand beside each other."""


def finish(chart: Any, height: int | None = HEIGHT, title: str = "") -> Any:
    """Give a chart its size and title.

    Parameters
    ----------
    chart : altair chart
        Any single or layered chart.
    height : int or None
        In pixels; None leaves it to the chart.
    title : str
        Above the chart; none where the axes say it all.

    Returns
    -------
    altair chart
        The same, finished.
    """
    # The room keeps the title of the upright axis from being cut off when a chart is fitted to its
    # place.
    room = {"left": 14, "right": 8, "top": 6, "bottom": 4}
    settings: dict[str, Any] = {"padding": room}
    if height is not None:
        settings["height"] = height
    if title:
        settings["title"] = alt.TitleParams(
            title, anchor="start", fontSize=13, fontWeight=600, offset=8
        )
    return chart.properties(**settings)


def zoomable(chart: Any) -> Any:
    """Let a chart be zoomed by wheel and drag; a double click goes back.

    The names are fixed: with Altair's running numbers every refresh would be another
    chart to the browser, which would draw it anew and forget the zoom.
    """
    chart.layer[0].name = "view"
    return chart.add_params(alt.selection_interval(name="zoom", bind="scales"))


def with_fixed_names(spec: dict[str, Any]) -> dict[str, Any]:
    """Call the data of a chart ``data-0``, ``data-1`` and so on.

    In the order in which its layers use them.

    Parameters
    ----------
    spec : dict
        A Vega-Lite chart whose layers name their data, from ``chart.to_dict()``.

    Returns
    -------
    dict
        The same chart, with other names.
    """
    names: dict[str, str] = {}
    parts = [spec, *spec.get("layer", [])]
    used = [part["data"]["name"] for part in parts if "name" in part.get("data", {})]
    for name in used:
        names.setdefault(name, f"data-{len(names)}")

    def renamed(part: dict[str, Any]) -> dict[str, Any]:
        return part | (
            {"data": {"name": names[part["data"]["name"]]}}
            if "name" in part.get("data", {})
            else {}
        )

    layers = {"layer": [renamed(layer) for layer in spec["layer"]]} if "layer" in spec else {}
    datasets = {new: spec["datasets"][old] for old, new in names.items()}
    return renamed(spec) | layers | {"datasets": datasets}


def tell_left_out(values: "pd.Series[float]") -> str:
    """Say how many numbers a logarithmic axis cannot show; empty if it shows all."""
    count = int((values <= 0).sum())
    return f"Not on the logarithmic axis, because 0 or less: {count:,}." if count else ""


def axis(title: str | list[str], **more: Any) -> alt.Axis:
    """Make an axis with a title, faint rules and no ticks."""
    return alt.Axis(title=title, ticks=False, domain=False, labelPadding=6, titlePadding=8, **more)


def tooltip(field: str, title: str, **more: Any) -> alt.Tooltip:
    """Make a line of a tooltip.

    Vega takes a line called ``image`` for the address of a picture, and one called ``title``
    for a heading.
    """
    return alt.Tooltip(field, title=f"{title} " if title in ("image", "title") else title, **more)


def in_lines(title: str) -> list[str]:
    """Break a title that is longer than a small chart is wide; it would be cut off."""
    return textwrap.wrap(title, SMALL_CHART_LETTERS) or [title]
