"""Choosing an operating point and fitting confidences on validation patients."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fsh_core.cases import discover_cases
from fsh_core.cli import main
from fsh_core.cli.calibrate import _groups
from fsh_core.config import ModelConfig
from fsh_core.errors import InputError
from fsh_core.lesions.confidence import FEATURES, Calibration
from fsh_core.network.card import WeightsCard
from fsh_core.training.calibrate import _weighted, calibrate, fit_lesions


class Bright:
    """Two members that give bright voxels 0.4, so that the right threshold is below half."""

    model = ModelConfig(spacing_mm=2.0)

    def __call__(self, image, on_patch=None):
        probability = np.where(image[0] > 0.95, np.float32(0.4), np.float32(0.0))
        return np.stack([probability, probability])


@pytest.fixture(scope="module")
def found(training_bids: Path):
    return calibrate([(Bright(), discover_cases(training_bids))])


def test_the_threshold_follows_the_network_not_custom(found):
    assert found["operating_point"]["threshold"] <= 0.4
    assert min(row["dice"] for row in found["validation"]) > 0.8
    assert [row["case"] for row in found["validation"]] == [
        "sub-01",
        "sub-02_ses-a",
        "sub-02_ses-b",
        "sub-03",
        "sub-04",
    ]


def test_what_it_says_of_probabilities_is_counted(found):
    """What is called 0.4 is nearly always lesion: off by about 0.6."""
    assert found["reliability"]["expected_calibration_error"] > 0.3
    counted = found["recall_by_size"]
    assert sum(size["lesions"] for size in counted.values()) >= 10
    assert counted["above_10mm"]["found"] == counted["above_10mm"]["lesions"] > 0


def test_the_calibration_can_be_read_back_and_used(found):
    calibration = Calibration.from_card(WeightsCard.model_validate(found))
    assert calibration is not None
    assert calibration.patients == 5
    assert calibration.rate == 0.8
    low, high = calibration.volume_interval_ml(5.0, 0.5)
    assert 0 < low < 5.0 < high
    assert 0 <= found["calibration"]["covered"] <= 1
    assert found["calibration"]["median_factor"] >= 1


def test_groups_are_patients_unless_others_are_named(found):
    assert list(found["calibration"]["covered_by_group"]) == ["01", "02", "03", "04"]


def test_every_site_counts_the_same(training_bids: Path):
    """Weights of lesions: the patients of a site share what the only one of another has alone."""
    tables = [pd.DataFrame({"real": [True] * count}) for count in (4, 2, 1)]
    weighted = _weighted(tables, ["a", "a", "b"])
    assert [table["weight"].sum() for table in weighted] == pytest.approx([0.75, 0.75, 1.5])
    sites = {"01": "a", "02": "a", "03": "b", "04": "b"}
    by_site = calibrate([(Bright(), discover_cases(training_bids))], groups=sites)
    assert list(by_site["calibration"]["covered_by_group"]) == ["a", "b"]


def test_a_single_group_cannot_be_left_out(training_bids: Path):
    cases = discover_cases(training_bids)
    with pytest.raises(InputError, match="needs at least 2, got here alone"):
        calibrate([(Bright(), cases)], groups={case.subject: "here" for case in cases})


def test_sites_come_from_participants_tsv(training_bids: Path, tmp_path: Path):
    cases = discover_cases(training_bids)
    path = tmp_path / "participants.tsv"
    with pytest.raises(InputError, match="--group-by site reads it, cannot be read"):
        _groups(tmp_path, "site", cases)
    path.write_text("participant_id\tsite\nsub-01\ta\nsub-02\tb\nsub-03\tb\n")
    with pytest.raises(InputError, match="there is no column 'scanner'"):
        _groups(tmp_path, "scanner", cases)
    with pytest.raises(InputError, match="column site says nothing of 04; fill it in"):
        _groups(tmp_path, "site", cases)
    assert _groups(tmp_path, "site", cases[:3]) == {"01": "a", "02": "b"}
    assert _groups(tmp_path, None, cases) == {}


def test_lesions_that_look_sure_and_are_real_get_a_high_chance():
    rng = np.random.default_rng(0)
    real = rng.random(200) < 0.5
    features = {name: rng.normal(0, 1, 200) for name in FEATURES} | {"intercept": np.ones(200)}
    features["max_probability_logit"] = np.where(real, 2.0, -2.0) + rng.normal(0, 1, 200)
    table = pd.DataFrame(features).assign(real=real, weight=1 / 200)
    coefficients = dict(zip(FEATURES, fit_lesions([table] * 12), strict=True))
    assert coefficients["max_probability_logit"] > 0.5
    assert max(abs(coefficients[name]) for name in FEATURES[2:]) < 0.3


def test_too_few_patients_are_refused(training_bids: Path):
    with pytest.raises(InputError, match="at least 3 validation cases, got 2"):
        calibrate([(Bright(), discover_cases(training_bids)[:2])])


def test_a_case_without_a_reference_is_named(training_bids: Path):
    cases = discover_cases(training_bids, "nothing")
    with pytest.raises(InputError, match="sub-01: has no reference mask"):
        calibrate([(Bright(), cases)])


def test_weights_are_not_calibrated_on_what_they_were_trained_on(training_bids: Path, capsys):
    import fsh_core

    weights = Path(fsh_core.__file__).parent / "weights" / "default.safetensors"
    assert (
        main(
            [
                "calibrate",
                str(training_bids),
                "--weights",
                str(weights),
                "--subject",
                "tabriz101228",
            ]
        )
        == 2
    )
    assert "was trained on tabriz101228; calibrate on other subjects" in capsys.readouterr().err


def test_folds_are_judged_together(training_bids: Path, found):
    cases = discover_cases(training_bids)
    assert calibrate([(Bright(), cases[:2]), (Bright(), cases[2:])]) == found


def test_a_case_held_out_twice_is_named(training_bids: Path):
    cases = discover_cases(training_bids)
    with pytest.raises(InputError, match="sub-01: held out by two of the weights"):
        calibrate([(Bright(), cases[:3]), (Bright(), cases[:1])])


def test_several_weights_need_a_card(training_bids: Path, capsys):
    assert (
        main(["calibrate", str(training_bids), "-w", "a.safetensors", "-w", "b.safetensors"]) == 2
    )
    assert "folds of a cross-validation: give --card" in capsys.readouterr().err
