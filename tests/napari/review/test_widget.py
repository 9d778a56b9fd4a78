"""A reader goes through the lesions with the keyboard alone, and nothing is lost."""

import gc
import json
import math
import sys
import weakref
from threading import Event

import nibabel as nib
import numpy as np
import pytest

pytest.importorskip("napari", reason="napari is not installed: pip install '.[app]'")
pytest.importorskip("pytestqt", reason="pytest-qt is not installed: pip install '.[dev]'")

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractButton, QApplication, QComboBox, QLineEdit

from fsh_core.cases import Case
from fsh_core.review import open_review
from fsh_core.volume.volume import Volume, save_like
from fsh_napari.preferences import preferences
from fsh_napari.presets import WindowPresets
from fsh_napari.review.controller import ReviewController
from fsh_napari.review.keys import KEYS
from fsh_napari.review.looking import Looking
from fsh_napari.review.panel import offer_server
from fsh_napari.review.widget import ReviewWidget
from tests.napari.conftest import write_record
from tests.napari.driving import settle

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def widget(viewer, record):
    viewer.window.resize(1366, 768)
    viewer.open(str(record), plugin="fsh-ms")
    widget = ReviewWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Review", area="right")
    viewer.window._qt_window.activateWindow()
    settle(1)
    widget.view.advance.setChecked(False)
    yield widget
    widget.stage.planes.detach()


@pytest.fixture
def press(widget, qtbot):
    """Press a key, as a reader would: on the picture or on the list."""

    def press(key, modifiers=Qt.KeyboardModifier.NoModifier, on=None):
        qtbot.keyClick(on or widget._canvas, key, modifiers)
        settle(1)

    return press


@pytest.fixture
def drag(widget, qtbot):
    """Press the left button on a voxel of the large plane, move to others, let go."""

    def drag(*voxels):
        view = widget.stage.planes.views[0]
        widget.stage.planes.go_to(widget.case.grid.to_viewer_mm(voxels[0]))
        settle(1)
        pixels = [view.to_pixel(widget.case.grid.to_viewer_mm(one)).toPoint() for one in voxels]
        qtbot.mousePress(view.canvas, Qt.MouseButton.LeftButton, pos=pixels[0])
        for pixel in pixels[1:]:
            qtbot.mouseMove(view.canvas, pixel)
            settle(1)
        qtbot.mouseRelease(view.canvas, Qt.MouseButton.LeftButton, pos=pixels[-1])
        settle(20)

    return drag


def journal(widget):
    path = widget.case.review.journal.path
    return [json.loads(line) for line in path.read_text().splitlines()[1:]] if path.exists() else []


def crosshair(widget):
    """The label under the crosshair."""
    voxel = widget.case.grid.from_viewer_mm(widget.viewer.dims.point)
    return int(widget.case.review.labels[voxel])


def click(widget, voxel, shift=False):
    """Click a voxel of the file."""
    widget.stage.planes.click(widget.case.grid.to_viewer_mm(voxel), shift)
    settle(1)


def consistent(widget):
    """What is shown is what is reviewed."""
    np.testing.assert_array_equal(
        widget.case.grid.from_layer(widget.case.layer.data), widget.case.review.labels
    )
    assert sorted(widget.case.table["label"]) == widget.case.review.lesions


def test_it_opens_what_is_there(widget):
    assert widget.case.name == "sub-01"
    assert widget.view.table.labels == [1, 2, 3]
    assert "0 of 3 decided · 3 lesions, 0.27 ml" in widget.view.summary.text()
    assert widget.case.layer.contour == 1
    assert crosshair(widget) == 1
    assert journal(widget) == []  # looking is no event


