"""The Model page: today's card, a full one, broken ones; experiments."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from fsh_core.network.card import WeightsCard
from fsh_dashboard.data import model_cards
from fsh_dashboard.data.run_tables import experiments
from fsh_dashboard.data.runs import read_run

OpenPage = Callable[..., AppTest]
Words = Callable[[AppTest], str]
FULL: dict[str, Any] = {
    "format": "fsh-checkpoint-1",
    "sha256": "1" * 64,
    "name": "F.sh test",
    "training": {"subjects": ["a1", "a2"], "steps": 2000},
    "operating_point": {"threshold": 0.4, "minimum_volume_mm3": 5.0},
    "validation": [
        {"case": "sub-a3", "dice": 0.7, "lesion_f1": 0.6},
        {"case": "sub-a4", "dice": 0.5, "lesion_f1": 0.4},
        {"case": "sub-b1", "dice": 0.3, "lesion_f1": None},
    ],
    "recall_by_size": {
        "below_3mm": {"lesions": 4, "found": 1},
        "above_10mm": {"lesions": 2, "found": 2},
    },
    "reliability": {
        "bins": [{"probability": 0.1, "real": 0.2, "share": 1.0, "count": 9}],
        "expected_calibration_error": 0.1,
    },
    "confidence": {
        "lesions": 9,
        "brier": 0.2,
        "bins": [{"probability": 0.5, "real": 0.5, "count": 9}],
    },
    "calibration": {"rate": 0.8, "covered": 0.75},
    "retention": [{"retained": 0.1, "precision": 1.0}, {"retained": 1.0, "precision": 0.6}],
}


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """Put another card in the place of the bundled one."""

    def put(content: Any) -> None:
        path = tmp_path / "default.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        monkeypatch.setattr(model_cards, "BUNDLED", path)

    return put


def test_a_card_without_results_says_what_is_missing(
    tmp_path: Path, open_page: OpenPage, words_of: Words, bundle: Callable[[Any], None]
) -> None:
    bundle({"format": "fsh-checkpoint-1", "sha256": "1" * 64, "name": "bare"})
    app = open_page("model", tmp_path)
    assert not app.exception
    said = words_of(app)
    for words in (
        "no validation results",
        "no calibration",
        "no recall by size",
        "No training run",
    ):
        assert words in said


def test_a_full_card_is_told(
    study: Path, open_page: OpenPage, words_of: Words, bundle: Callable[[Any], None]
) -> None:
    bundle(FULL)
    app = open_page("model", study)
    assert not app.exception
    said = words_of(app)
    assert "Training patients 2" in said
    assert "Threshold 0.4" in said
    assert "made 4 of 4 cases in derivatives/fsh" in said
    assert "Expected calibration error of voxels 0.100" in said
    assert "covered on patients left out 0.750" in said
    assert len(app.get("vega_lite_chart")) == 5  # by site, two reliabilities, retention, recall
    assert app.dataframe[0].value["site"].tolist() == ["a", "a", "b"]


def test_the_card_that_ships_is_shown(tmp_path: Path, open_page: OpenPage, words_of: Words) -> None:
    app = open_page("model", tmp_path)
    assert not app.exception
    assert "SHA-256" in words_of(app)


def test_a_broken_card_is_one_sentence(
    tmp_path: Path, open_page: OpenPage, bundle: Callable[[Any], None]
) -> None:
    bundle("{")
    app = open_page("model", tmp_path)
    assert not app.exception
    assert "expected the JSON of a checkpoint" in app.error[0].value


@pytest.mark.parametrize("key", [key for key in FULL if key != "format"])
@pytest.mark.parametrize("value", [None, "words", [3]])
def test_a_card_with_a_strange_part_is_shown(
    tmp_path: Path, open_page: OpenPage, bundle: Callable[[Any], None], key: str, value: Any
) -> None:
    bundle({**FULL, key: value})
    assert not open_page("model", tmp_path).exception


def test_experiments_are_listed_best_first(run_folder: Path, open_page: OpenPage) -> None:
    app = open_page("model", run_folder)
    assert not app.exception
    table = app.dataframe[-1].value
    assert table["Run"].tolist() == ["runs/first", "runs/second"]
    assert table["model.norm"].tolist() == ["instance", "batch"]


def test_experiments_without_a_validation_come_last(
    new_run: Callable[..., Path], tmp_path: Path
) -> None:
    runs = [
        read_run(new_run(tmp_path / name, epochs), name)
        for name, epochs in (("new", 2), ("old", 8))
    ]
    table = experiments(runs, now_s=1e12)
    assert table["run"].tolist() == ["old", "new"]
    assert table["best_epoch"].iloc[0] == 8
    assert pd.isna(table["best_dice"].iloc[1])
    assert experiments([], 0).empty


def test_folds_of_other_networks_are_no_results_of_these_weights(
    tmp_path: Path, open_page: OpenPage, words_of: Words, bundle: Callable[[Any], None]
) -> None:
    other = {"weights_sha256": ["2" * 64, "3" * 64], "rate": 0.8, "covered": 0.75, "patients": 3}
    bundle(FULL | {"calibration": other, "validation_note": "two folds"})
    said = words_of(open_page("model", tmp_path))
    assert "Validation of other networks" in said
    assert "not results of these weights but of 2 other networks" in said
    assert "two folds" in said
    bundle(FULL | {"calibration": other | {"weights_sha256": ["1" * 64]}})
    assert "other networks" not in words_of(open_page("model", tmp_path))
    bundle(FULL | {"training": {"subjects": ["a3", "b9"]}})
    said = words_of(open_page("model", tmp_path))
    assert "Validation of other networks" in said
    assert "learned from 1 of these patients" in said


def test_sites_have_their_number_of_patients(
    tmp_path: Path, open_page: OpenPage, words_of: Words, bundle: Callable[[Any], None]
) -> None:
    bundle(FULL)
    said = words_of(open_page("model", tmp_path))
    assert "patients: all 3, a 2, b 1. There is no interval for fewer than five" in said


def test_brier_and_calibration_stand_beside_their_base_rate() -> None:
    lesions = FULL["confidence"] | {"lesions": 10, "real": 4, "brier": 0.2}
    facts = WeightsCard.model_validate(
        FULL | {"confidence": lesions, "calibration": FULL["calibration"] | {"patients": 13}}
    )
    words = model_cards.calibration_words(model_cards.Card("x", facts))
    assert words == [
        "Expected calibration error of voxels 0.100 (base rate 20 %, 9 voxels)",
        "Brier score of lesions 0.200 (always saying the base rate of 40 %: 0.240; 10 lesions)",
        "Volume intervals meant to cover 0.800",
        "covered on patients left out 0.750 of 13",
    ]
