"""The group heat map: cases are counted, not lesions.

The page explains itself without positions.
"""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from fsh_dashboard.data.brain_outline import brain_outline
from fsh_dashboard.figures.atlas import EDGES_MM, PROJECTIONS, frequency, lesion_map

OpenPage = Callable[..., AppTest]
Words = Callable[[AppTest], str]
LESIONS = pd.DataFrame(
    {
        "case": ["a", "a", "b", "c"],
        "mni_x_mm": [-11.0, -14.9, -12.0, 3.0],
        "mni_y_mm": [0.0, 4.9, 1.0, None],
        "mni_z_mm": [20.0, 21.0, 22.0, 23.0],
    }
)


def test_a_case_counts_once_in_a_square() -> None:
    squares = frequency(LESIONS, "mni_x_mm", "mni_y_mm", cases=4)
    assert squares.to_dict("records") == [{"across": -15.0, "up": 0.0, "cases": 2, "share": 0.5}]


def test_every_projection_is_drawn_with_the_marked_case_on_top() -> None:
    for projection in PROJECTIONS:
        plain = lesion_map(LESIONS, projection, 4).to_dict()
        marked = lesion_map(LESIONS, projection, 4, "a").to_dict()
        assert len(marked["layer"]) == len(plain["layer"]) + 1


def test_a_millimetre_is_as_long_in_every_direction() -> None:
    for projection, (across, up) in PROJECTIONS.items():
        chart = lesion_map(LESIONS, projection, 4).to_dict()
        spans = [EDGES_MM[name][1] - EDGES_MM[name][0] for name in (across, up)]
        assert chart["width"] / spans[0] == pytest.approx(chart["height"] / spans[1], rel=0.01)
        assert chart["autosize"] == {"type": "pad"}  # axes and legend take no room from the map


def test_the_outline_is_that_of_a_brain_in_its_place() -> None:
    above, side = brain_outline(0, 1), brain_outline(1, 2)
    assert above.iloc[[0, -1]][["across", "up"]].nunique().tolist() == [1, 1]  # closed
    width, length = (
        above["across"].max() - above["across"].min(),
        above["up"].max() - above["up"].min(),
    )
    assert 125 < width < 150
    assert 160 < length < 190
    assert abs(above["across"].max() + above["across"].min()) < 6  # the middle is at x = 0
    assert side["across"].min() == pytest.approx(above["up"].min(), abs=2)
    for name, (low, high) in (("across", EDGES_MM["mni_x_mm"]), ("up", EDGES_MM["mni_y_mm"])):
        assert above[name].between(low, high).all()


def test_the_patients_right_is_on_the_left() -> None:
    domain = lesion_map(LESIONS, "From above", 4).to_dict()["layer"][0]["encoding"]["x"]["scale"][
        "domain"
    ]
    assert domain[0] > domain[1]


def test_without_positions_the_page_says_so(
    study: Path, open_page: OpenPage, words_of: Words
) -> None:
    assert "no positions in MNI152 space" in words_of(open_page("cohort", study))


def test_with_positions_there_are_three_maps(
    study: Path, open_page: OpenPage, words_of: Words
) -> None:
    before = len(open_page("cohort", study).get("vega_lite_chart"))
    for path in study.glob("derivatives/fsh/sub-*/anat/*_dseg.tsv"):
        table = pd.read_csv(path, sep="\t")
        table.assign(mni_x_mm=10.0, mni_y_mm=-20.0, mni_z_mm=30.0, region="periventricular").to_csv(
            path, sep="\t", index=False, na_rep="n/a"
        )
    app = open_page("cohort", study)
    assert not app.exception
    assert len(app.get("vega_lite_chart")) == before + 3
    app.selectbox(key="where").set_value("region").run()
    app.multiselect(key="is").set_value(["periventricular"]).run()
    assert app.dataframe[0].value["case"].tolist() == ["sub-P1", "sub-P2", "sub-P4"]
