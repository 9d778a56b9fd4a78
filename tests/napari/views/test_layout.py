"""The reading layout, remembered for each reader."""

import pytest

pytest.importorskip("napari", reason="napari is not installed: pip install '.[app]'")
pytest.importorskip("pytestqt", reason="pytest-qt is not installed: pip install '.[dev]'")

from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import QDockWidget

from fsh_napari.views.layout import Memory
from fsh_napari.views.window import window_of
from tests.napari.driving import PATIENCE_MS, open_review_widget


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
