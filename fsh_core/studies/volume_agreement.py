"""Lesion volumes of a cohort: bias and limits in ml, percent and as a ratio, by lesion load."""

from typing import get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from fsh_core.studies.bland_altman import Scale, bland_altman

SCALES: tuple[Scale, ...] = get_args(Scale)
SCALE_NAMES = {
    "ml": "Difference (ml)",
    "percent": "Difference (% of the mean)",
    "ratio": "Ratio",
}
# Bounds of the mean of both volumes, in ml.
LOADS: dict[str, tuple[float, float]] = {
    "all": (0.0, np.inf),
    "below 5 ml": (0.0, 5.0),
    "5 to 15 ml": (5.0, 15.0),
    "above 15 ml": (15.0, np.inf),
}
VOLUME_COLUMNS: dict[str, str] = {
    "scale": "ml: prediction minus reference. percent: that in percent of their mean. ratio: "
    "prediction over reference, computed from logarithms.",
    "load": "Mean of both volumes of the cases in the row.",
    "n": "Cases with a difference on this scale.",
    "n_patients": "Patients of these cases: the visits of one are averaged for the bias.",
    "n_left_out": "Cases without one: both volumes 0 (percent), or one of them (ratio).",
    "bias": "Mean difference over patients; of ratios the geometric mean.",
    "bias_low": "Lower end of its 95 % bootstrap interval; undefined for fewer than 5 patients.",
    "bias_high": "Upper end of that interval.",
    "lower": "Lower 95 % limit of agreement (Bland and Altman) of one scan; undefined for fewer "
    "than 5 patients.",
    "lower_low": "Lower end of its 95 % interval.",
    "lower_high": "Upper end of its 95 % interval.",
    "upper": "Upper 95 % limit of agreement.",
    "upper_low": "Lower end of its 95 % interval.",
    "upper_high": "Upper end of its 95 % interval.",
    "slope": "Proportional bias: by how much the difference grows with each ml of the mean (of "
    "the ratio: its logarithm with that of the mean); undefined for fewer than 5 patients.",
    "slope_low": "Lower end of its 95 % interval.",
    "slope_high": "Upper end of its 95 % interval.",
}
"""Every column of the table of volumes and what it holds, with its unit."""


def volume_agreement(
    reference_ml: ArrayLike, prediction_ml: ArrayLike, patients: ArrayLike | None = None
) -> pd.DataFrame:
    """Compute bias and limits of agreement on every scale and for every lesion load.

    Parameters
    ----------
    reference_ml, prediction_ml : (N,) floats
        Volumes of the same cases in the same order.
    patients : (N,) of names or None
        Whose case it is; None if every case is another patient's.

    Returns
    -------
    DataFrame
        One row per scale and load, with the columns of `VOLUME_COLUMNS`.
    """
    first = np.asarray(reference_ml, dtype=np.float64).ravel()
    second = np.asarray(prediction_ml, dtype=np.float64).ravel()
    names = None if patients is None else np.asarray(patients, dtype=object).ravel()
    means = (first + second) / 2
    rows = []
    for scale in SCALES:
        for load, (low, high) in LOADS.items():
            inside = (means >= low) & (means < high)
            inner = None if names is None else names[inside]
            found = bland_altman(first[inside], second[inside], inner, scale)
            row: dict[str, object] = {"scale": scale, "load": load, "n": found.n}
            row |= {"n_patients": found.patients, "n_left_out": found.n_left_out}
            for name in ("bias", "lower", "upper", "slope"):
                estimate = getattr(found, name)
                row[name] = estimate.value
                row[f"{name}_low"], row[f"{name}_high"] = estimate.low, estimate.high
            rows.append(row)
    return pd.DataFrame(rows, columns=list(VOLUME_COLUMNS))
