"""Bias, limits of agreement, and their intervals."""

import numpy as np
import pytest
from scipy import stats

from fsh_core.studies.bland_altman import bland_altman


def test_four_pairs_by_hand():
    # Differences 1, 3, 1, 3: mean 2, sd 2/sqrt(3) = 1.1547.
    found = bland_altman([10, 20, 30, 40], [11, 23, 31, 43])
    sd = 2 / np.sqrt(3)
    assert found.n == 4
    assert found.sd == pytest.approx(sd)
    assert found.bias.value == pytest.approx(2)
    assert (found.lower.value, found.upper.value) == pytest.approx((2 - 1.96 * sd, 2 + 1.96 * sd))
    # Student's t with 3 degrees of freedom is 3.182; the limit's standard error is sd sqrt(1/4 +
    # 3.8416/6).
    assert found.bias.high - 2 == pytest.approx(3.18245 * sd / 2, rel=1e-5)
    assert found.upper.high - found.upper.value == pytest.approx(
        3.18245 * sd * np.sqrt(0.25 + 3.8416 / 6), rel=1e-5
    )
    assert found.lower.value - found.lower.low == pytest.approx(
        found.upper.high - found.upper.value
    )


def test_the_interval_of_the_bias_is_that_of_a_paired_t_test():
    first, second = np.random.default_rng(0).normal(20, 5, (2, 12))
    expected = stats.ttest_rel(second, first).confidence_interval()
    found = bland_altman(first, second).bias
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_most_differences_lie_between_the_limits():
    rng = np.random.default_rng(1)
    first = rng.uniform(0, 50, 4000)
    found = bland_altman(first, first + rng.normal(1, 2, 4000))
    assert found.lower.value == pytest.approx(1 - 3.92, abs=0.15)
    assert found.upper.value == pytest.approx(1 + 3.92, abs=0.15)


def test_equal_volumes_differ_by_exactly_nothing():
    found = bland_altman([0.1 + 0.2, 1.0], [0.3, 1.0])
    assert (found.bias.value, found.sd, found.lower.value, found.upper.value) == (0, 0, 0, 0)


def test_missing_values_and_too_few_pairs():
    assert bland_altman([1, np.nan, 3], [2, 2, 5]).n == 2
    one = bland_altman([1.0], [3.0])
    assert (one.n, one.bias.value) == (1, 2.0)
    assert np.isnan([one.sd, one.bias.low, one.lower.value, one.upper.high]).all()
    none = bland_altman([], [])
    assert none.n == 0
    assert np.isnan(none.bias.value)


def test_unequal_lengths_are_refused():
    with pytest.raises(ValueError, match="one value per case, got 2 and 3"):
        bland_altman([1, 2], [1, 2, 3])