class TestKeys:
    def test_every_key_has_a_method_and_a_place_in_the_help(self, widget):
        for key in KEYS:
            name = key.command.__name__
            homes = (ReviewController, Looking, WindowPresets)
            assert sum(hasattr(home, name) for home in homes) == 1, name
            assert key.keys in widget.stage.help.text()
            assert key.text in widget.stage.help.text()

    def test_n_and_shift_n(self, widget, press):
        press(Qt.Key.Key_N)
        assert (widget.view.label, crosshair(widget)) == (2, 2)
        press(Qt.Key.Key_N)
        press(Qt.Key.Key_N)
        assert (widget.view.label, crosshair(widget)) == (3, 3)
        assert "last lesion" in widget.view.message.text()
        press(Qt.Key.Key_N, SHIFT)
        assert (widget.view.label, crosshair(widget)) == (2, 2)

    @pytest.mark.parametrize(
        ("key", "status"),
        [(Qt.Key.Key_A, "accepted"), (Qt.Key.Key_R, "rejected"), (Qt.Key.Key_U, "unsure")],
    )
    def test_a_r_u(self, widget, press, key, status):
        press(key)
        assert widget.case.review.status(1) == status
        assert journal(widget)[-1]["marks"] == [[1, "status", "unreviewed", status]]
        shown = widget.view.table.filter.index(0, widget.view.table.column("status"))
        assert shown.data() in "✓✗?"  # not by colour alone
        assert shown.data(Qt.ItemDataRole.ToolTipRole) == status
        assert shown.data(Qt.ItemDataRole.AccessibleTextRole).endswith(status)
        assert "1 of 3 decided" in widget.view.summary.text()

    def test_going_on_after_a_decision(self, widget, press):
        widget.view.advance.setChecked(True)
        for _ in range(3):
            press(Qt.Key.Key_A)
        assert widget.case.review.counts()["accepted"] == 3
        assert widget.view.label == 3

    def test_d(self, widget, press):
        press(Qt.Key.Key_D)
        assert widget.case.review.lesions == [2, 3]
        assert widget.view.label == 2
        consistent(widget)

    def test_s(self, widget, press):
        press(Qt.Key.Key_S)
        assert widget.case.review.lesions == [1, 2, 3, 4]
        consistent(widget)

    def test_s_at_points(self, widget, press):
        click(widget, (12, 24, 9), shift=True)
        click(widget, (17, 29, 10), shift=True)
        assert "2 points" in widget.view.message.text()
        press(Qt.Key.Key_S)
        assert widget.case.review.labels[12, 24, 9] != widget.case.review.labels[17, 29, 10]
        consistent(widget)

    def test_j(self, widget, press):
        press(Qt.Key.Key_J)
        click(widget, (33, 31, 8))
        assert widget.case.review.lesions == [1, 3]
        assert widget.case.review.voxels(1) == 104
        consistent(widget)

    def test_esc_lets_it_be(self, widget, press):
        press(Qt.Key.Key_J)
        press(Qt.Key.Key_Escape)
        click(widget, (33, 31, 8))
        assert widget.case.review.lesions == [1, 2, 3]

    def test_i_grows_a_missed_lesion(self, widget, press):
        press(Qt.Key.Key_D)
        press(Qt.Key.Key_I)
        click(widget, (14, 26, 9))
        assert widget.view.label == 4
        assert widget.case.review.voxels(4) == 72
        assert crosshair(widget) == 4
        consistent(widget)

    def test_plus_grows_where_the_mouse_clicks_and_undo_takes_it_back(self, widget, press, drag):
        for voxel in ((15, 26, 9), (16, 26, 9), (16, 27, 9)):
            paint(widget, voxel, 0)
        widget.case.layer.mode = "paint"
        before = widget.case.review.labels.copy()
        press(Qt.Key.Key_Plus)
        assert widget.case.layer.mode == "pan_zoom"  # a click does not paint
        drag((16, 26, 9))
        assert widget.case.review.labels[16, 26, 9] == 1
        added = widget.case.review.labels != before
        assert (before[added] == 0).all()
        assert journal(widget)[-1]["tool"] == "grow"
        assert "Lesion 1 grew by" in widget.view.message.text()
        consistent(widget)
        press(Qt.Key.Key_Z, CTRL)
        np.testing.assert_array_equal(widget.case.review.labels, before)
        consistent(widget)

    def test_minus_shrinks_along_a_scribble_and_the_picture_stays(self, widget, press, drag):
        for i in range(18, 22):
            paint(widget, (i, 26, 9), 1)  # over what is no lesion
        before = widget.case.review.voxels(1)
        centre = widget.viewer.scene.camera.center
        press(Qt.Key.Key_Minus)
        drag((20, 26, 9), (21, 26, 9))
        assert widget.viewer.scene.camera.center == centre
        assert widget.case.review.labels[20, 26, 9] == 0
        assert widget.case.review.labels[14, 26, 9] == 1
        assert widget.case.review.voxels(1) < before
        assert journal(widget)[-1]["tool"] == "shrink"
        consistent(widget)
        drag((20, 26, 9), (26, 26, 9))  # now a drag moves the picture again
        assert widget.viewer.scene.camera.center != centre

    def test_a_server_may_answer_while_the_window_goes_on(self, widget, press, qtbot):
        assert not widget.view.server.isVisible()  # neither client nor address
        begun, go_on = Event(), Event()

        class Session:
            supports_initial_label, INFERENCE_SESSION_VERSION = True, 2
            set_image = reset_interactions = close = lambda self, *words: None

            def set_target_buffer(self, buffer):
                self.buffer = buffer

            def add_initial_seg_interaction(self, lesion):
                self.buffer[...] = lesion

            def add_point_interaction(self, coordinates, include_interaction):
                begun.set()
                go_on.wait(20)
                self.buffer[tuple(coordinates)] = 1

        widget.server.open_session = lambda address: Session()
        widget.server.address = "http://server:8000"
        offer_server(widget.view.server, widget.server.address)
        assert "the whole scan is sent to it" in widget.view.server.toolTip()
        widget.view.server.click()
        assert "sends the whole scan to http://server:8000" in widget.view.message.text()
        widget.view.server.click()
        assert "no scan is sent" in widget.view.message.text()
        widget.view.server.click()
        voxel = (16, 26, 9)
        paint(widget, voxel, 0)

        def grow_there():  # without waiting until the window rests, as `press` does
            qtbot.keyClick(widget._canvas, Qt.Key.Key_Plus)
            widget.stage.scribbled.emit([widget.case.grid.to_viewer_mm(voxel)])

        grow_there()
        qtbot.waitUntil(begun.is_set)
        assert widget.view.message.text().startswith("nnInteractive at http://server:8000 is asked")
        qtbot.keyClick(widget._canvas, Qt.Key.Key_A)  # the window is not frozen
        assert widget.case.review.status(1) == "accepted"
        assert widget.case.review.labels[voxel] == 0
        grow_there()
        assert "⚠ nnInteractive is still at the click before" in widget.view.message.text()
        go_on.set()
        qtbot.waitUntil(lambda: widget.case.review.labels[voxel] == 1)
        assert journal(widget)[-1]["tool"].startswith("grow by nnInteractive (client ")
        consistent(widget)
        press(Qt.Key.Key_Z, CTRL)
        assert widget.case.review.labels[voxel] == 0
        consistent(widget)

    def test_a_server_that_fails_is_done_without(self, widget, press, drag, qtbot):
        def nobody(address):
            raise OSError("connection refused")

        widget.server.open_session, widget.server.address = nobody, "http://server:8000"
        widget.server.want(True)
        voxel = (16, 26, 9)
        paint(widget, voxel, 0)
        press(Qt.Key.Key_Plus)
        drag(voxel)
        qtbot.waitUntil(lambda: widget.case.review.labels[voxel] == 1)
        assert journal(widget)[-1]["tool"] == "grow"
        assert widget.view.message.text().startswith(
            "⚠ nnInteractive at http://server:8000 did not answer (connection refused); F.sh's own"
        )
        consistent(widget)

    def test_shift_f_fills_between_painted_slices(self, widget, press):
        press(Qt.Key.Key_F, SHIFT)
        assert "⚠ no slice is left out" in widget.view.message.text()
        widget.case.layer.brush_size = 3
        paint(widget, (24, 33, 4), 1)
        before = widget.case.review.labels.copy()
        press(Qt.Key.Key_F, SHIFT)
        added = widget.case.review.labels != before
        assert set(np.nonzero(added)[2].tolist()) <= {5, 6, 7, 8}
        assert added.any()
        assert journal(widget)[-1]["tool"] == "fill between slices"
        consistent(widget)
        press(Qt.Key.Key_Z, CTRL)
        np.testing.assert_array_equal(widget.case.review.labels, before)

    def test_shift_m_measures_between_two_clicks(self, widget, press, drag):
        view = widget.stage.planes.views[0]
        press(Qt.Key.Key_M, SHIFT)
        for voxel in ((12, 24, 9), (32, 24, 9)):
            drag(voxel)
        width_mm = 20 * float(widget.case.review.grid.spacing_mm[0])
        said = widget.view.message.text()
        pixel_mm = 1 / view.camera.zoom
        assert float(said.split(" mm")[0]) == pytest.approx(width_mm, abs=pixel_mm)
        start, end = (view.to_pixel(point) for point in widget.stage.planes.ruler)
        middle = ((start + end) / 2).toPoint()
        drawn = view.overlay.grab().toImage()
        assert drawn.pixelColor(middle).name() == "#ffffff"
        view.step(3)  # another slice: it is not there
        settle(20)
        assert view.overlay.grab().toImage().pixelColor(middle).name() != "#ffffff"
        press(Qt.Key.Key_Escape)
        assert widget.stage.planes.ruler == ()
        assert journal(widget) == []

    def test_i_outside_the_brain(self, widget, press):
        press(Qt.Key.Key_I)
        click(widget, (0, 0, 0))
        assert "⚠ a lesion grows only in the brain" in widget.view.message.text()

    def test_g_o_h(self, widget, press):
        layer = widget.case.layer
        press(Qt.Key.Key_G)
        assert layer.contour == 0
        press(Qt.Key.Key_G)
        assert layer.contour == 1
        before = layer.opacity
        press(Qt.Key.Key_O)
        assert layer.opacity != before
        press(Qt.Key.Key_H)
        assert not layer.visible
        press(Qt.Key.Key_H)
        assert layer.visible

    def test_t_without_another_visit(self, widget, press):
        press(Qt.Key.Key_T)
        assert "⚠ there is no other visit; open its scan" in widget.view.message.text()

    def test_w_alone(self, widget, press):
        press(Qt.Key.Key_W)
        assert "Nobody else has read this case" in widget.view.message.text()
        assert journal(widget) == []

    def test_c_completes_and_saves(self, widget, press, record):
        press(Qt.Key.Key_C)
        assert "⚠ 3 lesions are not decided." in widget.view.message.text()
        assert widget.view.case_status.currentText() == "not started"
        press(Qt.Key.Key_C)
        assert widget.case.review.case_status == "completed"
        assert widget.view.case_status.currentText() == "completed"
        assert list(record.parent.glob("*desc-reviewed*_dseg.json"))

    def test_shift_c_without_a_cohort(self, widget, press):
        press(Qt.Key.Key_C, SHIFT)
        assert "⚠ no cohort is open" in widget.view.message.text()
        assert widget.case.review.case_status == "not started"

    def test_k_writes_a_note_and_letters_are_letters_there(self, widget, press, qtbot):
        press(Qt.Key.Key_K)
        qtbot.keyClicks(widget.view.note, "near a vein")
        press(Qt.Key.Key_Return, on=widget.view.note)
        assert widget.case.review.note(1) == "near a vein"
        assert widget.case.review.status(1) == "unreviewed"
        assert widget.case.review.lesions == [1, 2, 3]

    def test_ctrl_z_and_ctrl_shift_z_across_everything(self, widget, press):
        states = [widget.case.review.labels.copy()]
        for key in (Qt.Key.Key_S, Qt.Key.Key_A, Qt.Key.Key_D):
            press(key)
            states.append(widget.case.review.labels.copy())
        paint(widget, (20, 20, 9), 2)
        states.append(widget.case.review.labels.copy())
        for state in states[-2::-1]:
            press(Qt.Key.Key_Z, CTRL)
            np.testing.assert_array_equal(widget.case.review.labels, state)
            consistent(widget)
        press(Qt.Key.Key_Z, CTRL)
        assert "nothing to undo" in widget.view.message.text()
        for state in states[1:]:
            press(Qt.Key.Key_Z, CTRL | SHIFT)
            np.testing.assert_array_equal(widget.case.review.labels, state)
            consistent(widget)

    def test_the_help(self, widget, press):
        press(Qt.Key.Key_F1)
        assert widget.stage.help.isVisible()
        assert widget._window.rect().contains(widget.stage.help.geometry()), "the help is cut off"
        press(Qt.Key.Key_Escape)
        assert not widget.stage.help.isVisible()

    @pytest.mark.parametrize("where", ["status_filter", "note", "layer list"])
    def test_letters_do_nothing_where_something_else_wants_them(self, widget, qtbot, where):
        other = {
            "status_filter": widget.view.status_filter,
            "note": widget.view.note,
            "layer list": widget._window._qt_viewer.layers,
        }[where]
        other.setFocus()
        assert QApplication.focusWidget() is other
        for key in (Qt.Key.Key_R, Qt.Key.Key_D, Qt.Key.Key_N):
            qtbot.keyClick(other, key)
        settle(1)
        assert journal(widget) == []
        qtbot.keyClick(other, Qt.Key.Key_F1)
        assert widget.stage.help.isVisible()
        widget.view.status_filter.setCurrentIndex(0)  # where R has chosen "rejected"
        widget.view.table.setFocus()
        widget.view.select(1)
        qtbot.keyClick(widget.view.table, Qt.Key.Key_R)
        assert widget.case.review.status(1) == "rejected"

    def test_keys_work_on_the_list_too(self, widget, press):
        press(Qt.Key.Key_N, on=widget.view.table)
        press(Qt.Key.Key_A, on=widget.view.table)
        assert widget.case.review.status(2) == "accepted"


