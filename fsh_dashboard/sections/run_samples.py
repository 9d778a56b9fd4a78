"""How the predictions of a run changed, in one slice of a validation scan."""

import streamlit as st

from fsh_dashboard import page
from fsh_dashboard.data.folder import Opened
from fsh_dashboard.data.run_samples import samples_of

WIDTH = 220  # pixels of a picture


def show_samples(opened: Opened, run: str) -> None:
    """Show the slices that a run kept, by epoch; nothing where there is none."""
    pictures, problems = samples_of(opened, run)
    page.tell_problems(problems)
    if not pictures:
        return
    st.subheader("Predictions by epoch")
    with st.container(horizontal=True):
        for epoch, picture in pictures.items():
            st.image(picture, f"Epoch {epoch}", width=WIDTH)
    st.caption(
        "The axial slice of the first validation scan in which its reference has most voxels. "
        "Blue: reference. Orange: what is called lesion, at a probability of 0.5. The patient's "
        "right is on the left."
    )
