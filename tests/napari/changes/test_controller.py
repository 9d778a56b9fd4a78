"""What each key of the review of changes does, without a window."""

import numpy as np
import pytest

pytest.importorskip("napari", reason="napari is not installed: pip install '.[app]'")

from fsh_core.errors import InputError
from fsh_core.follow_up.tables import read_followed
from fsh_napari.changes.controller import ChangesController
from fsh_napari.changes.keys import KEYS
from fsh_napari.changes.pair import open_pair
from fsh_napari.layers.convert import WINDOW_KEY
from tests.napari.changes.conftest import GONE, MISSED, MOVED, NEW


class ViewInMemory:
    """A list on paper."""

    def __init__(self) -> None:
        self.shown, self.label, self.goes_on = None, 0, True
        self.hidden: set[int] = set()
        self.message, self.asked = "", []

    @property
    def labels(self) -> list[int]:
        listed = [] if self.shown is None else self.shown.listed()["label"].tolist()
        return [label for label in listed if label not in self.hidden]

    def select(self, label) -> None:
        if label in self.labels:
            self.label = label

    def show_pair(self, pair) -> None:
        self.shown = pair
        if self.label not in self.labels:
            self.label = 0

    def show_message(self, sentence) -> None:
        self.message = sentence

    def show_whole_list(self) -> None:
        self.hidden.clear()

    def ask_for_note(self) -> None:
        self.asked.append("note")


class StageInMemory:
    """Two visits nobody sees."""

    def __init__(self) -> None:
        self.point, self.asked = None, []

    def go_to(self, point) -> None:
        self.point = point

    def __getattr__(self, name):
        """Note what was asked for."""
        return lambda: self.asked.append(name)


@pytest.fixture
def pair(track_record):
    return open_pair(track_record, 0, "Anna")


@pytest.fixture
def controller(pair):
    controller = ChangesController(ViewInMemory(), StageInMemory())
    controller.begin(pair)
    return controller


def number_of(pair, kind) -> int:
    """The number of the one change of a kind."""
    listed = pair.listed()
    return int(listed.loc[listed["kind_found"] == kind, "label"].item())


def in_patient(pair, point) -> np.ndarray:
    """A point of the earlier visit, whose world is the patient's."""
    return (pair.grid.viewer_to_world @ [*point, 1.0])[:3]


def later_point(pair, centre):
    """Where a place of the patient is in the later visit, in viewer mm."""
    world = MOVED @ [*centre, 1.0]
    return tuple((np.linalg.inv(pair.later_grid.viewer_to_world) @ world)[:3])


def test_every_key_has_a_command_and_a_text() -> None:
    assert len({key.keys for key in KEYS}) == len(KEYS)
    assert len({key.command for key in KEYS}) == len(KEYS)
    assert all(key.text for key in KEYS)


def test_without_visits_every_key_says_so() -> None:
    controller = ChangesController(ViewInMemory(), StageInMemory())
    for key in KEYS:
        if key.keys not in ("Esc", "F1"):
            with pytest.raises(InputError, match="no visits are open"):
                key.command(controller)


def test_the_list_has_the_order_of_the_report_and_no_stable_lesion(pair) -> None:
    kinds = pair.listed()["kind_found"].tolist()
    assert kinds[:2] == ["new", "resolved"]
    assert "stable" not in kinds


def test_next_goes_to_the_change_in_both_visits(controller, pair) -> None:
    for kind, (centre, radius) in (("new", NEW), ("resolved", GONE)):
        controller.go_to(number_of(pair, kind))
        off = np.linalg.norm(in_patient(pair, controller.stage.point) - centre)
        assert off < radius, kind
        there = later_point(pair, in_patient(pair, controller.stage.point))
        np.testing.assert_allclose(pair.to_later(controller.stage.point), there, atol=1)
    first, second = controller.view.labels[:2]
    controller.go_to(first)
    controller.next()
    assert controller.view.label == second
    controller.previous()
    assert controller.view.label == first
    controller.previous()
    assert controller.view.message == "That was the first change of the list."


