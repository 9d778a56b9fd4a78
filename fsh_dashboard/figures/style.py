"""What every chart shares: colours for light and dark, quiet axes."""

import textwrap
import warnings
from collections.abc import Iterator, Sequence
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
# It keeps the title of the upright axis from being cut off when a chart is fitted to its place.
_PADDING = {"left": 14, "right": 8, "top": 6, "bottom": 4}
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
    settings: dict[str, Any] = {"padding": _PADDING}
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


def linked(charts: Sequence[Any]) -> Any:
    """Stack charts over one horizontal axis: who zooms or moves one along it does so in all.

    Parameters
    ----------
    charts : sequence of altair chart
        Layered, and not zoomable by themselves; their horizontal axes show the same field.

    Returns
    -------
    altair chart
        From top to bottom; a double click goes back.
    """
    for place, chart in enumerate(charts):
        chart.layer[0].name = f"view-{place}"  # as for `zoomable`
        chart.padding = alt.Undefined  # the whole has it
    zoom = alt.selection_interval(name="zoom", bind="scales", encodings=["x"])
    # Streamlit gives each the width of the page; this takes the room for the axes from it.
    fit = alt.AutoSizeParams(type="fit-x", contains="padding")
    stack = alt.vconcat(*charts).properties(padding=_PADDING, autosize=fit)
    stack = stack.resolve_scale(color="independent", strokeDash="independent")
    with warnings.catch_warnings():
        # Altair adds it to each chart, and tells that it made one of them: which is what is wanted.
        warnings.filterwarnings("ignore", "Automatically deduplicated selection parameter")
        return stack.add_params(zoom)


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
    names = {name: f"data-{number}" for number, name in enumerate(dict.fromkeys(_used(spec)))}
    datasets = {new: spec["datasets"][old] for old, new in names.items()}
    return _renamed(spec, names) | {"datasets": datasets}


_PARTS = ("layer", "vconcat")


def _used(spec: dict[str, Any]) -> Iterator[str]:
    """Name the data of a chart and of its parts, in order."""
    if "name" in spec.get("data", {}):
        yield spec["data"]["name"]
    for part in (part for kind in _PARTS for part in spec.get(kind, ())):
        yield from _used(part)


def _renamed(spec: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """Give the data of a chart and of its parts other names."""
    changed = dict(spec)
    if "name" in spec.get("data", {}):
        changed["data"] = {"name": names[spec["data"]["name"]]}
    for kind in _PARTS:
        if kind in spec:
            changed[kind] = [_renamed(part, names) for part in spec[kind]]
    return changed


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
