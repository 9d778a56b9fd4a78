"""Speed of F.sh on the bundled scan, beside its targets and other tools: docs/benchmarks.md.

python -m benchmarks.speed                       everything that is not measured yet
python -m benchmarks.speed --only segment        one part; --skip leaves parts out;
                                                 --force measures again
python -m benchmarks.speed --cohort 1 10 100     other numbers of cases

``make bench`` does it. A part runs in a process of its own and leaves a JSON file in --folder. It
is measured again when the code, the weights, the threads or the processor have changed. The machine
must be idle: what others used of it meanwhile is measured too, and marked.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from benchmarks.clock import BUSY_FRACTION, Bystander, NotRun, machine_facts
from benchmarks.tables import PARTS, write_section

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "benchmarks.md"
WEIGHTS = ROOT / "fsh_core" / "weights" / "default.safetensors"
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
PEERS = ("nnunet", "nnunet-mirror", "samseg")  # depend on no code and no weights of F.sh


def main(words: Sequence[str] | None = None) -> int:
    """Measure what is missing, and write the table."""
    given = _parser().parse_args(words)
    folder = Path(given.folder)
    if given.measure:
        _measure(given, folder)
        return 0
    chosen = [part for part in PARTS if part in (given.only or PARTS) and part not in given.skip]
    if busy := _busy():
        print(f"WARNING: {busy}; the times will be marked", flush=True)
    for part in chosen:
        stored = folder / f"{part}.json"
        if not given.force and is_current(stored, identity(part, given)):
            print(f"{part}: measured already ({stored})", flush=True)
            continue
        print(f"{part}: measuring, {PARTS[part]}", flush=True)
        _run(part, given, stored, words)
    results = {
        part: found
        for part in PARTS
        if (found := _read(folder / f"{part}.json", identity(part, given)))
    }
    section = write_section(results)
    print(section)
    if not given.no_page:
        replace_section(PAGE, section)
        print(f"Written: {PAGE}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="benchmarks.speed", description="Measure F.sh beside its targets."
    )
    add = parser.add_argument
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    add("--only", nargs="+", choices=PARTS, help="parts to measure; all")
    add("--skip", nargs="+", choices=PARTS, default=[], help="parts to leave out")
    add("--force", action="store_true", help="measure again what is measured already")
    add(
        "--folder", default=str(ROOT / "build" / "bench"), help="where the results of each part lie"
    )
    add(
        "--environments",
        default=str(ROOT / "build"),
        help="where bench-nnunet and bench-samseg lie",
    )
    add("--threads", type=int, default=threads, help="threads of every tool; all cores")
    add("--runs", type=int, default=3, help="repetitions of what takes seconds")
    add("--sizes", type=int, nargs="+", default=[128, 256, 384, 512], help="voxels along each axis")
    add("--cohort", type=int, nargs="+", default=[1, 10], help="numbers of cases")
    add(
        "--no-page",
        action="store_true",
        help="print the table and leave docs/benchmarks.md as it is",
    )
    add("--measure", choices=PARTS, help=argparse.SUPPRESS)
    return parser


def _read(stored: Path, now: dict[str, Any]) -> dict[str, Any]:
    """Return what a part left; what was measured under other conditions counts as not run."""
    if not stored.exists():
        return {}
    found: dict[str, Any] = json.loads(stored.read_text())
    if "not_run" in found or is_current(stored, now):
        return found
    return {"not_run": "measured earlier with other code, weights or settings"}


def _busy() -> str:
    """Say what speaks against measuring now."""
    percent = psutil.cpu_percent(2.0)
    if percent <= 100 * BUSY_FRACTION:
        return ""
    return f"the machine is busy ({percent:.0f} % of it, load average {os.getloadavg()[0]:.1f})"


def identity(part: str, given: argparse.Namespace) -> dict[str, Any]:
    """Return what a part's result depends on."""
    facts = machine_facts()
    found = {"threads": given.threads, "processor": facts["processor"], "cores": facts["cores"]}
    folder = Path(__file__).parent
    if part in PEERS:
        return found | {"code_sha256": _hash_of(folder / "peers.py", folder / "peer_nnunet.py")}
    found["code_sha256"] = _hash_of(
        *sorted((ROOT / "fsh_core").rglob("*.py")), folder / "parts.py", folder / "clock.py"
    )
    found["weights_sha256"] = _hash_of(WEIGHTS)
    return found | ({part: getattr(given, part)} if part in ("sizes", "cohort") else {})


