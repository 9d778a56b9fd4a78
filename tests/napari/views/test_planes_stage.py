"""The three planes beside Segment and Review: they open by themselves, or when they are needed."""

import pytest

pytest.importorskip("napari", reason="napari is not installed: pip install '.[app]'")
pytest.importorskip("pytestqt", reason="pytest-qt is not installed: pip install '.[dev]'")

from qtpy.QtCore import Qt

from fsh_napari.segment.widget import SegmentWidget
from fsh_napari.views.planes import PlanesWidget
from fsh_napari.views.window import dock_of
from tests.napari.driving import PATIENCE_MS, open_review_widget, settle


@pytest.fixture
def planes(viewer):
    """The planes that are open in the window; they are detached in the end."""

    def found():
        return [one for one in viewer.window._qt_window.findChildren(PlanesWidget) if one.views]

    yield found
    for one in found():
        one.detach()


def open_segment(viewer, flair_file):
    widget = SegmentWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Segment", area="right")
    widget.controller.open_scan(flair_file)
    settle(50)
    return widget


def test_they_open_with_the_first_scan_of_segment(viewer, flair_file, planes):
    widget = SegmentWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Segment", area="right")
    settle(50)
    assert planes() == []  # there is nothing to see yet
    widget.controller.open_scan(flair_file)
    settle(50)
    assert len(planes()) == 1
    assert planes()[0].isVisible()


def test_one_who_closes_them_in_segment_does_not_get_them_back(viewer, flair_file, planes):
    widget = open_segment(viewer, flair_file)
    viewer.window.remove_dock_widget(planes()[0])
    widget.controller.open_scan(flair_file)
    settle(50)
    assert planes() == []


def test_they_stay_away_where_that_is_set(viewer, page, flair_file, planes):
    page.planes = False
    open_segment(viewer, flair_file)
    assert planes() == []


def test_without_them_a_key_goes_to_a_lesion_in_the_large_view(viewer, page, record, planes, qtbot):
    page.planes = False
    review = open_review_widget(viewer, record)
    assert planes() == []
    first = viewer.dims.point
    qtbot.keyClick(review.view.table, Qt.Key.Key_N)
    inside = review.case.voxel_at(viewer.dims.point)
    assert viewer.dims.point != first
    assert review.case.review.labels[inside] == review.view.label
    assert planes() == []


def test_what_needs_a_click_opens_them(viewer, page, record, planes, qtbot):
    page.planes = False
    review = open_review_widget(viewer, record)
    qtbot.keyClick(review.view.table, Qt.Key.Key_I)
    settle(50)
    assert len(planes()) == 1
    point = review.case.grid.to_viewer_mm((1, 1, 1))
    assert "Click the missed lesion" in review.view.message.text()
    planes()[0].click(point)
    assert "Click the missed lesion" not in review.view.message.text()
    viewer.window.remove_dock_widget(planes()[0])
    assert "Plugins > F.sh > Three planes opens them again" in review.view.message.text()
    qtbot.keyClick(review.view.table, Qt.Key.Key_N)
    assert planes() == []


def test_segment_and_review_stand_as_tabs_beside_the_same_planes(
    viewer, record, flair_file, planes, qtbot
):
    viewer.window.resize(1366, 768)
    segment = open_segment(viewer, flair_file)
    review = open_review_widget(viewer, record)
    window = viewer.window._qt_window
    own, other = dock_of(review), dock_of(segment)
    qtbot.waitUntil(lambda: other in window.tabifiedDockWidgets(own), timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: window.height() <= 768, timeout=PATIENCE_MS)
    assert len(planes()) == 1
    qtbot.waitUntil(lambda: not review.visibleRegion().isEmpty(), timeout=PATIENCE_MS)
    assert segment.visibleRegion().isEmpty()


def test_review_stands_beside_planes_that_segment_left(viewer, record, flair_file, planes, qtbot):
    viewer.window.resize(1366, 768)
    segment = open_segment(viewer, flair_file)
    viewer.window.remove_dock_widget(segment)
    viewer.layers.clear()
    review = open_review_widget(viewer, record)
    window, (left,) = viewer.window._qt_window, planes()

    def are_side_by_side() -> bool:
        return dock_of(left).geometry().right() < dock_of(review).geometry().left()

    qtbot.waitUntil(are_side_by_side, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: window.height() <= 768, timeout=PATIENCE_MS)
