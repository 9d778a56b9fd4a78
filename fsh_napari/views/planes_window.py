"""The small planes in a window of their own, such as on a second screen."""

from typing import Any

from qtpy.QtCore import Qt, QTimer
from qtpy.QtGui import QCloseEvent, QMoveEvent, QResizeEvent
from qtpy.QtWidgets import QVBoxLayout, QWidget

from fsh_napari.views.layout import Memory
from fsh_napari.views.planes import PlanesWidget

_STILL_MS = 300  # after which a place is kept
_SIZE = (1100, 620)  # pixels, where no place is kept


class PlanesWindow(QWidget):
    """A window with the small planes side by side; closing it closes them.

    A dock that floats would take its canvases into another window, of which napari's OpenGL dies:
    these planes are made in the window in which they stay.

    Parameters
    ----------
    planes : PlanesWidget
        The planes.
    window : QMainWindow
        napari's window, whose keys work here too.
    memory : Memory
        Where the reader had it last.
    """

    def __init__(self, planes: PlanesWidget, window: Any, memory: Memory) -> None:
        # Qt lets the shortcuts of the window above work in a tool window, and in no other.
        super().__init__(window, Qt.WindowType.Tool)
        self.setWindowTitle("Planes (F.sh)")
        self._planes, self._memory = planes, memory
        planes.stand_apart()
        planes.gone.connect(self.close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(planes)
        self._keep_later = QTimer(self, singleShot=True, interval=_STILL_MS)
        self._keep_later.timeout.connect(self._keep)
        if not self.restoreGeometry(memory.planes_place):
            self.resize(*_SIZE)
        self.show()

    def _keep(self) -> None:
        self._memory.keep_planes_place(self.saveGeometry())

    def moveEvent(self, event: QMoveEvent) -> None:
        """Remember where it is."""
        super().moveEvent(event)
        self._keep_later.start()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Remember how large it is."""
        super().resizeEvent(event)
        self._keep_later.start()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Let the planes leave napari as it was."""
        super().closeEvent(event)
        self._keep_later.stop()
        self._planes.setParent(None)
        self.deleteLater()
