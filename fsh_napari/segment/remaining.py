"""How long a run still takes, from when its patches were done."""

import time
from collections.abc import Callable

_BURST_S = 0.5  # patches of several cores are done almost together
_NEW_BURST = 0.3  # of the mean time between patches: a longer wait parts two bursts
_LEAST_PATCHES = 4
_LEAST_S = 3.0
_WEIGHT_OF_NEW = 0.3  # of the last estimate, against those before


class RemainingTime:
    """An estimate that is silent until it can be trusted, and does not jump.

    Parameters
    ----------
    now : callable
        Returns seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._first: tuple[float, int] | None = None
        self._last = (0.0, 0)
        self._burst = (0.0, 0)  # when the last burst was over, and the patches by then
        self._end = 0.0

    def after(self, done: int, total: int) -> float:
        """Estimate the seconds that are left; negative = not known yet.

        The first patches are left out: they wait for the network to be prepared.

        Parameters
        ----------
        done, total : int
            Patches.
        """
        now, last = self._now(), self._last
        self._last = now, done
        if self._first is None or now - self._first[0] < _BURST_S:
            self._first = self._first[0] if self._first else now, done
            return -1.0
        started, before = self._first
        if now - last[0] > _NEW_BURST * (now - started) / (done - before):
            self._burst = last
        over, patches = self._burst
        if patches - before < _LEAST_PATCHES or over - started < _LEAST_S:
            return -1.0
        end = over + (over - started) / (patches - before) * (total - patches)
        self._end = end if not self._end else self._end + _WEIGHT_OF_NEW * (end - self._end)
        return max(self._end - now, 0.0)
