"""Groups of patients compared: arms, sites, or any other column that is the same for a patient."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from fsh_core.studies.statistics import (
    FEWEST_FOR_AN_INTERVAL,
    bootstrap_interval,
    mean,
    median,
    patients_of,
    standard_deviation,
)

GROUP_COLUMNS: dict[str, str] = {
    "number": "What is compared.",
    "group": "Group of patients.",
    "patients": "Patients with a value: the visits of one are averaged, and each counts once.",
    "scans": "Scans of these patients with a value.",
    "mean": "Mean over patients, in the number's unit.",
    "mean_low": "Lower end of its 95 % bootstrap interval over patients; none for fewer than 5.",
    "mean_high": "Upper end of that interval.",
    "median": "Median over patients.",
    "median_low": "Lower end of its 95 % bootstrap interval over patients; none for fewer than 5.",
    "median_high": "Upper end of that interval.",
    "sd": "Standard deviation over patients (n - 1); undefined for one.",
}
"""Every column of the table of groups and what it holds."""

DIFFERENCE_COLUMNS: dict[str, str] = {
    "number": "What is compared.",
    "group": "Group of patients.",
    "baseline": "The group that it is compared with.",
    "patients": "Patients of the group with a value.",
    "baseline_patients": "Patients of the other group with a value.",
    "difference": "Mean of the group minus mean of the baseline, over patients.",
    "difference_low": "Lower end of its 95 % bootstrap interval, drawing patients within each "
    "group; none for fewer than 5 patients in either.",
    "difference_high": "Upper end of that interval.",
    "p": "Two-sided p of the Mann-Whitney U test; none for fewer than 5 patients in either group.",
    "p_adjusted": "The same after Benjamini and Hochberg's correction for all tests of this table: "
    "the share of false findings that one accepts by calling it one.",
}
"""Every column of the table of differences and what it holds."""

_DRAWS = 2000
_DECIMALS = 10


class GroupComparison(NamedTuple):
    """Numbers of groups of patients.

    Attributes
    ----------
    groups, differences : DataFrame
        Columns `GROUP_COLUMNS` and `DIFFERENCE_COLUMNS`.
    left_out : int
        Patients without a group, or in more than one.
    """

    groups: pd.DataFrame
    differences: pd.DataFrame
    left_out: int


def by_patient(
    cases: pd.DataFrame, numbers: Sequence[str], group: str
) -> tuple[pd.DataFrame, pd.DataFrame, int]:
    """Average the visits of each patient.

    Parameters
    ----------
    cases : DataFrame
        One row a scan, with the patient as in `fsh_core.studies.statistics.patients_of`.
    numbers : sequence of str
        Columns of numbers.
    group : str
        Column of the group; the same in all scans of a patient.

    Returns
    -------
    means, scans : DataFrame
        By patient: ``group`` (text) and the numbers; means over the scans with a value, and how
        many these are.
    left_out : int
        Patients without a group, or in more than one; in neither table.
    """
    patients = pd.Series(patients_of(cases), index=cases.index, name="patient")
    names = cases[group].where(cases[group].notna()).map(str, na_action="ignore")
    is_one = names.groupby(patients).nunique() == 1
    kept = patients.map(is_one).to_numpy(dtype=bool)
    values = cases.loc[kept, list(numbers)].astype(np.float64)
    values = values.where(np.isfinite(values))
    grouped = values.groupby(patients[kept], sort=True)
    belongs = names[kept].groupby(patients[kept], sort=True).first()
    means, scans = grouped.mean(), grouped.count()
    means.insert(0, "group", belongs)
    scans.insert(0, "group", belongs)
    return means, scans, int((~is_one).sum())


def compare_groups(
    cases: pd.DataFrame, numbers: Sequence[str], group: str, baseline: str | None = None
) -> GroupComparison:
    """Describe each group, and set it against a baseline.

    The Mann-Whitney U test (Annals of Mathematical Statistics 1947; scipy) asks whether the
    values of one group tend to be larger. It goes by ranks: lesion volumes and counts are skewed,
    a few patients have most of the lesions, and a test of means would be one of these patients.
    All tests of a call are corrected together (Benjamini and Hochberg, Journal of the Royal
    Statistical Society B 1995; `scipy.stats.false_discovery_control`).

    Parameters
    ----------
    cases : DataFrame
        As for `by_patient`.
    numbers : sequence of str
        Columns of numbers.
    group : str
        Column of the group.
    baseline : str or None
        The group that the others are compared with; None for the first by name.

    Returns
    -------
    GroupComparison
        Groups in the order of their names; the same cases in another order give the same.

    Raises
    ------
    ValueError
        If there is no group called ``baseline``.
    """
    means, scans, left_out = by_patient(cases, numbers, group)
    names = sorted(set(means["group"]))
    first = baseline if baseline is not None else next(iter(names), None)
    if names and first not in names:
        raise ValueError(f"baseline must be one of {', '.join(names)}, got {first}")
    rows: list[dict[str, Any]] = []
    pairs: list[dict[str, Any]] = []
    for number in numbers:
        values = {name: _values(means, name, number) for name in names}
        for name in names:
            counted = int(scans.loc[scans["group"] == name, number].sum())
            rows.append({"number": number, "group": name, **_described(values[name], counted)})
            if name != first:
                found = _difference(values[name], values[str(first)])
                pairs.append({"number": number, "group": name, "baseline": first, **found})
    differences = pd.DataFrame(pairs, columns=list(DIFFERENCE_COLUMNS))
    differences["p_adjusted"] = adjust_p(differences["p"].to_numpy(dtype=np.float64))
    return GroupComparison(pd.DataFrame(rows, columns=list(GROUP_COLUMNS)), differences, left_out)


def _values(means: pd.DataFrame, group: str, number: str) -> NDArray[np.float64]:
    values = means.loc[means["group"] == group, number].to_numpy(dtype=np.float64)
    return np.sort(values[np.isfinite(values)])


def _described(values: NDArray[np.float64], scans: int) -> dict[str, float]:
    low, high = bootstrap_interval(values)
    median_low, median_high = bootstrap_interval(values, np.median)
    return {
        "patients": values.size,
        "scans": scans,
        "mean": mean(values),
        "mean_low": low,
        "mean_high": high,
        "median": median(values),
        "median_low": median_low,
        "median_high": median_high,
        "sd": standard_deviation(values),
    }


def _difference(values: NDArray[np.float64], others: NDArray[np.float64]) -> dict[str, float]:
    """Difference of the means with its interval, and the test."""
    found = {
        "patients": values.size,
        "baseline_patients": others.size,
        "difference": mean(values) - mean(others),
    }
    if min(values.size, others.size) < FEWEST_FOR_AN_INTERVAL:
        return found
    interval = stats.bootstrap(
        (values, others),
        _mean_difference,
        vectorized=True,
        n_resamples=_DRAWS,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    # Rounded, so that what is equal on paper ties in the ranks.
    ranked = (np.round(values, _DECIMALS), np.round(others, _DECIMALS))
    return found | {
        "difference_low": float(interval.low),
        "difference_high": float(interval.high),
        "p": float(stats.mannwhitneyu(*ranked, alternative="two-sided").pvalue),
    }


def _mean_difference(
    values: NDArray[np.float64], others: NDArray[np.float64], axis: int = -1
) -> NDArray[np.float64]:
    return np.asarray(values.mean(axis=axis) - others.mean(axis=axis))


def adjust_p(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Correct the known p, (N,), for their number, after Benjamini and Hochberg.

    The others stay undefined.
    """
    adjusted = np.full(p.shape, np.nan)
    known = np.isfinite(p)
    if known.any():
        adjusted[known] = stats.false_discovery_control(p[known], method="bh")
    return adjusted
