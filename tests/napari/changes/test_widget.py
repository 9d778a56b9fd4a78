"""The review of changes in a real window: keys, layers, and leaving the viewer as it was."""

import weakref

import numpy as np
import pytest

pytest.importorskip("napari", reason="napari is not installed: pip install '.[app]'")
pytest.importorskip("pytestqt", reason="pytest-qt is not installed: pip install '.[dev]'")

from qtpy.QtCore import Qt

from fsh_core.follow_up.tables import read_followed
from fsh_napari.changes.keys import KEYS
from fsh_napari.changes.layers import (
    CHANGES,
    DIFFERENCE,
    LESIONS,
    PART,
    SCAN,
    SWAPPED,
    SWAPPED_LESIONS,
)
from fsh_napari.changes.widget import ChangesWidget
from fsh_napari.views.overlays import CORONAL
from fsh_napari.views.window import dock_of, window_of
from tests.napari.changes.conftest import MISSED
from tests.napari.driving import PATIENCE_MS, forgets, open_review_widget, settle


@pytest.fixture
def empty(viewer, monkeypatch):
    """The widget before anything is open, in a window of a laptop's size."""
    monkeypatch.setenv("LOGNAME", "Anna")
    viewer.window.resize(1366, 768)
    widget = ChangesWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Changes", area="right")
    viewer.window._qt_window.activateWindow()
    settle()
    yield widget
    widget.close_pair()
    if widget.stage.planes is not None:
        widget.stage.planes.detach()


@pytest.fixture
def widget(empty, out, qtbot):
    """Both visits are open."""
    empty.view.folder.setText(str(out))
    qtbot.keyClick(empty.view.folder, Qt.Key.Key_Return)
    with qtbot.waitSignal(empty.opened, timeout=PATIENCE_MS):
        empty.view.pairs.activated.emit(0)
    settle(100)
    return empty


def press(qtbot, widget, key, modifier=Qt.KeyboardModifier.NoModifier) -> None:
    qtbot.keyClick(widget.view.table, key, modifier)
    settle()


def part(layers, name):
    """The layer of a kind."""
    return next(layer for layer in layers if layer.metadata[PART] == name)


def test_both_visits_stand_side_by_side_with_verdict_first(widget, viewer) -> None:
    assert widget.view.verdict.text().startswith("<b style='color:#")
    assert any(word in widget.view.verdict.text() for word in ("GREEN", "AMBER", "RED"))
    assert part(viewer.layers, SCAN).visible
    assert not part(viewer.layers, SWAPPED).visible
    assert not part(viewer.layers, DIFFERENCE).visible
    later = widget.stage.visit.model.layers
    assert [layer.visible for layer in later] == [True, False, True, True]
    assert widget.stage.planes.caption == "Before: m6"
    large, visit = window_of(viewer)[1], widget.stage.visit
    places = [one.mapToGlobal(one.rect().topLeft()).x() for one in (large, visit, widget)]
    assert places == sorted(places)  # before, after, list


