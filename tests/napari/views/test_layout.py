"""The reading layout, remembered for each reader."""

import pytest

pytest.importorskip("napari", reason="napari is not installed: pip install '.[app]'")
pytest.importorskip("pytestqt", reason="pytest-qt is not installed: pip install '.[dev]'")

from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import QDockWidget

from fsh_napari.views.layout import Memory
from fsh_napari.views.window import window_of
from tests.napari.driving import PATIENCE_MS, open_review_widget, settle


@pytest.fixture
def review(viewer, page, record):
    page.reader_name = "Anna"
    Memory()._settings.clear()
    review = open_review_widget(viewer, record)
    yield review
    if review.stage.planes is not None:
        review.stage.planes.detach()


def lists_shown(viewer) -> list[bool]:
    window, _ = window_of(viewer)
    names = ("layer list", "layer controls")
    return [not window.findChild(QDockWidget, name).isHidden() for name in names]


def open_again(viewer, review, record):
    """Close Review, and open it anew."""
    viewer.window.remove_dock_widget(review)
    viewer.window.remove_dock_widget(review.stage.planes)
    assert lists_shown(viewer) == [True, True]
    viewer.layers.clear()
    return open_review_widget(viewer, record)


def test_a_key_takes_the_lists_away_and_back(viewer, review, qtbot):
    _, large = window_of(viewer)
    width = large.width()
    qtbot.keyClick(review.view.table, Qt.Key.Key_L)
    assert lists_shown(viewer) == [False, False]
    assert "Reading layout" in review.view.message.text()
    qtbot.waitUntil(lambda: large.width() > width + 100, timeout=PATIENCE_MS)
    qtbot.keyClick(review.view.table, Qt.Key.Key_L)
    assert lists_shown(viewer) == [True, True]


def test_it_is_remembered_for_each_reader_and_ends_with_the_review(
    viewer, page, review, record, qtbot
):
    qtbot.keyClick(review.view.table, Qt.Key.Key_L)
    again = open_again(viewer, review, record)
    assert lists_shown(viewer) == [False, False]
    page.reader_name = "Ben"
    other = open_again(viewer, again, record)
    assert lists_shown(viewer) == [True, True]
    other.stage.planes.detach()


def test_the_planes_go_to_a_window_of_their_own_and_are_found_there_again(
    viewer, page, review, record, qtbot
):
    window, large = window_of(viewer)
    review.controller.go_to(2)
    width, point = large.width(), review.stage.planes.point
    qtbot.keyClick(review.view.table, Qt.Key.Key_L, Qt.KeyboardModifier.ShiftModifier)
    settle(50)
    apart = review.stage.planes.window()
    assert apart is not window
    assert apart.isVisible()
    assert review.stage.planes.point == point
    qtbot.waitUntil(lambda: large.width() > width + 100, timeout=PATIENCE_MS)
    assert [view.plane.name for view in review.stage.planes.views] == [
        "axial",
        "coronal",
        "sagittal",
    ]
    apart.setGeometry(200, 150, 640, 400)
    settle(500)
    apart.activateWindow()
    qtbot.keyClick(review.stage.planes.views[1].canvas, Qt.Key.Key_N)  # its keys work there, too
    settle(20)
    assert review.view.label == 3
    assert review.stage.planes.views[1].viewer.dims.point == viewer.dims.point
    viewer.window.remove_dock_widget(review)
    apart.close()
    settle(20)
    viewer.layers.clear()
    again = open_review_widget(viewer, record)
    place = again.stage.planes.window().geometry()
    assert (place.width(), place.height()) == (640, 400)
    qtbot.keyClick(again.view.table, Qt.Key.Key_L, Qt.KeyboardModifier.ShiftModifier)
    settle(50)
    assert again.stage.planes.window() is window
    again.stage.planes.detach()


def test_what_is_hidden_by_hand_stays_hidden(viewer, review, qtbot):
    window, _ = window_of(viewer)
    window.findChild(QDockWidget, "layer controls").hide()
    for _ in range(2):
        qtbot.keyClick(review.view.table, Qt.Key.Key_L)
    assert lists_shown(viewer) == [True, False]


def test_before_napari_closes_its_lists_are_back(viewer, review, qtbot):
    window, _ = window_of(viewer)
    qtbot.keyClick(review.view.table, Qt.Key.Key_L)
    review.stage.layout.eventFilter(window, QEvent(QEvent.Type.Close))
    assert lists_shown(viewer) == [True, True]
    review.stage.layout.enter_if_kept()
    assert lists_shown(viewer) == [False, False]
