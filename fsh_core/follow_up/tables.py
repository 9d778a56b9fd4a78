"""The tables of followed lesions: as text, and counted."""

import pandas as pd

from fsh_core.tracking import KINDS

_LABELS = ("labels_before", "labels_after")
_BETWEEN_LABELS = ";"


def as_text(table: pd.DataFrame) -> pd.DataFrame:
    """Write lists of labels as ``3;5``."""
    written = table.copy()
    for column in _LABELS:
        if column in written:
            written[column] = [_BETWEEN_LABELS.join(map(str, labels)) for labels in table[column]]
    return written


def as_lists(table: pd.DataFrame) -> pd.DataFrame:
    """Read what `as_text` wrote."""
    read = table.copy()
    for column in _LABELS:
        if column in read:
            texts = read[column].map(lambda text: "" if pd.isna(text) else str(text))
            read[column] = [
                [int(label) for label in text.split(_BETWEEN_LABELS) if label] for text in texts
            ]
    return read


def count_changes(changes: pd.DataFrame) -> dict[str, int]:
    """Count the changes by kind; merged and split lesions that grew or shrank count there too.

    Parameters
    ----------
    changes : DataFrame
        Between two visits, see `fsh_core.tracking.CHANGE_COLUMNS`.
    """
    counts = {kind: int((changes["kind"] == kind).sum()) for kind in KINDS}
    joined = changes["kind"].isin(["merged", "split"])
    for size in ("enlarging", "shrinking"):
        counts[size] += int((joined & (changes["size_change"] == size)).sum())
    return counts
