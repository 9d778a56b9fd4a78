"""Choosing what goes into the review queue, writing it, and the queue that is waiting."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from fsh_core.errors import InputError
from fsh_core.review import Queue, QueueItem, change_queue, load_queue
from fsh_dashboard import page
from fsh_dashboard.data.cohort_tables import Results
from fsh_dashboard.data.folder import Opened
from fsh_dashboard.data.queue_rules import RULES, with_more, without_reviewed
from fsh_dashboard.data.reviews import Reviews
from fsh_dashboard.plain_text import plain
from fsh_dashboard.sections.review_tables import show


def choose_queue(opened: Opened, results: Results, reviews: Reviews) -> None:
    """Choose by rule, look at the choice, write the queue."""
    st.subheader("Choose")
    rule_place, limit_place, most_place, open_place = st.columns(
        [3, 2, 2, 3], vertical_alignment="bottom"
    )
    name = rule_place.selectbox(
        "Rule",
        list(RULES),
        key="rule",
        bind="query-params",
        format_func=lambda key: RULES[key].title,
    )
    rule = RULES[name]
    limit = rule.default(results)
    if rule.limit:
        limit = limit_place.number_input(
            rule.limit, 0.0, 1.0, limit, 0.05, key=f"limit-{name}", bind="query-params"
        )
    most = most_place.number_input("At most (cases)", 1, None, 50, key="most", bind="query-params")
    items = rule.choose(results, reviews, limit)
    if open_place.toggle(
        "Without completed cases", value=True, key="unreviewed", bind="query-params"
    ):
        items = without_reviewed(items, reviews)
    items = items[: int(most)]
    if not items:
        st.info(f"No case fits this rule{missing(name, results)}.")
        return
    count = sum(len(item.lesions) for item in items)
    lesions = f", {page.counted(count, 'lesion')}" if count else ""
    st.caption(f"{page.counted(len(items), 'case')}{lesions}, worst first.")
    show(as_table(items), "choice", "What the queue will hold")
    words = (
        f"{rule.title}{f', {rule.limit.lower()} {limit:g}' if rule.limit else ''}, "
        f"at most {page.counted(int(most), 'case')}"
    )
    if opened.is_example:
        st.caption(
            "The bundled example stays as it is: open a folder of your own to write a queue."
        )
    else:
        offer_to_write(opened, results, items, rule.title, words)


def missing(rule: str, results: Results) -> str:
    """Say what a rule would need that these results do not have."""
    if rule == "disagreeing" and "dice" not in results.cases:
        return ": no case has a reference mask"
    if rule == "readers":
        return ": it needs two readers who decided about the same lesions"
    return ""


def offer_to_write(
    opened: Opened, results: Results, items: Sequence[QueueItem], name: str, rule: str
) -> None:
    """Offer to write the chosen items; a queue that is there is never replaced unasked."""
    created = datetime.now(UTC).isoformat(timespec="seconds")
    chosen = Queue(name, created, rule, tuple(items))
    try:
        there = load_queue(opened.inside(results.name))
    except InputError:  # the page names it below, and so does every try to write
        there = None
    buttons = st.container(horizontal=True)
    if there is None or not there.items:
        if buttons.button("Write the queue", type="primary", key="write"):
            write(opened, results, there, lambda before: chosen)
        return
    if buttons.button("Add to the queue", type="primary", key="add"):
        write(opened, results, there, lambda before: with_more(before or chosen, items, rule))
    with buttons.popover("Replace the queue"):
        count = page.counted(len(there.items), "case")
        st.markdown(f"The queue of {count} that is there is lost: {plain(there.rule)}.")
        if st.button(f"Replace {count}", key="replace"):
            write(opened, results, there, lambda before: chosen)


def write(
    opened: Opened,
    results: Results,
    seen: Queue | None,
    change: Callable[[Queue | None], Queue],
) -> None:
    """Change the queue file of the results folder, if it is still the one that was seen."""

    def changed(before: Queue | None) -> Queue:
        if before != seen:
            raise InputError("the queue has changed meanwhile: look at it below, then try again")
        return change(before)

    try:
        queue, path = change_queue(opened.inside(results.name), changed)
    except InputError as error:
        st.error(plain(str(error).replace(f"{opened.root}/", "")))
        return
    count = page.counted(len(queue.items), "case")
    st.success(f"Written: {plain(opened.named(path))} with {count}")


def show_queue(opened: Opened, results: Results, reviews: Reviews) -> None:
    """The queue that is waiting, and how much of it is done."""
    st.subheader("The queue")
    try:
        queue = load_queue(opened.inside(results.name))
    except InputError as error:
        st.warning(plain(str(error).replace(f"{opened.root}/", "")))
        return
    if queue is None:
        st.caption(
            "There is none yet. What is written above is opened in napari: Plugins > F.sh > Review."
        )
        return
    done = (
        reviews.progress[reviews.progress["status"] == "completed"]
        .groupby("case")["reader"]
        .agg(", ".join)
    )
    table = as_table(queue.items).assign(
        completed=[done.get(item.case, "") for item in queue.items]
    )
    finished = int((table["completed"] != "").sum())
    st.progress(
        finished / max(1, len(table)),
        f"{finished} of {page.counted(len(table), 'case')} completed by a reader",
    )
    created = queue.created.replace("T", " ").removesuffix("+00:00")
    st.caption(plain(f"{queue.name}. Rule: {queue.rule}. Made {created} UTC."))
    show(table.rename(columns={"completed": "Completed by"}), "queue", "The queue")


def as_table(items: Sequence[QueueItem]) -> pd.DataFrame:
    """Write the items of a queue as rows."""
    words = [", ".join(map(str, item.lesions)) or "whole case" for item in items]
    return pd.DataFrame(
        {
            "case": [item.case for item in items],
            "lesions": words,
            "reason": [item.reason for item in items],
        }
    )
