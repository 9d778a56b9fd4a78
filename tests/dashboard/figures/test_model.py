"""Charts of a model card, read from their Vega-Lite form."""

import pandas as pd

from fsh_dashboard.figures.model import recall_by_size, reliability_diagram, retention
from fsh_dashboard.figures.style import PLAIN


def test_recall_says_its_numbers_and_has_no_title_to_be_cut() -> None:
    sizes = pd.DataFrame(
        {"size": ["below 3 mm", "above 10 mm"], "lesions": [4, 2], "found": [1, 2]}
    )
    chart = recall_by_size(sizes.assign(recall=sizes["found"] / sizes["lesions"])).to_dict()
    encoding = chart["layer"][0]["encoding"]
    assert encoding["y"]["axis"]["title"] == ""
    assert encoding["y"]["sort"] == ["below 3 mm", "above 10 mm"]
    rows = next(iter(chart["datasets"].values()))
    assert [row["words"] for row in rows] == ["1 of 4", "2 of 2"]


def test_a_line_and_its_points_have_one_colour() -> None:
    chart = retention(pd.DataFrame({"retained": [0.5, 1.0], "precision": [0.9, 0.7]})).to_dict()
    assert chart["mark"]["color"] == chart["mark"]["point"]["color"] == PLAIN


def test_the_line_of_a_calibrated_network_is_the_diagonal() -> None:
    bins = pd.DataFrame({"probability": [0.1, 0.9], "real": [0.2, 0.8], "count": [10, 30]})
    chart = reliability_diagram(bins, "Said", "Came").to_dict()
    ideal = chart["datasets"][chart["layer"][0]["data"]["name"]]
    assert all(row["probability"] == row["real"] for row in ideal)