def paint(widget, voxel, label):
    """One stroke of napari's brush."""
    where = widget.case.grid.voxel_to_layer(np.array([voxel]))[0]
    widget.case.layer.paint(tuple(where), label)
    settle(20)


class TestList:
    def test_selecting_does_not_move_and_enter_does(self, widget, press):
        before = widget.viewer.dims.point
        widget.view.table.select(3)
        assert widget.viewer.dims.point == before
        press(Qt.Key.Key_Return, on=widget.view.table)
        assert crosshair(widget) == 3

    def test_a_click_on_a_lesion_selects_it(self, widget):
        click(widget, (33, 31, 8))
        assert widget.view.label == 2

    def test_the_filters(self, widget, press):
        press(Qt.Key.Key_A)
        widget.view.status_filter.setCurrentText("unreviewed")
        assert widget.view.table.labels == [2, 3]
        widget.view.status_filter.setCurrentText("any status")
        widget.view.confidence_filter.setCurrentIndex(1)
        assert widget.view.table.labels == []
        widget.view.confidence_filter.setCurrentIndex(3)
        assert widget.view.table.labels == [1, 2, 3]

    def test_numbers_sort_as_numbers_and_the_least_certain_come_first(self, widget):
        assert (
            widget.view.table.horizontalHeader().sortIndicatorSection()
            == widget.view.table.column("mean_probability")
        )
        widget.view.table.sortByColumn(
            widget.view.table.column("volume_mm3"), Qt.SortOrder.AscendingOrder
        )
        assert widget.view.table.labels == [3, 2, 1]

    def test_flags(self, widget):
        flags = dict(zip(widget.case.listed()["label"], widget.case.listed()["flags"], strict=True))
        assert flags[1] == ""


