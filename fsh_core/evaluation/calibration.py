"""Calibration: reliability of probabilities, and retention curve."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BINS = 10
_SEEN = 0.01  # voxels of lower probability are air and plain tissue: counting them would flatter


def reliability(cases: Sequence[tuple[NDArray[np.float32], NDArray[np.bool_]]]) -> dict[str, Any]:
    """Predicted probability against observed frequency of lesion voxels, patients weighing equally.

    Over voxels of probability 0.01 or more. The expected calibration error is the mean
    distance of the two, weighted by voxels (Guo et al., ICML 2017, arXiv 1706.04599).

    Parameters
    ----------
    cases : sequence of ((N,) float32, (N,) bool)
        Probability and reference of each patient's brain voxels.

    Returns
    -------
    dict
        Plain JSON: ``bins`` as of `reliability_bins`, ``expected_calibration_error``, and
        ``from_probability``, the lowest that was counted.
    """
    probability, real, weight = [], [], []
    for values, reference in cases:
        seen = values >= _SEEN
        probability.append(values[seen].astype(np.float64))
        real.append(reference[seen].astype(np.float64))
        weight.append(np.full(int(seen.sum()), 1 / max(1, int(seen.sum()))))
    bins = reliability_bins(
        np.concatenate(probability), np.concatenate(real), np.concatenate(weight)
    )
    error = sum(part["share"] * abs(part["probability"] - part["real"]) for part in bins)
    return {
        "bins": bins,
        "expected_calibration_error": round(float(error), 4),
        "from_probability": _SEEN,
    }


def reliability_bins(
    chance: NDArray[np.float64],
    real: NDArray[np.float64],
    weight: NDArray[np.float64] | None = None,
) -> list[dict[str, float]]:
    """Predicted probability against observed frequency, in ten bins; empty ones are left out.

    Parameters
    ----------
    chance : (N,) float in [0, 1]
        Predicted probabilities.
    real : (N,) float in {0, 1}
        Outcomes.
    weight : (N,) float, optional
        How much each counts.

    Returns
    -------
    list of dict
        ``probability`` (mean), ``real`` (observed frequency), ``share`` of the weight, and
        ``count``.
    """
    weight = np.ones(len(chance)) if weight is None else weight
    which = np.minimum((chance * _BINS).astype(int), _BINS - 1)
    rows = []
    for number in np.unique(which):
        inside = which == number
        total = float(weight[inside].sum())
        rows.append(
            {
                "probability": round(float(weight[inside] @ chance[inside]) / total, 4),
                "real": round(float(weight[inside] @ real[inside]) / total, 4),
                "share": round(total / float(weight.sum()), 4),
                "count": int(inside.sum()),
            }
        )
    return rows


def retention_curve(chance: NDArray[np.float64], real: NDArray[np.bool_]) -> list[dict[str, float]]:
    """Say how precise the lesions are that remain when the least sure are left to a reader.

    Parameters
    ----------
    chance : (N,) float
        How sure each lesion is.
    real : (N,) bool
        Whether it is in the reference.

    Returns
    -------
    list of dict
        ``retained``, the share of lesions kept, surest first, and ``precision`` among them;
        nothing without lesions.
    """
    if not len(chance):
        return []
    ordered = real[np.argsort(-chance, kind="stable")].astype(np.float64)
    kept = [max(1, round(len(ordered) * tenth / 10)) for tenth in range(1, 11)]
    return [
        {"retained": tenth / 10, "precision": round(float(ordered[:count].mean()), 4)}
        for tenth, count in enumerate(kept, start=1)
    ]
