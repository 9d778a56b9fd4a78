"""The controls of the review: what is shown and can be pressed, without what it does."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from fsh_core.errors import InputError
from fsh_core.lesions.describe import DESCRIBED_COLUMNS
from fsh_core.review import CASE_STATUSES, STATUSES
from fsh_napari.review.keys import KEYS
from fsh_napari.table import LesionTable

_BANDS = {"": "any confidence", "low": "below 0.6", "medium": "0.6 to 0.8", "high": "above 0.8"}
_TIPS = DESCRIBED_COLUMNS | {
    "queue": "Its place in the queue.",
    "flags": DESCRIBED_COLUMNS["flags"]
    + " Beside them: border (reaches the edge of the image), small (below 10 mm³).",
    "others": "What the other readers decided.",
}
_BUTTONS = ("accept", "reject", "unsure", "delete", "split", "join", "add", "undo", "redo")
_log = logging.getLogger(__name__)


class ReviewPanel(QWidget):
    """Title, filters, list, note, buttons and a line that tells the reader what happened."""

    def __init__(self) -> None:
        super().__init__()
        self.title = QLabel("", accessibleName="Case", wordWrap=True)
        self.summary = QLabel("", accessibleName="Summary", wordWrap=True)
        self.table = LesionTable(_TIPS)
        self.table.setMinimumHeight(120)
        self.status_filter = self._filter("Status filter", ["any status", *STATUSES], "status")
        self.region_filter = self._filter("Region filter", ["any region"], "region")
        self.confidence_filter = self._filter("Confidence filter", list(_BANDS.values()), "band")
        self.flags_filter = self._filter("Flags filter", ["any flags"], "flags")
        self.queued_only = QCheckBox(
            "Only the queue's lesions", accessibleName="Only the queue's lesions"
        )
        self.queued_only.toggled.connect(
            lambda only: self.table.filter.want("queued", "yes" if only else "")
        )
        self.note = QLineEdit(accessibleName="Note", placeholderText="Note (K)")
        self.advance = QCheckBox(
            "Go on after a decision", checked=True, accessibleName="Go on after a decision"
        )
        self.case_status = QComboBox(accessibleName="Case status")
        self.case_status.addItems(CASE_STATUSES[1:])
        self.message = QLabel("", wordWrap=True, accessibleName="Message")
        self.setMinimumWidth(330)

    def lay_out(self, opening: dict[str, Callable[[], Any]]) -> None:
        """Put the controls into the panel.

        Parameters
        ----------
        opening : dict of str to callable
            What the buttons of the last row say and do.
        """
        filters = QGridLayout()
        filters.setContentsMargins(0, 0, 0, 0)
        boxes = (self.status_filter, self.confidence_filter, self.region_filter, self.flags_filter)
        for place, box in enumerate(boxes):
            filters.addWidget(box, place // 2, place % 2)
        buttons = QGridLayout()
        buttons.setVerticalSpacing(3)
        for place, method in enumerate(_BUTTONS):
            key = next(key for key, (name, _) in KEYS.items() if name == method)
            text = method.capitalize() if "+" in key else f"{method.capitalize()} ({key})"
            button = self._button(text, getattr(self, method))
            button.setToolTip(f"{key}: {KEYS[key][1]}")
            buttons.addWidget(button, place // 3, place % 3)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.setSpacing(4)
        layout.addWidget(self.title)
        layout.addWidget(self.summary)
        layout.addLayout(filters)
        layout.addWidget(self.queued_only)
        layout.addWidget(self.table, stretch=1)
        layout.addWidget(self.note)
        layout.addLayout(buttons)
        layout.addWidget(beside(self.advance, self.case_status))
        layout.addWidget(beside(*(self._button(text, action) for text, action in opening.items())))
        layout.addWidget(self.message)
        self.queued_only.hide()

    def offer_filters(self, regions: Sequence[str], flags: Sequence[str], is_queued: bool) -> None:
        """Offer what there is to filter by in a case; filters of the case before are gone."""
        for box, first, values in (
            (self.region_filter, "any region", regions),
            (self.flags_filter, "any flags", flags),
        ):
            box.clear()
            box.addItems([first, *values])
            box.setVisible(bool(values))
        self.status_filter.setCurrentIndex(0)
        self.confidence_filter.setCurrentIndex(0)
        self.queued_only.setVisible(is_queued)
        self.queued_only.setChecked(is_queued)

    def show_message(self, sentence: str) -> None:
        """Tell the reader something."""
        self.message.setText(sentence)

    def attempt(self, action: Callable[[], Any]) -> None:
        """Do something; what goes wrong is said in one sentence."""
        try:
            action()
        except InputError as error:
            self.show_message(f"⚠ {error}")
            _log.warning("%s", error)

    def _filter(self, name: str, values: Sequence[str], column: str) -> QComboBox:
        box = QComboBox(accessibleName=name)
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setMinimumContentsLength(8)
        box.addItems(values)

        def want(index: int) -> None:
            value = list(_BANDS)[index] if column == "band" else box.currentText()
            self.table.filter.want(column, value if index > 0 else "")

        box.currentIndexChanged.connect(want)
        return box

    def _button(self, text: str, action: Callable[[], Any]) -> QPushButton:
        button = QPushButton(text)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(lambda: self.attempt(action))
        return button


def beside(*widgets: QWidget) -> QWidget:
    """Put widgets into a row."""
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        layout.addWidget(widget)
    return row
