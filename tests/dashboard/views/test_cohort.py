"""The Cohort and Lesions pages: empty, normal, broken, marked, filtered."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

OpenPage = Callable[..., AppTest]
Words = Callable[[AppTest], str]


@pytest.mark.parametrize("page", ["cohort", "lesions"])
def test_without_cases_it_says_what_to_do(
    tmp_path: Path, open_page: OpenPage, words_of: Words, page: str
) -> None:
    app = open_page(page, tmp_path)
    assert not app.exception
    assert "fsh segment SCANS" in words_of(app)


def test_the_cohort_is_told(study: Path, open_page: OpenPage, words_of: Words) -> None:
    app = open_page("cohort", study)
    assert not app.exception
    said = words_of(app)
    assert "Cases 4" in said
    assert "Lesions 6" in said
    assert "Median lesion volume 0.2 ml" in said  # 0.27, 0.26, 0 and 0.1875 ml
    assert "3 patients, 3 scans with a reference" in said
    assert "3 patients, 3 scans: bias" in said
    assert "intervals and limits of agreement need five patients" in said
    table = app.dataframe[0].value
    assert table["case"].tolist() == ["sub-P1", "sub-P2", "sub-P3", "sub-P4"]
    assert "site" in table


def test_patients_that_the_weights_learned_from_are_out_of_the_agreement(
    study: Path, open_page: OpenPage, words_of: Words
) -> None:
    for path in study.glob("derivatives/fsh/sub-*/anat/*_dseg.json"):
        record = json.loads(path.read_text())
        record["weights"]["training"] = {"subjects": ["P1", "elsewhere"]}
        path.write_text(json.dumps(record))
    app = open_page("cohort", study)
    said = words_of(app)
    assert "The weights learned from 1 patient, 1 scan of these" in said
    assert "2 patients, 2 scans with a reference" in said
    assert app.dataframe[0].value["trained_on"].tolist() == ["yes", "no", "no", "no"]
    app.toggle(key="trained").set_value(True).run()
    assert "3 patients, 3 scans with a reference" in words_of(app)


def test_a_logarithmic_axis_says_how_many_cases_it_cannot_show(
    study: Path, open_page: OpenPage, words_of: Words
) -> None:
    app = open_page("cohort", study)
    assert "Not on the logarithmic axis" not in words_of(app)
    app.toggle(key="logy").set_value(True).run()
    assert "Not on the logarithmic axis, because 0 or less: 1." in words_of(app)


def test_a_clicked_row_marks_its_case_in_every_chart(study: Path, open_page: OpenPage) -> None:
    app = open_page("cohort", study)
    assert app.selectbox(key="case").value is None
    before = [chart.proto.spec for chart in app.get("vega_lite_chart")]
    app.session_state["cases"] = {"selection": {"rows": [1], "columns": [], "cells": []}}
    app.session_state["case"] = "sub-P2"
    app.run()
    assert app.selectbox(key="case").value == "sub-P2"
    after = [chart.proto.spec for chart in app.get("vega_lite_chart")]
    changed = sum(len(new) > len(old) for old, new in zip(before, after, strict=True))
    assert changed >= 5  # three distributions at least, the relation, Bland and Altman


def test_cases_are_filtered_by_name_flag_and_group(
    study: Path, open_page: OpenPage, words_of: Words
) -> None:
    app = open_page("cohort", study)
    app.text_input(key="find").set_value("p1").run()
    assert app.dataframe[0].value["case"].tolist() == ["sub-P1"]
    app.text_input(key="find").set_value("").run()
    app.selectbox(key="where").set_value("site").run()
    app.multiselect(key="is").set_value(["B"]).run()
    assert app.dataframe[0].value["case"].tolist() == ["sub-P3", "sub-P4"]
    app.toggle(key="flagged").set_value(True).run()
    assert app.dataframe[0].value["case"].tolist() == ["sub-P3"]
    app.text_input(key="find").set_value("nobody (").run()
    assert not app.exception
    assert "No case fits" in words_of(app)


def test_what_people_wrote_is_shown_as_they_wrote_it(study: Path, open_page: OpenPage) -> None:
    table = study / "participants.tsv"
    table.write_text(table.read_text().replace("\tB", "\tward_1"))
    app = open_page("cohort", study)
    app.selectbox(key="where").set_value("site").run()
    assert "ward_1" in app.multiselect(key="is").options


def test_agreement_by_site_has_a_row_for_each(study: Path, open_page: OpenPage) -> None:
    app = open_page("cohort", study)
    app.selectbox(key="by").set_value("site").run()
    assert not app.exception
    assert set(app.dataframe[1].value["group"]) == {"all", "A", "B"}


def test_two_results_are_paired(study: Path, open_page: OpenPage, words_of: Words) -> None:
    shutil.copytree(study / "derivatives" / "fsh", study / "derivatives" / "older")
    app = open_page("cohort", study)
    app.selectbox(key="other").set_value("derivatives/older").run()
    assert not app.exception
    assert "mean +0.000" in words_of(app)


def test_a_broken_case_is_named_and_the_others_shown(study: Path, open_page: OpenPage) -> None:
    next(study.glob("derivatives/fsh/sub-P1/anat/*.json")).write_text("{")
    for page in ("cohort", "lesions"):
        app = open_page(page, study)
        assert not app.exception
        assert any("sub-P1" in text.value for text in app.text)
        assert len(app.dataframe[0].value) == 3


def test_one_case_alone_draws(study: Path, open_page: OpenPage) -> None:
    for subject in ("P2", "P3", "P4"):
        shutil.rmtree(study / "derivatives" / "fsh" / f"sub-{subject}")
    for page in ("cohort", "lesions"):
        assert not open_page(page, study).exception


def test_a_name_with_markup_is_harmless(study: Path, open_page: OpenPage) -> None:
    path = next(study.glob("derivatives/fsh/sub-P1/anat/*.json"))
    path.write_text(
        path.read_text().replace('"case": "sub-P1"', '"case": "<script>alert(1)</script>"')
    )
    app = open_page("cohort", study)
    assert not app.exception


def test_lesions_are_listed_largest_first(
    study: Path, open_page: OpenPage, words_of: Words
) -> None:
    app = open_page("lesions", study)
    assert not app.exception
    assert app.dataframe[0].value["volume_mm3"].tolist() == [187.5, 180, 180, 80, 80, 10]
    assert "Total volume 0.72 ml" in words_of(app)


def test_lesions_of_one_case_and_size(study: Path, open_page: OpenPage) -> None:
    app = open_page("lesions", study)
    app.selectbox(key="case").set_value("sub-P1").run()
    assert len(app.dataframe[0].value) == 3
    app.number_input(key="sizeto").set_value(100.0).run()
    assert app.dataframe[0].value["volume_mm3"].tolist() == [80, 10]
    app.number_input(key="sizefrom").set_value(5000.0).run()
    assert not app.exception


def test_a_case_without_lesions_says_so(study: Path, open_page: OpenPage, words_of: Words) -> None:
    app = open_page("lesions", study)
    app.selectbox(key="case").set_value("sub-P3").run()
    assert not app.exception
    assert "does not mean that there is none" in words_of(app)


def test_a_clicked_lesion_is_shown_and_stays_in_the_address(
    study: Path, open_page: OpenPage, words_of: Words
) -> None:
    app = open_page("lesions", study)
    assert not app.get("component_instance")
    assert "A click on a row shows that lesion" in words_of(app)
    app.query_params["lesion"] = "sub-P1:2"
    app.run()
    assert not app.exception
    assert "**sub-P1**, lesion 2, 80 mm³" in words_of(app)
    assert len(app.get("component_instance")) == 1


def test_of_one_case_the_largest_lesion_is_shown(
    study: Path, open_page: OpenPage, words_of: Words
) -> None:
    app = open_page("lesions", study)
    app.selectbox(key="case").set_value("sub-P2").run()
    assert "**sub-P2**, lesion 1, 180 mm³" in words_of(app)
    assert "case" not in app.dataframe[0].value  # it is the same in every row


def test_a_lesion_that_is_not_there_is_passed_over(study: Path, open_page: OpenPage) -> None:
    app = open_page("lesions", study)
    for address in ("sub-P9:1", "sub-P1:99", "sub-P1", ":", "../..:1"):
        app.query_params["lesion"] = address
        app.run()
        assert not app.exception
        assert not app.get("component_instance")


def test_a_lesion_without_its_scan_is_explained(
    study: Path, open_page: OpenPage, words_of: Words
) -> None:
    shutil.rmtree(study / "sub-P1")
    app = open_page("lesions", study)
    app.selectbox(key="case").set_value("sub-P1").run()
    assert not app.exception
    assert "--images SCANS" in words_of(app)


def test_lesions_are_filtered_by_words(study: Path, open_page: OpenPage) -> None:
    for path in study.glob("derivatives/fsh/sub-*/anat/*_dseg.tsv"):
        text = path.read_text().splitlines()
        words = ["region\tflags", "juxtacortical\tfaint;edge", "periventricular\t", "n/a\tedge"]
        path.write_text(
            "".join(f"{line}\t{word}\n" for line, word in zip(text, words, strict=False))
        )
    app = open_page("lesions", study)
    app.multiselect(key="region").set_value(["periventricular"]).run()
    assert app.dataframe[0].value["volume_mm3"].tolist() == [80, 80]
    app.multiselect(key="region").set_value([]).run()
    app.multiselect(key="flags").set_value(["edge"]).run()
    assert app.dataframe[0].value["volume_mm3"].tolist() == [187.5, 180, 180, 10]


def test_the_false_lesion_of_a_case_is_found(study: Path, open_page: OpenPage) -> None:
    manual = study / "derivatives" / "manual"
    shutil.copytree(manual / "sub-P1", manual / "sub-P4")
    for path in (manual / "sub-P4").rglob("*P1*"):
        path.rename(path.with_name(path.name.replace("P1", "P4")))
    app = open_page("lesions", study, case="sub-P1")
    assert app.dataframe[0].value["in_reference"].tolist() == [1, 1, 1]
    app = open_page("lesions", study, case="sub-P4")
    app.toggle(key="false").set_value(True).run()
    assert not app.exception
    assert app.dataframe[0].value["in_reference"].tolist() == [0]


def test_without_a_reference_no_lesion_is_called_false(study: Path, open_page: OpenPage) -> None:
    app = open_page("lesions", study, case="sub-P4")
    assert not app.exception
    assert "in_reference" not in app.dataframe[0].value
