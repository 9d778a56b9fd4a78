"""Loading the next case beside the window."""

from threading import Event

from qtpy.QtCore import QObject, Signal

from fsh_core.derivatives import StoredSegmentation
from fsh_core.errors import InputError
from fsh_napari.review.loading import LoadedCase, Shown, load_case
from fsh_napari.task import Task


class CaseLoader(QObject):
    """Loads one case at a time; the reader may leave it for another before it is there.

    Signals
    -------
    loaded : LoadedCase
    failed : str
        Why there is none.
    """

    loaded = Signal(object)
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._left: Event | None = None  # of the case that is being loaded

    @property
    def is_busy(self) -> bool:
        """Whether a case is being loaded."""
        return self._left is not None

    def load(self, stored: StoredSegmentation, reader: str, shown: Shown) -> None:
        """Load a case in place of any other; see `fsh_napari.review.loading.load_case`."""
        self.leave()
        left = self._left = Event()

        def answer() -> tuple[Event, LoadedCase | str | None]:
            try:
                return left, load_case(stored, reader, shown, left)
            except InputError as error:
                return left, str(error)
            except MemoryError:
                return left, f"{stored.record.case}: not enough memory; close other programs"

        task = Task(answer, in_line=True)
        task.finished.connect(self._on_answer)
        task.failed.connect(self._on_failed)
        task.start()

    def leave(self) -> None:
        """Let the case that is being loaded be."""
        if self._left is not None:
            self._left.set()
        self._left = None

    def _on_answer(self, answer: tuple[Event, LoadedCase | str | None]) -> None:
        left, outcome = answer
        if left is not self._left:  # of a case that was left
            return
        self._left = None
        if isinstance(outcome, LoadedCase):
            self.loaded.emit(outcome)
        else:
            self.failed.emit(outcome or "")

    def _on_failed(self, sentence: str) -> None:
        """Tell of what nobody foresaw."""
        if self.is_busy:
            self._left = None
            self.failed.emit(sentence)
