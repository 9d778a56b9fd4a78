"""The tables of changes and tracks of many patients, read in one go; a broken one is told apart."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from fsh_core.errors import InputError, reason_of
from fsh_core.tables import TAB, read_table
from fsh_core.tracking import CHANGE_COLUMNS, LESION_COLUMNS

_VISIT_NAMES = ("from_visit", "to_visit", "visit", "first_visit", "last_visit")
_TEXT = (*_VISIT_NAMES, "kind", "size_change", "labels_before", "labels_after", "evidence")


class TableKind(NamedTuple):
    """What a kind of table holds: its columns, and which of them are texts and whole numbers."""

    what: str
    columns: tuple[str, ...]
    texts: tuple[str, ...]
    whole: tuple[str, ...]


CHANGES = TableKind(
    "a table of changes", tuple(CHANGE_COLUMNS), (*_TEXT, "reason"), ("change", "track")
)
TRACKS = TableKind("a table of tracks", tuple(LESION_COLUMNS), _TEXT, ("track", "label"))


def read_change_tables(
    paths: Mapping[str, Path], kind: TableKind
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Read the tables of all patients, those with the same heading in one go.

    Parameters
    ----------
    paths : mapping of str to Path
        The table of each patient.
    kind : TableKind
        `CHANGES` or `TRACKS`.

    Returns
    -------
    table : DataFrame
        ``patient``, then the columns of the kind, and whatever else the tables hold.
    broken : dict of str to str
        Why the table of a patient could not be used.
    """
    broken: dict[str, str] = {}
    by_heading: dict[str, list[tuple[str, list[str]]]] = {}
    for patient, path in paths.items():
        try:
            heading, *lines = path.read_text(encoding="utf-8-sig").rstrip("\n").split("\n")
        except (OSError, ValueError) as error:
            broken[patient] = f"{path}: expected {kind.what}, cannot be read ({reason_of(error)})"
            continue
        if not heading:
            broken[patient] = f"{path}: expected {kind.what}, found an empty file"
            continue
        if any(line.count(TAB) != heading.count(TAB) for line in lines):
            broken[patient] = f"{path}: expected {kind.what}, found lines that were cut off"
            continue
        by_heading.setdefault(heading, []).append((patient, lines))
    pieces = []
    for heading, group in by_heading.items():
        try:
            pieces.append(_parse(heading, group, kind))
        except (ValueError, InputError):  # one of them is broken: read them singly to name it
            for patient, lines in group:
                try:
                    pieces.append(_parse(heading, [(patient, lines)], kind))
                except (ValueError, InputError) as error:
                    reason = str(error).splitlines()[0]
                    broken[patient] = (
                        f"{paths[patient]}: expected {kind.what}, found another ({reason})"
                    )
    filled = [piece for piece in pieces if len(piece)]
    if not filled:
        return pd.DataFrame(columns=["patient", *kind.columns]), broken
    return pd.concat(filled, ignore_index=True), broken


def _parse(heading: str, group: Sequence[tuple[str, list[str]]], kind: TableKind) -> pd.DataFrame:
    """Parse the rows of several tables with one heading."""
    text = "\n".join([heading, *(line for _, lines in group for line in lines)])
    types: dict[str, type] = {
        column: str if column in kind.texts else float for column in kind.columns
    }
    table = read_table(io.StringIO(text), TAB, types)
    if missing := [column for column in kind.columns if column not in table]:
        raise ValueError(f"no column {', '.join(missing)}")
    for column in kind.whole:
        values = table[column].to_numpy(dtype=float)
        if not (np.isfinite(values).all() and (values == values.round()).all()):
            raise ValueError(f"{column} must be whole numbers")
        table[column] = table[column].astype("int64")
    names = np.repeat([patient for patient, _ in group], [len(lines) for _, lines in group])
    table.insert(0, "patient", names)
    return table
