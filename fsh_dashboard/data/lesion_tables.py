"""The lesion tables of many cases, read in one go; a broken one is told apart from the others."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fsh_core.errors import InputError
from fsh_core.lesions.describe import TEXT_COLUMNS, WHOLE_COLUMNS
from fsh_core.lesions.measure import LESION_COLUMNS
from fsh_core.tables import TAB, read_table


def read_tables(
    rows: Sequence[dict[str, Any]], paths: Sequence[Path]
) -> tuple[pd.DataFrame, dict[int, str]]:
    """Read the lesion tables of all cases, those with the same heading in one go.

    Returns
    -------
    lesions : DataFrame
        All rows, in the order of the cases.
    broken : dict of int to str
        Why the table of a case could not be used.
    """
    broken: dict[int, str] = {}
    by_heading: dict[str, list[tuple[int, list[str]]]] = {}
    for index, (row, path) in enumerate(zip(rows, paths, strict=True)):
        try:
            heading, *lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError) as error:
            broken[index] = (
                "expected a lesion table, cannot be read "
                f"({getattr(error, 'strerror', None) or 'empty'})"
            )
            continue
        if len(lines) != row["lesion_count"]:
            broken[index] = (
                f"expected as many lesions as in the record ({row['lesion_count']}), "
                f"found {len(lines)}"
            )
            continue
        by_heading.setdefault(heading, []).append((index, lines))
    pieces: list[pd.DataFrame] = []
    for heading, group in by_heading.items():
        try:
            pieces.append(_parse(heading, group))
        except (
            ValueError,
            KeyError,
            InputError,
        ):  # one of them is broken: read them one by one to name it
            for one in group:
                try:
                    pieces.append(_parse(heading, [one]))
                except (ValueError, KeyError, InputError) as error:
                    broken[one[0]] = (
                        f"expected a lesion table, found another ({str(error).splitlines()[0]})"
                    )
    names = pd.DataFrame(
        [{key: row[key] for key in ("case", "subject", "session")} for row in rows],
        columns=["case", "subject", "session"],
    )
    filled = [piece for piece in pieces if len(piece)]
    if not filled:
        return pd.DataFrame(columns=["case", "subject", "session", *LESION_COLUMNS]), broken
    lesions = pd.concat(filled).sort_index(kind="stable")
    return names.join(lesions, how="inner").reset_index(drop=True), broken


def _parse(heading: str, group: Sequence[tuple[int, list[str]]]) -> pd.DataFrame:
    """Parse the rows of several tables with one heading; the index is the number of the case."""
    text = "\n".join([heading, *(line for _, lines in group for line in lines)])
    types: dict[str, type] = dict.fromkeys(
        LESION_COLUMNS.keys() - {*WHOLE_COLUMNS, "touches_border"}, float
    )
    types |= dict.fromkeys(TEXT_COLUMNS, str)  # also where no lesion has one
    try:
        table = read_table(io.StringIO(text), TAB, types)
    except InputError:  # a text among the numbers, which is named below
        table = read_table(io.StringIO(text), TAB, dict.fromkeys(TEXT_COLUMNS, str))
    for column in table.columns.intersection(list(TEXT_COLUMNS)):
        table[column] = table[column].replace("", None)
    table = table.drop(columns="name", errors="ignore").rename(columns={"index": "label"})
    if missing := {"label", "volume_mm3"} - set(table.columns):
        raise KeyError(f"no column {', '.join(sorted(missing))}")
    for column in table.columns.intersection(list(LESION_COLUMNS)):
        if len(table) and not pd.api.types.is_numeric_dtype(table[column]):
            raise ValueError(f"{column} must be numbers")
    if len(table):
        _check_numbers(table)
    table.index = pd.Index(
        np.repeat([index for index, _ in group], [len(lines) for _, lines in group])
    )
    return table


def _check_numbers(table: pd.DataFrame) -> None:
    """Refuse what no lesion has: a label that is no whole number, a volume that is none."""
    labels, volumes = table["label"], table["volume_mm3"]
    if not pd.api.types.is_integer_dtype(labels) or (labels < 1).any():
        raise ValueError("index must be whole numbers from 1")
    if not pd.api.types.is_numeric_dtype(volumes) or not (
        np.isfinite(volumes.to_numpy(dtype=float)).all() and (volumes > 0).all()
    ):
        raise ValueError("volume_mm3 must be numbers above 0")
    numbers = table.select_dtypes("number")
    if endless := [str(name) for name in numbers if np.isinf(numbers[name]).any()]:
        raise ValueError(f"{endless[0]} must be numbers, found one without end")
