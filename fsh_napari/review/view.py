"""The panel of the review: it shows what it is given, and tells what the reader wants."""

import pandas as pd
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QLabel,
    QProgressBar,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from fsh_core.lesions.describe import DESCRIBED_COLUMNS
from fsh_core.review import CASE_STATUSES, STATUSES
from fsh_napari.messages import bold, show_sentence, tip_of
from fsh_napari.review.brush import BrushRow
from fsh_napari.review.interfaces import CaseUnderReview
from fsh_napari.review.keys import KEYS
from fsh_napari.review.panel import advance_box, command_buttons, filter_box, note_field, server_box
from fsh_napari.table import LesionTable
from fsh_napari.widgets import in_a_row, push_button

_BANDS = {"": "any confidence", "low": "below 0.6", "medium": "0.6 to 0.8", "high": "above 0.8"}
_TIPS = DESCRIBED_COLUMNS | {
    "queue": "Its place in the queue.",
    "flags": DESCRIBED_COLUMNS["flags"]
    + " Beside them: border (reaches the edge of the image), small (below 10 mm³).",
    "others": "What the other readers decided.",
}
_BUTTONS_IN_A_ROW = 3


class ReviewView(QWidget):
    """Title, filters, list, note, buttons and a line that tells the reader what happened.

    Signals
    -------
    wanted : Key
        The command of a button.
    open_wanted, save_wanted, keys_wanted : no arguments
        The buttons of the last row.
    lesion_opened, lesion_selected : int
        A lesion of the list was activated (Enter), or selected.
    note_written, case_status_wanted : str
        What was typed, or chosen.
    """

    wanted = Signal(object)
    open_wanted = Signal()
    save_wanted = Signal()
    keys_wanted = Signal()
    lesion_opened = Signal(int)
    lesion_selected = Signal(int)
    note_written = Signal(str)
    case_status_wanted = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.title = QLabel("", accessibleName="Case", wordWrap=True)
        self.title.setTextFormat(Qt.TextFormat.RichText)
        self.summary = QLabel("", accessibleName="Summary", wordWrap=True)
        self.summary.setTextFormat(Qt.TextFormat.PlainText)
        self.progress = QProgressBar(accessibleName="Loading", textVisible=False)
        self.progress.setRange(0, 0)  # how long it takes is not known
        self.progress.setMaximumHeight(6)
        self.progress.hide()
        self._save = push_button("Save", self.save_wanted.emit, "Write the corrected lesions")
        self._of_the_case = QWidget()
        self.table = LesionTable(_TIPS)
        self.table.setMinimumHeight(120)
        self.table.opened.connect(self.lesion_opened)
        self.table.chosen.connect(self.lesion_selected)
        self.status_filter = filter_box(
            self.table, "Status filter", ["any status", *STATUSES], "status"
        )
        self.region_filter = filter_box(self.table, "Region filter", ["any region"], "region")
        self.confidence_filter = filter_box(
            self.table, "Confidence filter", list(_BANDS.values()), "band", list(_BANDS)
        )
        self.flags_filter = filter_box(self.table, "Flags filter", ["any flags"], "flags")
        self.queued_only = QCheckBox(
            "Only the queue's lesions", accessibleName="Only the queue's lesions"
        )
        self.queued_only.toggled.connect(self._show_queued_only)
        self.queued_only.setToolTip("List only the lesions that the queue names, in its order")
        self.queued_only.hide()
        self.note = note_field(self.note_written.emit)
        self.brush = BrushRow()
        self.server = server_box()
        self.advance = advance_box("lesion")
        self.case_status = QComboBox(accessibleName="Case status")
        self.case_status.setToolTip("Status of the whole case; completed is also C")
        self.case_status.addItems(CASE_STATUSES)
        # Shown where it holds, never chosen: what was begun stays begun.
        self.case_status.model().item(0).setEnabled(False)
        self.case_status.textActivated.connect(self.case_status_wanted)
        self.message = QLabel("", wordWrap=True, accessibleName="Message")
        self._lay_out()

    # ---- what the controller asks for

    @property
    def labels(self) -> list[int]:
        """The lesions in the list, from the top."""
        return self.table.labels

    @property
    def label(self) -> int:
        """The selected lesion; 0 = none."""
        return self.table.current_label

    @property
    def goes_on(self) -> bool:
        """Whether a decision leads to the next lesion."""
        return self.advance.isChecked()

    def select(self, label: int) -> None:
        """Select a lesion in the list."""
        self.table.select(label)

    def show_case(self, case: CaseUnderReview) -> None:
        """Show list, counts and status as they are now."""
        review = case.review
        self._show_loaded()
        self.table.show_lesions(case.listed())
        self.show_note(review.note(self.label))
        self.title.setText(f"{bold(case.name)} · {review.case_status}")
        self.case_status.setCurrentText(review.case_status)
        count = len(review.lesions)
        kept = count - review.counts()["rejected"]
        self.summary.setText(
            f"{review.decided} of {count} decided · {kept} lesions, "
            f"{review.lesion_volume_ml:.2f} ml"
        )

    def show_loading(self, name: str) -> None:
        """Show that a case is on its way; until it is there nothing can be done to it."""
        self.show_nothing()
        self.title.setText(f"{bold(name)} · loading…")
        self.show_message(f"Loading {name}… Another case can be chosen meanwhile.")
        self.progress.show()
        self._of_the_case.setEnabled(False)
        self._save.setEnabled(False)

    def show_nothing(self) -> None:
        """Show that no case is open."""
        self._show_loaded()
        self.table.show_lesions(pd.DataFrame({"label": []}))
        for label in (self.title, self.summary):
            label.setText("")
        self.show_note("")

    def show_message(self, sentence: str) -> None:
        """Tell the reader something."""
        show_sentence(self.message, sentence)

    def replace_message(self, before: str, now: str) -> None:
        """Tell the reader something where nothing else was told since."""
        if self.message.toolTip() == tip_of(before):
            self.show_message(now)

    def show_whole_list(self) -> None:
        """Show lesions that the queue does not name, too."""
        self.queued_only.setChecked(False)

    def toggle_brush_in_3d(self) -> None:
        """Let the brush paint through the slices, or in one."""
        self.brush.in_3d.toggle()

    def next_brush_range(self) -> None:
        """Let the next thing limit the brush, or nothing."""
        self.brush.next_range()

    def ask_for_note(self) -> None:
        """Let the reader write a note about the selected lesion, or about the case."""
        self.note.setFocus()
        self.note.selectAll()

    def _show_loaded(self) -> None:
        self.progress.hide()
        self._of_the_case.setEnabled(True)
        self._save.setEnabled(True)

    # ---- what the widget asks for

    def show_note(self, text: str) -> None:
        """Show the note of the selected lesion, or where none is selected that of the case."""
        self.note.setPlaceholderText("Note (K)" if self.label else "Note about the case (K)")
        self.note.setText(text)

    def show_scores(self, reference: str, dice: float, lesion_f1: float) -> None:
        """Show the agreement with an open reference behind the counts."""
        counts = self.summary.text().split(" · Dice")[0]
        self.summary.setText(f"{counts} · Dice {dice:.3f}, F1 {lesion_f1:.3f} against {reference}")

    def leave_note(self) -> None:
        """Give the keyboard back to the list after a note."""
        if self.note.hasFocus():
            self.table.setFocus()

    def offer_filters(self, listed: pd.DataFrame) -> None:
        """Offer what there is to filter by in a case; filters of the case before are gone.

        Parameters
        ----------
        listed : DataFrame
            From `fsh_napari.review.case.OpenCase.listed`.
        """
        flags = {flag for flags in listed["flags"] for flag in flags.split(", ")}
        self._offer(self.region_filter, "any region", set(listed.get("region", [])))
        self._offer(self.flags_filter, "any flags", flags)
        self.status_filter.setCurrentIndex(0)
        self.confidence_filter.setCurrentIndex(0)
        self.queued_only.setVisible("queued" in listed)
        self.queued_only.setChecked("queued" in listed)

    def _offer(self, box: QComboBox, first: str, values: set[str]) -> None:
        named = sorted(values - {""})
        box.clear()
        box.addItems([first, *named])
        box.setVisible(bool(named))

    # ---- building

    def _lay_out(self) -> None:
        filters = QGridLayout()
        filters.setContentsMargins(0, 0, 0, 0)
        boxes = (self.status_filter, self.confidence_filter, self.region_filter, self.flags_filter)
        for place, box in enumerate(boxes):
            box.setToolTip(f"{box.accessibleName()}: list only these lesions")
            filters.addWidget(box, place // 2, place % 2)
        of_the_case = QVBoxLayout(self._of_the_case)
        of_the_case.setContentsMargins(0, 0, 0, 0)
        of_the_case.setSpacing(4)
        of_the_case.addLayout(filters)
        of_the_case.addWidget(self.queued_only)
        of_the_case.addWidget(self.table, stretch=1)
        of_the_case.addWidget(self.note)
        of_the_case.addLayout(command_buttons(KEYS, self.wanted.emit, _BUTTONS_IN_A_ROW))
        of_the_case.addWidget(self.brush)
        of_the_case.addWidget(self.server)
        of_the_case.addWidget(in_a_row(self.advance, self.case_status))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.setSpacing(4)
        for widget in (self.title, self.progress, self.summary):
            layout.addWidget(widget)
        layout.addWidget(self._of_the_case, stretch=1)
        layout.addWidget(
            in_a_row(
                push_button("Open record…", self.open_wanted.emit, "Open a record (*_dseg.json)"),
                self._save,
                push_button("Keys (F1)", self.keys_wanted.emit, "Show or hide every key"),
            )
        )
        layout.addWidget(self.message)
        self.setMinimumWidth(330)
        # napari puts a stretch below a dock's widget unless something in it wants to grow.
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)

    def _show_queued_only(self, only: bool) -> None:
        self.table.filter.want("queued", "yes" if only else "")
