"""Nothing leaves the machine: run under strace, nothing tries to connect but to itself.

A test inside the process would not see what a forked child or a C++ library does; the kernel does.
"""

import contextlib
import importlib.metadata
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from fsh_core.volume.volume import load_volume, save_like
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.skipif(
    shutil.which("strace") is None, reason="strace is not installed (Linux: apt-get install strace)"
)

# An address of the internet, in a call that connects or sends.
ADDRESS = re.compile(
    r"sa_family=AF_INET6?\b.*?(?:inet_addr\(\"|inet_pton\(AF_INET6, \")([0-9a-fA-F.:]+)\""
)
MASK = Path("sub-04/anat/sub-04_label-L_mask.nii.gz")
SMALL = ["--patch-size", "32,32,32", "--overlap", "0", "--no-regions"]
TRAIN = ["--widths", "4,4,4,4,4", "--spacing-mm", "2", "--patch-size", "32,32,16", "--epochs", "1"]
TRAIN += ["--steps-per-epoch", "1", "--batch-size", "1", "--intensity", "percentile"]
TRAIN += ["--validation", "02", "--validation", "03", "--validation", "04"]
TRAIN += ["--simulate-fraction", "0", "--simulated-copies", "0", "--recurrence", "0"]
# Drawing a picture keeps a list of the machine's fonts, as every program with matplotlib does.
MAY_BE_IN_HOME = re.compile(r"\.cache/matplotlib/fontlist-v[\d.]+\.json")


def strangers(trace: Path) -> list[str]:
    """The addresses outside this machine that a traced program called."""
    called = ADDRESS.findall(trace.read_text(errors="replace"))
    return [address for address in called if not address.startswith("127.") and address != "::1"]


Watch = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home folder."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def watch(tmp_path: Path, home: Path) -> Watch:
    """Start Python under strace; the trace lies in ``tmp_path / "trace"``."""

    def start(*words: str | Path) -> "subprocess.Popen[str]":
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("XDG_")
        }
        # A connection refused by a proxy of this machine would look like one that stays on it.
        environment = {
            name: value for name, value in environment.items() if "proxy" not in name.lower()
        }
        environment |= {"HOME": str(home), "MPLCONFIGDIR": "", "PYTHONPATH": str(REPOSITORY)}
        traced = ["strace", "-f", "--seccomp-bpf", "-e", "trace=connect,sendto,sendmsg,sendmmsg"]
        traced += ["-o", str(tmp_path / "trace"), sys.executable, *map(str, words)]
        return subprocess.Popen(
            traced,
            cwd=tmp_path,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    return start


def check(tmp_path: Path, home: Path) -> None:
    assert (tmp_path / "trace").stat().st_size > 0
    assert strangers(tmp_path / "trace") == []
    written = {str(file.relative_to(home)) for file in home.rglob("*") if file.is_file()}
    assert {name for name in written if not MAY_BE_IN_HOME.fullmatch(name)} == set()


def test_the_watch_sees_a_connection_of_a_child(watch, tmp_path: Path) -> None:
    code = (
        "import os, socket\nif os.fork() == 0: "
        "socket.socket(type=socket.SOCK_DGRAM).connect(('192.0.2.7', 53))"
    )
    watch("-c", code).communicate(timeout=60)
    assert strangers(tmp_path / "trace") == ["192.0.2.7"]


def test_openvino_comes_with_telemetry() -> None:
    """If this fails, OpenVINO has no telemetry any more: network/quiet_openvino.py may go."""
    needs = importlib.metadata.requires("openvino") or []
    assert any(need.startswith("openvino-telemetry") for need in needs)


def test_the_commands(watch, training_bids: Path, tmp_path: Path, home: Path) -> None:
    data = shutil.copytree(training_bids, tmp_path / "data")
    masks = data / "derivatives" / "manual"
    shutil.copytree(masks, data / "second")
    scan = load_volume(data / "sub-04" / "anat" / "sub-04_FLAIR.nii.gz")
    save_like(np.roll(scan.data, 1, axis=0), scan, tmp_path / "later.nii.gz")
    commands: dict[str, list[str | Path]] = {
        "train": [data, "-o", "run", *TRAIN],
        "ensemble": ["run/last.safetensors", "run/best.safetensors", "-o", "both.safetensors"],
        "calibrate": [data, "-w", "run/last.safetensors", *SMALL],
        "segment": [data / "sub-04", "-o", "out", *SMALL],
        "track": [data / "sub-04/anat/sub-04_FLAIR.nii.gz", "later.nii.gz", "-o", "visits", *SMALL],
        "evaluate": [
            "out/sub-04/anat/sub-04_space-orig_label-L_mask.nii.gz",
            masks / MASK,
            "-o",
            "scores",
        ],
        "agreement": [masks, data / "second", "-o", "study"],
        "simulate": [data / "sub-01", "-o", "simulated", "--count", "2"],
        "doctor": [],
    }
    # One process for all of them: loading torch under strace takes longer than most commands.
    code = (
        "import json, sys\nfrom fsh_core.cli import main\n"
        "for words in json.loads(sys.argv[1]):\n"
        "    print('fsh', *words, flush=True)\n"
        "    if main(words): sys.exit(1)"
    )
    every = [[name, *map(str, words)] for name, words in commands.items()]
    running = watch("-c", code, json.dumps(every))
    said, _ = running.communicate(timeout=600)
    assert running.returncode == 0, said
    check(tmp_path, home)


def test_the_job_of_the_napari_plugin(
    watch, training_bids: Path, tmp_path: Path, home: Path
) -> None:
    from fsh_napari.segment.job import Job

    flair = training_bids / "sub-04" / "anat" / "sub-04_FLAIR.nii.gz"
    job = Job(
        str(flair), "04", settings={"patch_size": (32, 32, 32), "overlap": 0, "regions": False}
    )
    (tmp_path / "job.json").write_text(json.dumps(asdict(job)))
    running = watch("-m", "fsh_napari.segment.job", tmp_path / "job.json")
    said, _ = running.communicate(timeout=300)
    assert running.returncode == 0, said
    assert (tmp_path / "result").exists()
    check(tmp_path, home)


def test_the_dashboard(watch, tmp_path: Path, home: Path) -> None:
    pytest.importorskip(
        "streamlit", reason="the dashboard is not installed: pip install 'fsh-ms[dashboard]'"
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    running = watch(
        "-m", "fsh_core.cli", "dashboard", "--port", str(port), "--no-token", "--no-browser"
    )
    try:
        answer = b""
        for _ in range(240):
            try:
                answer = urllib.request.urlopen(f"http://localhost:{port}/", timeout=5).read()
                break
            except OSError:
                time.sleep(0.25)
        assert b"<html" in answer
    finally:
        for child in _descendants(running.pid):
            with contextlib.suppress(ProcessLookupError):  # the server ends with its command
                os.kill(child, signal.SIGTERM)
        running.communicate(timeout=60)
    check(tmp_path, home)


def _descendants(process: int) -> list[int]:
    import psutil

    return [child.pid for child in psutil.Process(process).children(recursive=True)]
