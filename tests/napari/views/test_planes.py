"""Three planes: the right way up, left where left is, one crosshair, one brush."""

from collections import Counter

import numpy as np
import pytest

pytest.importorskip("napari", reason="napari is not installed: pip install '.[app]'")
pytest.importorskip("pytestqt", reason="pytest-qt is not installed: pip install '.[dev]'")

from qtpy.QtCore import QEventLoop, QPoint, QPointF, Qt, QTimer
from qtpy.QtGui import QImage, QWheelEvent
from qtpy.QtWidgets import QAbstractButton, QApplication, QComboBox

from fsh_core.errors import InputError
from fsh_core.volume.volume import Volume, to_ras
from fsh_napari.layers.convert import CONTENT_KEY, image_layer, labels_layer
from fsh_napari.preferences import CROSSHAIRS
from fsh_napari.views.contrast import percentile_window, reset_windows, set_preset, window_level
from fsh_napari.views.overlays import AXIAL, CORONAL, SAGITTAL, Overlay
from fsh_napari.views.planes import PlanesWidget
from tests.napari.driving import PATIENCE_MS


def marked_head() -> Volume:
    """A grey block of thick slices in PIR order; one bright cube left, front and top."""
    ras = np.full((40, 48, 20), 40, dtype=np.float32)
    affine = np.diag([1.5, 1.5, 4.0, 1.0])
    affine[:3, 3] = -30, -36, -40
    ras[4:10, 36:44, 15:18] = 200  # low R = left, high A = front, high S = top
    turned = np.zeros((4, 4))
    turned[0, 2], turned[1, 0], turned[2, 1], turned[3, 3] = 1.5, -1.5, -4.0, 1
    turned[:3, 3] = -30, -36 + 47 * 1.5, -40 + 19 * 4
    data = ras.transpose(1, 2, 0)[::-1, ::-1]
    volume = Volume(np.ascontiguousarray(data), turned)
    np.testing.assert_array_equal(to_ras(volume).data, ras)  # nibabel's word
    return volume


@pytest.fixture
def planes(viewer):
    data, options, _ = image_layer(marked_head(), "head")
    viewer.add_image(data, **options)
    labels = Volume((marked_head().data > 100).astype(np.int32), marked_head().affine)
    data, options, _ = labels_layer(labels, "lesions")
    viewer.add_labels(data, **options)
    viewer.layers["lesions"].visible = False
    viewer.layers.selection.active = viewer.layers["head"]
    viewer.window.resize(1200, 760)
    widget = PlanesWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Three planes", area="right")
    widget.crosshair.setChecked(False)
    widget.go_to((15 * 4 - 36, 0, 0))
    settle()
    yield widget
    widget.detach()


def settle(seconds=0.3):
    loop = QEventLoop()
    QTimer.singleShot(round(1000 * seconds), loop.quit)
    loop.exec()


def grey(view):
    """What a plane draws, without crosshair and letters, from 0 to 255."""
    image = view.qt_viewer.canvas.screenshot().convertToFormat(QImage.Format.Format_Grayscale8)
    bits = image.constBits()
    if hasattr(bits, "setsize"):  # PyQt6 does not know it
        bits.setsize(image.sizeInBytes())
    pixels = np.frombuffer(bits, dtype=np.uint8).reshape(image.height(), image.bytesPerLine())
    return pixels[:, : image.width()].astype(float)


def bright_centre(view):
    """Where the bright cube is drawn, from the left and from the top, as parts of the picture."""
    picture = grey(view)
    rows, columns = np.nonzero(picture > 150)
    assert rows.size, "nothing bright is drawn"
    return columns.mean() / picture.shape[1], rows.mean() / picture.shape[0]


def slices_agree(planes):
    """Every plane is cut through the crosshair."""
    axes = [view.plane.order[0] for view in planes.views]
    return [
        view.viewer.dims.point[axis] for view, axis in zip(planes.views, axes, strict=True)
    ] == [planes.point[axis] for axis in axes]


