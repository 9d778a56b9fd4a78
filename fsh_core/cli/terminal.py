"""Terminal output of the commands: progress bar, and failed cases."""

from collections.abc import Iterable

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)


def progress_bar(console: Console, *columns: ProgressColumn) -> Progress:
    """Progress bar of a command: description, bar, steps done of all, time to go.

    Parameters
    ----------
    console : Console
        Where it is drawn.
    *columns : ProgressColumn
        More to show, before the time to go.
    """
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        *columns,
        TimeRemainingColumn(),
        console=console,
    )


def print_failures(sentences: Iterable[str]) -> None:
    """Print one line for each case that failed, on standard error, never wrapped or coloured."""
    console = Console(stderr=True)
    for sentence in sentences:
        console.print(f"fsh: {sentence}", markup=False, highlight=False, soft_wrap=True)
