"""``streamlit run fsh_dashboard/app.py -- [FOLDER]``: which pages there are, and nothing else."""

import sys
from pathlib import Path

import streamlit as st

from fsh_core.errors import InputError
from fsh_dashboard.data.folder import find_results, find_runs, open_folder

HERE = Path(__file__).parent
# On a screen of 768 pixels the empty room above the title costs a seventh of the page.
LESS_ROOM = "<style>[data-testid=stMainBlockContainer] { padding-top: 3rem }</style>"

# The other pages tell of arms, of other readers, or of references.
FOR_A_READER = ("Cohort", "Lesions", "Case", "Readers")


def main() -> None:
    """Show the navigation and run the chosen page."""
    st.set_page_config(page_title="F.sh", page_icon=str(HERE / "icon.png"), layout="wide")
    st.html(LESS_ROOM)
    try:
        opened = open_folder(sys.argv[1:])
        is_blinded = bool(opened.reader)
        begins_with_runs = not (is_blinded or find_results(opened)) and bool(find_runs(opened))
    except InputError:  # every page says it in its place
        begins_with_runs = is_blinded = False
    pages = [
        st.Page("views/cohort.py", title="Cohort", default=not begins_with_runs),
        st.Page("views/lesions.py", title="Lesions"),
        st.Page("views/case.py", title="Case"),
        st.Page("views/change.py", title="Change"),
        st.Page("views/quality.py", title="Quality"),
        st.Page("views/groups.py", title="Groups"),
        st.Page("views/evaluation.py", title="Evaluation"),
        st.Page("views/review.py", title="Review"),
        st.Page("views/training.py", title="Training", default=begins_with_runs),
        st.Page("views/model.py", title="Model"),
        st.Page("views/readers.py", title="Readers"),
    ]
    if is_blinded:
        pages = [shown for shown in pages if shown.title in FOR_A_READER]
    st.navigation(pages).run()


main()
