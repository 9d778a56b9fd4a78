"""The last words of ``fsh segment`` on a single case."""

from pathlib import Path

from rich.console import Console
from rich.table import Table

from fsh_core.cases import Case
from fsh_core.derivatives import derivative_paths, read_segmentation
from fsh_core.report.page import counted
from fsh_core.sample import sample_case

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
