"""The weights in use: where they are from, how good they are, what they mean by a probability."""

from typing import Any

import pandas as pd
import streamlit as st

from fsh_core.config import SegmentConfig
from fsh_core.errors import InputError
from fsh_dashboard import loading, page
from fsh_dashboard.chart_files import offer_charts
from fsh_dashboard.choices import asked_in_vain, say_lost
from fsh_dashboard.data.agreement_tables import by_group
from fsh_dashboard.data.columns import MAIN_METRICS, label_of
from fsh_dashboard.data.folder import Opened, find_results
from fsh_dashboard.data.model_cards import (
    Card,
    calibration_words,
    find_cards,
    others_validated,
    recall_rows,
    reliability_rows,
    retention_rows,
    trained_on_validation,
    validation_rows,
)
from fsh_dashboard.figures.agreement import intervals
from fsh_dashboard.figures.model import recall_by_size, reliability_diagram, retention
from fsh_dashboard.plain_text import plain
from fsh_dashboard.sections.experiments import show_experiments
from fsh_dashboard.table_display import show_table


def main() -> None:
    """Choose weights, then tell what is known of them."""
    opened = page.begin("Model", "The weights in use: training, validation, calibration.")
    try:
        cards, problems = find_cards(opened)
    except InputError as error:  # the bundled card itself
        st.error(plain(error))
        st.stop()
    page.tell_problems(problems)
    card = choose_card(cards)
    show_card(card)
    show_use(opened, card)
    show_validation(card)
    show_calibration(card)
    show_recall(card)
    show_experiments(opened)
    offer_charts()


def choose_card(cards: list[Card]) -> Card:
    """Choose among the bundled weights and those of the runs."""
    titles = [f"{card.title} ({card.name})" for card in cards]
    lost = asked_in_vain("card", titles)
    if lost is not None:
        say_lost(lost, "Card", "in this folder")
    elif len(cards) == 1:
        return cards[0]
    first = None if lost is not None else 0
    chosen = st.selectbox("Weights", titles, first, key="card", bind="query-params")
    if chosen is None:
        st.stop()
    return cards[titles.index(chosen)]


def show_card(card: Card) -> None:
    """Name, origin, configuration."""
    st.subheader(plain(card.title), anchor=False)
    point = card.block("operating_point", dict)
    columns = st.columns(4)
    subjects = card.facts.training.subjects
    columns[0].metric("Training patients", len(subjects) if subjects else "–")
    steps = (card.facts.training.model_extra or {}).get("steps")
    columns[1].metric("Steps", f"{steps:,}" if isinstance(steps, int) else "–")
    usual = SegmentConfig()
    threshold = number(point, "threshold", usual.threshold)
    smallest = number(point, "minimum_volume_mm3", usual.minimum_volume_mm3)
    origin = (
        "Chosen on validation patients."
        if point
        else "By convention; fsh calibrate finds better ones."
    )
    columns[2].metric("Threshold", f"{threshold:g}", help=origin)
    columns[3].metric("Smallest lesion", f"{smallest:g} mm³", help=origin)
    st.caption(f"SHA-256 {plain(card.facts.sha256)}")
    facts = {"Licence": card.facts.licence, "Documentation": card.facts.documentation}
    said = [f"{title}: {fact}" for title, fact in facts.items() if fact is not None]
    st.caption(plain(" · ".join(said)))
    with st.expander("The whole card"):
        st.json(card.facts.to_json(), expanded=1)


def show_use(opened: Opened, card: Card) -> None:
    """Which results of this folder were made by these weights."""
    said = []
    for name in find_results(opened):
        cases = loading.load(opened, name).cases
        if "weights_sha" in cases:
            made = int((cases["weights_sha"] == card.facts.sha256).sum())
            said.append(f"{made} of {page.counted(len(cases), 'case')} in {plain(name)}")
    if said:
        st.caption(f"These weights made {', '.join(said)}.")


def show_validation(card: Card) -> None:
    """Results on validation patients, over all and by site."""
    others, seen = others_validated(card), trained_on_validation(card)
    st.subheader("Validation of other networks" if others or seen else "Validation")
    rows = validation_rows(card)
    metrics = [
        metric
        for metric in MAIN_METRICS
        if metric in rows and pd.api.types.is_numeric_dtype(rows[metric])
    ]
    if rows.empty or not metrics:
        missing("The card holds no validation results yet.")
        return
    if others or seen:
        st.info(plain(tell_others(card, others, seen)))
    left, right = st.columns(2)
    with left:
        several = rows["site"].nunique() > 1
        summary = by_group(rows, metrics, "site" if several else None)
        page.show_chart(
            intervals(summary, {name: label_of(name) for name in metrics}),
            "sites",
            "Results by site",
        )
        sizes = summary.groupby("group", sort=False)["n_patients"].max()
        counts = ", ".join(f"{name} {count}" for name, count in sizes.items())
        st.caption(
            plain(
                f"Means with 95 % bootstrap intervals; patients: {counts}. There is no interval "
                "for fewer than five."
            )
        )
    with right:
        order = ["case", "site", *(column for column in rows if column not in ("case", "site"))]
        show_table(rows[order], "validation", "Validation results by case")
        page.offer_csv(rows, "fsh-validation.csv", "Validation as CSV")


def tell_others(card: Card, others: int, seen: list[str]) -> str:
    """Say whose results these are, if not those of the weights."""
    whose = f"{others} other networks" if others else "other networks"
    note = card.block("validation_note", str)
    return (
        f"These are not results of these weights but of {whose}, such as the folds of a "
        "cross-validation, each on patients it had not seen"
        + (f" ({note})" if note else "")
        + "."
        + (f" The weights themselves learned from {len(seen)} of these patients." if seen else "")
    )


def show_calibration(card: Card) -> None:
    """Whether a probability, a confidence and a volume interval mean what they say."""
    st.subheader("Calibration")
    voxels, lesions = card.block("reliability", dict), card.block("confidence", dict)
    drawn = {
        "voxel": (reliability_rows(voxels), "Probability of a voxel", "Lesion voxels (share)"),
        "lesion": (reliability_rows(lesions), "Confidence of a lesion", "Real lesions (share)"),
    }
    kept = retention_rows(card)
    if all(rows.empty for rows, _, _ in drawn.values()):
        missing("The card holds no calibration yet.")
        return
    places = st.columns(3)
    for place, (key, (rows, said, came)) in zip(places, drawn.items(), strict=False):
        if len(rows):
            with place:
                page.show_chart(
                    reliability_diagram(rows, said, came),
                    f"reliability-{key}",
                    f"{came} against {said}",
                )
    if len(kept):
        with places[2]:
            page.show_chart(retention(kept), "retention", "Precision of the surest lesions")
    st.caption(" · ".join(calibration_words(card)))


def number(block: dict[str, Any], key: str, usual: float) -> float:
    """Take a number of a block, or the usual one."""
    value = block.get(key)
    return float(value) if isinstance(value, int | float) else usual


def show_recall(card: Card) -> None:
    """Which sizes of lesions are found."""
    st.subheader("Recall by lesion size")
    rows = recall_rows(card)
    if rows.empty:
        missing("The card holds no recall by size yet.")
        return
    page.show_chart(recall_by_size(rows), "recall", "Share of reference lesions found, by size")


def missing(sentence: str) -> None:
    """Say what the card does not hold, and what adds it."""
    st.caption(
        f"{sentence} `fsh calibrate` measures it on validation patients and writes it into the "
        "card."
    )


main()
