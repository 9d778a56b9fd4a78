"""A segmentation at another threshold, without the network running again."""

from dataclasses import replace

import numpy as np
import pandas as pd

from fsh_core.config import SegmentConfig
from fsh_core.lesions.describe import describe_lesions
from fsh_core.lesions.measure import lesion_table
from fsh_core.pipeline import LIVE_SETTINGS, Segmentation

LIVE = list(LIVE_SETTINGS)
_LISTED = (
    "label",
    "volume_mm3",
    "region",
    "uncertainty",
    "confidence",
    "mean_probability",
    "contrast",
)


def with_settings(found: Segmentation, config: SegmentConfig) -> Segmentation:
    """Find the lesions again; the table is left as it is.

    Parameters
    ----------
    found : Segmentation
        As the network left it.
    config : SegmentConfig
        The settings now; where they are those of the run, ``found`` itself is returned.
    """
    return found.rethreshold(config, describe=False)


def measured(found: Segmentation) -> Segmentation:
    """Measure the lesions; how sure the network's passes were of them is not known."""
    lesions = lesion_table(found.lesion_labels, found.flair, found.probability, found.brain)
    return replace(found, lesions=lesions)


def described(found: Segmentation) -> Segmentation:
    """Measure and flag the lesions of another threshold.

    In which region they lie and how sure the network's passes were of them, only a run can tell.
    """
    threshold = found.record.settings.threshold
    lesions = describe_lesions(
        found.lesion_labels, found.flair, found.brain, found.probability, (), threshold
    )
    return replace(found, lesions=lesions)


def in_words(found: Segmentation) -> str:
    """Say in a sentence or two what was found."""
    note, labels = found.record.brain.note, found.lesion_labels
    count, volume_ml = int(labels.max(initial=0)), found.flair.volume_ml(labels)
    noun = "lesion" if count == 1 else "lesions"
    sentence = f"{count} {noun}, {volume_ml:.2f} ml. {note[:1].upper()}{note[1:]}."
    return f"{sentence} {_doubts(found)}".strip()


def _doubts(found: Segmentation) -> str:
    """Say what speaks against relying on the scan, such as that it is no FLAIR."""
    quality = found.record.quality
    if quality is None or quality.verdict == "pass":
        return ""
    reasons = [check.reason for check in quality.checks if check.verdict == quality.verdict]
    return f"⚠ {quality.summary} {' '.join(reasons)}"


def listed(lesions: pd.DataFrame) -> pd.DataFrame:
    """Return the columns for the list, without those that say nothing."""
    table = lesions[[name for name in _LISTED if name in lesions]]
    if table.empty:
        return table
    known = table.replace("", np.nan).dropna(axis=1, how="all")
    if "region" in known:
        known["region"] = known["region"].fillna("").str.replace("_", " ")
    return known
