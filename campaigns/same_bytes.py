"""The same bytes wherever a scan is segmented: python -m campaigns.same_bytes.

The bundled sample is segmented as it is, and again with another number of threads, locale, time
zone, hash seed, working folder, and uncompressed; every file but what holds times, paths and
pictures of them must be the same.
"""

import gzip
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from campaigns.study import REPOSITORY, result_of
from fsh_core.sample import sample_case


class Setting(NamedTuple):
    """Where and how a scan is segmented."""

    name: str
    environment: dict[str, str]
    from_elsewhere: bool = False
    uncompressed: bool = False


SETTINGS = (
    Setting("one thread", {"OMP_NUM_THREADS": "1"}),
    Setting("two threads", {"OMP_NUM_THREADS": "2"}),
    Setting("locale C, no UTF-8", {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
    Setting("time zone", {"TZ": "Pacific/Chatham"}),
    Setting("hash seed", {"PYTHONHASHSEED": "1"}),
    Setting("another folder", {}, from_elsewhere=True),
    Setting("uncompressed", {}, uncompressed=True),
)


def run(say: Callable[[str], object] = print, *words: str) -> list[str]:
    """Segment the sample in every setting.

    Parameters
    ----------
    say : callable
        Gets each line of the table.
    *words : str
        Further words of ``fsh segment``.

    Returns
    -------
    list of str
        What differs; empty if nothing does.
    """
    failures: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        whole = _segment(Path(scratch) / "as it is", Setting("as it is", {}), words)
        for setting in SETTINGS:
            found = _segment(Path(scratch) / setting.name, setting, words)
            others = sorted(
                name for name in found.keys() | whole.keys() if found.get(name) != whole.get(name)
            )
            say(f"{setting.name:<22}{len(found):>4} files{len(others):>4} other")
            failures += [f"{setting.name}: {name} is other" for name in others]
    return failures


def _segment(folder: Path, setting: Setting, words: tuple[str, ...]) -> dict[str, str]:
    """Segment the sample in a process of its own; gives the hashes of what it made."""
    scans = folder / "in"
    scans.mkdir(parents=True)
    payload = sample_case().flair.read_bytes()
    name = sample_case().flair.name
    if setting.uncompressed:
        name, payload = name.removesuffix(".gz"), gzip.decompress(payload)
    (scans / name).write_bytes(payload)
    given = ["segment", str(scans / name), "-o", str(folder / "out"), *words]
    done = subprocess.run(
        [sys.executable, "-m", "fsh_core.cli", *given],
        cwd=folder if setting.from_elsewhere else REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **setting.environment},
        capture_output=True,
        check=False,
    )
    if done.returncode:
        return {"(the command)": done.stderr.decode(errors="replace")[-300:]}
    return result_of(folder / "out")


if __name__ == "__main__":
    problems = run()
    print(*problems, sep="\n")
    sys.exit(1 if problems else 0)
