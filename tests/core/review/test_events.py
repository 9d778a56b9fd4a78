"""Events on disk: old ones open, what is no event of this version refuses the review."""

import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from fsh_core.derivatives import read_segmentation
from fsh_core.errors import InputError
from fsh_core.review import ReviewEvent, open_review, read_ledger
from fsh_core.review.events import KINDS, from_runs

OLD = Path(__file__).parents[1] / "data" / "written_by_0_1" / "fsh"
RECORD = "sub-01/ses-a/anat/sub-01_ses-a_seg-lesions_dseg.json"
JOURNAL = "sub-01/ses-a/anat/sub-01_ses-a_desc-AnnaB_review.jsonl"
READER = "Anna B."


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the derivatives that the version before wrote."""
    shutil.copytree(OLD, tmp_path / "fsh")
    return tmp_path / "fsh"


def lines_of(folder: Path) -> list[bytes]:
    return (folder / JOURNAL).read_bytes().splitlines()


def refused(folder: Path, lines: list[bytes]) -> str:
    """Return the sentence that refuses a journal of these lines, by both ways of opening."""
    (folder / JOURNAL).write_bytes(b"\n".join(lines) + b"\n")
    with pytest.raises(InputError) as caught:
        open_review(folder / RECORD, READER)
    with pytest.raises(InputError, match=r"."):
        read_ledger(read_segmentation(folder / RECORD), READER)
    sentence = str(caught.value)
    assert sentence.startswith(f"{folder / JOURNAL}: ")
    assert "\n" not in sentence
    assert len(sentence) < 600
    return sentence


def test_the_tool_of_a_stroke_is_kept_and_older_strokes_have_none() -> None:
    event = ReviewEvent("paint", 1, number=1, reader=READER, time="now", tool="grow")
    line = event.to_json()
    assert line["tool"] == "grow"
    assert ReviewEvent.from_json(line) == event
    del line["tool"]
    assert ReviewEvent.from_json(line).tool == ""
    assert "tool" not in ReviewEvent.from_json(line).to_json()


def test_an_old_review_opens_with_every_kind_of_event_and_the_same_mask() -> None:
    review = open_review(OLD / RECORD, READER)
    assert {event.kind for event in review.journal.events} == set(KINDS)
    assert len(review.journal.events) == 16
    # As the version before had them after the same events.
    digest = hashlib.sha256(review.labels.astype("<i4").tobytes()).hexdigest()
    assert digest == "889b41e627cfed44e297ef5b03735f796cb5a2cf9bc3e350b18d3d4e3fcf59b2"
    assert int(review.prediction.sum()) == 49
    assert review.lesions == [1, 2, 4]
    statuses = {label: review.status(label) for label in review.lesions}
    assert statuses == {1: "accepted", 2: "rejected", 4: "unsure"}
    assert review.note(1) == "sicher, größer als gezeichnet"
    assert (review.note(0), review.case_status) == ("done", "completed")
    assert review.others_seen == "after completion"


def test_an_old_journal_is_written_back_byte_for_byte() -> None:
    journal = open_review(OLD / RECORD, READER).journal
    written = [
        json.dumps(event.to_json(), ensure_ascii=False, separators=(",", ":")).encode()
        for event in journal.events
    ]
    assert written == lines_of(OLD)[1:]


@pytest.mark.parametrize("kind", ["merge", "Paint", "", "x" * 1000])
def test_an_unknown_kind_refuses_the_review(folder: Path, kind: str) -> None:
    lines = lines_of(folder)
    lines[6] = json.dumps(json.loads(lines[6]) | {"act": kind}).encode()
    sentence = refused(folder, lines)
    assert f"line 7 is an event of the kind {kind!r:.60}" in sentence
    assert "which this version of F.sh does not know (it knows paint, split," in sentence
    assert sentence.endswith("open the review with the version that wrote it, or a newer one")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"act": 3}, "act: "),
        ({"act": None}, "act: "),
        ({"lesion": "1"}, "lesion: .* got '1'"),
        ({"lesion": -1}, "lesion: "),
        ({"lesion": True}, "lesion: "),
        ({"lesion": 1.0}, "lesion: "),
        ({"n": "6"}, "n: "),
        ({"n": 7}, "it is numbered 7"),
        ({"reader": ["Anna"]}, "reader: "),
        ({"time": None}, "time: "),
        ({"of": {}}, "of: "),
        ({"voxels": {}}, "voxels: "),
        ({"voxels": [[1, 0, [3, 1]]]}, r"voxels\.0: "),
        ({"voxels": [{"from": 1, "to": 0}]}, r"voxels\.0\.runs is missing"),
        ({"voxels": [{"from": 1, "to": 0, "runs": ["3", 1]}]}, r"voxels\.0\.runs\.0: "),
        ({"voxels": [{"from": 1, "to": 0, "runs": [3]}]}, "runs must be pairs"),
        ({"voxels": [{"from": 1, "to": 0, "runs": [3, 0]}]}, "runs must be pairs"),
        ({"voxels": [{"from": 1, "to": 0, "runs": [9, 2, 3, 2]}]}, "ascending"),
        ({"voxels": [{"from": 1, "to": 0, "runs": [0, 10**15]}]}, "within 53760 voxels"),
        ({"voxels": [{"from": 1, "to": 0, "runs": [10**40, 1]}]}, "within 53760 voxels"),
        ({"voxels": [{"from": 1, "to": 0, "runs": [53759, 2]}]}, "within 53760 voxels"),
        ({"marks": [[1, "status", "accepted"]]}, r"marks\.0: it must be a list of label"),
        ({"marks": [{"label": 1}]}, r"marks\.0: it must be a list of label"),
        ({"marks": [[1, "colour", "", "red"]]}, r"marks\.0\.field: "),
        ({"marks": [[1, "status", "unreviewed", "perhaps"]]}, r"marks\.0: a status must be one"),
        ({"marks": [[0, "case", "", "lost"]]}, r"marks\.0: a case must be one of not started"),
        ({"marks": [[1, "note", "", 5]]}, r"marks\.0\.after: "),
    ],
)
def test_a_wrong_event_is_one_sentence(folder: Path, changes: dict[str, Any], reason: str) -> None:
    lines = lines_of(folder)
    lines[6] = json.dumps(json.loads(lines[6]) | changes).encode()
    sentence = refused(folder, lines)
    assert "line 7 must be event 6 of the review, cannot be read (" in sentence
    assert sentence.endswith("restore the file from a backup")
    assert re.search(reason, sentence), sentence


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 100_000 + b"]" * 100_000,
        b'{"n":6,"time":NaN,"reader":"A","act":"visit"}',
        b"\xff\xfe{\x00}\x00",
        '{"n":6,"time":"","reader":"Jérôme","act":"visit"}'.encode("latin-1"),
        b'{"n":6,"time":"","reader":"\\ud800","act":"visit"}',
        b"9" * 10_000,
        b"[]",
        b"null",
        b"{}",
    ],
    ids=["deep", "nan", "utf-16", "latin-1", "surrogate", "huge", "list", "null", "empty"],
)
def test_what_is_no_event_is_one_sentence(folder: Path, line: bytes) -> None:
    lines = lines_of(folder)
    lines[6] = line
    assert "line 7 must be event 6 of the review, cannot be read (" in refused(folder, lines)


@pytest.mark.parametrize(
    "header",
    [b"[" * 100_000, b"[]", b"null", b'{"format":"fsh-review-2"}', b"\xff", b'{"format":NaN}'],
)
def test_another_first_line_is_one_sentence(folder: Path, header: bytes) -> None:
    sentence = refused(folder, [header, *lines_of(folder)[1:]])
    assert "expected a review of F.sh, its first line is something else" in sentence


def test_runs_beyond_any_scan_are_refused_before_memory_is_asked_for() -> None:
    with pytest.raises(ValueError, match="runs must be pairs of start and length within"):
        from_runs([0, 10**12])


def test_what_is_no_object_is_no_event() -> None:
    with pytest.raises(ValueError, match="valid dictionary"):
        ReviewEvent.from_json([1, 2])
