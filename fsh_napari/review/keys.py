"""Every key of the review, and the overlay that shows them."""

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QWidget

KEYS: dict[str, tuple[str, str]] = {
    "N": ("next", "next lesion (Enter in the list goes to the selected one)"),
    "Shift+N": ("previous", "previous lesion"),
    "A": ("accept", "accept"),
    "R": ("reject", "reject: it stays visible and does not count"),
    "U": ("unsure", "unsure"),
    "D": ("delete", "delete its voxels"),
    "S": ("split", "split, at points set with Shift+click, or by its shape"),
    "J": ("join", "join with the lesion clicked next"),
    "I": ("add", "insert a missed lesion: it grows from the next click"),
    "K": ("note_lesion", "write a note"),
    "G": ("outline", "outline or fill"),
    "O": ("opacity", "opacity"),
    "H": ("hide_lesions", "hide or show all lesions"),
    "T": ("other_visit", "other visit, side by side; once more: the next one, or none"),
    "C": ("complete", "complete the case: save it, and go to the next of the cohort"),
    "Shift+C": ("next_case", "next case of the cohort, leaving this one as it is"),
    "W": ("reveal", "what the other readers decided, and how far you agree"),
    "Ctrl+Z": ("undo", "undo, whatever it was"),
    "Ctrl+Shift+Z": ("redo", "do it again"),
    "Esc": ("cancel", "let joining or adding be; close this help"),
    "F1": ("show_keys", "show or hide these keys"),
}
"""Key to method of `fsh_napari.review.widget.ReviewWidget` and what it does."""

_MOUSE = {
    "wheel": "slices (with Ctrl: zoom)",
    "click": "move all planes; selects the lesion there",
    "right drag": "window (across) and level (down)",
    "double click": "enlarge a plane, and back",
    "P, E, F": "napari's brush, eraser, bucket; [ and ] size the brush; Z ends painting",
}


class HelpOverlay(QLabel):
    """The keys, over the middle of the window."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        rows = "".join(
            f"<tr><td style='padding-right:14px'><b>{key}</b></td><td>{text}</td></tr>"
            for key, text in [*((key, text) for key, (_, text) in KEYS.items()), *_MOUSE.items()]
        )
        self.setText(f"<table>{rows}</table>")
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setAccessibleName("Keys")
        self.setStyleSheet(
            "background: rgba(20, 22, 26, 235); color: white; padding: 12px; border-radius: 8px; font-size: 12px;"
        )
        self.hide()

    def toggle(self) -> None:
        """Show or hide."""
        self.setVisible(self.isHidden())
        self.adjustSize()
        window = self.parentWidget()
        self.move(
            max(0, (window.width() - self.width()) // 2),
            max(0, (window.height() - self.height()) // 2),
        )
        self.raise_()
