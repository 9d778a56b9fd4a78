"""A disk that is really full, of several sizes: python -m campaigns.disk (Linux).

Results go to a disk of the given size, in a name space of its own, so that no right of the
administrator is needed. A command must end with a sentence and leave nothing half written.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from campaigns.stops import COMMANDS
from campaigns.study import REPOSITORY, Study, problems_after_stop, run_fsh

SIZES_KB = (4, 16, 32, 64, 100, 200, 400, 800, 1600, 6400)


def is_possible() -> bool:
    """Whether this system lets a user have a disk of their own."""
    if shutil.which("unshare") is None or shutil.which("mount") is None:
        return False
    with tempfile.TemporaryDirectory() as folder:
        words = ["unshare", "-Urm", "mount", "-t", "tmpfs", "tmpfs", folder]
        return subprocess.run(words, capture_output=True, check=False).returncode == 0


def run(
    commands: Sequence[str], sizes_kb: Sequence[int], say: Callable[[str], object] = print
) -> list[str]:
    """Fill disks of some sizes with each command, and print a table.

    Returns
    -------
    list of str
        What went wrong; empty if all is well.
    """
    failures: list[str] = []
    say(f"{'command':<12}{'disks':>7}{'too small':>11}{'failed':>8}")
    for name in commands:
        too_small, found = 0, []
        for size_kb in sizes_kb:
            with tempfile.TemporaryDirectory() as folder:
                Study.make(Path(folder))
                words = [sys.executable, "-m", "campaigns.disk", folder, name, str(size_kb)]
                done = subprocess.run(
                    ["unshare", "-Urm", *words],
                    cwd=REPOSITORY,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    check=False,
                )
            try:
                code, problems = json.loads(done.stdout.splitlines()[-1])
            except (ValueError, IndexError):
                code, problems = done.returncode, [done.stdout[-800:]]
            too_small += code != 0
            found += [f"{name} on {size_kb} kB: {problem}" for problem in problems]
        say(f"{name:<12}{len(sizes_kb):>7}{too_small:>11}{len(found):>8}")
        failures += found
    return failures


def _inside(folder: Path, name: str, size_kb: str) -> None:
    """Run a command onto a small disk, and print its code and what is wrong."""
    study = Study(folder)
    study.out.mkdir()
    raw = study.raw_hashes()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size_kb}k", "tmpfs", str(study.out)]
    subprocess.run(mount, check=True)
    done = run_fsh(study.command(name))
    problems = [f"a traceback: {done.stdout[-800:]}"] if "Traceback" in done.stdout else []
    if done.returncode not in (0, 2):
        problems.append(f"ends with {done.returncode}: {done.stdout[-300:]}")
    if done.returncode == 2 and "cannot be written" not in done.stdout:
        problems.append(f"does not say that the disk is full: {done.stdout[-300:]}")
    problems += problems_after_stop(study, name, raw)
    problems += (
        [f"left behind: {path.name}" for path in study.out.rglob(".fsh-*")]
        if done.returncode
        else []
    )
    print(json.dumps([done.returncode, problems]))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _inside(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
    elif not is_possible():
        print("this system lets no user have a disk of their own (unshare, mount): not tried")
    else:
        failures = run([name for name in COMMANDS if name != "review"], SIZES_KB)
        print(*failures, sep="\n")
        sys.exit(1 if failures else 0)
