"""Progress of a cohort, and agreement of two readers, without breaking their blinding."""

import math
import shutil

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsh_core.derivatives import read_segmentation, write_segmentation
from fsh_core.errors import InputError
from fsh_core.review import (
    CaseState,
    Queue,
    QueueItem,
    compare_readers,
    list_cases,
    open_review,
    other_readers,
    read_ledger,
    save_review,
)
from fsh_core.review.reader_agreement import cohens_kappa


@pytest.fixture
def root(make_segmentation, tmp_path):
    """Three cases of three lesions each."""
    for subject, session in (("01", None), ("02", "a"), ("02", "b")):
        write_segmentation(make_segmentation(subject, session), tmp_path / "out")
    return tmp_path / "out"


@pytest.fixture
def stored(root):
    return read_segmentation(root / "sub-01" / "anat" / "sub-01_seg-lesions_dseg.json")


def states(root, reader="Anna", queue=None):
    return {state.case: state for state in list_cases(root, reader, queue)}


class TestCohort:
    def test_every_case_with_how_far_it_is(self, root):
        anna = open_review(root / "sub-01" / "anat" / "sub-01_seg-lesions_dseg.json", "Anna")
        anna.set_status(1, "accepted")
        anna.set_status(2, "rejected")
        anna.delete(3)
        ben = open_review(
            root / "sub-02" / "ses-a" / "anat" / "sub-02_ses-a_seg-lesions_dseg.json", "Ben"
        )
        ben.set_case_status("flagged")
        found = states(root)
        assert list(found) == ["sub-01", "sub-02_ses-a", "sub-02_ses-b"]
        assert [(one.status, one.decided, one.lesions) for one in found.values()] == [
            ("in progress", 2, 2),
            ("not started", 0, 3),
            ("not started", 0, 3),
        ]
        assert [dict(one.others) for one in found.values()] == [{}, {"Ben": "flagged"}, {}]
        assert states(root, "Ben")["sub-02_ses-a"].status == "flagged"

    def test_the_queue_says_which_cases_which_lesions_and_in_which_order(self, root):
        records = {
            name: str(state.record.relative_to(root)) for name, state in states(root).items()
        }
        items = (
            QueueItem("sub-02_ses-b", records["sub-02_ses-b"], (3, 1), "unsure of them"),
            QueueItem("sub-01", records["sub-01"]),
        )
        found = list_cases(root, "Anna", Queue("q", "", "", items))
        assert [(one.case, one.wanted, one.lesions, one.reason) for one in found] == [
            ("sub-02_ses-b", (3, 1), 2, "unsure of them"),
            ("sub-01", (), 3, ""),
        ]

    def test_a_case_that_cannot_be_used_is_named_and_the_others_listed(self, root):
        next(root.glob("sub-01/anat/*_probseg.nii.gz")).unlink()
        found = states(root)
        assert "probseg.nii.gz: named by the record" in found["sub-01"].problem
        assert found["sub-02_ses-a"].problem == ""

    def test_a_journal_of_other_lesions_is_named(self, root):
        record = next(root.glob("sub-01/anat/*_dseg.json"))
        open_review(record, "Anna").set_status(1, "accepted")
        other = next(root.glob("sub-02/ses-a/anat/*_dseg.nii.gz"))
        labels = read_segmentation(record).paths["labels"]
        shutil.copy(other, labels)
        labels.write_bytes(labels.read_bytes()[:-8] + b"\0" * 8)  # same voxels or not: another file
        assert "is the review of other lesions" in states(root)["sub-01"].problem

    def test_no_folder(self, tmp_path):
        with pytest.raises(InputError, match="nowhere: no such folder"):
            list_cases(tmp_path / "nowhere", "Anna")

    def test_no_cases(self, tmp_path):
        assert list_cases(tmp_path, "Anna") == []

    def test_a_queue_of_a_case_that_is_gone(self, tmp_path):
        [state] = list_cases(
            tmp_path, "Anna", Queue("q", "", "", (QueueItem("sub-09", "sub-09_seg-x.json"),))
        )
        assert isinstance(state, CaseState)
        assert "no such record" in state.problem


def test_the_state_says_what_a_review_says(stored):
    review = open_review(stored, "Anna")
    review.split(1)
    review.join(2, 3)
    review.set_status(2, "unsure")
    review.delete(4)
    review.undo()
    review.set_note(1, "old")
    review.set_case_status("completed")
    state = read_ledger(stored, "Anna")
    for name in ("lesions", "case_status", "next_label", "last_label", "decided", "events"):
        assert getattr(state, name) == getattr(review, name), name
    for label in state.lesions:
        for name in ("voxels", "status", "note"):
            assert getattr(state, name)(label) == getattr(review, name)(label)


