"""Texts from files in the windows of napari: python -m campaigns.texts (needs a display).

Case names, notes, readers, regions, flags and queues are filled with markup, formulas, links and
control characters; the case is opened in Cohort and in Review. Every text that they show must
stand there as it was written: no tag is followed, nothing is loaded, no control character is left.
"""

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from campaigns import makers
from fsh_core.review import Queue, QueueItem, open_review, save_queue
from fsh_core.tables import TAB, read_table

if TYPE_CHECKING:
    import napari
    from qtpy.QtWidgets import QWidget

TOKEN = "<b>mk</b>"  # in every text, so that it is known again, and markup in itself
_MARK = "mk"
_PIECES = (
    "<img src='file:///etc/hostname'>",
    "<a href='http://evil.example'>x</a>",
    "<table><tr><td>1</td></tr></table>",
    "<h1>big</h1>",
    "<!-- hidden -->",
    "<script>1</script>",
    "&lt;i&gt;",
    "&Save",
    "=1+1",
    '=HYPERLINK("http://evil.example")',
    "@SUM(1)",
    "%s {0} {name}",
    "\x00\x07\x1b[31m",
    "\u202egnp.exe\u2066",
    "\u200b\u200d",
    "new\nline\ttab",
    "Größe 李雷 🧠",
    "x" * 300,
)


class Shown(NamedTuple):
    """A text on the screen: whose, and whether Qt reads it as rich text."""

    where: str
    text: str
    is_rich: bool


def is_possible() -> bool:
    """Tell whether a window can be opened here."""
    return sys.platform != "linux" or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )


def run(tries: int, seed: int = 0, say: Callable[[str], object] = print) -> list[str]:
    """Show a case with other texts again and again, and print how many were looked at.

    Parameters
    ----------
    tries : int
        How often.
    seed : int
        Of the texts.
    say : callable
        Gets the line of the table.

    Returns
    -------
    list of str
        Texts that did not stand there as written; empty if all did.
    """
    with tempfile.TemporaryDirectory() as scratch:
        # Before napari is imported: a user's own settings neither help nor suffer.
        os.environ.setdefault("NAPARI_CONFIG", str(Path(scratch) / "settings.yaml"))
        os.environ.setdefault("QT_API", "pyside6")
        import napari

        good = makers.record(Path(scratch) / "good").parents[2]
        viewer = napari.Viewer(show=True)
        rng, looked_at, failures = random.Random(seed), 0, []
        try:
            for number in range(tries):
                root = Path(scratch) / f"try {number}"
                shutil.copytree(good, root)
                _fill(root, rng)
                shown = list(_show(viewer, root))
                looked_at += len(shown)
                failures += [f"try {number}: {said}" for one in shown for said in _wrong(one)]
                failures += [f"try {number}: {said}" for said in _formulas(root)]
                if not any(_MARK in one.text for one in shown):
                    failures.append(f"try {number}: nothing of the file is shown")
        finally:
            viewer.close()
    say(f"{tries:>5} cases{looked_at:>8} texts{len(failures):>5} failed")
    return failures


def _poison(rng: random.Random) -> str:
    pieces = [TOKEN, *rng.sample(_PIECES, rng.randint(1, 4))]
    rng.shuffle(pieces)
    return " ".join(pieces)


def _fill(root: Path, rng: random.Random) -> None:
    """Put texts wherever a file of a case can bring one."""
    from fsh_napari.preferences import preferences

    (path,) = root.rglob("*_dseg.json")
    record = json.loads(path.read_text(encoding="utf-8"))
    record["case"] = record["version"] = _poison(rng)
    record["weights"]["name"] = record["brain"]["note"] = _poison(rng)
    path.write_text(json.dumps(record), encoding="utf-8")
    table = path.with_suffix(".tsv")
    lines = table.read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines]
    rows[0] += ["region", "flags"]
    for row in rows[1:]:
        row += [" ".join(_poison(rng).split()) for _ in range(2)]
    table.write_text("".join("\t".join(row) + "\n" for row in rows), encoding="utf-8")
    for reader in (preferences().reader_name, _poison(rng)):
        review = open_review(path, " ".join(reader.split()))
        for label in review.lesions:
            review.set_status(label, "accepted")
            review.set_note(label, _poison(rng))
        review.set_case_status("completed")
    item = QueueItem(record["case"], path.relative_to(root).as_posix(), (1,), _poison(rng))
    save_queue(root, Queue(_poison(rng), _poison(rng), _poison(rng), (item,)))


