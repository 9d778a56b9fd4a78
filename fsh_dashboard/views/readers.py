"""A reading trial: who has what, how far it is, where readers differ, what is signed and locked."""

import shlex

import streamlit as st

from fsh_core.errors import InputError
from fsh_core.review.trial.state import FINAL, STAGES, TO_ADJUDICATE, Trial
from fsh_dashboard import loading, page
from fsh_dashboard.chart_files import offer_charts
from fsh_dashboard.data.reader_agreement import disagreements, reader_agreement
from fsh_dashboard.data.reviews import Reviews
from fsh_dashboard.data.trial import (
    case_rows,
    differences,
    event_rows,
    of_pairs,
    own_cases,
    reader_rows,
    reading_minutes,
    trial_in,
)
from fsh_dashboard.figures.readers import reading_times
from fsh_dashboard.plain_text import plain
from fsh_dashboard.sections.review_tables import show


def main() -> None:
    """Tell how far the trial is; who reads sees the own part alone."""
    opened = page.begin(
        "Readers", "A reading trial: who reads what, where readers differ, what is signed."
    )
    results = loading.choose_results(opened)
    reviews = loading.reviews_of(opened, results.name)
    page.tell_problems(reviews.problems)
    folder = opened.root / results.name
    try:
        trial = trial_in(opened, folder)
    except InputError as error:
        st.error(plain(str(error).replace(f"{opened.root}/", "")))
        st.stop()
    if trial is None:
        page.empty(
            "No case of these results is assigned to a reader. A trial begins with:",
            f"fsh readers assign {shlex.quote(str(folder))} --reader ANNA --reader BEN "
            "--per-case 2 --seed 7 --adjudicator CLEO",
        )
        return
    if opened.reader:
        show_own(trial, reviews, opened.reader)
        return
    show_stages(trial)
    show_readers(trial, reviews)
    show_agreement(trial, reviews)
    show_adjudication(trial, reviews)
    show_cases(trial)
    show_events(trial)
    offer_charts()


def show_own(trial: Trial, reviews: Reviews, reader: str) -> None:
    """What one reader has to do, and nothing of the others."""
    st.caption(
        f"{plain(reader)} reads blinded: other readers, arms and covariates are not shown on any "
        "page."
    )
    show(reader_rows(trial, reviews.progress, reader), "own", "How far you are")
    show(own_cases(trial, reviews.progress, reader), "own-cases", "Your cases")
    if reader == trial.adjudicator:
        st.markdown("**To adjudicate**")
        show(differences(trial, reviews.decisions), "own-differences", "Lesions to adjudicate")


def show_stages(trial: Trial) -> None:
    """How many cases are how far."""
    stages = [trial.stage(case) for case in trial.assigned]
    places = st.columns(len(STAGES) + 1)
    for place, stage in zip(places, STAGES, strict=False):
        place.metric(stage.capitalize(), stages.count(stage))
    places[-1].metric("Locked", len(trial.locks))
    st.progress(
        stages.count(FINAL) / max(1, len(stages)),
        f"{stages.count(FINAL)} of {page.counted(len(stages), 'case')} with a final reading",
    )


def show_readers(trial: Trial, reviews: Reviews) -> None:
    """How far each reader is, and how long a case takes."""
    st.subheader("Readers")
    rows = reader_rows(trial, reviews.progress)
    show(rows, "readers", "How far each reader is")
    page.offer_csv(rows, "fsh-readers.csv", "Readers as CSV")
    minutes = reading_minutes(trial, reviews.progress)
    if len(minutes):
        page.show_chart(reading_times(minutes), "times", "Reading time of each case, by reader")
        st.caption(
            "A tick for each completed reading, a dot for the median; by the journals, without "
            "breaks of more than five minutes."
        )


def show_agreement(trial: Trial, reviews: Reviews) -> None:
    """How well every two readers agree before adjudication."""
    st.subheader("Agreement before adjudication")
    decisions = of_pairs(trial, reviews.decisions)
    agreement = reader_agreement(decisions)
    if agreement.empty:
        st.caption("Needs two readers who decided about the same cases.")
        return
    show(agreement, "agreement", "Agreement of every two readers")
    st.caption(
        "Over lesions of the segmentation that both decided about. Kappa: 1 = alike, 0 = as by "
        "chance (Cohen 1960). Readings that are not signed yet count too."
    )
    differing = disagreements(decisions)
    if len(differing):
        with st.expander(f"Who said what about {page.counted(len(differing), 'lesion')}"):
            show(differing, "differing", "Lesions about which two readers decided differently")
            page.offer_csv(differing, "fsh-reader-differences.csv", "Differences as CSV")


def show_adjudication(trial: Trial, reviews: Reviews) -> None:
    """What the adjudicator decides about."""
    st.subheader("Adjudication")
    if not trial.adjudicator:
        st.caption(
            "Nobody adjudicates: a case in which readers differ has no final reading. "
            "`fsh readers assign --adjudicator NAME` names who does, with the next cases."
        )
    stages = [trial.stage(case) for case in trial.assigned]
    waiting = stages.count("to compare")
    if waiting:
        st.caption(
            f"{page.counted(waiting, 'case')} signed by all and not compared yet: "
            "`fsh readers adjudicate`."
        )
    rows = differences(trial, reviews.decisions)
    if rows.empty:
        st.caption(
            "No difference was found in what has been compared."
            if trial.comparisons
            else "Nothing has been compared yet: a case is, once all its readers have signed."
        )
        return
    left = stages.count(TO_ADJUDICATE)
    st.markdown(
        f"**{page.counted(len(rows), 'lesion')} that readers differ on, "
        f"{page.counted(left, 'case')} left to adjudicate**"
    )
    show(rows, "adjudication", "Lesions that the adjudicator decides about")
    page.offer_csv(rows, "fsh-adjudication.csv", "Adjudication as CSV")


def show_cases(trial: Trial) -> None:
    """How far every case is."""
    st.subheader("Cases")
    rows = case_rows(trial)
    wanted = st.multiselect(
        "Only", STAGES, key="stage", bind="query-params", placeholder="every stage"
    )
    if wanted:
        rows = rows[rows["stage"].isin(wanted)]
    show(rows, "trial-cases", "How far every case is")
    page.offer_csv(rows, "fsh-trial-cases.csv", "Cases as CSV")


def show_events(trial: Trial) -> None:
    """What was assigned, signed, compared, locked and unlocked, latest first."""
    st.subheader("What happened")
    rows = event_rows(trial)
    show(rows.iloc[::-1], "trial-events", "What happened in the trial, latest first")
    page.offer_csv(rows, "fsh-trial-events.csv", "Events as CSV")


main()
