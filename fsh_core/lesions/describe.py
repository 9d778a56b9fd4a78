"""The lesion table of a segmented scan: measures, regions, flags and confidence."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fsh_core.anatomy.template import Anatomy
from fsh_core.lesions.confidence import CONFIDENCE_COLUMNS, Calibration
from fsh_core.lesions.flags import FLAG_COLUMN, lesion_flags
from fsh_core.lesions.measure import LESION_COLUMNS, lesion_table
from fsh_core.lesions.regions import REGION_COLUMNS, region_table
from fsh_core.lesions.split import split_confluent
from fsh_core.lesions.uncertainty import least_member_probability, structural_uncertainty
from fsh_core.volume.volume import Volume

DESCRIBED_COLUMNS: dict[str, str] = {
    **LESION_COLUMNS,
    **REGION_COLUMNS,
    **CONFIDENCE_COLUMNS,
    "parts": "Parts into which it falls when cut at its narrow places; 1 = not confluent, empty "
    "unless asked for.",
    "flags": FLAG_COLUMN,
}
"""Every column of the table of a segmented scan and what it holds, with its unit."""

TEXT_COLUMNS = ("region", "flags")
WHOLE_COLUMNS = ("label", "voxels", "inside_i", "inside_j", "inside_k")


def describe_lesions(
    labels: NDArray[np.int32],
    flair: Volume,
    brain: NDArray[np.bool_],
    probability: NDArray[np.float32],
    members: Sequence[NDArray[np.float32]],
    threshold: float,
    *,
    anatomy: Anatomy | None = None,
    calibration: Calibration | None = None,
    scan_uncertainty: float = float("nan"),
    split: bool = False,
) -> pd.DataFrame:
    """Make the lesion table: measures, regions, flags and confidence of every lesion.

    Parameters
    ----------
    labels : (I, J, K) int32
        1 to N.
    flair : Volume
        The scan, (I, J, K).
    brain : (I, J, K) bool
        Where the brain is.
    probability : (I, J, K) float32 in [0, 1]
        Lesion probability.
    members : sequence of (I, J, K) float32 in [0, 1]
        Those of an ensemble's members; fewer than two are no ensemble.
    threshold : float
        Probability from which a voxel is lesion.
    anatomy : Anatomy, optional
        Regions; without them ``region`` is empty and some flags are left out.
    calibration : Calibration, optional
        Of the weights; without it ``confidence`` is empty.
    scan_uncertainty : float
        `fsh_core.lesions.confidence.patient_uncertainty` of the scan, which the calibration wants.
    split : bool
        Whether to count the parts of confluent lesions; else ``parts`` is empty.

    Returns
    -------
    DataFrame
        One row per lesion, columns `DESCRIBED_COLUMNS`.
    """
    lesions = lesion_table(labels, flair, probability, brain)
    with ThreadPoolExecutor() as pool:  # three questions that do not wait for each other
        placed = pool.submit(region_table, labels, lesions, flair, anatomy or _NOT_ASKED)
        flags = pool.submit(lesion_flags, labels, lesions, flair, brain, anatomy)
        uncertainty = pool.submit(structural_uncertainty, labels, members, threshold)
    columns: dict[str, Any] = {
        "least_member_probability": least_member_probability(labels, members),
        "uncertainty": uncertainty.result(),
        "confidence": np.nan,
        "parts": _count_parts(labels, flair, lesions) if split else np.nan,
        "flags": flags.result().to_numpy(),
    }
    table = pd.concat([lesions, placed.result().set_axis(lesions.index)], axis=1).assign(**columns)
    if calibration is not None:
        table["confidence"] = calibration.confidence(table, scan_uncertainty)
    return table[list(DESCRIBED_COLUMNS)]


def _count_parts(
    labels: NDArray[np.int32], flair: Volume, lesions: pd.DataFrame
) -> NDArray[np.float64]:
    """Count into how many parts each lesion falls."""
    split = split_confluent(labels, flair.spacing_mm)
    whole = np.zeros(int(split.max(initial=0)) + 1, np.int64)
    whole[split.ravel()] = labels.ravel()
    counts = np.bincount(whole[1:], minlength=int(labels.max(initial=0)) + 1)
    return np.asarray(counts[lesions["label"].to_numpy()], dtype=np.float64)


_NOT_ASKED = Anatomy(None, None, float("nan"), "regions were not asked for")
