"""Batches made ahead, so that a graphics card never waits for one."""

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from fsh_core.training.lesion_regions import lesion_regions

_MOST_THREADS = 8


class Batch(NamedTuple):
    """What a step learns from.

    Attributes
    ----------
    images : (B, C, I, J, K) float32
        Patches.
    references : (B, 1, I, J, K) float32 in {0, 1}
        Their lesions.
    regions : (B, 1, I, J, K) float32 or None
        Which lesion each voxel is nearest to, where the loss asks for it.
    """

    images: Tensor
    references: Tensor
    regions: Tensor | None = None


class Batches(Protocol):
    """What gives the batch of a step."""

    def batch(self, step: int, items: range | None = None) -> tuple[Tensor, Tensor]:
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
    by_lesion : bool
        Whether the loss asks which lesion a voxel is nearest to.
    """

    def __init__(
        self,
        source: Batches,
        items: range,
        steps: int,
        pool: ThreadPoolExecutor | None,
        ahead: int,
        by_lesion: bool = False,
    ) -> None:
        self._source, self._items, self._steps = source, items, steps
        self._by_lesion = by_lesion
        self._pool, self._ahead = pool, ahead
        self._made: dict[int, Future[Batch]] = {}

    def batch(self, step: int) -> Batch:
        """Return the batch of a step."""
        if self._pool is None:
            return self._make(step)
        for number in range(step, min(step + self._ahead + 1, self._steps)):
            if number not in self._made:
                self._made[number] = self._pool.submit(self._make, number)
        return self._made.pop(step).result()

    def _make(self, step: int) -> Batch:
        return make_batch(self._source, step, self._items, self._by_lesion)


def make_batch(source: Batches, step: int, items: range | None, by_lesion: bool) -> Batch:
    """Make the batch of a step, with regions if the loss asks for them."""
    images, references = source.batch(step, items)
    return Batch(images, references, lesion_regions(references) if by_lesion else None)


@contextmanager
def supply(
    source: Batches, items: range, steps: int, device: torch.device, by_lesion: bool
) -> Iterator[Supply]:
    """Give the batches of a training; made ahead for a graphics card.

    A processor is busy with the step itself.
    """
    if device.type != "cuda":
        yield Supply(source, items, steps, None, 0, by_lesion)
        return
    threads = min(_MOST_THREADS, os.cpu_count() or 1)
    pool = ThreadPoolExecutor(threads)
    try:
        yield Supply(source, items, steps, pool, 2 * threads, by_lesion)
    finally:
        pool.shutdown(cancel_futures=True)
