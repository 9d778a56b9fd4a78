"""Work that must not hold up the window: the network in a process of its own, files in a thread.

A process, because a thread of Python would stall the window while torch is imported, and
because a process can be stopped at once, in the middle of a patch. It is this very file,
run as a program: ``python -m fsh_napari.worker JOB``. It says what it does in lines of JSON
and leaves the segmentation in a file.
"""

import json
import logging
import os
import pickle
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import Any

from qtpy.QtCore import QObject, QProcess, QProcessEnvironment, QTimer, Signal

from fsh_core.cases import Case
from fsh_core.config import SegmentConfig
from fsh_core.errors import InputError
from fsh_core.inference.segment import Segmentation, segment_case

NETWORK = "fsh_core.inference.predict"
_log = logging.getLogger(__name__)


def missing_torch() -> str:
    """Say how to install torch; empty if it is there. torch is not imported."""
    if find_spec("torch") is not None:
        return ""
    return "Segmenting needs PyTorch, which is not installed: run pip install torch, then restart napari."


@dataclass(frozen=True)
class Job:
    """What to segment.

    Attributes
    ----------
    flair, brain : str
        Files; an empty brain is found by itself.
    subject, session : str
        Whose; an empty session is none.
    weights : str
        A ``.safetensors`` file; empty = bundled.
    settings : dict
        A `SegmentConfig`.
    module : str
        Module with ``load_predictor`` and ``BrainFinder``.
    channels : dict of str to str
        Other images, by channel.
    """

    flair: str
    subject: str
    session: str = ""
    brain: str = ""
    weights: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    module: str = NETWORK
    channels: dict[str, str] = field(default_factory=dict)

    @property
    def case(self) -> Case:
        """The case."""
        channels = {"FLAIR": Path(self.flair)} | {name: Path(path) for name, path in self.channels.items()}
        return Case(self.subject, self.session or None, channels, brain=Path(self.brain) if self.brain else None)


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
        self._first: tuple[float, int] | None = None
        self._sentence = ""
        self._stopped = False
        self._rest = b""
        self._task: Task | None = None
        self._process = QProcess(self)
        environment = QProcessEnvironment.systemEnvironment()
        environment.insert("PYTHONPATH", os.pathsep.join(path or str(Path.cwd()) for path in sys.path))
        environment.insert("PYTHONUNBUFFERED", "1")
        self._process.setProcessEnvironment(environment)
        self._process.readyReadStandardOutput.connect(self._listen)
        self._process.finished.connect(self._end)
        self._process.errorOccurred.connect(self._broken)

    def start(self) -> None:
        """Begin."""
        self._process.start(sys.executable, ["-m", "fsh_napari.worker", str(self._job)])

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
                said = json.loads(line)
            except ValueError:  # a library that prints
                continue
            if "error" in said:
                self._sentence = said["error"]
            elif "total" in said and not self._stopped:
                self.progressed.emit(said["done"], said["total"], self._seconds_left(said["done"], said["total"]))

    def _seconds_left(self, done: int, total: int) -> float:
        """Estimate from the patches after the first one, which is slow."""
        now = time.monotonic()
        if self._first is None:
            self._first = now, done
            return -1.0
        started, before = self._first
        return (now - started) / (done - before) * (total - done) if done > before else -1.0

    def _broken(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._folder.cleanup()
            self.failed.emit(f"Python could not be started ({self._process.errorString()}); reinstall F.sh")

    def _end(self, code: int) -> None:
        self._listen()
        noise = bytes(self._process.readAllStandardError().data()).decode(errors="replace").strip()
        if noise and not self._stopped:
            _log.warning("segmenting said:\n%s", noise)
        try:
            if self._stopped:
                self.cancelled.emit()
            elif code == 0 and (result := self._job.with_name("result")).is_file():
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
                return pickle.load(file)  # written by our own process, into a folder of our own

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


_running: set["Task"] = set()


class Task(QObject):
    """A function in a thread, for what waits for the disk.

    It lives until it has answered, whoever else has let go of it: Qt dies of an object that
    is deleted in a thread which is not its own.
    """

    finished = Signal(object)
    failed = Signal(str)

    def __init__(self, function: Callable[[], Any]) -> None:
        super().__init__()
        self._function = function
        self._thread = Thread(target=self._work, daemon=True)
        self.finished.connect(self._let_go)
        self.failed.connect(self._let_go)

    def start(self) -> None:
        """Begin."""
        _running.add(self)
        self._thread.start()

    def _work(self) -> None:
        try:
            result = self._function()
        except InputError as error:
            self.failed.emit(str(error))
        except Exception as error:
            _log.exception("a task failed")
            self.failed.emit(f"{type(error).__name__}: {error}; see the log")
        else:
            self.finished.emit(result)

    def _let_go(self, answer: object) -> None:
        """Be forgotten in the window's thread, once everybody has heard the answer."""

        def forget() -> None:
            self._thread.join()
            _running.discard(self)

        QTimer.singleShot(0, forget)


def main(path: Path) -> int:
    """Segment what a job's file says; the process beside the window."""
    try:
        job = Job(**json.loads(path.read_text()))
        config = SegmentConfig(**job.settings)
        network = import_module(job.module)  # torch enters here, and in no other place of the plugin
        predictor = network.load_predictor(Path(job.weights) if job.weights else None, config)
        finder = network.BrainFinder(config.device)
        found = segment_case(job.case, predictor, config, finder=finder, on_patch=_tell)
        with open(path.with_name("result"), "wb") as file:
            pickle.dump(found, file, protocol=5)
    except InputError as error:
        print(json.dumps({"error": str(error)}), flush=True)
        return 2
    except MemoryError:
        print(json.dumps({"error": "not enough memory; close other programs or choose a smaller patch"}), flush=True)
        return 2
    except Exception as error:
        traceback.print_exc()
        print(json.dumps({"error": f"{type(error).__name__}: {error}; the log says more"}), flush=True)
        return 1
    return 0


def _tell(done: int, total: int) -> None:
    print(json.dumps({"done": done, "total": total}), flush=True)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
