"""One slice of each case: the right one, the right way round; the mosaic on the page."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from fsh_core.errors import InputError
from fsh_core.volume.volume import save_like
from fsh_dashboard.data.mosaic import slice_through
from fsh_dashboard.data.slices import PIXELS_PER_MM

OpenPage = Callable[..., AppTest]
Read = Callable[[str], str]


@pytest.fixture
def scan(phantom: Any, tmp_path: Path) -> tuple[Path, Path]:
    """The phantom and a mask of one voxel column: i 12 to 17, j 24 to 29, k 9 and 10, in LAS."""
    save_like(phantom.flair.data, phantom.flair, tmp_path / "flair.nii.gz")
    mask = np.zeros_like(phantom.reference)
    mask[12:18, 24:30, 9:11] = True
    save_like(mask, phantom.flair, tmp_path / "mask.nii.gz")
    return tmp_path / "flair.nii.gz", tmp_path / "mask.nii.gz"


def inside(phantom: Any, i: int, j: int, k: int) -> dict[str, float]:
    world = phantom.flair.affine @ (i, j, k, 1)
    return {f"inside_{axis}_mm": float(world[index]) for index, axis in enumerate("ras")}


def coloured(picture: np.ndarray) -> np.ndarray:
    """Where a picture is not grey."""
    return np.asarray(np.ptp(picture.astype(int), axis=2) > 60)


def test_the_slice_goes_through_the_lesion(phantom: Any, scan: tuple[Path, Path]) -> None:
    assert coloured(slice_through(*scan, None, inside(phantom, 14, 26, 9))).any()
    assert not coloured(slice_through(*scan, None, inside(phantom, 14, 26, 5))).any()


def test_right_is_on_the_left_and_front_above(phantom: Any, scan: tuple[Path, Path]) -> None:
    picture = slice_through(*scan, None, inside(phantom, 14, 26, 9))
    assert picture.shape[:2] == (round(56 * PIXELS_PER_MM), round(48 * PIXELS_PER_MM))
    rows, columns = np.nonzero(coloured(picture))
    # LAS: i runs to the left, so i = 12 to 17 of 48 lies right of the middle, and is drawn on the
    # left.
    assert 11 * PIXELS_PER_MM < columns.mean() < 19 * PIXELS_PER_MM
    assert (56 - 31) * PIXELS_PER_MM < rows.mean() < (56 - 23) * PIXELS_PER_MM


def test_without_a_lesion_the_widest_slice_is_shown(scan: tuple[Path, Path]) -> None:
    assert slice_through(*scan, None, None).size


def test_a_table_without_the_point_is_named(scan: tuple[Path, Path]) -> None:
    with pytest.raises(InputError, match="no column 'inside_r_mm'"):
        slice_through(*scan, None, {"volume_mm3": 3.0})


def test_every_case_has_a_tile_that_marks_it(study: Path, open_page: OpenPage) -> None:
    app = open_page("cohort", study)
    assert not app.get("html")
    app.toggle(key="mosaic").set_value(True).run()
    assert not app.exception
    assert len(app.get("html")) == 4
    app.button(key="tile-sub-P2").click().run()
    assert app.selectbox(key="case").value == "sub-P2"
    assert "orange" in app.button(key="tile-sub-P2").label


def test_a_scan_that_is_gone_or_broken_is_named_in_its_place(
    study: Path, open_page: OpenPage, read: Read
) -> None:
    shutil.rmtree(study / "sub-P1")
    (study / "sub-P2" / "anat" / "sub-P2_FLAIR.nii.gz").write_bytes(b"broken")
    app = open_page("cohort", study)
    app.toggle(key="mosaic").set_value(True).run()
    assert not app.exception
    assert len(app.get("html")) == 2
    said = [read(caption.value) for caption in app.caption]
    assert any("sub-P1: its FLAIR" in text and "is not there" in text for text in said)
    assert any("sub-P2_FLAIR" in text for text in said)
