"""What a killed process half wrote is removed later; what a living one writes is not."""

import errno
import os
import signal
import subprocess
import sys

import pytest

from fsh_core.errors import InputError, cannot_be_written
from fsh_core.files import hidden_files, remove_leftovers, staging_folder, write_atomically

_KILLED_WHILE_WRITING = """
import os, signal, sys
from pathlib import Path
from fsh_core.files import staging_folder, write_atomically

os.fsync = lambda handle: os.kill(os.getpid(), signal.SIGKILL)
with staging_folder(Path(sys.argv[1])) as staging:
    write_atomically(Path(sys.argv[1]) / "sub-01" / "table.tsv", "half")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kills as Unix does")
def test_what_a_killed_process_left_goes_and_the_rest_stays(tmp_path):
    killed = subprocess.run(
        [sys.executable, "-c", _KILLED_WHILE_WRITING, str(tmp_path)], check=False
    )
    assert killed.returncode == -signal.SIGKILL
    own = [path for path in tmp_path.rglob("*") if path.name.endswith(".partial")]
    assert sorted(path.is_dir() for path in own) == [False, True]
    (tmp_path / "notes.partial").touch()  # the user's
    (tmp_path / f".fsh-abc.00000000-{2**22 + 1}.partial").touch()  # of another machine
    with staging_folder(tmp_path) as staging:
        remove_leftovers(hidden_files(tmp_path))
        assert staging.exists()
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [
        f".fsh-abc.00000000-{2**22 + 1}.partial",
        "notes.partial",
    ]


def test_a_name_of_255_bytes_can_be_written(tmp_path):
    write_atomically(tmp_path / ("a" * 255), "text")
    assert [path.name for path in tmp_path.iterdir()] == ["a" * 255]


def test_a_staging_folder_that_cannot_be_made_names_the_folder(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(InputError, match="file: cannot be written") as raised,
        staging_folder(tmp_path / "file"),
    ):
        pass
    assert ".partial" not in str(raised.value)


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "free some space, or choose a folder on another disk"),
        (errno.EDQUOT, "free some space, or choose a folder on another disk"),
        (errno.EACCES, "change its permissions, or choose another folder"),
        (errno.EROFS, "the disk is read-only; choose a folder on another disk"),
        (errno.ENAMETOOLONG, "shorten the name"),
        (errno.EISDIR, "a folder has that name; move it away, or choose another folder"),
        (errno.EIO, "check the disk, or choose another folder"),
        (errno.ENOTDIR, "check the disk, or choose another folder"),  # the file is gone meanwhile
    ],
)
def test_each_reason_has_its_own_advice(tmp_path, number, advice):
    reason = os.strerror(number)
    said = str(cannot_be_written(tmp_path / "out", OSError(number, reason)))
    assert said == f"{tmp_path / 'out'}: cannot be written ({reason}); {advice}"


def test_what_the_system_really_says(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "folder" / "inside").mkdir(parents=True)
    for path, advice in (
        (tmp_path / "file" / "a.tsv", f"{tmp_path / 'file'} is a file where a folder is expected"),
        (tmp_path / ("a" * 256), "shorten the name"),
        (tmp_path / "folder", "a folder has that name"),
    ):
        with pytest.raises(InputError, match=r"cannot be written \(.*\); ") as raised:
            write_atomically(path, "text")
        assert str(raised.value).partition("; ")[2].startswith(advice)
    for name, advice in (
        ("file", "this is a file where a folder is expected; choose"),
        ("a" * 256, "shorten the name"),
    ):
        with pytest.raises(InputError, match=advice), staging_folder(tmp_path / name):
            pass
