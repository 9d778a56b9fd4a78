"""How far two measurements of the same thing lie apart: bias and limits of agreement."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from fsh_core.studies.statistics import (
    FEWEST_FOR_AN_INTERVAL,
    bootstrap_interval,
    mean,
    patient_means,
)

LIMIT_SD = 1.96
Scale = Literal["ml", "percent", "ratio"]
_UNDEFINED = float("nan")


@dataclass(frozen=True)
class Estimate:
    """A number and its 95 % interval, in the unit of the measurements."""

    value: float
    low: float
    high: float


UNKNOWN = Estimate(_UNDEFINED, _UNDEFINED, _UNDEFINED)


@dataclass(frozen=True)
class BlandAltman:
    """Agreement of two measurements.

    Attributes
    ----------
    n, patients : int
        Pairs, and the patients they are of.
    n_left_out : int
        Pairs of which both numbers are known and the difference on this scale is not: a
        percentage where both are 0, a ratio where one is.
    sd : float
        Standard deviation of a difference, between and within patients; of a ratio that of
        its natural logarithm.
    bias : Estimate
        Mean of the differences, second minus first.
    lower, upper : Estimate
        Limits of agreement, bias -+ 1.96 sd: 95 % of the differences are expected
        between them.
    slope : Estimate
        Proportional bias: by how much the difference grows for each unit of the mean (of a
        ratio, its logarithm with that of the mean). 0 if large and small differ alike.
    """

    n: int
    patients: int
    n_left_out: int
    sd: float
    bias: Estimate
    lower: Estimate
    upper: Estimate
    slope: Estimate


def differences(
    first: ArrayLike, second: ArrayLike, scale: Scale = "ml"
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return means and differences of pairs, the axes of Bland and Altman's plot.

    Parameters
    ----------
    first, second : (N,) floats
        The same cases in the same order.
    scale : {'ml', 'percent', 'ratio'}
        Second minus first, that in percent of their mean, or second over first.

    Returns
    -------
    mean, difference : (N,) float64
        The mean in the unit of the measurements, geometric for ratios. NaN where undefined.

    Raises
    ------
    ValueError
        If the lengths differ.
    """
    values_1 = np.asarray(first, dtype=np.float64).ravel()
    values_2 = np.asarray(second, dtype=np.float64).ravel()
    if values_1.shape != values_2.shape:
        raise ValueError(
            "both measurements must have one value per case, "
            f"got {values_1.size} and {values_2.size}"
        )
    # What the last bits of equal volumes differ by is no difference.
    same = np.isclose(values_1, values_2, rtol=1e-9, atol=0)
    values_2 = np.where(same, values_1, values_2)
    with np.errstate(divide="ignore", invalid="ignore"):
        means = (values_1 + values_2) / 2
        found = values_2 - values_1
        if scale == "percent":
            found = 100 * found / means
        elif scale == "ratio":
            means, found = np.sqrt(values_1 * values_2), values_2 / values_1
            found = np.where(found > 0, found, np.nan)
    is_known = np.isfinite(found)
    return np.where(is_known, means, np.nan), np.where(is_known, found, np.nan)


