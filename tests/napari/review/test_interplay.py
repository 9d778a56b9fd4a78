"""Segment, the user's own brush and the review keep out of each other's lesions."""

import numpy as np
import pytest

pytest.importorskip("napari", reason="napari is not installed: pip install '.[app]'")
pytest.importorskip("pytestqt", reason="pytest-qt is not installed: pip install '.[dev]'")

from qtpy.QtCore import Qt

from fsh_core.derivatives import read_segmentation
from fsh_core.files import sha256_of
from fsh_core.review import open_review
from fsh_napari.preferences import preferences
from fsh_napari.review.widget import ReviewWidget
from fsh_napari.segment.widget import SegmentWidget
from tests.napari.driving import PATIENCE_MS, open_review_widget, settle


@pytest.fixture
def segment(viewer, flair_file, tmp_path, qtbot):
    """A scan that was segmented; nothing is saved yet."""
    widget = SegmentWidget(viewer, network="tests.napari.fake_network")
    viewer.window.add_dock_widget(widget, name="Segment")
    widget.view.settings.more.set_value("regions", False)
    widget.view.folder_field.setText(str(tmp_path / "records"))
    widget.controller.open_scan(flair_file)
    widget.controller.run()
    qtbot.waitUntil(lambda: widget.process is None, timeout=PATIENCE_MS)
    settle()
    yield widget
    widget.cancel()


def save(segment, qtbot, wait=True):
    segment.view.save_button.click()
    qtbot.waitUntil(lambda: "Saving…" not in segment.view.message.text(), timeout=PATIENCE_MS)
    return segment.view.message.text()


@pytest.fixture
def review(segment, viewer, qtbot):
    """The record of it, under review."""
    assert save(segment, qtbot).startswith("Saved:")
    widget = ReviewWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Review", area="right")
    settle()
    yield widget
    if widget.stage.planes is not None:
        widget.stage.planes.detach()


def shown(widget):
    return widget.case.grid.from_layer(widget.case.layer.data)


def test_what_segment_shows_cannot_be_painted_and_is_what_is_saved(segment, viewer, qtbot):
    for value in (50, 75, 60):
        segment.view.settings.slider.setValue(value)
        settle()
        layer = viewer.layers["sub-01 lesions"]
        layer.mode = "paint"
        assert layer.mode == "pan_zoom"
        assert not layer.editable
    save(segment, qtbot)
    [record] = segment.view.records_folder.rglob("*_dseg.json")
    saved = open_review(record, "x").labels
    np.testing.assert_array_equal(saved, segment.stage.grid.from_layer(layer.data))


def test_segment_never_touches_lesions_under_review(segment, review, viewer, qtbot):
    before = review.case.review.labels.copy()
    review.controller.accept()
    assert review.case.layer.editable
    segment.view.settings.slider.setValue(75)
    settle()
    review.controller.next()
    settle(50)
    np.testing.assert_array_equal(review.case.review.labels, before)
    np.testing.assert_array_equal(shown(review), before)
    assert "paint" not in {event.kind for event in review.case.review.journal.events}
    own = viewer.layers["sub-01 lesions (Segment)"]
    assert 0 < np.count_nonzero(own.data) < np.count_nonzero(review.case.layer.data)
    segment.controller.run()
    qtbot.waitUntil(lambda: segment.process is None, timeout=PATIENCE_MS)
    settle()
    np.testing.assert_array_equal(shown(review), before)


def test_save_record_never_orphans_a_review(segment, review, viewer, qtbot):
    record = review.case.stored.paths["record"]
    original = sha256_of(review.case.stored.paths["labels"])
    segment.view.settings.slider.setValue(75)
    settle()
    assert "sub-01 is being reviewed from this folder" in save(segment, qtbot)  # not begun yet
    label = review.view.label
    review.view.advance.setChecked(False)
    review.controller.accept()
    viewer.window.remove_dock_widget(review)
    settle()
    assert "found the review sub-01_desc-" in save(segment, qtbot)
    assert sha256_of(read_segmentation(record).paths["labels"]) == original
    assert open_review(record, preferences().reader_name).status(label) == "accepted"
    segment.view.folder_field.setText(str(record.parents[2] / "more"))
    assert save(segment, qtbot).startswith("Saved:")


def test_what_was_painted_before_the_review_is_kept(viewer, record):
    viewer.open(str(record), plugin="fsh-ms")
    layer = viewer.layers["sub-01 lesions"]
    assert layer.editable
    layer.brush_size = 1
    layer.paint((3, 4, 5), 3)
    layer.paint((3, 4, 6), 3)
    widget = open_review_widget(viewer)
    assert "painted before is kept as one stroke" in widget.view.message.text()
    assert widget.case.review.journal.events[0].kind == "paint"
    np.testing.assert_array_equal(shown(widget), widget.case.review.labels)
    assert widget.case.review.voxels(3) > 4
    widget.controller.undo()
    assert widget.case.review.voxels(3) == 4
    viewer.window.remove_dock_widget(widget)
    assert not layer.editable  # nobody listens any more
    again = open_review_widget(viewer)
    assert again.case.review.voxels(3) == 4
    assert "painted before" not in again.view.message.text()
    again.stage.planes.detach()


def test_lesions_that_are_taken_out_of_the_viewer_close_the_review(viewer, record, qtbot):
    widget = open_review_widget(viewer, record)
    viewer.layers.clear()
    settle()
    assert widget.case is None
    assert "the review is closed" in widget.view.message.text()
    assert widget.view.table.labels == []
    for key in (Qt.Key.Key_A, Qt.Key.Key_D, Qt.Key.Key_N):
        qtbot.keyClick(widget._canvas, key)
    review = open_review(record, preferences().reader_name)
    assert review.decided == 0
    assert review.lesions == [1, 2, 3]
    widget.open(record)
    settle()
    assert widget.view.table.labels == [1, 2, 3]
    widget.stage.planes.detach()


class TestReadOnly:
    def test_a_folder_that_cannot_be_written_is_to_look_only(
        self, viewer, record, qtbot, monkeypatch
    ):
        monkeypatch.setattr("fsh_core.review.journal.os.access", lambda *_: False)
        widget = open_review_widget(viewer, record)
        assert "cannot be written, so that this review is open" in widget.view.message.text()
        widget.view.show_message("")
        assert not widget.case.layer.editable
        for key in (Qt.Key.Key_N, Qt.Key.Key_G, Qt.Key.Key_H):
            qtbot.keyClick(widget._canvas, key)
            assert "open to look only" not in widget.view.message.text()
        assert widget.view.label == 2
        qtbot.keyClick(widget._canvas, Qt.Key.Key_A)
        assert "open to look only; copy the folder" in widget.view.message.text()
        assert list(record.parent.glob("*_review.jsonl")) == []
        widget.stage.planes.detach()


def test_a_record_whose_scan_is_gone_says_so(viewer, record, flair_file):
    flair_file.unlink()
    widget = open_review_widget(viewer, record)
    assert "the scan of sub-01 is not where its record says" in widget.view.message.text()
    widget.stage.planes.detach()
