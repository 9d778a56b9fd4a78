"""The last words of ``fsh segment``."""

import time
from collections.abc import Sequence
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from fsh_core.cases import Case
from fsh_core.derivatives import derivative_paths, read_segmentation
from fsh_core.report.facts import describe_growth
from fsh_core.sample import sample_case
from fsh_core.studies.counting import counted
from fsh_core.timings import Stage

_ROWS_SHOWN = 15


def show_case(case: Case, out: Path, console: Console) -> None:
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
    if growth := describe_growth(record):
        console.print(f"{growth}.")
    if record.evaluation is not None:
        dice, lesion_f1 = record.score("dice"), record.score("lesion_f1")
        sample = "; the bundled weights never saw this scan" if case == sample_case() else ""
        if record.was_trained_on():
            sample = "; the weights learned from this patient, so this says little"
        console.print(f"Against its reference: Dice {dice:.3f}, lesion F1 {lesion_f1:.3f}{sample}.")
    threads = record.run.threads
    in_threads = f", the network in {counted(threads, 'thread')}" if threads else ""
    console.print(f"{record.run.seconds:.1f} s from file to lesions{in_threads}.")
    for key, path in stored.paths.items():
        console.print(f"  {key:<12} {path}", highlight=False, soft_wrap=True)


def show_timings(stages: Sequence[Stage], console: Console) -> None:
    """Print how long each stage took, over all cases, and the process as a whole."""
    process = psutil.Process()
    whole = time.time() - process.create_time()
    cpu = process.cpu_times()
    table = Table(title="Seconds, and memory at the end")
    for heading in ("stage", "times", "clock", "processor", "MB", ""):
        table.add_column(heading, justify="left" if heading in ("stage", "") else "right")
    for name in dict.fromkeys(stage.name for stage in stages):
        own = [stage for stage in stages if stage.name == name]
        table.add_row(
            name,
            str(len(own)),
            f"{sum(stage.seconds for stage in own):.2f}",
            f"{sum(stage.cpu_seconds for stage in own):.2f}",
            f"{own[-1].memory_mb:,.0f}",
            "beside" if own[0].beside else "",
        )
    table.add_section()
    table.add_row("all, with start and imports", "", f"{whole:.2f}", f"{cpu.user + cpu.system:.2f}")
    console.print(table)
    console.print(
        "The processor's seconds of a stage are those of its own thread: what it starts in other "
        "threads, as the networks do, is in the last row alone. Beside: while other work went on."
    )
