"""Two processes do not write the same thing at once, and nothing of a lock stays behind."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from fsh_core.errors import InputError
from fsh_core.locks import BeingWritten, clear_after_killed, one_writer

# Each process reads a number, adds 1 and writes it, which loses additions without a lock.
_COUNT = """
import sys
from pathlib import Path
from fsh_core.locks import one_writer

file = Path(sys.argv[1]) / "count.txt"
for _ in range(100):
    with one_writer(file.parent, "count"):
        number = int(file.read_text() or 0) if file.exists() else 0
        file.write_text(str(number + 1))
"""


def in_another_thread(function):
    problems = []

    def run():
        try:
            function()
        except InputError as error:
            problems.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return problems


def write(folder, **how):
    with one_writer(folder, "sub-01", **how):
        (folder / "written").touch()


def test_processes_count_together_without_losing_one(tmp_path):
    (tmp_path / "count.txt").touch()  # the folder is never empty, so that it stays
    processes = [subprocess.Popen([sys.executable, "-c", _COUNT, str(tmp_path)]) for _ in range(4)]
    assert [process.wait() for process in processes] == [0] * 4
    assert (tmp_path / "count.txt").read_text() == "400"
    assert [path.name for path in tmp_path.iterdir()] == ["count.txt"]


def test_the_second_is_told_who_writes_what_where(tmp_path):
    with one_writer(tmp_path, "sub-01"):
        (problem,) = in_another_thread(lambda: write(tmp_path, wait=False))
    assert isinstance(problem, BeingWritten)
    assert str(problem) == (
        f"{tmp_path}: another process is writing sub-01 there; wait until it is done, "
        "or choose another output folder"
    )
    assert not (tmp_path / "written").exists()


def test_another_thing_in_the_same_folder_is_free(tmp_path):
    with one_writer(tmp_path, "sub-02"):
        assert in_another_thread(lambda: write(tmp_path, wait=False)) == []


def test_the_second_waits_for_the_first(tmp_path):
    with one_writer(tmp_path, "sub-01"):
        second = threading.Thread(target=write, args=(tmp_path,))
        second.start()
        second.join(0.2)
        assert not (tmp_path / "written").exists()
    second.join()
    assert (tmp_path / "written").exists()


def test_who_has_it_may_ask_again(tmp_path):
    with one_writer(tmp_path):
        with one_writer(tmp_path, wait=False):
            pass
        assert in_another_thread(lambda: _enter(tmp_path))  # still held


def _enter(folder: Path):
    with one_writer(folder, wait=False):
        pass


def test_a_folder_made_for_a_lock_goes_with_it(tmp_path):
    with one_writer(tmp_path / "a" / "b"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(InputError, match="file/out: cannot be written"),
        one_writer(tmp_path / "file" / "out"),
    ):
        pass


def test_the_system_gives_a_killed_process_lock_back(tmp_path):
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom fsh_core.locks import one_writer\n"
        "with one_writer(Path(sys.argv[1]), 'sub-01'): os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert (tmp_path / ".fsh-sub-01.lock").exists()
    assert in_another_thread(lambda: write(tmp_path, wait=False)) == []
    assert not (tmp_path / ".fsh-sub-01.lock").exists()


def test_locks_of_killed_processes_go_and_those_that_are_held_stay(tmp_path):
    (tmp_path / ".fsh-sub-01.lock").touch()
    (tmp_path / ".other.lock").touch()  # another program's
    with one_writer(tmp_path, "sub-02"):
        thread = threading.Thread(target=clear_after_killed, args=(tmp_path,))
        thread.start()
        thread.join()
        assert sorted(path.name for path in tmp_path.iterdir()) == [
            ".fsh-sub-02.lock",
            ".other.lock",
        ]


def test_a_lock_that_a_killed_process_left_further_down_goes_too(tmp_path) -> None:
    below = tmp_path / "sub-01" / "anat"
    below.mkdir(parents=True)
    (below / ".fsh-review.lock").touch()
    clear_after_killed(tmp_path)
    assert not list(below.iterdir())
