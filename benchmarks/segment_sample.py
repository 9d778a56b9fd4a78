"""How long `fsh segment --sample` takes, and how much memory: a cold process each time."""

import os
import platform
import sys
import tempfile
import time
from pathlib import Path

RUNS = 3


def main() -> int:
    """Segment the sample a few times and print what each cost."""
    command = str(Path(sys.executable).with_name("fsh"))
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as folder:
        for run in range(RUNS):
            started = time.perf_counter()
            log = Path(folder) / f"{run}.log"
            with log.open("wb") as output:
                child = os.posix_spawn(
                    command,
                    [command, "segment", "--sample", "--force", "--out", str(Path(folder) / str(run))],
                    os.environ,
                    file_actions=[
                        (os.POSIX_SPAWN_DUP2, output.fileno(), 1),
                        (os.POSIX_SPAWN_DUP2, output.fileno(), 2),
                    ],
                )
                _, status, used = os.wait4(child, 0)
            seconds = time.perf_counter() - started
            if status:
                print(log.read_text())
                return 1
            peak_mb = used.ru_maxrss / (1024 if sys.platform.startswith("linux") else 1024**2)
            print(
                f"run {run + 1}: {seconds:.1f} s from start to end, "
                f"{used.ru_utime + used.ru_stime:.1f} s of processor time, {peak_mb:.0f} MB at most"
            )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
