"""A function in a thread of its own, for what waits for the disk."""

import logging
from collections.abc import Callable
from threading import Thread
from typing import Any

from qtpy.QtCore import QObject, QTimer, Signal

from fsh_core.errors import InputError

_log = logging.getLogger(__name__)
_running: set["Task"] = set()


class Task(QObject):
    """A function in a thread.

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
