"""How a reader has the window: napari's lists away or not, the planes in one of their own or not.

It is remembered for each reader in ``fsh-layouts.ini``, beside napari's settings.
"""

import hashlib
from pathlib import Path
from typing import Any

from napari.settings import get_settings
from qtpy.QtCore import QByteArray, QEvent, QObject, QSettings
from qtpy.QtWidgets import QDockWidget

from fsh_napari.preferences import preferences

_LISTS = ("layer list", "layer controls")  # as napari names its docks
_READING, _APART, _PLACE = "reading", "planes_apart", "planes_place"


class Memory:
    """Which layout a reader wants; it is on the disk at once."""

    def __init__(self) -> None:
        folder = Path(str(get_settings().config_path)).parent
        self._settings = QSettings(str(folder / "fsh-layouts.ini"), QSettings.Format.IniFormat)

    @property
    def wants_reading(self) -> bool:
        """Whether the reader had the lists away."""
        return bool(self._settings.value(self._key(_READING), False, bool))

    def keep(self, wants_reading: bool) -> None:
        """Keep whether the reader has the lists away."""
        self._set(_READING, wants_reading)

    @property
    def has_planes_apart(self) -> bool:
        """Whether the reader had the planes in a window of their own."""
        return bool(self._settings.value(self._key(_APART), False, bool))

    def keep_planes_apart(self, are_apart: bool) -> None:
        """Keep whether the planes have a window of their own."""
        self._set(_APART, are_apart)

    @property
    def planes_place(self) -> QByteArray:
        """Where that window was, as Qt writes it; empty = nowhere yet."""
        return QByteArray(self._settings.value(self._key(_PLACE), QByteArray()))

    def keep_planes_place(self, place: QByteArray) -> None:
        """Keep where that window is."""
        self._set(_PLACE, place)

    def _set(self, name: str, value: Any) -> None:
        self._settings.setValue(self._key(name), value)
        self._settings.sync()

    def _key(self, name: str) -> str:
        """Name what is the reader's: a name in any script would be no key."""
        reader = hashlib.sha256(preferences().reader_name.encode()).hexdigest()
        return f"{reader}/{name}"


class ReadingLayout(QObject):
    """napari's list of layers and their controls, which a reader does not need.

    Parameters
    ----------
    window : QMainWindow
        The window.
    parent : QObject
        Whose layout it is.
    """

    def __init__(self, window: Any, parent: QObject) -> None:
        super().__init__(parent)
        self._window, self._memory = window, Memory()
        self._hidden: list[QDockWidget] = []
        window.installEventFilter(self)

    @property
    def is_on(self) -> bool:
        """Whether the lists are away."""
        return bool(self._hidden)

    def toggle(self) -> None:
        """Take the lists away or bring them back, now and whenever this reader reviews."""
        if self._hidden:
            self.leave()
        else:
            self._enter()
        self._memory.keep(self.is_on)

    def enter_if_kept(self) -> None:
        """Take the lists away where this reader had them away."""
        if not self._hidden and self._memory.wants_reading:
            self._enter()

    def leave(self) -> None:
        """Bring back what was hidden; what the reader keeps stays as it is."""
        for dock in self._hidden:
            dock.show()
        self._hidden = []

    def _enter(self) -> None:
        docks = [self._window.findChild(QDockWidget, name) for name in _LISTS]
        self._hidden = [dock for dock in docks if dock is not None and not dock.isHidden()]
        for dock in self._hidden:
            dock.hide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Bring the lists back before napari keeps what its window looked like."""
        if event.type() == QEvent.Type.Close:
            self.leave()
        return False
