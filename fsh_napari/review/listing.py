"""The list of a review: the lesions' measures, what was decided, and what deserves a look."""

import re
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from fsh_core.lesions.flags import FAINT_CONTRAST
from fsh_core.review import Review, ReviewState
from fsh_core.review.reader_agreement import decision
from fsh_napari.signs import SIGNS

BANDS = ("low", "medium", "high")
_MEDIUM_FROM, _HIGH_ABOVE = 0.6, 0.8  # of a confidence; the filter box says so too
_SMALL_MM3 = 10.0


def list_lesions(
    table: pd.DataFrame, review: Review, wanted: Sequence[int], others: Mapping[str, ReviewState]
) -> pd.DataFrame:
    """Add status, note, flags, how sure the network is, and what is asked of a lesion.

    Parameters
    ----------
    table : DataFrame
        The lesions' measures, a row a lesion.
    review : Review
        What the reader decided.
    wanted : sequence of int
        Lesions that the queue names, in its order; empty = all.
    others : mapping of str to ReviewState
        What other readers decided, by reader, once that may be seen.
    """
    table = table.copy()
    labels = [int(label) for label in table["label"]]
    table["status"] = [review.status(label) for label in labels]
    table["note"] = [review.note(label) for label in labels]
    table["flags"] = [_flags(row) for row in table.to_dict("records")]
    if "region" in table:
        table["region"] = [
            text.replace("_", " ") for text in table["region"].fillna("").astype(str)
        ]
        if not any(table["region"]):
            table = table.drop(columns="region")
    chance = table["mean_probability"]
    if "confidence" in table:
        chance = table["confidence"].fillna(chance)
    table["band"] = np.select([chance < _MEDIUM_FROM, chance <= _HIGH_ABOVE], BANDS[:2], BANDS[2])
    if wanted:
        places = {label: float(place) for place, label in enumerate(wanted, start=1)}
        table["queue"] = [places.get(label, np.nan) for label in labels]
        table["queued"] = ["yes" if label in places else "" for label in labels]
    if others:
        table["others"] = [_decided(others, review, label) for label in labels]
    return table.dropna(axis=1, how="all") if len(table) else table


def _decided(others: Mapping[str, ReviewState], review: Review, label: int) -> str:
    """Say what the other readers decided about a lesion of the original."""
    if label not in review.original:
        return ""
    return ", ".join(f"{SIGNS[decision(other, label)]} {name}" for name, other in others.items())


def _flags(row: Mapping[Hashable, Any]) -> str:
    """Name what deserves a second look: flags of the segmentation, then those of the measures."""
    given = row.get("flags")
    is_told = isinstance(given, str)
    named = [flag.strip().replace("_", " ") for flag in re.split("[,;]", str(given))]
    if not is_told:
        named = []
    seen = {
        "border": row["touches_border"],
        "small": row["volume_mm3"] < _SMALL_MM3,
        "faint": not is_told and row["contrast"] < FAINT_CONTRAST,
    }
    return ", ".join(
        dict.fromkeys([*filter(None, named), *(name for name, raised in seen.items() if raised)])
    )