class TestEditing:
    def test_a_stroke_is_an_act(self, widget):
        widget.case.layer.brush_size = 1
        paint(widget, (20, 20, 9), 3)
        assert widget.case.review.voxels(3) == 5
        assert journal(widget)[-1]["act"] == "paint"
        assert "3 lesions, 0.27 ml" in widget.view.summary.text()
        row = widget.case.table.set_index("label").loc[3]
        assert row["volume_mm3"] == pytest.approx(12.5)
        consistent(widget)

    def test_b_paints_in_3d_in_every_plane(self, widget, press):
        press(Qt.Key.Key_B)
        assert widget.view.brush.in_3d.isChecked()
        twin = widget.stage.planes.mirrors[0].copy_of(widget.case.layer)
        assert twin.n_edit_dimensions == widget.case.layer.n_edit_dimensions == 3
        widget.case.layer.brush_size = 5
        paint(widget, (20, 20, 9), 3)
        assert set(np.nonzero(widget.case.review.labels == 3)[2].tolist()) > {8, 9, 10}
        assert len(journal(widget)) == 1
        consistent(widget)
        press(Qt.Key.Key_Z, CTRL)
        assert widget.case.review.voxels(3) == 4
        press(Qt.Key.Key_B)
        assert twin.n_edit_dimensions == 2

    def test_shift_b_limits_a_stroke_of_the_mouse(self, widget, press, drag):
        press(Qt.Key.Key_B, SHIFT)
        assert widget.view.brush.source.currentText() == "paints by intensity"
        layer, before = widget.case.layer, widget.case.review.labels.copy()
        layer.mode, layer.selected_label, layer.brush_size = "paint", 2, 3
        drag((10, 26, 9), (13, 26, 9))
        changed = widget.case.review.labels != before
        assert changed.any()
        assert (widget.case.flair.data[changed] == 180).all()
        [line] = journal(widget)
        assert line["tool"].startswith("paint within intensity")
        consistent(widget)
        drag((20, 20, 9), (21, 20, 9))
        assert "⚠ nothing under the brush is within its range" in widget.view.message.text()
        assert len(journal(widget)) == 1
        consistent(widget)
        widget.view.brush.low.setValue(0)
        drag((20, 20, 9), (21, 20, 9))
        assert widget.case.review.labels[20, 20, 9] == 2
        press(Qt.Key.Key_B, SHIFT)
        assert widget.case.brush_range.source == "probability"
        press(Qt.Key.Key_B, SHIFT)
        assert widget.case.brush_range is None

    def test_filling_with_the_bucket_is_an_act(self, widget):
        where = widget.case.grid.voxel_to_layer(np.array([(33, 31, 8)]))[0]
        widget.case.layer.n_edit_dimensions = 3
        widget.case.layer.fill(tuple(where), 1)
        settle(20)
        assert widget.case.review.lesions == [1, 3]
        consistent(widget)

    def test_a_stroke_in_a_small_plane_is_an_act(self, widget):
        twin = widget.stage.planes.mirrors[1].copy_of(widget.case.layer)
        twin.brush_size = 1
        twin.paint(tuple(widget.case.grid.voxel_to_layer(np.array([(20, 20, 9)]))[0]), 2)
        settle(20)
        assert widget.case.review.labels[20, 20, 9] == 2
        consistent(widget)

    def test_a_stroke_that_cannot_be_written_is_taken_back(self, widget, monkeypatch):
        from fsh_core.errors import InputError

        def full(event):
            raise InputError("the review cannot be written (No space left on device)")

        monkeypatch.setattr(widget.case.review.journal, "append", full)
        paint(widget, (20, 20, 9), 3)
        assert "No space left" in widget.view.message.text()
        consistent(widget)
        assert widget.case.review.voxels(3) == 4

    def test_dice_and_f1_are_live(self, widget, viewer, phantom, tmp_path, press):
        save_like(phantom.reference, phantom.flair, tmp_path / "manual_label-L_mask.nii.gz")
        viewer.open(str(tmp_path / "manual_label-L_mask.nii.gz"), plugin="fsh-ms")
        widget._score()
        assert "Dice 1.000, F1 1.000 against manual_label-L_mask" in widget.view.summary.text()
        widget.controller.go_to(3)
        press(Qt.Key.Key_D)
        widget._score()
        assert "Dice 0.981, F1 0.800" in widget.view.summary.text()

    @pytest.mark.parametrize("kind", ["another grid", "empty", "F.sh's own"])
    def test_what_is_no_reference_gives_no_dice(self, widget, viewer, phantom, tmp_path, kind):
        mask, affine = phantom.reference, phantom.flair.affine.copy()
        if kind == "another grid":
            affine[:3, 3] += 5
        if kind == "empty":
            mask = np.zeros_like(mask)
        name = "sub-02_space-orig_label-L_mask" if kind == "F.sh's own" else "manual_mask"
        path = tmp_path / f"{name}.nii.gz"
        save_like(mask, Volume(mask.astype(np.float32), affine), path)
        if kind == "F.sh's own":
            viewer.add_labels(
                widget.case.layer.data.copy(), metadata={**widget.case.layer.metadata}
            )
        else:
            viewer.open(str(path), plugin="fsh-ms")
        widget._score()
        assert "Dice" not in widget.view.summary.text()


