"""How long the stages of a command take: told to whoever listens, and to nobody else."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class Stage:
    """A stage that has ended.

    Attributes
    ----------
    name : str
        What was done.
    seconds : float
        Time on the clock.
    cpu_seconds : float
        Time of the stage's own thread on a processor; that of threads which it starts is not in it.
    beside : bool
        Whether another thread did other work of the case meanwhile.
    memory_mb : float
        Memory that the process had at the end of the stage, in MB.
    """

    name: str
    seconds: float
    cpu_seconds: float
    beside: bool
    memory_mb: float


_listeners: list[list[Stage]] = []
_turns = threading.Lock()


@contextmanager
def timed(name: str) -> Iterator[None]:
    """Time a stage, in whatever thread."""
    began, began_cpu = time.perf_counter(), time.thread_time()
    try:
        yield
    finally:
        stage = Stage(
            name,
            time.perf_counter() - began,
            time.thread_time() - began_cpu,
            threading.current_thread() is not threading.main_thread(),
            psutil.Process().memory_info().rss / 1e6,
        )
        with _turns:
            for heard in _listeners:
                heard.append(stage)


@contextmanager
def listening() -> Iterator[list[Stage]]:
    """Hear of every stage that ends in the block, in the order in which they end."""
    heard: list[Stage] = []
    with _turns:
        _listeners.append(heard)
    try:
        yield heard
    finally:
        with _turns:
            _listeners[:] = [one for one in _listeners if one is not heard]
