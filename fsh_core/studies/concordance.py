"""Lin's concordance correlation: how near two measurements lie to the line where they are equal."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from fsh_core.studies.bland_altman import UNKNOWN, Estimate
from fsh_core.studies.statistics import FEWEST_FOR_AN_INTERVAL, FEWEST_PATIENTS

DRAWS = 2000
_ROUNDING = 1e-12  # of the mean square, below which a spread is none


def concordance(
    first: ArrayLike, second: ArrayLike, patients: ArrayLike | None = None, seed: int = 0
) -> Estimate:
    """Concordance correlation coefficient of two measurements of the same cases.

    2 cov(x, y) / (var x + var y + (mean x - mean y)²), with variances over n as Lin has them
    (Lin, Biometrics 1989, doi 10.2307/2532051). 1 where both always say the same; unlike a
    correlation it is lowered by a constant difference and by a scale. The cases of a patient
    share the weight of one, and the interval is by percentile bootstrap over patients, each
    drawn with all cases.

    Parameters
    ----------
    first, second : (N,) floats
        The same cases in the same order; pairs with a missing value are left out.
    patients : (N,) of names or None
        Whose case it is; None if every case is another patient's.
    seed : int
        Seed of the draws.

    Returns
    -------
    Estimate
        -1 to 1. All NaN with fewer than two patients, or where no two numbers differ; the
        interval is NaN with fewer than five.
    """
    values = np.stack([np.asarray(x, dtype=np.float64).ravel() for x in (first, second)])
    is_known = np.isfinite(values).all(axis=0)
    x, y = values[:, is_known]
    names = np.arange(is_known.size) if patients is None else np.asarray(patients, dtype=object)
    # What is needed of each patient are the means of five numbers: drawing patients draws these.
    table = pd.DataFrame({"x": x, "y": y, "xx": x * x, "yy": y * y, "xy": x * y})
    moments = table.groupby(names.ravel()[is_known]).mean().to_numpy(dtype=np.float64)
    size = len(moments)
    if size < FEWEST_PATIENTS:
        return UNKNOWN
    value = float(_of_moments(moments.mean(axis=0)))
    if np.isnan(value) or size < FEWEST_FOR_AN_INTERVAL:
        return Estimate(value, UNKNOWN.low, UNKNOWN.high)
    drawn = np.random.default_rng(seed).integers(0, size, (DRAWS, size))
    low, high = np.nanpercentile(_of_moments(moments[drawn].mean(axis=1)), (2.5, 97.5))
    return Estimate(value, float(low), float(high))


def _of_moments(moments: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the coefficient of means of x, y, x², y² and xy, (..., 5); NaN without a spread."""
    x, y, xx, yy, xy = np.moveaxis(moments, -1, 0)
    spread = (xx - x**2) + (yy - y**2) + (x - y) ** 2
    is_defined = spread > _ROUNDING * (xx + yy)
    return np.where(is_defined, 2 * (xy - x * y) / np.where(is_defined, spread, 1), np.nan)