class TestKeeping:
    def test_reopening_shows_where_the_reader_stopped(self, widget, viewer, record, press):
        press(Qt.Key.Key_A)
        press(Qt.Key.Key_N)
        press(Qt.Key.Key_S)
        labels = widget.case.review.labels.copy()
        widget.open(record)
        settle()
        np.testing.assert_array_equal(widget.case.review.labels, labels)
        assert widget.case.review.status(1) == "accepted"
        assert widget.view.label == 2
        assert "going on at lesion 2" in widget.view.message.text()
        consistent(widget)

    def test_another_program_would_see_the_same(self, widget, record, press):
        press(Qt.Key.Key_R)
        paint(widget, (20, 20, 9), 2)
        again = open_review(record, preferences().reader_name)
        np.testing.assert_array_equal(again.labels, widget.case.review.labels)

    def test_saving_leaves_the_original(self, widget, record, press):
        original = {path: path.read_bytes() for path in widget.case.stored.paths.values()}
        press(Qt.Key.Key_R)
        widget.controller.save()
        assert widget.view.message.text() == "Saving sub-01…"
        settle(1)
        assert "Saved beside the original" in widget.view.message.text()
        [mask] = record.parent.glob("*desc-reviewed*_mask.nii.gz")
        assert np.asarray(nib.load(mask).dataobj).sum() == 36
        assert {path: path.read_bytes() for path in original} == original

    def test_the_case_is_completed_in_the_box_too(self, widget):
        for _ in range(2):  # lesions are undecided: the first asks
            assert widget.view.case_status.currentText() == "not started"
            assert widget.view.title.text().endswith("not started")
            widget.view.case_status.setCurrentText("completed")
            widget.view.case_status.textActivated.emit("completed")
        assert widget.case.review.case_status == "completed"


