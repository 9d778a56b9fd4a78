"""Summaries and their bootstrap intervals."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsh_core.studies.statistics import SUMMARY_COLUMNS, bootstrap_interval, summarise


def test_the_interval_is_near_the_normal_one_for_many_cases():
    values = np.random.default_rng(0).normal(10.0, 2.0, size=200)
    low, high = bootstrap_interval(values)
    half = 1.96 * values.std(ddof=1) / np.sqrt(200)
    assert low == pytest.approx(values.mean() - half, abs=0.06)
    assert high == pytest.approx(values.mean() + half, abs=0.06)


def test_same_seed_same_interval_whatever_the_order():
    values = np.random.default_rng(1).random(20)
    assert bootstrap_interval(values) == bootstrap_interval(values[::-1])
    assert bootstrap_interval(values) != bootstrap_interval(values, seed=1)


def test_a_wider_level_gives_a_wider_interval():
    values = np.random.default_rng(2).random(30)
    narrow, wide = bootstrap_interval(values, level=0.5), bootstrap_interval(values, level=0.99)
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_another_statistic():
    values = [1.0, 1.0, 1.0, 1.0, 100.0]
    low, high = bootstrap_interval(values, statistic=np.median, n=300, level=0.5)
    assert (low, high) == (1.0, 1.0)


@pytest.mark.parametrize("values", [[], [0.7], [0.7, 0.8], [0.1, 0.2, 0.3, 0.4, np.inf, np.nan]])
def test_fewer_than_five_patients_have_no_interval(values):
    assert np.isnan(bootstrap_interval(values)).all()


def test_missing_values_are_left_out():
    known = [0.1, 0.2, 0.4, 0.5, 0.9]
    assert bootstrap_interval([*known, np.nan]) == bootstrap_interval(known)


def test_fourteen_patients_of_four_visits_are_fourteen():
    dice = np.random.default_rng(4).uniform(0.5, 0.9, 14)
    cases = pd.DataFrame({"case": [f"sub-{n:02}" for n in range(14)], "dice": dice})
    visits = pd.concat([cases.assign(case=cases["case"] + f"_ses-{v}") for v in range(4)])
    once, four = summarise(cases).iloc[0], summarise(visits).iloc[0]
    assert (once["n"], four["n"], four["n_patients"]) == (14, 56, 14)
    same = ["mean", "median", "sd", "ci_low", "ci_high"]
    assert four[same].tolist() == pytest.approx(once[same].tolist())
    naive = bootstrap_interval(visits["dice"])  # what was shown before
    assert naive[1] - naive[0] < 0.6 * (four["ci_high"] - four["ci_low"])


def test_wrong_options_are_refused():
    with pytest.raises(ValueError, match="level must be between 0 and 1, got 95"):
        bootstrap_interval([1, 2], level=95)
    with pytest.raises(ValueError, match="n must be at least 1 draw, got 0"):
        bootstrap_interval([1, 2], n=0)


@given(st.lists(st.floats(-1e6, 1e6), min_size=5, max_size=12))
@settings(max_examples=25, deadline=None)
def test_the_interval_lies_within_the_values(values):
    low, high = bootstrap_interval(values, n=50)
    slack = 1e-9 * (1 + max(abs(value) for value in values))
    assert min(values) - slack <= low <= high <= max(values) + slack


def test_summary_by_hand():
    cases = pd.DataFrame(
        {
            "case": ["a", "b", "c"],
            "dice": [0.5, 0.7, 0.9],
            "hd95_mm": [3.0, np.nan, 5.0],
            "lesions": [1, 2, 6],
        }
    )
    summary = summarise(cases).set_index("metric")
    assert list(summary.index) == ["dice", "hd95_mm", "lesions"]
    assert list(summarise(cases).columns) == list(SUMMARY_COLUMNS)
    assert summary.loc["dice", "mean"] == pytest.approx(0.7)
    assert summary.loc["dice", "sd"] == pytest.approx(0.2)
    assert summary.loc["lesions", "median"] == 2.0
    assert summary.loc["hd95_mm", ["n", "n_missing", "mean"]].tolist() == [2, 1, 4.0]
    assert summary.loc["dice", ["ci_low", "ci_high"]].isna().all()


def test_one_case_has_a_mean_but_no_spread():
    row = summarise(pd.DataFrame({"dice": [0.7]})).iloc[0]
    assert (row["n"], row["mean"], row["median"]) == (1, 0.7, 0.7)
    assert row[["sd", "ci_low", "ci_high"]].isna().all()


def test_a_metric_that_no_case_has_is_missing_without_a_warning():
    row = summarise(pd.DataFrame({"hd95_mm": [np.nan, np.nan]})).iloc[0]
    assert (row["n"], row["n_missing"]) == (0, 2)
    assert row[["mean", "median", "sd", "ci_low", "ci_high"]].isna().all()


def test_no_cases_give_an_empty_summary():
    assert list(summarise(pd.DataFrame(columns=["case", "dice"])).columns) == list(SUMMARY_COLUMNS)
