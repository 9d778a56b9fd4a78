"""Paired comparison of two methods: differences, intervals, Wilcoxon's test."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from fsh_core.studies.statistics import (
    bootstrap_interval,
    mean,
    median,
    patient_means,
    patients_of,
)

FEWEST_FOR_A_TEST = 6
_DECIMALS = 10

PAIRED_COLUMNS: dict[str, str] = {
    "metric": "Column of the case tables that is compared.",
    "n": "Cases in which both methods have a value.",
    "n_patients": "Patients of these cases: the visits of one are averaged, and each counts once.",
    "n_missing": "Cases in which one or both have none; left out of everything else in the row.",
    "mean_first": "Mean of the first method over these patients, in the metric's unit.",
    "mean_second": "Mean of the second method over the same patients.",
    "mean_difference": "Mean of second minus first.",
    "ci_low": "Lower end of the 95 % bootstrap interval of the mean difference over patients; "
    "undefined for fewer than 5.",
    "ci_high": "Upper end of that interval.",
    "median_difference": "Median of second minus first.",
    "n_higher": "Patients in which the second is higher.",
    "n_lower": "Patients in which the second is lower; the others are equal.",
    "wilcoxon_p": "Two-sided p of Wilcoxon's signed-rank test, not adjusted for the number of "
    "metrics; undefined with fewer than 6 patients who differ.",
}


def compare_methods(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Compare two methods patient by patient, metric by metric.

    The differences of a patient's cases are averaged first. Wilcoxon's signed-rank test
    (Biometrics Bulletin 1945; scipy, patients without a difference left out, exact where
    there are few) asks whether the differences
    lie to one side of 0. With fewer than 6 of them no p can fall below 0.05, so there is
    none. The interval of the mean difference is a bootstrap over patients with a fixed seed.

    Parameters
    ----------
    first, second : DataFrame
        Case tables of `fsh_core.studies.evaluate.evaluate_folders`; cases are matched
        by ``case``, and those of one table only are passed over.

    Returns
    -------
    DataFrame
        One row per numeric column that both have, with the columns of `PAIRED_COLUMNS`.
    """
    first, second = first.set_index("case"), second.set_index("case")
    cases = first.index.intersection(second.index)
    patients = patients_of(first.loc[cases].reset_index())
    metrics = [name for name in first.select_dtypes("number").columns if name in second.columns]
    rows = [
        _row(
            str(metric),
            first.loc[cases, metric].to_numpy(dtype=float),
            second.loc[cases, metric].to_numpy(dtype=float),
            patients,
        )
        for metric in metrics
    ]
    return pd.DataFrame(rows, columns=list(PAIRED_COLUMNS))


def _row(
    metric: str,
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    patients: NDArray[np.object_],
) -> dict[str, object]:
    both = np.isfinite(first) & np.isfinite(second)
    first, second, patients = first[both], second[both], patients[both]
    n = first.size
    # Rounded, so that what is equal on paper ties in the ranks, and what is nothing is 0.
    differences = np.round(patient_means(second - first, patients), _DECIMALS)
    low, high = bootstrap_interval(differences)
    return {
        "metric": metric,
        "n": n,
        "n_patients": differences.size,
        "n_missing": both.size - n,
        "mean_first": mean(patient_means(first, patients)),
        "mean_second": mean(patient_means(second, patients)),
        "mean_difference": mean(differences),
        "ci_low": low,
        "ci_high": high,
        "median_difference": median(differences),
        "n_higher": int((differences > 0).sum()),
        "n_lower": int((differences < 0).sum()),
        "wilcoxon_p": signed_rank_p(differences),
    }


def signed_rank_p(differences: NDArray[np.float64]) -> float:
    """Two-sided p of Wilcoxon's signed-rank test.

    Parameters
    ----------
    differences : (N,) float
        One per patient; those that are 0 are left out, as Wilcoxon did.

    Returns
    -------
    float
        NaN with fewer than 6 differences that are not 0.
    """
    unequal = differences[differences != 0]
    return (
        float(stats.wilcoxon(unequal).pvalue) if unequal.size >= FEWEST_FOR_A_TEST else float("nan")
    )
