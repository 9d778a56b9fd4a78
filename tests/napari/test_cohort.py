"""A reader goes from case to case without leaving the keyboard, in the order that was asked for."""

import numpy as np
import pytest

pytest.importorskip("napari", reason="napari is not installed: pip install '.[app]'")
pytest.importorskip("pytestqt", reason="pytest-qt is not installed: pip install '.[dev]'")

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractButton, QComboBox, QLineEdit

from fsh_core.review import Queue, QueueItem, open_review, save_queue
from fsh_napari.cohort import CohortWidget
from fsh_napari.preferences import preferences
from tests.napari.driving import PATIENCE_MS, open_review_widget, rows_of, settle

SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def records(make_record):
    return [make_record("01"), make_record("02", "a"), make_record("02", "b")]


@pytest.fixture
def cohort(viewer, records, tmp_path, qtbot):
    viewer.window.resize(1366, 768)
    widget = CohortWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Cohort", area="right")
    viewer.window._qt_window.activateWindow()
    qtbot.keyClicks(widget.folder, str(tmp_path / "out"))
    qtbot.keyClick(widget.folder, Qt.Key.Key_Return)
    settle()
    yield widget
    if widget.review is not None and widget.review.stage.planes is not None:
        widget.review.close_case()
        widget.review.stage.planes.detach()


def test_the_cases_and_how_far_they_are(cohort, records):
    review = open_review(records[1], preferences().reader_name)
    review.set_status(1, "accepted")
    open_review(records[2], preferences().reader_name).set_case_status("flagged")
    cohort.load()
    assert rows_of(cohort.table) == [
        ["sub-01", "○ not started", "0 of 3"],
        ["sub-02_ses-a", "◐ in progress", "1 of 3"],
        ["sub-02_ses-b", "⚑ flagged", "0 of 3"],
    ]
    assert cohort.summary.text() == "1 not started, 1 in progress, 1 flagged"
    cohort.status_filter.setCurrentText("flagged")
    assert [cohort.table.isRowHidden(row) for row in range(3)] == [True, True, False]


def test_from_case_to_case_with_the_keyboard(cohort, viewer, records, qtbot):
    qtbot.keyClick(cohort.table, Qt.Key.Key_Return)
    settle()
    review = cohort.review
    assert review.case.name == "sub-01"
    for key in (Qt.Key.Key_A, Qt.Key.Key_R, Qt.Key.Key_A, Qt.Key.Key_C):
        qtbot.keyClick(review._canvas, key)
        settle()
    assert review.case.name == "sub-02_ses-a"
    assert {layer.metadata["fsh_case"] for layer in viewer.layers} == {"sub-02_ses-a"}
    qtbot.keyClick(review._canvas, Qt.Key.Key_C, SHIFT)
    settle()
    assert review.case.name == "sub-02_ses-b"
    settle(300)
    minutes = rows_of(cohort.table)[0][3]  # that the first case was read
    assert minutes.endswith(" min")
    assert [row[1:] for row in rows_of(cohort.table)] == [
        ["✓ completed", "3 of 3", minutes],
        ["○ not started", "0 of 3", ""],
        ["○ not started", "0 of 3", ""],
    ]
    for _ in range(2):  # lesions are undecided: the first asks
        qtbot.keyClick(review._canvas, Qt.Key.Key_C)
        settle()
    assert review.case.name == "sub-02_ses-a"  # passed over before: the round goes on
    for _ in range(2):
        qtbot.keyClick(review._canvas, Qt.Key.Key_C)
        settle()
    assert "Every case of the cohort is completed" in review.view.message.text()
    assert cohort.summary.text() == "3 completed"


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_with_cohort_review_and_planes_it_fits_a_laptop_screen(cohort, viewer, theme, qtbot):
    viewer.theme = theme
    viewer.window.resize(1366, 768)
    cohort.open(0)
    settle()
    window, review = viewer.window._qt_window, cohort.review
    qtbot.waitUntil(lambda: (window.width(), window.height()) == (1366, 768), timeout=PATIENCE_MS)
    settle(100)
    for control in review.findChildren(QAbstractButton):
        if control.isVisible():
            assert window.rect().contains(control.mapTo(window, control.rect().bottomRight())), (
                control.text()
            )
    assert review.isVisible()
    assert not review.visibleRegion().isEmpty()  # in front of the list of cases
    assert review.view.table.height() > 200
    assert review._canvas.width() >= 300


def test_a_review_that_is_open_is_used(cohort, viewer):
    widget = open_review_widget(viewer)
    cohort.open(0)
    settle()
    assert cohort.review is widget
    assert widget.case.name == "sub-01"


def test_a_review_that_was_closed_comes_back(cohort, viewer):
    cohort.open(0)
    settle()
    planes = cohort.review.stage.planes
    viewer.window.remove_dock_widget(cohort.review)
    settle()
    cohort.open(1)
    settle()
    settle(50)
    assert cohort.review.isVisible()
    assert cohort.review.stage.planes is planes
    assert cohort.review.case.name == "sub-02_ses-a"


