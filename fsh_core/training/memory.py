"""Peak memory of this process, on every system."""

import sys
from pathlib import Path

import psutil

_STATUS = Path("/proc/self/status")  # Linux only
_KB_PER_MB = 1024
_BYTES_PER_MB = 1024**2


def peak_memory_mb() -> float:
    """Largest resident memory of this process so far.

    Returns
    -------
    float
        In MB of 1024 * 1024 bytes. macOS tells only the standard library's `resource`, which
        Windows does not have: there it is what the process holds now, which is less.
    """
    if sys.platform == "linux":
        return _high_water_mark_kb(_STATUS.read_text(encoding="ascii")) / _KB_PER_MB
    memory = psutil.Process().memory_info()
    # peak_wset is Windows's peak of the working set, its word for resident memory.
    return float(getattr(memory, "peak_wset", memory.rss)) / _BYTES_PER_MB


def _high_water_mark_kb(status: str) -> int:
    """Read VmHWM, in kB, from the text of /proc/self/status."""
    fields = dict(line.split(":", 1) for line in status.splitlines())
    return int(fields["VmHWM"].split()[0])
