"""The panel of the review of changes: it shows what it is given, and tells what is wanted."""

import html
from pathlib import Path

import pandas as pd
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from fsh_core.follow_up import REVIEWED_COLUMNS
from fsh_core.review import STATUSES
from fsh_core.tracking import READING_ORDER, REASONS
from fsh_core.tracking.comparability import NOTHING_FOUND, VERDICTS
from fsh_core.visible import visible
from fsh_napari.changes.interfaces import PairUnderReview
from fsh_napari.changes.keys import KEYS
from fsh_napari.messages import show_sentence
from fsh_napari.review.panel import advance_box, command_buttons, filter_box, note_field
from fsh_napari.signs import SIGNS
from fsh_napari.table import Columns, LesionTable
from fsh_napari.widgets import in_a_row, push_button

COLUMNS: Columns = {
    "status": ("St.", "{}"),
    "kind": ("Kind", "{}"),
    "before": ("Before", "{:.0f}"),
    "after": ("After", "{:.0f}"),
    "percent": ("%", "{:+.0f}"),
    "label": ("No.", "{:.0f}"),
    "confidence": ("Conf.", "{:.2f}"),
    "reason": ("Why uncertain", "{}"),
    "note": ("Note", "{}"),
}
"""Title and format of every column of the list."""
_TIPS = {
    "label": REVIEWED_COLUMNS["change"],
    "status": "What you decided: " + ", ".join(f"{SIGNS[name]} {name}" for name in STATUSES),
    "kind": REVIEWED_COLUMNS["kind"],
    "before": REVIEWED_COLUMNS["volume_before_mm3"],
    "after": REVIEWED_COLUMNS["volume_after_mm3"],
    "percent": REVIEWED_COLUMNS["volume_change_percent"],
    "confidence": REVIEWED_COLUMNS["confidence"],
    "reason": " ".join(f"{name}: {meaning}" for name, meaning in REASONS.items()),
    "note": REVIEWED_COLUMNS["note"],
}
_LIGHTS = {
    "pass": ("GREEN", "#ffffff", "#2e7d32"),
    "caution": ("AMBER", "#000000", "#ffc04d"),
    "fail": ("RED", "#ffffff", "#c62828"),
}
"""The verdict as a word, its colour and that behind it: to be read in every theme, and never by
colour alone."""
_BUTTONS_IN_A_ROW = 4