def test_without_openvino_it_still_reviews(widget, press, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)  # whoever imports it fails
    for key in (Qt.Key.Key_A, Qt.Key.Key_N, Qt.Key.Key_S, Qt.Key.Key_R):
        press(key)
    paint(widget, (20, 20, 9), 3)
    widget.controller.save()
    settle(1)
    assert "Saved beside the original" in widget.view.message.text()


def test_windows_by_key(widget, press):
    scan = next(layer for layer in widget.viewer.layers if "role" not in layer.metadata)
    first = list(scan.contrast_limits)
    for key, name in ((Qt.Key.Key_1, "Narrow"), (Qt.Key.Key_3, "Wide"), (Qt.Key.Key_2, "Normal")):
        before = list(scan.contrast_limits)
        press(key)
        assert list(scan.contrast_limits) != before
        low, high = scan.contrast_limits
        said = widget.view.message.text()
        assert said.startswith(f"{name} window")
        assert said.endswith(f"{low:.4g} to {high:.4g}.")
    assert list(scan.contrast_limits) == first
    press(Qt.Key.Key_1, on=widget.view.table)
    press(Qt.Key.Key_Y)
    assert list(scan.contrast_limits) == first
    assert journal(widget) == []


def test_the_longest_diameters_of_the_selected_lesion(widget, press):
    def lengths():
        return [round(math.dist(*ends), 2) for ends in widget.stage.planes.diameters]

    widget.controller.go_to(1)  # 6 x 6 x 2 voxels of 1 x 1 x 2.5 mm
    press(Qt.Key.Key_M)
    settle(20)
    across, axial = math.hypot(5, 5, 5), math.hypot(6, 5)
    assert lengths() == [round(across, 2), round(axial, 2)]
    said = f"Lesion 1: longest diameter {across:.1f} mm, in an axial slice {axial:.1f} mm"
    assert widget.view.message.text().startswith(said)
    low, high = (widget.case.grid.to_viewer_mm(voxel) for voxel in ((12, 24, 9), (17, 29, 10)))
    half = (1.25, 0.5, 0.5)
    for ends in widget.stage.planes.diameters:
        for end in ends:
            for value, one, two, more in zip(end, low, high, half, strict=True):
                assert min(one, two) - more <= value <= max(one, two) + more
    press(Qt.Key.Key_N)
    settle(20)
    assert lengths()[1] == round(math.hypot(4, 3), 2)
    view = widget.stage.planes.views[0]
    with_lines = view.canvas.grab().toImage()
    press(Qt.Key.Key_M)
    settle(20)
    assert lengths() == []
    assert view.canvas.grab().toImage() != with_lines
    assert {event.kind for event in widget.case.review.journal.events} <= {"visit"}


