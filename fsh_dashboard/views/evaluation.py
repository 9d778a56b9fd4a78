"""What ``fsh evaluate`` and ``fsh agreement`` wrote: scores, raters, repeated scans."""

import shlex
from pathlib import Path
from typing import Any

import streamlit as st

from fsh_core.studies.written import AGREEMENT, COMPARISON, EVALUATION, WrittenStudy
from fsh_dashboard import page
from fsh_dashboard.chart_files import offer_charts
from fsh_dashboard.choices import choose_one_of
from fsh_dashboard.data.cohort_tables import stamps_of
from fsh_dashboard.data.folder import Opened, find_results, find_runs
from fsh_dashboard.data.studies import files_of, find_studies, read_written
from fsh_dashboard.plain_text import plain
from fsh_dashboard.sections.evaluation_scores import show_comparison, show_evaluation
from fsh_dashboard.sections.rater_study import show_raters

KINDS = {
    EVALUATION: "predictions against references",
    COMPARISON: "two methods",
    AGREEMENT: "raters or repeated scans",
}
CHANGE = Path(__file__).with_name("change.py")


def main() -> None:
    """Choose a study, then show it as the command left it."""
    opened = page.begin(
        "Evaluation",
        "What `fsh evaluate` and `fsh agreement` wrote into this folder, number by number.",
    )
    studies = find_studies(opened)
    if not studies:
        say_how_to_begin(opened)
    st.page_link(st.Page(CHANGE), label="What `fsh track` found is on the page Change")
    name = choose_study(studies)
    study = _read(opened, name, stamps_of(files_of(opened, name)))
    page.tell_problems(study.problems)
    tell_failures(study)
    show = {EVALUATION: show_evaluation, COMPARISON: show_comparison, AGREEMENT: show_raters}
    show[study.kind](study)
    if study.kind != COMPARISON:  # which has tables only
        offer_charts()


def say_how_to_begin(opened: Opened) -> None:
    """Say which commands write what this page shows, then end the page."""
    results = find_results(opened)
    if not results and not find_runs(opened):
        page.begin_here(opened, "This folder holds no segmented case and no training run yet.")
    root = shlex.quote(str(opened.root))
    made = shlex.quote(str(opened.root / results[0])) if results else "RESULTS"
    page.empty(
        "No evaluation and no agreement study in this folder. They are made with:",
        f"fsh evaluate {made} REFERENCES -o {root}/scores\n"
        f"fsh agreement READER1 READER2 -o {root}/agreement",
    )


def choose_study(studies: dict[str, str]) -> str:
    """Let a study be chosen where there are several."""
    names = list(studies)
    name = choose_one_of("study", names, "Study", "Study")
    st.caption(plain(f"{name}: {KINDS[studies[name]]}"))
    return name


@st.cache_resource(max_entries=8, show_spinner="Reading tables …")
def _read(opened: Opened, name: str, stamps: Any) -> WrittenStudy:
    return read_written(opened, name)


def tell_failures(study: WrittenStudy) -> None:
    """Name the cases that the command could not use."""
    failures = study.tables.get("failures")
    if failures is None or failures.empty:
        return
    with st.expander(f":orange[{page.counted(len(failures), 'case')} could not be used]"):
        for row in failures.head(page.SHOWN_PROBLEMS).itertuples(index=False):
            st.text(f"{row.case}: {row.reason}")
        if len(failures) > page.SHOWN_PROBLEMS:
            st.caption(f"and {len(failures) - page.SHOWN_PROBLEMS} more in failures.csv")


main()
