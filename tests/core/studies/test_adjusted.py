"""Groups compared with covariates held equal, by hand and against confounded groups."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from fsh_core.errors import InputError
from fsh_core.studies.adjusted import ADJUSTED_COLUMNS, adjusted_differences


def cohort(size: int = 40) -> pd.DataFrame:
    """Patients of the arm drug are 20 years older; age alone makes the volume."""
    rng = np.random.default_rng(3)
    arm = np.repeat(["drug", "placebo"], size // 2)
    age = rng.uniform(20, 50, size) + 20 * (arm == "drug")
    noise = rng.normal(0, 0.1, size)
    return pd.DataFrame(
        {
            "subject": [f"{number:03}" for number in range(size)],
            "arm": arm,
            "age": age,
            "site": np.where(np.arange(size) % 3, "A", "B"),
            "lesion_volume_ml": np.exp(0.05 * age + noise),
            "lesion_count": np.round(age / 2 + 5 * (arm == "drug") + noise),
        }
    )


def row(table: pd.DataFrame, number: str) -> pd.Series:
    return table.set_index("number").loc[number]


def test_what_age_makes_is_not_the_arms() -> None:
    cases = cohort()
    plain = row(
        adjusted_differences(cases, ["lesion_volume_ml"], "arm", [], "placebo"), "lesion_volume_ml"
    )
    assert plain["effect"] > 2
    assert plain["effect_low"] > 1.5
    table = adjusted_differences(
        cases, ["lesion_volume_ml", "lesion_count"], "arm", ["age", "site"], "placebo"
    )
    assert list(table) == list(ADJUSTED_COLUMNS)
    volume, count = row(table, "lesion_volume_ml"), row(table, "lesion_count")
    assert (volume["scale"], count["scale"]) == ("ratio", "difference")
    assert volume["effect_low"] < 1 < volume["effect_high"] < 1.25
    assert count["effect_low"] < 5 < count["effect_high"]
    assert count["p"] < 1e-6 < volume["p"]
    p = table["p"].to_numpy()
    assert table["p_adjusted"].tolist() == pytest.approx(stats.false_discovery_control(p))


def test_it_is_least_squares_and_hc3_by_hand() -> None:
    cases = cohort(16)
    found = row(
        adjusted_differences(cases, ["lesion_count"], "arm", ["age"], "placebo"), "lesion_count"
    )
    x = np.column_stack([np.ones(16), cases["arm"] == "drug", cases["age"]]).astype(float)
    y = cases["lesion_count"].to_numpy()
    inverse = np.linalg.inv(x.T @ x)
    beta = inverse @ x.T @ y
    weights = (y - x @ beta) / (1 - np.diag(x @ inverse @ x.T))
    spread = np.sqrt((inverse @ x.T @ np.diag(weights**2) @ x @ inverse)[1, 1])
    half = stats.t.ppf(0.975, 13) * spread
    assert found["effect"] == pytest.approx(beta[1])
    assert found["effect_low"] == pytest.approx(beta[1] - half)
    assert found["effect_high"] == pytest.approx(beta[1] + half)
    assert found["p"] == pytest.approx(2 * stats.t.sf(abs(beta[1]) / spread, 13))


def test_visits_are_one_patient_and_the_order_says_nothing() -> None:
    cases = cohort()
    once = adjusted_differences(cases, ["lesion_count"], "arm", ["age"], "placebo")
    twice = pd.concat([cases, cases]).sample(frac=1, random_state=1)
    again = adjusted_differences(twice, ["lesion_count"], "arm", ["age"], "placebo")
    pd.testing.assert_frame_equal(once, again)


def test_who_lacks_a_covariate_is_left_out_and_a_volume_of_0_is_no_ratio() -> None:
    cases = cohort()
    cases.loc[0, "age"] = np.nan
    cases.loc[1, "lesion_volume_ml"] = 0
    table = adjusted_differences(
        cases, ["lesion_volume_ml", "lesion_count"], "arm", ["age"], "placebo"
    )
    assert table["patients"].tolist() == [39, 39]
    assert table["scale"].tolist() == ["difference", "difference"]


@pytest.mark.parametrize("kind", ["few", "the same twice", "a patient alone", "a group alone"])
def test_where_it_cannot_be_told_there_is_no_number(kind: str) -> None:
    cases, covariates = cohort(), ["age"]
    if kind == "few":
        cases = cases.iloc[16:25]
    elif kind == "the same twice":
        cases["other"] = np.where(cases["arm"] == "drug", "x", "y")
        covariates = ["other"]
    elif kind == "a patient alone":
        cases["other"] = ["x", *["y"] * 39]
        covariates = ["other"]
    else:
        cases = cases.iloc[:20]
    table = adjusted_differences(cases, ["lesion_count"], "arm", covariates, "placebo")
    assert table[["effect", "effect_low", "p", "p_adjusted"]].isna().all(axis=None)


def test_without_statsmodels_it_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "statsmodels.api", None)
    with pytest.raises(InputError, match="pip install 'fsh-ms"):
        adjusted_differences(cohort(), ["lesion_count"], "arm", [], "placebo")
