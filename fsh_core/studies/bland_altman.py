"""How far two measurements of the same thing lie apart: bias and limits of agreement."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from fsh_core.studies.statistics import FEWEST_CASES

LIMIT_SD = 1.96


@dataclass(frozen=True)
class Estimate:
    """A number and its 95 % interval, in the unit of the measurements."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class BlandAltman:
    """Agreement of two measurements.

    Attributes
    ----------
    n : int
        Pairs.
    sd : float
        Standard deviation of the differences (n - 1).
    bias : Estimate
        Mean of the differences, second minus first.
    lower, upper : Estimate
        Limits of agreement, bias -+ 1.96 sd: 95 % of the differences are expected
        between them.
    """

    n: int
    sd: float
    bias: Estimate
    lower: Estimate
    upper: Estimate


def bland_altman(first: ArrayLike, second: ArrayLike) -> BlandAltman:
    """Compute bias and limits of agreement of ``second - first``.

    Intervals by Student's t with the variances of Bland and Altman, Statistical Methods
    in Medical Research 1999 (doi 10.1177/096228029900800204): sd²/n for the bias and
    sd² (1/n + 1.96²/(2 (n - 1))) for a limit. They take the differences for normal and
    of one spread; where large lesion loads differ by more than small ones, the figure
    shows it.

    Parameters
    ----------
    first, second : (N,) floats
        The same cases in the same order; pairs with a missing value are left out.

    Returns
    -------
    BlandAltman
        With fewer than two pairs everything but ``n`` and the bias's value is NaN, and
        with none that is too.

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
    differences = np.where(
        np.isclose(values_1, values_2, rtol=1e-9, atol=0), 0.0, values_2 - values_1
    )
    differences = differences[np.isfinite(differences)]
    n, undefined = differences.size, float("nan")
    bias = float(differences.mean()) if n else undefined
    if n < FEWEST_CASES:
        missing = Estimate(undefined, undefined, undefined)
        return BlandAltman(n, undefined, Estimate(bias, undefined, undefined), missing, missing)
    sd = float(differences.std(ddof=1))
    quantile = float(stats.t.ppf(0.975, n - 1))
    of_bias = quantile * sd / np.sqrt(n)
    of_limit = quantile * sd * np.sqrt(1 / n + LIMIT_SD**2 / (2 * (n - 1)))
    lower, upper = bias - LIMIT_SD * sd, bias + LIMIT_SD * sd
    return BlandAltman(
        n, sd, _around(bias, of_bias), _around(lower, of_limit), _around(upper, of_limit)
    )


def _around(value: float, half_width: float) -> Estimate:
    return Estimate(value, float(value - half_width), float(value + half_width))
