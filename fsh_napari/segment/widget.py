"""The Segment widget: it joins controller, view and stage with napari and the process."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QTimer
from qtpy.QtGui import QCloseEvent
from qtpy.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from fsh_core.pipeline import Segmentation
from fsh_napari.segment.controller import SegmentController
from fsh_napari.segment.job import NETWORK, Job
from fsh_napari.segment.process import SegmentProcess
from fsh_napari.segment.stage import SegmentStage
from fsh_napari.segment.view import SegmentView
from fsh_napari.task import LatestTask, Task
from fsh_napari.views.letters import SideLetters
from fsh_napari.views.planes import PlanesWidget
from fsh_napari.views.planes_stage import PlanesStage
from fsh_napari.views.window import dock_of, plain, window_of

if TYPE_CHECKING:
    import napari

_MEASURE_AFTER_MS = 250  # of a threshold that stands still


class SegmentWidget(QWidget):
    """Find the lesions of a FLAIR.

    A button calls a command of the `controller`, which asks the `view` and the `stage` to show
    what it did. What takes long runs beside the window: the network in a process, files in a
    thread. Their answers come to methods of this widget, since Qt calls those of a widget in
    the window's own thread.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer.
    network : str
        Module with ``load_predictor`` and ``BrainFinder``; imported in another process only.
    """

    def __init__(self, napari_viewer: "napari.viewer.Viewer", network: str = NETWORK) -> None:
        super().__init__()
        self._viewer = viewer = plain(napari_viewer)
        self.process: SegmentProcess | None = None
        self._task: Task | None = None
        self.view = SegmentView()
        self.stage = SegmentStage(viewer, self)
        self._window, view = window_of(viewer)
        self.letters = SideLetters(view, self._has_planes)
        self.planes = PlanesStage(viewer, self._window, self)
        self._had_planes = False
        self.controller = SegmentController(self.view, self.stage, self, network)
        self.setMinimumWidth(self.view.minimumWidth())
        # napari puts a stretch below a dock's widget unless something in it wants to grow.
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.view)
        self._measure_timer = QTimer(self, singleShot=True, interval=_MEASURE_AFTER_MS)
        self._measure_timer.timeout.connect(self.controller.measure)
        self._finding, self._measuring = LatestTask(self), LatestTask(self)
        self._connect()
        self.view.show_state(can_run=True, can_cancel=False, can_save=False)
        viewer.layers.events.inserted.connect(self._on_layers)
        viewer.layers.events.removed.connect(self._on_layers)
        self.controller.list_scans()
        self.planes.stand_among_tabs()
        self._open_planes_later()

    def _connect(self) -> None:
        view, controller = self.view, self.controller
        view.run_wanted.connect(controller.run)
        view.cancel_wanted.connect(controller.cancel)
        view.save_wanted.connect(controller.save)
        view.scan_picked.connect(controller.open_scan)
        view.live_changed.connect(controller.settings_changed)
        view.lesion_picked.connect(controller.go_to)
        self.stage.shown.connect(self._on_shown)
        self._finding.finished.connect(controller.found_again)
        self._measuring.finished.connect(controller.measured)
        for task in (self._finding, self._measuring):
            task.failed.connect(self._on_not_found)

    def _has_planes(self) -> bool:
        """Whether the three planes are open, which have letters of their own."""
        return any(planes.views for planes in self._window.findChildren(PlanesWidget))

    def _on_layers(self, event: object) -> None:
        self.controller.list_scans()
        self._open_planes_later()

    def _open_planes_later(self) -> None:
        """Open the three planes with the first scan, once the panel stands in its dock."""
        if not self._had_planes:
            QTimer.singleShot(0, self._open_planes)

    def _open_planes(self) -> None:
        if not self._had_planes and dock_of(self) is not None and self.stage.scans():
            self._had_planes = True  # one who closes them does not want them back
            self.planes.wanted_planes()

    # ---- what works beside the window

    def start(self, job: Job) -> None:
        """Segment in a process."""
        self.process = SegmentProcess(job, self)
        self.process.progressed.connect(self._on_progress)
        self.process.finished.connect(self._on_finished)
        self.process.failed.connect(self._on_failed)
        self.process.cancelled.connect(self._on_cancelled)
        self.process.start()

    def cancel(self) -> None:
        """Stop at once."""
        if self.process is not None:
            self.process.cancel()

    def find(self, function: Callable[[], Segmentation]) -> None:
        """Find the lesions of another threshold in a thread."""
        self._finding.ask(function)

    def measure(self, function: Callable[[], Segmentation]) -> None:
        """Measure lesions in a thread."""
        self._measuring.ask(function)

    def measure_later(self) -> None:
        """Measure once the threshold has stood still for a moment."""
        self._measure_timer.start()

    def write(self, function: Callable[[], Path]) -> None:
        """Write a record in a thread."""
        self._task = Task(function)
        self._task.finished.connect(self._on_saved)
        self._task.failed.connect(self._on_save_failed)
        self._task.start()

    def _on_progress(self, done: int, total: int, seconds_left: float) -> None:
        self.controller.progressed(done, total, seconds_left)

    def _on_finished(self, found: Segmentation) -> None:
        self.controller.finished(found)

    def _on_shown(self) -> None:
        self.process = None
        self.controller.result_shown()

    def _on_failed(self, sentence: str) -> None:
        self.process = None
        self.controller.failed(sentence)

    def _on_cancelled(self) -> None:
        self.process = None
        self.controller.cancelled()

    def _on_not_found(self, sentence: str) -> None:
        self.view.show_message(sentence, wrong=True)

    def _on_saved(self, record: Path) -> None:
        self.controller.saved(record)

    def _on_save_failed(self, sentence: str) -> None:
        self.controller.save_failed(sentence)

    def changeEvent(self, event: QEvent) -> None:
        """Leave the viewer alone when napari takes the dock away, as its button does."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self.cancel()
            self.letters.detach()
            self._viewer.layers.events.inserted.disconnect(self._on_layers)
            self._viewer.layers.events.removed.disconnect(self._on_layers)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Leave no process behind."""
        self.cancel()
        super().closeEvent(event)
