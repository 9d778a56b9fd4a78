"""Charts of a cohort, read from their Vega-Lite form."""

from typing import Any

import pandas as pd
import pytest

from fsh_dashboard.agreement import bland_altman, by_group, paired
from fsh_dashboard.figures.cohort import against, differences, distribution, intervals, pairs
from fsh_dashboard.figures.style import HIGHLIGHT


@pytest.fixture
def cases() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "case": ["a", "b", "c", "d"],
            "volume_ml": [1.0, 2.0, 2.0, None],
            "age": [30, 40, 50, 60],
            "site": ["X", "X", None, "Y"],
            "dice": [0.5, 0.7, 0.9, None],
            "reference_ml": [1.0, 2.0, 3.0, None],
            "prediction_ml": [1.5, 2.0, 2.0, 4.0],
        }
    )


def rows_of(chart: dict[str, Any], place: int) -> list[dict[str, Any]]:
    return list(chart["datasets"][chart["layer"][place]["data"]["name"]])


def test_a_histogram_counts_every_known_value_from_zero(cases: pd.DataFrame) -> None:
    chart = distribution(cases, "volume_ml", "Volume (ml)", "a").to_dict()
    assert sum(bar["count"] for bar in rows_of(chart, 0)) == 3
    assert chart["layer"][0]["encoding"]["y2"] == {"datum": 0}
    assert rows_of(chart, 1) == [{"case": "a", "from": 1.0}]


@pytest.mark.parametrize("values", [[], [None], [3.0], [3.0, 3.0]])
def test_a_histogram_of_little_or_nothing_draws(values: list[Any]) -> None:
    table = pd.DataFrame({"case": [str(number) for number in range(len(values))], "v": pd.Series(values, dtype=float)})
    distribution(table, "v", "Value", "0").to_dict()


def test_points_without_a_value_are_left_out_and_the_marked_one_is_named(cases: pd.DataFrame) -> None:
    chart = against(cases, ("age", "Age"), ("volume_ml", "Volume (ml)"), "b", ("site", "Site")).to_dict()
    assert [row["case"] for row in rows_of(chart, 0)] == ["a", "b", "c"]
    assert rows_of(chart, 0)[2]["site"] == "n/a"
    assert chart["layer"][1]["mark"]["color"] == HIGHLIGHT
    assert [row["case"] for row in rows_of(chart, 1)] == ["b"]
    assert chart["layer"][0]["encoding"]["y"]["axis"]["title"] == "Volume (ml)"


def test_column_names_with_dots_and_brackets_are_names(cases: pd.DataFrame) -> None:
    odd = cases.rename(columns={"age": "age.at[scan]"})
    chart = against(odd, ("age.at[scan]", "Age"), ("volume_ml", "Volume")).to_dict()
    assert chart["layer"][0]["encoding"]["x"]["field"] == r"age\.at\[scan\]"


def test_a_column_against_itself_draws(cases: pd.DataFrame) -> None:
    against(cases, ("age", "Age"), ("age", "Age"), "a", ("age", "Age"), log_scale=True).to_dict()


def test_intervals_stand_in_the_order_of_the_metrics(cases: pd.DataFrame) -> None:
    chart = intervals(by_group(cases, ["dice"], "site"), {"dice": "Dice"}).to_dict()
    assert chart["layer"][0]["encoding"]["y"]["sort"] == ["Dice"]
    assert chart["layer"][0]["encoding"]["color"]["scale"]["domain"] == ["all", "X", "Y", "n/a"]


def test_bland_altman_draws_bias_and_limits(cases: pd.DataFrame) -> None:
    limits = bland_altman(cases["reference_ml"], cases["prediction_ml"])
    assert limits is not None
    chart = differences(cases, limits, "a").to_dict()
    rules = rows_of(chart, 1)
    assert [rule["name"].split()[0] for rule in rules] == ["bias", "+1.96", "−1.96"]
    assert rules[0]["difference"] == pytest.approx(-1 / 6)


def test_pairs_are_drawn_beside_the_line_of_equals(cases: pd.DataFrame) -> None:
    chart = pairs(paired(cases, cases, "dice"), ("one", "two"), "Dice", "a").to_dict()
    assert [row["first"] for row in rows_of(chart, 0)] == [0.5, 0.9]
    assert all(row["first"] == row["second"] for row in rows_of(chart, 1))
