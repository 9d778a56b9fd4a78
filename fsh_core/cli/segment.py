"""``fsh segment``: from files to BIDS derivatives, case after case."""

import dataclasses
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, TaskID

from fsh_core.cases import Case
from fsh_core.cli.case_summary import show_case, show_timings
from fsh_core.cli.terminal import print_failures, progress_bar
from fsh_core.config import SegmentConfig
from fsh_core.derivatives import (
    check_names,
    check_same_scan,
    cohort_kept,
    derivative_paths,
    why_stale,
    write_cohort,
    write_segmentation,
)
from fsh_core.errors import InputError, sentence_of
from fsh_core.file_names import CASES_TABLE, LESIONS_TABLE
from fsh_core.files import sha256_of
from fsh_core.inference.predict import BrainFinder, NetworkPredictor, load_predictor
from fsh_core.locks import BeingWritten, clear_after_killed, one_writer
from fsh_core.pipeline import Segmentation, segment_case
from fsh_core.record import InputFile, Record
from fsh_core.report import illustrate
from fsh_core.studies.evaluate import evaluate_case
from fsh_core.timings import listening, timed
from fsh_core.volume.volume import Volume, load_mask

_TABLES_EVERY_S = 60.0


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
    work: "Work",
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
        clear_after_killed(out)
        with progress_bar(console) as bar:
            if pool is None:
                job = Job(out, predictor, config, work.force, BrainFinder(config.device), bar)
                failed = _segment_all(cases, job, Tables(out, tables))
            else:
                from fsh_core.cli.pool import segment_on_pool

                failed = segment_on_pool(cases, work, pool, bar, Tables(out, tables))
        if tables:
            failed += write_cohort(out)
    return failed


def _segment_all(cases: Sequence[Case], job: "Job", tables: "Tables") -> list[str]:
    """Segment one after the other, those that another process is at last; say what failed."""
    console = job.bar.console
    failed: list[str] = []
    waiting: list[Case] = []
    cohort = job.bar.add_task("cases", total=len(cases), visible=len(cases) > 1)
    for wait in (False, True):
        for case in waiting if wait else cases:
            try:
                job.segment(case, wait=wait)
            except BeingWritten:
                waiting.append(case)
                console.print(f"{case.name}: another process is at it, so it is looked at last")
                continue
            except Exception as error:  # whatever it is, the other cases are not affected
                failed.append(sentence_of(error, case.flair))
                console.print(f"{case.name}: failed")
            job.bar.advance(cohort)
            tables.keep_up()
    return failed


def _check_taken(channels: Sequence[str], predictor: NetworkPredictor) -> None:
    """Refuse an image that was named and would not be looked at."""
    taken = predictor.model.channels
    for name in (words.partition("=")[0] for words in channels):
        if name not in taken:
            raise InputError(
                f"--channels {name}: the weights {predictor.card.name} look at {', '.join(taken)} "
                "alone; leave it away, or choose weights that take it"
            )


@dataclass(frozen=True)
class Work:
    """What is asked for, the same for every case of a command.

    Attributes
    ----------
    out, weights, config, force
        As of `segment_command`.
    """

    out: Path
    weights: Path | None
    config: SegmentConfig
    force: bool


class Tables:
    """The cohort's tables, written again now and then: a kill costs them little.

    Parameters
    ----------
    out : Path
        The derivatives folder.
    are_wanted : bool
        Whether to write them at all.
    """

    def __init__(self, out: Path, are_wanted: bool) -> None:
        self._out, self._are_wanted = out, are_wanted
        self._written = -math.inf  # so that the first case is in the tables at once

    def keep_up(self) -> None:
        """Hear that a case is done."""
        if self._are_wanted and time.monotonic() - self._written > _TABLES_EVERY_S:
            write_cohort(self._out)
            self._written = time.monotonic()


@dataclass(frozen=True)
class Job:
    """What segments the cases of a command."""

    out: Path
    predictor: NetworkPredictor
    config: SegmentConfig
    force: bool
    finder: BrainFinder
    bar: Progress

    def segment(self, case: Case, *, wait: bool) -> None:
        """Segment a case, unless its result is current.

        Raises
        ------
        BeingWritten
            If another process is at it, and ``wait`` is False.
        InputError
            If the case cannot be used, or its result would replace that of another scan.
        """
        check_names(case, self.out)
        with one_writer(self.out, case.name, wait=wait):
            reason = why_stale(case, self.out, self.predictor.card.sha256, self.config)
            files = derivative_paths(case, self.out)
            if reason is None and not self.force:
                self.bar.console.print(
                    f"{case.name}: done already ({files['mask']}); --force does it again"
                )
                return
            if not self.force:
                check_same_scan(case, self.out)  # before the network runs
            if files["record"].exists() and reason is not None:
                self.bar.console.print(f"{case.name}: segmented again, {reason}")
            patches = self.bar.add_task(case.name, total=None)
            try:
                found = segment_case(
                    case,
                    self.predictor,
                    self.config,
                    finder=self.finder,
                    on_patch=partial(_advance, self.bar, patches),
                )
                _store(found, self.out, self.force, self.bar.console)
            finally:
                self.bar.remove_task(patches)


def _advance(bar: Progress, task: TaskID, done: int, total: int) -> None:
    bar.update(task, completed=done, total=total)


def _store(found: Segmentation, out: Path, force: bool, console: Console) -> None:
    """Evaluate against the reference if any, write all files, print a line."""
    case = found.case
    reference = _reference_of(found, console)
    scores: dict[str, float] = {}
    if case.reference is not None:
        found = dataclasses.replace(found, record=_with_reference(found.record, case.reference))
    if reference is not None:
        # Over the whole image, as `fsh evaluate` does: a name is one number.
        with timed("comparing with the reference"):
            scores = evaluate_case(reference, found.flair.with_data(found.prediction)).row()
        evaluation = {name: None if math.isnan(value) else value for name, value in scores.items()}
        found = dataclasses.replace(found, record=found.record.changed(evaluation=evaluation))
    pictures = illustrate(found, reference.data if reference else None, scores)
    write_segmentation(found, out, pictures, replace_other=force)
    record = found.record
    quality = record.quality.in_words if record.quality else "not checked"
    console.print(
        f"{case.name}: {record.lesion_count} lesions, {record.lesion_volume_ml:.2f} ml, "
        f"quality of the scan {quality}, brain {record.brain.source}, {record.run.seconds:.1f} s"
    )
    if record.quality and record.quality.verdict == "fail":
        console.print(f"{case.name}: {record.quality.summary}", markup=False, soft_wrap=True)


def _with_reference(record: Record, reference: Path) -> Record:
    """Note which reference it was: a changed one makes the result stale."""
    source = InputFile(path=str(reference), sha256=sha256_of(reference))
    return record.changed(input=record.input | {"reference": source})


def _reference_of(found: Segmentation, console: Console) -> Volume | None:
    """Read the reference mask; one that cannot be used is said, and costs nothing else."""
    case = found.case
    if case.reference is None:
        return None
    try:
        return load_mask(case.reference, found.flair, case.flair)
    except InputError as error:
        console.print(f"{case.name}: not compared with its reference: {error}", markup=False)
        return None
