"""The process beside the window ends with it, whatever ended the window."""

import json
import subprocess
import sys
from dataclasses import asdict

from fsh_napari.segment.job import WITH_PARENT, Job
from tests.conftest import REPOSITORY

PATIENCE_S = 60


def start(flair_file, tmp_path, how: str) -> subprocess.Popen:
    """Begin a job as the window does."""
    folder = tmp_path / "fsh-job"
    folder.mkdir()
    job = Job(
        str(flair_file),
        "01",
        weights=how,
        settings={"regions": False},
        module="tests.napari.fake_network",
    )
    (folder / "job.json").write_text(json.dumps(asdict(job)))
    return subprocess.Popen(
        [sys.executable, "-m", "fsh_napari.segment.job", str(folder / "job.json"), WITH_PARENT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=REPOSITORY,
    )


def test_a_job_that_is_done_ends_by_itself(flair_file, tmp_path) -> None:
    process = start(flair_file, tmp_path, "")
    try:
        process.stdout.read()
        assert process.wait(PATIENCE_S) == 0
    finally:
        process.kill()
        process.stdin.close()
        process.stdout.close()
    assert (tmp_path / "fsh-job" / "result").is_file()


def test_a_killed_window_leaves_neither_process_nor_folder(flair_file, tmp_path) -> None:
    process = start(flair_file, tmp_path, "slow")
    try:
        while b'"done": 1' not in process.stdout.readline():
            assert process.poll() is None
        process.stdin.close()  # what happens to the pipe when its other end dies
        assert process.wait(PATIENCE_S) != 0
    finally:
        process.kill()
        process.stdout.close()
    assert not (tmp_path / "fsh-job").exists()
