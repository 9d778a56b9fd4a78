"""One case: three planes with reference and prediction, its lesions, and what made the result."""

from functools import partial
from pathlib import Path

import pandas as pd
import streamlit as st

from fsh_core.errors import InputError
from fsh_core.figures.slices import View
from fsh_core.record import Record
from fsh_core.volume.planes import PLANES, Plane
from fsh_dashboard import loading, page
from fsh_dashboard.choices import choose_case, row_of, tick, ticked
from fsh_dashboard.data import slices
from fsh_dashboard.data.cohort_tables import Results
from fsh_dashboard.data.columns import LESIONS, MAIN_METRICS, label_of
from fsh_dashboard.data.folder import Opened
from fsh_dashboard.data.scans import case_files
from fsh_dashboard.plain_text import plain
from fsh_dashboard.sections.quality_section import show_judgement
from fsh_dashboard.table_display import show_table

SHOWN = ("Prediction", "Before processing", "Probability")


def main() -> None:
    """Choose a case, then show it."""
    opened = page.begin("Case", "The scan, the reference where there is one, and what was found.")
    results = loading.choose_results(opened)
    case = choose_case(list(results.cases["case"]), "Case", required=True)
    row = results.cases[results.cases["case"] == case].iloc[0]
    try:
        record, paths = case_files(opened, results.name, row["record"])
    except InputError as error:
        st.error(plain(error))
        st.stop()
    show_verdicts(row, results.lesions[results.lesions["case"] == case])
    show_judgement(record)
    show_scan(opened, results, record, paths)
    show_provenance(record)
    offer_files(paths)


def show_verdicts(row: pd.Series, lesions: pd.DataFrame) -> None:
    """Counts, volume, agreement, and what to look at."""
    columns = st.columns(4)
    columns[0].metric("Lesions", int(row["lesion_count"]))
    columns[1].metric("Lesion volume", f"{row['lesion_volume_ml']:.2f} ml")
    columns[2].metric(
        "Largest lesion", f"{row['largest_lesion_mm3']:,.0f} mm³" if len(lesions) else "–"
    )
    scored = [metric for metric in MAIN_METRICS if metric in row and pd.notna(row[metric])]
    without = "undefined" if row.get("evaluated") else "no reference"
    columns[3].metric(
        "Dice with the reference", f"{row['dice']:.3f}" if "dice" in scored else without
    )
    if row.get("evaluated") and row.get("trained_on") == "yes":
        st.warning("The weights learned from this patient: the agreement says little about others.")
    if row["flags"]:
        st.warning(f"Look at: {plain(row['flags'])}.")
    if scored:
        st.caption(
            " · ".join(
                f"{label_of(metric)} {row[metric]:.3f}" for metric in scored if metric != "dice"
            )
        )


def show_scan(opened: Opened, results: Results, record: Record, paths: dict[str, Path]) -> None:
    """The three planes and the lesions; a click on a lesion moves the slices to it."""
    case = record.case
    lesions = results.lesions[results.lesions["case"] == case].reset_index(drop=True)
    try:
        images = loading.images_of(opened, results.name, record, paths)
    except InputError as error:
        st.info(plain(error))
        show_lesions(lesions, None, case)
        return
    page.tell_problems(images.problems)
    view = images.view
    start_at(view, case)
    kinds = [name for name in SHOWN if name in view.maps]
    chosen = kinds[0] if kinds else None
    if len(kinds) > 1:
        chosen = st.segmented_control(
            "Show", kinds, default=kinds[0], key="show", bind="query-params", required=True
        )
    names = [
        None,
        *(["Reference"] if "Reference" in view.maps else []),
        *([chosen] if chosen else []),
    ]
    for plane in PLANES:
        show_plane(view, plane, names)
    st.caption("Radiological convention: the patient's right (R) is on the left of the picture.")
    show_lesions(lesions, view, case)


def slider_key(plane: Plane) -> str:
    """Name the slider of a plane, in the page and in its address."""
    return plane.name.lower()


