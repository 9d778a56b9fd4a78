"""A reading trial: dealt out evenly, read blinded, compared, adjudicated, signed, locked."""

import json
import os
import subprocess
import sys
from collections import Counter
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsh_core.derivatives import find_records, read_segmentation, write_segmentation
from fsh_core.errors import InputError
from fsh_core.file_names import FINAL_TABLE, READERS_FILE
from fsh_core.files import _beside
from fsh_core.review import list_cases, open_review, read_ledger
from fsh_core.review.trial.adjudicate import FROM_READERS, adjudicate_cases
from fsh_core.review.trial.assign import assign_cases, reading_order
from fsh_core.review.trial.file import change_trial, read_trial
from fsh_core.review.trial.final import write_final
from fsh_core.review.trial.sign import lock_cases, sign_readings, trial_of, unlock
from fsh_core.review.trial.state import FINAL, READING, TO_ADJUDICATE, TO_COMPARE, Trial
from fsh_core.tables import TAB, read_table
from fsh_core.volume.volume import load_mask


@pytest.fixture
def root(make_segmentation, tmp_path: Path) -> Path:
    """Two cases of three lesions each, dealt out to Anna and Ben; Cleo adjudicates."""
    for subject in ("01", "02"):
        write_segmentation(make_segmentation(subject), tmp_path / "out")
    deal(tmp_path / "out")
    return tmp_path / "out"


def deal(root: Path) -> Trial:
    subjects = {path.name.split("_")[0]: path.name.split("_")[0] for path in find_records(root)}
    return change_trial(
        root, lambda trial: [assign_cases(trial, subjects, ["Anna", "Ben"], 2, 7, "Cleo")]
    )


def case_of(root: Path, subject: str = "01"):
    return read_segmentation(root / f"sub-{subject}/anat/sub-{subject}_seg-lesions_dseg.json")


def read(root: Path, reader: str, said: dict[int, str], subject: str = "01", sign: bool = True):
    """Let a reader read a case to its end, and sign it."""
    review = open_review(case_of(root, subject), reader)
    for label in (1, 2, 3):
        review.set_status(label, said.get(label, "accepted"))
    review.set_case_status("completed")
    if sign:
        sign_readings([case_of(root, subject)], reader)
    return review


