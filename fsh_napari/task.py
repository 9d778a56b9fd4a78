"""Functions beside the window: in a thread of their own, in a line, or in turns with it."""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread
from typing import Any

from qtpy.QtCore import QObject, QTimer, Signal

from fsh_core.errors import InputError

_log = logging.getLogger(__name__)
_running: set["Task"] = set()
_DRAWN_MS = 5  # between two steps: what the one changed is drawn before the next
# What reads and writes cases: one after another, so that no two cases are in memory at a time, and
# the last of two savings is the one that stays. What waits here is done before Python ends.
_line = ThreadPoolExecutor(1, thread_name_prefix="fsh")


class Task(QObject):
    """A function in a thread.

    It lives until it has answered, whoever else has let go of it: Qt dies of an object that
    is deleted in a thread which is not its own.

    Parameters
    ----------
    function : callable
        What to do; `finished` carries what it returns, `failed` a sentence.
    in_line : bool
        Whether to wait for the tasks in line before it.
    """

    finished = Signal(object)
    failed = Signal(str)

    def __init__(self, function: Callable[[], Any], in_line: bool = False) -> None:
        super().__init__()
        self._function = function
        self._in_line = in_line
        self._has_told = Event()
        self.finished.connect(self._let_go)
        self.failed.connect(self._let_go)

    def start(self) -> None:
        """Begin, or queue up."""
        _running.add(self)
        if self._in_line:
            _line.submit(_work, [self], self._has_told)
        else:
            Thread(target=_work, args=([self], self._has_told), daemon=True).start()

    def work(self) -> None:
        """Call the function and tell what came of it, in a thread."""
        try:
            result = self._function()
        except InputError as error:
            self.failed.emit(str(error))
        except Exception as error:
            _log.exception("a task failed")
            self.failed.emit(f"{type(error).__name__}: {error}; see the log")
        else:
            self.finished.emit(result)
        # Its arrays go now, and not when the window's thread gets to it.
        del self._function

    def _let_go(self, answer: object) -> None:
        """Be forgotten in the window's thread, once everybody has heard the answer."""

        def forget() -> None:
            # This listener is the first to hear; the thread may be about to tell the others.
            self._has_told.wait()
            _running.discard(self)
            # Python's collector does not see through a connection: a listener that knows its
            # task would never be freed, nor the window that it belongs to.
            self.finished.disconnect()
            self.failed.disconnect()

        QTimer.singleShot(0, forget)


def _work(task: list[Task], has_told: Event) -> None:
    """Let a task work, and hold nothing of it any more when that is said."""
    try:
        task.pop().work()
    finally:
        has_told.set()


class LatestTask(QObject):
    """Does what was asked for last: of what is asked for meanwhile, only the newest is done next.

    ``finished`` carries what each function returned that was run, ``failed`` a sentence.
    """

    finished = Signal(object)
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._task: Task | None = None
        self._waiting: Callable[[], Any] | None = None

    def ask(self, function: Callable[[], Any]) -> None:
        """Run a function in a thread, at once or after the one that runs."""
        if self._task is not None:
            self._waiting = function
            return
        self._task = Task(function)
        self._task.finished.connect(self._on_finished)
        self._task.failed.connect(self._on_failed)
        self._task.start()

    def _on_finished(self, answer: object) -> None:
        self._go_on()
        self.finished.emit(answer)

    def _on_failed(self, sentence: str) -> None:
        self._go_on()
        self.failed.emit(sentence)

    def _go_on(self) -> None:
        waiting, self._task, self._waiting = self._waiting, None, None
        if waiting is not None:
            self.ask(waiting)


def is_idle() -> bool:
    """Tell whether no task runs or waits."""
    return not _running


class Turns(QObject):
    """Steps that must be done in the window's thread, one in each turn of its event loop.

    ``failed`` carries the sentence of a step that went wrong; none follows it.
    """

    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._steps: Iterator[object] | None = None
        self._next = QTimer(self, singleShot=True, interval=_DRAWN_MS)
        self._next.timeout.connect(self._go_on)

    @property
    def are_over(self) -> bool:
        """Whether nothing is left to do."""
        return self._steps is None

    def take(self, steps: Iterator[object]) -> None:
        """Begin with other steps; those of before are dropped."""
        self._steps = steps
        self._next.start()

    def stop(self) -> None:
        """Drop what is left to do."""
        self._steps = None
        self._next.stop()

    def _go_on(self) -> None:
        steps = self._steps
        if steps is None:
            return
        try:
            next(steps)
        except StopIteration:
            if self._steps is steps:
                self._steps = None
        except InputError as error:
            self.stop()
            self.failed.emit(str(error))
        else:
            if self._steps is steps:
                self._next.start()
