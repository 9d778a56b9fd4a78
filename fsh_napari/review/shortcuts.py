"""The keys of the review in a window: letters act only where nothing else wants them."""

from collections.abc import Callable

from qtpy.QtCore import QObject
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import (
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QShortcut,
    QTextEdit,
    QWidget,
)

from fsh_napari.review.keys import KEYS, Key

# Letters are typed into these, or look for an entry that begins with them.
_TAKES_LETTERS = (
    QAbstractItemView,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
)


class Shortcuts(QObject):
    """A shortcut for every key.

    Parameters
    ----------
    panel : QWidget
        In whose window they work, as long as it can be seen.
    table : QWidget
        The list of lesions, where letters act although it is a list.
    run : callable
        Called with the key that was pressed.
    """

    def __init__(self, panel: QWidget, table: QWidget, run: Callable[[Key], None]) -> None:
        super().__init__(panel)
        self._table = table
        self._letters: list[QShortcut] = []
        for key in KEYS:
            shortcut = QShortcut(QKeySequence(key.keys), panel)
            shortcut.activated.connect(_caller(run, key))
            if is_letter(key):
                self._letters.append(shortcut)
        QApplication.instance().focusChanged.connect(self._on_focus)
        self._on_focus(None, QApplication.focusWidget())

    def _on_focus(self, before: QWidget | None, now: QWidget | None) -> None:
        wanted_elsewhere = isinstance(now, _TAKES_LETTERS) and now is not self._table
        for shortcut in self._letters:
            shortcut.setEnabled(not wanted_elsewhere)


def is_letter(key: Key) -> bool:
    """Tell whether a key is a letter, with or without Shift."""
    return len(key.keys.removeprefix("Shift+")) == 1


def _caller(run: Callable[[Key], None], key: Key) -> Callable[[], None]:
    return lambda: run(key)
