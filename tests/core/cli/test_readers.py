"""``fsh readers``: a trial of two readers and an adjudicator, by the command line alone."""

from pathlib import Path

import pytest

from fsh_core.cli import main
from fsh_core.derivatives import find_records, write_segmentation
from fsh_core.review import open_review
from fsh_core.review.trial.file import read_trial
from fsh_core.tables import TAB, read_table


@pytest.fixture
def root(make_segmentation, tmp_path: Path) -> Path:
    for subject in ("01", "02"):
        write_segmentation(make_segmentation(subject), tmp_path / "out")
    return tmp_path / "out"


def read(record: Path, reader: str, status: str) -> None:
    """Read a case to its end, going on where it was begun."""
    review = open_review(record, reader)
    for label in review.lesions:
        if review.status(label) == "unreviewed":
            review.set_status(label, status)
    review.set_case_status("completed")


def fsh(capsys, *words: object) -> str:
    assert main(["readers", *map(str, words)]) == 0
    return capsys.readouterr().out


def test_from_the_first_case_to_the_last_lock(root, capsys) -> None:
    names = ("--reader", "Anna", "--reader", "Ben", "--per-case", 2, "--seed", 7)
    said = fsh(capsys, "assign", root, *names, "--adjudicator", "Cleo")
    assert said == "Anna: 2 cases\nBen: 2 cases\n"
    first, second = find_records(root)
    for reader, statuses in (("Anna", ("accepted", "accepted")), ("Ben", ("accepted", "rejected"))):
        for record, status in zip((first, second), statuses, strict=True):
            read(record, reader, status)
        assert fsh(capsys, "sign", root, "--reader", reader) == "signed: sub-01, sub-02\n"
    assert fsh(capsys, "sign", root, "--reader", "Ben") == "signed: nothing\n"
    said = fsh(capsys, "adjudicate", root)
    assert said == "sub-01: the readers agree\nsub-02: 3 lesions to adjudicate\n"
    assert fsh(capsys, "adjudicate", root) == "nothing new to compare\n"
    assert "1 to adjudicate, 1 final; 0 locked" in fsh(capsys, "status", root)
    read(second, "Cleo", "rejected")
    fsh(capsys, "sign", root, "sub-02", "--reader", "Cleo")
    assert "2 of 2 cases have a final reading" in fsh(capsys, "final", root)
    table = read_table(root / "final.tsv", TAB).set_index("case")
    assert list(table["adjudicated"]) == ["no", "yes"]
    assert list(table["lesions"]) == [3, 0]
    assert all((root / mask).is_file() for mask in table["mask"])
    assert fsh(capsys, "lock", root) == "locked: sub-01, sub-02\n"
    said = fsh(capsys, "unlock", root, "sub-02", "--reason", "audit")
    assert said == "sub-02: open again\n"
    assert list(read_trial(root).locks) == ["sub-01"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("status",), "readers.jsonl: not there, so that nobody has a case here"),
        (("sign", "sub-09", "--reader", "Anna"), "sub-09: no such case in"),
        (("assign", "--reader", "Anna", "--per-case", "2"), "--per-case: must be from 1 to"),
        (("lock",), "begin with fsh readers assign"),
        (("final",), "begin with fsh readers assign"),
        (("adjudicate",), "begin with fsh readers assign"),
        (("unlock", "sub-01", "--reason", "x"), "begin with fsh readers assign"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(root, capsys, words, sentence) -> None:
    command, *more = words
    assert main(["readers", command, str(root), *more]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert sentence in line
    assert not (root / "readers.jsonl").exists()


def test_an_empty_folder_says_what_to_do(tmp_path, capsys) -> None:
    assert main(["readers", "assign", str(tmp_path), "--reader", "Anna"]) == 2
    assert "found no case; segment into this folder first" in capsys.readouterr().err