def cube(planes):
    """The middle of the cube in viewer mm (S, P, L)."""
    planes.go_to((-40 + 16 * 4.0, 36 - 40 * 1.5, 30 - 6.5 * 1.5))
    settle()


class TestOrientation:
    def test_letters(self):
        assert AXIAL.letters("radiological") == {
            "top": "A",
            "bottom": "P",
            "left": "R",
            "right": "L",
        }
        assert CORONAL.letters("radiological") == {
            "top": "S",
            "bottom": "I",
            "left": "R",
            "right": "L",
        }
        assert SAGITTAL.letters("radiological") == {
            "top": "S",
            "bottom": "I",
            "left": "A",
            "right": "P",
        }
        assert AXIAL.letters("neurological") == {
            "top": "A",
            "bottom": "P",
            "left": "L",
            "right": "R",
        }
        assert CORONAL.letters("neurological") == {
            "top": "S",
            "bottom": "I",
            "left": "L",
            "right": "R",
        }
        assert SAGITTAL.letters("neurological") == SAGITTAL.letters("radiological")

    def test_what_is_drawn(self, planes):
        """The cube is left, front and top; the picture shows it where the letters say."""
        cube(planes)
        for convention, left_is_right in (("radiological", True), ("neurological", False)):
            planes.convention_box.setCurrentText(convention)
            settle()
            axial, coronal, sagittal = (bright_centre(view) for view in planes.views)
            assert (axial[0] > 0.5) == left_is_right
            assert axial[1] < 0.5  # front is up
            assert (coronal[0] > 0.5) == left_is_right
            assert coronal[1] < 0.5  # top is up
            assert sagittal[0] < 0.5  # front is left
            assert sagittal[1] < 0.5

    def test_thick_slices_are_drawn_in_mm(self, planes):
        cube(planes)
        rows, columns = np.nonzero(grey(planes.views[1]) > 150)
        height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert height / width == pytest.approx((3 * 4.0) / (6 * 1.5), rel=0.15)

    def test_the_crosshair_is_drawn_where_the_picture_shows_the_point(self, planes):
        cube(planes)
        for view in planes.views:
            across, down = bright_centre(view)
            at = view.to_pixel(planes.point)
            assert at.x() / view.canvas.width() == pytest.approx(across, abs=0.03)
            assert at.y() / view.canvas.height() == pytest.approx(down, abs=0.03)


