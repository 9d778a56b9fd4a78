"""``fsh segment``: from files to BIDS derivatives, case after case."""

import dataclasses
import math
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table

from fsh_core.cases import CHANNELS, Case, discover_cases
from fsh_core.cli.terminal import print_failures, progress_bar
from fsh_core.config import SegmentConfig
from fsh_core.derivatives import (
    check_names,
    derivative_paths,
    is_current,
    read_record,
    read_segmentation,
    write_cohort,
    write_segmentation,
)
from fsh_core.errors import InputError, sentence_of
from fsh_core.file_names import CASES_TABLE, LESIONS_TABLE
from fsh_core.files import sha256_of
from fsh_core.inference.predict import BrainFinder, load_predictor
from fsh_core.pipeline import Segmentation, segment_case
from fsh_core.report import illustrate
from fsh_core.sample import sample_case
from fsh_core.studies.evaluate import evaluate_case
from fsh_core.volume.volume import Volume, load_mask

_ROWS_SHOWN = 15
_TABLES_EVERY_S = 60.0


def choose_cases(
    inputs: Sequence[Path], sample: bool, brain_mask: Path | None, channels: Sequence[str]
) -> tuple[list[Case], list[str]]:
    """Turn the command's words into cases.

    Returns
    -------
    cases : list of Case
        What there is to segment.
    failures : list of str
        One sentence for each input that holds no case, where others do.

    Raises
    ------
    InputError
        If there is no case at all, two of one name, or options that do not fit together.
    """
    if sample and inputs:
        raise InputError("--sample stands alone; leave the other inputs away")
    if sample:
        return [sample_case()], []
    usable, failures = _usable(inputs)
    cases = discover_cases(
        usable or list(inputs), on_problem=lambda error: failures.append(str(error))
    )
    if not cases:
        raise InputError(failures[0])
    given = dict(_channel(words) for words in channels)
    if (brain_mask or given) and len(cases) != 1:
        raise InputError(
            f"--brain-mask and --channels belong to a single FLAIR, found {len(cases)}; "
            "name one file"
        )
    if brain_mask or given:
        case = cases[0]
        cases = [
            dataclasses.replace(
                case, channels=case.channels | given, brain=brain_mask or case.brain
            )
        ]
    return cases, failures


def _channel(words: str) -> tuple[str, Path]:
    """Read ``T1w=FILE``."""
    name, _, file = words.partition("=")
    if name not in CHANNELS[1:] or not file:
        raise InputError(
            f"--channels must be {' or '.join(f'{channel}=FILE' for channel in CHANNELS[1:])}, "
            f"got {words!r}"
        )
    return name, Path(file)