def test_what_a_killed_command_left_goes_with_the_next(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    with _beside(tmp_path / READERS_FILE) as living:
        left = tmp_path / living.name.replace(f"-{os.getpid()}.", f"-{ended.pid}.")
        left.touch()
        change_trial(
            tmp_path, lambda trial: [assign_cases(trial, {"sub-01": "01"}, ["Anna"], 1, 7)]
        )
        assert not left.exists()
        assert living.exists()  # this process is alive


class TestAssigning:
    @given(
        st.integers(1, 40), st.integers(1, 6), st.integers(1, 6), st.integers(0, 9), st.booleans()
    )
    def test_it_is_even_and_the_same_again(self, patients, readers, per_case, seed, in_two) -> None:
        per_case = min(per_case, readers)
        names = [f"R{number}" for number in range(readers)]
        subjects = {f"sub-{i}_ses-{j}": f"sub-{i}" for i in range(patients) for j in "ab"}
        trial = Trial()
        if in_two:  # half of the study came first
            half = dict(list(subjects.items())[: patients // 2 * 2])
            if half:
                trial.hear(assign_cases(trial, half, names, per_case, seed))
        trial.hear(assign_cases(trial, subjects, names, per_case, seed))
        assert list(trial.assigned)
        assert trial.assigned.keys() == subjects.keys()
        loads = Counter(name for case in subjects for name in trial.assigned[case])
        assert max(loads.values()) - min(loads[name] for name in names) <= 2  # one patient
        for case, own in trial.assigned.items():
            assert len(set(own)) == per_case
            assert own == trial.assigned[case[:-1] + "a"]  # all visits of a patient
        again = assign_cases(Trial(), subjects, names, per_case, seed)
        assert again == assign_cases(Trial(), subjects, names, per_case, seed)

    def test_every_two_readers_share_about_as_many(self) -> None:
        names = ["A", "B", "C", "D"]
        found = assign_cases(Trial(), {f"{i}": f"{i}" for i in range(60)}, names, 2, 7)
        pairs = Counter(tuple(sorted(own)) for own in found.assigned.values())
        assert set(pairs) == set(combinations(names, 2))
        assert max(pairs.values()) - min(pairs.values()) <= 4

    def test_another_seed_is_another_order_and_each_reader_has_an_own_one(self) -> None:
        subjects = {f"{i}": f"{i}" for i in range(20)}
        one, two = (assign_cases(Trial(), subjects, ["A", "B"], 1, seed) for seed in (1, 2))
        assert one.assigned != two.assigned
        both = Trial([assign_cases(Trial(), subjects, ["A", "B"], 2, 1)])
        assert reading_order(both, "A") != reading_order(both, "B")
        assert sorted(reading_order(both, "A")) == sorted(subjects)

    @pytest.mark.parametrize(
        ("readers", "per_case", "adjudicator", "words"),
        [
            (["A"], 2, "", "--per-case: must be from 1 to the number of readers, which is 1"),
            (["A", " A "], 1, "", "--reader: every reader once"),
            (["A", "B"], 2, "B", "--adjudicator: must be nobody who reads, got B"),
            (["A", "  "], 1, "", "the reader's name is empty"),
        ],
    )
    def test_what_cannot_be_is_refused(self, readers, per_case, adjudicator, words) -> None:
        with pytest.raises(InputError, match=words):
            assign_cases(Trial(), {"1": "1"}, readers, per_case, 0, adjudicator)

    def test_nobody_is_left_to_be_assigned(self, root) -> None:
        with pytest.raises(InputError, match="every one of the 2 cases has its readers"):
            deal(root)


class TestReading:
    def test_each_sees_the_own_cases_and_nothing_of_the_others(self, root) -> None:
        read(root, "Ben", {}, sign=False)
        states = list_cases(root, "Anna")
        assert {state.case for state in states} == {"sub-01", "sub-02"}
        assert [state.others for state in states] == [{}, {}]
        assert list_cases(root, "Cleo") == []
        with pytest.raises(InputError, match="Zoe has no case in this trial"):
            list_cases(root, "Zoe")

    def test_who_has_not_been_given_a_case_may_look_only(self, root) -> None:
        review = open_review(case_of(root), "Zoe")
        with pytest.raises(InputError, match="sub-01: is not assigned to Zoe; give the name"):
            review.set_status(1, "accepted")
        assert not review.path.exists()
        cleo = open_review(case_of(root), "Cleo")
        with pytest.raises(InputError, match="no difference for Cleo to adjudicate"):
            cleo.delete(1)

    def test_only_what_is_completed_can_be_signed(self, root) -> None:
        review = open_review(case_of(root), "Anna")
        review.set_status(1, "accepted")
        with pytest.raises(InputError, match=r"with every lesion decided .*2 undecided, in prog"):
            sign_readings([case_of(root)], "Anna")
        assert len(read_trial(root).events) == 1

    def test_a_signed_reading_is_closed_also_where_it_is_open(self, root) -> None:
        review = read(root, "Anna", {2: "rejected"})
        before = review.path.read_bytes()
        for act in (
            review.undo,
            lambda: review.set_status(1, "unsure"),
            lambda: review.add(np.ones(review.labels.shape, dtype=bool)),
        ):
            with pytest.raises(InputError, match=r"sub-01: was signed by Anna on \d{4}-.*unlock"):
                act()
        assert review.visit(1) is None  # to look is free
        assert open_review(case_of(root), "Anna").is_read_only
        assert not open_review(case_of(root), "Ben").is_read_only
        assert review.path.read_bytes() == before
        with pytest.raises(InputError, match="was signed by Anna"):
            sign_readings([case_of(root)], "Anna")
        [signed] = read_trial(root).signatures.values()
        assert signed.journal_sha256 == review.journal.sha256()
        assert signed.version
        assert signed.by
        assert signed.time.endswith("+00:00")

    def test_an_unlocked_reading_goes_on_and_the_reason_stays(self, root) -> None:
        read(root, "Anna", {})
        with pytest.raises(InputError, match="--reason: must say why"):
            unlock(root, "sub-01", " ", "Anna")
        unlock(root, "sub-01", "wrong  scan", "Anna")
        open_review(case_of(root), "Anna").set_status(1, "rejected")
        lines = (root / READERS_FILE).read_text().splitlines()
        assert json.loads(lines[-1])["reason"] == "wrong scan"
        assert [json.loads(line)["act"] for line in lines[1:]] == ["assign", "sign", "unlock"]
        with pytest.raises(InputError, match="is not signed by Anna, so that it is open already"):
            unlock(root, "sub-01", "again", "Anna")


class TestAdjudicating:
    def test_readers_who_agree_need_no_adjudicator(self, root) -> None:
        read(root, "Anna", {2: "rejected"})
        assert read_trial(root).stage("sub-01") == READING
        read(root, "Ben", {2: "rejected"})
        assert read_trial(root).stage("sub-01") == TO_COMPARE
        [compared] = adjudicate_cases([case_of(root), case_of(root, "02")]).values()
        assert compared.lesions == ()
        trial = read_trial(root)
        first = trial.assigned["sub-01"][0]
        assert (trial.stage("sub-01"), trial.final_reader("sub-01")) == (FINAL, first)
        assert trial.cases_of("Cleo") == []

    def test_the_adjudicator_decides_what_they_differ_on_without_knowing_who_said_what(self, root):
        stored = case_of(root)
        anna = open_review(stored, "Anna")
        spot = np.zeros(anna.labels.shape, dtype=bool)
        spot[2:4, 2:4, 2:4] = True
        assert not anna.labels[spot].any()
        anna.set_status(anna.add(spot).label, "accepted")
        ben = open_review(stored, "Ben")
        ben.paint(np.flatnonzero(ben.labels == 3)[:2], 0)
        read(root, "Anna", {1: "rejected", 2: "unsure"})
        read(root, "Ben", {2: "unsure"})
        [compared] = adjudicate_cases([stored]).values()
        assert (compared.decided, compared.drawn, compared.added) == ((1,), (3,), (4,))
        assert read_trial(root).stage("sub-01") == TO_ADJUDICATE

        [state] = list_cases(root, "Cleo")
        assert (state.wanted, state.reason, state.others) == ((1, 3, 4), "the readers differ", {})
        cleo = open_review(stored, "Cleo")
        assert {label: cleo.status(label) for label in cleo.lesions} == {
            1: "unreviewed",
            2: "unsure",
            3: "unreviewed",
            4: "unreviewed",
        }
        assert (cleo.labels[spot] == 4).all()
        told = json.dumps([event.to_json() for event in cleo.journal.events])
        assert "Anna" not in told
        assert "Ben" not in told
        assert {event.tool for event in cleo.journal.events} == {FROM_READERS}

        for label, status in {1: "rejected", 3: "accepted", 4: "accepted"}.items():
            cleo.set_status(label, status)
        cleo.set_case_status("completed")
        events = len(cleo.journal.events)
        assert adjudicate_cases([stored]) == {}  # and what is done stays
        assert len(open_review(stored, "Cleo").journal.events) == events
        sign_readings([stored], "Cleo")
        trial = read_trial(root)
        assert (trial.stage("sub-01"), trial.final_reader("sub-01")) == (FINAL, "Cleo")
        write_final(root, [stored, case_of(root, "02")])
        table = read_table(root / FINAL_TABLE, TAB)
        first, second = table.to_dict("records")
        assert (first["reader"], first["adjudicated"], first["lesions"]) == ("Cleo", "yes", 3)
        mask = load_mask(root / first["mask"]).data
        assert mask[spot].all()
        assert not mask[anna.found_labels() == 1].any()
        assert second["stage"] == READING

    def test_an_interrupted_copy_is_finished(self, root, monkeypatch) -> None:
        from fsh_core.review.session import Review

        read(root, "Anna", {1: "rejected"})
        read(root, "Ben", {})
        whole = Review.set_status

        def dying(self, label, status, tool=""):
            if label == 3:
                raise KeyboardInterrupt
            return whole(self, label, status, tool)

        monkeypatch.setattr(Review, "set_status", dying)
        with pytest.raises(KeyboardInterrupt):
            adjudicate_cases([case_of(root)])
        monkeypatch.undo()
        assert adjudicate_cases([case_of(root)]) == {}
        assert read_ledger(case_of(root), "Cleo").status(3) == "accepted"

    def test_what_was_changed_after_it_was_signed_is_found(self, root) -> None:
        review = read(root, "Anna", {})
        read(root, "Ben", {})
        lines = review.path.read_bytes().splitlines(keepends=True)
        review.path.write_bytes(b"".join(lines[:-1]))
        with pytest.raises(InputError, match="is not what Anna signed"):
            adjudicate_cases([case_of(root)])

    def test_a_reading_that_is_opened_takes_along_what_was_made_of_it(self, root) -> None:
        read(root, "Anna", {1: "rejected"})
        read(root, "Ben", {})
        adjudicate_cases([case_of(root)])
        open_review(case_of(root), "Cleo").set_status(1, "rejected")
        open_review(case_of(root), "Cleo").set_case_status("completed")
        sign_readings([case_of(root)], "Cleo")
        unlock(root, "sub-01", "second look", "Ben")
        trial = read_trial(root)
        assert trial.stage("sub-01") == READING
        assert ("sub-01", "Cleo") not in trial.signatures
        assert ("sub-01", "Anna") in trial.signatures


class TestLocking:
    def test_a_locked_case_is_closed_for_everyone(self, root) -> None:
        read(root, "Anna", {})
        with pytest.raises(InputError, match="sub-01: has no final reading yet, it is reading"):
            lock_cases(root, ["sub-01"])
        read(root, "Ben", {})
        adjudicate_cases([case_of(root)])
        assert lock_cases(root, []) == ["sub-01"]
        for reader in ("Anna", "Ben", "Cleo", "Zoe"):
            with pytest.raises(InputError, match=r"sub-01: was locked by .*open to look only"):
                open_review(case_of(root), reader).set_note(0, "more")
        with pytest.raises(InputError, match="was locked by"):
            unlock(root, "sub-01", "why", "Anna")
        with pytest.raises(InputError, match="was locked by"):
            lock_cases(root, ["sub-01"])
        unlock(root, "sub-01", "audit")
        with pytest.raises(InputError, match="is not locked; name the --reader"):
            unlock(root, "sub-01", "audit")
        with pytest.raises(InputError, match="sub-99: is assigned to nobody"):
            unlock(root, "sub-99", "audit")
        assert read_trial(root).stage("sub-01") == FINAL


class TestFile:
    def test_there_is_no_trial(self, make_segmentation, tmp_path) -> None:
        write_segmentation(make_segmentation(), tmp_path)
        assert read_trial(tmp_path) is None
        with pytest.raises(InputError, match=r"readers\.jsonl: not there.*fsh readers assign"):
            trial_of(tmp_path)
        assert not open_review(case_of(tmp_path), "Zoe").is_read_only

    def test_every_event_is_numbered_and_nothing_is_written_over(self, root) -> None:
        texts = [(root / READERS_FILE).read_bytes()]
        for reader in ("Anna", "Ben"):
            read(root, reader, {})
            texts.append((root / READERS_FILE).read_bytes())
        assert all(later.startswith(earlier) for earlier, later in pairwise(texts))
        assert [event.n for event in read_trial(root).events] == [1, 2, 3]

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda text: text[:-1], "its last line has no end"),
            (lambda text: text.replace(b"fsh-readers-1", b"fsh-readers-9"), "its format is not"),
            (lambda text: text.replace(b'"n":1', b'"n":2'), "line 2 must be event 1.*numbered 2"),
            (lambda text: text.replace(b'"assign"', b'"burn"'), "line 2 must be event 1"),
            (lambda text: text.replace(b'"seed":7', b'"seed":"7"'), "assign.seed"),
            (lambda text: b"", "found another file"),
        ],
    )
    def test_a_damaged_file_closes_every_case(self, root, change, words) -> None:
        path = root / READERS_FILE
        path.write_bytes(change(path.read_bytes()))
        with pytest.raises(InputError, match=words):
            read_trial(root)
        with pytest.raises(InputError, match=r"readers\.jsonl"):
            open_review(case_of(root), "Anna")
