"""``fsh evaluate``: predictions against references."""

from pathlib import Path

from rich.console import Console
from rich.table import Table

from fsh_core.evaluation.compare import evaluate_folders, write_evaluation

_SHOWN = (
    "dice",
    "sensitivity",
    "precision",
    "lesion_f1",
    "lesion_sensitivity",
    "lesion_precision",
    "hd95_mm",
    "assd_mm",
)


def evaluate_command(predictions: Path, references: Path, out: Path) -> list[str]:
    """Compare, write the tables, print the summary.

    Returns
    -------
    list of str
        One sentence for each case that could not be compared.

    Raises
    ------
    InputError
        If nothing could be compared, or the tables cannot be written.
    """
    console = Console()
    evaluation = evaluate_folders(predictions, references)
    written = write_evaluation(evaluation, out)
    table = Table(title=f"{len(evaluation.cases)} cases, means with 95 % bootstrap intervals over cases")
    for name in ("metric", "mean", "95 % interval", "median", "n"):
        table.add_column(name, justify="left" if name == "metric" else "right")
    for row in evaluation.summary.itertuples():
        if row.metric in _SHOWN:
            interval = f"{row.ci_low:.3f} to {row.ci_high:.3f}"
            table.add_row(str(row.metric), f"{row.mean:.3f}", interval, f"{row.median:.3f}", str(row.n))
    console.print(table)
    console.print(
        "A lesion counts as found when at least one voxel overlaps; lesions are 26-connected. "
        f"Written: {', '.join(str(path) for path in written)}",
        soft_wrap=True,
    )
    failures = [sentence for _, sentence in evaluation.failures]
    for sentence in failures:
        Console(stderr=True).print(f"fsh: {sentence}", markup=False, highlight=False, soft_wrap=True)
    return failures