def _hash_of(*files: Path) -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def is_current(stored: Path, now: dict[str, Any]) -> bool:
    """Tell whether a part has been measured under the same conditions."""
    try:
        result = json.loads(stored.read_text())
    except (OSError, ValueError):
        return False
    return "values" in result and result.get("identity") == now


def _run(part: str, given: argparse.Namespace, stored: Path, words: Sequence[str] | None) -> None:
    """Measure a part in a process of its own, and store what it says with the circumstances."""
    stored.parent.mkdir(parents=True, exist_ok=True)
    answer = stored.with_suffix(".answer")
    answer.unlink(missing_ok=True)
    circumstances = {
        "identity": identity(part, given),
        "machine": machine_facts(),
        "commit": _commit(),
        "load_average": round(os.getloadavg()[0], 2),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    bystander, started = Bystander(), time.perf_counter()
    arguments = [*(sys.argv[1:] if words is None else words), "--measure", part]
    environment = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, str(given.threads))}
    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks.speed", *arguments], cwd=ROOT, env=environment
    )
    found = (
        json.loads(answer.read_text())
        if answer.exists()
        else {"not_run": f"it ended with {ended.returncode}"}
    )
    answer.unlink(missing_ok=True)
    circumstances |= {
        "took_s": round(time.perf_counter() - started, 1),
        "others_fraction": round(bystander.others_fraction(), 3),
    }
    stored.write_text(json.dumps(found | circumstances, indent=2) + "\n")
    print(
        f"{part}: {found.get('not_run', 'done')} after {circumstances['took_s']:.0f} s", flush=True
    )


def _measure(given: argparse.Namespace, folder: Path) -> None:
    """Measure one part in this process."""
    from benchmarks import parts, peers  # the door to torch; who runs the parts does without

    plan = parts.Plan(
        folder,
        Path(given.environments),
        given.threads,
        given.runs,
        tuple(given.sizes),
        tuple(given.cohort),
    )
    source = peers if given.measure in PEERS else parts
    function: Callable[[parts.Plan], dict[str, Any]] = getattr(
        source, given.measure.replace("-", "_")
    )
    try:
        answer = {"values": function(plan)}
    except NotRun as error:
        answer = {"not_run": str(error)}
    (folder / f"{given.measure}.answer").write_text(json.dumps(answer))


def _commit() -> str:
    """Name the commit, with a plus where the code is another."""
    try:
        command = ["git", "-C", str(ROOT)]
        name = subprocess.run(
            [*command, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
        )
        changed = subprocess.run(
            [*command, "diff", "--quiet", "HEAD", "--", "fsh_core", "benchmarks"]
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return name.stdout.strip() + ("+" if changed.returncode else "")


def replace_section(page: Path, section: str) -> None:
    """Put the tables between the page's two marks.

    Raises
    ------
    ValueError
        If the page has not both.
    """
    text = page.read_text(encoding="utf-8")
    begin, end = "<!-- measured: begin -->\n", "<!-- measured: end -->"
    if text.count(begin) != 1 or text.count(end) != 1:
        raise ValueError(f"{page}: must have {begin.strip()} and {end} once each")
    before, _, rest = text.partition(begin)
    page.write_text(
        before + begin + section.rstrip("\n") + "\n" + end + rest.partition(end)[2],
        encoding="utf-8",
    )


if __name__ == "__main__":
    raise SystemExit(main())