def start_at(view: View, case: str) -> None:
    """Begin where the address says; another case begins at the slices with the most lesion."""
    is_new = "slices-of" not in st.session_state
    has_moved = st.session_state.get("slices-of") != case
    guide = next(
        (
            name
            for name in ("Prediction", "Reference")
            if name in view.maps and view.maps[name].any()
        ),
        None,
    )
    for plane in PLANES:
        key, (first, stop) = slider_key(plane), view.box_voxels[plane.through]
        asked = st.query_params.get(key, "") if is_new else ""
        if has_moved or key not in st.session_state:
            index = view.fullest(guide, plane.through) if guide else (first + stop) // 2
            st.session_state[key] = int(asked) if asked.isdecimal() else index
        st.session_state[key] = min(max(st.session_state[key], first), stop - 1)
    st.session_state["slices-of"] = case


def show_plane(view: View, plane: Plane, names: list[str | None]) -> None:
    """One row: the slice alone, with the reference, with the prediction; a slider above."""
    first, last = view.box_voxels[plane.through]
    index = st.slider(
        f"{plane.name} slice", first, last - 1, key=slider_key(plane), bind="query-params"
    )
    position = f"{plane.coordinate} = {view.position_mm(plane.through, index):+.0f} mm".replace(
        "-", "−"
    )
    for place, name in zip(st.columns(3)[: len(names)], names, strict=True):
        picture = slices.draw(view, plane, index, name)
        caption = f"{name or 'FLAIR'}, {position}"
        place.html(
            slices.as_html(
                picture, plane, caption, f"{plane.name} slice at {position}: {name or 'FLAIR'}"
            )
        )


def go_to_lesion(lesions: pd.DataFrame, view: View) -> None:
    """Move the slices to the lesion whose row was clicked; a callback."""
    row = ticked("case-lesions")
    if row is None or row >= len(lesions):
        st.session_state.pop("case-lesion", None)
        return
    lesion = lesions.to_dict("records")[row]
    st.session_state["case-lesion"] = {"case": lesion["case"], "label": lesion["label"]}
    indices = slices.through_lesion(view, lesion)
    for plane, index in zip(PLANES, indices, strict=True):
        st.session_state[slider_key(plane)] = index


def show_lesions(lesions: pd.DataFrame, view: View | None, case: str) -> None:
    """The lesions of the case."""
    st.subheader("Lesions")
    if lesions.empty:
        st.caption("No lesion was found. This does not mean that there is none.")
        return
    known = [column for column in LESIONS if column in lesions and lesions[column].notna().any()]
    table = lesions[known].drop(columns="case")
    movable = view is not None and {"inside_r_mm", "inside_a_mm", "inside_s_mm"} <= set(lesions)
    if movable:
        st.caption("A click on a row moves the slices to that lesion.")
        chosen = st.session_state.get("case-lesion")
        tick("case-lesions", row_of(lesions, chosen) if chosen else None)
    follow = partial(go_to_lesion, lesions, view) if movable and view else None
    show_table(table, "case-lesions", "Lesions of this case", follow=follow)
    page.offer_csv(lesions, f"{case}-lesions.csv", "Lesions as CSV (opens in Excel)")


def show_provenance(record: Record) -> None:
    """What made this result, so that it can be made again."""
    with st.expander("How this was made"):
        facts = {key: value for key, value in record.to_json().items() if key in PROVENANCE}
        st.json(facts, expanded=2)


def offer_files(paths: dict[str, Path]) -> None:
    """Report and picture to take away."""
    st.subheader("Files")
    there = [(key, path) for key, path in paths.items() if key in DOWNLOADS and path.is_file()]
    if not there:
        st.caption("No report was written beside this record.")
    for key, path in there:
        label, kind = DOWNLOADS[key]
        st.download_button(
            label, path.read_bytes(), path.name, kind, key=f"get-{key}", on_click="ignore"
        )


PROVENANCE = ("version", "weights", "settings", "input", "brain", "grid", "run")
DOWNLOADS = {
    "report": ("Report (HTML, prints on A4)", "text/html"),
    "figure": ("Picture (PNG)", "image/png"),
    "table": ("Lesion table (TSV)", "text/tab-separated-values"),
    "record": ("Record (JSON)", "application/json"),
}

main()
