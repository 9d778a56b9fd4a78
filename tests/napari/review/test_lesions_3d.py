"""The lesions in 3-D beside the planes."""

import numpy as np
import pytest

pytest.importorskip("napari", reason="napari is not installed: pip install '.[app]'")
pytest.importorskip("pytestqt", reason="pytest-qt is not installed: pip install '.[dev]'")

from qtpy.QtCore import QPoint, Qt

from fsh_napari.layers.grid import Grid
from fsh_napari.review import lesions_3d
from fsh_napari.review.surfaces import brain_surface, lesion_surfaces
from tests.napari.driving import open_review_widget, settle


def volume_of(surfaces) -> float:
    """Enclosed volume, in mm3, by the divergence theorem; its sign says which way faces look."""
    one, two, three = np.moveaxis(surfaces.vertices[surfaces.faces].astype(float), 1, 0)
    return float(np.einsum("ij,ij->i", one, np.cross(two, three)).sum() / 6)


def test_surfaces_lie_around_their_lesions(phantom) -> None:
    grid = Grid.of(phantom.flair)
    box = (slice(10, 20), slice(22, 32), slice(8, 13))
    found = lesion_surfaces({7: (box, phantom.reference[box])}, grid)
    ends = np.array([grid.to_viewer_mm(voxel) for voxel in ((12, 24, 9), (17, 29, 10))])
    # Half a voxel around the middle of the outer voxels.
    half = np.array([2.5, 1.0, 1.0]) / 2
    np.testing.assert_allclose(found.vertices.min(axis=0), ends.min(axis=0) - half, atol=1e-3)
    np.testing.assert_allclose(found.vertices.max(axis=0), ends.max(axis=0) + half, atol=1e-3)
    assert set(found.labels) == {7}
    assert 0.8 * 180 < abs(volume_of(found)) <= 180  # marching cubes cuts the corners
    assert lesion_surfaces({}, grid) is None


def test_light_falls_from_the_front_and_above(phantom) -> None:
    found = brain_surface(phantom.brain, Grid.of(phantom.flair))
    for axis, brighter_end in ((0, 1), (1, -1)):  # superior and anterior
        order = np.argsort(found.vertices[:, axis])[::brighter_end]
        dark, bright = found.light[order[:50]].mean(), found.light[order[-50:]].mean()
        assert 0.3 <= dark < bright <= 1


def test_the_surface_of_the_brain_is_coarse_and_in_place(phantom) -> None:
    grid = Grid.of(phantom.flair)
    brain = brain_surface(phantom.brain, grid)
    expected = np.count_nonzero(phantom.brain) * phantom.flair.voxel_volume_mm3
    assert abs(volume_of(brain)) == pytest.approx(expected, rel=0.1)
    middle = (brain.vertices.min(axis=0) + brain.vertices.max(axis=0)) / 2
    here = grid.to_viewer_mm(tuple(np.round(np.argwhere(phantom.brain).mean(axis=0)).astype(int)))
    np.testing.assert_allclose(middle, here, atol=3)
    assert brain_surface(np.zeros_like(phantom.brain), grid) is None


@pytest.fixture
def widget(viewer, record):
    widget = open_review_widget(viewer, record)
    yield widget
    widget.close_case()
    widget.stage.planes.detach()


def press(widget, qtbot):
    qtbot.keyClick(widget._canvas, Qt.Key.Key_V)
    settle(100)
    return widget.stage._in_3d.view


def pixels(view) -> np.ndarray:
    """What the canvas shows, (height, width, 3)."""
    image = (
        view.canvas.grab()
        .toImage()
        .convertToFormat(view.canvas.grab().toImage().Format.Format_RGB888)
    )
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3)


def test_a_key_shows_them_the_patients_left_on_the_right_and_a_click_goes_there(widget, qtbot):
    widget.controller.go_to(1)
    view = press(widget, qtbot)
    settle(300)
    assert [layer.name for layer in view.model.layers] == ["brain", "lesions", "selected"]
    place = widget.case.inside(1)
    white = pixels(view).min(axis=2) > 150
    assert white.any()
    column = np.argwhere(white)[:, 1].mean() / white.shape[1]
    middle = widget.case.grid.to_viewer_mm((24, 28, 10))[2]
    assert (column > 0.5) == (place[2] > middle)  # the third axis grows to the left
    row, there = np.argwhere(white)[len(np.argwhere(white)) // 2]
    widget.controller.go_to(2)
    settle(50)
    qtbot.mouseClick(view.canvas, Qt.MouseButton.LeftButton, pos=QPoint(int(there), int(row)))
    settle(50)
    assert widget.view.label == 1
    np.testing.assert_allclose(widget.stage.planes.point, place)
    widget.controller.delete()
    settle(100)
    assert set(view._shown.labels) == {2, 3}
    assert press(widget, qtbot) is None


def test_where_3d_cannot_be_drawn_it_says_so(widget, qtbot, monkeypatch):
    def refuse(theme):
        raise RuntimeError("no OpenGL")

    monkeypatch.setattr(lesions_3d, "SurfacesView", refuse)
    assert press(widget, qtbot) is None
    assert widget.view.message.text().startswith(
        "⚠ 3-D cannot be drawn on this machine (no OpenGL)"
    )
