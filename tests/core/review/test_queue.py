"""The review queue: what is written comes back, and nothing else is taken for one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from fsh_core.errors import InputError
from fsh_core.review.queue import (
    QUEUE_FILE,
    Queue,
    QueueItem,
    change_queue,
    load_queue,
    save_queue,
)

ITEM = QueueItem("sub-01", "sub-01/anat/sub-01_seg-lesions_dseg.json", (3, 1), "uncertain")
QUEUE = Queue("first look", "2026-01-01T00:00:00+00:00", "uncertain lesions", (ITEM,))

names = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
records = st.lists(st.from_regex(r"[a-z0-9_-]{1,8}", fullmatch=True), min_size=1, max_size=4).map(
    "/".join
)
items = st.builds(
    QueueItem, names, records, st.lists(st.integers(1, 999), max_size=5).map(tuple), names
)


def changed(tmp_path: Path, **fields: object) -> Path:
    """A queue file with some fields replaced."""
    path = save_queue(tmp_path, QUEUE)
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))
    return tmp_path


@given(st.builds(Queue, names, names, names, st.lists(items, max_size=4).map(tuple)))
def test_what_is_saved_is_loaded(tmp_path_factory: pytest.TempPathFactory, queue: Queue) -> None:
    root = tmp_path_factory.mktemp("derivatives")
    save_queue(root, queue)
    assert load_queue(root) == queue


def test_it_lies_in_the_derivatives_folder(tmp_path: Path) -> None:
    assert save_queue(tmp_path, QUEUE) == tmp_path / QUEUE_FILE
    assert [path.name for path in tmp_path.iterdir()] == [QUEUE_FILE]


def test_no_file_is_no_queue(tmp_path: Path) -> None:
    assert load_queue(tmp_path) is None


def test_a_later_queue_replaces_the_one_before(tmp_path: Path) -> None:
    save_queue(tmp_path, QUEUE)
    later = Queue("second", QUEUE.created, "all", ())
    save_queue(tmp_path, later)
    assert load_queue(tmp_path) == later


def test_lesions_and_reason_may_be_left_out(tmp_path: Path) -> None:
    root = changed(tmp_path, items=[{"case": "sub-01", "record": "sub-01/record.json"}])
    assert load_queue(root) == Queue(
        QUEUE.name, QUEUE.created, QUEUE.rule, (QueueItem("sub-01", "sub-01/record.json"),)
    )


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"format": "other"}, "its format is not fsh-queue-1"),
        ({"items": [{"case": "sub-01"}]}, "record is missing"),
        ({"items": [{"case": 1, "record": "a"}]}, r"items\.0\.case: .*valid string, got 1"),
        (
            {"items": [{"case": "a", "record": "a", "lesions": [0]}]},
            r"items\.0\.lesions\.0: .*greater than or equal to 1, got 0",
        ),
        (
            {"items": [{"case": "a", "record": "a", "lesions": [True]}]},
            r"items\.0\.lesions\.0: .*valid integer, got True",
        ),
        ({"items": 3}, "items: .*got 3"),
        ({"items": ["sub-01"]}, r"items\.0: .* got 'sub-01'"),
        ({"rule": None}, "rule: .*valid string, got None"),
    ],
)
def test_a_broken_queue_is_named(tmp_path: Path, fields: dict[str, object], reason: str) -> None:
    with pytest.raises(InputError, match=rf"{QUEUE_FILE}: expected a review queue.*{reason}"):
        load_queue(changed(tmp_path, **fields))


@pytest.mark.parametrize("text", ["", "{", "[]", "\x00", "NaN", "[" * 100_000])
def test_what_is_no_json_object_is_no_queue(tmp_path: Path, text: str) -> None:
    (tmp_path / QUEUE_FILE).write_text(text)
    with pytest.raises(InputError, match=r"expected a review queue of F\.sh"):
        load_queue(tmp_path)


@pytest.mark.parametrize(
    "record", ["../other/record.json", "/etc/hosts", "a/../../b", "", ".", "C:/scans/a", "a\\b"]
)
def test_a_record_outside_the_folder_is_refused(tmp_path: Path, record: str) -> None:
    item = {"case": "sub-01", "record": record}
    with pytest.raises(InputError, match="the record of sub-01 must be a path inside the folder"):
        load_queue(changed(tmp_path, items=[item]))
    with pytest.raises(InputError, match="must be a path inside the folder"):
        save_queue(tmp_path, Queue("q", "", "", (QueueItem("sub-01", record),)))


def test_a_queue_of_the_version_before_still_opens(tmp_path: Path) -> None:
    old = Path(__file__).parents[1] / "data" / "written_by_0_1" / "fsh"
    record = "sub-01/ses-a/anat/sub-01_ses-a_seg-lesions_dseg.json"
    queue = Queue(
        "first look",
        "2026-01-01T00:00:00+00:00",
        "uncertain lesions",
        (
            QueueItem("sub-01_ses-a", record, (2, 1), "uncertain"),
            QueueItem("sub-01_ses-a", record),
        ),
    )
    assert load_queue(old) == queue
    save_queue(tmp_path, queue)
    assert (tmp_path / QUEUE_FILE).read_bytes() == (old / QUEUE_FILE).read_bytes()


def test_a_queue_in_memory_is_checked_too() -> None:
    with pytest.raises(ValidationError, match="valid string"):
        QueueItem(3, "a")  # type: ignore[arg-type]


_ADD_TWENTY = """
import sys
from dataclasses import replace
from pathlib import Path
from fsh_core.review import Queue, QueueItem, change_queue

def add(there):
    queue = there or Queue("q", "", "", ())
    return replace(queue, items=(*queue.items, QueueItem(f"sub-{len(queue.items)}", "a/b.json")))

for _ in range(20):
    change_queue(Path(sys.argv[1]), add)
"""


def test_two_processes_add_without_losing_an_item(tmp_path: Path) -> None:
    both = [subprocess.Popen([sys.executable, "-c", _ADD_TWENTY, str(tmp_path)]) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    queue = load_queue(tmp_path)
    assert queue is not None
    assert [item.case for item in queue.items] == [f"sub-{number}" for number in range(40)]


def test_a_change_that_fails_leaves_the_queue_as_it_is(tmp_path: Path) -> None:
    save_queue(tmp_path, QUEUE)

    def fails(there: Queue | None) -> Queue:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        change_queue(tmp_path, fails)
    assert load_queue(tmp_path) == QUEUE
    assert [path.name for path in tmp_path.iterdir()] == [QUEUE_FILE]
