"""How well the readers of a cohort agree, lesion by lesion."""

from collections.abc import Iterator
from itertools import combinations

import pandas as pd

from fsh_core.review.reader_agreement import cohens_kappa
from fsh_dashboard.data.reviews import UNREVIEWED

AGREEMENT = ["first", "second", "cases", "lesions", "alike", "alike_fraction", "kappa"]


def reader_agreement(decisions: pd.DataFrame) -> pd.DataFrame:
    """Compare every two readers on the lesions that both decided about.

    Returns
    -------
    DataFrame
        Columns `AGREEMENT`; Cohen's kappa is missing where it is undefined.
    """
    rows = []
    for first, second, both in _pairs(decisions):
        alike = int((both["status_1"] == both["status_2"]).sum())
        kappa = cohens_kappa(list(zip(both["status_1"], both["status_2"], strict=True)))
        share = alike / len(both) if len(both) else float("nan")
        rows.append((first, second, both["case"].nunique(), len(both), alike, share, kappa))
    return pd.DataFrame(rows, columns=AGREEMENT)


def disagreements(decisions: pd.DataFrame) -> pd.DataFrame:
    """List the lesions about which two readers decided differently.

    ``case``, ``label``, who said what.
    """
    pieces = [
        both[both["status_1"] != both["status_2"]].assign(first=first, second=second)
        for first, second, both in _pairs(decisions)
    ]
    columns = ["case", "label", "first", "status_1", "second", "status_2"]
    return (
        pd.concat(pieces, ignore_index=True)[columns] if pieces else pd.DataFrame(columns=columns)
    )


def _pairs(decisions: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    decided = decisions[decisions["status"] != UNREVIEWED]
    for first, second in combinations(sorted(decided["reader"].unique()), 2):
        sides = [
            decided.loc[decided["reader"] == name, ["case", "label", "status"]]
            for name in (first, second)
        ]
        yield first, second, sides[0].merge(sides[1], on=["case", "label"], suffixes=("_1", "_2"))
