"""Cohort statistics: mean, median, standard deviation, bootstrap intervals."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

FEWEST_CASES = 2  # with a single one there is no spread

SUMMARY_COLUMNS: dict[str, str] = {
    "metric": "Column of the case table that is summarised.",
    "n": "Cases with a value.",
    "n_missing": "Cases without one (undefined for that case); "
    "left out of everything else in the row.",
    "mean": "Mean over cases, in the metric's unit.",
    "median": "Median over cases.",
    "sd": "Standard deviation over cases (n - 1); undefined for one case.",
    "ci_low": "Lower end of the 95 % bootstrap interval of the mean; undefined for one case.",
    "ci_high": "Upper end of the 95 % bootstrap interval of the mean; undefined for one case.",
}


def bootstrap_interval(
    values: ArrayLike,
    statistic: Callable[[NDArray[np.float64]], float | np.floating] = np.mean,
    level: float = 0.95,
    seed: int = 0,
    n: int = 2000,
) -> tuple[float, float]:
    """Estimate the uncertainty of a statistic over cases: percentile bootstrap.

    Cases are drawn with replacement, as many as there are, ``n`` times (Efron, Annals
    of Statistics 1979). The same values and seed give the same interval, in whatever
    order the values come.

    Parameters
    ----------
    values : (N,) floats
        One number per case; NaN and infinite ones are left out.
    statistic : callable
        From (N,) float64 to a number.
    level : float in (0, 1)
        Coverage of the interval.
    seed : int
        Seed of the draws.
    n : int
        Number of draws.

    Returns
    -------
    low, high : float
        Ends of the interval. Both NaN with fewer than two values: one case says nothing
        about the spread between cases, and an interval of width 0 would claim certainty.

    Raises
    ------
    ValueError
        If ``level`` is not between 0 and 1 or ``n`` is below 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, got {level}")
    if n < 1:
        raise ValueError(f"n must be at least 1 draw, got {n}")
    known = np.asarray(values, dtype=np.float64).ravel()
    known = np.sort(known[np.isfinite(known)])
    if known.size < FEWEST_CASES:
        return float("nan"), float("nan")
    draws = np.random.default_rng(seed).integers(0, known.size, size=(n, known.size))
    estimates = [float(statistic(known[draw])) for draw in draws]
    low, high = np.quantile(estimates, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def summarise(cases: pd.DataFrame) -> pd.DataFrame:
    """Summarise every numeric column of a table with one row per case.

    Parameters
    ----------
    cases : DataFrame
        One row per case; columns that are not numbers (names, flags) are passed over.

    Returns
    -------
    DataFrame
        One row per metric with the columns of `SUMMARY_COLUMNS`. Undefined values are
        NaN; a metric that no case has is NaN throughout, with ``n`` 0.
    """
    rows = []
    for metric in cases.select_dtypes("number").columns:
        values = cases[metric].to_numpy(dtype=np.float64)
        known = values[np.isfinite(values)]
        low, high = bootstrap_interval(known)
        rows.append(
            {
                "metric": str(metric),
                "n": known.size,
                "n_missing": values.size - known.size,
                "mean": mean(known),
                "median": median(known),
                "sd": standard_deviation(known),
                "ci_low": low,
                "ci_high": high,
            }
        )
    return pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS))


def mean(values: NDArray[np.float64]) -> float:
    """Mean of (N,) numbers; NaN of none, without a warning."""
    return float(values.mean()) if values.size else float("nan")


def median(values: NDArray[np.float64]) -> float:
    """Median of (N,) numbers; NaN of none, without a warning."""
    return float(np.median(values)) if values.size else float("nan")


def standard_deviation(values: NDArray[np.float64]) -> float:
    """Standard deviation of (N,) numbers with n - 1; NaN of fewer than two."""
    return float(values.std(ddof=1)) if values.size >= FEWEST_CASES else float("nan")
