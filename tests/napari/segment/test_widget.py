"""The Segment widget in a napari window: run, threshold, cancel, errors, save."""

import time

import nibabel as nib
import numpy as np
import pytest

from fsh_core.config import SegmentConfig
from fsh_core.derivatives import read_segmentation

pytest.importorskip("napari", reason="napari is not installed: pip install '.[app]'")
pytest.importorskip("pytestqt", reason="pytest-qt is not installed: pip install '.[dev]'")

from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QProgressBar,
    QScrollBar,
    QTableView,
)

from fsh_napari.segment.fields import ConfigForm, config_from, title_of
from fsh_napari.segment.widget import SegmentWidget
from tests.napari.driving import PATIENCE_MS, settle

FAKE = "tests.napari.fake_network"


@pytest.fixture
def widget(viewer, flair_file, tmp_path):
    widget = SegmentWidget(viewer, network=FAKE)
    viewer.window.add_dock_widget(widget, name="Segment")
    widget.view.settings.more.set_value("regions", False)  # the phantom fits no template
    widget.view.folder_field.setText(str(tmp_path / "records"))
    widget.controller.open_scan(flair_file)
    yield widget
    widget.cancel()


def run(widget, qtbot, how=""):
    widget.view.weights_field.setText(how)
    widget.controller.run()
    qtbot.waitUntil(lambda: widget.process is None, timeout=PATIENCE_MS)
    settle()  # the lesions of the threshold that is shown are found beside the window


class TestFields:
    def test_every_setting_has_a_field_with_its_default(self, screen, qtbot):
        form = ConfigForm(SegmentConfig, list(SegmentConfig.model_fields))
        qtbot.addWidget(form)
        assert config_from(form) == SegmentConfig()
        assert all(field.accessibleName() and field.toolTip() for field in form.fields.values())

    def test_limits_are_those_of_the_setting(self, screen, qtbot):
        form = ConfigForm(SegmentConfig, ["threshold", "batch_size"])
        qtbot.addWidget(form)
        assert (form.fields["threshold"].minimum(), form.fields["threshold"].maximum()) == (
            0.01,
            0.99,
        )
        assert (form.fields["batch_size"].minimum(), form.fields["batch_size"].maximum()) == (1, 64)

    def test_titles(self):
        assert title_of("minimum_volume_mm3") == "Minimum volume (mm³)"
        assert title_of("patch_size") == "Patch size"


def test_run_shows_probability_lesions_and_table(widget, viewer, qtbot, flair_file):
    seen = []
    widget.view.progress.valueChanged.connect(seen.append)
    run(widget, qtbot)
    probability, lesions = viewer.layers["sub-01 probability"], viewer.layers["sub-01 lesions"]
    assert not probability.visible
    assert lesions.contour == 1
    assert lesions.data.max() == len(widget.view.table.labels) > 0
    assert seen[-1] == 4
    assert "lesions," in widget.view.message.text()
    assert widget.view.run_button.isEnabled()
    assert not widget.view.cancel_button.isEnabled()


def test_the_panel_has_the_height_of_the_window(widget, viewer, qtbot):
    viewer.window.resize(1366, 768)
    qtbot.waitUntil(lambda: widget.height() > 600, timeout=PATIENCE_MS)
    assert widget.view.table.height() > 250


def test_the_threshold_labels_again_without_the_network(widget, viewer, qtbot):
    run(widget, qtbot)
    before = np.count_nonzero(viewer.layers["sub-01 lesions"].data)
    first = widget.controller.result
    widget.view.settings.slider.setValue(75)
    assert widget.process is None
    settle()
    after = np.count_nonzero(viewer.layers["sub-01 lesions"].data)
    assert 0 < after < before
    assert widget.controller.result.record.settings.threshold == 0.75
    widget.view.settings.slider.setValue(50)
    settle()
    assert np.count_nonzero(viewer.layers["sub-01 lesions"].data) == before
    assert widget.controller.result is first  # with what the network knew of every lesion
    widget.view.settings.live.set_value("minimum_volume_mm3", 100)
    qtbot.waitUntil(lambda: len(widget.view.table.labels) == 1, timeout=PATIENCE_MS)


