"""Columns that hold words, one or several separated by commas or semicolons.

Which there are, which rows have some.
"""

import re
from collections.abc import Collection

import pandas as pd

KEY_COLUMNS = ("region", "flags")
"""Columns that hold keys, such as ``deep_white_matter``; the others hold what people wrote."""


def words_in(column: "pd.Series[str]") -> list[str]:
    """List the words of a column, each once, sorted; missing values have none."""
    return sorted(
        {word for said in column.dropna().astype(str).unique() for word in _split(said) if word}
    )


def having(column: "pd.Series[str]", wanted: Collection[str]) -> "pd.Series[bool]":
    """Tell which rows have one of some words."""
    fits = {
        said: not set(_split(said)).isdisjoint(wanted)
        for said in column.dropna().astype(str).unique()
    }
    return column.map(lambda said: fits.get(str(said), False)).astype(bool)


def _split(said: str) -> list[str]:
    return re.split(r"\s*[,;]\s*", said.strip())


def spelled(key: str) -> str:
    """Write a key of a table, such as ``deep_white_matter``, as words."""
    return key.replace("_", " ")
