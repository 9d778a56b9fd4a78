"""One event of a reader, and how it stands in a line of JSON.

This file alone knows the keys of that line; see `ReviewEvent.to_json`.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic import Field as Limits

from fsh_core.review.runs import LARGEST_GRID_VOXELS, from_runs, to_runs
from fsh_core.strict_json import first_problem

Kind = Literal[
    "paint",
    "split",
    "join",
    "delete",
    "add",
    "status",
    "note",
    "case",
    "visit",
    "reveal",
    "undo",
    "redo",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
Field = Literal["status", "note", "case"]
STATUSES = ("unreviewed", "accepted", "rejected", "unsure")
CASE_STATUSES = ("not started", "in progress", "completed", "flagged")
_, IN_PROGRESS, COMPLETED, _ = CASE_STATUSES


class UnknownKind(ValueError):
    """An event of a kind that this version does not know."""


@dataclass(frozen=True)
class Change:
    """Voxels that went from one label to another.

    Attributes
    ----------
    before, after : int
        Labels; 0 = background.
    voxels : (N,) int64
        Flat indices (C order) on the grid of the lesion labels' file, ascending.
    """

    before: int
    after: int
    voxels: NDArray[np.int64]


@dataclass(frozen=True)
class Annotation:
    """A status or a note of a lesion, or with label 0 of the case.

    Attributes
    ----------
    label : int
        The lesion; 0 = the case.
    field : str
        ``status`` (one of `STATUSES`), ``note`` (any text) or ``case`` (one of
        `CASE_STATUSES`).
    before, after : str
        Its values; empty = not set.
    """

    label: int
    field: Field
    before: str
    after: str


@dataclass(frozen=True)
class ReviewEvent:
    """What a reader did, complete enough to be repeated and to be taken back.

    Attributes
    ----------
    kind : str
        One of `KINDS`. The set is closed: to skip an event would leave another mask.
    label : int
        The lesion it is about; 0 = none.
    changes : tuple of Change
        Voxels added and removed.
    annotations : tuple of Annotation
        Status and notes set.
    target_event : int
        For ``undo`` and ``redo``: the number of the event.
    number : int
        Its place in the journal, counted from 1.
    reader, time : str
        Who, and when (ISO 8601, UTC).
    tool : str
        What proposed the voxels or the decision, such as ``grow``; empty = the reader.
        Nothing but words depends on it.
    """

    kind: Kind
    label: int = 0
    changes: tuple[Change, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    target_event: int = 0
    number: int = 0
    reader: str = ""
    time: str = ""
    tool: str = ""

    @property
    def touched(self) -> set[int]:
        """Lesions that gained or lost voxels."""
        return {
            label for change in self.changes for label in (change.before, change.after) if label
        }

    @property
    def decided(self) -> set[int]:
        """Lesions that were decided about, or whose voxels changed."""
        return self.touched | {mark.label for mark in self.annotations if mark.field == "status"}

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON, voxels as runs."""
        line: dict[str, Any] = {
            "n": self.number,
            "time": self.time,
            "reader": self.reader,
            "act": self.kind,
        }
        if self.label:
            line["lesion"] = self.label
        if self.tool:
            line["tool"] = self.tool
        if self.target_event:
            line["of"] = self.target_event
        if self.changes:
            line["voxels"] = [
                {"from": change.before, "to": change.after, "runs": to_runs(change.voxels)}
                for change in self.changes
            ]
        if self.annotations:
            line["marks"] = [
                [annotation.label, annotation.field, annotation.before, annotation.after]
                for annotation in self.annotations
            ]
        return line

    @classmethod
    def from_json(cls, content: Any, grid_voxels: int = LARGEST_GRID_VOXELS) -> "ReviewEvent":
        """Read it back.

        Parameters
        ----------
        content : JSON
            A line of the journal.
        grid_voxels : int
            Voxels of the grid of the lesion labels.

        Raises
        ------
        UnknownKind
            If the kind of the event is none of `KINDS`.
        ValueError
            If the line is no event.
        """
        kind = content.get("act") if isinstance(content, dict) else None
        if isinstance(kind, str) and kind not in KINDS:
            raise UnknownKind(kind)
        try:
            line = _Line.model_validate(content)
        except ValidationError as error:
            raise ValueError(first_problem(error)) from None
        return cls(
            kind=line.act,
            label=line.lesion,
            changes=tuple(
                Change(voxels.before, voxels.after, from_runs(voxels.runs, grid_voxels))
                for voxels in line.voxels
            ),
            annotations=tuple(
                Annotation(mark.label, mark.field, mark.before, mark.after) for mark in line.marks
            ),
            target_event=line.of,
            number=line.n,
            reader=line.reader,
            time=line.time,
            tool=line.tool,
        )


_Label = Annotated[int, Limits(ge=0)]


class _LinePart(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)


class _Voxels(_LinePart):
    """A `Change` on disk."""

    before: _Label = Limits(alias="from")
    after: _Label = Limits(alias="to")
    runs: list[int]


class _Mark(_LinePart):
    """An `Annotation` on disk: ``[label, field, before, after]``."""

    label: _Label
    field: Field
    before: str
    after: str

    @model_validator(mode="before")
    @classmethod
    def _name_the_values(cls, values: Any) -> Any:
        names = tuple(cls.model_fields)
        if not isinstance(values, list) or len(values) != len(names):
            raise ValueError(f"it must be a list of {', '.join(names)}")
        return dict(zip(names, values, strict=True))

    @model_validator(mode="after")
    def _is_a_known_status(self) -> "_Mark":
        known = {"status": STATUSES, "case": CASE_STATUSES}.get(self.field)
        if known is None:
            return self
        if self.after not in known or self.before not in ("", *known):
            raise ValueError(f"a {self.field} must be one of {', '.join(known)}")
        return self


class _Line(_LinePart):
    """A `ReviewEvent` on disk."""

    n: int
    time: str
    reader: str
    act: Kind
    lesion: _Label = 0
    of: _Label = 0
    tool: str = ""
    voxels: list[_Voxels] = []
    marks: list[_Mark] = []
