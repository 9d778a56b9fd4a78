"""How the tests drive a window: as a reader does, with keys and clicks."""

import gc
import time
import weakref
from pathlib import Path

from qtpy.QtCore import QEventLoop, QTimer
from qtpy.QtWidgets import QApplication

from fsh_napari.review.widget import ReviewWidget
from fsh_napari.task import is_idle

PATIENCE_MS = 120_000
"""A busy machine starts Python slowly."""


def settle(milliseconds: int = 1) -> None:
    """Let the window work, and what works beside it come to its end."""
    _work(milliseconds)
    until = time.monotonic() + PATIENCE_MS / 1000
    while not _rests() and time.monotonic() < until:
        _work(5)
    _work(1)


def _work(milliseconds: int) -> None:
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


def _rests() -> bool:
    """Whether no case is being opened, and nothing is read or written."""
    reviews = [one for one in QApplication.allWidgets() if isinstance(one, ReviewWidget)]
    return is_idle() and not any(review.is_busy for review in reviews)


def open_review_widget(viewer, record: Path | None = None) -> ReviewWidget:
    """Open the review in a window of a laptop's size."""
    viewer.window.resize(1366, 768)
    if record is not None:
        viewer.open(str(record), plugin="fsh-ms")
    widget = ReviewWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Review", area="right")
    viewer.window._qt_window.activateWindow()
    settle()
    return widget


def rows_of(table) -> list[list[str]]:
    """What a table shows, row by row, without hidden columns."""
    shown = [column for column in range(table.columnCount()) if not table.isColumnHidden(column)]
    return [[table.item(row, column).text() for column in shown] for row in range(table.rowCount())]


def forgets(reference: weakref.ref) -> bool:
    """Whether something is gone from memory."""
    settle(20)
    gc.collect()
    return reference() is None
