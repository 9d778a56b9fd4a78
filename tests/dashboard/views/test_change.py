"""The Change page: empty, one visit, followed, what fails, a change in its pair."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from streamlit.testing.v1 import AppTest

OpenPage = Callable[..., AppTest]
Words = Callable[[AppTest], str]
RESULTS = "derivatives/fsh"


def fail(followed: Path, patient: str) -> None:
    path = followed / RESULTS / patient / "tracks" / f"{patient}_tracks.json"
    content = json.loads(path.read_text())
    content["pairs"][0] |= {"verdict": "fail", "reasons": ["the brains overlap by 0.71"]}
    path.write_text(json.dumps(content))


def metrics(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def test_results_that_are_not_followed_say_how(
    followed: Path, open_page: OpenPage, words_of: Words
) -> None:
    for tracks in (followed / RESULTS).glob("sub-*/tracks"):
        shutil.rmtree(tracks)
    app = open_page("change", followed)
    assert not app.exception
    said = words_of(app)
    assert "2 patients with two visits or more, and no comparison yet" in said
    assert f"fsh track {followed / RESULTS}" in said


def test_one_visit_only_says_so(study: Path, open_page: OpenPage, words_of: Words) -> None:
    app = open_page("change", study)
    assert not app.exception
    assert "One visit only of every patient" in words_of(app)
    assert app.code[0].value == f"fsh track DATASET -o {study / RESULTS}"


def test_the_cohort_is_counted_by_patient(
    followed: Path, open_page: OpenPage, words_of: Words
) -> None:
    app = open_page("change", followed)
    assert not app.exception
    assert metrics(app) == {
        "Patients": "2",
        "With new or enlarging lesions": "1 of 2",
        "New lesions": "1",
        "New lesions per patient-year": "1.00",
    }
    said = words_of(app)
    assert "1 patient with one visit only: nothing to compare." in said
    assert "1 patient with dates, 1.0 years" in said
    assert "95 % intervals from five patients on" in said
    assert app.dataframe[0].value["new"].tolist() == [1, 0, 0]
    assert "A click on a row shows that patient" in said


def test_a_comparison_that_failed_is_not_counted_unless_asked_for(
    followed: Path, open_page: OpenPage, words_of: Words
) -> None:
    fail(followed, "sub-A")
    app = open_page("change", followed)
    assert not app.exception
    assert "2 patients, 3 intervals: 2 can be compared" in words_of(app)
    assert "1 cannot be compared reliably and is not counted below" in words_of(app)
    assert metrics(app)["New lesions"] == "0"
    app.toggle(key="failed").set_value(True).run()
    assert metrics(app)["New lesions"] == "1"
    app = open_page("change", followed, patient="sub-A")
    assert any(
        "cannot be compared reliably: the brains overlap by 0\\.71" in warning.value
        for warning in app.warning
    )


def test_arms_are_told_apart(followed: Path, open_page: OpenPage, words_of: Words) -> None:
    app = open_page("change", followed)
    app.selectbox(key="group").set_value("arm").run()
    assert not app.exception
    table = next(frame.value for frame in app.dataframe if "group" in frame.value)
    assert table.set_index("group")["active"].to_dict() == {"all": 1, "drug": 0, "placebo": 1}
    assert "fewer than five patients have no interval" in words_of(app)


def test_a_patient_is_shown_with_the_new_lesion_in_both_scans(
    followed: Path, open_page: OpenPage, words_of: Words
) -> None:
    app = open_page("change", followed, patient="sub-A")
    assert not app.exception
    said = words_of(app)
    assert "**m0 → m6**, 182 days" in said
    assert "**new**, change" in said
    assert "nothing before," in said
    assert len(app.get("component_instance")) == 2
    before, after = (
        json.loads(element.proto.json_args) for element in app.get("component_instance")
    )
    assert before["link"]["name"] == after["link"]["name"]
    # The new lesion is at (30, 45, 0) in the first position; the second was turned and shifted.
    for value, wanted in zip(before["jump"]["mm"], (30, 45, 0), strict=True):
        assert abs(value - wanted) < 1.5
    assert abs(after["jump"]["mm"][0] - before["jump"]["mm"][0]) < 4
    assert after["jump"]["mm"] != before["jump"]["mm"]


def test_the_change_of_the_address_is_shown(
    followed: Path, open_page: OpenPage, words_of: Words
) -> None:
    app = open_page("change", followed, patient="sub-A", kinds="stable", change="1:1")
    assert not app.exception
    assert "change 1, m6 → m12" in words_of(app)
    for address in ("9:9", "x", ":", "0:-1"):
        assert not open_page("change", followed, patient="sub-A", change=address).exception


def test_without_its_scan_the_rest_is_shown(
    followed: Path, open_page: OpenPage, words_of: Words
) -> None:
    shutil.rmtree(followed / "sub-A" / "ses-m0")
    app = open_page("change", followed, patient="sub-A")
    assert not app.exception
    assert "--images SCANS" in words_of(app)
    assert len(app.get("component_instance")) == 1  # the later visit


def test_a_visit_in_which_nothing_changed_says_so(
    followed: Path, open_page: OpenPage, words_of: Words
) -> None:
    app = open_page("change", followed, patient="sub-B")
    assert not app.exception
    assert "Nothing changed here" in words_of(app)


def test_a_damaged_record_is_named_and_the_others_are_shown(
    followed: Path, open_page: OpenPage
) -> None:
    (followed / RESULTS / "sub-A" / "tracks" / "sub-A_tracks.json").write_text("{")
    app = open_page("change", followed)
    assert not app.exception
    assert any("sub-A_tracks.json" in text.value for text in app.text)
    assert metrics(app)["Patients"] == "1"


def test_lesions_that_changed_since_are_told(
    followed: Path, open_page: OpenPage, words_of: Words
) -> None:
    labels = next((followed / RESULTS / "sub-A" / "ses-m6").rglob("*_dseg.nii.gz"))
    shutil.copy(next((followed / RESULTS / "sub-A" / "ses-m12").rglob("*_dseg.nii.gz")), labels)
    app = open_page("change", followed, patient="sub-A")
    assert not app.exception
    assert "the lesions of visit m6 have changed since" in words_of(app)
    assert "cut off" not in words_of(app)


def test_a_patient_that_is_not_there_is_named(
    followed: Path, open_page: OpenPage, words_of: Words
) -> None:
    app = open_page("change", followed, patient="sub-Z")
    assert not app.exception
    assert "Patient sub-Z is not in these results" in words_of(app)
