"""The images of a case, and how they are drawn.

Sides, proportions and colours are checked by hand.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fsh_core.errors import InputError
from fsh_core.figures.slices import make_view
from fsh_core.volume.planes import AXIAL, CORONAL, PLANES
from fsh_core.volume.volume import Volume
from fsh_dashboard.data.cohort_tables import read_results
from fsh_dashboard.data.folder import open_folder
from fsh_dashboard.data.scans import CaseImages, case_files, load_case_images
from fsh_dashboard.data.slices import PIXELS_PER_MM, as_html, draw, through_lesion
from fsh_dashboard.data.sources import find_source

NAME = "derivatives/fsh"


def record_name(subject: str) -> str:
    return f"{NAME}/sub-{subject}/anat/sub-{subject}_seg-lesions_dseg.json"


def images_of(study: Path, subject: str) -> CaseImages:
    opened = open_folder([str(study)])
    record, paths = case_files(opened, NAME, record_name(subject))
    return load_case_images(find_source(opened, NAME, record), paths)


def test_flair_reference_and_maps_are_found_on_one_grid(study: Path) -> None:
    images = images_of(study, "P1")
    assert set(images.view.maps) == {"Reference", "Prediction", "Before processing", "Probability"}
    assert images.view.maps["Reference"].sum() == images.view.maps["Prediction"].sum() == 108
    assert images.flair_path == study / "sub-P1" / "anat" / "sub-P1_FLAIR.nii.gz"
    assert images.problems == ()


def test_a_case_without_reference_has_none(study: Path) -> None:
    assert "Reference" not in images_of(study, "P4").view.maps


def test_a_record_that_names_files_outside_is_refused(study: Path) -> None:
    path = study / record_name("P1")
    record = json.loads(path.read_text())
    record["files"]["mask"] = "../../../../etc/passwd"
    path.write_text(json.dumps(record))
    with pytest.raises(InputError, match="leads out"):
        case_files(open_folder([str(study)]), NAME, record_name("P1"))


def test_a_broken_map_is_named_and_the_others_shown(study: Path) -> None:
    next(study.glob(f"{NAME}/sub-P1/anat/*_desc-raw_mask.nii.gz")).write_bytes(b"broken")
    images = images_of(study, "P1")
    assert "Before processing" not in images.view.maps
    assert any("desc-raw" in problem for problem in images.problems)


@pytest.fixture
def view() -> Any:
    """20 x 24 x 16 voxels of 1 x 1 x 3 mm in RAS.

    One lesion on the patient's right, in front, low.
    """
    data = np.full((20, 24, 16), 100, np.float32)
    data[10:, :, :] = 50
    mask = np.zeros(data.shape, bool)
    mask[14:18, 18:22, 2:4] = True
    volume = Volume(data, np.diag([1.0, 1.0, 3.0, 1.0]))
    return make_view(
        volume,
        {"Prediction": mask, "Probability": mask.astype(np.float32)},
        np.ones(data.shape, bool),
        0,
    )


def test_pictures_have_true_proportions(view: Any) -> None:
    assert draw(view, AXIAL, 3).shape == (24 * PIXELS_PER_MM, 20 * PIXELS_PER_MM, 3)
    assert draw(view, CORONAL, 20).shape == (16 * 3 * PIXELS_PER_MM, 20 * PIXELS_PER_MM, 3)


def coloured(picture: Any) -> Any:
    """Where a picture is not grey: centre row and column."""
    rows, columns = np.nonzero(picture.max(axis=2).astype(int) - picture.min(axis=2) > 30)
    return rows.mean() / picture.shape[0], columns.mean() / picture.shape[1]


@pytest.mark.parametrize("overlay", ["Prediction", "Probability"])
def test_right_is_left_and_front_is_up(view: Any, overlay: str) -> None:
    up, across = coloured(draw(view, AXIAL, 2, overlay))
    assert up == pytest.approx(1 - 20 / 24, abs=0.02)  # voxels 18 to 21 of 24, counted from below
    assert across == pytest.approx(
        1 - 16 / 20, abs=0.02
    )  # voxels 14 to 17 of 20, counted from the picture's right
    up, _ = coloured(draw(view, CORONAL, 19, overlay))
    assert up == pytest.approx(1 - 3 / 16, abs=0.02)


def test_an_empty_slice_and_an_unknown_overlay_are_just_grey(view: Any) -> None:
    for overlay in (None, "Prediction", "nothing"):
        picture = draw(view, AXIAL, 10, overlay)
        assert (picture.max(axis=2) == picture.min(axis=2)).all()


def test_the_page_part_asks_for_nothing_and_escapes_words(view: Any) -> None:
    part = as_html(draw(view, AXIAL, 2), AXIAL, "<b>x</b>", 'a "quoted" text')
    assert "http" not in part
    assert "<b>" not in part
    assert part.count("<span") == 4
    assert all(f">{letter}</span>" in part for letter in "RLPA")


def test_a_lesion_of_the_table_lies_in_the_slices_through_it(study: Path) -> None:
    view = images_of(study, "P1").view
    lesions = read_results(open_folder([str(study)]), NAME).lesions
    for _, lesion in lesions[lesions["case"] == "sub-P1"].iterrows():
        index = dict(
            zip((plane.through for plane in PLANES), through_lesion(view, lesion), strict=True)
        )
        assert view.maps["Prediction"][
            index[0], index[1], index[2]
        ]  # the file is LAS, the view RAS
    far = {"inside_r_mm": 1e4, "inside_a_mm": -1e4, "inside_s_mm": 0.0}
    for plane, place in zip(PLANES, through_lesion(view, far), strict=True):
        assert view.box_voxels[plane.through][0] <= place < view.box_voxels[plane.through][1]
