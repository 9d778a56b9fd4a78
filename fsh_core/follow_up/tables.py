"""The tables of followed lesions: read, as text, counted, and in the order to read them in."""

import hashlib
from pathlib import Path

import pandas as pd

from fsh_core.derivatives.layout import to_tsv
from fsh_core.errors import InputError, reason_of
from fsh_core.tables import TAB, read_table
from fsh_core.tracking import KINDS, READING_ORDER

_TEXT = (
    "from_visit",
    "to_visit",
    "kind",
    "size_change",
    "labels_before",
    "labels_after",
    "evidence",
    "reason",
    "visit",
    "first_visit",
    "last_visit",
    "status",
    "note",
    "kind_reviewed",
)
_LABELS = ("labels_before", "labels_after")
_BETWEEN_LABELS = ";"


def read_followed(path: Path) -> pd.DataFrame:
    """Read a table of changes or of tracks.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    try:
        return as_lists(read_table(path, TAB, dict.fromkeys(_TEXT, str)))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: expected a table of followed lesions, cannot be read "
            f"({reason_of(error)}); follow the visits again"
        ) from None


def between(changes: pd.DataFrame, earlier: str, later: str) -> pd.DataFrame:
    """Return the changes between two visits."""
    return changes[(changes["from_visit"] == earlier) & (changes["to_visit"] == later)]


def hash_of_changes(changes: pd.DataFrame, earlier: str, later: str) -> str:
    """Return the SHA-256 of the changes between two visits, in hexadecimal.

    Without the number of the track: a later visit may change it, and nothing else.

    Parameters
    ----------
    changes : DataFrame
        From `read_followed`.
    earlier, later : str
        The visits.
    """
    own = between(changes, earlier, later).drop(columns="track")
    return hashlib.sha256(to_tsv(as_text(own)).encode()).hexdigest()


def in_reading_order(changes: pd.DataFrame) -> pd.DataFrame:
    """Sort changes by kind, what matters most first, and of a kind the surest first.

    Stable lesions are left out.
    """
    seen = changes[changes["kind"] != "stable"]
    order = {kind: place for place, kind in enumerate(READING_ORDER)}
    seen = seen.assign(order=seen["kind"].map(order))
    seen = seen.sort_values(["order", "confidence"], ascending=[True, False], kind="stable")
    return seen.drop(columns="order")


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
