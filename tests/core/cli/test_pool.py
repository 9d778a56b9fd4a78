"""Cases on a pool of processes: the same files and tables, also where a worker dies."""

import os
import signal
import threading
import time
from pathlib import Path

import distributed
import pytest

from fsh_core.cli import main
from fsh_core.volume.volume import save_like
from tests.core.cli.test_app import FAST, weights  # noqa: F401  (a fixture)

CASES = "abcdef"
PATIENCE_S = 120


@pytest.fixture
def scans(phantom, tmp_path: Path) -> Path:
    """A folder with six scans, no two of which are equal."""
    for number, name in enumerate(CASES):
        data = phantom.flair.data * (1 + number / 10)
        save_like(data, phantom.flair, tmp_path / "in" / f"{name}_FLAIR.nii.gz")
    return tmp_path / "in"


@pytest.fixture
def segment(weights: Path, scans: Path, tmp_path: Path, monkeypatch, capsys):  # noqa: F811
    """Segment into a folder; gives the code, and all that was said in one line."""
    monkeypatch.chdir(tmp_path)

    def run(out: str, *words: str) -> tuple[int, str]:
        given = ["segment", "in", "-o", out, "--no-regions", "--weights", str(weights), *FAST]
        code = main([*given, *words])
        said = capsys.readouterr()
        return code, " ".join((said.out + said.err).split())

    return run


def images(folder: Path) -> dict[str, bytes]:
    """What was computed, by name."""
    found = sorted(folder.rglob("*.nii.gz")) + sorted(folder.rglob("*lesions.tsv"))
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def kill_one_that_works(client: distributed.Client, killed: list[int]) -> None:
    """Kill a worker in the middle of a case."""
    processes = client.run(os.getpid)
    until = time.monotonic() + PATIENCE_S
    while not killed and time.monotonic() < until:
        for address, tasks in client.processing().items():
            if tasks and address in processes:
                os.kill(processes[address], signal.SIGKILL)
                killed.append(processes[address])
                break
        time.sleep(0.01)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="processes are killed here")
def test_four_workers_of_which_one_is_killed(segment, scans, tmp_path) -> None:
    assert segment("alone")[0] == 0
    (scans / "bad_FLAIR.nii.gz").write_bytes(b"no scan")
    killed: list[int] = []
    with (
        distributed.LocalCluster(n_workers=4, threads_per_worker=1, dashboard_address=None) as pool,
        distributed.Client(pool) as client,
    ):
        killer = threading.Thread(target=kill_one_that_works, args=(client, killed))
        killer.start()
        code, said = segment("pooled", "--dask", pool.scheduler_address)
        killer.join()
    assert killed
    assert code == 2  # the bad one is named, and nothing else is lost
    assert "bad_FLAIR.nii.gz: expected a gzip file" in said
    assert "6 of 7 cases are in pooled: cases.tsv, lesions.tsv; 1 failed" in said
    assert images(tmp_path / "pooled") == images(tmp_path / "alone") != {}


def test_processes_here_and_what_is_done_stays(segment) -> None:
    code, said = segment("out", "--dask", "local:2")
    assert code == 0
    assert "6 of 6 cases are in out" in said
    code, said = segment("out", "--dask", "local:1")
    assert code == 0
    assert said.count("done already") == len(CASES)


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("local:0", "expected local:N with N of at least 1, got '0'"),
        ("local:two", "expected local:N with N of at least 1, got 'two'"),
        ("tcp://127.0.0.1:9", "expected a scheduler that answers, found none"),
    ],
)
def test_a_pool_that_is_none(segment, address, sentence, monkeypatch) -> None:
    monkeypatch.setattr("fsh_core.cli.pool._PATIENCE_S", 1)
    code, said = segment("out", "--dask", address)
    assert code == 2
    assert sentence in said


def test_without_dask_it_says_how_to_get_it(segment, monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    code, said = segment("out", "--dask", "local:2")
    assert code == 2
    assert "pip install 'fsh-ms[cluster]'" in said
