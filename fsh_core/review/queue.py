"""The review queue: which cases or lesions to look at, in which order, and why.

One file in the derivatives folder. Whoever chooses writes it; the viewer opens what it
names, in that order. It holds no decision: those are in the journals.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from fsh_core.errors import InputError
from fsh_core.files import write_atomically

FORMAT = "fsh-queue-1"
QUEUE_FILE = "review_queue.json"


@dataclass(frozen=True)
class QueueItem:
    """One case to look at.

    Attributes
    ----------
    case : str
        Its name, such as ``sub-01``.
    record : str
        Its record, relative to the derivatives folder, with ``/``.
    lesions : tuple of int
        Labels to look at, in this order; empty = the whole case.
    reason : str
        Why, for people.
    """

    case: str
    record: str
    lesions: tuple[int, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class Queue:
    """What to review, first things first.

    Attributes
    ----------
    name : str
        For people.
    created : str
        When (ISO 8601, UTC).
    rule : str
        How the items were chosen, for people.
    items : tuple of QueueItem
        In the order in which they are to be opened.
    """

    name: str
    created: str
    rule: str
    items: tuple[QueueItem, ...]


def save_queue(root: Path, queue: Queue) -> Path:
    """Write the queue of a derivatives folder, in place of the one before.

    Parameters
    ----------
    root : Path
        The derivatives folder.
    queue : Queue
        What to write.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        If an item leads out of the folder, or the file cannot be written.
    """
    path = root / QUEUE_FILE
    for item in queue.items:
        _check(item, path)
    write_atomically(
        path, json.dumps({"format": FORMAT, **asdict(queue)}, indent=2, ensure_ascii=False) + "\n"
    )
    return path


def load_queue(root: Path) -> Queue | None:
    """Read the queue of a derivatives folder.

    Parameters
    ----------
    root : Path
        The derivatives folder.

    Returns
    -------
    Queue or None
        None when there is none.

    Raises
    ------
    InputError
        If the file is no queue, or names a record outside the folder.
    """
    path = root / QUEUE_FILE
    try:
        content = json.loads(path.read_bytes())
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise ValueError(f"its format is not {FORMAT}")
        items = tuple(_item(entry) for entry in content["items"])
        queue = Queue(
            _text(content, "name"), _text(content, "created"), _text(content, "rule"), items
        )
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or error}); check its permissions"
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        reason = f"{error.args[0]} is missing" if isinstance(error, KeyError) else error
        raise InputError(
            f"{path}: expected a review queue of F.sh, found another file ({reason}); make it again"
        ) from None
    for item in queue.items:
        _check(item, path)
    return queue


def _item(entry: Any) -> QueueItem:
    if not isinstance(entry, dict):
        raise ValueError(f"an item must be an object, got {entry!r:.60}")
    lesions = entry.get("lesions", [])
    if not isinstance(lesions, list) or not all(
        type(label) is int and label > 0 for label in lesions
    ):
        raise ValueError(f"lesions must be a list of labels above 0, got {lesions!r:.60}")
    reason = _text(entry, "reason") if "reason" in entry else ""
    return QueueItem(_text(entry, "case"), _text(entry, "record"), tuple(lesions), reason)


def _text(entry: dict[str, Any], key: str) -> str:
    value = entry[key]
    if not isinstance(value, str):
        raise ValueError(f"{key} must be a text, got {value!r:.60}")
    return value


def _check(item: QueueItem, path: Path) -> None:
    """Refuse a record outside the folder: a queue may come from somebody else."""
    parts = PurePosixPath(item.record)
    if (
        not item.record
        or parts.is_absolute()
        or ".." in parts.parts
        or "\\" in item.record
        or ":" in parts.parts[0]
    ):
        raise InputError(
            f"{path}: the record of {item.case} must be a path inside the folder, got {item.record!r:.120}; "
            "make the queue again"
        )