def _show(viewer: "napari.Viewer", root: Path) -> Iterator[Shown]:
    """Open the only case of a folder as a reader does; give every text of both widgets."""
    from qtpy.QtWidgets import QApplication

    from fsh_core.derivatives import find_records, read_segmentation
    from fsh_core.review import save_review
    from fsh_napari.cohort import CohortWidget

    cohort = CohortWidget(viewer)
    viewer.window.add_dock_widget(cohort, name="Cohort")
    cohort.folder.setText(str(root))
    cohort.load()
    cohort.open(0)
    review = cohort.review
    while review is not None and review.is_busy:  # it is loaded beside the window
        QApplication.processEvents()
    for _ in range(20):
        QApplication.processEvents()
    yield from _texts(cohort)
    if review is not None:
        yield from _texts(review)
        review.close_case()
        (record,) = find_records(root)
        own = open_review(record, "A")
        own.set_note(1, f"=1+1 {TOKEN}")
        save_review(own, read_segmentation(record))
        viewer.window.remove_dock_widget(review)
    viewer.window.remove_dock_widget(cohort)
    viewer.layers.clear()


def _texts(widget: "QWidget") -> Iterator[Shown]:
    """Every text that a widget and what is in it shows, tips too."""
    from qtpy.QtCore import Qt
    from qtpy.QtWidgets import QAbstractButton, QAbstractItemView, QComboBox, QLabel, QWidget

    for part in (widget, *widget.findChildren(QWidget)):
        name = f"{type(part).__name__} {part.accessibleName()!r}"
        yield _auto(f"{name}, tip", part.toolTip())
        if isinstance(part, QLabel):
            plain = part.textFormat() == Qt.TextFormat.PlainText
            rich = part.textFormat() == Qt.TextFormat.RichText
            seen = _auto(name, part.text())
            yield seen._replace(is_rich=rich or (seen.is_rich and not plain))
        elif isinstance(part, QAbstractButton):
            keys = part.text().split("&&")  # which is an & that is seen
            yield Shown(name, "&".join(text.replace("&", "⌨") for text in keys), False)
        elif isinstance(part, QComboBox):
            yield from (Shown(name, part.itemText(row), False) for row in range(part.count()))
        elif isinstance(part, QAbstractItemView) and (model := part.model()) is not None:
            for row in range(model.rowCount()):
                for column in range(model.columnCount()):
                    index = model.index(row, column)
                    cell = index.data(Qt.ItemDataRole.DisplayRole)
                    yield Shown(f"{name}, cell", str(cell or ""), False)
                    tip = index.data(Qt.ItemDataRole.ToolTipRole)
                    yield _auto(f"{name}, tip of a cell", str(tip or ""))


def _auto(where: str, text: str) -> Shown:
    """Make out what Qt does with a text whose format nobody has set."""
    from qtpy.QtCore import Qt

    return Shown(where, text, Qt.mightBeRichText(text))


def _wrong(shown: Shown) -> Iterator[str]:
    """Say what is wrong with a text of a file."""
    from qtpy.QtGui import QTextDocument

    text = shown.text
    if shown.is_rich:
        document = QTextDocument()
        document.setHtml(text)
        text = document.toPlainText()
    if _MARK not in text:
        return
    if TOKEN not in text:
        yield f"{shown.where}: is read as markup: {shown.text[:80]!r}"
    hidden = [sign for sign in text if unicodedata.category(sign) in ("Cc", "Cf")]
    if hidden:
        yield f"{shown.where}: has {hidden[0]!r}: {shown.text[:80]!r}"
    if "⌨" in text:
        yield f"{shown.where}: an & is read as a key: {shown.text[:80]!r}"


def _formulas(root: Path) -> Iterator[str]:
    """Cells of the saved tables that a spreadsheet would run."""
    for path in root.rglob("*_desc-reviewed*.tsv"):
        cells = path.read_text(encoding="utf-8").replace("\n", "\t").split("\t")
        yield from (f"{path.name}: {cell[:40]!r}" for cell in cells if cell[:1] in ("=", "@", "+"))
        if not any(TOKEN in str(note) for note in read_table(path, TAB)["note"]):
            yield f"{path.name}: the note is not in it"


def main() -> int:
    """Read the words of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    words: Any = parser.parse_args()
    failures = run(words.tries, words.seed)
    print(*failures[:50], sep="\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
