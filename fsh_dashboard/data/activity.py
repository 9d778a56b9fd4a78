"""Activity of followed patients: who has new or enlarging lesions, and how many a year."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from fsh_core.follow_up.dates import DAYS_A_YEAR
from fsh_core.studies.statistics import FEWEST_FOR_AN_INTERVAL

ALL = "all"
LEVEL = 0.95
_DRAWS = 2000

ACTIVITY_COLUMNS: dict[str, str] = {
    "group": "Group of patients.",
    "patients": "Patients with an interval that counts.",
    "intervals": "Their intervals.",
    "active": "Patients with a new or an enlarging lesion in one of them.",
    "active_percent": "Share of the patients, in %.",
    "active_low": "Lower end of its 95 % interval (Clopper and Pearson); none for fewer than 5 "
    "patients.",
    "active_high": "Upper end of that interval.",
    "new": "New lesions.",
    "enlarging": "Enlarging lesions.",
    "years": "Years of observation, over the intervals with dates.",
    "dated_patients": "Patients with such an interval.",
    "new_per_year": "New lesions in the intervals with dates, per patient-year.",
    "new_per_year_low": "Lower end of its 95 % interval, by bootstrap over patients; none for "
    "fewer than 5 patients.",
    "new_per_year_high": "Upper end of that interval.",
}
"""Every column of `summarise_activity`."""


def by_patient(intervals: pd.DataFrame) -> pd.DataFrame:
    """Add up the intervals of each patient.

    Parameters
    ----------
    intervals : DataFrame
        From `fsh_dashboard.data.followed.read_patients`; only those that count.

    Returns
    -------
    DataFrame
        By patient: ``intervals``, ``new``, ``enlarging``, ``active``, and over the intervals
        whose later visit is later by its date ``years`` and ``dated_new``.
    """
    is_dated = intervals["days"] > 0
    rows = intervals.assign(
        intervals=1,
        years=intervals["days"].where(is_dated, 0.0) / DAYS_A_YEAR,
        dated_new=intervals["new"].where(is_dated, 0),
    )
    columns = ["intervals", "new", "enlarging", "years", "dated_new"]
    found = rows.groupby("patient", sort=True)[columns].sum()
    return found.assign(active=(found["new"] > 0) | (found["enlarging"] > 0))


def summarise_activity(
    intervals: pd.DataFrame, groups: "pd.Series[Any] | None" = None
) -> pd.DataFrame:
    """Count the active patients and the new lesions a year, over all patients and by group.

    Parameters
    ----------
    intervals : DataFrame
        Those that count, see `by_patient`.
    groups : Series or None
        Group by patient; a missing one is called ``n/a``.

    Returns
    -------
    DataFrame
        One row for all patients and one a group, columns `ACTIVITY_COLUMNS`.
    """
    patients = by_patient(intervals)
    parts: Iterable[tuple[str, pd.DataFrame]] = [(ALL, patients)]
    if groups is not None:
        names = groups.reindex(patients.index).astype("object").fillna("n/a").astype(str)
        parts = [(ALL, patients), *patients.groupby(names, sort=True)]
    return pd.DataFrame(
        [{"group": str(name), **_summary(part)} for name, part in parts],
        columns=list(ACTIVITY_COLUMNS),
    )


def _summary(patients: pd.DataFrame) -> dict[str, Any]:
    n, active = len(patients), int(patients["active"].sum())
    dated = patients[patients["years"] > 0]
    events, years = int(dated["dated_new"].sum()), float(dated["years"].sum())
    low, high = share_interval(active, n)
    rate_low, rate_high = rate_interval(
        dated["dated_new"].to_numpy(dtype=float), dated["years"].to_numpy(dtype=float)
    )
    return {
        "patients": n,
        "intervals": int(patients["intervals"].sum()),
        "active": active,
        "active_percent": 100 * active / n if n else float("nan"),
        "active_low": 100 * low,
        "active_high": 100 * high,
        "new": int(patients["new"].sum()),
        "enlarging": int(patients["enlarging"].sum()),
        "years": years,
        "dated_patients": len(dated),
        "new_per_year": events / years if years else float("nan"),
        "new_per_year_low": rate_low,
        "new_per_year_high": rate_high,
    }


def share_interval(count: int, n: int) -> tuple[float, float]:
    """Exact 95 % interval of a share of patients (Clopper and Pearson, Biometrika 1934).

    Returns
    -------
    low, high : float
        In [0, 1]; both NaN for fewer than five patients.
    """
    if n < FEWEST_FOR_AN_INTERVAL:
        return float("nan"), float("nan")
    found = stats.binomtest(count, n).proportion_ci(LEVEL, "exact")
    return float(found.low), float(found.high)


def rate_interval(events: NDArray[np.float64], years: NDArray[np.float64]) -> tuple[float, float]:
    """95 % interval of events per patient-year, by bootstrap over patients.

    A few patients have most of the lesions, so that an interval by Poisson's law would be too
    narrow. Where nobody has an event, drawing patients says nothing, and the upper end is the
    exact one of Poisson's law (Garwood, Biometrika 1936).

    Parameters
    ----------
    events, years : (P,) float64
        Of each patient; years above 0.

    Returns
    -------
    low, high : float
        Per year; both NaN for fewer than five patients.
    """
    if len(events) < FEWEST_FOR_AN_INTERVAL:
        return float("nan"), float("nan")
    if not events.any():
        return 0.0, float(stats.chi2.ppf((1 + LEVEL) / 2, 2) / 2 / years.sum())
    order = np.lexsort((years, events))  # the same patients in another order, the same interval
    found = stats.bootstrap(
        (events[order], years[order]),
        _rate,
        paired=True,
        vectorized=True,
        n_resamples=_DRAWS,
        confidence_level=LEVEL,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    return float(found.low), float(found.high)


def _rate(
    events: NDArray[np.float64], years: NDArray[np.float64], axis: int = -1
) -> NDArray[np.float64]:
    return np.asarray(events.sum(axis=axis) / years.sum(axis=axis))