class TestMouse:
    def wheel(self, view, turns, modifiers=Qt.KeyboardModifier.NoModifier, units=120):
        middle = QPointF(view.canvas.rect().center())
        event = QWheelEvent(
            middle,
            view.canvas.mapToGlobal(middle),
            QPoint(),
            QPoint(0, units * turns),
            Qt.MouseButton.NoButton,
            modifiers,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(view.canvas, event)

    @pytest.mark.parametrize(("index", "axis", "size_mm"), [(0, 0, 4.0), (1, 1, 1.5), (2, 2, 1.5)])
    def test_the_wheel_turns_slices_in_every_plane(self, planes, index, axis, size_mm):
        before = planes.viewer.dims.point
        self.wheel(planes.views[index], 1)
        after = planes.viewer.dims.point
        assert after[axis] - before[axis] == pytest.approx(size_mm)
        assert [a for i, a in enumerate(after) if i != axis] == [
            b for i, b in enumerate(before) if i != axis
        ]
        assert slices_agree(planes)

    def test_a_touchpad_turns_a_slice_for_what_a_wheel_calls_a_notch(self, planes):
        before = planes.viewer.dims.point[0]
        for _ in range(7):
            self.wheel(planes.views[0], 1, units=15)
        assert planes.viewer.dims.point[0] == before
        self.wheel(planes.views[0], 1, units=15)
        assert planes.viewer.dims.point[0] == pytest.approx(before + 4.0)
        self.wheel(planes.views[0], 1, units=100)
        self.wheel(planes.views[0], -1, units=119)  # the other way round begins anew
        assert planes.viewer.dims.point[0] == pytest.approx(before + 4.0)
        self.wheel(planes.views[0], -1, units=121)
        assert planes.viewer.dims.point[0] == pytest.approx(before - 4.0)

    def test_with_ctrl_it_zooms(self, planes):
        view, point = planes.views[1], planes.viewer.dims.point
        zoom = view.camera.zoom
        self.wheel(view, 1, Qt.KeyboardModifier.ControlModifier)
        assert view.camera.zoom > zoom
        assert planes.viewer.dims.point == point

    def test_the_wheel_stops_at_the_last_slice(self, planes):
        for _ in range(30):
            self.wheel(planes.views[0], 1)
        assert planes.viewer.dims.point[0] == planes.viewer.dims.range[0].stop

    @pytest.mark.parametrize("index", [0, 1, 2])
    def test_a_click_moves_all_planes(self, planes, qtbot, index):
        view = planes.views[index]
        target = (-40 + 16 * 4.0, 36 - 40 * 1.5, 30 - 6.5 * 1.5)
        with qtbot.waitSignal(planes.clicked):
            qtbot.mouseClick(
                view.canvas, Qt.MouseButton.LeftButton, pos=view.to_pixel(target).toPoint()
            )
        for axis in view.plane.order[1:]:
            assert planes.viewer.dims.point[axis] == pytest.approx(
                target[axis], abs=1.6 if axis else 4.1
            )
        assert slices_agree(planes)

    def test_a_right_drag_is_window_and_level(self, planes, qtbot):
        image, canvas = planes.viewer.layers["head"], planes.views[1].canvas
        low, high = image.contrast_limits
        start = canvas.rect().center()
        zoom = planes.views[1].camera.zoom
        qtbot.mousePress(canvas, Qt.MouseButton.RightButton, pos=start)
        for part in range(1, 6):
            move(canvas, start + QPoint(10 * part, -10 * part), Qt.MouseButton.RightButton)
        qtbot.mouseRelease(canvas, Qt.MouseButton.RightButton, pos=start + QPoint(50, -50))
        assert image.contrast_limits[1] - image.contrast_limits[0] > high - low
        assert sum(image.contrast_limits) > low + high  # up is darker
        assert planes.views[1].camera.zoom == zoom
        assert planes.mirrors[0].copy_of(image).contrast_limits == image.contrast_limits

    def test_window_and_level_come_back(self, planes):
        image = planes.viewer.layers["head"]
        limits = list(image.contrast_limits)
        image.contrast_limits = (3, 4)
        reset_windows(planes.viewer)
        assert list(image.contrast_limits) == pytest.approx(limits)

    @pytest.mark.parametrize("mode", ["fill", "erase"])
    def test_the_right_button_never_paints(self, planes, qtbot, mode):
        layer, canvas = planes.viewer.layers["lesions"], planes.views[1].canvas
        layer.visible = True
        planes.viewer.layers.selection.active = layer
        layer.mode, layer.selected_label = mode, 7
        before = layer.data.copy()
        cube(planes)
        for start in (canvas.rect().center(), canvas.rect().center() + QPoint(20, 0)):
            qtbot.mousePress(canvas, Qt.MouseButton.RightButton, pos=start)
            for part in range(1, 4):
                move(canvas, start + QPoint(10 * part, 5), Qt.MouseButton.RightButton)
            qtbot.mouseRelease(canvas, Qt.MouseButton.RightButton, pos=start + QPoint(30, 5))
        np.testing.assert_array_equal(layer.data, before)

    def test_the_bucket_fills_a_lesion_and_a_hole_and_never_the_background(self, planes, qtbot):
        layer, view = planes.viewer.layers["lesions"], planes.views[0]
        told = []
        planes.told.connect(told.append)
        layer.visible = True
        planes.viewer.layers.selection.active = layer
        cube(planes)
        inside = planes.point
        index = tuple(np.round(layer.world_to_data(inside)).astype(int))
        layer.data[index] = 0  # a hole
        layer.mode, layer.selected_label = "fill", 7
        beside = (inside[0], inside[1] + 30, inside[2])
        outside = layer.data.copy()
        qtbot.mouseClick(
            view.canvas, Qt.MouseButton.LeftButton, pos=view.to_pixel(beside).toPoint()
        )
        np.testing.assert_array_equal(layer.data, outside)
        assert told == [
            "⚠ The bucket fills a lesion, or a hole in one; here it would fill all around."
        ]
        qtbot.mouseClick(
            view.canvas, Qt.MouseButton.LeftButton, pos=view.to_pixel(inside).toPoint()
        )
        assert layer.data[index] == 7
        assert np.count_nonzero(layer.data != outside) == 1

    def test_double_click_enlarges_and_brings_back(self, planes, qtbot):
        large, coronal, _ = planes.views
        qtbot.mouseDClick(
            coronal.canvas, Qt.MouseButton.LeftButton, pos=coronal.canvas.rect().center()
        )
        settle()
        assert large.plane is CORONAL
        assert not planes.isVisible()
        qtbot.mouseDClick(large.canvas, Qt.MouseButton.LeftButton, pos=large.canvas.rect().center())
        settle()
        assert [view.plane for view in planes.views] == [AXIAL, CORONAL, SAGITTAL]
        assert planes.isVisible()


def same_layers(planes, name):
    """A layer as each of the three planes has it."""
    main = planes.viewer.layers[name]
    return [main, *(mirror.copy_of(main) for mirror in planes.mirrors)]


def at_crosshair(planes, name):
    """What each plane shows under the crosshair."""
    return [layer.get_value(planes.point, world=True) for layer in same_layers(planes, name)]


def test_air_around_the_head_is_left_out(planes):
    head = planes.viewer.layers["head"]
    planes.show_planes()
    before = planes.views[0].camera.zoom
    for layer in same_layers(planes, "head"):
        layer.metadata[CONTENT_KEY] = ((5, 12, 10), (14, 35, 29))
    planes.show_planes()
    large = planes.views[0]
    assert large.camera.zoom > 1.5 * before
    assert large.camera.center[1:] == pytest.approx(head.data_to_world((9.5, 23.5, 19.5))[1:])


def test_around_the_scan_it_is_black_in_every_theme(planes):
    viewer = planes.viewer
    viewer.theme = "light"
    settle()
    assert all(grey(view)[2, 2] == 0 for view in planes.views)
    planes.detach()
    assert viewer.canvas.background_color_override is None


class TestSteps:
    """A step costs as little as it can, and nothing that is shown is out of date for it."""

    @pytest.fixture
    def numbers(self, planes):
        """A layer in which every voxel has a number of its own."""
        head = planes.viewer.layers["head"]
        data = np.arange(head.data.size, dtype=np.int32).reshape(head.data.shape)
        options = {"scale": head.scale, "translate": head.translate, "units": head.units}
        return planes.viewer.add_image(data, name="numbers", **options)

    @pytest.mark.parametrize("index", [0, 1, 2])
    def test_only_the_plane_that_is_turned_is_cut_and_once(self, planes, numbers, index):
        cut = Counter()
        for place, layer in enumerate(same_layers(planes, "numbers")):
            layer.events.set_data.connect(lambda event, place=place: cut.update([place]))
        planes.views[index].step(1)
        settle(0.05)
        assert cut == {index: 1}

    def test_every_plane_shows_the_slice_through_the_crosshair(self, planes, numbers):
        def check():
            voxel = tuple(np.round(numbers.world_to_data(planes.point)).astype(int))
            assert at_crosshair(planes, "numbers") == [numbers.data[voxel]] * 3
            assert slices_agree(planes)

        low = np.array([one.start for one in planes.viewer.dims.range])
        high = np.array([one.stop for one in planes.viewer.dims.range])
        for part in (0.2, 0.7):
            planes.go_to(tuple(low + part * (high - low)))
            check()
        planes.go_to(
            (planes.point[0], planes.point[1] + 12, planes.point[2] - 9)
        )  # within the large slice
        check()
        for view in planes.views:
            view.step(-2)
            check()
        planes.enlarge(planes.views[2])
        check()
        planes.enlarge(planes.views[0])
        planes.go_to(tuple(high + 1000))
        check()

    def test_layer_list_and_status_bar_are_drawn_once_slices_stand_still(self, planes, qtbot):
        window = planes.viewer.window._qt_window
        around = [planes.views[0].qt_viewer.layers, window.statusBar()]
        planes.views[0].step(1)
        assert not any(widget.updatesEnabled() for widget in around)
        qtbot.waitUntil(
            lambda: all(widget.updatesEnabled() for widget in around), timeout=PATIENCE_MS
        )


@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_stroke_of_the_mouse_in_any_plane_is_shown_in_all(planes, qtbot, index):
    cube(planes)
    lesions, view, point = planes.viewer.layers["lesions"], planes.views[index], planes.point
    lesions.visible, lesions.selected_label, lesions.brush_size, lesions.mode = True, 7, 3, "paint"
    planes.viewer.layers.selection.active = lesions
    at = view.to_pixel(point).toPoint()
    move(view.canvas, at, Qt.MouseButton.NoButton)
    qtbot.mousePress(view.canvas, Qt.MouseButton.LeftButton, pos=at)
    move(view.canvas, at + QPoint(1, 0), Qt.MouseButton.LeftButton)
    qtbot.mouseRelease(view.canvas, Qt.MouseButton.LeftButton, pos=at + QPoint(1, 0))
    settle(0.05)
    assert at_crosshair(planes, "lesions") == [7, 7, 7]
    assert planes.point == point  # painting is no click
    assert (
        len(np.unique(np.argwhere(lesions.data == 7)[:, view.plane.order[0]])) == 1
    )  # in this slice


def test_closing_the_dock_leaves_napari_as_it_was(planes):
    viewer, large = planes.viewer, planes.views[0]
    viewer.window.remove_dock_widget(planes)
    settle(0.05)
    assert planes.views == []
    assert viewer.scene.camera.mouse_zoom
    assert large.canvas.findChildren(Overlay) == []
    viewer.dims.set_point(0, viewer.dims.range[0].start)  # nobody answers
    assert large.qt_viewer.layers.updatesEnabled()


@pytest.mark.parametrize("colour", sorted(CROSSHAIRS))
def test_the_crosshair_has_the_colour_that_was_chosen(planes, colour):
    planes.crosshair.setChecked(True)
    planes.crosshair_colour = colour
    overlay = planes.views[0].overlay
    picture = QImage(overlay.size(), QImage.Format.Format_ARGB32)
    picture.fill(0)
    overlay.render(picture)
    at = planes.views[0].to_pixel(planes.point).toPoint()
    seen = [picture.pixelColor(at.x() + 40, at.y() + shift) for shift in (-1, 0, 1)]
    brightest = max(seen, key=lambda one: one.alpha())
    wanted = [int(CROSSHAIRS[colour][at : at + 2], 16) for at in (1, 3, 5)]
    assert brightest.getRgb()[:3] == pytest.approx(
        wanted, abs=3
    )  # the picture keeps it premultiplied


def test_every_control_has_a_name(planes):
    controls = [
        one for kind in (QAbstractButton, QComboBox) for one in planes._bar.findChildren(kind)
    ]
    assert len(controls) == 4
    assert all(one.accessibleName() for one in controls)


def move(canvas, to, button):
    from qtpy.QtCore import QEvent
    from qtpy.QtGui import QMouseEvent

    event = QMouseEvent(
        QEvent.Type.MouseMove,
        QPointF(to),
        canvas.mapToGlobal(QPointF(to)),
        Qt.MouseButton.NoButton,
        button,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(canvas, event)


def test_window_and_level():
    assert window_level((0, 100), 0, 0) == (0, 100)
    low, high = window_level((0, 100), 300, 0)
    assert (low + high) / 2 == pytest.approx(50)
    assert high - low == pytest.approx(100 * np.e)
    # Up, as in 3D Slicer, is darker.
    assert window_level((0, 100), 0, -30) == pytest.approx((10, 110))


def test_presets_are_percentiles_of_what_is_no_air():
    data = np.zeros((2, 2, 202))
    data[:, :, 1::2] = 7  # every second voxel is left out
    data[0, 0, 2::2] = np.arange(100, 200)  # as the only tissue: 0 is air
    assert percentile_window(data, (0, 400), (0, 100)) == (100, 199)
    assert percentile_window(data, (0, 400), (25, 99)) == pytest.approx((124.75, 198.01))
    assert percentile_window(np.zeros((4, 4, 4)), (0.0, 1.0), (25, 99)) == (0, 1)


def test_a_preset_is_told_and_normal_is_the_beginning(planes):
    image = planes.viewer.layers["head"]
    first = list(image.contrast_limits)
    assert set_preset(planes.viewer, "wide") == (
        "Wide window, percentiles 0 to 100 of the scan: 40 to 200."
    )
    assert planes.mirrors[0].copy_of(image).contrast_limits == [40, 200]
    assert "as it was opened" in set_preset(planes.viewer, "normal")
    assert list(image.contrast_limits) == pytest.approx(first)
    planes.viewer.layers.clear()
    with pytest.raises(InputError, match="no scan is shown"):
        set_preset(planes.viewer, "narrow")


class TestTwins:
    def test_arrays_are_shared_not_copied(self, planes):
        for mirror in planes.mirrors:
            for layer in planes.viewer.layers:
                assert mirror.copy_of(layer).data is layer.data

    def test_painting_in_a_small_plane_is_seen_and_heard_in_the_large_one(self, planes):
        lesions = planes.viewer.layers["lesions"]
        heard = []
        lesions.events.paint.connect(lambda event: heard.append(event.value))
        twin = planes.mirrors[0].copy_of(lesions)
        twin.visible = True
        twin.selected_label = 5
        twin.paint((10, 10, 10), 5)
        assert lesions.data[10, 10, 10] == 5
        assert lesions.selected_label == 5
        assert lesions.visible
        assert len(heard) == 1

    def test_looks_go_both_ways(self, planes):
        lesions = planes.viewer.layers["lesions"]
        one, two = (mirror.copy_of(lesions) for mirror in planes.mirrors)
        lesions.contour = 2
        assert (one.contour, two.contour) == (2, 2)
        two.opacity = 0.25
        assert (lesions.opacity, one.opacity) == (0.25, 0.25)

    def test_layers_come_move_and_go(self, planes):
        viewer = planes.viewer
        viewer.add_image(np.zeros((20, 48, 40)), name="more", scale=(4, 1.5, 1.5))
        assert [len(mirror.other.layers) for mirror in planes.mirrors] == [3, 3]
        viewer.layers.move(2, 0)
        assert [layer.name for layer in planes.mirrors[0].other.layers] == [
            layer.name for layer in viewer.layers
        ]
        viewer.layers.remove("more")
        assert [len(mirror.other.layers) for mirror in planes.mirrors] == [2, 2]


def test_zoom_is_linked_on_demand(planes):
    large, small = planes.views[:2]
    before = small.camera.zoom
    large.camera.zoom = 3.3
    assert small.camera.zoom == before
    planes.linked.setChecked(True)
    large.camera.zoom = 4.4
    assert small.camera.zoom == pytest.approx(4.4)
    large.camera.center = (0, large.camera.center[1], 7.0)
    assert small.camera.center[2] == pytest.approx(7.0)  # both show left-right across


def test_a_view_without_room_keeps_its_zoom(planes, monkeypatch):
    """While docks come and go a canvas may have no width; napari dies of a zoom of 0."""
    view = planes.views[0]
    zoom = view.camera.zoom
    monkeypatch.setattr(view.canvas, "width", lambda: 0)
    view.fit()
    assert view.camera.zoom == zoom > 0
