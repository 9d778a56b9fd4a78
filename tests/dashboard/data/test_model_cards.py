"""Cards of weights: what they say as tables, whatever is missing or broken in them."""

import json
from pathlib import Path
from typing import Any

import pytest

from fsh_core.errors import InputError
from fsh_core.network.card import WeightsCard, read_card
from fsh_dashboard.data.folder import open_folder
from fsh_dashboard.data.model_cards import (
    BUNDLED,
    Card,
    find_cards,
    recall_rows,
    reliability_rows,
    retention_rows,
    site_of,
    validation_rows,
)

BINS = [
    {"probability": 0.05, "real": 0.02, "share": 0.7, "count": 70},
    {"probability": 0.95, "real": 0.9, "count": 30},
]


def card(**content: Any) -> Card:
    return Card("test", WeightsCard.model_validate({"format": "fsh-checkpoint-1", **content}))


def test_the_bundled_card_is_read_without_the_network() -> None:
    assert read_card(BUNDLED).network_config().target == "lesion"


def test_cards_of_runs_follow_the_bundled_one(run_folder: Path) -> None:
    for name, text in (
        ("first", json.dumps({"format": "fsh-checkpoint-1", "sha256": "1" * 64, "name": "mine"})),
        ("second", "{}"),
    ):
        (run_folder / "runs" / name / "best.safetensors").touch()
        (run_folder / "runs" / name / "best.json").write_text(text)
    cards, problems = find_cards(open_folder([str(run_folder)]))
    assert [(one.name, one.title) for one in cards][1:] == [("runs/first/best.json", "mine")]
    assert problems == [
        "runs/second/best.json: expected a fsh-checkpoint-1 description, found another JSON; "
        "use one written by fsh train"
    ]


def test_a_healthy_run_has_no_problem(run_folder: Path) -> None:
    """What `--resume` needs lies beside the weights, and has no card."""
    for name in ("best", "last"):
        (run_folder / "runs" / "first" / f"{name}.safetensors").touch()
        content = {"format": "fsh-checkpoint-1", "sha256": "1" * 64, "name": name}
        (run_folder / "runs" / "first" / f"{name}.json").write_text(json.dumps(content))
    (run_folder / "runs" / "first" / "state.safetensors").touch()
    cards, problems = find_cards(open_folder([str(run_folder)]))
    assert problems == []
    assert [card.title for card in cards[1:]] == ["best", "last"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": "other"}'])
def test_another_file_is_no_card(tmp_path: Path, text: str) -> None:
    path = tmp_path / "weights.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"weights\.json: expected "):
        read_card(path)


def test_a_card_outside_the_opened_folder_is_refused(run_folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "card.json"
    outside.write_text(json.dumps({"format": "fsh-checkpoint-1", "sha256": "1" * 64}))
    (run_folder / "runs" / "first" / "best.safetensors").touch()
    (run_folder / "runs" / "first" / "best.json").symlink_to(outside)
    cards, problems = find_cards(open_folder([str(run_folder)]))
    assert len(cards) == 1
    assert "leads out of the opened folder" in problems[0]


@pytest.mark.parametrize(
    ("case", "site"),
    [
        ("sub-ljubljana07", "ljubljana"),
        ("mslessegP39", "mslesseg"),
        ("sub-01", "sub-01"),
        ("abc", "abc"),
    ],
)
def test_the_site_is_what_a_name_begins_with(case: str, site: str) -> None:
    assert site_of(case) == site


def test_validation_has_a_row_for_each_case() -> None:
    rows = validation_rows(
        card(validation=[{"case": "sub-tabriz1", "dice": 0.7}, {"case": "sub-x2", "dice": None}, 3])
    )
    assert rows["site"].tolist() == ["tabriz", "x"]
    assert rows["dice"].iloc[0] == 0.7


def test_recall_is_found_over_all() -> None:
    rows = recall_rows(
        card(recall_by_size={"below_3mm": {"lesions": 4, "found": 1}, "3_to_10mm": {"lesions": 0}})
    )
    assert rows.to_dict("records") == [
        {"size": "below 3 mm", "lesions": 4, "found": 1, "recall": 0.25}
    ]


def test_bins_and_retention_are_taken_as_they_are() -> None:
    assert reliability_rows({"bins": BINS}).to_numpy().tolist() == [
        [0.05, 0.02, 70],
        [0.95, 0.9, 30],
    ]
    kept = retention_rows(card(retention=[{"retained": 0.5, "precision": 0.9}]))
    assert kept.to_numpy().tolist() == [[0.5, 0.9]]


@pytest.mark.parametrize(
    "broken", [None, 3, "words", [], {}, [None], [{"case": 1}], {"bins": 3}, {"a": [1]}]
)
def test_what_is_missing_or_something_else_is_an_empty_table(broken: Any) -> None:
    whole = card(validation=broken, recall_by_size=broken, reliability=broken, retention=broken)
    validation_rows(whole)
    assert recall_rows(whole).empty
    assert reliability_rows(whole.block("reliability", dict)).empty
    assert retention_rows(whole).empty
