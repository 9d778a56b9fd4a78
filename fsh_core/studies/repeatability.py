"""Repeatability: within-case deviation, coefficient of variation, intraclass correlations."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from fsh_core.studies.bland_altman import LIMIT_SD, Estimate
from fsh_core.studies.statistics import FEWEST_FOR_AN_INTERVAL, FEWEST_PATIENTS

_TABLE_AXES = 2  # cases, measurements
_FEWEST_SESSIONS = 2

REPEATABILITY_COLUMNS: dict[str, str] = {
    "quantity": "What was measured repeatedly, with its unit.",
    "n_cases": "Cases that have every measurement.",
    "n_patients": "Patients of these cases; each counts once, and its cases share that.",
    "n_measurements": "Measurements (raters or scans) of each case.",
    "mean": "Mean over cases and measurements, in the quantity's unit.",
    "within_case_sd": "Standard deviation of the measurements of one case, "
    "root mean square over cases.",
    "repeatability_coefficient": "Two measurements of a case differ by less in 95 % of cases: "
    "1.96 √2 within_case_sd.",
    "cv_fraction": "Coefficient of variation: standard deviation over mean of a case, root mean "
    "square over cases; cases whose mean is 0 are left out.",
    "icc_2_1": "Intraclass correlation for absolute agreement of single measurements, ICC(2,1); "
    "undefined for one patient or where no two numbers differ.",
    "icc_2_1_low": "Lower end of its 95 % interval; undefined for fewer than 5 patients, or if "
    "measurements differ by constants only.",
    "icc_2_1_high": "Upper end of its 95 % interval.",
    "icc_3_1": "Intraclass correlation for consistency, ICC(3,1): "
    "constant differences do not count.",
    "icc_3_1_low": "Lower end of its 95 % interval; undefined for fewer than 5 patients, or if "
    "measurements differ by constants only.",
    "icc_3_1_high": "Upper end of its 95 % interval.",
}
"""Every column of the repeatability table and what it holds, with its unit."""


@dataclass(frozen=True)
class _MeanSquares:
    """Two-way analysis of variance: between cases, between measurements, and what is left."""

    cases: float
    measurements: float
    error: float


def repeatability(
    quantity: str, values: ArrayLike, patients: ArrayLike | None = None
) -> dict[str, object]:
    """Summarise repeated measurements of one quantity.

    The coefficient of variation and the within-case standard deviation are root mean
    squares over cases (Glüer et al., Osteoporosis International 1995, doi
    10.1007/BF01774016); the repeatability coefficient is Bland and Altman's.

    Parameters
    ----------
    quantity : str
        Its name, with the unit.
    values : (N, K) floats
        One row per case, one column per measurement (rater or scan); rows with a missing
        value are left out.
    patients : (N,) of names or None
        Whose case it is; None if every case is another patient's. The cases of a patient share
        the weight of one.

    Returns
    -------
    dict
        The columns of `REPEATABILITY_COLUMNS`; NaN where undefined.

    Raises
    ------
    ValueError
        If there are fewer than two measurements.
    """
    table, weights = _complete(values, patients)
    cases, measurements = table.shape
    sd, means = table.std(axis=1, ddof=1), table.mean(axis=1)
    filled = means != 0
    ratios = sd[filled] / np.abs(means[filled])
    within = float(np.sqrt(_mean(sd**2, weights)))
    agreement, consistency = icc_agreement(values, patients), icc_consistency(values, patients)
    return {
        "quantity": quantity,
        "n_cases": cases,
        "n_patients": round(weights.sum()),
        "n_measurements": measurements,
        "mean": _mean(means, weights),
        "within_case_sd": within,
        "repeatability_coefficient": LIMIT_SD * 2**0.5 * within,
        "cv_fraction": float(np.sqrt(_mean(ratios**2, weights[filled]))),
        "icc_2_1": agreement.value,
        "icc_2_1_low": agreement.low,
        "icc_2_1_high": agreement.high,
        "icc_3_1": consistency.value,
        "icc_3_1_low": consistency.low,
        "icc_3_1_high": consistency.high,
    }


def icc_agreement(values: ArrayLike, patients: ArrayLike | None = None) -> Estimate:
    """ICC(2,1): absolute agreement of single measurements, raters taken at random.

    Shrout and Fleiss, Psychological Bulletin 1979 (doi 10.1037/0033-2909.86.2.420);
    interval by McGraw and Wong, Psychological Methods 1996.

    Parameters
    ----------
    values : (N, K) floats
        One row per case, one column per measurement; rows with a missing value are left
        out.
    patients : (N,) of names or None
        As for `repeatability`; the degrees of freedom are those of the patients.

    Returns
    -------
    Estimate
        All NaN with fewer than two patients or where no two numbers differ; the interval is
        NaN with fewer than five, and where nothing but constant differences is left.

    Raises
    ------
    ValueError
        If there are fewer than two measurements.
    """
    table, weights = _complete(values, patients)
    n, k = round(weights.sum()), table.shape[1]
    squares = _mean_squares(table, weights)
    spread = (
        squares.cases + (k - 1) * squares.error + k * (squares.measurements - squares.error) / n
        if n
        else 0.0
    )
    undefined = float("nan")
    if n < FEWEST_PATIENTS or spread <= 0:
        return Estimate(undefined, undefined, undefined)
    icc = (squares.cases - squares.error) / spread
    if squares.error == 0 or n < FEWEST_FOR_AN_INTERVAL:
        return Estimate(icc, undefined, undefined)
    ratio = squares.measurements / squares.error
    a, b = k * icc / (n * (1 - icc)), 1 + k * icc * (n - 1) / (n * (1 - icc))
    freedom = (a * ratio + b) ** 2 / ((a * ratio) ** 2 / (k - 1) + b**2 / ((n - 1) * (k - 1)))
    above, below = stats.f.ppf(0.975, n - 1, freedom), stats.f.ppf(0.975, freedom, n - 1)
    rest = k * squares.measurements + (k * n - k - n) * squares.error
    low = n * (squares.cases - above * squares.error) / (above * rest + n * squares.cases)
    high = n * (below * squares.cases - squares.error) / (rest + n * below * squares.cases)
    return Estimate(float(icc), float(low), float(high))


def icc_consistency(values: ArrayLike, patients: ArrayLike | None = None) -> Estimate:
    """ICC(3,1): consistency of single measurements, constant differences between them aside.

    Sources and undefined cases as for `icc_agreement`.

    Parameters
    ----------
    values : (N, K) floats
        One row per case, one column per measurement; rows with a missing value are left
        out.
    patients : (N,) of names or None
        As for `repeatability`; the degrees of freedom are those of the patients.
    """
    table, weights = _complete(values, patients)
    n, k = round(weights.sum()), table.shape[1]
    squares = _mean_squares(table, weights)
    spread = squares.cases + (k - 1) * squares.error
    undefined = float("nan")
    if n < FEWEST_PATIENTS or spread <= 0:
        return Estimate(undefined, undefined, undefined)
    icc = (squares.cases - squares.error) / spread
    if squares.error == 0 or n < FEWEST_FOR_AN_INTERVAL:
        return Estimate(icc, undefined, undefined)
    ratio, left = squares.cases / squares.error, (n - 1) * (k - 1)
    low, high = ratio / stats.f.ppf(0.975, n - 1, left), ratio * stats.f.ppf(0.975, left, n - 1)
    return Estimate(
        float(icc), float((low - 1) / (low + k - 1)), float((high - 1) / (high + k - 1))
    )


def _mean(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    return float(np.average(values, weights=weights)) if values.size else float("nan")


def _complete(
    values: ArrayLike, patients: ArrayLike | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rows without a missing value, and their weights: 1 for each patient, shared by its cases."""
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != _TABLE_AXES or table.shape[1] < _FEWEST_SESSIONS:
        raise ValueError(
            "values must be cases by measurements, with at least two of these, "
            f"got shape {table.shape}"
        )
    is_complete = np.isfinite(table).all(axis=1)
    table = table[is_complete]
    if patients is None:
        return table, np.ones(len(table))
    names = pd.Series(np.asarray(patients, dtype=object).ravel()[is_complete])
    return table, 1 / names.groupby(names).transform("size").to_numpy(dtype=np.float64)


def _mean_squares(table: NDArray[np.float64], weights: NDArray[np.float64]) -> _MeanSquares:
    """Mean squares of a two-way layout without replication; what is within rounding of 0 is 0."""
    n, k = round(weights.sum()), table.shape[1]
    if n < FEWEST_PATIENTS:
        return _MeanSquares(0.0, 0.0, 0.0)
    centred = table - _mean(table.mean(axis=1), weights)
    by_case, by_measurement = centred.mean(axis=1), weights @ centred / n
    rest = ((centred - by_case[:, None] - by_measurement) ** 2).sum(axis=1)
    error = float(weights @ rest) / ((n - 1) * (k - 1))
    rounding = 1e-24 * float((table**2).max())
    cases = float(weights @ by_case**2) * k / (n - 1)
    measurements = float((by_measurement**2).sum()) * n / (k - 1)
    return _MeanSquares(
        *(0.0 if square <= rounding else square for square in (cases, measurements, error))
    )
