"""The Case page: empty, normal, without its scan, broken."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
from streamlit.testing.v1 import AppTest

from fsh_core.lesions.regions import dissemination

OpenPage = Callable[..., AppTest]
Words = Callable[[AppTest], str]


def test_without_cases_it_says_what_to_do(
    tmp_path: Path, open_page: OpenPage, words_of: Words
) -> None:
    app = open_page("case", tmp_path)
    assert not app.exception
    assert "fsh segment SCANS" in words_of(app)


def test_a_case_is_shown_in_three_planes(study: Path, open_page: OpenPage, words_of: Words) -> None:
    app = open_page("case", study)
    assert not app.exception
    assert "Lesions 3" in words_of(app)
    assert "Dice with the reference 1.000" in words_of(app)
    assert [slider.label for slider in app.slider] == [
        "Axial slice",
        "Coronal slice",
        "Sagittal slice",
    ]
    assert app.dataframe[-1].value["label"].tolist() == [1, 2, 3]
    assert app.dataframe[-1].value.notna().any().all()  # no column without a single value
    pictures = [html.proto.body for html in app.get("html")]
    assert len(pictures) == 9
    assert sum('alt="Axial' in picture for picture in pictures) == 3


def test_the_slices_start_at_the_most_lesion_and_follow_a_slider(
    study: Path, open_page: OpenPage
) -> None:
    app = open_page("case", study)
    assert app.slider[0].value in (8, 9)  # the two large lesions lie in slices 8 to 10
    before = app.get("html")[0].proto.body
    app.slider[0].set_value(4).run()
    assert not app.exception
    assert app.get("html")[0].proto.body != before


def test_an_undefined_number_is_not_a_missing_reference(
    study: Path, open_page: OpenPage, words_of: Words
) -> None:
    path = next(study.glob("derivatives/fsh/sub-P1/anat/*_dseg.json"))
    record = json.loads(path.read_text())
    record["evaluation"]["dice"] = None
    path.write_text(json.dumps(record))
    app = open_page("case", study)
    app.selectbox(key="case").set_value("sub-P1").run()
    said = words_of(app)
    assert "Dice with the reference undefined" in said
    assert "no reference" not in said


def test_the_case_is_the_one_in_the_address(
    study: Path, open_page: OpenPage, words_of: Words
) -> None:
    app = open_page("case", study)
    app.selectbox(key="case").set_value("sub-P4").run()
    assert not app.exception
    assert "no reference" in words_of(app)
    assert len(app.get("html")) == 6  # FLAIR and prediction


def test_a_case_without_lesions_is_no_error(
    study: Path, open_page: OpenPage, words_of: Words
) -> None:
    app = open_page("case", study)
    app.selectbox(key="case").set_value("sub-P3").run()
    assert not app.exception
    assert "Look at: no lesion" in words_of(app)


def test_without_its_scan_the_rest_is_shown(
    study: Path, tmp_path: Path, open_page: OpenPage, words_of: Words
) -> None:
    moved = Path(shutil.move(study / "derivatives" / "fsh", tmp_path / "results"))
    shutil.rmtree(study)
    app = open_page("case", moved)
    assert not app.exception
    assert "sub-P1_FLAIR.nii.gz is not there" in words_of(app)
    assert "--images SCANS" in words_of(app)
    assert len(app.dataframe[0].value) == 3


def test_results_outside_the_dataset_show_its_scans(
    study: Path, tmp_path: Path, open_page: OpenPage, words_of: Words
) -> None:
    """The first screen of the README: fsh segment data -o out, then fsh dashboard out."""
    moved = Path(shutil.move(study / "derivatives" / "fsh", tmp_path / "out"))
    app = open_page("case", moved)
    assert not app.exception
    assert not app.info
    assert len(app.get("html")) == 6  # FLAIR and prediction in three planes
    app = open_page("lesions", moved, case="sub-P1")
    assert not app.exception
    assert not app.info


def test_a_broken_image_is_named(study: Path, open_page: OpenPage) -> None:
    next(study.glob("derivatives/fsh/sub-P1/anat/*_desc-raw_mask.nii.gz")).write_bytes(b"broken")
    app = open_page("case", study)
    assert not app.exception
    assert any("desc-raw" in text.value for text in app.text)
    assert len(app.get("html")) == 9


def test_a_broken_scan_is_one_sentence(study: Path, open_page: OpenPage, words_of: Words) -> None:
    (study / "sub-P1" / "anat" / "sub-P1_FLAIR.nii.gz").write_bytes(b"broken")
    app = open_page("case", study)
    assert not app.exception
    assert "sub-P1_FLAIR" in words_of(app)


def test_the_slices_are_those_of_the_address(study: Path, open_page: OpenPage) -> None:
    app = open_page("case", study, case="sub-P1", axial="5", coronal="nonsense", sagittal="9999")
    assert not app.exception
    assert app.slider(key="axial").value == 5
    assert app.slider(key="coronal").value in range(20, 45)  # where the lesions are
    assert app.slider(key="sagittal").value < 48


def test_another_case_begins_at_its_own_slices(study: Path, open_page: OpenPage) -> None:
    app = open_page("case", study, case="sub-P1", axial="5")
    app.selectbox(key="case").set_value("sub-P4").run()
    assert app.slider(key="axial").value in (9, 10, 11)


def test_the_record_judges_scan_and_regions(
    study: Path, open_page: OpenPage, words_of: Words
) -> None:
    lesions = pd.DataFrame(
        {"region": ["periventricular", "infratentorial"], "volume_mm3": [500.0, 20.0]}
    )
    lesions = lesions.assign(extent_r_mm=5.0, extent_a_mm=4.0, extent_s_mm=3.0)
    check = {
        "name": "voxel_size",
        "verdict": "caution",
        "value": 6.0,
        "unit": "mm",
        "reason": "Slices of 6 mm.",
    }
    judged = {
        "quality": {"verdict": "caution", "summary": "Use it with care.", "checks": [check]},
        "regions": {
            "found": True,
            "quality": 0.8,
            "note": "",
            "dissemination": dissemination(lesions),
        },
    }
    path = next(study.glob("derivatives/fsh/sub-P1/anat/*_dseg.json"))
    path.write_text(json.dumps(json.loads(path.read_text()) | judged))
    app = open_page("case", study)
    assert not app.exception
    words = words_of(app)
    assert "△ caution. Use it with care." in words
    assert "the regions seen here would suffice" in words
    assert "Not assessed: optic nerve, spinal cord." in words
    tables = [frame.value for frame in app.dataframe]
    assert any("Slices of 6 mm." in set(table.get("reason", [])) for table in tables)
    checks = next(frame for frame in app.dataframe if "reason" in frame.value)
    settings = json.loads(checks.proto.columns)
    assert settings["verdict"]["label"] == "verdict"  # not of the comparison of two visits
    assert "help" not in settings["reason"] or settings["reason"]["help"] is None
    assert any(list(table.get("volume (ml)", []))[:3] == [0.5, 0.0, 0.02] for table in tables)


def test_an_older_record_says_so(study: Path, open_page: OpenPage, words_of: Words) -> None:
    assert "it was made by an earlier F.sh" in words_of(open_page("case", study))


def test_regions_that_were_not_found_say_why(
    study: Path, open_page: OpenPage, words_of: Words
) -> None:
    path = next(study.glob("derivatives/fsh/sub-P1/anat/*_dseg.json"))
    blank = {"regions": {"found": False, "quality": 0.1, "note": "the scan fits MNI152 too badly"}}
    path.write_text(json.dumps(json.loads(path.read_text()) | blank))
    assert "No regions: the scan fits MNI152 too badly." in words_of(open_page("case", study))
