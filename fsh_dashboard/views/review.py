"""What to review next, how far the readers are, how well two of them agree.

And what each did when.
"""

import streamlit as st

from fsh_dashboard import loading, page
from fsh_dashboard.data.reader_agreement import disagreements, reader_agreement
from fsh_dashboard.data.reviews import Reviews
from fsh_dashboard.plain_text import plain
from fsh_dashboard.sections.queue_choice import choose_queue, show_queue
from fsh_dashboard.sections.review_tables import HEADINGS, show


def main() -> None:
    """Choose a queue, then tell what the readers made of it."""
    opened = page.begin(
        "Review", "Choose what readers should look at; the napari plugin opens it in that order."
    )
    results = loading.choose_results(opened)
    reviews = loading.reviews_of(opened, results.name)
    page.tell_problems(reviews.problems)
    choose_queue(opened, results, reviews)
    show_queue(opened, results, reviews)
    show_progress(reviews)
    show_agreement(reviews)
    show_journal(reviews)


def show_progress(reviews: Reviews) -> None:
    """How far each reader is."""
    st.subheader("Readers")
    if reviews.progress.empty:
        st.caption("Nobody has begun. A review begins in napari: Plugins > F.sh > Review.")
        return
    grouped = reviews.progress.groupby("reader")
    for reader, part in grouped:
        decided, lesions = int(part["decided"].sum()), int(part["lesions"].sum())
        completed = int((part["status"] == "completed").sum())
        st.progress(
            decided / max(1, lesions),
            f"{plain(reader)}: {decided} of {page.counted(lesions, 'lesion')} decided, "
            f"{completed} of {len(part)} begun cases completed",
        )
    show(reviews.progress, "progress", "Progress by reader and case")
    page.offer_csv(reviews.progress, "fsh-review-progress.csv", "Progress as CSV")


def show_agreement(reviews: Reviews) -> None:
    """How well two readers agree, lesion by lesion."""
    st.subheader("Agreement of readers")
    agreement = reader_agreement(reviews.decisions)
    if agreement.empty:
        st.caption("Needs two readers who decided about the same cases.")
        return
    show(agreement, "agreement", "Agreement of every two readers")
    st.caption(
        "Over lesions that both decided about. Kappa: 1 = alike, 0 = as by chance (Cohen 1960)."
    )
    differing = disagreements(reviews.decisions)
    if len(differing):
        st.markdown(f"**They differ on {page.counted(len(differing), 'lesion')}**")
        show(differing, "differing", "Lesions about which two readers decided differently")
        page.offer_csv(differing, "fsh-reader-differences.csv", "Differences as CSV")


def show_journal(reviews: Reviews) -> None:
    """The audit journal, as it was written."""
    if reviews.events.empty:
        return
    st.subheader("Journal")
    reader_place, case_place, _ = st.columns([2, 2, 3])
    events = reviews.events
    for place, column in ((reader_place, "reader"), (case_place, "case")):
        words = sorted(events[column].unique())
        chosen = place.multiselect(
            HEADINGS[column], words, key=f"events-{column}", placeholder="all", bind="query-params"
        )
        events = events[events[column].isin(chosen)] if chosen else events
    show(events.iloc[::-1], "acts", "Every event of every reader, latest first")
    page.offer_csv(events, "fsh-review-journal.csv", "Journal as CSV")


main()