def _usable(inputs: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """Split inputs into those that hold a case and sentences about those that do not."""
    usable: list[Path] = []
    failures: list[str] = []
    for path in inputs:
        try:
            discover_cases(path, on_problem=lambda error: None)  # said when all are looked for
        except InputError as error:
            failures.append(str(error))
        else:
            usable.append(path)
    return usable, failures


def segment_command(
    cases: Sequence[Case], out: Path, weights: Path | None, config: SegmentConfig, force: bool
) -> list[str]:
    """Segment cases one after the other; a bad one does not stop the others.

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
    write_cohort(out)  # fails now, not after the first scan, where the folder cannot be written
    predictor = load_predictor(weights, config)
    finder = BrainFinder(config.device)
    failed: list[str] = []
    written = time.monotonic()
    with progress_bar(console) as bar:
        cohort = bar.add_task("cases", total=len(cases), visible=len(cases) > 1)
        for case in cases:
            if not force and is_current(case, out, predictor.card.sha256, config):
                console.print(
                    f"{case.name}: done already ({derivative_paths(case, out)['mask']}); "
                    "--force does it again"
                )
                bar.advance(cohort)
                continue
            patches = bar.add_task(case.name, total=None)
            try:
                check_names(case, out)
                _check_same_scan(case, out, force)
                found = segment_case(
                    case,
                    predictor,
                    config,
                    finder=finder,
                    on_patch=partial(_advance, bar, patches),
                )
                _store(found, out, console)
            except Exception as error:  # whatever it is, the other cases are not affected
                failed.append(sentence_of(error, case.flair))
                console.print(f"{case.name}: failed")
            bar.remove_task(patches)
            bar.advance(cohort)
            if time.monotonic() - written > _TABLES_EVERY_S:  # a kill costs the tables little
                write_cohort(out)
                written = time.monotonic()
    failed += write_cohort(out)
    if len(cases) == 1 and not failed:
        _show(cases[0], out, console)
    elif len(cases) > 1:
        console.print(
            f"{len(cases) - len(failed)} of {len(cases)} cases are in {out}: "
            f"{CASES_TABLE}, {LESIONS_TABLE}"
        )
    print_failures(failed)
    return failed


def _advance(bar: Progress, task: TaskID, done: int, total: int) -> None:
    bar.update(task, completed=done, total=total)


def _check_same_scan(case: Case, out: Path, force: bool) -> None:
    """Refuse to replace the result of another scan that happens to be called the same.

    The same scan is one of the same content, wherever it lies, or the same file, changed.
    """
    path = derivative_paths(case, out)["record"]
    if force or not path.is_file():
        return
    try:
        recorded = read_record(path).flair
        is_same = Path(recorded.path).resolve() == case.flair.resolve()
        is_same = is_same or recorded.sha256 == sha256_of(case.flair)
    except (InputError, OSError):  # a damaged record is made anew
        return
    if not is_same:
        raise InputError(
            f"{case.flair}: {out} already holds {case.name}, made from another scan "
            f"({recorded.path}); choose another output folder or rename the scan, "
            "or replace the result with --force"
        )


def _store(found: Segmentation, out: Path, console: Console) -> None:
    """Evaluate against the reference if any, write all files, print a line."""
    case = found.case
    reference = _reference_of(found, console)
    scores: dict[str, float] = {}
    if reference is not None:
        scores = evaluate_case(
            reference, found.flair.with_data(found.prediction), found.brain
        ).row()
        evaluation = {name: None if math.isnan(value) else value for name, value in scores.items()}
        found = dataclasses.replace(found, record=found.record.changed(evaluation=evaluation))
    write_segmentation(found, out, illustrate(found, reference.data if reference else None, scores))
    record = found.record
    quality = record.quality.verdict if record.quality else "not checked"
    console.print(
        f"{case.name}: {record.lesion_count} lesions, {record.lesion_volume_ml:.2f} ml, "
        f"quality of the scan {quality}, brain {record.brain.source}, {record.run.seconds:.1f} s"
    )


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


def _show(case: Case, out: Path, console: Console) -> None:
    """Print the summary of one case: largest lesions, metrics, files."""
    stored = read_segmentation(derivative_paths(case, out)["record"])
    columns = {
        "label": ("lesion", "{}"),
        "volume_mm3": ("mm3", "{:,.0f}"),
        "equivalent_diameter_mm": ("diameter mm", "{:.1f}"),
        "inside_r_mm": ("R mm", "{:.0f}"),
        "inside_a_mm": ("A mm", "{:.0f}"),
        "inside_s_mm": ("S mm", "{:.0f}"),
        "mean_probability": ("prob.", "{:.2f}"),
        "contrast": ("contrast", "{:.2f}"),
    }
    table = Table(
        title=f"{case.name}: the {min(_ROWS_SHOWN, len(stored.lesions))} largest of "
        f"{len(stored.lesions)} lesions"
    )
    for heading, _ in columns.values():
        table.add_column(heading, justify="right")
    for row in stored.lesions[list(columns)].head(_ROWS_SHOWN).itertuples(index=False):
        table.add_row(
            *(form.format(value) for value, (_, form) in zip(row, columns.values(), strict=True))
        )
    console.print(table)
    record = stored.record
    console.print(
        f"{record.lesion_count} lesions, {record.lesion_volume_ml:.2f} ml "
        f"({record.raw_lesion_volume_ml:.2f} ml before post-processing); {record.brain.note}."
    )
    if record.evaluation is not None:
        dice, lesion_f1 = record.score("dice"), record.score("lesion_f1")
        sample = "; the bundled weights never saw this scan" if case == sample_case() else ""
        console.print(f"Against its reference: Dice {dice:.3f}, lesion F1 {lesion_f1:.3f}{sample}.")
    console.print(f"{record.run.seconds:.1f} s from file to lesions on {record.run.threads} cores.")
    for key, path in stored.paths.items():
        console.print(f"  {key:<12} {path}", highlight=False, soft_wrap=True)
