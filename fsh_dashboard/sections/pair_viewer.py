"""A change in its two scans, side by side, with one crosshair."""

import uuid
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from fsh_core.errors import InputError
from fsh_core.follow_up import RecordedPair, TrackRecord
from fsh_dashboard import page, viewer
from fsh_dashboard.data.cohort_tables import Results
from fsh_dashboard.data.folder import Opened
from fsh_dashboard.data.pair_images import codes_of
from fsh_dashboard.loading_change import Side, visit_layers
from fsh_dashboard.plain_text import plain

CENTRE = ("centre_r_mm", "centre_a_mm", "centre_s_mm")
HEIGHT = 400
SIZE = 4  # of a matrix of homogeneous coordinates


def show_pair(
    opened: Opened,
    results: Results,
    record: TrackRecord,
    change: "pd.Series[Any]",
    changes: pd.DataFrame,
) -> None:
    """Show both visits with the crosshair in a change.

    Parameters
    ----------
    opened, results : Opened, Results
        Where the patient was followed.
    record : TrackRecord
        Of the patient.
    change : Series
        The chosen change, with its ``interval``.
    changes : DataFrame
        All changes of the patient.
    """
    interval = int(change["interval"])
    pair = record.pairs[interval]
    st.markdown(sentence_of(change))
    try:
        to_later = matrix_of(pair)
    except InputError as error:
        st.info(plain(error))
        return
    own = changes[changes["interval"] == interval]
    rows = zip(own["change"], own["kind"], own["size_change"], strict=True)
    codes = codes_of({int(number): (str(kind), str(size)) for number, kind, size in rows})
    centre = np.array([*(float(change[name]) for name in CENTRE), 1.0])
    problems: list[str] = []
    before, after = st.columns(2)
    with before:
        st.caption(f"Before: visit {plain(pair.earlier)}")
        place = np.linalg.inv(to_later) @ centre
        problems += show_visit(opened, results, record, change, "before", codes, place, to_later)
    with after:
        st.caption(f"After: visit {plain(pair.later)}")
        problems += show_visit(
            opened, results, record, change, "after", codes, centre, np.eye(SIZE)
        )
    st.caption(
        "The crosshair moves in both scans. Difference: standard deviations of normal-appearing "
        "tissue; warm is brighter than before, cold darker."
    )
    page.tell_problems(problems)


def show_visit(
    opened: Opened,
    results: Results,
    record: TrackRecord,
    change: "pd.Series[Any]",
    side: Side,
    codes: dict[int, int],
    place: NDArray[np.float64],
    to_later: NDArray[np.float64],
) -> list[str]:
    """Show one scan of the pair; returns a sentence for each map that cannot be shown."""
    interval = int(change["interval"])
    name = f"sub-{record.subject} {record.visits[interval + (side == 'after')].name}"
    try:
        shown = visit_layers(opened, results.name, record, interval, side, codes)
    except InputError as error:
        st.info(plain(error))
        return []
    jump = None
    if np.isfinite(place).all():
        jumps = st.session_state.get("jumps", 0)
        mm = (float(place[0]), float(place[1]), float(place[2]))
        jump = viewer.Jump(f"{name}:{interval}:{change['change']}:{jumps}", mm)
    session = st.session_state.setdefault("viewer-session", uuid.uuid4().hex)
    viewer.show(
        name,
        shown.layers,
        shown.window,
        jump,
        f"pair-{side}",
        scheme="changes",
        link=viewer.Link.between(f"{session}:{record.subject}:{interval}", to_later),
        height=HEIGHT,
    )
    return [problem.replace(f"{opened.root}/", "") for problem in shown.problems]


def matrix_of(pair: RecordedPair) -> NDArray[np.float64]:
    """Return the (4, 4) matrix from the earlier visit's world to the later one's.

    Raises
    ------
    InputError
        If the record holds none, or one that cannot be undone.
    """
    rows = [list(row) for row in pair.earlier_to_later]
    if len(rows) == SIZE and all(len(row) == SIZE for row in rows):
        matrix = np.array(rows, dtype=np.float64)
        if np.isfinite(matrix).all() and abs(np.linalg.det(matrix)) > np.finfo(float).eps:
            return matrix
    raise InputError(
        f"{pair.earlier} → {pair.later}: expected a matrix of 4 x 4 numbers from one visit to the "
        "other, found another; follow the visits again"
    )


def sentence_of(change: "pd.Series[Any]") -> str:
    """Say in one line what changed."""
    kind = str(change["kind"])
    size = str(change["size_change"])
    said = [f"**{plain(kind)}{f', {plain(size)}' if size not in ('', kind) else ''}**"]
    said[0] += f", change {change['change']}, {plain(change['from_visit'])} → "
    said[0] += plain(change["to_visit"])
    volumes = [
        f"{change[name]:,.0f} mm³" if pd.notna(change[name]) and change[name] > 0 else "nothing"
        for name in ("volume_before_mm3", "volume_after_mm3")
    ]
    said.append(f"{volumes[0]} before, {volumes[1]} after")
    if pd.notna(change["volume_change_percent"]):
        said.append(f"{change['volume_change_percent']:+.0f} %".replace("-", "−"))
    if pd.notna(change["change_confidence"]):
        said.append(f"confidence {change['change_confidence']:.2f}")
    if change["reason"]:
        said.append(f"uncertain: {plain(change['reason'])}")
    return " · ".join(said)
