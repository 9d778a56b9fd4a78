"""The chosen lesion in its scan."""

from typing import Any

import pandas as pd
import streamlit as st

from fsh_core.errors import InputError
from fsh_dashboard import loading, page, viewer
from fsh_dashboard.choices import asked_lesion, row_of, say_lost
from fsh_dashboard.data.cohort_tables import Results
from fsh_dashboard.data.folder import Opened
from fsh_dashboard.data.scans import case_files
from fsh_dashboard.plain_text import plain

INSIDE = ["inside_r_mm", "inside_a_mm", "inside_s_mm"]


def chosen_lesion(
    results: Results, lesions: pd.DataFrame, case: str | None
) -> "pd.Series[Any] | None":
    """The lesion of the address; else the largest one of the chosen case."""
    asked = asked_lesion()
    known = results.lesions
    if asked is not None and case in (None, asked.case):
        row = row_of(known, asked._asdict())
        return None if row is None else known.iloc[row]
    is_one_case = case is not None or len(results.cases) == 1
    if not is_one_case or lesions.empty:
        return None
    return lesions.iloc[int(lesions["volume_mm3"].argmax())]


def show_lesion(opened: Opened, results: Results, lesion: "pd.Series[Any] | None") -> None:
    """The scan, with the crosshair in the chosen lesion."""
    if lesion is None:
        asked = asked_lesion()
        if asked is not None:
            say_lost(f"{asked.label} of {asked.case}", "Lesion", "in these results")
        st.caption("A click on a row shows that lesion here, in three planes and 3D.")
        return
    name = str(lesion["case"])
    st.markdown(
        f"**{plain(name)}**, lesion {plain(lesion['label'])}, {lesion['volume_mm3']:,.0f} mm³"
    )
    try:
        record, paths = case_files(opened, results.name, record_of(results, name))
        layers, window = loading.layers_of(opened, results.name, record, paths)
    except InputError as error:
        st.info(plain(error))
        return
    jump = None
    if set(INSIDE) <= set(lesion.index):
        mm = (float(lesion[INSIDE[0]]), float(lesion[INSIDE[1]]), float(lesion[INSIDE[2]]))
        jump = viewer.Jump(f"{name}:{lesion['label']}:{st.session_state.get('jumps', 0)}", mm)
    viewer.show(name, layers, window, jump, "lesion-viewer")
    page.tell_problems(loading.images_of(opened, results.name, record, paths).problems)


def record_of(results: Results, case: str) -> str:
    """The record of a case."""
    return str(results.cases.loc[results.cases["case"] == case, "record"].iloc[0])
