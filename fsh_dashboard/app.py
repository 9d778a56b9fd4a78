"""``streamlit run fsh_dashboard/app.py -- [FOLDER]``: which pages there are, and nothing else."""

import sys
from pathlib import Path

import streamlit as st

from fsh_core.errors import InputError
from fsh_dashboard.data.folder import find_results, open_folder

HERE = Path(__file__).parent


def main() -> None:
    """Show the navigation and run the chosen page."""
    st.set_page_config(page_title="F.sh", page_icon=str(HERE / "icon.png"), layout="wide")
    try:
        has_results = bool(find_results(open_folder(sys.argv[1:])))
    except InputError:  # every page says it in its place
        has_results = False
    pages = [
        st.Page("views/cohort.py", title="Cohort", default=has_results),
        st.Page("views/lesions.py", title="Lesions"),
        st.Page("views/case.py", title="Case"),
        st.Page("views/review.py", title="Review"),
        st.Page("views/training.py", title="Training", default=not has_results),
        st.Page("views/model.py", title="Model"),
    ]
    st.navigation(pages).run()


main()
