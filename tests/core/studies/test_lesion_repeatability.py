"""Limits of the change of a lesion's volume, on numbers that can be counted by hand."""

import numpy as np
import pytest

from fsh_core.studies.lesion_repeatability import (
    LESION_REPEATABILITY_COLUMNS,
    lesion_repeatability,
)


def test_by_hand() -> None:
    """Twenty lesions of 10 mm3 that change by 1 to 20 %: nineteen of them by at most 19 %."""
    first = np.full(20, 10.0)
    second = first * np.exp(np.arange(1, 21) / 100)
    table = lesion_repeatability(first, second, ["a"] * 20, (30.0, np.inf))
    assert list(table.columns) == list(LESION_REPEATABILITY_COLUMNS)
    small, large = table.to_dict("records")
    assert (small["lesions"], small["patients"]) == (20, 1)
    assert small["log_ratio"] == pytest.approx(0.19)
    assert small["increase_percent"] == pytest.approx(100 * np.expm1(0.19))
    assert small["decrease_percent"] == pytest.approx(100 * (1 - np.exp(-0.19)))
    assert np.isnan(small["log_ratio_low"])  # one patient
    assert large["lesions"] == 0
    assert np.isnan(large["log_ratio"])


def test_swapping_the_scans_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    first, second = np.exp(rng.normal(4, 1, (2, 60)))
    patients = rng.integers(6, size=60)
    forth, back = (
        lesion_repeatability(*volumes, patients) for volumes in ((first, second), (second, first))
    )
    assert forth.equals(back)
    assert forth["lesions"].sum() == 60


def test_a_patient_with_many_lesions_counts_once() -> None:
    """Nineteen patients with a lesion that does not change, and one with a thousand that do."""
    first = np.full(1019, 50.0)
    second = np.r_[np.full(19, 50.0), np.full(1000, 100.0)]
    patients = [*range(19), *["many"] * 1000]
    (row,) = lesion_repeatability(first, second, patients, (np.inf,)).to_dict("records")
    assert row["log_ratio"] == 0
    assert row["log_ratio_low"] == 0
    assert row["log_ratio_high"] == pytest.approx(np.log(2))
    assert row["patients"] == 20


def test_the_class_is_that_of_the_geometric_mean() -> None:
    table = lesion_repeatability([10.0, 20.0], [40.0, 45.0], ["a", "a"], (20.0, 30.0, np.inf))
    assert table["lesions"].tolist() == [0, 1, 1]  # 20 belongs above, 30 too


@pytest.mark.parametrize(
    ("first", "patients", "match"),
    [([1.0, 0.0], ["a", "b"], "above 0"), ([1.0, 2.0], ["a"], "as many")],
)
def test_what_cannot_be_measured_is_refused(
    first: list[float], patients: list[str], match: str
) -> None:
    with pytest.raises(ValueError, match=match):
        lesion_repeatability(first, [1.0, 1.0], patients)
