"""Cards of weights: the JSON beside them, read without the network, and what it says as tables."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

import fsh_core
from fsh_core.cases.names import patient_of
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


def others_validated(card: Card) -> int:
    """Count the networks that the validation results are of, where they are not these weights.

    Returns
    -------
    int
        Such as the folds of a cross-validation; 0 if the results are of these weights, or the
        card does not say.
    """
    calibration = card.facts.calibration
    hashes = calibration.get("weights_sha256") if isinstance(calibration, dict) else None
    own = {card.facts.sha256, *(member.sha256 for member in card.facts.members)}
    return len(set(map(str, hashes)) - own) if isinstance(hashes, list | tuple) else 0


def trained_on_validation(card: Card) -> list[str]:
    """List the validation patients whom these weights learned from, without ``sub-``."""
    patients = {patient_of(str(case)) for case in validation_rows(card).get("case", [])}
    return sorted(patients & {name.removeprefix("sub-") for name in card.facts.training.subjects})


def calibration_words(card: Card) -> list[str]:
    """Say how good the calibration is, each number beside its base rate and count.

    A Brier score of 0.2 is good where half of the lesions are real, and poor where all are:
    always saying the base rate p scores p (1 - p).
    """
    words = []
    voxels, lesions = card.block("reliability", dict), card.block("confidence", dict)
    error = _numbers(voxels, "expected_calibration_error") or _numbers(voxels, "ece")
    if error:
        words.append(f"Expected calibration error of voxels {error[0]:.3f}{_base(voxels)}")
    brier, known = _numbers(lesions, "brier"), _numbers(lesions, "lesions", "real")
    if brier and known and known[0]:
        rate = known[1] / known[0]
        words.append(
            f"Brier score of lesions {brier[0]:.3f} (always saying the base rate of "
            f"{100 * rate:.0f} %: {rate * (1 - rate):.3f}; {known[0]:,.0f} lesions)"
        )
    elif brier:
        words.append(f"Brier score of lesions {brier[0]:.3f} (base rate not known)")
    interval = card.facts.calibration if isinstance(card.facts.calibration, dict) else {}
    patients = _numbers(interval, "patients")
    of = f" of {patients[0]:.0f}" if patients else ""
    if rate_meant := _numbers(interval, "rate"):
        words.append(f"Volume intervals meant to cover {rate_meant[0]:.3f}")
    if covered := _numbers(interval, "covered"):
        words.append(f"covered on patients left out {covered[0]:.3f}{of}")
    return words


def _base(voxels: dict[str, Any]) -> str:
    """Write how many voxels are lesion, of how many; each patient weighs the same."""
    bins = voxels.get("bins")
    rows = [_numbers(one, "real", "share", "count") for one in bins or [] if isinstance(one, dict)]
    known = [row for row in rows if row]
    share = sum(row[1] for row in known)
    if not share:
        return ""
    rate = sum(row[0] * row[1] for row in known) / share
    return f" (base rate {100 * rate:.0f} %, {sum(row[2] for row in known):,.0f} voxels)"


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
