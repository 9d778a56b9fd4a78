"""How a table is shown on a page: headings with units, help, and sensible digits."""

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import streamlit as st

from fsh_dashboard import page
from fsh_dashboard.data.columns import HELP, label_of
from fsh_dashboard.data.tags import KEY_COLUMNS, spelled

TABLE_HEIGHT = 320
"""In pixels; a longer table scrolls."""
MOST_ROWS = 2000
"""Of one page of a long table."""

# Numbers below a bound are written with so many decimals; larger ones with none.
DECIMALS = ((100, "%.2f"), (1000, "%.1f"))
P_VALUES = ("wilcoxon_p", "p", "p_adjusted")
"""Columns whose small numbers are no zeros."""

_WIDE = ("flags", "metric", "review")
"""Columns of words that are longer than their heading; a browser takes the first rows' width."""


def show_table(
    table: pd.DataFrame,
    key: str,
    alt: str,
    *,
    height: int = TABLE_HEIGHT,
    follow: Callable[[], None] | None = None,
    named: Mapping[str, tuple[str, str]] | None = None,
) -> None:
    """Show a table.

    Parameters
    ----------
    table : DataFrame
        Headings, units and help are those of `fsh_dashboard.data.columns`.
    key : str
        Of the table on its page, see `fsh_dashboard.choices.tick`.
    alt : str
        What it is, for screen readers.
    height : int
        The most pixels that it takes.
    follow : callable, optional
        Called when a row was ticked or unticked; without it no row can be.
    named : mapping of str to (str, str), optional
        Heading and help of columns that mean something else than elsewhere on the pages.
    """
    st.dataframe(
        table.assign(
            **{name: table[name].map(spelled, "ignore") for name in KEY_COLUMNS if name in table}
        ),
        hide_index=True,
        width="stretch",
        height=page.height_of(table, height),
        column_config=_config_for(table, named or {}),
        key=key,
        selection_mode="single-row",
        on_select=follow or "ignore",
        placeholder="–",
        alt=alt,
    )


def page_of(table: pd.DataFrame, key: str, row: int | None) -> pd.DataFrame:
    """Let a page of a long table be chosen: a browser takes seconds for tens of thousands of rows.

    Parameters
    ----------
    table : DataFrame
        All rows, in the order of the pages.
    key : str
        Of the table on its page.
    row : int or None
        Number of the chosen row; where another one is chosen, its page is shown.

    Returns
    -------
    DataFrame
        At most `MOST_ROWS` rows, numbered from 0; all of a shorter table.
    """
    pages = -(-len(table) // MOST_ROWS)
    if pages <= 1:
        return table
    number_key, memory = f"{key}-page", f"{key}-row"
    if row is not None and st.session_state.get(memory) != row:
        st.session_state[number_key] = row // MOST_ROWS + 1
    st.session_state[memory] = row
    if number_key in st.session_state:
        st.session_state[number_key] = min(st.session_state[number_key], pages)
    number_place, words_place = st.columns([1, 3], vertical_alignment="bottom")
    number = number_place.number_input(
        f"Page (of {pages})", 1, pages, key=number_key, bind="query-params"
    )
    first = (int(number) - 1) * MOST_ROWS
    shown = table.iloc[first : first + MOST_ROWS]
    words_place.caption(
        f"Rows {first + 1:,} to {first + len(shown):,} of {len(table):,}. A click on a heading "
        "sorts this page; what is downloaded holds all."
    )
    return shown.reset_index(drop=True)


def _config_for(table: pd.DataFrame, named: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    """Streamlit's column settings for a table: heading with unit, help, and sensible digits."""
    settings: dict[str, Any] = {}
    for column in map(str, table.columns):
        heading, text = named.get(column, (label_of(column), HELP.get(column)))
        if pd.api.types.is_bool_dtype(table[column]):
            settings[column] = st.column_config.CheckboxColumn(heading, help=text)
        elif column in P_VALUES:
            settings[column] = st.column_config.NumberColumn(heading, help=text, format="%.2g")
        elif pd.api.types.is_integer_dtype(table[column]):
            settings[column] = st.column_config.NumberColumn(heading, help=text, format="%d")
        elif pd.api.types.is_numeric_dtype(table[column]):
            settings[column] = st.column_config.NumberColumn(
                heading, help=text, format=_digits(table[column])
            )
        else:
            settings[column] = st.column_config.TextColumn(
                heading,
                help=text,
                pinned=True if column == "case" else None,
                width="medium" if column in _WIDE else None,
            )
    return settings


def _digits(values: "pd.Series[float]") -> str:
    """As many decimals as the size of the numbers deserves; none for counts with gaps."""
    known = values.dropna()
    if len(known) and (known == known.round()).all():
        return "%d"
    largest = known.abs().max() if len(known) else 0
    for bound, form in DECIMALS:
        if largest < bound:
            return form
    return "%.0f"