def test_planes_that_were_closed_come_back(widget, viewer, press):
    viewer.window.remove_dock_widget(widget.stage.planes)
    settle(1)
    assert widget.stage.planes is None
    assert "planes are closed" in widget.view.message.text()
    press(Qt.Key.Key_N)
    assert (widget.view.label, crosshair(widget)) == (2, 2)
    assert widget.stage.planes.isVisible()


def test_closing_the_panel_keeps_the_stroke(widget, viewer, record):
    planes = widget.stage.planes
    where = widget.case.grid.voxel_to_layer(np.array([(20, 20, 9)]))[0]
    widget.case.layer.paint(tuple(where), 3)
    viewer.window.remove_dock_widget(widget)
    assert widget.case is None
    assert open_review(record, preferences().reader_name).labels[20, 20, 9] == 3
    widget.stage.planes = planes


def test_without_a_record_it_says_what_to_open(viewer):
    widget = ReviewWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Review")
    assert "Open a record" in widget.view.message.text()
    widget.attempt(widget.controller.accept)
    assert "⚠ no record is open" in widget.view.message.text()


def test_every_control_has_a_name(widget):
    for kind in (QAbstractButton, QComboBox, QLineEdit):
        for control in widget.findChildren(kind):
            if control.objectName().startswith("qt_") or control.parent() is widget.view.table:
                continue
            assert control.accessibleName() or control.text(), control


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_laptop_screen_in_either_theme(widget, viewer, theme, qtbot):
    viewer.theme = theme
    viewer.window.resize(1366, 768)
    qtbot.wait(300)
    window = viewer.window._qt_window
    assert window.width() <= 1366
    assert window.height() <= 768
    for control in widget.findChildren(QAbstractButton):
        if control.isVisible():
            corner = control.mapTo(window, control.rect().bottomRight())
            assert window.rect().contains(corner), f"{control.text()} is cut off"
    assert widget._canvas.width() >= 300


def test_a_case_that_was_left_takes_no_memory(widget, make_record):
    """Some 100 MB for a scan of 1 mm; every case of a cohort would stay.

    That begins with the next case on its way: both at once are more than there is room for.
    """
    widget.open(make_record("02"))
    settle()
    settle(50)  # the first case was opened with layers of the file, this one without
    case = widget.case
    review = case.review
    arrays = (*case.maps, case._painted, case.flair.data, review.labels)
    left = [weakref.ref(thing) for thing in (case, review, *map(_owner, arrays))]
    del case, review, arrays
    loaded = []
    widget._loader.loaded.connect(lambda _: loaded.append([one() is None for one in left]))
    third = make_record("03")
    gc.disable()  # nothing waits for it
    try:
        widget.open(third)
        settle(50)
    finally:
        gc.enable()
    assert widget.case.name == "sub-03"
    assert loaded == [[True] * len(left)]


