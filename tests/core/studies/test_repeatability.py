"""Coefficient of variation and intraclass correlations, against published numbers."""

import numpy as np
import pytest

from fsh_core.studies.repeatability import (
    REPEATABILITY_COLUMNS,
    icc_agreement,
    icc_consistency,
    repeatability,
)

# Shrout and Fleiss 1979, table 2: six targets, four judges.
SHROUT_FLEISS = [
    [9, 2, 5, 8],
    [6, 1, 3, 2],
    [8, 4, 6, 8],
    [7, 1, 2, 6],
    [10, 5, 6, 9],
    [6, 2, 4, 7],
]


def test_the_example_of_shrout_and_fleiss():
    agreement, consistency = icc_agreement(SHROUT_FLEISS), icc_consistency(SHROUT_FLEISS)
    assert agreement.value == pytest.approx(0.29, abs=0.005)
    assert (agreement.low, agreement.high) == pytest.approx((0.02, 0.76), abs=0.005)
    assert consistency.value == pytest.approx(0.71, abs=0.005)
    assert (consistency.low, consistency.high) == pytest.approx((0.34, 0.95), abs=0.005)


def test_the_interval_covers_the_true_correlation():
    rng = np.random.default_rng(0)
    # Spread 2 between cases, 1 within: the correlation is 4/5.
    studies = [rng.normal(0, 2, (15, 1)) + rng.normal(0, 1, (15, 3)) for _ in range(300)]
    for icc in (icc_agreement, icc_consistency):
        covered = np.mean([found.low <= 0.8 <= found.high for found in map(icc, studies)])
        assert covered == pytest.approx(0.95, abs=0.03)


def test_a_constant_difference_counts_for_agreement_only():
    values = [[1, 2], [2, 3], [3, 4.0]]
    assert icc_consistency(values).value == pytest.approx(1)
    # Mean squares: cases 2, raters 1.5, error 0.
    assert icc_agreement(values).value == pytest.approx(2 / (2 + 2 * 1.5 / 3))
    assert np.isnan(icc_consistency(values).low)


def test_variation_by_hand():
    # Case 1: mean 10, sd sqrt(2); case 2: mean 20, sd sqrt(8).
    found = repeatability("volume", [[9, 11], [18, 22]])
    assert list(found) == list(REPEATABILITY_COLUMNS)
    assert found["within_case_sd"] == pytest.approx(np.sqrt(5))
    assert found["cv_fraction"] == pytest.approx(np.sqrt(0.02))
    assert found["repeatability_coefficient"] == pytest.approx(1.96 * np.sqrt(10))
    assert (found["mean"], found["n_cases"], found["n_measurements"]) == (15, 2, 2)


def test_equal_measurements():
    found = repeatability("volume", [[1.1, 1.1], [2.3, 2.3], [5.7, 5.7]])
    assert (found["cv_fraction"], found["icc_2_1"], found["icc_3_1"]) == (0, 1, 1)
    assert np.isnan(found["icc_2_1_low"])


@pytest.mark.parametrize("values", [[[1.0, 2.0]], [[0.0, 0.0], [0.0, 0.0]], [[3.0, 3.0]]])
def test_one_case_or_no_difference_has_no_correlation(values):
    found = repeatability("volume", values)
    assert np.isnan([found["icc_2_1"], found["icc_3_1"], found["icc_2_1_high"]]).all()


def test_empty_cases_have_no_coefficient_of_variation():
    assert np.isnan(repeatability("volume", [[0, 0], [0, 0.0]])["cv_fraction"])
    assert repeatability("volume", [[0, 0], [9, 11.0]])["cv_fraction"] == pytest.approx(
        np.sqrt(2) / 10
    )


def test_cases_that_lack_a_measurement_are_left_out():
    assert repeatability("volume", [[1, 2], [np.nan, 3], [4, 5.0]])["n_cases"] == 2
    none = repeatability("volume", [[1, np.nan]])
    assert none["n_cases"] == 0
    assert np.isnan([none["mean"], none["within_case_sd"], none["cv_fraction"]]).all()


def test_one_measurement_is_refused():
    with pytest.raises(ValueError, match="at least two of these, got shape"):
        repeatability("volume", [[1.0], [2.0]])


def test_visits_are_not_patients():
    rng = np.random.default_rng(6)
    once = rng.normal(20, 5, (14, 1)) + rng.normal(0, 1, (14, 3))
    four = repeatability("volume", np.repeat(once, 4, axis=0), np.repeat(np.arange(14), 4))
    expected = repeatability("volume", once)
    assert (four["n_cases"], four["n_patients"], expected["n_patients"]) == (56, 14, 14)
    for name in REPEATABILITY_COLUMNS:
        if name not in ("quantity", "n_cases"):
            assert four[name] == pytest.approx(expected[name]), name
