"""What is chosen stays what it is, whatever filters, files and addresses do."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from fsh_dashboard import choices

OpenPage = Callable[..., AppTest]
Words = Callable[[AppTest], str]
RESULTS = "derivatives/fsh"


def test_a_click_on_a_row_or_point_chooses_its_case(monkeypatch: pytest.MonkeyPatch) -> None:
    table = pd.DataFrame({"case": ["a", "b"]})
    state: dict[str, Any] = {
        "rows": {"selection": {"rows": [1]}},
        "points": {"selection": {"point": [{"case": "a"}]}},
    }
    monkeypatch.setattr(choices.st, "session_state", state)
    choices.follow_row("rows", table)
    assert state["case"] == "b"
    choices.follow_point("points")
    assert state["case"] == "a"
    state["points"]["selection"] = {"point": []}
    choices.follow_point("points")
    assert state["case"] == "a"  # a click beside the points changes nothing
    state["rows"]["selection"]["rows"] = [7]  # the table has become shorter meanwhile
    choices.follow_row("rows", table)
    assert state["case"] is None


def test_a_tick_stays_with_its_case_when_the_rows_change(study: Path, open_page: OpenPage) -> None:
    app = open_page("cohort", study, case="sub-P2")
    assert app.session_state["cases"]["selection"]["rows"] == [1]
    app.text_input(key="find").set_value("P2").run()
    assert app.session_state["cases"]["selection"]["rows"] == [0]
    app.text_input(key="find").set_value("P4").run()  # the marked case is not among the rows
    assert app.session_state["cases"]["selection"]["rows"] == []
    assert app.selectbox(key="case").value == "sub-P2"


def test_a_tick_stays_with_its_lesion_when_the_rows_change(
    study: Path, open_page: OpenPage, words_of: Words
) -> None:
    app = open_page("lesions", study, lesion="sub-P1:2")
    table = app.dataframe[0].value
    place = [*zip(table["case"], table["label"], strict=True)].index(("sub-P1", 2))
    assert app.session_state["lesions"]["selection"]["rows"] == [place]
    app.number_input(key="sizeto").set_value(100.0).run()
    table = app.dataframe[0].value
    [row] = app.session_state["lesions"]["selection"]["rows"]
    assert (table["case"].iloc[row], table["label"].iloc[row]) == ("sub-P1", 2)
    assert row != place
    assert "sub-P1, lesion 2" in words_of(app).replace("*", "")
    assert app.button(key="queue-one").label == "Queue lesion 2 of sub\\-P1"
    app.number_input(key="sizeto").set_value(20.0).run()
    assert app.session_state["lesions"]["selection"]["rows"] == []


def test_the_largest_lesion_of_a_case_is_ticked_when_it_is_shown(
    study: Path, open_page: OpenPage
) -> None:
    app = open_page("lesions", study, case="sub-P1")
    assert app.session_state["lesions"]["selection"]["rows"] == [0]


def test_a_lesion_of_another_case_is_not_ticked_on_the_case_page(
    study: Path, open_page: OpenPage
) -> None:
    app = open_page("case", study, case="sub-P1")
    app.session_state["case-lesion"] = {"case": "sub-P1", "label": 2}
    app.run()
    assert app.session_state["case-lesions"]["selection"]["rows"] == [1]
    app.selectbox(key="case").set_value("sub-P2").run()
    assert app.session_state["case-lesions"]["selection"]["rows"] == []


@pytest.mark.parametrize("page", ["case", "cohort", "lesions"])
def test_an_unknown_case_of_the_address_is_said_and_no_other_is_shown(
    study: Path, open_page: OpenPage, words_of: Words, page: str
) -> None:
    app = open_page(page, study, case="sub-P9")
    assert not app.exception
    assert "Case sub-P9 is not in these results" in words_of(app)
    assert app.selectbox(key="case").value is None
    if page == "case":
        assert not app.metric
        assert not app.get("html")
    app.run()
    assert "Case sub-P9 is not in these results" in words_of(app)  # until one is chosen
    app.selectbox(key="case").set_value("sub-P2").run()
    assert "sub-P9" not in words_of(app)
    assert app.selectbox(key="case").value == "sub-P2"


def test_a_case_that_vanishes_from_the_disk_is_said(
    study: Path, open_page: OpenPage, words_of: Words
) -> None:
    app = open_page("case", study, case="sub-P2")
    assert "sub-P2" not in words_of(app)
    shutil.rmtree(study / RESULTS / "sub-P2")
    app.run()
    assert not app.exception
    assert "Case sub-P2 is not in these results" in words_of(app)
    assert not app.metric


@pytest.mark.parametrize(
    ("page", "query", "said"),
    [
        ("lesions", {"lesion": "sub-P1:99"}, "Lesion 99 of sub-P1 is not in these results"),
        ("lesions", {"lesion": "sub-P9:1"}, "Lesion 1 of sub-P9 is not in these results"),
        ("case", {"results": "derivatives/other"}, "Results folder derivatives/other is not here"),
        ("training", {"run": "runs/third"}, "Run runs/third is not in this folder"),
        ("model", {"card": "mine (runs/third/best.json)"}, "Card mine (runs/third/best.json) is"),
    ],
)
def test_whatever_else_the_address_asks_for_in_vain_is_said(
    study: Path,
    run_folder: Path,
    open_page: OpenPage,
    words_of: Words,
    page: str,
    query: dict[str, str],
    said: str,
) -> None:
    (run_folder / "runs").rename(study / "runs")
    app = open_page(page, study, **query)
    assert not app.exception
    assert said in words_of(app)
    assert not app.metric or page == "lesions"
    assert not app.get("component_instance")
