"""One followed patient: what can be compared, volumes over time, every change and track."""

from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from fsh_core.derivatives.layout import track_paths
from fsh_core.errors import InputError
from fsh_core.follow_up import TrackRecord
from fsh_core.tracking import READING_ORDER
from fsh_dashboard import page
from fsh_dashboard.choices import asked_change, follow_change, row_of, tick
from fsh_dashboard.data.cohort_tables import Results
from fsh_dashboard.data.decisions import PREFIX, decisions_of, with_decisions
from fsh_dashboard.data.folder import Opened
from fsh_dashboard.data.followed import Followed
from fsh_dashboard.figures.change import by_interval, over_visits
from fsh_dashboard.loading_change import what_changed_since
from fsh_dashboard.plain_text import plain
from fsh_dashboard.sections.pair_viewer import show_pair
from fsh_dashboard.table_display import show_table

TABLE_HEIGHT = 250
ORDER = (*READING_ORDER, "stable")
CHANGE_TABLE = (
    *("from_visit", "to_visit", "change", "kind", "size_change", "volume_before_mm3"),
    *("volume_after_mm3", "volume_change_percent", "limit_percent", "difference_sd"),
    *("longest_mm", "evidence", "change_confidence", "reason", "track", "gained_mm3", "lost_mm3"),
)
VERDICTS = {"pass": "✓ can be compared", "caution": "△ with caution"}
FAILED = "✕ cannot be compared reliably"


def show_patient(opened: Opened, results: Results, followed: Followed, patient: str) -> None:
    """Show one patient, whether the visits can be compared first."""
    record = followed.records[patient]
    st.subheader(plain(patient), anchor=False)
    show_verdicts(record)
    tell_newer(opened, results, record)
    intervals = followed.intervals[followed.intervals["patient"] == patient]
    visits = followed.visits[followed.visits["patient"] == patient]
    show_course(visits, intervals)
    changes = followed.changes[followed.changes["patient"] == patient]
    found, problems = decisions_of(opened, results.name, record)
    page.tell_problems(problems)
    change = show_changes(with_decisions(changes, found), record)
    if change is not None:
        show_pair(opened, results, record, change, changes)
    show_tracks(followed.tracks[followed.tracks["patient"] == patient], visits)
    offer_files(opened, results, patient, record)


def show_verdicts(record: TrackRecord) -> None:
    """Say of every interval whether it can be compared, and what the order rests on."""
    for pair in record.pairs:
        verdict = VERDICTS.get(pair.verdict, FAILED)
        why = f": {plain('; '.join(pair.reasons))}" if pair.reasons else ""
        days = f", {pair.days:.0f} days" if pair.days is not None else ""
        said = f"**{plain(pair.earlier)} → {plain(pair.later)}**{days} · {verdict}{why}"
        if pair.verdict in VERDICTS:
            st.markdown(said)
        else:
            st.warning(said)
    if record.order == "names":
        st.caption("Without dates: the visits are in the order of their names.")


def tell_newer(opened: Opened, results: Results, record: TrackRecord) -> None:
    """Say what was segmented or corrected after the visits were compared."""
    path = track_paths(record.subject, opened.root / results.name)["record"]
    newer = what_changed_since(opened, results, record, path)
    if newer:
        st.warning(f"Older than what it is about: {plain('; '.join(newer))}. Follow again.")


def show_course(visits: pd.DataFrame, intervals: pd.DataFrame) -> None:
    """Volume, lesions, and changes of each interval."""
    is_log = st.toggle("Logarithmic volume", key="logvolume", bind="query-params")
    volume_place, count_place, change_place = st.columns(3)
    with volume_place:
        page.show_chart(
            over_visits(visits, "lesion_volume_ml", "Lesion volume (ml)", is_log),
            "volumes",
            "Lesion volume of each visit with its interval",
        )
    with count_place:
        page.show_chart(
            over_visits(visits, "lesion_count", "Lesions"), "counts", "Lesions of each visit"
        )
    with change_place:
        page.show_chart(by_interval(intervals), "kinds", "Changes of each interval by kind")
    said = "Each visit is segmented alone. "
    if visits["volume_low_ml"].notna().any():
        said += "Bar: where a reader's volume of that visit is expected. "
    readers = sorted(set(visits.loc[visits["lesions_by"] != "F.sh", "lesions_by"]))
    if readers:
        said += f"Corrected by {plain(', '.join(readers))}: no interval. "
    st.caption(said + "The difference of two volumes is less certain than either.")


