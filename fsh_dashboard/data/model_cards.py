"""Cards of weights: the JSON beside them, read without the network, and what it says as tables."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

import fsh_core
from fsh_core.errors import InputError
from fsh_core.file_names import RUN_STATE_FILE
from fsh_core.network.card import WeightsCard, read_card
from fsh_dashboard.data.folder import Opened, find_runs

BUNDLED = Path(fsh_core.__file__).parent / "weights" / "default.json"


@dataclass(frozen=True)
class Card:
    """What is known of one set of weights.

    Attributes
    ----------
    name : str
        Where it is from: ``bundled``, or the path inside the opened folder.
    facts : WeightsCard
        What is in the JSON.
    """

    name: str
    facts: WeightsCard

    @property
    def title(self) -> str:
        """What its authors call it."""
        return self.facts.name or self.name

    def block(self, key: str, kind: type) -> Any:
        """Return a measured part of the card; an empty one where it is missing or another kind."""
        value = (self.facts.model_extra or {}).get(key)
        return value if isinstance(value, kind) else kind()


def find_cards(opened: Opened) -> tuple[list[Card], list[str]]:
    """Read the bundled card and those beside the weights of every run; what is broken is named.

    Returns
    -------
    cards : list of Card
        The bundled one first.
    problems : list of str
        One sentence for every JSON beside weights that is no card.
    """
    cards, problems = [Card("bundled", read_card(BUNDLED))], []
    for run in find_runs(opened):
        for weights in sorted((opened.root / run).glob("*.safetensors")):
            if weights.name == RUN_STATE_FILE:  # what --resume needs; it has no card
                continue
            path = weights.with_suffix(".json")
            name = opened.named(path)
            try:
                cards.append(Card(name, read_card(opened.inside(path))))
            except InputError as error:
                problems.append(str(error).replace(f"{opened.root}/", ""))
    return cards, problems


def validation_rows(card: Card) -> pd.DataFrame:
    """Return the validation results, one row per case.

    With the site that the case's name begins with.
    """
    rows = [
        row for row in card.block("validation", list) if isinstance(row, dict) and "case" in row
    ]
    table = pd.DataFrame(rows)
    if table.empty:
        return table
    sites = [site_of(str(case)) for case in table["case"]]
    return table if "site" in table else table.assign(site=sites)


def site_of(case: str) -> str:
    """Guess the site from a name such as ``sub-ljubljana07``.

    Its letters before the first digit.
    """
    found = re.match(r"(?:sub-)?([A-Za-z]+?)(?:P?\d|$)", case)
    return found.group(1) if found else case


def recall_rows(card: Card) -> pd.DataFrame:
    """Return lesions and found lesions by size: ``size``, ``lesions``, ``found``, ``recall``.

    Others are left out.
    """
    counted = {
        size: _numbers(row, "lesions", "found")
        for size, row in card.block("recall_by_size", dict).items()
    }
    rows = [
        (
            str(size).replace("_", " ").replace("mm", " mm"),
            int(row[0]),
            int(row[1]),
            row[1] / row[0],
        )
        for size, row in counted.items()
        if row and row[0] > 0
    ]
    return pd.DataFrame(rows, columns=["size", "lesions", "found", "recall"])


def reliability_rows(block: dict[str, Any]) -> pd.DataFrame:
    """Return the bins of a reliability diagram: ``probability``, ``real``, ``count``.

    Others are left out.
    """
    bins = block.get("bins")
    rows = [
        _numbers(one, "probability", "real", "count")
        for one in (bins if isinstance(bins, list) else [])
    ]
    return pd.DataFrame([row for row in rows if row], columns=["probability", "real", "count"])


def retention_rows(card: Card) -> pd.DataFrame:
    """Return how precise the surest lesions are: ``retained``, ``precision``.

    Others are left out.
    """
    rows = [_numbers(one, "retained", "precision") for one in card.block("retention", list)]
    return pd.DataFrame([row for row in rows if row], columns=["retained", "precision"])


def _numbers(row: Any, *keys: str) -> tuple[float, ...] | None:
    """Take numbers out of an object; None where one is missing or no number."""
    values = [row.get(key) for key in keys] if isinstance(row, dict) else []
    known = [float(value) for value in values if isinstance(value, int | float)]
    return tuple(known) if known and len(known) == len(keys) else None