class ChangesView(QWidget):
    """Patient and visits, verdict, list, note, buttons and a line that tells what happened.

    Signals
    -------
    folder_given : str
        A folder was typed or chosen.
    pair_chosen : (Path, int)
        A patient's record and the place of two visits in it.
    browse_wanted, save_wanted, keys_wanted : no arguments
        Buttons.
    wanted : Key
        The command of a button.
    change_opened, change_selected : int
        A change of the list was activated (Enter), or selected.
    note_written : str
        What was typed.
    """

    folder_given = Signal(str)
    pair_chosen = Signal(object, int)
    browse_wanted = Signal()
    save_wanted = Signal()
    keys_wanted = Signal()
    wanted = Signal(object)
    change_opened = Signal(int)
    change_selected = Signal(int)
    note_written = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.folder = QLineEdit(
            accessibleName="Folder of followed patients", placeholderText="Folder, then Enter"
        )
        self.folder.setToolTip("Folder that fsh track wrote into")
        self.folder.returnPressed.connect(lambda: self.folder_given.emit(self.folder.text()))
        self.pairs = QComboBox(accessibleName="Patient and visits")
        self.pairs.setToolTip("Followed patients, and which two visits are compared")
        self.pairs.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.pairs.activated.connect(self._choose)
        self.verdict = QLabel("", accessibleName="Verdict", wordWrap=True)
        self.verdict.setTextFormat(Qt.TextFormat.RichText)
        self.summary = QLabel("", accessibleName="Summary", wordWrap=True)
        self.summary.setTextFormat(Qt.TextFormat.PlainText)
        self.table = LesionTable(_TIPS, columns=COLUMNS)
        self.table.setAccessibleName("Changes")
        self.table.setMinimumHeight(120)
        self.table.as_given()
        self.table.opened.connect(self.change_opened)
        self.table.chosen.connect(self.change_selected)
        self.kind_filter = filter_box(
            self.table, "Kind filter", ["any kind", *READING_ORDER], "kind_found"
        )
        self.status_filter = filter_box(
            self.table, "Status filter", ["any status", *STATUSES], "status"
        )
        for box in (self.kind_filter, self.status_filter):
            box.setToolTip(f"{box.accessibleName()}: list only these changes")
        self.note = note_field(self.note_written.emit)
        self.advance = advance_box("change")
        self.message = QLabel("", wordWrap=True, accessibleName="Message")
        self._lay_out()

    # ---- what the controller asks for

    @property
    def labels(self) -> list[int]:
        """The changes in the list, from the top."""
        return self.table.labels

    @property
    def label(self) -> int:
        """The selected change; 0 = none."""
        return self.table.current_label

    @property
    def goes_on(self) -> bool:
        """Whether a decision leads to the next change."""
        return self.advance.isChecked()

    def select(self, label: int) -> None:
        """Select a change in the list."""
        self.table.select(label)

    def show_pair(self, pair: PairUnderReview) -> None:
        """Show verdict, list and counts as they are now."""
        verdict = pair.pair.verdict if pair.pair.verdict in _LIGHTS else "fail"
        light, colour, behind = _LIGHTS[verdict]
        why = html.escape(visible("; ".join(pair.pair.reasons) or NOTHING_FOUND))
        self.verdict.setText(
            f"<b style='color:{colour};background-color:{behind}'>&nbsp;{light}&nbsp;</b> "
            f"{VERDICTS[verdict]} "
            f"<span style='color:gray'>({why})</span>"
        )
        listed = pair.listed()
        self.table.show_lesions(listed)
        self.show_note(pair.review.note(self.label))
        decided = int((listed["status"] != "unreviewed").sum())
        kinds = listed["kind_reviewed"].tolist()
        counts = [f"{kinds.count(kind)} {kind}" for kind in READING_ORDER if kind in kinds]
        found = ", ".join(counts) or "no change"
        self.summary.setText(
            f"{pair.review.case_status} · {decided} of {len(listed)} decided · {found}"
        )

    def show_nothing(self) -> None:
        """Show that no visits are open."""
        self.table.show_lesions(pd.DataFrame({"label": []}))
        for label in (self.verdict, self.summary):
            label.setText("")
        self.note.setText("")

    def show_message(self, sentence: str) -> None:
        """Tell the reader something."""
        show_sentence(self.message, sentence)

    def show_whole_list(self) -> None:
        """Show every change, whatever was filtered by."""
        self.kind_filter.setCurrentIndex(0)
        self.status_filter.setCurrentIndex(0)

    def ask_for_note(self) -> None:
        """Let the reader write a note about the selected change."""
        self.note.setFocus()
        self.note.selectAll()

    # ---- what the widget asks for

    def show_note(self, text: str) -> None:
        """Show the note of the selected change, or where none is selected that of both visits."""
        self.note.setPlaceholderText("Note (K)" if self.label else "Note about both visits (K)")
        self.note.setText(text)

    def leave_note(self) -> None:
        """Give the keyboard back to the list after a note."""
        if self.note.hasFocus():
            self.table.setFocus()

    def offer(self, pairs: list[tuple[str, Path, int]]) -> None:
        """Offer two visits of a patient each: what they are called, the record and their place."""
        self.pairs.clear()
        for name, record, position in pairs:
            self.pairs.addItem(visible(name), (record, position))
        self.pairs.setCurrentIndex(-1)

    def choose(self, record: Path, position: int) -> None:
        """Show in the box which two visits are open."""
        for index in range(self.pairs.count()):
            if tuple(self.pairs.itemData(index)) == (record, position):
                self.pairs.setCurrentIndex(index)

    def _choose(self, index: int) -> None:
        if index >= 0:
            self.pair_chosen.emit(*self.pairs.itemData(index))

    # ---- building

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.setSpacing(4)
        browse = push_button("…", self.browse_wanted.emit, "Choose the folder")
        browse.setMaximumWidth(36)
        layout.addWidget(in_a_row(self.folder, browse))
        for widget in (self.pairs, self.verdict, self.summary):
            layout.addWidget(widget)
        layout.addWidget(in_a_row(self.kind_filter, self.status_filter))
        layout.addWidget(self.table, stretch=1)
        layout.addWidget(self.note)
        layout.addLayout(command_buttons(KEYS, self.wanted.emit, _BUTTONS_IN_A_ROW))
        layout.addWidget(
            in_a_row(
                self.advance,
                push_button("Save", self.save_wanted.emit, "Write the changes as you judged them"),
                push_button("Keys (F1)", self.keys_wanted.emit, "Show or hide every key"),
            )
        )
        layout.addWidget(self.message)
        self.setMinimumWidth(330)
        # napari puts a stretch below a dock's widget unless something in it wants to grow.
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
