"""Notes about a training run, read and written."""

import streamlit as st

from fsh_core.errors import InputError
from fsh_core.file_names import RUN_NOTES_FILE
from fsh_dashboard.data.folder import Opened
from fsh_dashboard.data.run_notes import MOST_LETTERS, read_notes, write_notes
from fsh_dashboard.plain_text import plain


def show_notes(opened: Opened, run: str) -> None:
    """Show the notes of a run, and let them be changed where the folder is one's own."""
    st.subheader("Notes")
    try:
        now = read_notes(opened, run)
    except InputError as error:
        st.warning(plain(error))
        return
    if opened.is_example:
        st.text(now or "none")
        return
    seen_key, text_key = f"notes-seen-{run}", f"notes-{run}"
    # What was on the disk when the writing began: a save must not undo what others wrote since.
    seen = st.session_state.setdefault(seen_key, now)
    if st.session_state.get(text_key, seen) == seen:  # nothing is being written
        st.session_state[seen_key] = st.session_state[text_key] = seen = now
    text = st.text_area(
        f"Kept as {RUN_NOTES_FILE} in the folder of the run", key=text_key, max_chars=MOST_LETTERS
    )
    if st.button("Save notes", key="save-notes"):
        try:
            write_notes(opened, run, seen, text)
        except InputError as error:
            st.error(plain(error))
        else:
            st.session_state[seen_key] = text
            st.success("Saved.")