def bland_altman(
    first: ArrayLike,
    second: ArrayLike,
    patients: ArrayLike | None = None,
    scale: Scale = "ml",
) -> BlandAltman:
    """Compute bias and limits of agreement of ``second - first``.

    The bias is the mean over patients, with the bootstrap interval of
    `fsh_core.studies.statistics.bootstrap_interval`. The limits hold for one scan of a
    patient: between-patient and within-patient variances are those of a one-way analysis of
    variance (Bland and Altman, Journal of Biopharmaceutical Statistics 2007, doi
    10.1080/10543400701329422). The intervals of the limits are by Student's t with the
    variance sd² (1/n + 1.96²/(2 (n - 1))), n the number of patients (Bland and Altman,
    Statistical Methods in Medical Research 1999, doi 10.1177/096228029900800204). All take
    the differences for normal and of one spread; the ratio, whose limits are computed from
    logarithms, is meant for spreads that grow with the volume.

    Parameters
    ----------
    first, second : (N,) floats
        The same cases in the same order; pairs with a missing value are left out.
    patients : (N,) of names or None
        Whose case it is; None if every case is another patient's.
    scale : {'ml', 'percent', 'ratio'}
        As for `differences`.

    Returns
    -------
    BlandAltman
        With fewer than five patients everything but the counts and the bias's value is NaN,
        and with none that is too.

    Raises
    ------
    ValueError
        If the lengths differ.
    """
    means, found = differences(first, second, scale)
    pairs = np.isfinite(np.asarray(first, dtype=np.float64).ravel()) & np.isfinite(
        np.asarray(second, dtype=np.float64).ravel()
    )
    is_known = np.isfinite(found)
    names: NDArray[np.object_] = np.arange(found.size).astype(object)
    if patients is not None:
        names = np.asarray(patients, dtype=object).ravel()
    means, found, names = means[is_known], found[is_known], names[is_known]
    if scale == "ratio":
        means, found = np.log(means), np.log(found)
    by_patient = patient_means(found, names)
    n = by_patient.size
    bias = Estimate(mean(by_patient), *bootstrap_interval(by_patient))
    sd, lower, upper = _UNDEFINED, UNKNOWN, UNKNOWN
    if n >= FEWEST_FOR_AN_INTERVAL:
        sd = _deviation(found, names)
        quantile = float(stats.t.ppf(0.975, n - 1))
        half_width = quantile * sd * float(np.sqrt(1 / n + LIMIT_SD**2 / (2 * (n - 1))))
        lower = _around(bias.value - LIMIT_SD * sd, half_width)
        upper = _around(bias.value + LIMIT_SD * sd, half_width)
    if scale == "ratio":
        bias, lower, upper = _exponential(bias), _exponential(lower), _exponential(upper)
    return BlandAltman(
        n=int(found.size),
        patients=n,
        n_left_out=int(pairs.sum()) - int(found.size),
        sd=sd,
        bias=bias,
        lower=lower,
        upper=upper,
        slope=_slope(means, found, names),
    )


def _deviation(found: NDArray[np.float64], names: NDArray[np.object_]) -> float:
    """Standard deviation of a single difference, of patients with one or several."""
    groups = _by_patient(found, names)
    sizes = np.array([group.size for group in groups])
    total, patients = found.size, len(groups)
    centres = np.array([group.mean() for group in groups])
    between = float(sizes @ (centres - found.mean()) ** 2) / (patients - 1)
    if total == patients:
        return float(np.sqrt(between))
    squares = sum(float(((group - group.mean()) ** 2).sum()) for group in groups)
    within = squares / (total - patients)
    visits = (total - float(sizes @ sizes) / total) / (patients - 1)
    return float(np.sqrt(max(0.0, (between - within) / visits) + within))


def _slope(
    means: NDArray[np.float64], found: NDArray[np.float64], names: NDArray[np.object_]
) -> Estimate:
    """Regress the differences on the means, a point a patient."""
    across = np.array([group.mean() for group in _by_patient(means, names)])
    upward = np.array([group.mean() for group in _by_patient(found, names)])
    if across.size < FEWEST_FOR_AN_INTERVAL or not np.ptp(across) > 0:
        return UNKNOWN
    line = stats.linregress(across, upward)
    half_width = float(stats.t.ppf(0.975, across.size - 2)) * float(line.stderr)
    return _around(float(line.slope), half_width)


def _by_patient(
    values: NDArray[np.float64], names: NDArray[np.object_]
) -> list[NDArray[np.float64]]:
    """Split values by patient, in the order in which the patients first come."""
    if not values.size:
        return []
    numbers = pd.factorize(names)[0]
    order = np.argsort(numbers, kind="stable")
    starts = np.flatnonzero(np.diff(numbers[order])) + 1
    return np.split(values[order], starts)


def _around(value: float, half_width: float) -> Estimate:
    return Estimate(value, float(value - half_width), float(value + half_width))


def _exponential(estimate: Estimate) -> Estimate:
    return Estimate(*(float(np.exp(x)) for x in (estimate.value, estimate.low, estimate.high)))
