"""What a killed process half wrote is removed later; what a living one writes is not."""

import signal
import subprocess
import sys

import pytest

from fsh_core.errors import InputError
from fsh_core.files import remove_leftovers, staging_folder, write_atomically

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
        remove_leftovers(tmp_path)
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
