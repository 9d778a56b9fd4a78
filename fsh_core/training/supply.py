"""Batches made ahead, so that a graphics card never waits for one."""

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Protocol

import torch
from torch import Tensor

_MOST_THREADS = 8
Batch = tuple[Tensor, Tensor]


class Batches(Protocol):
    """What gives the batch of a step."""

    def batch(self, step: int, items: range | None = None) -> Batch:
        """Images (B, C, I, J, K) and references (B, 1, I, J, K) of a step."""


class Supply:
    """Batches of consecutive steps, some made by threads before they are asked for.

    What a step gets does not depend on the threads: a batch follows from its number alone.

    Parameters
    ----------
    source : Batches
        Makes them; must not mind being asked by several threads.
    items : range
        Which patches of each batch are wanted.
    steps : int
        How many steps there are.
    pool : ThreadPoolExecutor or None
        Makes batches ahead; None makes each when it is asked for.
    ahead : int
        How many.
    """

    def __init__(
        self, source: Batches, items: range, steps: int, pool: ThreadPoolExecutor | None, ahead: int
    ) -> None:
        self._source, self._items, self._steps = source, items, steps
        self._pool, self._ahead = pool, ahead
        self._made: dict[int, Future[Batch]] = {}

    def batch(self, step: int) -> Batch:
        """Return the batch of a step."""
        if self._pool is None:
            return self._source.batch(step, self._items)
        for number in range(step, min(step + self._ahead + 1, self._steps)):
            if number not in self._made:
                self._made[number] = self._pool.submit(self._source.batch, number, self._items)
        return self._made.pop(step).result()


@contextmanager
def supply(source: Batches, items: range, steps: int, device: torch.device) -> Iterator[Supply]:
    """Give the batches of a training; made ahead for a graphics card.

    A processor is busy with the step itself.
    """
    if device.type != "cuda":
        yield Supply(source, items, steps, None, 0)
        return
    threads = min(_MOST_THREADS, os.cpu_count() or 1)
    pool = ThreadPoolExecutor(threads)
    try:
        yield Supply(source, items, steps, pool, 2 * threads)
    finally:
        pool.shutdown(cancel_futures=True)
