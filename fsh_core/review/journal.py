"""The journal: one line of JSON for every event, on the disk before the next one can happen.

A program that dies leaves at most half a line at the end, which is ignored and
overwritten. Nothing else is ever changed or removed.
"""

import hashlib
import json
import math
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fsh_core.errors import InputError, cannot_be_written
from fsh_core.review.events import KINDS, ReviewEvent, UnknownKind
from fsh_core.review.runs import LARGEST_GRID_VOXELS
from fsh_core.strict_json import first_problem, parse_json

FORMAT = "fsh-review-1"


@dataclass
class Journal:
    """An append-only file of events; made with the first event.

    Attributes
    ----------
    path : Path
        The file.
    about : dict
        What its events apply to (case, hash and shape of the lesion labels): the first line.
    events : list of ReviewEvent
        What is in it.
    other : str
        What a journal with another first line is about, and why; for the sentence that says so.
    """

    path: Path
    about: dict[str, Any]
    events: list[ReviewEvent] = field(default_factory=list)
    other: str = "other lesions, because the case was segmented again"
    _end_byte: int = 0

    @classmethod
    def open(cls, path: Path, about: dict[str, Any], other: str = other) -> "Journal":
        """Open a journal, new or begun.

        Raises
        ------
        InputError
            If it cannot be read, is damaged before its last line, holds an event that this
            version does not know, or belongs to other lesions.
        """
        journal = cls(path, about, other=other)
        lines = journal._whole_lines()
        journal._end_byte = sum(len(line) + 1 for line in lines)
        grid_voxels = journal._check_header(lines[0]) if lines else LARGEST_GRID_VOXELS
        for number, line in enumerate(lines[1:], start=1):
            try:
                event = ReviewEvent.from_json(parse_json(line), grid_voxels)
                if event.number != number:
                    raise ValueError(f"it is numbered {event.number}")
            except UnknownKind as kind:
                raise InputError(
                    f"{path}: line {number + 1} is an event of the kind {str(kind)!r:.60}, which "
                    f"this version of F.sh does not know (it knows {', '.join(KINDS)}); open the "
                    "review with the version that wrote it, or a newer one"
                ) from None
            except ValueError as error:
                raise InputError(
                    f"{path}: line {number + 1} must be event {number} of the review, "
                    f"cannot be read ({error}); restore the file from a backup"
                ) from None
            journal.events.append(event)
        return journal

    def append(self, event: ReviewEvent) -> None:
        """Write an event and wait until it is on the disk.

        Raises
        ------
        InputError
            If it cannot be written, or another program wrote meanwhile; the event then did
            not happen.
        """
        payload = b"" if self._end_byte else _line({"format": FORMAT, **self.about})
        payload += _line(event.to_json())
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with open(self.path, "r+b" if self.path.exists() else "w+b") as file:
                file.seek(self._end_byte)
                if b"\n" in file.read():
                    raise InputError(
                        f"{self.path}: another program wrote into this review meanwhile; "
                        "close one and reopen"
                    )
                file.truncate(self._end_byte)  # half a line of a program that died
                file.seek(self._end_byte)
                file.write(payload)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise cannot_be_written(self.path, error) from None
        self._end_byte += len(payload)
        self.events.append(event)

    def as_it_is(self) -> "Journal":
        """Return the journal up to now, which later events leave alone."""
        return replace(self, events=list(self.events))

    def sha256(self) -> str:
        """Return the SHA-256 of the file up to the last of these events, in hexadecimal digits."""
        with open(self.path, "rb") as file:
            return hashlib.sha256(file.read(self._end_byte)).hexdigest()

    def is_writable(self) -> bool:
        """Tell whether events can be kept, without trying."""
        place = self.path
        while not place.exists() and place != place.parent:
            place = place.parent
        return os.access(place, os.W_OK)

    def _whole_lines(self) -> list[bytes]:
        """Read the lines that end; what follows the last newline was never finished."""
        try:
            return self.path.read_bytes().split(b"\n")[:-1]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise InputError(
                f"{self.path}: cannot be read ({error.strerror or error}); check its permissions"
            ) from None

    def _check_header(self, line: bytes) -> int:
        """Check that the first line is about the same lesions; return the voxels of their grid."""
        try:
            header = _Header.model_validate(parse_json(line))
        except ValidationError as error:
            raise self._no_review(first_problem(error)) from None
        except ValueError as error:
            raise self._no_review(str(error)) from None
        written = header.model_dump()
        for key, value in self.about.items():
            if written.get(key) != value:
                raise InputError(
                    f"{self.path}: is the review of {self.other} ({key} is not that of the "
                    "record); move it away to begin a new review"
                )
        return math.prod(header.shape) if header.shape else LARGEST_GRID_VOXELS

    def _no_review(self, reason: str) -> InputError:
        return InputError(
            f"{self.path}: expected a review of F.sh, its first line is something else "
            f"({reason}); move it away"
        )


class _Header(BaseModel):
    """The first line: the format, and what the events apply to."""

    model_config = ConfigDict(strict=True, extra="allow")

    format: Literal["fsh-review-1"]
    shape: list[Annotated[int, Field(ge=1)]] = []


def _line(content: dict[str, Any]) -> bytes:
    return (
        json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        + b"\n"
    )
