"""One training on two processes: the steps of one process, a run folder written once, resumable."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fsh_core.cli import main
from fsh_core.config import TrainConfig
from fsh_core.errors import InputError
from fsh_core.training.ranks import Ranks, ranks
from fsh_core.training.runs import RunFolder
from tests.conftest import REPOSITORY
from tests.core.training.test_train import (
    LEFT_BEHIND,
    LOSSES,
    check_same_run,
    small,
    words,
)

PATIENCE_S = 240
BATCH = {"batch_size": 2, "precision": "fp32"}


def start(training_bids, out, *more: str) -> "subprocess.Popen[str]":
    """Train on two processes."""
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command = ["-m", "fsh_core.cli", "train", str(training_bids), "-o", str(out), *more]
    return subprocess.Popen(
        [*torchrun, "--nproc-per-node", "2", *command],
        cwd=REPOSITORY,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.fixture(scope="module")
def shared(training_bids, tmp_path_factory) -> RunFolder:
    """A finished training on two processes."""
    out = tmp_path_factory.mktemp("ranks") / "shared"
    process = start(training_bids, out, *words(**BATCH))
    said, complained = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, complained
    assert said.count("training and 1 validation subjects") == 1  # one of the two speaks
    return RunFolder(out)


def test_the_gradients_are_those_of_one_process() -> None:
    script = Path(__file__).with_name("two_ranks.py")
    words = ["--standalone", "--nproc-per-node", "2", str(script)]
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", *words],
        cwd=REPOSITORY,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    difference, largest = json.loads(done.stdout)
    assert largest > 1e-3
    assert difference < 1e-6


def test_the_losses_are_those_of_one_process(shared, training_bids, tmp_path) -> None:
    assert main(["train", str(training_bids), "-o", str(tmp_path / "one"), *words(**BATCH)]) == 0
    one = RunFolder(tmp_path / "one")
    assert {path.name for path in shared.path.iterdir()} == LEFT_BEHIND
    for ours, theirs in zip(shared.read_log(), one.read_log(), strict=True):
        for name in LOSSES:  # torch rounds otherwise in a batch of two, and six steps widen that
            assert ours[f"train_{name}"] == pytest.approx(theirs[f"train_{name}"], rel=0.02)
        assert ours.get("val_loss", 0) == pytest.approx(theirs.get("val_loss", 0), rel=0.02)


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="processes are killed here")
def test_killed_and_resumed_it_is_the_same_run(shared, training_bids, tmp_path) -> None:
    out = tmp_path / "killed"
    process = start(training_bids, out, *words(**BATCH))
    until = time.monotonic() + PATIENCE_S
    while not (out / "state.safetensors").exists() and time.monotonic() < until:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    process = start(training_bids, out, "--resume")
    _, complained = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, complained
    check_same_run(RunFolder(out), shared)


def test_a_batch_that_cannot_be_shared(monkeypatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(InputError, match="must be divisible by the 2 processes; try 2"):
        ranks(small(batch_size=3)).__enter__()
    with pytest.raises(InputError, match="--norm batch: 2 processes cannot normalise"):
        ranks(small(batch_size=2, model={"norm": "batch"})).__enter__()


def test_shares_make_up_the_batch() -> None:
    shares = [Ranks(rank, 3).share_of(6) for rank in range(3)]
    assert [item for share in shares for item in share] == list(range(6))
    with ranks(TrainConfig()) as alone:
        assert alone == Ranks(0, 1)
        assert alone.is_first
        assert alone.told("x") == "x"
