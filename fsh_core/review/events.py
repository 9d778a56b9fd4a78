"""One event of a reader, and how it stands in a line of JSON."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Field = Literal["status", "note", "case"]


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
    """Something said about a lesion, or with label 0 about the case."""

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
        ``paint``, ``split``, ``join``, ``delete``, ``add``, ``status``, ``note``,
        ``case``, ``visit``, ``reveal``, ``undo`` or ``redo``.
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
    """

    kind: str
    label: int = 0
    changes: tuple[Change, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    target_event: int = 0
    number: int = 0
    reader: str = ""
    time: str = ""

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
    def from_json(cls, line: dict[str, Any]) -> "ReviewEvent":
        """Read it back.

        Raises
        ------
        KeyError, TypeError, ValueError
            If the line is no event.
        """
        return cls(
            kind=str(line["act"]),
            label=int(line.get("lesion", 0)),
            changes=tuple(
                Change(int(one["from"]), int(one["to"]), from_runs(one["runs"]))
                for one in line.get("voxels", ())
            ),
            annotations=tuple(
                Annotation(int(label), field, str(a), str(b))
                for label, field, a, b in line.get("marks", ())
            ),
            target_event=int(line.get("of", 0)),
            number=int(line["n"]),
            reader=str(line["reader"]),
            time=str(line["time"]),
        )


def to_runs(voxels: NDArray[np.int64]) -> list[int]:
    """Write ascending indices as runs: ``[start, length, start, length, ...]``."""
    if voxels.size == 0:
        return []
    breaks = np.flatnonzero(np.diff(voxels) != 1) + 1
    starts = voxels[np.concatenate([[0], breaks])]
    lengths = np.diff(np.concatenate([[0], breaks, [voxels.size]]))
    return [int(value) for value in np.stack([starts, lengths], axis=1).ravel()]


def from_runs(runs: list[int]) -> NDArray[np.int64]:
    """Read runs back into ascending indices.

    Raises
    ------
    ValueError
        If they are not pairs of a start and a positive length.
    """
    pairs = np.asarray(runs, dtype=np.int64)
    if pairs.size % 2 or (pairs < 0).any() or (pairs[1::2] < 1).any():
        raise ValueError(f"runs must be pairs of start and length, got {runs[:6]}")
    starts, lengths = pairs[::2], pairs[1::2]
    ends = np.cumsum(lengths)
    within = np.arange(int(ends[-1]) if ends.size else 0) - np.repeat(ends - lengths, lengths)
    return np.asarray(np.repeat(starts, lengths) + within, dtype=np.int64)
