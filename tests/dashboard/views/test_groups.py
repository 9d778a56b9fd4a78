"""Groups: the same numbers as the core's, and when there are none."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from fsh_core.studies.adjusted import adjusted_differences
from fsh_core.studies.groups import compare_groups
from fsh_dashboard.data.cohort_tables import read_results
from fsh_dashboard.data.folder import open_folder
from fsh_dashboard.data.followed import read_patients
from fsh_dashboard.data.group_numbers import numbers_of, with_new_lesions, without_trained

OpenPage = Callable[..., AppTest]
FSH = "derivatives/fsh"


def tables(app: AppTest) -> tuple[pd.DataFrame, pd.DataFrame]:
    groups = next(one.value for one in app.dataframe if "mean_low" in one.value)
    return groups, next(one.value for one in app.dataframe if "p_adjusted" in one.value)


def test_arms_are_compared_by_patient(
    trial: Path, open_page: OpenPage, words_of: Callable[[AppTest], str]
) -> None:
    app = open_page("groups", trial)
    assert not app.exception
    groups, differences = tables(app)
    cases = read_results(open_folder([str(trial)]), FSH).cases
    expected = compare_groups(cases, ["lesion_volume_ml", "lesion_count"], "arm", "drug")
    for column in ("patients", "scans", "mean", "mean_low", "median_high"):
        pd.testing.assert_series_equal(groups[column][:4], expected.groups[column])
    assert groups["patients"].tolist() == [7, 6] * 3
    assert groups["number"].tolist()[::2] == [
        "Lesion volume (ml)",
        "Lesions",
        "New lesions per year",
    ]
    assert differences["p"][:2].tolist() == expected.differences["p"].tolist()
    words = words_of(app)
    assert "3 tests, corrected together after Benjamini and Hochberg" in words
    assert "Left out, because they have no group: 1 patient." in words


def test_another_baseline_turns_the_difference_round(trial: Path, open_page: OpenPage) -> None:
    _, first = tables(open_page("groups", trial))
    app = open_page("groups", trial, baseline="placebo")
    _, other = tables(app)
    assert "Differences from placebo" in [one.value for one in app.subheader]
    assert "baseline" not in other  # it would move the p out of sight on a small screen
    assert other["difference"].tolist() == (-first["difference"]).tolist()


def test_small_groups_have_no_test(trial: Path, open_page: OpenPage) -> None:
    app = open_page("groups", trial, column="site")
    assert not app.exception
    groups, differences = tables(app)
    assert groups["patients"].tolist() == [10, 4] * 3
    assert groups["mean_low"].isna().tolist() == [False, True] * 3
    assert differences["p"].isna().all()
    assert "0 tests" in app.caption[-1].value or any("0 tests" in c.value for c in app.caption)


def test_a_baseline_of_another_column_is_forgotten(trial: Path, open_page: OpenPage) -> None:
    app = open_page("groups", trial, baseline="placebo")
    app.selectbox(key="column").set_value("site").run()
    assert not app.exception
    assert app.selectbox(key="baseline").value == "A"


def test_visits_that_were_not_followed_are_compared_without_new_lesions(
    study: Path, open_page: OpenPage
) -> None:
    app = open_page("groups", study)
    assert not app.exception
    assert app.multiselect(key="numbers").value == ["lesion_volume_ml", "lesion_count", "dice"]


def test_without_a_column_of_groups_it_says_what_is_needed(
    trial: Path, open_page: OpenPage
) -> None:
    (trial / "participants.tsv").unlink()
    app = open_page("groups", trial)
    assert not app.exception
    assert "participants.tsv" in app.info[0].value


def test_new_lesions_a_year_are_each_patients_own(followed: Path) -> None:
    opened = open_folder([str(followed)])
    cases = read_results(opened, FSH).cases
    found = with_new_lesions(cases, read_patients(opened, FSH).intervals)
    rates = found.groupby("subject")["new_lesions_per_year"].first()
    assert rates["A"] == pytest.approx(1 / (366 / 365.25), rel=1e-3)  # one in the leap year
    assert rates[["B", "C"]].isna().all()  # without dates, with one visit


def test_scores_of_patients_that_were_trained_on_are_left_out(study: Path) -> None:
    cases = read_results(open_folder([str(study)]), FSH).cases
    cases["trained_on"] = ["yes", "no", None, None]
    kept = without_trained(cases)
    assert pd.isna(kept["dice"][0])
    assert kept["dice"][1] == cases["dice"][1]
    assert kept["lesion_volume_ml"].tolist() == cases["lesion_volume_ml"].tolist()
    assert numbers_of(kept, "site")[:3] == ["lesion_volume_ml", "lesion_count", "dice"]


def test_covariates_are_held_equal(
    trial: Path, open_page: OpenPage, words_of: Callable[[AppTest], str]
) -> None:
    app = open_page("groups", trial, covariates="age")
    assert not app.exception
    assert app.multiselect(key="covariates").options == ["age", "site"]
    shown = next(one.value for one in app.dataframe if "effect" in one.value)
    cases = read_results(open_folder([str(trial)]), FSH).cases
    numbers = ["lesion_volume_ml", "lesion_count"]
    expected = adjusted_differences(cases, numbers, "arm", ["age"], "drug")
    assert shown["patients"][:2].tolist() == [13, 13]
    for column in ("scale", "effect", "effect_low", "p"):
        assert shown[column][:2].tolist() == expected[column].tolist()
    assert "What was not measured is not adjusted for." in words_of(app)
