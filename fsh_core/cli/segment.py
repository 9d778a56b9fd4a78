"""``fsh segment``: from files to BIDS derivatives, case after case."""

from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from rich.console import Console

from fsh_core.cases import Case
from fsh_core.cli.case_summary import show_case, show_timings
from fsh_core.cli.pool import segment_on_pool
from fsh_core.cli.segment_job import Job, Tables, Work
from fsh_core.cli.terminal import print_failures, progress_bar
from fsh_core.config import SegmentConfig
from fsh_core.derivatives import (
    cohort_kept,
    write_cohort,
)
from fsh_core.errors import InputError, sentence_of
from fsh_core.file_names import CASES_TABLE, LESIONS_TABLE
from fsh_core.inference.predict import BrainFinder, NetworkPredictor, load_predictor
from fsh_core.locks import BeingWritten, clear_after_killed
from fsh_core.timings import listening, timed

_AT_ONCE = 2  # cases: more would only take more memory


def segment_command(
    cases: Sequence[Case],
    out: Path,
    weights: Path | None,
    config: SegmentConfig,
    force: bool,
    channels: Sequence[str] = (),
    tables: bool = True,
    pool: str | None = None,
    timings: bool = False,
) -> list[str]:
    """Segment cases one after the other, or on a pool; a bad one does not stop the others.

    Parameters
    ----------
    cases : sequence of Case
        What to segment.
    out : Path
        The derivatives folder.
    weights : Path or None
        None is the bundled default.
    config : SegmentConfig
        Settings.
    force : bool
        Segment again what is done already with the same weights, settings and input.
    channels : sequence of str
        Words of ``--channels``: the weights must take them.
    tables : bool
        Whether to write the cohort's tables too.
    pool : str, optional
        Where other processes work, see `fsh_core.cli.pool.workers_of`.
    timings : bool
        Whether to show how long each stage took; not on a pool.

    Returns
    -------
    list of str
        One sentence for each case that failed.

    Raises
    ------
    InputError
        If the weights or the output folder cannot be used.
    """
    console = Console()
    if pool is not None and timings:
        raise InputError("--timings is of this process, and --dask works in others; leave one away")
    with listening() as stages:
        failed = _segment(cases, Work(out, weights, config, force), channels, tables, pool, console)
    if len(cases) == 1 and not failed:
        show_case(cases[0], out, console)
    elif len(cases) > 1:
        named = f": {CASES_TABLE}, {LESIONS_TABLE}" if (out / CASES_TABLE).exists() else ""
        console.print(
            f"{len(cases) - len(failed)} of {len(cases)} cases are in {out}{named}"
            + (f"; {len(failed)} failed" if failed else "")
        )
    if timings:
        show_timings(stages, console)
    print_failures(failed)
    return failed


def _segment(
    cases: Sequence[Case],
    work: Work,
    channels: Sequence[str],
    tables: bool,
    pool: str | None,
    console: Console,
) -> list[str]:
    """Segment here or on a pool; return a sentence for each case that failed."""
    out, config = work.out, work.config
    with timed("reading the weights"):
        predictor = load_predictor(work.weights, config)
    _check_taken(channels, predictor)
    with cohort_kept(out, tables):
        clear_after_killed(out, inside=tables)  # without tables it is one of many tasks
        with progress_bar(console) as bar:
            if pool is None:
                job = Job(out, predictor, config, work.force, BrainFinder(config.device), bar)
                failed = _segment_all(cases, job, Tables(out, tables))
            else:
                failed = segment_on_pool(cases, work, pool, bar, Tables(out, tables))
        if tables:
            failed += write_cohort(out)
    return failed


def _segment_all(cases: Sequence[Case], job: Job, tables: Tables) -> list[str]:
    """Segment one after the other, those that another process is at last; say what failed."""
    console = job.bar.console
    failed: list[str] = []
    waiting: list[Case] = []
    cohort = job.bar.add_task("cases", total=len(cases), visible=len(cases) > 1)
    for wait in (False, True):
        with closing(_overlapping(job, waiting if wait else cases, wait)) as outcomes:
            for case, error in outcomes:
                if isinstance(error, BeingWritten):
                    waiting.append(case)
                    console.print(f"{case.name}: another process is at it, so it is looked at last")
                    continue
                if error is not None:
                    failed.append(sentence_of(error, case.flair))
                    console.print(f"{case.name}: failed")
                job.bar.advance(cohort)
                tables.keep_up()
    return failed


def _overlapping(
    job: Job, cases: Sequence[Case], wait: bool
) -> Generator[tuple[Case, Exception | None]]:
    """Segment cases and yield each with what went wrong, in order.

    Two are worked at: while one is at the networks, which take turns, the other is read or
    written, so that no core waits. Where this is closed early, as by Ctrl-C, they stop.
    """

    def attempt(case: Case) -> Exception | None:
        try:
            job.segment(case, wait=wait)
        except Exception as error:  # whatever it is, the other cases are not affected
            return error
        return None

    cases = list(cases)
    if len(cases) == 1:
        yield cases[0], attempt(cases[0])
        return
    pool = ThreadPoolExecutor(_AT_ONCE)
    try:
        yield from zip(cases, pool.map(attempt, cases), strict=True)
    except BaseException:
        job.stopped.set()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _check_taken(channels: Sequence[str], predictor: NetworkPredictor) -> None:
    """Refuse an image that was named and would not be looked at."""
    taken = predictor.model.channels
    for name in (words.partition("=")[0] for words in channels):
        if name not in taken:
            raise InputError(
                f"--channels {name}: the weights {predictor.card.name} look at {', '.join(taken)} "
                "alone; leave it away, or choose weights that take it"
            )