def test_the_queue_is_followed(cohort, viewer, records, tmp_path, qtbot):
    root = tmp_path / "out"
    items = (
        QueueItem(
            "sub-02_ses-b", records[2].relative_to(root).as_posix(), (3, 1), "uncertain lesions"
        ),
        QueueItem("sub-01", records[0].relative_to(root).as_posix(), (), "large volume"),
    )
    save_queue(
        root, Queue("second look", "2026-01-01T00:00:00+00:00", "uncertainty above 0.5", items)
    )
    cohort.load()
    assert rows_of(cohort.table) == [
        ["sub-02_ses-b", "○ not started", "0 of 2", "uncertain lesions"],
        ["sub-01", "○ not started", "0 of 3", "large volume"],
    ]
    assert "second look" in cohort.follow_queue.text()
    qtbot.keyClick(cohort.table, Qt.Key.Key_Return)
    settle()
    review = cohort.review
    assert review.view.table.labels == [3, 1]  # these lesions, in this order
    assert review.view.label == 3
    review.view.queued_only.setChecked(False)
    assert sorted(review.view.table.labels) == [1, 2, 3]
    cohort.open_next()
    settle()
    assert review.case.name == "sub-01"
    assert review.view.table.labels == [1, 2, 3]
    assert not review.view.queued_only.isVisible()
    cohort.follow_queue.setChecked(False)
    assert len(cohort.states) == 3


def test_a_case_that_cannot_be_used_is_said(cohort, tmp_path):
    next((tmp_path / "out" / "sub-01").rglob("*_probseg.nii.gz")).unlink()
    cohort.load()
    assert rows_of(cohort.table)[0][1] == "⚠ cannot be used"
    cohort.open(0)
    settle()
    assert cohort.message.text().startswith("⚠")
    assert "gone; segment the case again" in cohort.message.text()
    cohort.open_next()
    settle()
    assert cohort.review.case.name == "sub-02_ses-a"


@pytest.mark.parametrize(
    ("folder", "sentence"),
    [("nowhere", "no such folder"), ("empty", "No case is here; segment one")],
)
def test_nothing_to_list(cohort, tmp_path, folder, sentence):
    (tmp_path / "empty").mkdir()
    cohort.folder.setText(str(tmp_path / folder))
    cohort.load()
    assert sentence in cohort.message.text()


def test_a_broken_queue_is_said(cohort, tmp_path):
    (tmp_path / "out" / "review_queue.json").write_text("{")
    cohort.load()
    assert "⚠" in cohort.message.text()
    assert "expected a review queue of F.sh" in cohort.message.text()


def test_every_control_has_a_name(cohort):
    for kind in (QAbstractButton, QComboBox, QLineEdit):
        for control in cohort.findChildren(kind):
            if not control.objectName().startswith("qt_") and control.parent() is not cohort.table:
                assert control.accessibleName() or control.text(), control


class TestWhatTheSegmentationKnew:
    """Region, uncertainty, confidence and flags are shown, and filtered by, where there are any."""

    @pytest.fixture
    def widget(self, viewer, make_record):
        record = make_record(
            region=["periventricular", "deep_white_matter", "periventricular"],
            uncertainty=[0.1, np.nan, 0.6],
            confidence=[0.95, 0.7, 0.2],
            flags=["", "csf_pulsation;faint", "csf_pulsation"],
        )
        widget = open_review_widget(viewer, record)
        widget.view.advance.setChecked(False)
        yield widget
        widget.stage.planes.detach()

    def test_the_most_uncertain_come_first_and_the_unknown_last(self, widget):
        assert widget.view.table.labels == [3, 1, 2]
        assert widget.view.label == 3

    def test_on_a_laptop_nothing_of_it_is_scrolled_or_cut(self, widget, viewer, qtbot):
        window, table = viewer.window._qt_window, widget.view.table
        qtbot.waitUntil(lambda: window.size().width() == 1366, timeout=PATIENCE_MS)
        settle(300)
        assert (window.width(), window.height()) == (1366, 768)
        for name in ("label", "status", "volume_mm3", "confidence", "region", "flags"):
            place = table.column(name)
            right = table.columnViewportPosition(place) + table.columnWidth(place)
            assert right <= table.viewport().width(), name
            needed = table.sizeHintForColumn(place)
            assert table.columnWidth(place) >= needed or name == "flags", name
        flags = table.column("flags")
        row = table.labels.index(2)  # csf pulsation, faint: two lines where there is no room
        if table.columnWidth(flags) < table.sizeHintForColumn(flags):
            assert table.rowHeight(row) > table.rowHeight(table.labels.index(1))

    def test_filters(self, widget):
        widget.view.region_filter.setCurrentText("periventricular")
        assert widget.view.table.labels == [3, 1]
        widget.view.confidence_filter.setCurrentText("below 0.6")
        assert widget.view.table.labels == [3]
        widget.view.region_filter.setCurrentIndex(0)
        widget.view.confidence_filter.setCurrentText("0.6 to 0.8")
        assert widget.view.table.labels == [2]
        widget.view.confidence_filter.setCurrentIndex(0)
        widget.view.flags_filter.setCurrentText("csf pulsation")
        assert widget.view.table.labels == [3, 2]

    def test_they_stay_with_the_lesion_and_a_new_one_has_none(self, widget):
        widget.controller.go_to(1)
        widget.attempt(widget.controller.split)
        listed = widget.case.listed().set_index("label")
        assert listed["region"].to_dict()[1] == "periventricular"
        assert listed.loc[4, "region"] == ""
        assert np.isnan(listed.loc[4, "uncertainty"])
        shown = widget.view.table.filter.index(
            widget.view.table.labels.index(4), widget.view.table.column("uncertainty")
        ).data()
        assert shown == "–"
        assert widget.view.table.labels[0] == 3

    def test_a_column_that_comes_does_not_change_the_order(self, widget):
        table = widget.view.table
        table.sortByColumn(table.column("contrast"), Qt.SortOrder.DescendingOrder)
        before = widget.view.table.labels
        widget.case.others = {"Ben": open_review(widget.case.stored, "Ben")}
        widget.controller.refresh()
        assert "others" in widget.view.table.lesions.columns
        assert widget.view.table.labels == before
        assert table.horizontalHeader().sortIndicatorSection() == table.column("contrast")
