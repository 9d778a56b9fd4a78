"""Keys and mouse, over the middle of the window."""

from collections.abc import Mapping, Sequence

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QWidget

from fsh_napari.review.keys import KEYS, MOUSE, Key

_STYLE = (
    "background: rgba(20, 22, 26, 235); color: white; padding: 12px; border-radius: 8px; "
    "font-size: 12px;"
)


class HelpOverlay(QLabel):
    """A table of keys and mouse buttons.

    Parameters
    ----------
    window : QWidget
        The window that it lies over.
    keys : sequence of Key
        What the keys do.
    mouse : mapping of str to str
        What the mouse does.
    """

    def __init__(
        self,
        window: QWidget,
        keys: Sequence[Key] = KEYS,
        mouse: Mapping[str, str] = MOUSE,
    ) -> None:
        super().__init__(window)
        lines = {**{key.keys: key.text for key in keys}, **mouse}
        rows = "".join(
            f"<tr><td style='padding-right:14px'><b>{keys}</b></td><td>{text}</td></tr>"
            for keys, text in lines.items()
        )
        self.setText(f"<table>{rows}</table>")
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setAccessibleName("Keys")
        self.setStyleSheet(_STYLE)
        self.hide()

    def toggle(self) -> None:
        """Show or hide."""
        self.setVisible(self.isHidden())
        self.adjustSize()
        window = self.parentWidget()
        left = max(0, (window.width() - self.width()) // 2)
        top = max(0, (window.height() - self.height()) // 2)
        self.move(left, top)
        self.raise_()
