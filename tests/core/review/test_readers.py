"""A reader is the exact name: no two share a journal, and any name works."""

import shutil

import pytest

from fsh_core.derivatives import read_segmentation, write_segmentation
from fsh_core.review import (
    list_cases,
    open_review,
    other_readers,
    read_ledger,
    review_paths,
    save_review,
)

NAMES = (
    "Åsa",
    "Ása",
    "J. Smith",
    "JSmith",
    "J Smith",
    "李雷",
    "韩梅梅",
    "..",
    "a/b",
    "*",
    "x" * 300,
    "anna",
    "Anna",
)


@pytest.fixture
def stored(make_segmentation, tmp_path):
    return read_segmentation(write_segmentation(make_segmentation(), tmp_path / "out")["record"])


@pytest.mark.parametrize("order", [NAMES, NAMES[::-1]], ids=["forwards", "backwards"])
def test_every_name_has_a_journal_and_files_of_its_own(stored, tmp_path, order) -> None:
    for number, name in enumerate(order):
        review = open_review(stored, name)
        assert review.journal.events == []
        review.set_note(1, f"note {number}")
        save_review(review, stored)
    for number, name in enumerate(order):
        assert open_review(stored, name).note(1) == f"note {number}"
        assert read_ledger(stored, name).note(1) == f"note {number}"
        assert other_readers(stored, name) == sorted(set(order) - {name})
    assert (
        len({review_paths(stored, name)["mask"].name.lower() for name in order}) >= len(order) - 1
    )
    [state] = list_cases(tmp_path / "out", "Zoe")
    assert set(state.others) == set(order)


def test_a_letter_in_two_pieces_is_the_same_letter(stored) -> None:
    open_review(stored, "A\u030asa").set_note(1, "mine")
    assert open_review(stored, " \u00c5sa ").note(1) == "mine"


def test_a_journal_of_an_earlier_version_is_found_by_the_name_in_it(stored) -> None:
    review = open_review(stored, "J. Smith")
    review.set_note(1, "before")
    early = review.journal.path.with_name("sub-01_desc-JSmith_review.jsonl")
    shutil.move(review.journal.path, early)
    assert open_review(stored, "J. Smith").note(1) == "before"
    assert review_paths(stored, "J. Smith")["mask"].name.endswith("desc-reviewedJSmith_mask.nii.gz")
    other = open_review(stored, "JSmith")
    assert other.journal.events == []
    other.set_note(1, "another")
    assert open_review(stored, "J. Smith").note(1) == "before"
    assert open_review(stored, "JSmith").note(1) == "another"
    assert other_readers(stored, "JSmith") == ["J. Smith"]
