"""``fsh segment --dask``: cases on other processes, here or on other machines.

dask.distributed hands out a case at a time, notices a worker that dies, and gives its case to
another. All workers must see the same files under the same names.
"""

import logging
import os
import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress

from fsh_core.cases import Case
from fsh_core.cli.guards import reading
from fsh_core.cli.segment_job import Job, Tables, Work
from fsh_core.config import SegmentConfig
from fsh_core.errors import InputError, sentence_of
from fsh_core.inference.predict import BrainFinder, NetworkPredictor, load_predictor

if TYPE_CHECKING:
    from distributed import Client

_LOCAL = "local:"
_PATIENCE_S = 30  # for a scheduler to answer
_WIDE = 10_000  # columns: lines of a worker are wrapped where they are shown

_log = logging.getLogger("fsh_core")


@dataclass(frozen=True)
class Done:
    """What a worker says of a case.

    Attributes
    ----------
    said : str
        Lines for the screen.
    remarks : tuple of str
        What it remarked: something ignored or assumed.
    failure : str
        One sentence; empty where it worked.
    """

    said: str
    remarks: tuple[str, ...] = ()
    failure: str = ""


def segment_on_pool(
    cases: Sequence[Case], work: Work, address: str, bar: Progress, tables: Tables
) -> list[str]:
    """Segment cases on a pool of processes, a case a task.

    Parameters
    ----------
    cases : sequence of Case
        What to segment.
    work : Work
        What is asked for.
    address : str
        See `workers_of`.
    bar : Progress
        Shows how many are done.
    tables : Tables
        Told of every case.

    Returns
    -------
    list of str
        One sentence for each case that failed, in the order of the cases.

    Raises
    ------
    InputError
        If there is no such pool.
    """
    failed: dict[str, str] = {}
    progress = bar.add_task("cases", total=len(cases))
    with workers_of(address) as client:
        from distributed import as_completed

        here = Path.cwd()
        asked = {
            client.submit(segment_in_worker, case, work, here, pure=False): case for case in cases
        }
        for future in as_completed(asked):
            case = asked.pop(future)
            done = future.result() if future.exception() is None else _lost(case)
            bar.console.print(done.said, markup=False, highlight=False, soft_wrap=True)
            for remark in done.remarks:
                _log.warning("%s", remark)
            if done.failure:
                failed[case.name] = done.failure
            bar.advance(progress)
            tables.keep_up()
    return [failed[case.name] for case in cases if case.name in failed]


def _lost(case: Case) -> Done:
    """Say that a case is lost: several workers died of it, one after another."""
    return Done(
        f"{case.name}: failed",
        failure=f"{case.flair}: each worker that was given it died, perhaps for lack of memory; "
        "segment it alone, or with fewer workers on a machine",
    )


@contextmanager
def workers_of(address: str) -> "Iterator[Client]":
    """Connect to a pool of workers.

    Parameters
    ----------
    address : str
        A scheduler's (``tcp://host:8786``), or ``local:N`` for N processes of this machine, which
        share its cores and end with the block.

    Raises
    ------
    InputError
        If Dask is not installed, or nobody answers.
    """
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        raise InputError(
            "--dask needs dask.distributed, which is not installed: pip install 'fsh-ms[cluster]'"
        ) from None
    if not address.startswith(_LOCAL):
        try:
            client = Client(address, timeout=_PATIENCE_S)
        except (OSError, TimeoutError, ValueError) as error:
            raise InputError(
                f"--dask {address}: expected a scheduler that answers, found none ({error}); check "
                "the address, or start one (dask scheduler)"
            ) from None
        with client:
            yield client
        return
    count = address.removeprefix(_LOCAL)
    if not count.isdecimal() or not int(count):
        raise InputError(f"--dask {address}: expected local:N with N of at least 1, got {count!r}")
    threads = max(1, (os.cpu_count() or 1) // int(count))
    with (
        LocalCluster(
            n_workers=int(count),
            threads_per_worker=1,  # a case takes the threads that it is given
            dashboard_address=None,
            silence_logs=logging.ERROR,  # at the end it tells of workers that it has to stop
            env={"OMP_NUM_THREADS": str(threads)},
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


def segment_in_worker(case: Case, work: Work, folder: Path) -> Done:
    """Segment a case in the folder that the command was given in; runs in a worker."""
    said, remarks = StringIO(), _Kept()
    console = Console(file=said, width=_WIDE)
    _log.addHandler(remarks)
    try:
        _stand_in(folder)
        predictor, finder = _loaded(work.weights, work.config)
        with reading(*case.files):
            quiet = Progress(console=console, disable=True)
            job = Job(work.out, predictor, work.config, work.force, finder, quiet)
            job.segment(case, wait=True)
    except Exception as error:  # whatever it is, the other cases are not affected
        return Done(f"{case.name}: failed", tuple(remarks.said), sentence_of(error, case.flair))
    finally:
        _log.removeHandler(remarks)
    return Done(said.getvalue().rstrip("\n"), tuple(remarks.said))


def _stand_in(folder: Path) -> None:
    """Go where the command was given, so that its relative paths mean the same."""
    try:
        os.chdir(folder)
    except OSError:
        raise InputError(
            f"{folder}: expected this folder on the worker {platform.node()} too, found none; use "
            "a file system that all of them share"
        ) from None


@cache
def _loaded(weights: Path | None, config: SegmentConfig) -> tuple[NetworkPredictor, BrainFinder]:
    """Load the networks once for each worker."""
    return load_predictor(weights, config), BrainFinder(config.device)


class _Kept(logging.Handler):
    """Keeps what is remarked."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())
