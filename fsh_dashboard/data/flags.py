"""Which cases deserve a look, said in words; computed from the tables, not a diagnosis."""

from typing import Any

import numpy as np
import pandas as pd

from fsh_dashboard.data.tags import words_in

OUTLIERS = {
    "lesion_volume_ml": ("low volume", "high volume"),
    "lesion_count": ("low count", "high count"),
    "brain_volume_ml": ("low brain volume", "high brain volume"),
    "dice": ("low Dice", ""),
    "false_lesions": ("", "many false lesions"),
}
"""What is said of a case far below and far above the others; empty = nothing."""
OUTLIER_Z = 3.5
FEWEST_FOR_OUTLIERS = 5
USUAL = ("pass", "caution")
"""Verdicts on the quality that are no reason to look: thick slices alone give a caution."""


def flag_cases(cases: pd.DataFrame) -> "pd.Series[str]":
    """Say in words what a person should look at in a case.

    Flagged lesions are counted in a column of their own: nearly every case has some.
    """
    found: dict[str, Any] = {
        "no lesion": cases["lesion_count"] == 0,
        "brain not found": cases["brain_source"] == "none",
    }
    if "lesions_at_border" in cases:
        found["lesion at the image border"] = cases["lesions_at_border"].fillna(0) > 0
    if "quality" in cases:
        worse = [word for word in words_in(cases["quality"]) if word not in USUAL]
        found |= {f"quality: {word}": cases["quality"] == word for word in worse}
    for column, (low, high) in OUTLIERS.items():
        if column not in cases:
            continue
        # On a logarithmic scale: volumes of a cohort are skewed, and half is as odd as double.
        z = robust_z(np.log10(cases[column].clip(lower=0) + 0.1))
        found |= {
            words: far for words, far in ((high, z > OUTLIER_Z), (low, z < -OUTLIER_Z)) if words
        }
    said: list[list[str]] = [[] for _ in range(len(cases))]
    for words, marks in found.items():
        for place in marks.to_numpy(dtype=bool).nonzero()[0]:
            said[place].append(words)
    return pd.Series([", ".join(words) for words in said], cases.index, dtype="str")


def robust_z(values: "pd.Series[float]") -> "pd.Series[float]":
    """Return modified z-scores: distance from the median in units of the median distance.

    Iglewicz and Hoaglin, How to Detect and Handle Outliers, 1993. All 0 where half of the
    values are the same, and where there are fewer than five.
    """
    known = values.astype(float)
    distance = (known - known.median()).abs().median()
    if known.notna().sum() < FEWEST_FOR_OUTLIERS or not distance > 0:
        return known * 0.0
    return 0.6745 * (known - known.median()) / distance
