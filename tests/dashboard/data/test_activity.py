"""Activity by patient: shares and rates with their intervals, never of fewer than five."""

import numpy as np
import pandas as pd
import pytest

from fsh_dashboard.data.activity import (
    by_patient,
    rate_interval,
    share_interval,
    summarise_activity,
)

YEAR = 365.25


def intervals(*rows: tuple[str, float | None, int, int]) -> pd.DataFrame:
    """Patient, days, new and enlarging lesions of each interval."""
    table = pd.DataFrame(rows, columns=["patient", "days", "new", "enlarging"])
    return table.astype({"days": float})


def test_the_intervals_of_a_patient_are_added_up() -> None:
    found = by_patient(
        intervals(("a", YEAR, 2, 0), ("a", YEAR, 1, 0), ("b", None, 0, 1), ("c", YEAR, 0, 0))
    )
    assert found["new"].tolist() == [3, 0, 0]
    assert found["active"].tolist() == [True, True, False]
    assert found["years"].tolist() == [2, 0, 1]


def test_a_rate_is_of_the_intervals_with_dates_alone() -> None:
    row = summarise_activity(
        intervals(("a", YEAR, 2, 0), ("a", None, 40, 0), ("b", YEAR, 0, 0), ("c", -YEAR, 7, 0))
    ).iloc[0]
    assert row["new"] == 49
    assert row["dated_patients"] == 2
    assert row["new_per_year"] == 1.0


def test_fewer_than_five_patients_have_no_interval() -> None:
    four = [(name, YEAR, 1, 0) for name in "abcd"]
    row = summarise_activity(intervals(*four)).iloc[0]
    assert row["active_percent"] == 100
    assert row[["active_low", "active_high", "new_per_year_low", "new_per_year_high"]].isna().all()
    row = summarise_activity(intervals(*four, ("e", YEAR, 0, 0))).iloc[0]
    assert row[["active_low", "active_high", "new_per_year_low", "new_per_year_high"]].notna().all()


def test_the_interval_of_a_share_is_the_exact_one() -> None:
    # Clopper and Pearson: with none of n the upper end is 1 - 0.025^(1/n).
    low, high = share_interval(0, 10)
    assert low == 0
    assert high == pytest.approx(1 - 0.025**0.1)


def test_the_interval_of_a_rate_is_over_patients() -> None:
    years = np.ones(8)
    low, high = rate_interval(np.array([24.0, *[0.0] * 7]), years)
    # One patient has all: by Poisson's law it would be 1.9 to 4.5.
    assert low == 0
    assert high > 6
    again = rate_interval(np.array([*[0.0] * 7, 24.0]), years)
    assert again == (low, high)  # in whatever order they come


def test_nobody_with_a_new_lesion_leaves_an_upper_end() -> None:
    low, high = rate_interval(np.zeros(5), np.full(5, 2.0))
    assert low == 0
    assert high == pytest.approx(-np.log(0.025) / 10)  # exp(-rate x 10 years) = 0.025


def test_each_group_is_a_row_and_a_missing_one_is_named() -> None:
    table = summarise_activity(
        intervals(("a", YEAR, 2, 0), ("b", YEAR, 0, 0), ("c", YEAR, 0, 1)),
        pd.Series({"a": "x", "b": "y"}),
    )
    assert table["group"].tolist() == ["all", "n/a", "x", "y"]
    assert table["active"].tolist() == [2, 1, 1, 0]
    assert table["patients"].tolist() == [3, 1, 1, 1]


def test_no_interval_at_all_is_no_error() -> None:
    row = summarise_activity(intervals()).iloc[0]
    assert row["patients"] == 0
    assert pd.isna(row["new_per_year"])
