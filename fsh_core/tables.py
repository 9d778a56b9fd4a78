"""Tables on disk: the one reader and the one writer of every CSV and TSV.

What is written is read back exactly: every digit of a number, every character of a text. A text
or heading that a spreadsheet would take for a formula gets an apostrophe, which the reader takes
off again.
"""

import csv
import io
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fsh_core.errors import InputError

TAB, COMMA = "\t", ","
MISSING = "n/a"  # as BIDS writes it
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\Z")
# 007 and +5 are labels: as numbers they would be written 7 and 5.
_DIGITS = r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?"
# Many cells in one go, each with the end of its line; a match for each takes ten times as long.
_PLAIN_NUMBERS = re.compile(f"(?:{_DIGITS}\n)*+\\Z")
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_GUARDED = re.compile(r"'+[=+\-@\t\r]")
_LARGEST_WHOLE = 2**53  # from here on float64 does not hold every integer
_LONG_WHOLE = re.compile(r"^-?\d{16,}$", re.MULTILINE)  # no integer of fewer digits is as large
_TRUTH = {"True": True, "False": False}
_INFINITE = {"inf", "-inf"}


def format_table(table: pd.DataFrame, separator: str = COMMA) -> str:
    """Write a table as text.

    Parameters
    ----------
    table : DataFrame
        Its index is not written.
    separator : str
        `TAB` or `COMMA`.

    Returns
    -------
    str
        Numbers in the fewest digits that give the same number back, whole ones without a
        decimal point; what is missing as ``n/a``; in a table with tabs, as BIDS wants it, an
        empty text too.
    """
    empty = MISSING if separator == TAB else ""
    cells = pd.DataFrame(
        {
            place: [_cell(value, empty) for value in table.iloc[:, place].tolist()]
            for place in range(table.shape[1])
        },
        dtype=object,
    )
    cells.columns = pd.Index([_guard(str(name)) for name in table.columns])
    if not table.shape[1]:
        return "\n"
    text = cells.to_csv(sep=separator, index=False, lineterminator="\n")
    if "\r" in text:  # pandas does not quote it, and reads it as the end of a line
        text = cells.to_csv(sep=separator, index=False, lineterminator="\n", quoting=csv.QUOTE_ALL)
    return text


def read_table(
    source: str | Path | io.StringIO,
    separator: str = COMMA,
    types: Mapping[str, type] | None = None,
) -> pd.DataFrame:
    """Read a table that `format_table` wrote, or another one.

    Parameters
    ----------
    source : path or StringIO
        The file, UTF-8 with or without a byte-order mark, or its text.
    separator : str
        `TAB` or `COMMA`.
    types : mapping of str to type, optional
        Types of the columns that are known: ``str`` for names that may look like numbers,
        ``float`` for what must be a number. A missing text is an empty one.

    Returns
    -------
    DataFrame
        Other columns are numbers or truth values if every cell that is not missing is one, so
        that nothing is lost: ``007`` and integers of more than 15 digits stay text. ``n/a`` is
        missing, and among numbers an empty cell too.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    try:
        # What is known to be numbers is left to pandas, which is ten times as fast.
        numeric = [name for name, kind in (types or {}).items() if kind is float]
        table = pd.read_csv(
            source,
            sep=separator,
            dtype=defaultdict(lambda: "object", dict.fromkeys(numeric, "float64")),
            keep_default_na=False,
            na_values={name: (MISSING, "") for name in numeric},
            index_col=False,
            encoding="utf-8-sig",
            skip_blank_lines=False,
        )
        table.columns = pd.Index([_unguard(str(name)) for name in table.columns])
        for column in table.columns:
            if column not in numeric:
                table[column] = _typed(table[column], (types or {}).get(str(column)))
    except (OSError, ValueError) as error:
        where = source if isinstance(source, str | Path) else "table"
        kind = "tabs" if separator == TAB else "commas"
        reason = str(getattr(error, "strerror", None) or error).splitlines()[0]
        raise InputError(
            f"{where}: expected a table with {kind}, cannot be read ({reason}); write it again"
        ) from None
    return table


def _cell(value: Any, empty: str) -> str:
    if isinstance(value, str):
        return _guard(value) or empty
    if value is None or value is pd.NA or value is pd.NaT or value != value:
        return MISSING
    if isinstance(value, float) and value.is_integer() and 0 < abs(value) < _LARGEST_WHOLE:
        return str(int(value))
    return "0" if value is not False and value == 0 else str(value)


def _guard(text: str) -> str:
    """Keep a spreadsheet from running a text; a number, such as -1.5, is no formula."""
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.match(text) else text


def _unguard(text: str) -> str:
    return text[1:] if _GUARDED.match(text) and not _NUMBER.match(text[1:]) else text


def _typed(cells: "pd.Series[Any]", kind: type | None) -> "pd.Series[Any]":
    """Give a column of text its type."""
    if kind is str:
        return cells.map(lambda text: "" if text == MISSING else _unguard(text)).astype(object)
    # As a list: a column of text gives its cells one by one to Python only slowly.
    texts = cells.tolist()
    distinct = set(texts)
    known = distinct - {MISSING, ""}
    if known and known <= _TRUTH.keys() and known == distinct:
        return cells.map(_TRUTH).astype(bool)
    if not _are_exact(known - _INFINITE):
        return cells.map(lambda text: None if text == MISSING else _unguard(text))
    filled = texts if known == distinct else [t if t in known else "nan" for t in texts]
    # numpy asks Python for each float, which is exact.
    numbers = pd.Series(
        np.array(filled, dtype=object).astype(np.float64), index=cells.index, name=cells.name
    )
    whole = bool(texts) and known == distinct and all(map(_is_whole, known))
    return numbers.astype("int64") if whole else numbers


def _are_exact(texts: set[str]) -> bool:
    """Tell texts that are numbers, and are the same numbers again when they are written."""
    joined = "\n".join([*texts, ""])
    if joined.count("\n") != len(texts) or not _PLAIN_NUMBERS.match(joined):
        return False
    return all(abs(int(text)) < _LARGEST_WHOLE for text in _LONG_WHOLE.findall(joined))


def _is_whole(text: str) -> bool:
    return text.lstrip("-").isdigit()
