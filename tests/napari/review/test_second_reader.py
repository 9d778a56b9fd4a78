"""A second reader sees nothing of the first, and both see afterwards how far they agree."""

import json

import pytest

pytest.importorskip("napari", reason="napari is not installed: pip install '.[app]'")
pytest.importorskip("pytestqt", reason="pytest-qt is not installed: pip install '.[dev]'")

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel

from fsh_core.review import open_review, save_review
from fsh_napari.cohort import CohortWidget
from fsh_napari.preferences import Preferences
from tests.napari.driving import open_review_widget, rows_of, settle


@pytest.fixture
def first(record):
    """Anna has read the case, deleted a lesion, and saved."""
    review = open_review(record, "Anna")
    for label, status in ((1, "accepted"), (2, "rejected")):
        review.set_status(label, status)
    review.set_note(1, "surely old")
    review.delete(3)
    review.set_case_status("completed")
    from fsh_core.derivatives import read_segmentation

    save_review(review, read_segmentation(record))
    return review


def read_as(monkeypatch, **wanted):
    """Sit down at the machine."""
    chosen = Preferences(**({"reader_name": "Ben"} | wanted))
    for module in ("review.widget", "review.case", "cohort"):
        monkeypatch.setattr(f"fsh_napari.{module}.preferences", lambda: chosen)


@pytest.fixture
def widget(viewer, record, first, monkeypatch):
    read_as(monkeypatch)
    widget = open_review_widget(viewer, record)
    yield widget
    widget.stage.planes.detach()


def everything_shown(widget):
    """All text that the panel shows."""
    table = widget.view.table.filter
    cells = [
        table.index(row, column).data()
        for row in range(table.rowCount())
        for column in range(table.columnCount())
    ]
    return " ".join(
        [
            *map(str, cells),
            *(label.text() for label in widget.findChildren(QLabel)),
            widget.view.note.text(),
        ]
    )


def complete(widget, qtbot):
    """Accept two lesions, reject one, and be done."""
    for key in (Qt.Key.Key_A, Qt.Key.Key_A, Qt.Key.Key_R, Qt.Key.Key_C):
        qtbot.keyClick(widget._canvas, key)
        settle()


def test_nothing_of_the_first_reader_is_seen(widget):
    assert widget.case.review.reader == "Ben"
    assert widget.case.review.lesions == [1, 2, 3]
    assert set(widget.case.listed()["status"]) == {"unreviewed"}
    assert "Anna" not in everything_shown(widget)
    assert "surely old" not in everything_shown(widget)


def test_asking_too_early_is_refused_and_leaves_no_trace(widget, qtbot):
    qtbot.keyClick(widget._canvas, Qt.Key.Key_W)
    assert (
        "⚠ you read blinded: decide every lesion first (3 left), and complete the case (C)"
        in widget.view.message.text()
    )
    assert "Anna" not in everything_shown(widget)
    assert widget.case.review.others_seen == "never"


def test_afterwards_the_agreement_is_shown(widget, record, qtbot):
    complete(widget, qtbot)
    said = widget.view.message.text()
    assert "Anna decided alike about 2 of 3 lesions, kappa 0.40; differently about 2." in said
    assert "Dice 0.818" in said  # 72 voxels of hers, 104 of his
    assert widget.case.listed()["others"].tolist() == ["✓ Anna", "✗ Anna", "✗ Anna"]
    assert widget.case.review.others_seen == "after completion"
    [saved] = record.parent.glob("*desc-reviewedBen_dseg.json")
    assert (
        json.loads(saved.read_text())["review"]["others_seen"] == "never"
    )  # it was saved before he looked


def test_whoever_has_looked_sees_it_again(widget, record, qtbot):
    complete(widget, qtbot)
    widget.open(record)
    settle()
    assert widget.case.listed()["others"].tolist() == ["✓ Anna", "✗ Anna", "✗ Anna"]


def test_not_blinded_it_may_be_seen_and_is_noted(widget, monkeypatch, qtbot):
    read_as(monkeypatch, blinded=False)
    qtbot.keyClick(widget._canvas, Qt.Key.Key_W)
    settle()
    assert "Anna" in everything_shown(widget)
    assert widget.case.review.others_seen == "before completion"


def test_a_damaged_journal_of_another_reader_keeps_nobody_out(widget, record, first, qtbot):
    complete(widget, qtbot)
    first.path.write_text("broken\n")
    widget.open(record)
    settle()
    assert widget.case.name == "sub-01"
    assert widget.case.others == {}


def test_the_cohort_hides_the_first_reader_too(viewer, record, first, tmp_path, monkeypatch):
    read_as(monkeypatch)
    cohort = CohortWidget(viewer)
    viewer.window.add_dock_widget(cohort, name="Cohort")
    cohort.folder.setText(str(tmp_path / "out"))
    cohort.load()
    assert rows_of(cohort.table) == [["sub-01", "○ not started", "0 of 3", "hidden"]]
    ben = open_review(record, "Ben")
    ben.set_case_status("completed")
    cohort.load()
    assert rows_of(cohort.table) == [["sub-01", "✓ completed", "0 of 3", "hidden"]]
    for label in (1, 2, 3):
        ben.set_status(label, "accepted")
    ben.set_case_status("completed")
    cohort.load()
    [[name, status, decided, _reading_time, others]] = rows_of(cohort.table)
    assert [name, status, decided, others] == ["sub-01", "✓ completed", "3 of 3", "✓ Anna"]
