"""The mosaic: every subject of a cohort as one picture, page by page."""

from collections.abc import Hashable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from fsh_core.errors import InputError
from fsh_core.volume.planes import AXIAL
from fsh_dashboard import loading
from fsh_dashboard.choices import mark_case
from fsh_dashboard.data.cohort_tables import Results
from fsh_dashboard.data.folder import Opened
from fsh_dashboard.data.scans import case_files
from fsh_dashboard.plain_text import plain

COLUMNS, ROWS = 6, 3


def show_mosaic(opened: Opened, results: Results, cases: pd.DataFrame, case: str | None) -> None:
    """One slice through the largest lesion of each case, in the order of the table.

    A click marks the case.
    """
    st.subheader("Every scan")
    if not st.toggle("Show one slice of each case", key="mosaic", bind="query-params"):
        st.caption(
            "The axial slice through the largest lesion. "
            "Reading a scan takes about a third of a second."
        )
        return
    pages = -(-len(cases) // (COLUMNS * ROWS))
    number = 1
    if pages > 1:
        number = int(
            st.number_input(f"Page (of {pages})", 1, pages, key="mosaic-page", bind="query-params")
        )
    shown = cases.iloc[(number - 1) * COLUMNS * ROWS : number * COLUMNS * ROWS]
    largest = _largest(results.lesions)
    for start in range(0, len(shown), COLUMNS):
        row = shown.iloc[start : start + COLUMNS]
        for place, shown_case in zip(st.columns(COLUMNS), row.to_dict("records"), strict=False):
            with place:
                name = shown_case["case"]
                show_tile(opened, results, shown_case, largest.get(name), is_marked=name == case)


def show_tile(
    opened: Opened,
    results: Results,
    case: Mapping[Hashable, Any],
    lesion: Mapping[Hashable, Any] | None,
    is_marked: bool,
) -> None:
    """One case: its slice, and its name to click."""
    name = str(case["case"])
    label = f":orange[**{plain(name)}**]" if is_marked else plain(name)
    st.button(label, key=f"tile-{name}", type="tertiary", on_click=partial(mark_case, name))
    try:
        record, paths = case_files(opened, results.name, case["record"])
        flair = loading.source_of(opened, results.name, record).flair
        stamps = tuple((str(path), path.stat().st_mtime_ns) for path in (flair, paths["mask"]))
        st.html(_tile(name, stamps, flair, paths["mask"], paths.get("brain"), lesion))
    except (InputError, KeyError, OSError) as error:
        st.caption(plain(f"{name}: {error}" if isinstance(error, KeyError) else error))


def _largest(lesions: pd.DataFrame) -> dict[str, dict[Hashable, Any]]:
    """The largest lesion of each case."""
    if lesions.empty:
        return {}
    rows = lesions.loc[lesions.groupby("case")["volume_mm3"].idxmax()]
    return {str(row["case"]): row for row in rows.to_dict("records")}


@st.cache_data(max_entries=2000, show_spinner=False)
def _tile(
    name: str,
    stamps: Any,
    _flair: Path,
    _mask: Path,
    _brain: Path | None,
    _lesion: Mapping[Hashable, Any] | None,
) -> str:
    # Drawing loads matplotlib, which the page itself does not need.
    from fsh_dashboard.data.mosaic import slice_through
    from fsh_dashboard.data.slices import as_html

    picture = slice_through(_flair, _mask, _brain, _lesion)
    words = "no lesion" if _lesion is None else f"largest lesion {_lesion['volume_mm3']:,.0f} mm³"
    return as_html(picture, AXIAL, words, f"{name}: axial slice, {words}")
