"""The time that is left: never "2 s" and then "63 s"."""

from itertools import pairwise

import pytest

from fsh_napari.segment.remaining import RemainingTime


def estimates(patches: int, at_once: int, seconds: float, first_s: float):
    """What is said and what is true, for a run whose patches are done a few at a time."""
    clock = [0.0]
    remaining = RemainingTime(lambda: clock[0])
    ends = [
        first_s + (done // at_once) * seconds + 0.01 * (done % at_once) for done in range(patches)
    ]
    for done, end in enumerate(ends, start=1):
        clock[0] = end
        yield remaining.after(done, patches), ends[-1] - end


@pytest.mark.parametrize("at_once", [1, 2, 4])
@pytest.mark.parametrize("seconds", [0.2, 1.5, 8.0])
def test_it_is_silent_at_first_and_then_near_the_truth(at_once, seconds) -> None:
    said = list(estimates(60, at_once, seconds, first_s=12.0))
    assert said[0][0] < 0
    known = [(guess, truth) for guess, truth in said if guess >= 0]
    assert known or said[0][1] < 15  # so short that nobody asks
    for guess, truth in known:
        assert guess == pytest.approx(truth, rel=0.5, abs=4 * seconds)
    assert all(later[0] <= earlier[0] * 1.3 + seconds for earlier, later in pairwise(known))


def test_a_machine_that_becomes_slower_is_followed_without_a_jump() -> None:
    clock, remaining, last = [0.0], RemainingTime(lambda: clock[0]), None
    for done in range(1, 101):
        clock[0] += 1.0 if done < 50 else 3.0
        left = remaining.after(done, 100)
        if last is not None and last >= 0:
            assert left <= last * 1.5 + 3
        last = left
    assert last <= 3