def test_cancel_stops_at_once(widget, qtbot, viewer):
    widget.view.weights_field.setText("slow")
    widget.controller.run()
    qtbot.waitUntil(lambda: widget.view.progress.value() == 1, timeout=PATIENCE_MS)
    started = time.monotonic()
    widget.view.cancel_button.click()
    qtbot.waitUntil(lambda: widget.process is None, timeout=20_000)
    assert time.monotonic() - started < 20  # the patch would have taken 60 s
    assert "Cancelled" in widget.view.message.text()
    assert "sub-01 lesions" not in viewer.layers
    assert widget.view.run_button.isEnabled()


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ("missing", "missing: no such file; a checkpoint is"),
        ("broken", "RuntimeError: the network broke"),
        ("killed", "segmenting ended without a result (code 9)"),
    ],
)
def test_what_goes_wrong_is_one_sentence(widget, qtbot, how, sentence, caplog):
    run(widget, qtbot, how)
    assert sentence in widget.view.message.text()
    assert widget.view.message.text().startswith("⚠")
    assert "Traceback" not in widget.view.message.text()
    assert widget.view.run_button.isEnabled()
    if how == "broken":
        assert "Traceback" in caplog.text  # the log says more


def test_without_openvino_it_says_how_to_install_it(widget, monkeypatch):
    monkeypatch.setattr("fsh_napari.segment.job.find_spec", lambda name: None)
    widget.controller.network = "fsh_core.inference.predict"
    widget.controller.run()
    assert "pip install openvino" in widget.view.message.text()
    assert widget.process is None


def test_a_setting_that_cannot_be_used(widget):
    widget.view.settings.more.fields["patch_size"].setText("60, 64, 64")
    widget.controller.run()
    assert "patch size must be divisible by 16" in widget.view.message.text()


def test_without_a_scan_it_says_what_to_open(viewer):
    widget = SegmentWidget(viewer, network=FAKE)
    viewer.window.add_dock_widget(widget, name="Segment")
    assert "MS FLAIR sample" in widget.view.message.text()
    widget.controller.run()
    assert "there is no scan" in widget.view.message.text()


def test_choosing_a_lesion_shows_a_slice_inside_it(widget, viewer, qtbot):
    run(widget, qtbot)
    lesions = viewer.layers["sub-01 lesions"]
    for label in widget.view.table.labels:
        widget.controller.go_to(label)
        voxel = np.round(lesions.world_to_data(viewer.dims.point)).astype(int)
        assert lesions.data[tuple(voxel)] == label


def test_saving_writes_a_record_of_what_is_shown(widget, viewer, qtbot):
    run(widget, qtbot)
    widget.view.settings.slider.setValue(70)
    settle(500)  # measured once it stands still
    widget.controller.save()
    qtbot.waitUntil(lambda: "Saved" in widget.view.message.text(), timeout=PATIENCE_MS)
    [layer] = [layer for layer in viewer.layers if layer.name.endswith("lesions")]
    stored = read_segmentation(layer.metadata["fsh_record"])
    assert stored.record.settings.threshold == 0.7
    assert stored.record.lesion_count == len(stored.lesions) == len(widget.view.table.labels)
    saved = np.asarray(nib.load(stored.paths["mask"]).dataobj)
    assert saved.sum() == np.count_nonzero(layer.data)


def test_every_control_has_a_name(widget):
    names = []
    for kind in (
        QAbstractButton,
        QAbstractSlider,
        QAbstractSpinBox,
        QComboBox,
        QLineEdit,
        QProgressBar,
        QTableView,
    ):
        for control in widget.findChildren(kind):
            if control.objectName().startswith("qt_") or isinstance(control, QScrollBar):
                continue
            if control.parent() is not widget.view.table:
                names.append(control.accessibleName() or getattr(control, "text", str)())
    assert all(names), names
    assert len(set(names)) == len(names)  # a screen reader tells them apart


def test_a_layer_without_a_file_is_segmented_from_a_copy(widget, viewer, qtbot, phantom):
    viewer.layers.clear()
    data = np.ascontiguousarray(phantom.flair.data[::-1, ::-1, ::-1].T)
    viewer.add_image(data, name="from elsewhere", scale=(2.5, 1, 1))
    run(widget, qtbot)
    assert viewer.layers[-1].name == "sub-fromelsewhere lesions"
    assert viewer.layers[-1].data.shape == data.shape
