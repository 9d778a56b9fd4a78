"""The progress bar and the failures of a command."""

import io
from pathlib import Path

from rich.console import Console
from rich.progress import TextColumn

from fsh_core.cli.terminal import print_failures, progress_bar

REPOSITORY = Path(__file__).resolve().parents[3]


def shown(*columns, **fields) -> str:
    console = Console(file=io.StringIO(), width=120, force_terminal=True, color_system=None)
    with progress_bar(console, *columns) as bar:
        bar.add_task("sub-01", total=8, completed=3, **fields)
        bar.refresh()
    return console.file.getvalue()


def test_the_bar_shows_what_is_done_of_how_much() -> None:
    line = shown()
    assert "sub-01" in line
    assert "3/8" in line


def test_more_columns_stand_before_the_time_to_go() -> None:
    line = shown(TextColumn("{task.fields[facts]}"), facts="loss 0.5")
    assert line.index("3/8") < line.index("loss 0.5") < line.index("-:--:--")


def test_failures_are_neither_wrapped_nor_read_as_markup(capsys, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    sentence = "scan[1].nii: " + "a long sentence, " * 8 + "[bold]the end"
    print_failures([sentence, "another"])
    assert capsys.readouterr().err.splitlines() == [f"fsh: {sentence}", "fsh: another"]


def test_a_bar_is_built_in_one_file() -> None:
    files = (REPOSITORY / "fsh_core").rglob("*.py")
    building = [file.name for file in files if "MofNCompleteColumn" in file.read_text("utf-8")]
    assert building == ["terminal.py"]
