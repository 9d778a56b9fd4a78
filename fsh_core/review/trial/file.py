"""The file of a reading trial: read as a whole, and added to by one process at a time."""

import getpass
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from fsh_core.errors import InputError
from fsh_core.file_names import READERS_FILE
from fsh_core.files import write_atomically
from fsh_core.locks import clear_after_killed, one_writer
from fsh_core.review.trial.events import FORMAT, Event, event_from_json
from fsh_core.review.trial.state import Trial
from fsh_core.strict_json import parse_json

# The state of each file that was read last: every event of a review asks for it.
_known: dict[Path, tuple[tuple[int, int], Trial]] = {}


def read_trial(root: Path) -> Trial | None:
    """Read the trial of a derivatives folder; from memory while the file has not changed.

    Parameters
    ----------
    root : Path
        The derivatives folder.

    Returns
    -------
    Trial or None
        None where there is none. Not to be changed.

    Raises
    ------
    InputError
        If the file is damaged, or holds what this version does not know.
    """
    path = root / READERS_FILE
    try:
        stat = path.stat()
        stamp = (stat.st_mtime_ns, stat.st_size)
        if path not in _known or _known[path][0] != stamp:
            _known[path] = stamp, Trial(_parse(path, path.read_bytes()))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or error}); check its permissions"
        ) from None
    return _known[path][1]


def change_trial(root: Path, decide: Callable[[Trial], Sequence[Event]]) -> Trial:
    """Add to the trial of a derivatives folder, with nobody else adding in between.

    Parameters
    ----------
    root : Path
        The derivatives folder.
    decide : callable
        Given the trial as it is, returns what happens; number, time, login and version are
        filled in here.

    Returns
    -------
    Trial
        As it is now.

    Raises
    ------
    InputError
        If the file is damaged, or cannot be written; it then stays as it is.
    """
    path = root / READERS_FILE
    clear_after_killed(root, inside=False)
    with one_writer(root, "readers"):
        trial = Trial(read.events) if (read := read_trial(root)) else Trial()
        facts = {
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "by": getpass.getuser(),
            "version": version("fsh-ms"),
        }
        events = [
            event.model_copy(update={"n": number, **facts})
            for number, event in enumerate(decide(trial), len(trial.events) + 1)
        ]
        if events:
            before = path.read_bytes() if path.exists() else _line({"format": FORMAT})
            write_atomically(path, before + b"".join(map(_line_of, events)))
        for event in events:
            trial.hear(event)
        return trial


def _parse(path: Path, payload: bytes) -> list[Event]:
    """Read every line; the file is written whole, so that a half one is damage."""
    first, *lines = payload.split(b"\n")
    try:
        header = parse_json(first)
        if header != {"format": FORMAT}:
            raise ValueError(f"its format is not {FORMAT}")
        if not lines or lines.pop():
            raise ValueError("its last line has no end")
    except ValueError as error:
        raise InputError(
            f"{path}: expected who reads what, as fsh readers assign writes it, found another "
            f"file ({error}); restore it from a backup"
        ) from None
    events = []
    for number, line in enumerate(lines, start=1):
        try:
            event = event_from_json(parse_json(line))
            if event.n != number:
                raise ValueError(f"it is numbered {event.n}")
        except ValueError as error:
            raise InputError(
                f"{path}: line {number + 1} must be event {number} of the trial, cannot be read "
                f"({error}); restore the file from a backup, or use the version that wrote it"
            ) from None
        events.append(event)
    return events


def _line_of(event: Event) -> bytes:
    return _line(event.model_dump(mode="json"))


def _line(content: dict[str, object]) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
