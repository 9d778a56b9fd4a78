"""Cohort statistics by patient: mean, median, standard deviation, bootstrap intervals.

The visits of a patient are alike, so that they say less than as many patients would. Everywhere
a patient's visits are averaged first, and each patient counts once.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from fsh_core.cases.names import patient_of

FEWEST_PATIENTS = 2  # with a single one there is no spread
FEWEST_FOR_AN_INTERVAL = 5  # patients; of fewer, a bootstrap shows little but the extremes

SUMMARY_COLUMNS: dict[str, str] = {
    "metric": "Column of the case table that is summarised.",
    "n": "Cases with a value.",
    "n_patients": "Patients with a value: the visits of one are averaged, and each counts once.",
    "n_missing": "Cases without one (undefined for that case); "
    "left out of everything else in the row.",
    "mean": "Mean over patients, in the metric's unit.",
    "median": "Median over patients.",
    "sd": "Standard deviation over patients (n - 1); undefined for one.",
    "ci_low": "Lower end of the 95 % bootstrap interval of the mean over patients; undefined for "
    "fewer than 5.",
    "ci_high": "Upper end of that interval.",
}


def patients_of(cases: pd.DataFrame) -> NDArray[np.object_]:
    """Return the patient of every row of a case table.

    By its column ``subject``, or else by the name in ``case``; without either every row is a
    patient of its own.
    """
    names: list[Any] = list(range(len(cases)))
    if "subject" in cases:
        names = [str(subject) for subject in cases["subject"]]
    elif "case" in cases:
        names = [patient_of(str(case)) for case in cases["case"]]
    return np.array(names, dtype=object)


def patient_means(values: ArrayLike, patients: ArrayLike | None = None) -> NDArray[np.float64]:
    """Average the values of each patient.

    Parameters
    ----------
    values : (N,) floats
        One per case; NaN and infinite ones are left out.
    patients : (N,) of names or None
        Whose case it is; None if every case is another patient's.

    Returns
    -------
    (P,) float64
        One per patient who has a value, ascending.
    """
    known = np.asarray(values, dtype=np.float64).ravel()
    finite = np.isfinite(known)
    if patients is None:
        return np.sort(known[finite])
    names = np.asarray(patients, dtype=object).ravel()
    means = pd.Series(known[finite]).groupby(names[finite]).mean()
    return np.sort(means.to_numpy(dtype=np.float64))


def bootstrap_interval(
    values: ArrayLike,
    statistic: Callable[..., Any] = np.mean,
    level: float = 0.95,
    seed: int = 0,
    n: int = 2000,
    patients: ArrayLike | None = None,
) -> tuple[float, float]:
    """Estimate the uncertainty of a statistic over patients: percentile bootstrap.

    Patients are drawn with replacement, as many as there are, ``n`` times (Efron, Annals
    of Statistics 1979; `scipy.stats.bootstrap`). The same values and seed give the same
    interval, in whatever order the values come.

    Parameters
    ----------
    values : (N,) floats
        One number per case; NaN and infinite ones are left out.
    statistic : callable
        Of numpy, with an ``axis``; of the patients' means.
    level : float in (0, 1)
        Coverage of the interval.
    seed : int
        Seed of the draws.
    n : int
        Number of draws.
    patients : (N,) of names or None
        Whose case it is; None if every case is another patient's.

    Returns
    -------
    low, high : float
        Ends of the interval. Both NaN with fewer than five patients: the interval of two is
        their minimum and maximum, and covers the mean in half of all samples.

    Raises
    ------
    ValueError
        If ``level`` is not between 0 and 1 or ``n`` is below 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, got {level}")
    if n < 1:
        raise ValueError(f"n must be at least 1 draw, got {n}")
    known = patient_means(values, patients)
    if known.size < FEWEST_FOR_AN_INTERVAL:
        return float("nan"), float("nan")
    from scipy import stats  # a third of a second, for intervals alone

    found = stats.bootstrap(
        (known,),
        statistic,
        n_resamples=n,
        confidence_level=level,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return float(found.low), float(found.high)


def summarise(cases: pd.DataFrame, metrics: Sequence[str] | None = None) -> pd.DataFrame:
    """Summarise every numeric column of a table with one row per case.

    Parameters
    ----------
    cases : DataFrame
        One row per case, with the patient as in `patients_of`; columns that are not numbers
        (names, flags) are passed over.
    metrics : sequence of str or None
        The columns to summarise; None for all numbers but ``subject``.

    Returns
    -------
    DataFrame
        One row per metric with the columns of `SUMMARY_COLUMNS`. Undefined values are
        NaN; a metric that no case has is NaN throughout, with ``n`` 0.
    """
    rows = []
    patients = patients_of(cases)
    if metrics is None:
        numbers = cases.select_dtypes("number").columns
        metrics = [str(name) for name in numbers if name != "subject"]
    for metric in metrics:
        values = cases[metric].to_numpy(dtype=np.float64)
        known = patient_means(values, patients)
        low, high = bootstrap_interval(values, patients=patients)
        n = int(np.isfinite(values).sum())
        rows.append(
            {
                "metric": str(metric),
                "n": n,
                "n_patients": known.size,
                "n_missing": values.size - n,
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
    return float(values.std(ddof=1)) if values.size >= FEWEST_PATIENTS else float("nan")