def show_changes(changes: pd.DataFrame, record: TrackRecord) -> "pd.Series[Any] | None":
    """The table of changes; returns the chosen one, at first the surest new one."""
    st.subheader("Changes", anchor=False)
    if changes.empty:
        st.caption("No lesion in any visit.")
        return None
    interval_place, kind_place = st.columns([1, 3], vertical_alignment="bottom")
    names = {str(n): f"{p.earlier} → {p.later}" for n, p in enumerate(record.pairs)}
    if st.session_state.get("interval") not in (None, *names):
        st.session_state["interval"] = None  # of another patient
    with interval_place:
        interval = st.selectbox(
            "Interval",
            list(names),
            None,
            key="interval",
            bind="query-params",
            placeholder="all",
            format_func=lambda number: names.get(number, number),
        )
    kinds = [kind for kind in ORDER if (changes["kind"] == kind).any()]
    with kind_place:
        wanted = st.multiselect(
            "Kinds", kinds, key="kinds", bind="query-params", placeholder="all but stable"
        )
    own = changes if interval is None else changes[changes["interval"] == int(interval)]
    is_wanted = own["kind"].isin(wanted) if wanted else own["kind"] != "stable"
    table = sorted_changes(own[is_wanted])
    if table.empty:
        st.caption("Nothing changed here. Stable lesions are shown when their kind is chosen.")
        return None
    return choose_change(table, len(record.pairs) > 1)


def sorted_changes(changes: pd.DataFrame) -> pd.DataFrame:
    """Put the kinds in the order of `ORDER`, each with the surest first."""
    rank = {kind: place for place, kind in enumerate(ORDER)}
    table = changes.rename(columns={"confidence": "change_confidence"})
    table = table.assign(rank=table["kind"].map(rank).fillna(len(ORDER)))
    return table.sort_values(
        ["rank", "change_confidence", "interval", "change"],
        ascending=[True, False, True, True],
        ignore_index=True,
    )


def choose_change(table: pd.DataFrame, has_intervals: bool) -> "pd.Series[Any]":
    """Show the table; a click on a row chooses a change."""
    asked = asked_change()
    row = row_of(table, dict(zip(("interval", "change"), asked, strict=True))) if asked else None
    row = 0 if row is None else row
    tick("changes", row)
    own = CHANGE_TABLE if has_intervals else CHANGE_TABLE[2:]
    decided = [column for column in table if str(column).startswith(PREFIX)]
    shown = table[[*own[: own.index("kind") + 1], *decided, *own[own.index("kind") + 1 :]]]
    is_joined = table["kind"].isin(["merged", "split"])
    shown = shown.assign(size_change=shown["size_change"].where(is_joined))
    shown = shown.rename(columns={"reason": "change_reason"})
    shown = shown.replace("", None).dropna(axis="columns", how="all")
    show_table(
        shown,
        "changes",
        "Changes between the visits of this patient",
        height=TABLE_HEIGHT,
        follow=partial(follow_change, "changes", table),
    )
    return table.iloc[row]


def show_tracks(tracks: pd.DataFrame, visits: pd.DataFrame) -> None:
    """Each lesion through all visits, folded away."""
    if tracks.empty:
        return
    with st.expander(f"Every lesion through the visits ({tracks['track'].nunique()})"):
        st.caption(
            "Volume in mm³ of each lesion in each visit; lesions that merge or split are one."
        )
        show_table(by_track(tracks, list(visits["visit"])), "tracks", "Lesions through the visits")


def by_track(tracks: pd.DataFrame, visits: list[str]) -> pd.DataFrame:
    """Put the volumes of a track in all visits into one row, largest first."""
    wide = tracks.drop_duplicates(["track", "visit"]).pivot_table(
        index="track", columns="visit", values="track_volume_mm3"
    )
    wide = wide.reindex(columns=[visit for visit in visits if visit in wide])
    order = wide.max(axis="columns").sort_values(ascending=False, kind="stable").index
    wide = wide.loc[order]
    # A visit may be called as a column of ours is.
    wide.columns = pd.Index([f"Visit {visit} (mm³)" for visit in wide.columns])
    return wide.reset_index()


def offer_files(opened: Opened, results: Results, patient: str, record: TrackRecord) -> None:
    """The report, to take away."""
    try:
        path = opened.inside(track_paths(record.subject, opened.root / results.name)["report"])
    except InputError as error:
        st.caption(plain(error))
        return
    if path.is_file():
        st.download_button(
            "Report with pictures (HTML)",
            path.read_bytes(),
            path.name,
            "text/html",
            key=f"get-track-{patient}",
            on_click="ignore",
        )
