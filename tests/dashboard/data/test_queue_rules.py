"""Each rule chooses what it says, worst first."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from fsh_core.review import QueueItem, load_queue, save_queue
from fsh_core.review.queue import Queue
from fsh_dashboard.data.cohort_tables import Results, read_results
from fsh_dashboard.data.folder import open_folder
from fsh_dashboard.data.queue_rules import (
    RULES,
    certainty_column,
    picked,
    with_more,
    without_reviewed,
)
from fsh_dashboard.data.reviews import Reviews, read_reviews

NAME = "derivatives/fsh"
Decide = Callable[..., None]


def read(study: Path) -> tuple[Results, Reviews]:
    opened = open_folder([str(study)])
    results = read_results(opened, NAME)
    return results, read_reviews(opened, results)


def chosen(study: Path, rule: str, limit: float = 0.0, **columns: list[object]) -> list[QueueItem]:
    """What a rule chooses, with columns of the lesions replaced."""
    results, reviews = read(study)
    results = replace(results, lesions=results.lesions.assign(**columns))
    return RULES[rule].choose(results, reviews, limit)


def test_the_least_certain_lesion_comes_first(study: Path) -> None:
    # Lesions: P1 1-3, P2 1-2, P4 1.
    items = chosen(study, "uncertain", 0.6, confidence=[0.9, 0.5, 0.3, 0.7, 0.1, 0.6])
    assert [(item.case, item.lesions) for item in items] == [("sub-P2", (2,)), ("sub-P1", (3, 2))]
    assert items[0].reason == "confidence from 0.10"
    assert items[0].record == "sub-P2/anat/sub-P2_seg-lesions_dseg.json"


def test_without_a_calibration_the_probability_counts(study: Path) -> None:
    results, _ = read(study)
    assert certainty_column(results.lesions) == "mean_probability"
    assert certainty_column(results.lesions.assign(confidence=float("nan"))) == "mean_probability"
    assert certainty_column(results.lesions[["case"]]) is None
    assert len(chosen(study, "uncertain", 0.91)) == 3  # every lesion of the tests has 0.9
    assert chosen(study, "uncertain", 0.5) == []


def test_disagreeing_cases_come_worst_first(study: Path) -> None:
    items = chosen(study, "disagreeing", 0.99)
    assert [item.case for item in items] == [
        "sub-P3",
        "sub-P2",
    ]  # Dice 0 and 208/212; P4 has no reference
    assert items[0].reason == "Dice 0.00"
    assert items[0].lesions == ()


def test_flagged_lesions_come_before_flagged_cases(study: Path) -> None:
    items = chosen(study, "flagged", flags=["", "choroid_plexus;edge", None, "", "", "faint"])
    assert [(item.case, item.lesions, item.reason) for item in items] == [
        ("sub-P1", (2,), "choroid plexus, edge"),
        ("sub-P4", (1,), "faint"),
        ("sub-P3", (), "no lesion"),
    ]


def test_outliers_are_the_flags_about_size(study: Path) -> None:
    results, reviews = read(study)
    cases = results.cases.assign(flags=["high volume", "low count, no lesion", "no lesion", ""])
    items = RULES["outliers"].choose(replace(results, cases=cases), reviews, 0.0)
    assert [item.case for item in items] == ["sub-P1", "sub-P2"]


def test_lesions_on_which_readers_differ(study: Path, decide: Decide) -> None:
    decide(study, "P1", "AB", {1: "accepted", 2: "rejected"})
    decide(study, "P1", "CD", {1: "rejected", 2: "rejected"})
    items = chosen(study, "readers")
    assert [(item.case, item.lesions) for item in items] == [("sub-P1", (1,))]


def test_completed_cases_can_be_left_out(study: Path, decide: Decide) -> None:
    decide(study, "P3", "AB", {}, case="completed")
    items = chosen(study, "disagreeing", 0.99)
    assert [item.case for item in without_reviewed(items, read(study)[1])] == ["sub-P2"]


def test_picked_lesions_are_one_item_a_case_largest_first(study: Path) -> None:
    results, _ = read(study)
    items = picked(results, results.lesions.iloc[[1, 0, 5]])
    assert [(item.case, item.lesions) for item in items] == [("sub-P4", (1,)), ("sub-P1", (1, 2))]
    assert {item.reason for item in items} == {"picked by hand"}


def test_more_lesions_join_their_case_and_new_cases_come_last() -> None:
    queue = Queue(
        "q",
        "2026-01-01",
        "flagged",
        (QueueItem("a", "a.json", (2,), "faint"), QueueItem("b", "b.json")),
    )
    more = [QueueItem(name, f"{name}.json", (1, 2), "picked by hand") for name in "cab"]
    longer = with_more(with_more(queue, more), more)  # twice is the same as once
    assert [(item.case, item.lesions) for item in longer.items] == [
        ("a", (2, 1)),
        ("b", ()),
        ("c", (1, 2)),
    ]
    assert [item.reason for item in longer.items] == [
        "faint; picked by hand",
        "picked by hand",
        "picked by hand",
    ]
    assert longer.rule == "flagged; picked by hand"
    assert with_more(queue, []).items == queue.items


@pytest.mark.parametrize("rule", list(RULES))
def test_what_any_rule_chooses_can_be_written_and_read(
    study: Path, decide: Decide, rule: str
) -> None:
    decide(study, "P1", "AB", {1: "accepted"})
    decide(study, "P1", "CD", {1: "rejected"})
    results, reviews = read(study)
    items = tuple(RULES[rule].choose(results, reviews, 1.0))
    root = study / NAME
    save_queue(root, Queue("q", "2026-01-01", rule, items))
    queue = load_queue(root)
    assert queue is not None
    assert queue.items == items
    assert all((root / item.record).is_file() for item in items)


@pytest.mark.parametrize("rule", list(RULES))
def test_a_rule_without_what_it_needs_chooses_nothing(study: Path, rule: str) -> None:
    results, reviews = read(study)
    bare = replace(
        results,
        cases=results.cases[["case", "record"]].assign(flags=""),
        lesions=results.lesions[["case", "label", "voxels", "volume_mm3"]],
    )
    assert RULES[rule].choose(bare, reviews, 1.0) == []
