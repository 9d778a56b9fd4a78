"""Commands that are stopped: at every write, at random moments, and by a full disk.

python -m campaigns.stops                     all commands, all ways
python -m campaigns.stops --most 10 segment   some commands, at most so many stops of each way

After each stop the raw data must be as it was and what is on disk must belong together; run again,
the command must end with the bytes of one that nothing stopped, and leave no temporary file.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from campaigns.study import (
    REPOSITORY,
    TRIAL,
    Study,
    lost_acts,
    problems_after_stop,
    problems_of_a_rerun,
    result_of,
    run_fsh,
)

COMMANDS = ("segment", "track", "train", "evaluate", "simulate", "agreement", "review", *TRIAL)
WAYS = ("kill", "full", "moment")
_FAILED = 2  # the exit code of a command that could not do all


def run(
    commands: Sequence[str],
    ways: Sequence[str],
    most: int | None,
    seed: int = 0,
    say: Callable[[str], object] = print,
) -> list[str]:
    """Stop commands in some ways, and print a table.

    Parameters
    ----------
    commands : sequence of str
        Of `COMMANDS`.
    ways : sequence of str
        ``kill`` (-9, at every write), ``full`` (every write from one on fails), ``moment``
        (kill -9 at a random moment).
    most : int or None
        At most so many stops of each command and way, spread over all; None for all.
    seed : int
        Of the random moments.
    say : callable
        Gets each line.

    Returns
    -------
    list of str
        What went wrong; empty if all is well.
    """
    failures: list[str] = []
    say(f"{'command':<12}{'way':<8}{'stops':>7}{'failed':>8}")
    for name in commands:
        with tempfile.TemporaryDirectory() as folder:
            study = Study.make(Path(folder))
            study.start(name)
            started = time.monotonic()
            done = run_fsh(study.command(name), "kill", "0")
            seconds = time.monotonic() - started
            if done.returncode:
                raise RuntimeError(f"fsh {name} does not work: {done.stdout}")
            writes = int(done.stdout.split()[-1])
            whole = result_of(study.out)
            for way in ways:
                points = _points(way, writes, most, seconds, seed)
                found = [
                    f"{name} {way} {point:.4g}: {problem}"
                    for point in points
                    for problem in _one_stop(study, name, way, point, whole)
                ]
                failures += found
                say(f"{name:<12}{way:<8}{len(points):>7}{len(found):>8}")
    return failures


def _points(way: str, writes: int, most: int | None, seconds: float, seed: int) -> list[float]:
    """Return where to stop: the number of a write, or seconds after the start."""
    if way == "moment":
        rng = random.Random(seed)
        return [rng.uniform(0.2, 1) * seconds for _ in range(most or 20)]
    count = writes if most is None else min(most, writes)
    return [1 + int((number + 0.5) * writes / count) for number in range(count)]


def _one_stop(study: Study, name: str, way: str, point: float, whole: dict[str, str]) -> list[str]:
    """Stop a command once, look at what it left, and run it again."""
    study.start(name)
    raw = study.raw_hashes()
    if way == "moment":
        words = [sys.executable, "-m", "campaigns.stopped", "kill", "0", *study.command(name)]
        process = subprocess.Popen(
            words, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        time.sleep(point)
        process.kill()
        said = process.communicate()[0]
        problems = []
    else:
        done = run_fsh(study.command(name), way, str(int(point)))
        said = done.stdout
        problems = [f"a traceback: {said[-800:]}"] if "Traceback" in said else []
        if way == "full" and done.returncode not in (0, _FAILED):
            problems.append(f"ends with {done.returncode}: {said[-300:]}")
    problems += lost_acts(study, said) if name == "review" else []
    problems += problems_after_stop(study, name, raw)
    return problems + problems_of_a_rerun(study, name, whole)


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("commands", nargs="*", metavar="COMMAND", help=", ".join(COMMANDS))
    parser.add_argument("--way", choices=WAYS, action="append", help="default: all")
    parser.add_argument("--most", type=int, help="stops of each command and way; default: all")
    parser.add_argument("--seed", type=int, default=0)
    given: Any = parser.parse_args(arguments)
    unknown = sorted(set(given.commands) - set(COMMANDS))
    if unknown:
        parser.error(f"there is no command {', '.join(unknown)}; choose of {', '.join(COMMANDS)}")
    failures = run(given.commands or COMMANDS, given.way or WAYS, given.most, given.seed)
    print(*failures, sep="\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