def test_keys_decide_in_both_visits(widget, qtbot, track_record) -> None:
    first = widget.view.label
    point = widget.stage.planes.point
    press(qtbot, widget, Qt.Key.Key_A)
    second = widget.view.label
    assert second != first
    assert widget.pair.review.status(first) == "accepted"
    assert widget.stage.planes.point != point
    there = widget.pair.to_later(widget.stage.planes.point)
    np.testing.assert_allclose(widget.stage.visit.point, there, atol=3.0)
    press(qtbot, widget, Qt.Key.Key_N, Qt.KeyboardModifier.ShiftModifier)
    assert widget.view.label == first
    press(qtbot, widget, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert widget.pair.review.status(first) == "unreviewed"
    widget.attempt(widget.controller.save)
    assert "sub-01_desc-reviewedAnna_changes.tsv" in widget.view.message.text()
    table = read_followed(track_record.with_name("sub-01_desc-reviewedAnna_changes.tsv"))
    assert set(table["status"]) == {"unreviewed"}


def test_t_swaps_the_visits_at_the_same_place(widget, qtbot, viewer) -> None:
    widget.controller.go_to(widget.view.labels[0])
    point = widget.stage.planes.point
    press(qtbot, widget, Qt.Key.Key_T)
    assert (part(viewer.layers, SCAN).visible, part(viewer.layers, SWAPPED).visible) == (
        False,
        True,
    )
    assert part(viewer.layers, SWAPPED_LESIONS).visible
    assert not part(viewer.layers, LESIONS).visible
    assert widget.stage.planes.caption == "After: m12"
    assert widget.stage.planes.point == point
    here = part(viewer.layers, SWAPPED)
    voxel = tuple(np.round(here.world_to_data(point)).astype(int))
    assert here.data[voxel] > 1.3 * np.median(here.data[here.data > 0])  # the new lesion
    press(qtbot, widget, Qt.Key.Key_T)
    assert part(viewer.layers, SCAN).visible
    assert not part(viewer.layers, SWAPPED).visible


def test_d_h_and_s_change_what_is_seen_of_both(widget, qtbot, viewer) -> None:
    later = widget.stage.visit.model.layers
    press(qtbot, widget, Qt.Key.Key_D)
    assert part(viewer.layers, DIFFERENCE).visible
    assert part(later, DIFFERENCE).visible
    press(qtbot, widget, Qt.Key.Key_H)
    for layers in (viewer.layers, later):
        assert not part(layers, CHANGES).visible
        assert not part(layers, LESIONS).visible
    press(qtbot, widget, Qt.Key.Key_H)
    assert part(later, LESIONS).visible
    press(qtbot, widget, Qt.Key.Key_S)
    assert widget.stage.planes.views[0].plane is CORONAL
    assert widget.stage.visit.views[0].plane is CORONAL


def test_windows_by_key_are_alike_in_both_visits(widget, qtbot, viewer) -> None:
    scans = [part(layers, SCAN) for layers in (viewer.layers, widget.stage.visit.model.layers)]
    opened = [list(scan.contrast_limits) for scan in scans]
    for key, name in ((Qt.Key.Key_1, "Narrow"), (Qt.Key.Key_3, "Wide"), (Qt.Key.Key_2, "Normal")):
        before = list(scans[0].contrast_limits)
        press(qtbot, widget, key)
        assert widget.view.message.text().startswith(f"{name} window")
        assert list(scans[0].contrast_limits) != before
        shares = [
            np.divide(np.subtract(scan.contrast_limits, low), high - low)
            for scan, (low, high) in zip(scans, opened, strict=True)
        ]
        np.testing.assert_allclose(shares[0], shares[1])
    assert [list(scan.contrast_limits) for scan in scans] == opened


def test_a_missed_lesion_is_added_by_a_click_in_either_visit(widget, qtbot, viewer) -> None:
    pair = widget.pair
    viewer_point = np.linalg.inv(pair.grid.viewer_to_world) @ [*MISSED[0], 1.0]
    here = tuple(viewer_point[:3])
    before = len(widget.view.labels)
    press(qtbot, widget, Qt.Key.Key_I)
    widget.stage.planes.click(here)
    assert len(widget.view.labels) == before + 1
    added = widget.view.label
    for layers in (viewer.layers, widget.stage.visit.model.layers):
        assert (part(layers, CHANGES).data == added).any()
    press(qtbot, widget, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert len(widget.view.labels) == before
    assert not (part(viewer.layers, CHANGES).data == added).any()
    press(qtbot, widget, Qt.Key.Key_I)
    widget.stage.visit.click(pair.to_later(here))
    assert len(widget.view.labels) == before + 1


def test_the_help_names_every_key(widget, qtbot) -> None:
    press(qtbot, widget, Qt.Key.Key_F1)
    assert widget.stage.help.isVisible()
    for key in KEYS:
        assert key.text in widget.stage.help.text()
    assert widget._window.rect().contains(widget.stage.help.geometry())
    press(qtbot, widget, Qt.Key.Key_F1)


def test_filters_and_notes(widget, qtbot) -> None:
    widget.view.kind_filter.setCurrentText("resolved")
    (label,) = widget.view.labels
    widget.controller.go_to(label)
    press(qtbot, widget, Qt.Key.Key_K)
    qtbot.keyClicks(widget.view.note, "no doubt")
    qtbot.keyClick(widget.view.note, Qt.Key.Key_Return)
    assert widget.pair.review.note(label) == "no doubt"


def test_nobody_can_paint_on_what_was_found(widget, viewer) -> None:
    assert not any(layer.editable for layer in viewer.layers if layer._type_string == "labels")


def test_closing_leaves_the_viewer_as_it_was(viewer, empty, out, track_record, qtbot) -> None:
    scan = viewer.add_image(np.zeros((40, 50, 60), dtype=np.float32), name="other")
    with qtbot.waitSignal(empty.opened, timeout=PATIENCE_MS):
        empty.open(track_record)
    assert not scan.visible
    things = [weakref.ref(thing) for thing in (empty.pair, empty.stage.visit)]
    empty.close_pair()
    assert all(forgets(thing) for thing in things)
    assert list(viewer.layers) == [scan]
    assert scan.visible
    assert empty.stage.planes.caption == ""
    with qtbot.waitSignal(empty.opened, timeout=PATIENCE_MS):
        empty.open(track_record)
    viewer.window.remove_dock_widget(empty)
    settle()
    assert list(viewer.layers) == [scan]


def test_the_patient_of_an_open_record_is_offered(viewer, out, qtbot) -> None:
    record = next(out.glob("sub-01/ses-m12/anat/*_dseg.json"))
    viewer.window.resize(1366, 768)
    review = open_review_widget(viewer, record)
    settle(200)
    widget = ChangesWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Changes", area="right")
    assert [widget.view.pairs.itemText(i) for i in range(widget.view.pairs.count())] == [
        "sub-01: m6 → m12"
    ]
    settle(100)
    with qtbot.waitSignal(widget.opened, timeout=PATIENCE_MS):
        widget.view.pairs.activated.emit(0)
    settle(100)
    window, _ = window_of(viewer)
    assert window.height() <= 768, "a laptop's screen is no higher"
    assert dock_of(review) in window.tabifiedDockWidgets(dock_of(widget))
    settle(100)
    before, after, panel = review.stage.planes, widget.stage.visit, widget
    assert dock_of(before).isHidden()
    assert dock_of(after).geometry().right() < dock_of(panel).geometry().left()
    # A key means one thing: what it does in the tab that is seen.
    label, lesion = widget.view.label, review.view.label
    press(qtbot, widget, Qt.Key.Key_A)
    assert widget.pair.review.status(label) == "accepted"
    assert review.case.review.status(lesion) == "unreviewed"
    dock_of(review).raise_()
    settle(100)
    label = widget.view.label
    qtbot.keyClick(review.view.table, Qt.Key.Key_R)
    assert review.case.review.status(lesion) == "rejected"
    assert widget.pair.review.status(label) == "unreviewed"
    widget.close_pair()
    review.close_case()
    review.stage.planes.detach()


def test_what_cannot_be_opened_is_said_in_a_sentence(empty, out, track_record, qtbot) -> None:
    empty.view.folder_given.emit(str(out / "sub-01"))
    assert "expected patients that were followed" in empty.view.message.text()
    next(out.parents[1].glob("sub-01/ses-m6/anat/*FLAIR.nii.gz")).unlink()
    empty.open(track_record)
    qtbot.waitUntil(lambda: "gone or changed" in empty.view.message.text(), timeout=PATIENCE_MS)
    assert empty.pair is None


def test_a_followed_folder_opens_with_its_changes_offered(viewer, out) -> None:
    from fsh_napari.__main__ import open_viewer

    opened = open_viewer(out)
    settle()
    docks = {"Three planes", "Review (fsh-ms)", "Changes (fsh-ms)"}
    assert set(opened.window.dock_widgets) == docks
    (widget,) = window_of(opened)[0].findChildren(ChangesWidget)
    assert widget.view.pairs.itemText(0) == "sub-01: m6 → m12"
    opened.close()