class TestReaders:
    def test_only_the_others_that_began(self, stored):
        assert other_readers(stored, "Anna B.") == []
        for reader in ("Anna B.", "Ben", "Zoe"):
            open_review(stored, reader).set_status(1, "accepted")
        save_review(open_review(stored, "Ben"), stored)
        assert other_readers(stored, "Anna B.") == ["Ben", "Zoe"]

    def test_seeing_the_others_is_kept_and_when(self, stored):
        review = open_review(stored, "Anna")
        assert review.others_seen == "never"
        for label in (1, 2, 3):
            review.set_status(label, "accepted")
        review.set_case_status("completed")
        review.reveal()
        assert review.reveal() is None
        again = open_review(stored, "Anna")
        assert again.others_seen == "after completion"
        assert again.undo().kind == "case"  # looking cannot be undone

    def test_a_completed_case_with_open_lesions_is_seen_too_early(self, stored):
        review = open_review(stored, "Anna")
        review.set_status(1, "accepted")
        review.set_case_status("completed")
        assert not review.is_final
        assert not read_ledger(stored, "Anna").is_final
        review.reveal()
        assert review.others_seen == "before completion"
        for label in (2, 3):
            review.set_status(label, "accepted")
        review.set_case_status("completed")
        assert open_review(stored, "Anna").others_seen == "before completion"

    def test_seeing_them_too_early_is_kept_for_good(self, stored):
        import json

        review = open_review(stored, "Anna")
        review.reveal()
        review.set_case_status("completed")
        record = json.loads(save_review(review, stored)["record"].read_text())
        assert record["review"]["others_seen"] == "before completion"

    def test_what_is_decided_after_seeing_them_is_marked_for_good_and_not_compared(self, stored):
        import json

        first, second = open_review(stored, "Anna"), open_review(stored, "Ben")
        for label in (1, 2, 3):
            first.set_status(label, "accepted")
        second.set_status(1, "accepted")
        second.set_note(3, "looked at")
        second.reveal()
        second.set_status(2, "accepted")
        second.delete(3)
        for _ in range(2):
            second.undo()
        assert second.decided_after_reveal == {2, 3}
        second.set_status(2, "accepted")
        again = open_review(stored, "Ben")
        assert again.decided_after_reveal == {2, 3}
        assert read_ledger(stored, "Ben").decided_after_reveal == {2, 3}
        found = compare_readers(first, again)
        assert (found.compared, found.alike, found.not_blinded) == (1, 1, (2,))
        paths = save_review(again, stored)
        record = json.loads(paths["record"].read_text())
        assert record["review"]["decided_after_reveal"] == [2, 3]
        table = pd.read_csv(paths["table"], sep="\t")
        assert table["decided_after_reveal"].tolist() == [False, True, True]

    def test_agreement(self, stored):
        first, second = open_review(stored, "Anna"), open_review(stored, "Ben")
        for label, (one, two) in enumerate(
            [("accepted", "accepted"), ("accepted", "rejected"), ("rejected", "rejected")], start=1
        ):
            first.set_status(label, one)
            second.set_status(label, two)
        found = compare_readers(first, second)
        assert (found.readers, found.compared, found.alike, found.differing) == (
            ("Anna", "Ben"),
            3,
            2,
            (2,),
        )
        assert found.kappa == pytest.approx((2 / 3 - 4 / 9) / (1 - 4 / 9))
        assert found.dice == pytest.approx(2 * 72 / (72 + 104))  # 72 and 32 voxels against 72
        assert found.lesion_f1 == pytest.approx(2 / 3)

    def test_deleting_is_rejecting_and_undecided_is_not_compared(self, stored):
        first, second = open_review(stored, "Anna"), open_review(stored, "Ben")
        first.delete(3)
        second.set_status(3, "rejected")
        first.set_status(1, "accepted")
        found = compare_readers(first, second)
        assert (found.compared, found.alike) == (1, 1)
        assert math.isnan(found.kappa)

    def test_both_kept_nothing(self, stored):
        first, second = open_review(stored, "Anna"), open_review(stored, "Ben")
        for review in (first, second):
            for label in (1, 2, 3):
                review.delete(label)
        assert compare_readers(first, second).dice == 1

    def test_other_lesions_are_not_compared(self, root, stored):
        other = next(root.glob("sub-02/ses-a/anat/*_dseg.json"))
        with pytest.raises(InputError, match="is a review of other lesions"):
            compare_readers(open_review(stored, "Anna"), open_review(other, "Ben"))


ANSWERS = st.lists(
    st.tuples(*[st.sampled_from(["accepted", "rejected", "unsure"])] * 2), max_size=12
)


@given(ANSWERS)
def test_kappa_asks_nobody_first_and_is_one_where_all_agree(pairs) -> None:
    kappa = cohens_kappa(pairs)
    np.testing.assert_allclose(cohens_kappa([(two, one) for one, two in pairs]), kappa)
    if not math.isnan(kappa):
        assert kappa <= 1
        assert (kappa == pytest.approx(1)) == all(one == two for one, two in pairs)


def test_kappa_by_hand() -> None:
    pairs = [("a", "a")] * 20 + [("a", "b")] * 5 + [("b", "a")] * 10 + [("b", "b")] * 15
    assert cohens_kappa(pairs) == pytest.approx(0.4)


def test_what_the_segmentation_knew_stays_in_the_reviewed_table(
    make_segmentation, tmp_path
) -> None:
    from dataclasses import replace

    found = make_segmentation()
    lesions = found.lesions.assign(
        region=["periventricular", "deep", "deep"], uncertainty=[0.1, 0.2, np.nan]
    )
    stored = read_segmentation(
        write_segmentation(replace(found, lesions=lesions), tmp_path / "out")["record"]
    )
    review = open_review(stored, "Anna")
    review.split(1)
    table = pd.read_csv(
        save_review(review, stored)["table"], sep="\t", na_values=["n/a"], keep_default_na=False
    )
    assert table["region"].tolist()[:3] == ["periventricular", "deep", "deep"]
    assert table["region"].isna().tolist() == [
        False,
        False,
        False,
        True,
    ]  # the reader made the last one
    # Half of the first is gone: it lies where it lay, and is not what the network was unsure of.
    assert table["uncertainty"].isna().tolist() == [True, False, True, True]
    assert table["uncertainty"][1] == 0.2
