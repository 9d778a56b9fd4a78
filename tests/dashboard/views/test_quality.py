"""The page about quality and missing visits."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.dashboard.visited import with_visits

OpenPage = Callable[..., AppTest]
Words = Callable[[AppTest], str]


@pytest.fixture
def visited(study: Path) -> Path:
    """The study as two visits: P1 and P2 came at m6, P3 and P4 at m12."""
    return with_visits(study)


def test_the_page_counts_verdicts_and_missing_visits(
    visited: Path, open_page: OpenPage, words_of: Words
) -> None:
    (visited / "sub-P1" / "sub-P1_sessions.tsv").write_text(
        "session_id\tacq_time\nses-m6\t2024-03-05\n"
    )
    app = open_page("quality", visited)
    assert not app.exception
    said = words_of(app)
    assert "Patients 4" in said
    assert "Scans segmented 4" in said
    assert "Visits missing or not segmented 4" in said
    assert "4 without a verdict on their quality, 3 without a date, 4 without the name" in said
    quality, visits = (table.value for table in app.dataframe)
    assert quality["period"].tolist() == ["2024-03", "no date", "no date"]  # sites A, A and B
    assert visits.to_dict("list") == {
        "patient": ["sub-P1", "sub-P2", "sub-P3", "sub-P4"],
        "m6": ["no verdict", "no verdict", "missing", "missing"],
        "m12": ["missing", "missing", "no verdict", "no verdict"],
    }


def test_a_scan_that_is_not_segmented_is_told_from_one_that_is_missing(
    visited: Path, open_page: OpenPage
) -> None:
    for record in (visited / "derivatives" / "fsh" / "sub-P3").rglob("*_dseg.json"):
        record.unlink()
    app = open_page("quality", visited)
    visits = app.dataframe[1].value.set_index("patient")
    assert visits.loc["sub-P3"].tolist() == ["missing", "not segmented"]


def test_groups_come_from_participants_and_from_the_json_beside_the_scan(
    visited: Path, open_page: OpenPage
) -> None:
    for number, flair in enumerate(sorted(visited.glob("sub-*/ses-*/anat/*_FLAIR.nii.gz"))):
        side = flair.with_name(flair.name.replace(".nii.gz", ".json"))
        side.write_text(json.dumps({"Manufacturer": f"Maker {number % 2}"}))
    app = open_page("quality", visited)
    by = app.selectbox(key="quality-by")
    assert by.options == ["site", "scanner model"]
    by.set_value("scanner_model").run()
    assert not app.exception
    assert set(app.dataframe[0].value["scanner model"]) == {"Maker 0", "Maker 1"}


def test_only_what_is_incomplete_is_shown_when_asked(
    study: Path, open_page: OpenPage, words_of: Words
) -> None:
    app = open_page("quality", study)
    assert "every patient has one visit" in words_of(app)
    app.toggle(key="incomplete").set_value(True).run()
    assert not app.exception
    assert "No patient has a missing" in words_of(app)
