"""One case of ``fsh segment``, from its files to its derivatives: here, or in a worker."""

import dataclasses
import math
import time
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Event, Lock
from typing import Any

import nibabel as nib
from rich.console import Console
from rich.progress import Progress, TaskID

from fsh_core.cases import Case
from fsh_core.config import SegmentConfig
from fsh_core.derivatives import (
    Known,
    check_names,
    check_same_scan,
    derivative_paths,
    why_stale,
    write_cohort,
    write_segmentation,
)
from fsh_core.errors import Cancelled, InputError
from fsh_core.evaluation.case_metrics import evaluate_case
from fsh_core.files import sha256_of
from fsh_core.inference.predict import BrainFinder, NetworkPredictor
from fsh_core.locks import one_writer
from fsh_core.pipeline import Segmentation, segment_case
from fsh_core.record import InputFile, Record
from fsh_core.report import illustrate
from fsh_core.timings import timed
from fsh_core.volume.volume import Volume, load_mask

_LARGE_VOXELS = 2**25  # 0.5 mm heads have more: 4 GB each
_TABLES_EVERY_S = 60.0
_TABLES_SHARE = 20  # of the time: a twentieth at most


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
        self._next = -math.inf  # so that the first case is in the tables at once
        self._known: Known = {}

    def keep_up(self) -> None:
        """Hear that a case is done."""
        began = time.monotonic()
        if self._are_wanted and began > self._next:
            write_cohort(self._out, self._known)
            done = time.monotonic()
            self._next = done + max(_TABLES_EVERY_S, _TABLES_SHARE * (done - began))


@dataclass(frozen=True)
class Job:
    """What segments the cases of a command; two threads may share it.

    Attributes
    ----------
    out, config, force
        As of `segment_command`.
    predictor, finder
        The networks.
    bar
        Shows how far it is.
    stopped
        Set to give up what is being worked at.
    large
        Of cases with many voxels one is worked at, not two: they take gigabytes.
    """

    out: Path
    predictor: NetworkPredictor
    config: SegmentConfig
    force: bool
    finder: BrainFinder
    bar: Progress
    stopped: Event = field(default_factory=Event)
    large: Lock = field(default_factory=Lock)

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
        alone = self.large if _is_large(case) else nullcontext()
        with alone, one_writer(self.out, case.name, wait=wait):
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
                    on_patch=partial(self._advance, patches),
                )
                _store(found, self.out, self.force, self.bar.console)
            finally:
                self.bar.remove_task(patches)

    def _advance(self, task: TaskID, done: int, total: int) -> None:
        if self.stopped.is_set():
            raise Cancelled
        self.bar.update(task, completed=done, total=total)


def _is_large(case: Case) -> bool:
    """Tell by its header whether a scan has many voxels; what cannot be read is said later."""
    try:
        image: Any = nib.load(case.flair)
        return bool(math.prod(image.shape) > _LARGE_VOXELS)
    except Exception:  # of many kinds, and said by whoever reads the file
        return False


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
