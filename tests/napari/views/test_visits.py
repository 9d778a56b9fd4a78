"""Two visits side by side: both crosshairs stand at the same anatomy."""

import numpy as np
import pytest

pytest.importorskip("napari", reason="napari is not installed: pip install '.[app]'")
pytest.importorskip("pytestqt", reason="pytest-qt is not installed: pip install '.[dev]'")
pytest.importorskip("SimpleITK", reason="SimpleITK is not installed: pip install '.[app]'")

from qtpy.QtCore import Qt

from fsh_core.volume.volume import Volume, save_like
from fsh_napari.views.overlays import CORONAL
from tests.napari.driving import PATIENCE_MS, open_review_widget, settle

SHIFT_MM = (6.0, -4.0, 5.0)


@pytest.fixture
def record(make_record, phantom, tmp_path):
    """Two sessions; at the second the patient lay elsewhere in the scanner."""
    moved = phantom.flair.affine.copy()
    moved[:3, 3] += SHIFT_MM
    later = tmp_path / "later_FLAIR.nii.gz"
    save_like(phantom.flair.data, Volume(phantom.flair.data, moved), later)
    make_record("01", "2", flair=later)
    return make_record("01", "1")


@pytest.fixture
def widget(viewer, record):
    widget = open_review_widget(viewer, record)
    yield widget
    widget.close_case()
    widget.stage.planes.detach()


@pytest.fixture
def beside(widget, qtbot):
    """The second visit, beside the first."""
    qtbot.keyClick(widget._canvas, Qt.Key.Key_T)
    assert widget.stage.visit.name == "sub-01_ses-2"
    qtbot.waitUntil(lambda: "are linked" in widget.view.message.text(), timeout=PATIENCE_MS)
    return widget.stage.visit


def voxel_of(grid, point):
    return np.array(grid.from_viewer_mm(point))


def test_the_crosshairs_are_at_the_same_anatomy(widget, beside):
    for label in (1, 2, 3):
        widget.controller.go_to(label)
        here = voxel_of(widget.case.grid, widget.stage.planes.point)
        there = voxel_of(beside.grid, beside.point)
        off_mm = np.abs(here - there) * (1.0, 1.0, 2.5)
        assert off_mm.max() <= 2.5, (label, here, there)  # a voxel of the thick direction


def test_a_click_there_moves_here(widget, beside):
    target = widget.case.grid.to_viewer_mm((33, 31, 8))
    view = beside.views[0]
    beside.click(beside.grid.to_viewer_mm((33, 31, 8)))
    np.testing.assert_allclose(widget.stage.planes.point, target, atol=3)
    assert beside.model.dims.point == pytest.approx(beside.grid.to_viewer_mm((33, 31, 8)))
    before = widget.stage.planes.point[0]
    view.step(2)
    assert abs(widget.stage.planes.point[0] - before) == pytest.approx(5.0, abs=0.5)


def test_it_shows_the_same_plane_and_convention(widget, beside):
    widget.stage.planes.enlarge(widget.stage.planes.views[1])
    assert beside.views[0].plane is CORONAL
    widget.stage.planes.convention_box.setCurrentText("neurological")
    assert beside.views[0].camera.orientation2d == widget.stage.planes.views[0].camera.orientation2d


def test_its_lesions_are_shown_and_its_probability_is_not(beside):
    assert [(layer.name.split()[1], layer.visible) for layer in beside.model.layers] == [
        ("FLAIR", True),
        ("probability", False),
        ("lesions", True),
    ]


def test_the_same_lesion_has_the_same_colour(widget, beside):
    there, here = beside.model.layers["sub-01_ses-2 lesions"], widget.case.layer
    assert beside.matches == {1: 1, 2: 2, 3: 3}
    for label in (1, 2, 3):
        np.testing.assert_array_equal(there.get_color(label), here.get_color(label))
    assert len({tuple(there.get_color(label)) for label in (1, 2, 3)}) == 3
    widget.controller.go_to(2)
    widget.controller.delete()
    settle(50)
    assert beside.matches == {1: 1, 2: 0, 3: 3}
    np.testing.assert_array_equal(there.get_color(2), (1, 0, 0, 1))
    assert "red: only in this visit" in beside.title.text()


def test_once_more_closes_it(widget, beside, qtbot):
    assert not widget.stage.planes.isVisible()
    qtbot.keyClick(widget._canvas, Qt.Key.Key_T)
    settle(50)
    assert widget.stage.visit is None
    assert widget.stage.planes.isVisible()
    widget.controller.go_to(2)


def test_closing_its_dock_closes_it(widget, viewer, beside, qtbot):
    viewer.window.remove_dock_widget(beside)
    settle(50)
    assert widget.stage.visit is None
    assert widget.stage.planes.isVisible()
    qtbot.keyClick(widget._canvas, Qt.Key.Key_T)
    assert widget.stage.visit.name == "sub-01_ses-2"


def test_another_case_closes_it(widget, beside, record):
    widget.open(record)
    settle()
    assert widget.stage.visit is None


def test_an_open_scan_is_another_visit(widget, viewer, qtbot):
    scan = viewer.layers["sub-01_ses-1 FLAIR"]
    options = {"scale": scan.scale, "translate": scan.translate, "units": scan.units}
    viewer.add_image(np.asarray(scan.data)[:, 2:], name="an earlier scan", **options)
    for name in ("sub-01_ses-2", "an earlier scan"):
        qtbot.keyClick(widget._canvas, Qt.Key.Key_T)
        assert widget.stage.visit.name == name
    assert not viewer.layers["an earlier scan"].visible  # it would lie over the scan under review
    qtbot.keyClick(widget._canvas, Qt.Key.Key_T)
    assert widget.stage.visit is None
    assert viewer.layers["an earlier scan"].visible
