"""The commands of the review, driven by a view that is no widget: no window, no Qt."""

import ast
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from fsh_core.derivatives import read_segmentation
from fsh_core.errors import InputError
from fsh_core.review import open_review, save_review
from fsh_core.review.answer import Answer
from fsh_core.review.trial.assign import assign_cases
from fsh_core.review.trial.file import change_trial, read_trial
from fsh_napari.review.controller import ReviewController
from fsh_napari.review.keys import KEYS
from tests.conftest import REPOSITORY


class FakeView:
    """A list on paper."""

    def __init__(self) -> None:
        self.labels: list[int] = []
        self.label = 0
        self.goes_on = False
        self.message = ""
        self.asked_for_note = False

    def select(self, label: int) -> None:
        self.label = label

    def show_case(self, case) -> None:
        self.labels = sorted(case.review.lesions)
        if self.label not in self.labels:
            self.label = 0

    def show_message(self, sentence: str) -> None:
        self.message = sentence

    def replace_message(self, before: str, now: str) -> None:
        if self.message == before:
            self.message = now

    def show_whole_list(self) -> None:
        pass

    def ask_for_note(self) -> None:
        self.asked_for_note = True

    def toggle_brush_in_3d(self) -> None:
        self.brush = "in 3-D"

    def next_brush_range(self) -> None:
        self.brush = "limited"


class FakeStage:
    """Keeps what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.point: tuple[float, ...] = ()
        self.scribbles = False

    def go_to(self, point) -> None:
        self.point = point

    def take_scribbles(self, wanted: bool) -> None:
        self.scribbles = wanted

    def show_ruler(self, ends) -> None:
        self.ruler = ends

    def toggle_diameters(self, label: int) -> None:
        self.asked.append(f"diameters of {label}")

    def flip_companions(self, step: int) -> None:
        self.asked.append(f"flip {step}")

    def __getattr__(self, name: str):  # noqa: D105
        return lambda: self.asked.append(name)


class FakeSaver:
    """Saves at once."""

    def save(self, case) -> None:
        save_review(case.review, case.stored, case.flair)


class FakeCase:
    """A record and its review without layers: a viewer's mm are voxels here."""

    def __init__(self, record: Path, reader: str) -> None:
        self.stored = read_segmentation(record)
        self.review = open_review(self.stored, reader)
        self.name, self.flair, self.others = self.stored.record.case, None, {}
        self.strokes = 0

    def listed(self) -> pd.DataFrame:
        return self.stored.lesions

    def show(self, event) -> None:
        pass

    def keep_stroke(self) -> None:
        self.strokes += 1

    def inside(self, label: int) -> tuple[float, ...]:
        return tuple(float(axis) for axis in np.argwhere(self.review.labels == label)[0])

    def voxel_at(self, point):
        voxel = tuple(int(axis) for axis in point)
        return voxel if all(axis >= 0 for axis in voxel) else None

    def add_lesion_at(self, voxel):
        mask = np.zeros(self.review.labels.shape, dtype=bool)
        mask[voxel] = True
        return self.review.add(mask)

    def correct(self, label, scribble, tool):
        voxels = np.ravel_multi_index(np.transpose(scribble), self.review.labels.shape)
        return self.review.paint(voxels, label if tool == "grow" else 0, tool)

    def take_answer(self, answer):
        voxels = np.flatnonzero(answer.lesion & (self.review.labels == 0))
        return self.review.paint(voxels, answer.question.label, answer.tool)


class FakeServer:
    """Keeps what it was asked."""

    def __init__(self) -> None:
        self.address, self.is_wanted, self.asked = "http://server:8000", True, []

    def ask(self, case, question) -> None:
        self.asked.append(question)


@pytest.fixture
def controller(record: Path) -> ReviewController:
    """A review of it, not blinded."""
    controller = ReviewController(FakeView(), FakeStage(), FakeSaver(), lambda: False)
    controller.begin(FakeCase(record, "Anna"))
    return controller


