"""What every page needs: the opened folder, empty states, skipped files, charts and downloads."""

import shlex
import sys
from collections.abc import Callable, Sequence
from typing import Any, Literal

import pandas as pd
import streamlit as st

from fsh_core.errors import InputError
from fsh_core.tables import format_table
from fsh_dashboard.data.folder import Opened, open_folder
from fsh_dashboard.figures.style import with_fixed_names
from fsh_dashboard.plain_text import plain

SHOWN_PROBLEMS = 20
ROW_PIXELS = 35


def begin(title: str, sentence: str) -> Opened:
    """Write the head of a page and return the opened folder.

    A wrong folder ends the page with a sentence.
    """
    try:
        opened = open_folder(sys.argv[1:])
    except InputError as error:
        st.title(title)
        st.error(plain(error))
        st.stop()
    st.title(title, anchor=False)
    st.caption(sentence)
    with st.sidebar:
        place = "the bundled example" if opened.is_example else plain(opened.root)
        st.caption(f"Reading {place}")
        if opened.is_example:
            st.caption("Your own: `fsh dashboard FOLDER`")
        if opened.reader:
            st.caption(f"{plain(opened.reader)} reads, blinded")
        st.caption("Research software, not a medical device. Nothing leaves this machine.")
    return opened


def empty(sentence: str, command: str) -> None:
    """Say what is missing here and which command makes it, then end the page."""
    st.info(sentence)
    st.code(command, language="bash")
    st.stop()


def begin_here(opened: Opened, sentence: str) -> None:
    """Say how to begin with a folder that holds nothing to show, then end the page."""
    st.info(sentence)
    st.markdown("Segment scans into this folder, then load this page again:")
    st.code(f"fsh segment SCANS --out {shlex.quote(f'{opened.root}/derivatives/fsh')}", "bash")
    st.markdown("Or train on your own masks, and watch the curves here:")
    st.code(f"fsh train DATA --out {shlex.quote(f'{opened.root}/runs/first')}", "bash")
    st.markdown("To see what the pages show, open the bundled example:")
    st.code("fsh dashboard", "bash")
    st.stop()


def tell_problems(problems: Sequence[str]) -> None:
    """Name what was skipped, folded away but never hidden."""
    if not problems:
        return
    what = (
        "1 file or value was skipped"
        if len(problems) == 1
        else f"{len(problems)} files or values were skipped"
    )
    with st.expander(f":orange[{what}]"):
        for sentence in problems[:SHOWN_PROBLEMS]:
            st.text(sentence)
        if len(problems) > SHOWN_PROBLEMS:
            st.caption(f"and {len(problems) - SHOWN_PROBLEMS} more")


def counted(number: int, word: str) -> str:
    """Write a number with its noun: ``1 case``, ``1,204 cases``."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def height_of(table: pd.DataFrame, most: int) -> int:
    """Give the pixels that a table needs to show all its rows, up to ``most``."""
    return min(most, ROW_PIXELS * (len(table) + 1) + 3)


class _Drawn:
    """A chart for Streamlit that is not held against the Vega-Lite schema at every click.

    The tests draw every chart with the check, which takes a quarter of a filter's time.
    """

    def __init__(self, chart: Any) -> None:
        self._chart = chart

    def to_dict(self) -> dict[str, Any]:
        """Return the chart as Vega-Lite."""
        spec: dict[str, Any] = self._chart.to_dict(validate=False)
        return spec


def show_chart(
    chart: Any,
    key: str,
    alt: str,
    width: Literal["stretch", "content"] = "stretch",
    follow: Callable[[], None] | None = None,
) -> None:
    """Draw a chart in the colours of the page; ``alt`` says to a screen reader what it is.

    With ``follow``, which is called at each click, its points can be chosen.
    """
    drawn: Any = _Drawn(chart)
    st.altair_chart(
        drawn,
        width=width,
        theme="streamlit",
        key=key,
        on_select=follow or "ignore",
        selection_mode="point" if follow else None,
        alt=alt,
    )


def show_live_chart(chart: Any, key: str, alt: str) -> None:
    """Draw a chart that keeps its zoom when rows are added.

    Streamlit names the data of an Altair chart by their content, so that new rows make
    another chart to the browser; here the names are fixed.
    """
    st.vega_lite_chart(
        with_fixed_names(chart.to_dict()), width="stretch", theme="streamlit", key=key, alt=alt
    )


def offer_csv(table: pd.DataFrame | Callable[[], pd.DataFrame], file_name: str, label: str) -> None:
    """Offer a table as CSV that spreadsheets read; it is made when it is asked for, not before."""

    def payload() -> bytes:
        return to_csv(table() if callable(table) else table)

    st.download_button(
        label, payload, file_name, "text/csv", key=f"get-{file_name}", on_click="ignore"
    )


def to_csv(table: pd.DataFrame) -> bytes:
    """Write a table as CSV with a byte-order mark, for people and spreadsheets."""
    return format_table(table).encode("utf-8-sig")
