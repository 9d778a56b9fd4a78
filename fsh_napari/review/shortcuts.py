"""The keys of the review in a window: letters act only where nothing else wants them."""

from collections.abc import Callable, Sequence

from qtpy.QtCore import QEvent, QObject
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import (
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDockWidget,
    QLineEdit,
    QMainWindow,
    QPlainTextEdit,
    QShortcut,
    QTextEdit,
    QWidget,
)

from fsh_napari.review.keys import KEYS, Key
from fsh_napari.views.window import dock_of

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
    keys : sequence of Key
        The keys.
    """

    def __init__(
        self,
        panel: QWidget,
        table: QWidget,
        run: Callable[[Key], None],
        keys: Sequence[Key] = KEYS,
    ) -> None:
        super().__init__(panel)
        self._panel, self._table = panel, table
        self._dock: QDockWidget | None = None
        self._is_on_top, self._is_free = True, True
        self._shortcuts: list[tuple[QShortcut, bool]] = []
        for key in keys:
            shortcut = QShortcut(QKeySequence(key.keys), panel)
            shortcut.activated.connect(_caller(run, key))
            self._shortcuts.append((shortcut, is_letter(key)))
        panel.installEventFilter(self)
        QApplication.instance().focusChanged.connect(self._on_focus)
        self._on_focus(None, QApplication.focusWidget())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Learn in which dock the panel stands."""
        if event.type() in (QEvent.Type.Show, QEvent.Type.ParentChange):
            dock = dock_of(self._panel)
            if dock is not None and dock is not self._dock:
                self._dock = dock
                dock.visibilityChanged.connect(self._on_dock)
        return False

    def _on_dock(self, is_on_top: bool) -> None:
        """Keep silent behind another tab, whose keys may be the same."""
        self._is_on_top = is_on_top
        if is_on_top and dock_of(QApplication.focusWidget()) in self._tabs():
            self._table.setFocus()  # the keyboard was left behind, in the tab that was on top
        self._enable()

    def _tabs(self) -> list[QDockWidget]:
        """List the docks that stand behind this one, or before it."""
        window = self._panel.window()
        tabs = window.tabifiedDockWidgets(self._dock) if isinstance(window, QMainWindow) else []
        return list(tabs)

    def _on_focus(self, before: QWidget | None, now: QWidget | None) -> None:
        self._is_free = now is self._table or not isinstance(now, _TAKES_LETTERS)
        self._enable()

    def _enable(self) -> None:
        for shortcut, letter in self._shortcuts:
            shortcut.setEnabled(self._is_on_top and (self._is_free or not letter))


def is_letter(key: Key) -> bool:
    """Tell whether a key is a letter, with or without Shift."""
    return len(key.keys.removeprefix("Shift+")) == 1


def _caller(run: Callable[[Key], None], key: Key) -> Callable[[], None]:
    return lambda: run(key)
