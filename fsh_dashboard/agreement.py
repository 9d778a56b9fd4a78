"""Agreement over a cohort: intervals by group, Bland and Altman's limits, two results paired."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import wilcoxon

from fsh_core.evaluation.statistics import bootstrap_interval

LIMIT = 1.96


class BlandAltman(NamedTuple):
    """Agreement of two measurements of the same thing.

    Attributes
    ----------
    n : int
        Pairs.
    bias, sd : float
        Mean and standard deviation of the differences.
    low, high : float
        95 % limits of agreement: bias ± 1.96 sd.
    bias_half_width, limit_half_width : float
        Half the width of the approximate 95 % intervals of bias and of each limit.
    """

    n: int
    bias: float
    sd: float
    low: float
    high: float
    bias_half_width: float
    limit_half_width: float


def bland_altman(reference: "pd.Series[float]", prediction: "pd.Series[float]") -> BlandAltman | None:
    """Compute bias and limits of agreement of ``prediction - reference``.

    Bland and Altman, Statistical Methods in Medical Research 1999: the standard error of
    a limit is about sqrt(3 / n) times the standard deviation. None with fewer than two
    pairs.
    """
    difference = (prediction - reference).dropna()
    n = len(difference)
    if n < 2:
        return None
    bias, sd = float(difference.mean()), float(difference.std(ddof=1))
    half = LIMIT * sd
    return BlandAltman(n, bias, sd, bias - half, bias + half, half / np.sqrt(n), half * np.sqrt(3 / n))


def by_group(cases: pd.DataFrame, metrics: Sequence[str], group: str | None = None) -> pd.DataFrame:
    """Summarise metrics, each with a 95 % bootstrap interval of its mean, over all cases or by group.

    Returns
    -------
    DataFrame
        ``metric``, ``group``, ``n``, ``mean``, ``ci_low``, ``ci_high``, ``median``; a
        missing group is called ``n/a``.
    """
    groups = [("all", cases)]
    if group is not None:
        groups += list(cases.assign(**{group: cases[group].fillna("n/a").astype(str)}).groupby(group, sort=True))
    rows = []
    for metric in metrics:
        for name, part in groups:
            values = part[metric].dropna()
            low, high = bootstrap_interval(values)
            mean, median = (float(values.mean()), float(values.median())) if len(values) else (np.nan, np.nan)
            rows.append((metric, name, len(values), mean, low, high, median))
    return pd.DataFrame(rows, columns=["metric", "group", "n", "mean", "ci_low", "ci_high", "median"])


def paired(first: pd.DataFrame, second: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Pair two results by case.

    Returns
    -------
    DataFrame
        ``case``, ``first``, ``second`` and ``difference`` (second minus first), for the
        cases in which both have a value.
    """
    both = first[["case", metric]].merge(second[["case", metric]], on="case", suffixes=("_1", "_2")).dropna()
    both = both.rename(columns={f"{metric}_1": "first", f"{metric}_2": "second"})
    return both.assign(difference=both["second"] - both["first"]).reset_index(drop=True)


def paired_test(pairs: pd.DataFrame) -> tuple[float, float, float, float]:
    """Return mean difference, its 95 % bootstrap interval, and Wilcoxon's signed-rank p (NaN below 6 pairs)."""
    differences = pairs["difference"].to_numpy(dtype=float)
    low, high = bootstrap_interval(differences)
    mean = float(differences.mean()) if differences.size else float("nan")
    enough = np.count_nonzero(differences) >= 6  # with fewer, no p can fall below 0.05
    return mean, low, high, float(wilcoxon(differences).pvalue) if enough else float("nan")
