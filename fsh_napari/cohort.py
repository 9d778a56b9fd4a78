"""The widget that lists a folder of cases: how far each is, and which comes next."""

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QSize, QTimer
from qtpy.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QFileDialog,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from fsh_core.errors import InputError
from fsh_core.review import CASE_STATUSES, CaseState, Queue, case_state, list_cases, load_queue
from fsh_core.visible import visible
from fsh_napari.messages import show_sentence, tip_of, unkeyed
from fsh_napari.preferences import preferences
from fsh_napari.review.widget import ReviewWidget
from fsh_napari.views.window import dock_of, plain, window_of
from fsh_napari.widgets import in_a_row, push_button

if TYPE_CHECKING:
    import napari

SIGNS = dict(zip(CASE_STATUSES, "○◐✓⚑", strict=True))
"""Status by sign and text, never by colour alone."""
_TITLES = ("Case", "Status", "Decided", "Time", "Others", "Why")


class CohortWidget(QWidget):
    """Go through the cases of a derivatives folder, or of the queue that lies in it.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer that cases are opened in.
    """

    def __init__(self, napari_viewer: "napari.viewer.Viewer") -> None:
        super().__init__()
        self._given = napari_viewer
        self.viewer = plain(napari_viewer)
        self._window, _ = window_of(napari_viewer)
        self.root: Path | None = None
        self.queue: Queue | None = None
        self.states: list[CaseState] = []
        self.current = -1
        self.review: ReviewWidget | None = None
        self._build()
        self._update_later = QTimer(self, singleShot=True, interval=200)
        self._update_later.timeout.connect(self._update_current)
        self.show_message(
            "Choose the folder that fsh segment, or Save record in Segment, wrote into."
        )
        if (Path("~/F.sh").expanduser()).is_dir():
            self.folder.setText("~/F.sh")

    def _build(self) -> None:
        self.folder = QLineEdit(
            accessibleName="Folder of the cohort", placeholderText="Folder, then Enter"
        )
        self.folder.returnPressed.connect(self.load)
        browse = QPushButton("…", accessibleName="Choose the folder", toolTip="Choose the folder")
        browse.setMaximumWidth(36)
        browse.clicked.connect(self._choose)
        self.follow_queue = QCheckBox(
            "Follow the queue", checked=True, accessibleName="Follow the queue"
        )
        self.follow_queue.toggled.connect(lambda _: self.load())
        self.follow_queue.hide()
        self.folder.setToolTip("Folder that fsh segment or Save record wrote into")
        self.status_filter = QComboBox(accessibleName="Case status filter")
        self.status_filter.setToolTip("List only the cases with this status")
        self.status_filter.addItems(["any status", *CASE_STATUSES])
        self.status_filter.currentIndexChanged.connect(lambda _: self._filter())
        self.summary = QLabel("", wordWrap=True, accessibleName="Cohort summary")
        self.table = QTableWidget(0, len(_TITLES), accessibleName="Cases")
        self.table.setHorizontalHeaderLabels(_TITLES)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setTabKeyNavigation(False)
        self.table.setMinimumHeight(100)
        self.table.verticalHeader().hide()
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(True)
        self.table.cellActivated.connect(lambda row, _: self.open(row))
        self.message = QLabel("", wordWrap=True, accessibleName="Message")
        buttons = in_a_row(
            push_button(
                "Open", lambda: self.open(self.table.currentRow()), "Open the selected case (Enter)"
            ),
            push_button(
                "Next case", self.open_next, "The next case that is not completed (Shift+C)"
            ),
            push_button("Refresh", self.load, "Read the folder again"),
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.setSpacing(4)
        for widget in (
            in_a_row(self.folder, browse),
            self.follow_queue,
            self.status_filter,
            self.summary,
        ):
            layout.addWidget(widget)
        layout.addWidget(self.table, stretch=1)
        layout.addWidget(buttons)
        layout.addWidget(self.message)
        self.setMinimumWidth(300)

    def sizeHint(self) -> QSize:
        """Ask for room for every column."""
        return QSize(420, 500)

    # ---- the folder

    def _choose(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "Folder of the cohort", self.folder.text())
        if path:
            self.folder.setText(path)
            self.load()

    def load(self) -> None:
        """List the cases of the folder; what goes wrong is said in one sentence."""
        if not self.folder.text().strip():
            return
        root = Path(self.folder.text().strip()).expanduser()
        try:
            self.queue = load_queue(root)
            followed = self.queue if self.follow_queue.isChecked() else None
            self.states = list_cases(root, preferences().reader_name, followed)
        except InputError as error:
            self.show_message(f"⚠ {error}")
            return
        self.root, self.current = root, -1
        self.follow_queue.setVisible(self.queue is not None)
        if self.queue is not None:
            self.follow_queue.setText(f"Follow the queue “{unkeyed(self.queue.name)}”")
            self.follow_queue.setToolTip(tip_of(self.queue.rule))
        self.table.setRowCount(len(self.states))
        for row in range(len(self.states)):
            self._show_row(row)
        self._show_summary()
        self._filter()
        self.show_message(
            "Enter opens a case."
            if self.states
            else "No case is here; segment one into this folder first."
        )
        if self.states:
            self.table.selectRow(max(self._next_row(), 0))
            self.table.setFocus()

    def _show_row(self, row: int) -> None:
        state = self.states[row]
        others = ", ".join(f"{SIGNS[status]} {name}" for name, status in state.others.items())
        hidden = preferences().blinded and not state.is_final
        texts = (
            state.case,
            "⚠ cannot be used" if state.problem else f"{SIGNS[state.status]} {state.status}",
            f"{state.decided} of {state.lesions}",
            _minutes(state.reading_time_s),
            "hidden" if others and hidden else others,
            state.problem or state.reason,
        )
        for column, text in enumerate(texts):
            item = QTableWidgetItem(visible(text))
            item.setToolTip(tip_of(text))
            self.table.setItem(row, column, item)
        self.table.setColumnHidden(3, not any(one.reading_time_s for one in self.states))
        self.table.setColumnHidden(4, not any(one.others for one in self.states))
        self.table.setColumnHidden(5, not any(one.reason or one.problem for one in self.states))

    def _show_summary(self) -> None:
        said = [state.status for state in self.states if not state.problem]
        parts = [f"{said.count(status)} {status}" for status in CASE_STATUSES if status in said]
        broken = len(self.states) - len(said)
        self.summary.setText(
            ", ".join(parts + ([f"{broken} cannot be used"] if broken else [])) or "no case"
        )

    def _filter(self) -> None:
        wanted = self.status_filter.currentText() if self.status_filter.currentIndex() > 0 else ""
        for row, state in enumerate(self.states):
            self.table.setRowHidden(row, bool(wanted) and state.status != wanted)

    # ---- opening

    def open(self, row: int) -> None:
        """Review a case; where the queue names lesions, these."""
        if not 0 <= row < len(self.states):
            self.show_message("⚠ no case is selected; choose one from the list")
            return
        state = self.states[row]
        if state.problem:
            self.show_message(f"⚠ {state.problem}")
            return
        try:
            self._review().open(state.record, state.wanted)
        except InputError as error:
            self.show_message(f"⚠ {error}")
            return
        self.current = row
        self.table.selectRow(row)
        self.show_message(
            f"{state.case}, {row + 1} of {len(self.states)}. C completes it and opens the next one."
        )

    def open_next(self) -> None:
        """Review the next case that is not completed, from here on and then from the beginning."""
        row = self._next_row()
        if row >= 0:
            self.open(row)
            return
        self._update_current()
        self.show_message("Every case is completed.")
        if self.review is not None:
            self.review.view.show_message("Every case of the cohort is completed.")

    def _next_row(self) -> int:
        self._update_current()
        order = [*range(self.current + 1, len(self.states)), *range(max(self.current, 0))]
        waiting = (
            row
            for row in order
            if not self.states[row].problem and self.states[row].status != "completed"
        )
        return next(waiting, -1)

    def _review(self) -> ReviewWidget:
        """Find the review in this window, or open it."""
        if self.review is None:
            self.review = next(iter(self._window.findChildren(ReviewWidget)), None)
            if self.review is None:
                self.review = ReviewWidget(self._given)
                # As tabs: one above the other, both would be too low on a laptop.
                dock = self.viewer.window.add_dock_widget(self.review, name="Review", area="right")
                if (own := dock_of(self)) is not None and not own.isFloating():
                    self._window.tabifyDockWidget(own, dock)
            self.review.controller.has_cohort = True
            self.review.next_wanted.connect(self.open_next)
            self.review.kept.connect(self._update_later.start)
            self.review.not_opened.connect(self._on_not_opened)
            self.review.gone.connect(self._forget)
        (dock_of(self.review) or self.review).raise_()
        return self.review

    def _on_not_opened(self, sentence: str) -> None:
        self.show_message(f"⚠ {sentence}")

    def _forget(self) -> None:
        self.review = None

    def _update_current(self) -> None:
        """Show how far the case under review is now."""
        if 0 <= self.current < len(self.states):
            before = self.states[self.current]
            now = case_state(before.record, preferences().reader_name, before.wanted, before.reason)
            self.states[self.current] = now
            self._show_row(self.current)
            self._show_summary()

    def show_message(self, sentence: str) -> None:
        """Tell the reader something."""
        show_sentence(self.message, sentence)


def _minutes(seconds: float) -> str:
    """Say how long a case was read, such as ``3:05 min``; nothing where it was not."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02} min" if seconds else ""
