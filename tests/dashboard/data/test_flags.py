"""Which cases deserve a look, by numbers that can be checked by hand."""

import pandas as pd
import pytest

from fsh_dashboard.data.flags import flag_cases, robust_z


def test_the_case_with_many_false_lesions_and_the_one_with_a_low_dice_are_outliers() -> None:
    cases = pd.DataFrame(
        {"lesion_count": [9, 11, 10, 12, 8, 90], "lesion_volume_ml": [9, 11, 10, 12, 8, 10.5]}
    )
    cases = cases.assign(
        brain_source="found", brain_volume_ml=[1100, 1200, 1150, 1250, 1050, 1160.0]
    )
    cases = cases.assign(dice=[0.7, 0.8, 0.75, 0.05, 0.72, 0.99], false_lesions=[2, 1, 3, 2, 0, 80])
    assert flag_cases(cases).tolist() == [
        "",
        "",
        "",
        "low Dice",
        "",
        "high count, many false lesions",
    ]


def test_robust_z_finds_the_odd_one_and_nothing_among_few() -> None:
    values = pd.Series([10.0, 11, 9, 10, 12, 8, 100])
    z = robust_z(values)
    assert z.idxmax() == 6
    assert z.iloc[6] == pytest.approx(0.6745 * 90)  # median 10, median distance 1
    assert (robust_z(values[-3:]) == 0).all()
    assert (robust_z(pd.Series([5.0] * 6)) == 0).all()


def test_a_caution_that_most_scans_have_is_no_flag_but_a_fail_is() -> None:
    cases = pd.DataFrame({"quality": ["pass", "caution", "caution", "fail"]})
    cases = cases.assign(lesion_count=3, lesion_volume_ml=1.0, brain_source="found")
    assert flag_cases(cases).tolist() == ["", "", "", "quality: fail"]
