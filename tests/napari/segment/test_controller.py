"""The commands of Segment, driven by a fake view: no window, no Qt."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fsh_core.cases import Case
from fsh_core.config import SegmentConfig
from fsh_core.derivatives import read_segmentation
from fsh_core.errors import InputError
from fsh_core.pipeline import segment_case
from fsh_core.record import RecordedQuality
from fsh_napari.segment.controller import SegmentController
from fsh_napari.segment.words import progress_in_words
from tests.conftest import REPOSITORY


class FakeView:
    """Holds what a user set, and what was shown."""

    def __init__(self, records_folder: Path) -> None:
        self.scan, self.weights, self.records_folder = "", "", records_folder
        self.settings = SegmentConfig(regions=False)
        self.names: list[str] = []
        self.messages: list[tuple[str, bool]] = []
        self.state = (True, False, False)
        self.progress: tuple[int, int] | None = None
        self.lesions = None

    def config(self):
        return self.settings

    def live_settings(self):
        return {
            "threshold": self.settings.threshold,
            "minimum_volume_mm3": self.settings.minimum_volume_mm3,
        }

    def offer_scans(self, names):
        self.names = names

    def choose_scan(self, name):
        self.scan = name

    def show_message(self, sentence, wrong=False):
        self.messages.append((sentence, wrong))

    def show_state(self, can_run, can_cancel, can_save):
        self.state = (can_run, can_cancel, can_save)

    def show_progress(self, done, total):
        self.progress = done, total

    def hide_progress(self):
        self.progress = None

    def show_lesions(self, lesions):
        self.lesions = lesions


class FakeStage:
    """One scan on disk; remembers what was shown."""

    def __init__(self, flair_file: Path) -> None:
        self.flair_file = flair_file
        self.names = ["sub-01_FLAIR"]
        self.shown = self.labels = self.features = self.voxel = self.record = None
        self.reviewed = None

    def scans(self):
        return self.names

    def open_scan(self, path):
        if not path.is_file():
            raise InputError(f"{path}: no such file")
        return path.name.removesuffix(".nii.gz")

    def scan_file(self, name, records_folder):
        return self.flair_file

    def show_result(self, found):
        self.shown = found

    def show_labels(self, found):
        self.labels = found.lesion_labels

    def show_features(self, found):
        self.features = found.lesions

    def go_to(self, voxel):
        self.voxel = voxel

    def is_under_review(self, record):
        return record == self.reviewed

    def note_record(self, case_name, record):
        self.record = case_name, record


class FakeRunner:
    """Remembers what was started; the test answers."""

    def __init__(self) -> None:
        self.jobs, self.functions = [], []
        self.cancels = self.measures = 0

    def start(self, job):
        self.jobs.append(job)

    def cancel(self):
        self.cancels += 1

    def find(self, function):
        self.controller.found_again(function())

    def measure(self, function):
        self.controller.measured(function())

    def measure_later(self):
        self.measures += 1

    def write(self, function):
        self.functions.append(function)


@pytest.fixture
def controller(flair_file, tmp_path):
    view, stage = FakeView(tmp_path / "records"), FakeStage(flair_file)
    runner = FakeRunner()
    controller = SegmentController(view, stage, runner, network="tests.napari.fake_network")
    runner.controller = controller
    controller.list_scans()
    controller.open_scan(flair_file)
    return controller


def ramp_predictor(image, on_patch=None, /):
    """Bright is lesion, the surer the farther along the second axis."""
    ramp = np.linspace(0.6, 0.9, image.shape[1], dtype=np.float32)[:, None, None]
    return np.where(image[0] > 0.5, np.broadcast_to(ramp, image.shape[1:]), np.float32(0.1))


@pytest.fixture
def found(flair_file):
    case = Case("01", None, {"FLAIR": flair_file})
    return segment_case(case, ramp_predictor, SegmentConfig(regions=False))


def show_result(controller, found):
    controller.run()
    controller.finished(found)
    controller.result_shown()


def test_it_loads_neither_qt_nor_napari():
    code = (
        "import sys, fsh_napari.segment.controller; "
        "heavy = {'qtpy', 'PySide6', 'napari', 'openvino', 'torch'}; "
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_open_scans_are_offered(controller):
    assert controller.view.names == ["sub-01_FLAIR"]
    assert controller.view.messages == [("Press Run to find the lesions.", False)]


def test_without_a_scan_it_says_what_to_open(controller):
    controller.stage.names, controller.view.scan = [], ""
    controller.list_scans()
    assert "MS FLAIR sample" in controller.view.messages[-1][0]
    controller.run()
    assert controller.view.messages[-1] == ("there is no scan; open a FLAIR first", True)
    assert controller.runner.jobs == []


def test_a_file_that_is_not_there(controller, tmp_path):
    controller.open_scan(tmp_path / "none.nii.gz")
    sentence, wrong = controller.view.messages[-1]
    assert sentence.endswith("none.nii.gz: no such file")
    assert wrong


def test_a_job_says_what_the_user_set(controller, flair_file):
    controller.view.weights = "other.safetensors"
    controller.view.settings = SegmentConfig(threshold=0.4)
    controller.run()
    [job] = controller.runner.jobs
    assert (job.flair, job.subject, job.session) == (str(flair_file), "01", "")
    assert (job.weights, job.module) == ("other.safetensors", "tests.napari.fake_network")
    assert SegmentConfig(**job.settings) == SegmentConfig(threshold=0.4)


def test_buttons_and_progress_follow_the_run(controller, found):
    controller.run()
    assert controller.view.state == (False, True, False)
    assert controller.view.progress == (0, 0)
    controller.progressed(3, 9, 41.6)
    assert controller.view.progress == (3, 9)
    assert controller.view.messages[-1] == ("Patch 3 of 9, about 42 s left", False)
    controller.finished(found)
    assert controller.view.state == (False, False, False)  # until its layers are there
    controller.result_shown()
    assert controller.view.state == (True, False, True)
    assert controller.view.progress is None


def test_cancel(controller):
    controller.run()
    controller.cancel()
    assert controller.runner.cancels == 1
    controller.cancelled()
    assert controller.view.state == (True, False, False)
    assert controller.view.messages[-1] == ("Cancelled; nothing was changed.", False)


def test_a_failed_run_keeps_the_last_result(controller, found):
    show_result(controller, found)
    controller.run()
    controller.failed("not enough memory")
    assert controller.view.messages[-1] == ("not enough memory", True)
    assert controller.result is found
    assert controller.view.state == (True, False, True)


def test_the_threshold_labels_again_without_the_network(controller, found):
    show_result(controller, found)
    controller.view.settings = SegmentConfig(threshold=0.75)
    controller.settings_changed()
    assert 0 < np.count_nonzero(controller.stage.labels) < np.count_nonzero(found.lesion_labels)
    assert controller.result.record.settings.threshold == 0.75
    assert len(controller.runner.jobs) == 1
    controller.measure()
    assert controller.view.lesions["label"].tolist() == controller.stage.features["label"].tolist()
    assert controller.result.lesions["volume_mm3"].sum() < found.lesions["volume_mm3"].sum()
    controller.view.settings = SegmentConfig()
    controller.settings_changed()
    assert controller.result is found  # with what the network knew of every lesion


def test_lesions_that_come_late_are_not_shown(controller, found):
    """They are found and measured beside the window."""
    show_result(controller, found)
    asked = []
    controller.runner.find = controller.runner.measure = asked.append
    controller.view.settings = SegmentConfig(threshold=0.75)
    controller.settings_changed()
    again = replace(found, probability=found.probability.copy())
    controller.finished(again)  # another run
    controller.found_again(asked[0]())
    assert controller.result is again
    controller.settings_changed()
    controller.found_again(asked[1]())
    controller.measure()
    controller.view.settings = SegmentConfig(threshold=0.8)
    controller.settings_changed()
    controller.found_again(asked[3]())
    shown = controller.view.lesions
    controller.measured(asked[2]())
    assert controller.view.lesions is shown


def test_what_is_saved_is_what_the_controls_say(controller, found):
    show_result(controller, found)
    controller.runner.find = lambda function: None  # it takes long
    controller.view.settings = SegmentConfig(threshold=0.7)
    controller.settings_changed()
    controller.save()
    [write] = controller.runner.functions
    assert read_segmentation(write()).record.settings.threshold == 0.7


def test_the_threshold_moved_during_a_run_holds_for_its_result(controller, found):
    controller.run()
    controller.view.settings = SegmentConfig(threshold=0.75)
    controller.settings_changed()
    controller.finished(found)
    controller.result_shown()
    assert controller.result.record.settings.threshold == 0.75


def test_a_setting_that_cannot_be_used(controller, found, monkeypatch):
    show_result(controller, found)

    def refuse():
        raise InputError("threshold must be below 1, got 2")

    monkeypatch.setattr(controller.view, "live_settings", refuse)
    controller.settings_changed()
    assert controller.view.messages[-1] == ("threshold must be below 1, got 2", True)
    assert controller.result is found


def test_going_to_a_lesion_is_going_to_a_voxel_inside_it(controller, found):
    controller.go_to(1)
    assert controller.stage.voxel is None  # nothing was found yet
    show_result(controller, found)
    for label in found.lesions["label"]:
        controller.go_to(label)
        assert found.lesion_labels[controller.stage.voxel] == label


def test_saving_writes_what_is_shown(controller, found):
    show_result(controller, found)
    controller.view.settings = SegmentConfig(threshold=0.7)
    controller.settings_changed()
    controller.measure()
    controller.save()
    assert controller.view.state == (True, False, False)
    assert controller.view.messages[-1] == ("Saving…", False)
    [write] = controller.runner.functions
    record = write()
    controller.saved(record)
    assert controller.view.state == (True, False, True)
    assert controller.stage.record == ("sub-01", record)
    assert str(record) in controller.view.messages[-1][0]
    stored = read_segmentation(record)
    assert stored.record.settings.threshold == 0.7
    assert stored.record.lesion_count == len(stored.lesions) == len(controller.view.lesions)


def test_a_record_under_review_is_not_saved_over(controller, found):
    show_result(controller, found)
    record = controller.view.records_folder / "sub-01" / "anat" / "sub-01_seg-lesions_dseg.json"
    controller.stage.reviewed = record
    controller.save()
    assert controller.runner.functions == []
    sentence, wrong = controller.view.messages[-1]
    assert sentence.startswith("sub-01 is being reviewed from this folder")
    assert wrong


@pytest.mark.parametrize(
    ("name", "sequence"),
    [
        ("sub-01_T1w", "T1"),
        ("MPRAGE sag", "T1"),
        ("t2_tse_tra", "T2"),
        ("sub-01_FLAIR", ""),
        ("t2_tirm_tra_dark-fluid", ""),
        ("sub-T1005", ""),
        ("scan", ""),
    ],
)
def test_a_scan_that_is_named_like_another_sequence_is_asked_about_once(controller, name, sequence):
    controller.view.scan = name
    controller.run()
    assert len(controller.runner.jobs) == (0 if sequence else 1)
    if sequence:
        assert f"{name} is named like a {sequence}" in controller.view.messages[-1][0]
        controller.run()
        assert len(controller.runner.jobs) == 1


def test_what_speaks_against_the_scan_is_said_with_the_result(controller, found):
    quality = RecordedQuality.model_validate(
        {
            "verdict": "fail",
            "summary": "The scan is not fit to be relied on because of sequence.",
            "checks": [
                {"name": "noise", "verdict": "pass", "reason": "Hardly any."},
                {"name": "sequence", "verdict": "fail", "reason": "White matter is brighter."},
            ],
        }
    )
    show_result(controller, replace(found, record=found.record.changed(quality=quality)))
    controller.result_shown()
    message = controller.view.messages[-1][0]
    assert message.endswith("because of sequence. White matter is brighter.")
    assert "⚠ The scan is not fit" in message


def test_a_record_that_cannot_be_written_does_not_end_a_run(controller, found):
    show_result(controller, found)
    controller.save()
    controller.run()
    controller.save_failed("records: the disk is full")
    assert controller.view.messages[-1] == ("records: the disk is full", True)
    assert controller.is_running
    assert controller.view.state == (False, True, False)


def test_nothing_is_saved_before_there_is_a_result(controller):
    controller.save()
    assert controller.runner.functions == []


@pytest.mark.parametrize(
    ("seconds", "sentence"),
    [
        (-1.0, "Patch 3 of 9"),
        (41.6, "Patch 3 of 9, about 42 s left"),
        (90.0, "Patch 3 of 9, about 2 min left"),
    ],
)
def test_progress_in_words(seconds, sentence):
    assert progress_in_words(3, 9, seconds) == sentence
