"""How the tests drive a window: as a reader does, with keys and clicks."""

from pathlib import Path

from qtpy.QtCore import QEventLoop, QTimer

from fsh_napari.review.widget import ReviewWidget

PATIENCE_MS = 120_000
"""A busy machine starts Python slowly."""


def settle(milliseconds: int = 1) -> None:
    """Let the window work."""
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


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
