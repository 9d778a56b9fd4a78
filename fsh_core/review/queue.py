"""The review queue: which cases or lesions to look at, in which order, and why.

One file in the derivatives folder. Whoever chooses writes it; the viewer opens what it
names, in that order. It holds no decision: those are in the journals.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from fsh_core.errors import InputError
from fsh_core.file_names import QUEUE_FILE
from fsh_core.files import write_atomically
from fsh_core.locks import one_writer
from fsh_core.review.trial.file import read_trial
from fsh_core.strict_json import first_problem, parse_json

FORMAT = "fsh-queue-1"


_STRICT = ConfigDict(strict=True)
_Label = Annotated[int, Field(ge=1)]


@dataclass(frozen=True, config=_STRICT)
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
    lesions: Annotated[tuple[_Label, ...], Field(strict=False)] = ()
    reason: str = ""


@dataclass(frozen=True, config=_STRICT)
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
    items: Annotated[tuple[QueueItem, ...], Field(strict=False)]


_QUEUES = TypeAdapter(Queue)


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


def change_queue(root: Path, change: Callable[[Queue | None], Queue]) -> tuple[Queue, Path]:
    """Read the queue, change it and write it, with nobody else writing in between.

    Parameters
    ----------
    root : Path
        The derivatives folder.
    change : callable
        Given the queue that is there (None when there is none), returns the one to write.

    Returns
    -------
    queue : Queue
        As it is now.
    path : Path
        The file.

    Raises
    ------
    InputError
        If the queue that is there is broken, cannot be written, or would get a case that is
        locked; it then stays as it is.
    """
    with one_writer(root, "queue"):
        before = load_queue(root)
        queue = change(before)
        _check_locks(root, queue, before)
        return queue, save_queue(root, queue)


def _check_locks(root: Path, queue: Queue, before: Queue | None) -> None:
    """Refuse to queue a case that is locked, in a reading trial."""
    known = {item.case for item in before.items} if before else set()
    trial = read_trial(root)
    for item in queue.items:
        if trial and item.case in trial.locks and item.case not in known:
            raise InputError(trial.why_closed(item.case, ""))


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
        payload = path.read_bytes()
        content = parse_json(payload)
        written = content.get("format") if isinstance(content, dict) else None
        if written != FORMAT:
            raise ValueError(f"its format is not {FORMAT}")
        # From JSON and not from `content`: a list is a tuple there, and an object an item.
        queue = _QUEUES.validate_json(payload)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or error}); check its permissions"
        ) from None
    except ValidationError as error:
        raise _no_queue(path, first_problem(error)) from None
    except ValueError as error:
        raise _no_queue(path, str(error)) from None
    for item in queue.items:
        _check(item, path)
    return queue


def _no_queue(path: Path, reason: str) -> InputError:
    return InputError(
        f"{path}: expected a review queue of F.sh, found another file ({reason}); make it again"
    )


def _check(item: QueueItem, path: Path) -> None:
    """Refuse a record outside the folder: a queue may come from somebody else."""
    parts = PurePosixPath(item.record)
    if (
        not parts.parts
        or parts.is_absolute()
        or ".." in parts.parts
        or "\\" in item.record  # a separator on Windows
        or ":" in parts.parts[0]  # a drive on Windows
    ):
        raise InputError(
            f"{path}: the record of {item.case} must be a path inside the folder, "
            f"got {item.record!r:.120}; make the queue again"
        )