def test_it_imports_neither_qt_nor_napari() -> None:
    for name in ("controller", "clicks", "completing", "interfaces", "keys"):
        tree = ast.parse((REPOSITORY / "fsh_napari" / "review" / f"{name}.py").read_text())
        modules = {
            alias.name.split(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.Import)
            for alias in node.names
        } | {
            (node.module or "").split(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
        }
        assert not {"qtpy", "napari", "magicgui", "superqt"} & modules, name


def test_every_key_calls_a_command_and_no_key_is_given_twice() -> None:
    assert len({key.keys for key in KEYS}) == len(KEYS)
    assert len({key.command for key in KEYS}) == len(KEYS)
    assert all(key.text for key in KEYS)


def test_without_a_case_every_command_says_so_or_does_nothing() -> None:
    controller = ReviewController(FakeView(), FakeStage(), FakeSaver(), lambda: True)
    harmless = {"cancel", "show_keys", "layout", "next", "previous", "next_case"}
    for key in KEYS:
        if key.command.__name__ not in harmless:
            with pytest.raises(InputError, match="no record is open"):
                key.command(controller)


def test_next_and_previous_stop_at_the_ends(controller) -> None:
    controller.next()
    assert controller.view.label == 1
    assert controller.case.review.labels[tuple(map(int, controller.stage.point))] == 1
    controller.next()
    controller.next()
    controller.next()
    assert controller.view.label == 3
    assert controller.view.message == "That was the last lesion of the list."
    for _ in range(3):
        controller.previous()
    assert controller.view.label == 1
    assert controller.view.message == "That was the first lesion of the list."


@pytest.mark.parametrize(
    ("command", "status"), [("accept", "accepted"), ("reject", "rejected"), ("unsure", "unsure")]
)
def test_a_decision_is_kept_and_stays_or_goes_on(controller, command: str, status: str) -> None:
    decide = {"accept": controller.accept, "reject": controller.reject}.get(
        command, controller.unsure
    )
    controller.go_to(1)
    decide()
    assert controller.case.review.status(1) == status
    assert controller.view.label == 1
    controller.view.goes_on = True
    decide()
    assert controller.view.label == 2


def test_going_on_skips_what_is_decided_and_says_when_all_is(controller) -> None:
    controller.view.goes_on = True
    controller.go_to(2)
    controller.accept()
    assert controller.view.label == 3
    controller.accept()
    assert controller.view.label == 1
    controller.accept()
    assert "All in the list are decided; C completes the case." in controller.view.message


def test_a_command_on_no_lesion_is_refused(controller) -> None:
    for command in (controller.accept, controller.delete, controller.split, controller.join):
        with pytest.raises(InputError, match="no lesion is selected"):
            command()


def test_deleting_goes_to_the_next_and_undo_brings_back(controller) -> None:
    controller.go_to(3)
    controller.delete()
    assert controller.case.review.lesions == [1, 2]
    assert controller.view.label == 2
    controller.undo()
    assert controller.case.review.lesions == [1, 2, 3]
    assert controller.view.label == 3
    assert controller.view.message == "Delete of lesion 3 is undone."
    controller.redo()
    assert controller.case.review.lesions == [1, 2]


def test_there_may_be_nothing_to_undo(controller) -> None:
    controller.undo()
    assert controller.view.message == "There is nothing to undo."
    controller.redo()
    assert controller.view.message == "There is nothing to do again."


def test_joining_waits_for_one_click(controller) -> None:
    controller.go_to(1)
    controller.join()
    controller.clicked(controller.case.inside(2), with_shift=False)
    assert controller.case.review.lesions == [1, 3]
    controller.clicked(controller.case.inside(3), with_shift=False)
    assert controller.case.review.lesions == [1, 3]
    assert controller.view.label == 3


def test_adding_and_letting_it_be(controller) -> None:
    controller.add()
    controller.cancel()
    controller.clicked((2.0, 2.0, 2.0), with_shift=False)
    assert controller.case.review.lesions == [1, 2, 3]
    controller.add()
    controller.clicked((-1.0, 0.0, 0.0), with_shift=False)
    assert controller.view.message == "⚠ That was outside the scan; I begins again."
    controller.clicked((2.0, 2.0, 2.0), with_shift=False)  # nothing waits for it any more
    assert controller.case.review.lesions == [1, 2, 3]
    controller.add()
    controller.clicked((2.0, 2.0, 2.0), with_shift=False)
    assert controller.case.review.lesions == [1, 2, 3, 4]
    assert controller.view.label == 4


def test_joining_with_what_is_no_lesion_says_so_and_ends(controller) -> None:
    for point, words in (((2.0, 2.0, 2.0), "no lesion where you clicked"), ((-1.0, 0, 0), "")):
        controller.go_to(1)
        controller.join()
        if words:
            with pytest.raises(InputError, match=words):
                controller.clicked(point, with_shift=False)
        else:
            controller.clicked(point, with_shift=False)
            assert controller.view.message == "⚠ That was outside the scan; J begins again."
        controller.clicked(controller.case.inside(2), with_shift=False)
        assert controller.case.review.lesions == [1, 2, 3]
        assert controller.view.label == 2


def test_after_undo_and_redo_of_a_deletion_a_lesion_is_selected(controller) -> None:
    for label in (1, 2, 3):
        controller.go_to(label)
        controller.delete()
        controller.undo()
        assert controller.view.label == label
        controller.redo()
        assert controller.view.label in controller.view.labels
        controller.undo()


def test_a_click_or_a_scribble_grows_and_shrinks_the_selected_lesion_once(controller) -> None:
    review = controller.case.review
    before = review.voxels(1)
    controller.go_to(1)
    controller.grow()
    assert controller.stage.scribbles
    assert controller.view.message == "Click or scribble where lesion 1 grows; Esc lets it be."
    controller.scribbled([(2.0, 2.0, 2.0), (2.0, 3.0, 2.0), (-1.0, 0.0, 0.0)])
    assert review.voxels(1) == before + 2
    assert controller.view.message == "Lesion 1 grew by 2 voxels; Ctrl+Z takes it back."
    assert not controller.stage.scribbles
    controller.scribbled([(4.0, 4.0, 4.0)])  # nothing waits for it any more
    assert review.voxels(1) == before + 2
    controller.shrink()
    controller.clicked((2.0, 2.0, 2.0), with_shift=False)  # as from planes that were opened since
    assert review.voxels(1) == before + 1
    event = review.journal.events[-1]
    assert (event.kind, event.tool, event.reader) == ("paint", "shrink", "Anna")
    controller.undo()
    assert controller.view.message == "Shrink of lesion 1 is undone."
    controller.undo()
    assert controller.view.message == "Grow of lesion 1 is undone."
    assert review.voxels(1) == before


def test_correcting_is_let_be(controller) -> None:
    with pytest.raises(InputError, match="no lesion is selected"):
        controller.grow()
    controller.go_to(1)
    for ending in (controller.cancel, controller.add, controller.end):
        controller.grow()
        assert controller.stage.scribbles
        ending()
        assert not controller.stage.scribbles


class TestServer:
    """Clicks that a server answers, if the reader wants that."""

    @pytest.fixture
    def controller(self, record: Path) -> ReviewController:
        controller = ReviewController(
            FakeView(), FakeStage(), FakeSaver(), lambda: False, FakeServer()
        )
        controller.begin(FakeCase(record, "Anna"))
        controller.go_to(1)
        controller.server = controller._clicks._server
        controller.grow()
        return controller

    def test_unless_it_is_wanted_it_hears_nothing(self, controller) -> None:
        controller.server.is_wanted = False
        controller.clicked((2.0, 2.0, 2.0), with_shift=False)
        assert controller.server.asked == []
        assert controller.case.review.journal.events[-1].tool == "grow"

    def test_its_answer_is_an_edit_like_any_other(self, controller) -> None:
        review = controller.case.review
        before = review.labels.copy()
        controller.clicked((2.0, 2.0, 2.0), with_shift=False)
        assert controller.view.message == (
            "nnInteractive at http://server:8000 is asked about lesion 1; go on meanwhile."
        )
        (question,) = controller.server.asked
        np.testing.assert_array_equal(review.labels, before)
        lesion = np.zeros(before.shape, dtype=bool)
        lesion[2, 2, 2:4] = True
        controller.answered(Answer(question, lesion, "nnInteractive 2"))
        assert controller.view.message == (
            "Lesion 1 grew by 2 voxels by nnInteractive; Ctrl+Z takes it back."
        )
        assert review.journal.events[-1].tool == "grow by nnInteractive 2"
        controller.undo()
        np.testing.assert_array_equal(review.labels, before)
        assert controller.view.message == "Grow by nnInteractive 2 of lesion 1 is undone."

    def test_without_an_answer_our_own_correction_is_used_and_said(self, controller) -> None:
        controller.clicked((2.0, 2.0, 2.0), with_shift=False)
        controller.unanswered(controller.server.asked[0], "nnInteractive did not answer (why)")
        assert controller.view.message == (
            "⚠ nnInteractive did not answer (why); F.sh's own correction was used. "
            "Lesion 1 grew by 1 voxels; Ctrl+Z takes it back."
        )
        assert controller.case.review.journal.events[-1].tool == "grow"

    def test_a_lesion_that_is_gone_meanwhile_is_left_alone(self, controller) -> None:
        controller.clicked((2.0, 2.0, 2.0), with_shift=False)
        (question,) = controller.server.asked
        controller.delete()
        with pytest.raises(InputError, match="lesion 1 is gone since nnInteractive was asked"):
            controller.unanswered(question, "why")


def test_a_scribble_outside_the_scan(controller) -> None:
    controller.go_to(1)
    controller.shrink()
    controller.scribbled([(-1.0, 0.0, 0.0)])
    assert controller.view.message == "⚠ That was outside the scan; - begins again."
    assert not controller.stage.scribbles


def test_filling_between_painted_slices_is_one_act(controller) -> None:
    review = controller.case.review
    added = review.add(slab(review, 2))
    review.paint(np.flatnonzero(slab(review, 5)), added.label)
    controller.view.labels.append(added.label)
    controller.go_to(added.label)
    controller.fill_between_slices()
    assert review.voxels(added.label) == 4 * 9
    event = review.journal.events[-1]
    assert (event.kind, event.tool) == ("paint", "fill between slices")
    controller.undo()
    assert review.voxels(added.label) == 2 * 9
    assert "Fill between slices of lesion" in controller.view.message
    controller.go_to(1)
    with pytest.raises(InputError, match="no slice is left out"):
        controller.fill_between_slices()


def slab(review, k: int) -> np.ndarray:
    """Three by three free voxels of one slice."""
    mask = np.zeros(review.labels.shape, dtype=bool)
    mask[2:5, 2:5, k] = True
    assert not review.labels[mask].any()
    return mask


def test_the_brush_is_the_views(controller) -> None:
    controller.brush_in_3d()
    assert controller.view.brush == "in 3-D"
    controller.brush_range()
    assert controller.view.brush == "limited"
    assert controller.case.review.journal.events == []


def test_a_ruler_between_two_clicks_is_no_event(controller) -> None:
    controller.measure()
    controller.clicked((2.0, 2.0, 2.0), with_shift=False)
    assert controller.stage.ruler == ()
    assert controller.view.message == "Click the other end; Esc lets it be."
    controller.clicked((2.0, 5.0, 6.0), with_shift=False)
    assert controller.stage.ruler == ((2.0, 2.0, 2.0), (2.0, 5.0, 6.0))
    assert controller.view.message.startswith("5.0 mm;")
    controller.clicked((4.0, 4.0, 4.0), with_shift=False)  # only looks
    assert controller.stage.ruler
    controller.cancel()
    assert controller.stage.ruler == ()
    assert controller.case.review.journal.events == []


def test_splitting_at_points(controller) -> None:
    largest = max(controller.case.review.lesions, key=controller.case.review.voxels)
    ends = np.argwhere(controller.case.review.labels == largest)[[0, -1]]
    for end in ends:
        controller.clicked(tuple(map(float, end)), with_shift=True)
    assert controller.view.message.startswith("2 points")
    controller.go_to(largest)
    controller.split()
    labels = controller.case.review.labels
    assert labels[tuple(ends[0])] != labels[tuple(ends[1])]


def test_without_a_lesion_the_note_is_about_the_case(controller) -> None:
    controller.note_lesion()
    assert controller.view.asked_for_note
    controller.set_note("moved a lot")
    assert controller.case.review.note(0) == "moved a lot"


def test_a_note(controller) -> None:
    controller.go_to(2)
    controller.note_lesion()
    assert controller.view.asked_for_note
    controller.set_note("near a vein")
    assert controller.case.review.note(2) == "near a vein"


def test_diameters_are_those_of_the_selected_lesion(controller) -> None:
    with pytest.raises(InputError, match="no lesion is selected"):
        controller.diameters()
    controller.go_to(2)
    controller.diameters()
    assert controller.stage.asked[-1] == "diameters of 2"


def test_looking_is_no_event(controller) -> None:
    for command in (controller.look.outline, controller.look.opacity, controller.look.hide_lesions):
        command()
    controller.look.other_visit()
    controller.look.show_keys()
    controller.look.companion()
    controller.look.companion_before()
    assert controller.case.review.journal.events == []
    assert controller.stage.asked[-7:] == [
        "toggle_outline",
        "change_opacity",
        "toggle_lesions",
        "show_other_visit",
        "toggle_keys",
        "flip 1",
        "flip -1",
    ]


def decide_all(controller, command=ReviewController.accept) -> None:
    for label in controller.case.review.lesions:
        controller.go_to(label)
        command(controller)


def saved_status(record: Path) -> str:
    [path] = record.parent.glob("*desc-reviewed*_dseg.json")
    return json.loads(path.read_text())["review"]["status"]


def test_completing_saves_and_goes_on_with_a_cohort(controller, record: Path) -> None:
    with pytest.raises(InputError, match="no cohort is open"):
        controller.next_case()
    controller.has_cohort = True
    decide_all(controller)
    controller.complete()
    assert controller.case.review.case_status == "completed"
    assert saved_status(record) == "completed"
    assert controller.stage.asked[-1] == "open_next_case"


@pytest.mark.parametrize("by_box", [False, True])
def test_completing_with_undecided_lesions_asks_once(controller, record: Path, by_box) -> None:
    def complete() -> None:
        controller.set_case_status("completed") if by_box else controller.complete()

    controller.go_to(1)
    controller.accept()
    complete()
    assert controller.view.message.startswith("⚠ 2 lesions are not decided.")
    assert controller.case.review.case_status == "in progress"
    assert not list(record.parent.glob("*desc-reviewed*"))
    controller.go_to(2)  # something else: C asks again
    complete()
    assert controller.case.review.case_status == "in progress"
    complete()
    assert controller.case.review.case_status == "completed"
    assert saved_status(record) == "completed"


def test_what_takes_completion_back_takes_it_out_of_the_files(controller, record: Path) -> None:
    decide_all(controller)
    controller.complete()
    controller.undo()
    assert controller.case.review.case_status == "in progress"
    assert saved_status(record) == "in progress"
    controller.redo()
    assert saved_status(record) == "completed"
    controller.go_to(1)
    controller.reject()
    assert saved_status(record) == "in progress"
    [mask] = record.parent.glob("*desc-reviewedAnna_mask.nii.gz")
    kept = np.asarray(nib.load(mask).dataobj) > 0
    np.testing.assert_array_equal(kept, controller.case.review.prediction)


def second_reader(record: Path) -> ReviewController:
    """Ben, blinded, after Anna rejected every lesion."""
    first = ReviewController(FakeView(), FakeStage(), FakeSaver(), lambda: True)
    first.begin(FakeCase(record, "Anna"))
    decide_all(first, ReviewController.reject)
    second = ReviewController(FakeView(), FakeStage(), FakeSaver(), lambda: True)
    second.begin(FakeCase(record, "Ben"))
    return second


def test_a_blinded_reader_sees_the_others_only_when_done(record: Path) -> None:
    second = second_reader(record)
    with pytest.raises(InputError, match=r"decide every lesion first \(3 left\)"):
        second.reveal()
    decide_all(second)
    with pytest.raises(InputError, match="you read blinded: complete the case first"):
        second.reveal()
    assert second.case.others == {}
    second.complete()
    assert list(second.case.others) == ["Anna"]
    assert "Anna decided alike about 0 of 3 lesions" in second.view.message
    assert second.case.review.others_seen == "after completion"


def test_nothing_is_revealed_by_completing_with_undecided_lesions(record: Path) -> None:
    second = second_reader(record)
    for _ in range(3):
        second.complete()
    assert second.case.review.case_status == "completed"
    assert second.case.others == {}
    assert second.case.review.others_seen == "never"
    with pytest.raises(InputError, match=r"decide every lesion first \(3 left\)"):
        second.reveal()


def test_what_was_decided_after_looking_is_said_and_not_counted(record: Path) -> None:
    second = second_reader(record)
    second.go_to(1)
    second.reject()
    second.is_blinded = lambda: False
    second.reveal()
    second.go_to(2)
    second.reject()
    second.reveal()
    assert "Anna decided alike about 1 of 1 lesions" in second.view.message
    assert second.view.message.endswith("Not counted, since decided after looking: 2.")


def test_in_a_trial_a_reader_sees_nothing_of_the_others_and_signs(record: Path) -> None:
    root = record.parents[2]
    second = second_reader(record)
    cases = {second.case.name: second.case.stored.record.subject}
    change_trial(root, lambda trial: [assign_cases(trial, cases, ["Anna", "Ben"], 2, 7)])
    with pytest.raises(InputError, match="must complete it with every lesion decided"):
        second.sign()
    decide_all(second)
    second.complete()
    assert "Shift+S signs it" in second.view.message
    with pytest.raises(InputError, match="read in a trial, in which no reader sees"):
        second.reveal()
    assert second.case.review.others_seen == "never"
    second.sign()
    assert "The same once more signs it" in second.view.message
    assert read_trial(root).signatures == {}
    second.sign()
    assert second.view.message == f"{second.case.name} is signed by Ben."
    with pytest.raises(InputError, match="was signed by Ben"):
        second.reject()


def test_what_cannot_be_written_did_not_happen(controller, monkeypatch) -> None:
    def full(event):
        raise InputError("the review cannot be written (No space left on device)")

    controller.go_to(1, note=False)
    monkeypatch.setattr(controller.case.review.journal, "append", full)
    with pytest.raises(InputError, match="No space left"):
        controller.accept()
    assert controller.case.review.status(1) == "unreviewed"
