"""Paired comparison of two methods: differences, intervals, Wilcoxon's test."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from fsh_core.studies.statistics import bootstrap_interval, mean, median

FEWEST_FOR_A_TEST = 6
_DECIMALS = 10

PAIRED_COLUMNS: dict[str, str] = {
    "metric": "Column of the case tables that is compared.",
    "n": "Cases in which both methods have a value.",
    "n_missing": "Cases in which one or both have none; left out of everything else in the row.",
    "mean_first": "Mean of the first method over those cases, in the metric's unit.",
    "mean_second": "Mean of the second method over the same cases.",
    "mean_difference": "Mean of second minus first.",
    "ci_low": "Lower end of the 95 % bootstrap interval of the mean difference; "
    "undefined for one case.",
    "ci_high": "Upper end of the 95 % bootstrap interval of the mean difference; "
    "undefined for one case.",
    "median_difference": "Median of second minus first.",
    "n_higher": "Cases in which the second is higher.",
    "n_lower": "Cases in which the second is lower; the others are equal.",
    "wilcoxon_p": "Two-sided p of Wilcoxon's signed-rank test, not adjusted for the number of "
    "metrics; undefined with fewer than 6 cases that differ.",
}


def compare_methods(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Compare two methods case by case, metric by metric.

    Wilcoxon's signed-rank test (Biometrics Bulletin 1945; scipy, cases without a
    difference left out, exact where there are few cases) asks whether the differences
    lie to one side of 0. With fewer than 6 of them no p can fall below 0.05, so there is
    none. The interval of the mean difference is a bootstrap over cases with a fixed seed.

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
    metrics = [name for name in first.select_dtypes("number").columns if name in second.columns]
    rows = [
        _row(
            str(metric),
            first.loc[cases, metric].to_numpy(dtype=float),
            second.loc[cases, metric].to_numpy(dtype=float),
        )
        for metric in metrics
    ]
    return pd.DataFrame(rows, columns=list(PAIRED_COLUMNS))


def _row(metric: str, first: NDArray[np.float64], second: NDArray[np.float64]) -> dict[str, object]:
    both = np.isfinite(first) & np.isfinite(second)
    first, second = first[both], second[both]
    # Rounded, so that what is equal on paper ties in the ranks, and what is nothing is 0.
    differences = np.round(second - first, _DECIMALS)
    n = differences.size
    low, high = bootstrap_interval(differences)
    return {
        "metric": metric,
        "n": n,
        "n_missing": both.size - n,
        "mean_first": mean(first),
        "mean_second": mean(second),
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
        One per case; those that are 0 are left out, as Wilcoxon did.

    Returns
    -------
    float
        NaN with fewer than 6 differences that are not 0.
    """
    unequal = differences[differences != 0]
    return (
        float(stats.wilcoxon(unequal).pvalue) if unequal.size >= FEWEST_FOR_A_TEST else float("nan")
    )
