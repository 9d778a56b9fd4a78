"""The page about lesions: long tables by pages, and charts that say what they leave out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from fsh_dashboard import table_display
from fsh_dashboard.figures import scatter

OpenPage = Callable[..., AppTest]


@pytest.fixture
def few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of four rows, charts of four points; the study has six lesions."""
    monkeypatch.setattr(table_display, "MOST_ROWS", 4)
    monkeypatch.setattr(scatter, "MOST_POINTS", 4)


def rows(app: AppTest) -> list[tuple[Any, ...]]:
    table = app.dataframe[0].value
    return list(table[["case", "label", "volume_mm3"]].itertuples(index=False, name=None))


@pytest.mark.usefixtures("few_rows")
def test_the_pages_of_a_long_table_hold_every_row_once_largest_first(
    study: Path, open_page: OpenPage, words_of: Callable[[AppTest], str]
) -> None:
    first = open_page("lesions", study)
    assert "Rows 1 to 4 of 6" in words_of(first)
    second = open_page("lesions", study, **{"lesions-page": "2"})
    assert "Rows 5 to 6 of 6" in words_of(second)
    both = rows(first) + rows(second)
    assert len(both) == len({row[:2] for row in both}) == 6
    assert [row[2] for row in both] == sorted((row[2] for row in both), reverse=True)


@pytest.mark.usefixtures("few_rows")
def test_the_page_with_the_chosen_lesion_is_shown(study: Path, open_page: OpenPage) -> None:
    smallest = rows(open_page("lesions", study, **{"lesions-page": "2"}))[-1]
    app = open_page("lesions", study, lesion=f"{smallest[0]}:{smallest[1]}")
    assert smallest in rows(app)
    app.number_input(key="lesions-page").set_value(1).run()  # and another one can be looked at
    assert smallest not in rows(app)


@pytest.mark.usefixtures("few_rows")
def test_a_page_that_a_filter_left_empty_is_left(study: Path, open_page: OpenPage) -> None:
    app = open_page("lesions", study, **{"lesions-page": "2"})
    largest = rows(open_page("lesions", study))[0][2]
    app.number_input(key="sizefrom").set_value(largest).run()
    assert not app.exception
    assert set(app.dataframe[0].value["volume_mm3"]) == {largest}


def test_a_short_table_has_no_pages(study: Path, open_page: OpenPage) -> None:
    app = open_page("lesions", study)
    assert len(rows(app)) == 6
    assert "lesions-page" not in [box.key for box in app.number_input]


@pytest.mark.usefixtures("few_rows")
def test_a_chart_says_how_many_points_it_leaves_out(
    study: Path, open_page: OpenPage, words_of: Callable[[AppTest], str]
) -> None:
    said = words_of(open_page("lesions", study))
    assert "Drawn are 4 of 6 lesions, evenly from the smallest to the largest." in said


def test_a_chart_with_room_for_all_points_says_nothing(
    study: Path, open_page: OpenPage, words_of: Callable[[AppTest], str]
) -> None:
    assert "Drawn are" not in words_of(open_page("lesions", study))


def test_a_click_looks_once_at_each_folder_and_reads_no_file_again(
    study: Path, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fsh_core import file_names
    from fsh_dashboard.data import cohort_tables

    app = open_page("lesions", study)
    seen: list[str] = []
    listed = file_names._listed

    def watched(folder: str | Path) -> Any:
        seen.append(str(folder))
        return listed(folder)

    monkeypatch.setattr(file_names, "_listed", watched)
    monkeypatch.setattr(cohort_tables, "read_record", None)  # would fail if it were called
    app.number_input(key="sizefrom").set_value(1.0).run()
    assert not app.exception
    assert seen.count(str(study / "derivatives" / "fsh" / "sub-P3" / "anat")) == 1


def test_the_table_has_the_room_until_a_lesion_is_shown(study: Path, open_page: OpenPage) -> None:
    def share(app: AppTest) -> float:
        return next(column.weight for column in app.columns if column.dataframe)

    app = open_page("lesions", study)
    case, label, _ = rows(app)[0]
    assert share(app) > 0.7
    assert share(open_page("lesions", study, lesion=f"{case}:{label}")) < 0.5


def test_keys_of_the_files_are_written_as_words(study: Path, open_page: OpenPage) -> None:
    for table in study.glob("derivatives/fsh/sub-*/anat/*_dseg.tsv"):
        lesions = pd.read_csv(table, sep="\t", keep_default_na=False, dtype=str)
        lesions.assign(region="deep_white_matter").to_csv(table, sep="\t", index=False)
    app = open_page("lesions", study)
    assert set(app.dataframe[0].value["region"]) == {"deep white matter"}
    assert app.multiselect(key="region").options == ["deep white matter"]
    app.multiselect(key="region").set_value(["deep_white_matter"]).run()
    assert len(rows(app)) == 6
