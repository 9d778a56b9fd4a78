"""Time and memory of processes and functions, and the load of the machine meanwhile."""

import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

BUSY_FRACTION = 0.1  # of the machine; with more of it in other hands, times mean nothing
_BYTES_OF_MAXRSS = 1 if sys.platform == "darwin" else 1024


class NotRun(Exception):
    """A part cannot be measured here; the message says why."""


@dataclass(frozen=True)
class ProcessCost:
    """What a process took, from its start to its end.

    Attributes
    ----------
    seconds : float
        By the clock.
    cpu_s : float
        Of processor time, its children included.
    peak_mb : float
        Largest resident memory, of the largest process if it had children.
    """

    seconds: float
    cpu_s: float
    peak_mb: float


def run_process(
    command: Sequence[str | Path], log: Path, environment: dict[str, str] | None = None
) -> ProcessCost:
    """Run a command to its end, its words going to a file.

    Linux counts what the starting process held at that moment into the peak: start it from a
    small one.

    Raises
    ------
    NotRun
        If it cannot be started or fails; with the last line that it wrote.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    with log.open("wb") as output:
        try:
            child = subprocess.Popen(
                [str(word) for word in command],
                env={**os.environ, **(environment or {})},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        except OSError as error:
            raise NotRun(f"{command[0]} cannot be started: {error.strerror}") from None
        _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(
        status
    )  # waited for already: Popen must not do it again
    seconds = time.perf_counter() - started
    if child.returncode:
        lines = log.read_text(errors="replace").strip().splitlines() or ["it wrote nothing"]
        raise NotRun(
            f"{Path(command[0]).name} ended with {child.returncode}: {lines[-1].strip()[:200]}"
        )
    return ProcessCost(
        seconds, used.ru_utime + used.ru_stime, used.ru_maxrss * _BYTES_OF_MAXRSS / 1e6
    )


def summarise(costs: Sequence[ProcessCost]) -> dict[str, Any]:
    """Summary of the runs of one command: every time, least processor time, largest peak."""
    return {
        "seconds": [cost.seconds for cost in costs],
        "cpu_s": min(cost.cpu_s for cost in costs),
        "peak_mb": max(cost.peak_mb for cost in costs),
    }


def repeat(function: Callable[[], Any], runs: int, warm_up: int = 1) -> list[float]:
    """Return the seconds of each of some calls, after others that warm caches up."""
    for _ in range(warm_up):
        function()
    seconds = []
    for _ in range(runs):
        started = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - started)
    return seconds


class Bystander:
    """Watches what the machine does beside this process and the children that it waits for."""

    def __init__(self) -> None:
        self._started, self._busy, self._own = time.perf_counter(), _busy_s(), _own_s()

    def others_fraction(self) -> float:
        """Share of the machine that other processes used since this was made, from 0 to 1."""
        elapsed = (time.perf_counter() - self._started) * (os.cpu_count() or 1)
        others = (_busy_s() - self._busy) - (_own_s() - self._own)
        return min(1.0, max(0.0, others / elapsed)) if elapsed > 0 else 0.0


def _busy_s() -> float:
    times = psutil.cpu_times()
    return sum(
        getattr(times, name, 0.0) for name in ("user", "nice", "system", "irq", "softirq", "steal")
    )


def _own_s() -> float:
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def machine_facts() -> dict[str, Any]:
    """Say what machine this is, as plain JSON."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def _processor() -> str:
    """Name the processor, and what of it matters to a network."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine()
    entries = [line.partition(":") for line in text.splitlines()]
    facts = {key.strip(): value.strip() for key, _, value in entries}
    units = [
        name
        for name in ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
        if name in facts.get("flags", "").split()
    ]
    return (
        f"{facts.get('model name', platform.machine())} "
        f"({', '.join(units) or 'no vector units known here'})"
    )
