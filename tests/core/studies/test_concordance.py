"""Lin's concordance correlation, by hand and on published data."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsh_core.studies.concordance import concordance

# Peak expiratory flow of 17 people in l/min, first readings of two meters: Bland and Altman,
# Lancet 1986, doi 10.1016/S0140-6736(86)90837-8, who give the correlation as 0.94.
WRIGHT = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
MINI = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]


def by_parts(x, y) -> float:
    """Precision times accuracy, as Lin writes it too: the correlation and C_b."""
    scale, shift = np.std(x) / np.std(y), (np.mean(x) - np.mean(y)) / np.sqrt(np.std(x) * np.std(y))
    return np.corrcoef(x, y)[0, 1] * 2 / (scale + 1 / scale + shift**2)


def test_on_the_data_of_bland_and_altman() -> None:
    assert np.corrcoef(WRIGHT, MINI)[0, 1] == pytest.approx(0.94, abs=0.005)
    found = concordance(WRIGHT, MINI)
    assert found.value == pytest.approx(0.9427, abs=5e-5)
    assert found.value == pytest.approx(by_parts(WRIGHT, MINI))
    assert 0.8 < found.low < found.value < found.high < 1
    assert found == concordance(MINI, WRIGHT)


def test_by_hand() -> None:
    x = [1.0, 2, 3]
    assert concordance(x, x).value == pytest.approx(1)
    assert concordance(x, x[::-1]).value == pytest.approx(-1)
    # cov = var = 2/3, means differ by 1: (4/3) / (4/3 + 1)
    assert concordance(x, [2.0, 3, 4]).value == pytest.approx(4 / 7)


def test_a_patient_of_many_visits_counts_once() -> None:
    x, y = [1.0, 2, 3, 4, 5, 9], [1.5, 2, 2.5, 4, 6, 3]
    names = list("abcdef")
    once = concordance(x, y, names)
    many = concordance(x + [9.0] * 5, y + [3.0] * 5, [*names, *"fffff"])
    assert many.value == pytest.approx(once.value)
    assert (many.low, many.high) == pytest.approx((once.low, once.high))
    assert concordance(x + [9.0] * 5, y + [3.0] * 5).value < once.value


def test_what_is_undefined_is_nan() -> None:
    nan = float("nan")
    for x, y in (([], []), ([1.0], [2.0]), ([3.0, 3, 3], [3.0, 3, 3]), ([1, nan], [nan, 1])):
        assert np.isnan(concordance(x, y).value)
    four = concordance([1.0, 2, 3, 4], [1.0, 2, 3, 5])
    assert np.isfinite(four.value)
    assert np.isnan([four.low, four.high]).all()


@given(
    st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), min_size=5, max_size=20),
    st.permutations(range(20)),
)
def test_it_is_between_minus_one_and_one_in_any_order(pairs, order) -> None:
    x, y = np.array(pairs).T
    found = concordance(x, y)
    if np.isnan(found.value):
        return
    assert -1 - 1e-9 <= found.low <= found.high <= 1 + 1e-9
    assert -1 - 1e-9 <= found.value <= 1 + 1e-9
    kept = [place for place in order if place < len(x)]
    again = concordance(x[kept], y[kept], [f"{place:02}" for place in kept])
    assert again.value == pytest.approx(found.value, abs=1e-9)
