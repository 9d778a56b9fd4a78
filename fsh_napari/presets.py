"""The keys for window and level: the same in both reviews; nothing of it is an event."""

from collections.abc import Callable
from typing import Protocol


class WindowedStage(Protocol):
    """Where scans are seen."""

    def set_window(self, preset: str) -> None:
        """Give what is shown a window that has a name, and tell the reader."""

    def reset_window(self) -> None:
        """Set window and level back."""


class WindowPresets:
    """Window and level by name.

    Parameters
    ----------
    stage : WindowedStage
        Where scans are seen.
    opened : callable
        Raises `fsh_core.errors.InputError` if nothing is open.
    """

    def __init__(self, stage: WindowedStage, opened: Callable[[], object]) -> None:
        self.stage, self._opened = stage, opened

    def narrow_window(self) -> None:
        """Show little differences of the tissue."""
        self._set("narrow")

    def normal_window(self) -> None:
        """Show what is open as it was opened."""
        self._set("normal")

    def wide_window(self) -> None:
        """Show what is brightest and darkest, too."""
        self._set("wide")

    def _set(self, preset: str) -> None:
        self._opened()
        self.stage.set_window(preset)

    def reset_window(self) -> None:
        """Set window and level back."""
        self._opened()
        self.stage.reset_window()
