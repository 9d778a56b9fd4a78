"""T1w and earlier visits in the place of the FLAIR, by one key."""

import numpy as np
import pytest

pytest.importorskip("napari", reason="napari is not installed: pip install '.[app]'")
pytest.importorskip("pytestqt", reason="pytest-qt is not installed: pip install '.[dev]'")
pytest.importorskip("SimpleITK", reason="SimpleITK is not installed: pip install '.[app]'")

from qtpy.QtCore import Qt

from fsh_core.volume.volume import Volume, save_like
from tests.napari.driving import PATIENCE_MS, open_review_widget, settle

SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def record(make_record, phantom, tmp_path):
    """The second visit of two, with a T1w on slices half as thick; there is no T2w."""
    folder = tmp_path / "sub-01"
    for session, channel in (("1", "FLAIR"), ("2", "FLAIR"), ("2", "T1w")):
        volume = phantom.flair
        if channel == "T1w":
            affine = volume.affine @ np.diag([1.0, 1.0, 0.5, 1.0])
            volume = Volume(np.repeat(200 - volume.data, 2, axis=2), affine)
        path = folder / f"ses-{session}/anat/sub-01_ses-{session}_{channel}.nii.gz"
        save_like(volume.data, volume, path)
    return make_record("01", "2", flair=folder / "ses-2/anat/sub-01_ses-2_FLAIR.nii.gz")


@pytest.fixture
def widget(viewer, record):
    widget = open_review_widget(viewer, record)
    yield widget
    widget.close_case()
    widget.stage.planes.detach()


@pytest.fixture
def flip(widget, qtbot):
    def flip(modifier=Qt.KeyboardModifier.NoModifier) -> str:
        qtbot.keyClick(widget._canvas, Qt.Key.Key_Q, modifier)
        settle(1)
        return widget.stage.planes.caption

    return flip


def scans_shown(viewer) -> list[str]:
    scans = [one for one in viewer.layers if one._type_string == "image" and one.visible]
    return [one.name for one in scans]


def test_one_key_flips_through_all_and_names_what_is_shown(widget, viewer, flip, qtbot):
    planes = widget.stage.planes
    widget.controller.go_to(2)
    assert planes.caption == "FLAIR ses-2"
    before = [(view.camera.zoom, view.camera.center) for view in planes.views], planes.point
    flip()
    qtbot.waitUntil(lambda: planes.caption.startswith("T1w"), timeout=PATIENCE_MS)
    settle(1)
    assert planes.caption == "T1w, not registered"
    assert scans_shown(viewer) == ["sub-01_ses-2 T1w"]
    assert "⚠ Not there: no T2w in" in widget.view.message.text()
    assert flip() == "FLAIR ses-1, registered"
    assert widget.view.message.text().startswith("FLAIR ses-1, 3 of 3: FLAIR, T1w, FLAIR ses-1.")
    assert flip() == "FLAIR ses-2"
    assert scans_shown(viewer) == ["sub-01_ses-2 FLAIR"]
    assert flip(SHIFT) == "FLAIR ses-1, registered"
    assert ([(view.camera.zoom, view.camera.center) for view in planes.views], planes.point) == (
        before
    )
    assert widget.case.review.journal.events[-1].kind == "visit"


def test_each_has_a_window_of_its_own_and_lies_below_the_lesions(widget, viewer, flip, qtbot):
    flair, small = viewer.layers["sub-01_ses-2 FLAIR"], widget.stage.planes.mirrors[0].other
    window = list(flair.contrast_limits)
    flip()
    qtbot.waitUntil(lambda: len(scans_shown(viewer)) == 1, timeout=PATIENCE_MS)
    settle(1)
    companion = viewer.layers["sub-01_ses-2 T1w"]
    qtbot.keyClick(widget._canvas, Qt.Key.Key_1)
    assert list(flair.contrast_limits) == window
    assert list(companion.contrast_limits) != window
    for layers in (viewer.layers, small.layers):
        assert [layer.name.split()[1] for layer in layers] == [
            "FLAIR",
            "T1w",
            "probability",
            "lesions",
        ]
    assert viewer.layers.selection.active is widget.case.layer


def test_another_case_has_its_own_and_they_are_read_with_it(widget, viewer, flip, record, qtbot):
    flip()
    settle()
    assert "sub-01_ses-2 T1w" in viewer.layers
    widget.open(record)
    settle()
    assert scans_shown(viewer) == ["sub-01_ses-2 FLAIR"]
    assert "sub-01_ses-2 T1w" not in viewer.layers
    assert flip().startswith("T1w")


def test_where_there_is_none_it_says_so(viewer, make_record, qtbot):
    widget = open_review_widget(viewer, make_record())
    qtbot.keyClick(widget._canvas, Qt.Key.Key_Q)
    settle()
    for word in ("no T1w", "no T2w", "no earlier visit"):
        assert word in widget.view.message.text()
    qtbot.keyClick(widget._canvas, Qt.Key.Key_Q)
    assert widget.view.message.text().startswith("⚠ no T1w")
    assert widget.stage.planes.caption == "FLAIR"
    widget.close_case()
    widget.stage.planes.detach()
