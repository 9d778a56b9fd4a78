"""Peak memory: what was held once counts, even when it is given back."""

import subprocess
import sys
from types import SimpleNamespace

import psutil
import pytest

from fsh_core.training import memory
from fsh_core.training.memory import peak_memory_mb

MIB = 1024**2


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS tells psutil no peak")
def test_memory_that_was_given_back_still_counts() -> None:
    code = (
        "from fsh_core.training.memory import peak_memory_mb as peak; import psutil\n"
        "before = peak(); block = bytearray(b'x' * (300 * 1024**2)); del block\n"
        "print(before, peak(), psutil.Process().memory_info().rss / 1024**2)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout
    before, after, held = map(float, shown.split())
    assert 295 < after - before < 620  # one block, or two while it is copied
    assert held < after - 250


@pytest.mark.skipif(sys.platform == "win32", reason="compares with what Unix itself says")
def test_it_is_the_number_that_the_system_says() -> None:
    resource = pytest.importorskip("resource")
    unit = MIB if sys.platform == "darwin" else 1024
    said = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    assert peak_memory_mb() <= said + 5


def test_windows_is_asked_for_its_peak(monkeypatch) -> None:
    info = SimpleNamespace(rss=100 * MIB, peak_wset=250 * MIB)
    monkeypatch.setattr(memory.sys, "platform", "win32")
    monkeypatch.setattr(psutil.Process, "memory_info", lambda _process: info)
    assert peak_memory_mb() == 250


def test_macos_is_asked_for_what_the_process_holds(monkeypatch) -> None:
    monkeypatch.setattr(memory.sys, "platform", "darwin")
    monkeypatch.setattr(psutil.Process, "memory_info", lambda _: SimpleNamespace(rss=100 * MIB))
    assert peak_memory_mb() == 100
