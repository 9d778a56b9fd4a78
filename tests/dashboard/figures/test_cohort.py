"""Charts of a cohort, read from their Vega-Lite form."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from fsh_core.studies.bland_altman import bland_altman
from fsh_dashboard.data.agreement_tables import by_group, paired
from fsh_dashboard.figures.agreement import differences, intervals, pairs
from fsh_dashboard.figures.distribution import distribution
from fsh_dashboard.figures.scatter import against
from fsh_dashboard.figures.style import HIGHLIGHT, tell_left_out


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


def test_a_long_title_is_broken_not_cut_off(cases: pd.DataFrame) -> None:
    chart = distribution(cases, "volume_ml", "Least certain lesion (probability)", "a").to_dict()
    title = chart["layer"][0]["encoding"]["x"]["axis"]["title"]
    assert title == ["Least certain lesion", "(probability)"]


@pytest.mark.parametrize("values", [[], [None], [3.0], [3.0, 3.0]])
def test_a_histogram_of_little_or_nothing_draws(values: list[Any]) -> None:
    table = pd.DataFrame(
        {
            "case": [str(number) for number in range(len(values))],
            "v": pd.Series(values, dtype=float),
        }
    )
    distribution(table, "v", "Value", "0").to_dict()


def test_points_without_a_value_are_left_out_and_the_marked_one_is_named(
    cases: pd.DataFrame,
) -> None:
    chart = against(
        cases, ("age", "Age"), ("volume_ml", "Volume (ml)"), "b", ("site", "Site")
    ).to_dict()
    assert [row["case"] for row in rows_of(chart, 0)] == ["a", "b", "c"]
    assert rows_of(chart, 0)[2]["colour"] == "n/a"
    assert chart["layer"][1]["mark"]["color"] == HIGHLIGHT
    assert [row["case"] for row in rows_of(chart, 1)] == ["b"]
    assert chart["layer"][0]["encoding"]["y"]["axis"]["title"] == "Volume (ml)"


def test_axes_leave_room_but_none_below_zero(cases: pd.DataFrame) -> None:
    def domain(values: list[float]) -> list[float]:
        chart = against(cases.assign(v=values), ("v", "V"), ("age", "Age")).to_dict()
        return list(chart["layer"][0]["encoding"]["x"]["scale"]["domain"])

    assert domain([0.2, 1, 2, 40.2]) == pytest.approx([0, 42.2])
    assert domain([10, 20, 30, 30]) == pytest.approx([9, 31])
    assert domain([-1, 0, 0, 1]) == pytest.approx([-1.1, 1.1])
    assert domain([3, 3, 3, 3]) == [2, 4]


def test_the_name_of_the_marked_case_stays_inside(cases: pd.DataFrame) -> None:
    sides = [
        against(cases, ("age", "Age"), ("dice", "Dice"), case).to_dict()["layer"][2]["mark"][
            "align"
        ]
        for case in "ac"
    ]
    assert sides == ["left", "right"]


@pytest.mark.parametrize("name", ["age.at[scan]", '=1+1,\'"a".b', "image", "title", "a:Q", "\\"])
def test_any_name_of_a_column_is_only_a_title(cases: pd.DataFrame, name: str) -> None:
    odd = cases.rename(columns={"age": name})
    chart = against(odd, (name, name), ("volume_ml", "Volume"), "a", (name, name)).to_dict()
    encoding = chart["layer"][0]["encoding"]
    assert [encoding[way]["field"] for way in ("x", "y", "color")] == ["x", "y", "colour"]
    assert encoding["x"]["axis"]["title"] == name
    assert [row["x"] for row in rows_of(chart, 0)] == [30, 40, 50]
    # Vega would ask for the picture that a line called image names.
    assert not {line["title"] for line in encoding["tooltip"]} & {"image", "title"}


def test_values_without_end_are_no_points(cases: pd.DataFrame) -> None:
    endless = cases.assign(age=[30, float("inf"), float("-inf"), 60])
    chart = against(endless, ("age", "Age"), ("reference_ml", "R"), "a").to_dict()
    assert [row["case"] for row in rows_of(chart, 0)] == ["a"]


def test_a_column_against_itself_draws(cases: pd.DataFrame) -> None:
    against(cases, ("age", "Age"), ("age", "Age"), "a", ("age", "Age"), log_scale=True).to_dict()


def test_intervals_stand_in_the_order_of_the_metrics(cases: pd.DataFrame) -> None:
    chart = intervals(by_group(cases, ["dice"], "site"), {"dice": "Dice"}).to_dict()
    assert chart["layer"][0]["encoding"]["y"]["sort"] == ["Dice"]
    assert chart["layer"][0]["encoding"]["color"]["scale"]["domain"] == ["all", "X", "Y", "n/a"]


@pytest.mark.parametrize("case", [None, "a"])
def test_every_case_is_a_point_whether_one_is_marked_or_not(
    cases: pd.DataFrame, case: str | None
) -> None:
    limits = bland_altman(cases["reference_ml"], cases["prediction_ml"])
    paired_cases = paired(cases, cases, "dice")
    for chart, layer in (
        (differences(cases, limits, case).to_dict(), 2),
        (pairs(paired_cases, ("one", "two"), "Dice", case).to_dict(), 1),
    ):
        assert [row["case"] for row in rows_of(chart, layer)] == ["a", "b", "c"]


def test_bland_altman_draws_bias_and_limits(cases: pd.DataFrame) -> None:
    more = cases.assign(case=cases["case"] + "2", prediction_ml=cases["prediction_ml"] + 0.1)
    cases = pd.concat([cases, more], ignore_index=True)
    limits = bland_altman(cases["reference_ml"], cases["prediction_ml"])
    chart = differences(cases, limits, "a").to_dict()
    rules = rows_of(chart, 1)
    assert [rule["name"].split()[0] for rule in rules] == ["bias", "+1.96", "−1.96"]
    assert rules[0]["difference"] == pytest.approx(-1 / 6 + 0.05)
    low, high = chart["layer"][2]["encoding"]["y"]["scale"]["domain"]
    assert low < limits.lower.low < limits.upper.high < high  # all of it is in sight
    bands = rows_of(chart, 0)
    assert (bands[0]["low"], bands[0]["high"]) == (limits.bias.low, limits.bias.high)
    assert (bands[2]["low"], bands[2]["high"]) == (limits.lower.low, limits.lower.high)


def test_pairs_are_drawn_beside_the_line_of_equals(cases: pd.DataFrame) -> None:
    chart = pairs(paired(cases, cases, "dice"), ("one", "two"), "Dice", "a").to_dict()
    assert [row["first"] for row in rows_of(chart, 0)] == [0.5, 0.9]
    assert all(row["x"] == row["y"] for row in rows_of(chart, 1))


def test_a_logarithmic_axis_says_what_it_drops() -> None:
    volumes = pd.Series([0.0, 0.0, 1.0, np.nan])
    assert tell_left_out(volumes) == "Not on the logarithmic axis, because 0 or less: 2."
    assert tell_left_out(volumes[2:]) == ""


def test_ratios_are_drawn_on_a_logarithmic_axis() -> None:
    volumes = np.array([1.0, 2, 4, 8, 16, 0])
    table = pd.DataFrame({"case": list("abcdef"), "reference_ml": volumes})
    table["prediction_ml"] = 2 * volumes
    limits = bland_altman(table["reference_ml"], table["prediction_ml"], scale="ratio")
    chart = differences(table, limits, None, "ratio").to_dict()
    assert [row["name"] for row in rows_of(chart, 1)] == [
        "bias 2.00",
        "+1.96 sd 2.00",
        "−1.96 sd 2.00",
    ]
    assert [row["y"] for row in rows_of(chart, 2)] == pytest.approx([2.0] * 5)
    assert chart["layer"][2]["encoding"]["y"]["scale"]["type"] == "log"
