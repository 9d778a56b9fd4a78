"""Groups compared by patient."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from fsh_core.studies.groups import (
    DIFFERENCE_COLUMNS,
    GROUP_COLUMNS,
    by_patient,
    compare_groups,
)


def cohort(arms: dict[str, list[float]], visits: int = 1) -> pd.DataFrame:
    """A patient for each value, whose visits lie symmetrically around it."""
    rows = [
        {"subject": f"{arm}{place}", "arm": arm, "volume": value + shift - (visits - 1) / 2}
        for arm, values in arms.items()
        for place, value in enumerate(values)
        for shift in range(visits)
    ]
    return pd.DataFrame(rows)


DRUG, PLACEBO = [1.0, 2, 3, 4, 5, 6], [11.0, 12, 13, 14, 15]


def test_visits_of_a_patient_count_once() -> None:
    once = compare_groups(cohort({"a": DRUG, "b": PLACEBO}), ["volume"], "arm")
    often = compare_groups(cohort({"a": DRUG, "b": PLACEBO}, visits=4), ["volume"], "arm")
    pd.testing.assert_frame_equal(
        once.groups.drop(columns="scans"), often.groups.drop(columns="scans")
    )
    pd.testing.assert_frame_equal(once.differences, often.differences)
    assert once.groups["scans"].tolist() == [6, 5]
    assert often.groups["scans"].tolist() == [24, 20]


def test_numbers_are_those_of_scipy() -> None:
    found = compare_groups(cohort({"a": DRUG, "b": PLACEBO}), ["volume"], "arm")
    assert list(found.groups) == list(GROUP_COLUMNS)
    assert list(found.differences) == list(DIFFERENCE_COLUMNS)
    assert found.groups["mean"].tolist() == [3.5, 13.0]
    assert found.groups["median"].tolist() == [3.5, 13.0]
    row = found.differences.iloc[0]
    assert (row["group"], row["baseline"], row["difference"]) == ("b", "a", 9.5)
    assert row["difference_low"] < 9.5 < row["difference_high"]
    assert row["p"] == pytest.approx(2 / 462)  # of all ways to choose 5 of 11, two are as extreme
    assert row["p_adjusted"] == row["p"]


def test_the_other_way_round_is_the_same_with_another_sign() -> None:
    cases = cohort({"a": DRUG, "b": PLACEBO})
    one = compare_groups(cases, ["volume"], "arm").differences.iloc[0]
    other = compare_groups(cases, ["volume"], "arm", "b").differences.iloc[0]
    assert other["difference"] == -one["difference"]
    assert other["p"] == one["p"]


def test_the_order_of_cases_does_not_matter() -> None:
    cases = cohort({"a": DRUG, "b": PLACEBO}, visits=2)
    shuffled = cases.sample(frac=1, random_state=3)
    first, second = (compare_groups(table, ["volume"], "arm") for table in (cases, shuffled))
    pd.testing.assert_frame_equal(first.groups, second.groups)
    pd.testing.assert_frame_equal(first.differences, second.differences)


def test_fewer_than_five_patients_have_no_interval_and_no_test() -> None:
    found = compare_groups(cohort({"a": DRUG, "b": PLACEBO[:4]}, visits=3), ["volume"], "arm")
    row = found.differences.iloc[0]
    assert row["difference"] == 9.0
    assert row[["difference_low", "difference_high", "p", "p_adjusted"]].isna().all()
    few = found.groups.set_index("group").loc["b"]
    assert few[["mean_low", "mean_high", "median_low", "median_high"]].isna().all()
    assert few["mean"] == 12.5


def test_all_tests_are_corrected_together() -> None:
    rng = np.random.default_rng(5)
    cases = cohort(
        {name: list(rng.normal(shift, 1, 8)) for name, shift in zip("abc", (0, 1, 2), strict=True)}
    )
    cases["count"] = rng.poisson(4, len(cases)).astype(float)
    cases["few"] = cases["volume"].where(cases["arm"] != "c")
    found = compare_groups(cases, ["volume", "count", "few"], "arm").differences
    known = found["p"].dropna()
    assert len(found) == 6
    assert len(known) == 5  # c has nobody with the last number
    expected = stats.false_discovery_control(known.to_numpy())
    assert found["p_adjusted"].dropna().tolist() == pytest.approx(list(expected))
    assert (found["p_adjusted"].dropna() >= known).all()


def test_patients_without_one_group_are_left_out_and_counted() -> None:
    cases = cohort({"a": DRUG, "b": PLACEBO}, visits=2)
    cases.loc[cases["subject"] == "a0", "arm"] = None
    cases.loc[cases.index[cases["subject"] == "a1"][0], "arm"] = "b"
    means, scans, left_out = by_patient(cases, ["volume"], "arm")
    assert left_out == 2
    assert not {"a0", "a1"} & set(means.index)
    assert set(scans["volume"]) == {2}


def test_without_a_patient_there_is_nothing_and_no_error() -> None:
    cases = cohort({"a": DRUG}).assign(arm=None)
    found = compare_groups(cases, ["volume"], "arm")
    assert found.groups.empty
    assert found.differences.empty
    assert found.left_out == 6


def test_an_unknown_baseline_is_refused() -> None:
    with pytest.raises(ValueError, match="baseline must be one of a, b, got c"):
        compare_groups(cohort({"a": DRUG, "b": PLACEBO}), ["volume"], "arm", "c")


def test_equal_groups_have_a_p_of_one() -> None:
    found = compare_groups(cohort({"a": [2.0] * 5, "b": [2.0] * 5}), ["volume"], "arm")
    assert found.differences.loc[0, "p"] == 1
