"""A review is never lost, never ambiguous, and can always be taken back."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import textwrap

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsh_core.derivatives import read_segmentation, write_segmentation
from fsh_core.errors import InputError
from fsh_core.review import (
    Journal,
    Review,
    grow_lesion,
    journal_path,
    measure_lesions,
    open_review,
    save_review,
    split_lesion,
)
from fsh_core.review.runs import from_runs, to_runs
from fsh_core.volume.boxes import label_boxes
from fsh_core.volume.nifti import read_labels
from fsh_core.volume.volume import Volume

SPACING_MM = (1.0, 1.0, 2.5)


@pytest.fixture
def stored(make_segmentation, tmp_path):
    return read_segmentation(write_segmentation(make_segmentation(), tmp_path / "out")["record"])


@pytest.fixture
def review(stored):
    return open_review(stored, "Anna B.")


def flat(review, label):
    return np.flatnonzero(review.labels == label)


def snapshot(review):
    said = {label: (review.status(label), review.note(label)) for label in review.lesions}
    return review.labels.copy(), said, review.case_status


def same(first, second):
    np.testing.assert_array_equal(first[0], second[0])
    assert first[1:] == second[1:]


@given(st.sets(st.integers(0, 400)))
def test_runs_hold_any_set_of_voxels(voxels) -> None:
    indices = np.array(sorted(voxels), dtype=np.int64)
    np.testing.assert_array_equal(from_runs(to_runs(indices)), indices)


def test_runs_are_short() -> None:
    assert to_runs(np.array([3, 4, 5, 9, 11, 12])) == [3, 3, 9, 1, 11, 2]


@pytest.mark.parametrize("runs", [[3], [3, 0], [-1, 2], [3, 1, 4]])
def test_what_are_no_runs(runs) -> None:
    with pytest.raises(ValueError, match="runs must be pairs of start and length"):
        from_runs(runs)


class TestActs:
    def test_opening_leaves_no_trace(self, review):
        assert not review.journal.path.exists()
        assert review.case_status == "not started"
        assert review.lesions == [1, 2, 3]
        assert review.lesion_volume_ml == pytest.approx(0.27)

    def test_a_decision_is_on_the_disk_at_once(self, review):
        review.set_status(2, "accepted")
        header, line = [json.loads(text) for text in review.journal.path.read_text().splitlines()]
        assert header["case"] == "sub-01"
        assert header["shape"] == [48, 56, 20]
        assert (line["n"], line["reader"], line["act"], line["lesion"]) == (
            1,
            "Anna B.",
            "status",
            2,
        )
        assert line["marks"] == [[2, "status", "unreviewed", "accepted"]]
        assert review.journal.path.name == "sub-01_desc-AnnaBb743230f_review.jsonl"
        assert review.case_status == "in progress"

    def test_saying_it_twice_is_one_act(self, review):
        assert review.set_status(2, "accepted")
        assert review.set_status(2, "accepted") is None
        assert review.visit(2) is None
        assert len(review.journal.events) == 1

    def test_rejected_lesions_do_not_count(self, review):
        review.set_status(1, "rejected")
        assert review.lesion_volume_ml == pytest.approx(0.09)
        assert review.prediction.sum() == 36
        assert review.counts() == {"unreviewed": 2, "accepted": 0, "rejected": 1, "unsure": 0}

    def test_painting_is_kept_as_voxels_added_and_removed(self, review):
        review.paint(np.append(flat(review, 3), [0, 1, 2]), np.array([0, 0, 0, 0, 3, 3, 3]))
        line = json.loads(review.journal.path.read_text().splitlines()[-1])
        assert [(one["from"], one["to"]) for one in line["voxels"]] == [(0, 3), (3, 0)]
        assert line["voxels"][0]["runs"] == [0, 3]
        assert review.voxels(3) == 3

    def test_painting_what_is_there_is_no_act(self, review):
        assert review.paint(flat(review, 1), 1) is None
        assert review.journal.events == []

    def test_joining(self, review):
        review.set_note(3, "tiny")
        review.join(1, 3)
        assert review.lesions == [1, 2]
        assert review.voxels(1) == 76
        assert review.note(3) == ""
        review.undo()
        assert (review.voxels(1), review.voxels(3), review.note(3)) == (72, 4, "tiny")

    def test_deleting_forgets_and_undo_remembers(self, review):
        review.set_status(3, "unsure")
        review.delete(3)
        assert review.lesions == [1, 2]
        assert review.status(3) == "unreviewed"
        review.undo()
        assert review.status(3) == "unsure"

    def test_no_number_is_used_twice(self, review):
        review.delete(3)
        mask = np.zeros(review.labels.shape, dtype=bool)
        mask[10, 10, 10] = True
        assert review.add(mask).label == 4
        assert review.lesions == [1, 2, 4]

    def test_splitting_keeps_the_number_for_the_largest_part(self, review):
        review.split(1, seeds=[(12, 24, 9), (17, 29, 9)])
        assert review.lesions == [1, 2, 3, 4]
        assert review.voxels(1) >= review.voxels(4) > 0
        assert review.voxels(1) + review.voxels(4) == 72

    def test_a_number_too_large_for_the_file_gets_the_room_it_needs(self, review):
        assert review.labels.dtype == np.int16
        review.paint(np.arange(3), 40_000)
        assert review.labels.reshape(-1)[:4].tolist() == [40_000] * 3 + [0]
        assert review.lesions == [1, 2, 3, 40_000]

    def test_what_was_found_is_known_whatever_became_of_it(self, stored, review):
        found = review.labels.copy()
        review.paint(flat(review, 2)[:8], 1)
        review.delete(1)
        review.paint(np.arange(5), 2)
        review.undo()
        np.testing.assert_array_equal(review.found_labels(), found)
        again = open_review(stored, "Anna B.")
        np.testing.assert_array_equal(again.found_labels(), found)
        assert again.redrawn == review.redrawn == {1: 0.0, 2: 0.75}

    def test_a_note_about_the_case(self, review):
        review.set_note(0, " motion ")
        review.set_case_status("flagged")
        assert (review.note(0), review.case_status) == ("motion", "flagged")

    @pytest.mark.parametrize(
        ("what", "message"),
        [
            (lambda review: review.join(1, 1), "lesion 1 cannot be joined with itself"),
            (lambda review: review.delete(9), "there is no lesion 9"),
            (lambda review: review.set_status(1, "fine"), "a lesion is unreviewed, accepted"),
            (lambda review: review.set_case_status("fine"), "a case is not started"),
            (lambda review: review.add(review.labels > 0), "there is nothing to add here"),
        ],
    )
    def test_nonsense_leaves_no_trace(self, review, what, message):
        with pytest.raises(InputError, match=message):
            what(review)
        assert not review.journal.path.exists()

    def test_no_name(self, stored):
        with pytest.raises(InputError, match="the reader's name is empty"):
            open_review(stored, "  ")

    def test_what_is_decided_after_completion_takes_the_case_back_into_progress(self, review):
        review.set_status(1, "accepted")
        review.set_case_status("completed")
        review.set_note(1, "old")
        assert review.case_status == "completed"
        review.set_status(1, "rejected")
        assert review.case_status == "in progress"
        review.undo()
        assert (review.status(1), review.case_status) == ("accepted", "completed")
        review.redo()
        assert (review.status(1), review.case_status) == ("rejected", "in progress")

    def test_which_lesions_are_redrawn_and_how_far(self, review):
        assert review.redrawn == {}
        review.paint(flat(review, 2)[:8], 0)  # 32 voxels: 24 stay
        review.paint(np.arange(4), 3)  # 4 voxels, and 4 more
        assert review.redrawn == {2: 0.75, 3: 0.5}
        review.undo()
        assert review.redrawn == {2: 0.75}
        review.delete(3)
        assert review.redrawn == {2: 0.75, 3: 0.0}


ACTS = st.lists(
    st.tuples(
        st.sampled_from(
            ["paint", "status", "note", "split", "join", "delete", "add", "undo", "redo", "visit"]
        ),
        st.integers(0, 999),
    ),
    max_size=14,
)


def perform(review, kind, number):
    """One event chosen by a number; what makes no sense at the moment is left out."""
    lesions = review.lesions or [1]
    label = lesions[number % len(lesions)]
    generator = np.random.default_rng(number)
    try:
        if kind == "paint":
            voxels = generator.choice(review.labels.size, 5, replace=False)
            review.paint(voxels.astype(np.int64), generator.choice([0, label], 5))
        elif kind == "status":
            review.set_status(label, ("accepted", "rejected", "unsure")[number % 3])
        elif kind == "note":
            review.set_note(label, f"note {number % 3}")
        elif kind == "join":
            review.join(label, lesions[(number + 1) % len(lesions)])
        elif kind == "add":
            mask = np.zeros(review.labels.shape, dtype=bool)
            mask.flat[number % mask.size] = True
            review.add(mask)
        elif kind in ("split", "delete", "visit"):
            getattr(review, kind)(label)
        else:
            getattr(review, kind)()
    except InputError:
        pass


class TestHistory:
    @given(ACTS)
    def test_reopening_gives_the_same_and_undo_leads_back_to_the_beginning(self, events):
        import tempfile
        from pathlib import Path

        labels = np.zeros((8, 8, 4), dtype=np.int32)
        labels[1:4, 1:4, 1:3], labels[5:7, 5:7, 1] = 1, 2
        volume = Volume(labels, np.diag([*SPACING_MM, 1.0]))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "review.jsonl"
            review = Review(volume, Journal.open(path, {"case": "x"}), "a")
            for kind, number in events:
                perform(review, kind, number)
            again = Review(volume, Journal.open(path, {"case": "x"}), "a")
            same(snapshot(again), snapshot(review))
            assert (again.next_label, again.last_label) == (review.next_label, review.last_label)
            counts = np.bincount(again.labels.ravel(), minlength=again.next_label + 1)
            assert {label: int(counts[label]) for label in again.lesions} == {
                label: again.voxels(label) for label in again.lesions
            }
            end, steps = snapshot(again), 0
            while again.undo():
                steps += 1
            np.testing.assert_array_equal(again.labels, labels)
            assert all(
                again.status(label) == "unreviewed" and again.note(label) == ""
                for label in again.lesions
            )
            for _ in range(steps):
                again.redo()
            same(snapshot(again), end)

    def test_one_history_across_every_kind(self, review):
        states = [snapshot(review)]
        for what in (
            lambda: review.set_status(1, "accepted"),
            lambda: review.paint(flat(review, 2)[:4], 0),
            lambda: review.split(1),
            lambda: review.join(2, 3),
            lambda: review.set_note(2, "two in one"),
            lambda: review.delete(2),
        ):
            what()
            states.append(snapshot(review))
        for state in states[-2:0:-1]:
            review.undo()
            same(snapshot(review), state)
        review.undo()
        np.testing.assert_array_equal(review.labels, states[0][0])
        assert review.undo() is None
        for state in states[1:]:
            review.redo()
            same(snapshot(review), state)
        assert review.redo() is None

    def test_a_new_act_ends_redo(self, review):
        review.delete(1)
        review.undo()
        review.delete(2)
        assert review.redo() is None

    def test_going_to_a_lesion_does_not_end_redo(self, review):
        review.delete(1)
        review.undo()
        review.visit(2)
        assert review.redo().label == 1


class TestJournal:
    def test_reopening_shows_where_the_reader_stopped(self, stored, review):
        review.set_status(1, "accepted")
        review.visit(3)
        again = open_review(stored, "Anna B.")
        assert again.last_label == 3
        assert again.status(1) == "accepted"

    def test_every_reader_has_a_journal(self, stored, review):
        review.delete(1)
        assert open_review(stored, "Ben").lesions == [1, 2, 3]
        assert journal_path(stored, "Ben").name == "sub-01_desc-Ben_review.jsonl"

    @pytest.mark.parametrize("kept", [0.0, 0.3, 0.99])
    def test_half_a_line_is_dropped_and_written_over(self, stored, review, kept):
        review.set_status(1, "accepted")
        before = review.journal.path.read_bytes()
        review.delete(2)
        line = review.journal.path.read_bytes()[len(before) :]
        review.journal.path.write_bytes(before + line[: int(len(line) * kept)])
        again = open_review(stored, "Anna B.")
        assert again.lesions == [1, 2, 3]
        again.set_status(3, "unsure")
        assert [event.kind for event in open_review(stored, "Anna B.").journal.events] == [
            "status",
            "status",
        ]

    def test_half_a_header_is_no_review(self, stored, review):
        review.journal.path.write_bytes(b'{"format": "fsh')
        again = open_review(stored, "Anna B.")
        again.delete(1)
        assert open_review(stored, "Anna B.").lesions == [2, 3]

    def test_a_damaged_line_is_named(self, stored, review):
        for label in (1, 2, 3):
            review.set_status(label, "accepted")
        lines = review.journal.path.read_bytes().splitlines(keepends=True)
        review.journal.path.write_bytes(b"".join([lines[0], lines[1], b"{broken}\n", lines[3]]))
        with pytest.raises(
            InputError, match="line 3 must be event 2 of the review, cannot be read"
        ):
            open_review(stored, "Anna B.")

    def test_a_missing_line_is_named(self, stored, review):
        for label in (1, 2, 3):
            review.set_status(label, "accepted")
        lines = review.journal.path.read_bytes().splitlines(keepends=True)
        review.journal.path.write_bytes(b"".join([lines[0], lines[2]]))
        with pytest.raises(
            InputError, match=r"line 2 must be event 1 of the review, .*it is numbered 2"
        ):
            open_review(stored, "Anna B.")

    def test_an_act_that_does_not_fit_is_named(self, stored, review):
        review.delete(3)
        text = review.journal.path.read_text().replace('"from":3', '"from":2')
        review.journal.path.write_text(text)
        with pytest.raises(InputError, match="event 1 does not fit the lesions before it"):
            open_review(stored, "Anna B.")

    def test_other_lesions_are_not_reviewed_with_it(self, stored, review):
        review.delete(3)
        image = nib.load(stored.paths["labels"])
        data = np.asarray(image.dataobj).copy()
        data[data == 2] = 0
        nib.save(nib.Nifti1Image(data, image.affine), stored.paths["labels"])
        with pytest.raises(InputError, match="is the review of other lesions"):
            open_review(stored, "Anna B.")

    def test_something_else_under_its_name(self, stored, review):
        review.journal.path.write_text("my notes\n")
        with pytest.raises(InputError, match=r"expected a review of F\.sh"):
            open_review(stored, "Anna B.")

    def test_two_programs_do_not_write_over_each_other(self, stored, review):
        review.set_status(1, "accepted")
        other = open_review(stored, "Anna B.")
        other.set_status(2, "accepted")
        with pytest.raises(InputError, match="another program wrote into this review meanwhile"):
            review.set_status(3, "accepted")
        assert review.status(3) == "unreviewed"
        assert open_review(stored, "Anna B.").status(2) == "accepted"

    def test_a_full_disk_changes_nothing(self, review, monkeypatch):
        def full(handle):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(
            InputError, match=r"jsonl: cannot be written \(No space left on device\); free"
        ):
            review.delete(1)
        assert review.lesions == [1, 2, 3]

    def test_kill_9_loses_nothing_that_was_done(self, stored):
        """The program prints each event after it happened, and is killed in the middle."""
        script = f"""
            from fsh_core.review import open_review
            review = open_review({str(stored.paths["record"])!r}, "Anna B.")
            n = 0
            while True:
                n += 1
                review.set_note(1 + n % 3, f"note {{n}}")
                print(n, flush=True)
        """
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(script)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        said = [int(process.stdout.readline()) for _ in range(25)]
        process.send_signal(signal.SIGKILL)
        rest = process.communicate()[0].splitlines()
        told = max([*said, *map(int, rest)])
        events = open_review(stored, "Anna B.").journal.events
        assert told <= len(events) <= told + 1
        assert events[-1].annotations[0].after == f"note {len(events)}"


class TestSaving:
    def test_the_original_is_never_touched(self, stored, review):
        before = {path: path.read_bytes() for path in stored.paths.values()}
        review.delete(3)
        review.set_status(2, "rejected")
        save_review(review, stored)
        assert {path: path.read_bytes() for path in before} == before

    def test_the_corrected_lesions(self, stored, review, phantom):
        review.set_status(1, "accepted")
        review.set_status(2, "rejected")
        review.set_note(1, "confluent,\nold")
        review.undo()
        review.redo()
        review.set_case_status("completed")
        paths = save_review(review, stored, phantom.flair)
        mask, labels = nib.load(paths["mask"]), nib.load(paths["labels"])
        assert (
            paths["mask"].name == "sub-01_space-orig_label-L_desc-reviewedAnnaBb743230f_mask.nii.gz"
        )
        np.testing.assert_array_equal(mask.affine, phantom.flair.affine)
        assert set(np.unique(np.asarray(labels.dataobj))) == {0, 1, 3}
        assert np.asarray(mask.dataobj).sum() == 76
        table = pd.read_csv(paths["table"], sep="\t", keep_default_na=False)
        assert list(table["status"]) == ["accepted", "rejected", "unreviewed"]
        assert table["note"][0] == "confluent, old"
        assert list(table["volume_mm3"]) == [180, 80, 10]

    def test_provenance(self, stored, review):
        review.set_status(1, "accepted")
        review.delete(3)
        record = json.loads(save_review(review, stored)["record"].read_text())
        assert record["review"]["reader"] == "Anna B."
        assert record["review"]["acts"] == {"delete": 1, "status": 1}
        assert record["review"]["lesions_by_status"] == {
            "unreviewed": 1,
            "accepted": 1,
            "rejected": 0,
            "unsure": 0,
        }
        assert record["review"]["first_act"] <= record["review"]["last_act"]
        assert record["weights"]["sha256"] == "1c" * 32
        assert (record["lesion_count"], record["lesion_volume_ml"]) == (2, 0.26)
        assert "contrast" not in record  # there was no scan to measure it in
        assert record["status"]["Description"].startswith("What the reader decided")

    def test_what_happens_after_saving_began_is_not_half_in_it(self, stored, review):
        """Saved beside the window, from the events up to then, while the reader goes on."""
        review.set_status(1, "accepted")
        written = hashlib.sha256(review.path.read_bytes()).hexdigest()
        journal = review.journal.as_it_is()
        review.delete(2)
        original = Volume(*read_labels(stored.paths["labels"]))
        record = save_review(Review(original, journal, review.reader), stored)["record"]
        saved = json.loads(record.read_text())["review"]
        assert saved["acts"] == {"status": 1}
        assert saved["journal_sha256"] == written
        assert review.lesions == [1, 3]

    def test_saving_is_not_found_as_a_case(self, stored, review, tmp_path):
        from fsh_core.derivatives import find_records

        review.delete(3)
        save_review(review, stored)
        assert find_records(tmp_path / "out") == [stored.paths["record"]]


def blob(shape, *boxes):
    mask = np.zeros(shape, dtype=bool)
    for box in boxes:
        mask[box] = True
    return mask


class TestSplitting:
    def test_two_bulges_part_at_the_neck(self):
        mask = blob((24, 9, 7), np.s_[1:8, 1:8, 1:6], np.s_[8:14, 4, 3], np.s_[14:21, 1:8, 1:6])
        parts = split_lesion(mask, SPACING_MM)
        np.testing.assert_array_equal(parts > 0, mask)
        assert len({int(parts[4, 4, 3]), int(parts[17, 4, 3])}) == 2
        assert len(np.unique(parts[1:8, 1:8, 1:6])) == 1
        assert len(np.unique(parts[14:21, 1:8, 1:6])) == 1

    def test_parts_that_do_not_touch(self):
        mask = blob((12, 6, 6), np.s_[1:4, 1:4, 1:4], np.s_[7:9, 1:3, 1:3])
        parts = split_lesion(mask, SPACING_MM)
        assert (parts[1:4, 1:4, 1:4] == 1).all()
        assert (parts[7:9, 1:3, 1:3] == 2).all()

    def test_one_bulge_is_halved_across_its_longest_axis_in_mm(self):
        parts = split_lesion(blob((8, 8, 12), np.s_[2:6, 2:6, 2:10]), SPACING_MM)
        assert len(np.unique(parts[2:6, 2:6, 2:6])) == len(np.unique(parts[2:6, 2:6, 6:10])) == 1
        assert np.bincount(parts.ravel())[1:].tolist() == [64, 64]

    def test_as_many_parts_as_seeds(self):
        mask = blob((20, 6, 6), np.s_[1:19, 1:5, 1:5])
        parts = split_lesion(mask, SPACING_MM, [(2, 2, 2), (9, 2, 2), (30, 2, 2)])
        assert set(np.unique(parts)) == {0, 1, 2, 3}
        np.testing.assert_array_equal(parts > 0, mask)

    def test_one_voxel(self):
        with pytest.raises(InputError, match="a lesion of one voxel cannot be split"):
            split_lesion(blob((3, 3, 3), np.s_[1, 1, 1]), SPACING_MM)

    def test_one_seed(self):
        with pytest.raises(InputError, match="needs a point in each of at least two parts"):
            split_lesion(blob((6, 6, 6), np.s_[1:5, 1:5, 1:5]), SPACING_MM, [(1, 1, 1), (1, 1, 1)])


class TestGrowing:
    def test_in_what_the_network_saw(self):
        probability = np.zeros((30, 30, 14), dtype=np.float32)
        probability[10:14, 10:14, 5:7] = 0.3
        probability[14:16, 10:14, 5:7] = 0.1
        free = np.ones(probability.shape, dtype=bool)
        grown = grow_lesion((11, 11, 5), np.zeros_like(probability), probability, free, SPACING_MM)
        assert grown.sum() == 32
        assert not grown[14:].any()

    def test_in_what_is_bright(self, phantom):
        free = phantom.brain
        grown = grow_lesion(
            (14, 26, 9), phantom.flair.data, np.zeros_like(phantom.flair.data), free, SPACING_MM
        )
        np.testing.assert_array_equal(grown, phantom.reference & (np.indices(grown.shape)[0] < 20))

    def test_not_into_another_lesion_and_not_far(self):
        bright = np.full((60, 20, 20), 10, dtype=np.float32)
        bright[5:55, 8:12, 8:12] = 100
        free = np.ones(bright.shape, dtype=bool)
        free[20:] = False
        free[5] = False
        grown = grow_lesion((8, 9, 9), bright, None, free, SPACING_MM)
        assert not grown[~free].any()
        free[:] = True
        reached = np.argwhere(grow_lesion((8, 9, 9), bright, None, free, SPACING_MM))
        assert np.linalg.norm((reached - (8, 9, 9)) * SPACING_MM, axis=1).max() <= 15
        assert reached[:, 0].max() == 23

    def test_a_dark_spot_becomes_the_voxel_that_was_clicked(self):
        flat_scan = np.full((20, 20, 20), 50, dtype=np.float32)
        grown = grow_lesion(
            (9, 9, 9), flat_scan, None, np.ones(flat_scan.shape, dtype=bool), SPACING_MM
        )
        assert np.argwhere(grown).tolist() == [[9, 9, 9]]

    def test_outside_the_brain(self):
        free = np.zeros((20, 20, 20), dtype=bool)
        with pytest.raises(InputError, match="a lesion grows only in the brain"):
            grow_lesion((9, 9, 9), free.astype(np.float32), None, free, SPACING_MM)


class TestMeasuring:
    def test_one_lesion_alone_is_measured_as_all_together(self, stored, review, phantom):
        probability = np.where(phantom.reference, np.float32(0.875), np.float32(0.1))
        rows = measure_lesions(review.labels, [3, 1], phantom.flair, probability, phantom.brain)
        assert list(rows["label"]) == [3, 1]
        whole = stored.lesions.set_index("label").loc[[3, 1]].reset_index()
        exact = [
            name for name in rows if name not in ("contrast", "max_probability", "mean_probability")
        ]
        pd.testing.assert_frame_equal(rows[exact], whole[exact], rtol=1e-4, check_dtype=False)
        np.testing.assert_allclose(rows["contrast"], whole["contrast"], rtol=0.05)

    def test_where_to_look_changes_nothing(self, review, phantom):
        probability = np.zeros(review.labels.shape, dtype=np.float32)
        maps = (phantom.flair, probability, phantom.brain)
        anywhere = measure_lesions(review.labels, [1, 3], *maps)
        boxes = label_boxes(review.labels)
        pd.testing.assert_frame_equal(
            measure_lesions(review.labels, [1, 3], *maps, boxes), anywhere
        )

    def test_a_lesion_that_is_gone_has_no_row(self, review, phantom):
        review.delete(3)
        probability = np.zeros(review.labels.shape, dtype=np.float32)
        assert (
            len(measure_lesions(review.labels, [3], phantom.flair, probability, phantom.brain)) == 0
        )
