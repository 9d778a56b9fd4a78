"""The network in a process of its own, so that the window never waits for it.

A process, because a thread of Python would stall the window while the network is loaded, and
because a process can be stopped at once, in the middle of a patch. What it runs is
`fsh_napari.segment.job`.
"""

import json
import logging
import os
import pickle
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from qtpy.QtCore import QObject, QProcess, QProcessEnvironment, Signal

from fsh_core.pipeline import Segmentation
from fsh_napari.segment.job import WITH_PARENT, Job
from fsh_napari.segment.remaining import RemainingTime
from fsh_napari.task import Task

_log = logging.getLogger(__name__)


class SegmentProcess(QObject):
    """One segmentation, running beside the window.

    Signals
    -------
    progressed : (done, total, seconds left)
        After every patch; the seconds are negative while they cannot be known.
    finished : Segmentation
    failed : str
        One sentence; the traceback is in the log.
    cancelled : no arguments
    """

    progressed = Signal(int, int, float)
    finished = Signal(object)
    failed = Signal(str)
    cancelled = Signal()

    def __init__(self, job: Job, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folder = tempfile.TemporaryDirectory(prefix="fsh-")
        self._job = Path(self._folder.name) / "job.json"
        self._job.write_text(json.dumps(asdict(job)))
        self._remaining = RemainingTime()
        self._sentence = ""
        self._stopped = False
        self._rest = b""
        self._task: Task | None = None
        self._process = QProcess(self)
        environment = QProcessEnvironment.systemEnvironment()
        environment.insert(
            "PYTHONPATH", os.pathsep.join(path or str(Path.cwd()) for path in sys.path)
        )
        environment.insert("PYTHONUNBUFFERED", "1")
        self._process.setProcessEnvironment(environment)
        self._process.readyReadStandardOutput.connect(self._listen)
        self._process.finished.connect(self._end)
        self._process.errorOccurred.connect(self._broken)

    def start(self) -> None:
        """Begin."""
        arguments = ["-m", "fsh_napari.segment.job", str(self._job), WITH_PARENT]
        self._process.start(sys.executable, arguments)

    def cancel(self) -> None:
        """Stop at once."""
        self._stopped = True
        self._process.kill()

    @property
    def is_running(self) -> bool:
        """Whether the process is alive."""
        return self._process.state() != QProcess.ProcessState.NotRunning

    def _listen(self) -> None:
        lines = (self._rest + bytes(self._process.readAllStandardOutput().data())).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            try:
                message = json.loads(line)
            except ValueError:  # a library that prints
                continue
            if "error" in message:
                self._sentence = message["error"]
            elif "total" in message and not self._stopped:
                done, total = message["done"], message["total"]
                self.progressed.emit(done, total, self._remaining.after(done, total))

    def _broken(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._folder.cleanup()
            self.failed.emit(
                f"Python could not be started ({self._process.errorString()}); reinstall F.sh"
            )

    def _end(self, code: int) -> None:
        self._listen()
        noise = bytes(self._process.readAllStandardError().data()).decode(errors="replace").strip()
        if noise and not self._stopped:
            _log.warning("segmenting said:\n%s", noise)
        result = self._job.with_name("result")
        try:
            if self._stopped:
                self.cancelled.emit()
            elif code == 0 and result.is_file():
                self._fetch(result)
                return
            else:
                self.failed.emit(self._sentence or _why(code))
        finally:
            if self._task is None:
                self._folder.cleanup()

    def _fetch(self, result: Path) -> None:
        """Read the result in a thread: it is some 100 MB."""

        def read() -> Segmentation:
            with open(result, "rb") as file:
                # Written by our own process, into a folder of our own.
                result_of_process: Segmentation = pickle.load(file)
            return result_of_process

        self._task = Task(read)
        self._task.finished.connect(self._on_fetched)
        self._task.failed.connect(self.failed)
        self._task.start()

    def _on_fetched(self, segmentation: Segmentation) -> None:
        self._folder.cleanup()
        if self._stopped:
            self.cancelled.emit()
        else:
            self.finished.emit(segmentation)


def _why(code: int) -> str:
    return (
        f"segmenting ended without a result (code {code}), most likely for lack of memory; "
        "close other programs or choose a smaller patch size, and see the log"
    )
