"""Volumes and regions of known lesions, within the tolerances of docs/regions.md."""

import pytest

from benchmarks.known_truth import compare
from fsh_core import BrainFinder, load_predictor
from fsh_core.sample import sample_case


@pytest.fixture(scope="module")
def told() -> dict[str, float]:
    return compare(sample_case(), load_predictor(), BrainFinder())


def test_lesions_do_not_move_the_anatomy(told: dict[str, float]) -> None:
    assert told["lesions"] >= 20
    assert told["region_of_truth_kept"] >= 0.95
    assert told["ventricle_distance_mm"] <= 0.5
    assert told["cortex_distance_mm"] <= 0.5


def test_the_truth_has_the_volume_that_was_set(told: dict[str, float]) -> None:
    assert told["true_ml"] == pytest.approx(told["placed_ml"], rel=0.15)


def test_what_is_found_has_about_that_volume_and_lies_in_the_right_regions(
    told: dict[str, float],
) -> None:
    assert told["found"] >= told["lesions"] / 4
    assert told["found_ml"] == pytest.approx(told["true_ml"], rel=0.4)
    assert told["region_of_found_right"] >= 0.75
