"""Bias, limits of agreement, and their intervals."""

import numpy as np
import pandas as pd
import pytest

from fsh_core.studies.bland_altman import bland_altman
from fsh_core.studies.paired import compare_methods
from fsh_core.studies.statistics import summarise
from fsh_core.studies.volume_agreement import VOLUME_COLUMNS, volume_agreement


def test_six_pairs_by_hand():
    # Differences 1, 3, 1, 3, 1, 3: mean 2, sd sqrt(6/5).
    found = bland_altman([10, 20, 30, 40, 50, 60], [11, 23, 31, 43, 51, 63])
    sd = np.sqrt(6 / 5)
    assert (found.n, found.patients, found.n_left_out) == (6, 6, 0)
    assert found.sd == pytest.approx(sd)
    assert found.bias.value == pytest.approx(2)
    assert (found.lower.value, found.upper.value) == pytest.approx((2 - 1.96 * sd, 2 + 1.96 * sd))
    # Student's t with 5 degrees of freedom is 2.5706; the limit's standard error is sd sqrt(1/6 +
    # 3.8416/10).
    assert found.upper.high - found.upper.value == pytest.approx(
        2.57058 * sd * np.sqrt(1 / 6 + 0.38416), rel=1e-5
    )
    assert found.lower.value - found.lower.low == pytest.approx(
        found.upper.high - found.upper.value
    )


def test_a_bias_has_one_interval_in_summary_comparison_and_limits():
    first, second = np.random.default_rng(0).normal(20, 5, (2, 12))
    cases = pd.DataFrame({"case": list("abcdefghijkl"), "volume_difference_ml": second - first})
    expected = summarise(cases).iloc[0]
    found = bland_altman(first, second).bias
    assert (found.low, found.high) == (expected["ci_low"], expected["ci_high"])
    nothing = cases.assign(volume_difference_ml=0.0)
    paired = compare_methods(nothing, cases).iloc[0]
    assert (paired["ci_low"], paired["ci_high"]) == pytest.approx((found.low, found.high))


def test_visits_are_not_patients():
    first, second = np.random.default_rng(0).normal(20, 5, (2, 14))
    patients = np.arange(14)
    for scale in ("ml", "percent", "ratio"):
        once = bland_altman(first, second, patients, scale)
        four = bland_altman(
            np.repeat(first, 4), np.repeat(second, 4), np.repeat(patients, 4), scale
        )
        assert (once.n, four.n, four.patients) == (14, 56, 14)
        for name in ("bias", "lower", "upper", "slope"):
            expected, found = getattr(once, name), getattr(four, name)
            assert vars(found) == pytest.approx(vars(expected))


def test_limits_hold_for_one_scan_of_a_patient():
    # Bland and Altman 2007: between-patient variance 4, within-patient variance 1, four visits.
    rng = np.random.default_rng(3)
    between, within = rng.normal(0, 2, 4000), rng.normal(0, 1, (4000, 4))
    second = (100 + between[:, None] + within).ravel()
    found = bland_altman(np.full(16000, 100.0), second, np.repeat(np.arange(4000), 4))
    assert found.sd == pytest.approx(np.sqrt(5), rel=0.03)


def test_a_ratio_and_a_percentage_by_hand():
    first, second = np.array([1.0, 2, 4, 8, 16, 0, 0]), np.array([2.0, 4, 8, 16, 32, 0, 1])
    ratio = bland_altman(first, second, scale="ratio")
    assert (ratio.n, ratio.n_left_out) == (5, 2)
    assert (ratio.bias.value, ratio.lower.value, ratio.upper.value) == pytest.approx((2, 2, 2))
    percent = bland_altman(first[:6], second[:6], scale="percent")
    assert (percent.n, percent.n_left_out) == (5, 1)
    assert percent.bias.value == pytest.approx(100 / 1.5)


def test_proportional_bias_is_the_slope_of_the_difference():
    volumes = np.array([1.0, 5, 10, 20, 40, 80])
    slope = bland_altman(volumes, 1.2 * volumes).slope  # difference 0.2 v, mean 1.1 v
    assert (slope.value, slope.low, slope.high) == pytest.approx((0.2 / 1.1,) * 3)
    assert bland_altman(volumes, volumes + 3).slope.value == pytest.approx(0, abs=1e-12)


def test_every_load_has_its_limits():
    loads = np.r_[np.linspace(1, 4, 6), np.linspace(20, 60, 6), 8.0]
    table = volume_agreement(loads, loads * 1.1).set_index(["scale", "load"])
    assert list(table.columns) == [c for c in VOLUME_COLUMNS if c not in ("scale", "load")]
    assert table.loc["ml", "n_patients"].tolist() == [13, 6, 1, 6]
    assert table.loc[("ml", "above 15 ml"), "bias"] == pytest.approx(4.0)
    assert table.loc[("ratio", "below 5 ml"), "upper"] == pytest.approx(1.1)
    assert np.isnan(table.loc[("ml", "5 to 15 ml"), "lower"])


def test_most_differences_lie_between_the_limits():
    rng = np.random.default_rng(1)
    first = rng.uniform(0, 50, 4000)
    found = bland_altman(first, first + rng.normal(1, 2, 4000))
    assert found.lower.value == pytest.approx(1 - 3.92, abs=0.15)
    assert found.upper.value == pytest.approx(1 + 3.92, abs=0.15)


def test_equal_volumes_differ_by_exactly_nothing():
    found = bland_altman([0.1 + 0.2, 1, 2, 3, 4], [0.3, 1, 2, 3, 4])
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
