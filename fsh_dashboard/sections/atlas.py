"""How often there is a lesion where, over a cohort, in MNI152 space."""

import pandas as pd
import streamlit as st

from fsh_dashboard import page
from fsh_dashboard.figures.atlas import POSITION, PROJECTIONS, lesion_map


def show_map(lesions: pd.DataFrame, cases: int, case: str | None) -> None:
    """Three projections of the cohort's lesions; the marked case's are points."""
    st.subheader("Where the lesions are")
    if (
        not set(POSITION) <= set(lesions.columns)
        or not lesions[list(POSITION)].notna().all(axis=1).any()
    ):
        st.caption(
            "These lesion tables hold no positions in MNI152 space (columns mni_x_mm, mni_y_mm, "
            "mni_z_mm). They are "
            "written when a case is registered to the template."
        )
        return
    for place, projection in zip(st.columns(len(PROJECTIONS)), PROJECTIONS, strict=True):
        with place:
            chart = lesion_map(lesions, projection, cases, case)
            words = f"Lesion frequency in MNI152 space, {projection.lower()}"
            page.show_chart(chart, f"map-{projection}", words, "content")
    known = lesions[list(POSITION)].notna().all(axis=1)
    left_out = (
        f" Left out: {page.counted(int((~known).sum()), 'lesion')} without a position."
        if not known.all()
        else ""
    )
    st.caption(
        f"Share of {page.counted(cases, 'case')} with a lesion's innermost point in each square "
        "of 5 mm, through the whole "
        "depth of the brain, radiological convention. "
        f"The line is the outline of the template's brain.{left_out}"
    )
