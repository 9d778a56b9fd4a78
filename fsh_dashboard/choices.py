"""What is chosen: one case, one lesion, by name; in the address, in tables and in charts alike."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd
import streamlit as st

from fsh_dashboard.plain_text import plain


class LesionName(NamedTuple):
    """Which lesion: its case and its label there. In the address ``case:label``."""

    case: str
    label: int


def asked_in_vain(key: str, options: Collection[str]) -> str | None:
    """Return what was asked for under a key and is no choice (any more); None where all is well.

    Asked for by the address, or chosen before on this or another page. It is kept until
    something else is chosen, so that nothing else is shown in its place.
    """
    chosen = st.session_state.get(key)
    chosen = [chosen] if isinstance(chosen, str) else list(chosen or ())
    # The address is read first: Streamlit takes out of it what is no choice.
    words = st.query_params.get_all(key) or chosen
    missing = [word for word in words if word not in options]
    memory = f"asked-{key}"
    if missing:
        st.session_state[memory] = missing[0]
    elif words:
        st.session_state.pop(memory, None)
    if any(word not in options for word in chosen):
        kept = [word for word in chosen if word in options]
        st.session_state[key] = kept if isinstance(st.session_state[key], list) else None
    asked = st.session_state.get(memory)
    return None if asked is None else str(asked)


def say_lost(asked: str, kind: str, place: str) -> None:
    """Say that something is not there, and that one has to choose."""
    st.warning(
        f"{kind} {plain(asked)} is not {place}: it was renamed or removed, cannot be read, or the "
        "address is of another folder. Choose below."
    )


def choose_case(cases: Sequence[str], label: str, required: bool = False) -> str | None:
    """Let a case be chosen; the choice is in the address and the same on every page.

    Parameters
    ----------
    cases : sequence of str
        Their names.
    label : str
        Above the box.
    required : bool
        Whether the first one is taken when none is asked for. When one is asked for that is
        not there, the page ends with a sentence instead.
    """
    return _choose("case", "Case", cases, label, required)


def choose_patient(patients: Sequence[str], label: str) -> str | None:
    """Let a followed patient be chosen; the choice is in the address. One alone is taken."""
    return _choose("patient", "Patient", patients, label, required=len(patients) == 1)


def _choose(key: str, kind: str, names: Sequence[str], label: str, required: bool) -> str | None:
    lost = asked_in_vain(key, names)
    if lost is not None:
        say_lost(lost, kind, "in these results")
    elif required and st.session_state.get(key) is None:
        st.session_state[key] = names[0]
    st.session_state.setdefault(key, None)
    name = st.selectbox(label, list(names), key=key, bind="query-params", placeholder="none")
    if name is None and required:
        st.stop()
    return name


def choose_one_of(key: str, names: Sequence[str], label: str, kind: str) -> str:
    """Let one be chosen where there are several; the choice is in the address.

    The first one is taken where none is asked for. When one is asked for that is not there, the
    page ends until another is chosen.

    Parameters
    ----------
    key : str
        Its name in the address.
    names : sequence of str
        At least one.
    label, kind : str
        Above the box, and what one is called.
    """
    lost = asked_in_vain(key, names)
    if lost is not None:
        say_lost(lost, kind, "here")
    name: str | None = names[0]
    if len(names) > 1 or lost is not None:
        first = None if lost is not None else 0
        name = st.selectbox(label, list(names), first, key=key, bind="query-params")
    if name is None:
        st.stop()
    return name


def tick(key: str, row: int | None) -> None:
    """Tick the row of what is chosen, before the table is shown.

    A table keeps its tick by the number of the row, and its rows change with every filter.
    """
    rows = [] if row is None else [row]
    st.session_state[key] = {"selection": {"rows": rows, "columns": [], "cells": []}}


def row_of(table: pd.DataFrame, wanted: Mapping[str, Any]) -> int | None:
    """Return the number of the row that has some values; None where there is none."""
    if table.empty:  # columns without a value may be gone
        return None
    fits = pd.Series(True, table.index)
    for column, value in wanted.items():
        fits &= table[column] == value
    places = fits.to_numpy().nonzero()[0]
    return int(places[0]) if len(places) else None


def ticked(key: str) -> int | None:
    """Return the row that is ticked in a table; None where none is."""
    rows = st.session_state[key]["selection"]["rows"]
    return int(rows[0]) if rows else None


def follow_row(key: str, table: pd.DataFrame) -> None:
    """Choose the case of the row that was clicked in a table; a callback."""
    row = ticked(key)
    if row is None or row >= len(table):  # the table may have become shorter meanwhile
        st.session_state["case"] = None
    else:
        st.session_state["case"] = str(table["case"].iloc[row])


def follow_point(key: str) -> None:
    """Choose the case of the point that was clicked in a chart; a callback."""
    points = st.session_state[key]["selection"].get("point") or []
    if points and points[0].get("case"):  # a visit that is missing has none
        st.session_state["case"] = str(points[0]["case"])


def mark_case(name: str) -> None:
    """Choose a case; a callback."""
    st.session_state["case"] = name


def follow_lesion(key: str, table: pd.DataFrame) -> None:
    """Choose the lesion of the row that was clicked in a table; a callback."""
    _follow(key, table, "lesion", ("case", "label"))


def follow_interval(key: str, table: pd.DataFrame) -> None:
    """Choose patient and interval of the row that was clicked in a table; a callback."""
    row = ticked(key)
    if row is None or row >= len(table):
        st.session_state["patient"] = st.session_state["interval"] = None
        return
    st.session_state["patient"] = str(table["patient"].iloc[row])
    st.session_state["interval"] = str(table["interval"].iloc[row])


def follow_change(key: str, table: pd.DataFrame) -> None:
    """Choose the change of the row that was clicked in a table; a callback."""
    _follow(key, table, "change", ("interval", "change"))


def _follow(key: str, table: pd.DataFrame, what: str, columns: tuple[str, str]) -> None:
    """Put what the clicked row names in two columns into the address, and jump there."""
    row = ticked(key)
    if row is None or row >= len(table):  # the table may have become shorter meanwhile
        st.query_params.pop(what, None)
        return
    st.query_params[what] = ":".join(str(table[column].iloc[row]) for column in columns)
    st.session_state["jumps"] = st.session_state.get("jumps", 0) + 1


def asked_change() -> tuple[int, int] | None:
    """Return interval and number of the change of the address; None where it names none."""
    interval, _, number = st.query_params.get("change", "").partition(":")
    is_whole = interval.isdecimal() and number.isdecimal()
    return (int(interval), int(number)) if is_whole else None


def asked_lesion() -> LesionName | None:
    """Return the lesion of the address; None where it names none."""
    case, _, label = st.query_params.get("lesion", "").rpartition(":")
    return LesionName(case, int(label)) if case and label.isdecimal() else None