def _owner(array):
    """What holds the memory of an array."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def test_while_a_case_is_loaded_it_says_so_and_another_can_be_chosen(widget, make_record, press):
    second, third = make_record("02"), make_record("03")
    widget.open(second)
    widget._turns._go_on()  # the first is closed, and the second is being read
    assert widget.view.title.text() == "<b>sub-02</b> · loading…"
    assert "Loading sub-02…" in widget.view.message.text()
    assert widget.view.progress.isVisible()
    assert not widget.view.table.isEnabled()
    assert widget.case is None
    widget.open(third)
    settle(1)
    assert widget.case.name == "sub-03"
    assert not widget.view.progress.isVisible()
    assert widget.view.table.isEnabled()
    assert {layer.metadata["fsh_case"] for layer in widget.viewer.layers} == {"sub-03"}
    consistent(widget)


@pytest.mark.parametrize("steps", [2, 6, 9, 12])
def test_a_case_that_is_left_half_shown_leaves_nothing(widget, make_record, steps):
    second, third = make_record("02"), make_record("03")
    widget.open(second)
    taken = []
    go_on = widget._turns._go_on

    def count():
        taken.append(1)
        if len(taken) == steps:
            widget.open(third)
        else:
            go_on()

    widget._turns._next.timeout.disconnect()
    widget._turns._next.timeout.connect(count)
    for _ in range(4):
        settle(10)
        if widget.is_busy:
            widget._turns._next.start()
    assert widget.case.name == "sub-03"
    assert [layer.name for layer in widget.viewer.layers] == [
        "sub-03 FLAIR",
        "sub-03 probability",
        "sub-03 lesions",
    ]
    consistent(widget)


def test_keys_wait_for_the_case(widget, make_record, press):
    widget.open(make_record("02"))
    widget._loader.load = lambda *_: None  # it never comes
    widget._turns._next.timeout.emit()
    for _ in range(6):
        widget._turns._go_on()
    press(Qt.Key.Key_A)
    assert "sub-02 is still being loaded; one moment" in widget.view.message.text()


def test_a_case_that_cannot_be_loaded_is_said(widget, make_record):
    second = make_record("02")
    probability = next(second.parent.glob("*_probseg.nii.gz"))
    probability.write_bytes(probability.read_bytes()[:100])
    told = []
    widget.not_opened.connect(told.append)
    widget.open(second)
    settle(1)
    assert widget.case is None
    assert "ends early or is damaged" in widget.view.message.text()
    assert "ends early or is damaged" in told[0]
    assert len(widget.viewer.layers) == 0
    widget.open(make_record("03"))
    settle(1)
    assert widget.case.name == "sub-03"


def test_the_next_case_looks_as_if_its_layers_were_new(widget, phantom, tmp_path):
    """Nothing of the case before is left: neither its shape, nor its window, nor its undo."""
    lesions, before = widget.case.layer, list(widget.viewer.layers)
    paint(widget, (20, 20, 9), 2)
    affine = phantom.flair.affine.copy()
    affine[:3, 3] += 40.0
    scan = Volume(np.ascontiguousarray(phantom.flair.data[:, :50] * 3), affine)
    path = tmp_path / "sub-09_FLAIR.nii.gz"
    save_like(scan.data, scan, path)
    other = phantom._replace(
        flair=scan, reference=phantom.reference[:, :50], brain=phantom.brain[:, :50]
    )
    widget.open(write_record(Case("09", None, {"FLAIR": path}), other, tmp_path / "out", {}))
    settle(1)
    assert list(widget.viewer.layers) == before
    assert widget.case.layer is lesions
    flair = widget.viewer.layers["sub-09 FLAIR"]
    assert flair.metadata["fsh_case"] == "sub-09"
    assert flair.contrast_limits == pytest.approx(flair.metadata["fsh_window"])
    assert flair.contrast_limits[1] > 450
    assert crosshair(widget) == widget.view.label == 1
    for mirror in widget.stage.planes.mirrors:
        for layer in before:
            copy = mirror.copy_of(layer)
            assert copy.data is layer.data
            assert copy.metadata["fsh_grid"] is layer.metadata["fsh_grid"]
            assert copy.visible == layer.visible
            np.testing.assert_array_equal(copy.scale, layer.scale)
            np.testing.assert_array_equal(copy.translate, layer.translate)
    for layer in (lesions, *(mirror.copy_of(lesions) for mirror in widget.stage.planes.mirrors)):
        layer.undo()  # napari's own: there is nothing to take back
    consistent(widget)
