"""Charts of change: over days where dates are known, else in the order of the visits."""

import pandas as pd
import pytest

from fsh_dashboard.data.activity import summarise_activity
from fsh_dashboard.figures.change import by_interval, over_visits, rates


def visits(days: list[float | None]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "number": [0, 1, 2],
            "visit": ["m0", "m6", "m12"],
            "days": pd.Series(days, dtype=float),
            "lesion_count": [3, 4, 4],
            "lesion_volume_ml": [1.0, 2.0, 0.0],
            "volume_low_ml": [0.0, 1.0, None],
            "volume_high_ml": [2.0, 3.0, None],
        }
    )


@pytest.mark.parametrize(
    ("days", "field"), [([0.0, 180.0, 365.0], "days"), ([0.0, None, None], "visit")]
)
def test_visits_stand_at_their_days_or_in_their_order(days, field) -> None:
    spec = over_visits(visits(days), "lesion_count", "Lesions").to_dict()
    assert {layer["encoding"]["x"]["field"] for layer in spec["layer"]} == {field}
    assert len(spec["layer"]) == (3 if field == "days" else 2)  # names beside the points


def test_each_volume_has_its_own_interval() -> None:
    spec = over_visits(visits([0, 1, 2]), "lesion_volume_ml", "Volume").to_dict()
    bars = spec["datasets"][spec["layer"][0]["data"]["name"]]
    assert [(bar["low"], bar["high"]) for bar in bars] == [(0, 2), (1, 3)]


def test_a_logarithmic_volume_leaves_zero_out_and_lifts_the_ends() -> None:
    spec = over_visits(visits([0, 1, 2]), "lesion_volume_ml", "Volume", True).to_dict()
    bars = spec["datasets"][spec["layer"][0]["data"]["name"]]
    assert [bar["value"] for bar in bars] == [1, 2]
    assert all(bar["low"] > 0 for bar in bars)


def test_the_changes_of_each_interval_are_stacked_by_kind() -> None:
    rows = pd.DataFrame(
        {
            "from_visit": ["m0", "m6"],
            "to_visit": ["m6", "m12"],
            "new": [2, 0],
            "enlarging": [1, 0],
            "shrinking": [0, 3],
            "resolved": [0, 1],
        }
    )
    spec = by_interval(rows).to_dict()
    data = spec["datasets"][spec["data"]["name"]]
    assert {(row["name"], row["kind"]): row["count"] for row in data if row["count"]} == {
        ("m0 → m6", "New"): 2,
        ("m0 → m6", "Enlarging"): 1,
        ("m6 → m12", "Shrinking"): 3,
        ("m6 → m12", "Resolved"): 1,
    }


def test_every_group_says_how_many_patients_it_has() -> None:
    rows = pd.DataFrame(
        {"patient": ["a", "b"], "days": [365.25] * 2, "new": [1, 0], "enlarging": 0}
    )
    table = summarise_activity(rows, pd.Series({"a": "x", "b": "y"}))
    spec = rates(table, ("new_per_year", "new_per_year_low", "new_per_year_high"), "a").to_dict()
    data = next(iter(spec["datasets"].values()))
    assert [row["group"] for row in data] == ["all (n = 2)", "x (n = 1)", "y (n = 1)"]