def test_a_decision_is_kept_and_leads_on(controller, pair, track_record) -> None:
    first, second = controller.view.labels[:2]
    controller.accept()
    assert controller.view.label == second
    controller.reject()
    again = open_pair(track_record, 0, "Anna").review
    assert (again.status(first), again.status(second)) == ("accepted", "rejected")
    controller.undo()
    assert pair.review.status(second) == "unreviewed"
    assert controller.view.label == second
    controller.redo()
    assert pair.review.status(second) == "rejected"


def test_it_goes_on_where_the_reader_stopped(controller, track_record) -> None:
    controller.accept()
    stopped = controller.view.label
    again = ChangesController(ViewInMemory(), StageInMemory())
    again.begin(open_pair(track_record, 0, "Anna"))
    assert again.view.label == stopped


def test_a_missed_new_lesion_grows_from_a_click_and_is_undone(controller, pair) -> None:
    before = [layer.copy() for layer in pair.change_maps()]
    labels = controller.view.labels
    controller.view.hidden = set(labels)
    controller.add()
    controller.clicked(later_point(pair, MISSED[0]))
    (added,) = set(controller.view.labels) - set(labels)
    assert controller.view.label == added
    row = pair.listed().set_index("label").loc[added]
    assert (row["kind"], row["status"], row["evidence"]) == ("new", "accepted", "reader")
    true_mm3 = 4 / 3 * np.pi * MISSED[1] ** 3
    assert true_mm3 / 2 < row["after"] < true_mm3 * 2
    assert np.linalg.norm(in_patient(pair, controller.stage.point) - MISSED[0]) < MISSED[1]
    here, there = pair.change_maps()
    assert (here == added).any()
    assert (there == added).sum() == pair.review.added[added].size
    assert "show_changes" in controller.stage.asked
    controller.undo()
    assert controller.view.labels == labels
    for now, then in zip(pair.change_maps(), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_a_click_that_cannot_be_a_lesion_says_so(controller) -> None:
    controller.add()
    with pytest.raises(InputError, match="outside the scan"):
        controller.clicked((1e4, 0.0, 0.0))
    controller.add()
    controller.cancel()
    controller.clicked((1e4, 0.0, 0.0))  # only looked at


def test_a_click_selects_the_change_there(controller, pair) -> None:
    number = number_of(pair, "new")
    controller.go_to(number_of(pair, "resolved"))
    controller.clicked(later_point(pair, NEW[0]))
    assert controller.view.label == number


def test_a_note_is_kept(controller, pair, track_record) -> None:
    controller.note_change()
    assert controller.view.asked == ["note"]
    controller.set_note("beside a vessel")
    label = controller.view.label
    assert open_pair(track_record, 0, "Anna").review.note(label) == "beside a vessel"


def test_completing_asks_once_saves_and_follows_later_decisions(controller, pair) -> None:
    controller.complete()
    assert "not decided. The same once more completes these visits" in controller.view.message
    assert pair.review.case_status != "completed"
    controller.complete()
    assert pair.review.case_status == "completed"
    table = pair.review.path.with_name("sub-01_desc-reviewedAnna_changes.tsv")
    number = number_of(pair, "new")
    assert read_followed(table).set_index("change").loc[number, "status"] == "unreviewed"
    controller.go_to(number)
    controller.reject()
    assert pair.review.case_status == "in progress"
    assert read_followed(table).set_index("change").loc[number, "kind_reviewed"] == "stable"


def test_normal_tissue_is_equally_bright_in_both_visits(pair) -> None:
    earlier, later = pair.earlier_layers[0][1], pair.later_layers[0][1]
    ratio = later["contrast_limits"][1] / earlier["contrast_limits"][1]
    assert ratio == pytest.approx(3.0, rel=0.05)  # the later scan is three times as bright
    assert earlier["metadata"][WINDOW_KEY] == earlier["contrast_limits"]


def test_the_later_visit_is_brought_to_the_place_of_the_earlier(pair) -> None:
    data = pair.earlier_layers[1][0]
    voxel = pair.grid.from_viewer_mm(
        tuple((np.linalg.inv(pair.grid.viewer_to_world) @ [*NEW[0], 1.0])[:3])
    )
    assert pair.grid.from_layer(data)[voxel] > 3 * 130  # lesions are 150, tissue 100
    assert pair.flair.data[voxel] < 110
