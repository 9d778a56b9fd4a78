"""Two methods on the same cases."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from fsh_core.studies.paired import PAIRED_COLUMNS, compare_methods, signed_rank_p
from fsh_core.studies.statistics import bootstrap_interval


def table(cases, **metrics):
    return pd.DataFrame({"case": list(cases)} | metrics)


def test_a_comparison_by_hand():
    first = table("abcdefg", dice=[0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5])
    second = table("gfedcba", dice=[0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.3])  # in another order
    found = compare_methods(first, second)
    row = found.iloc[0]
    differences = [-0.2, 0.45, 0.4, 0.3, 0.2, 0.1, 0.0]
    assert list(found.columns) == list(PAIRED_COLUMNS)
    assert (row["metric"], row["n"], row["n_missing"]) == ("dice", 7, 0)
    assert row["mean_first"] == pytest.approx(0.5)
    assert row["mean_difference"] == pytest.approx(np.mean(differences))
    assert row["median_difference"] == pytest.approx(0.2)
    assert (row["n_higher"], row["n_lower"]) == (5, 1)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(bootstrap_interval(differences))


def test_p_is_the_share_of_all_sign_changes():
    differences = np.array([0.5, 0.4, -0.1, 0.3, 0.2, 0.6, 0.7])
    ranks = np.argsort(np.argsort(np.abs(differences))) + 1
    observed = min(ranks[differences > 0].sum(), ranks[differences < 0].sum())
    every = [
        sum(rank for rank, up in zip(ranks, ups, strict=True) if up)
        for ups in product((0, 1), repeat=7)
    ]
    assert signed_rank_p(differences) == pytest.approx(
        min(1, 2 * np.mean(np.array(every) <= observed))
    )


def test_six_cases_that_all_gain_are_just_enough():
    assert signed_rank_p(np.arange(1.0, 7.0)) == pytest.approx(2 / 2**6)
    assert np.isnan(
        signed_rank_p(np.array([0.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0]))
    )  # five that differ


def test_two_equal_methods():
    cases = table("abcdefgh", dice=np.linspace(0.1, 0.8, 8))
    row = compare_methods(cases, cases).iloc[0]
    assert (row["mean_difference"], row["ci_low"], row["ci_high"], row["n_higher"]) == (0, 0, 0, 0)
    assert np.isnan(row["wilcoxon_p"])


def test_rounding_is_no_difference():
    row = compare_methods(table("a", dice=[0.1 + 0.2]), table("a", dice=[0.3])).iloc[0]
    assert (row["mean_difference"], row["n_higher"], row["n_lower"]) == (0, 0, 0)


def test_only_cases_with_both_values_count():
    first = table("abcx", hd95_mm=[1.0, np.nan, 3.0, 9.0])
    second = table("abcy", hd95_mm=[2.0, 5.0, np.inf, 9.0])
    row = compare_methods(first, second).iloc[0]
    assert (row["n"], row["n_missing"], row["mean_difference"]) == (1, 2, 1.0)
    assert np.isnan([row["ci_low"], row["ci_high"], row["wilcoxon_p"]]).all()


def test_without_a_common_case_everything_is_missing():
    row = compare_methods(table("a", dice=[1.0]), table("b", dice=[1.0])).iloc[0]
    assert row["n"] == 0
    assert np.isnan([row["mean_first"], row["mean_difference"], row["median_difference"]]).all()


def test_visits_are_not_patients():
    rng = np.random.default_rng(5)
    first = table([f"sub-{n}" for n in range(14)], dice=rng.random(14))
    second = first.assign(dice=first["dice"] + rng.normal(0.02, 0.05, 14))

    def four_visits(cases):
        return pd.concat([cases.assign(case=cases["case"] + f"_ses-{v}") for v in range(4)])

    once = compare_methods(first, second).iloc[0]
    four = compare_methods(four_visits(first), four_visits(second)).iloc[0]
    assert (once["n"], four["n"], four["n_patients"]) == (14, 56, 14)
    same = [name for name in PAIRED_COLUMNS if name not in ("metric", "n")]
    assert four[same].astype(float).tolist() == pytest.approx(once[same].astype(float).tolist())
