"""The Changes widget: it joins controller, view and stage with napari."""

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, QTimer, Signal
from qtpy.QtWidgets import QFileDialog, QVBoxLayout, QWidget

from fsh_core.errors import InputError
from fsh_core.follow_up import find_tracks, read_track
from fsh_napari.changes.controller import ChangesController
from fsh_napari.changes.keys import KEYS
from fsh_napari.changes.pair import OpenPair, open_pair
from fsh_napari.changes.stage import ChangesStage
from fsh_napari.changes.view import ChangesView
from fsh_napari.preferences import preferences
from fsh_napari.review.keys import Key
from fsh_napari.review.shortcuts import Shortcuts
from fsh_napari.task import Task
from fsh_napari.views.window import plain, undrawn, window_of

if TYPE_CHECKING:
    import napari

_log = logging.getLogger(__name__)


class ChangesWidget(QWidget):
    """Go through what changed between two visits of a patient that ``fsh track`` followed.

    A key or a button calls a command of the `controller`, which changes the review and asks the
    `view` and the `stage` to show it. ``opened`` says that two visits are shown.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer. If a record of a followed patient is open in it, that patient is offered.
    """

    opened = Signal()

    def __init__(self, napari_viewer: "napari.viewer.Viewer") -> None:
        super().__init__()
        self.viewer = plain(napari_viewer)
        self._window, _ = window_of(napari_viewer)
        self.pair: OpenPair | None = None
        self._task: Task | None = None
        self.view = ChangesView()
        self.stage = ChangesStage(self.viewer, self._window, self)
        self.controller = ChangesController(self.view, self.stage)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.view)
        self._colour_later = QTimer(self, singleShot=True, interval=0)
        self._colour_later.timeout.connect(self._colour)
        self._connect()
        self._shortcuts = Shortcuts(self, self.view.table, self._run, KEYS)
        self.view.show_message("Choose the folder that fsh track wrote into.")
        self._offer_open_record()
        self.stage.stand_among_tabs()

    def _connect(self) -> None:
        view, stage = self.view, self.stage
        view.wanted.connect(self._run)
        view.browse_wanted.connect(lambda: self.attempt(self._browse))
        view.folder_given.connect(lambda text: self.attempt(lambda: self.offer(Path(text))))
        view.pair_chosen.connect(lambda record, at: self.attempt(lambda: self.open(record, at)))
        view.save_wanted.connect(lambda: self.attempt(self.controller.save))
        view.keys_wanted.connect(lambda: self.attempt(self.controller.show_keys))
        view.change_opened.connect(lambda label: self.attempt(lambda: self.controller.go_to(label)))
        view.change_selected.connect(self._on_selected)
        view.note_written.connect(self._on_note)
        stage.clicked_later.connect(self._on_click)
        stage.told.connect(view.show_message)

    def _run(self, key: Key) -> None:
        self.attempt(lambda: key.command(self.controller))

    def attempt(self, action: Callable[[], Any]) -> None:
        """Do something; what goes wrong is said in one sentence."""
        try:
            action()
        except InputError as error:
            self._on_failed(str(error))
        self._colour_later.start()

    # ---- choosing

    def _browse(self) -> None:
        path = QFileDialog.getExistingDirectory(
            self, "Folder of followed patients", self.view.folder.text()
        )
        if path:
            self.offer(Path(path))

    def offer(self, folder: Path) -> None:
        """Offer the followed patients of a folder.

        Raises
        ------
        InputError
            If nobody was followed there.
        """
        folder = folder.expanduser()
        pairs, problems = [], []
        for path in find_tracks(folder):
            try:
                record = read_track(path).record
            except InputError as error:
                problems.append(str(error))
                continue
            pairs += [
                (f"sub-{record.subject}: {pair.earlier} → {pair.later}", path, position)
                for position, pair in enumerate(record.pairs)
            ]
        self.view.folder.setText(str(folder))
        self.view.offer(pairs)
        if problems:
            raise InputError(problems[0])
        if not pairs:
            raise InputError(
                f"{folder}: expected patients that were followed over visits, found none; "
                f"follow them first (fsh track {folder})"
            )
        patients = len({path for _, path, _ in pairs})
        self.view.show_message(
            f"{patients} followed patient{'s' if patients > 1 else ''}: choose visits above."
        )

    def _offer_open_record(self) -> None:
        """Offer the patient whose record is open, if that patient was followed."""
        records = [layer.metadata.get("fsh_record") for layer in self.viewer.layers]
        found = [Path(record) for record in records if record]
        if not found:
            return
        subject = found[-1].name.split("_")[0]
        folder = next((one.parent for one in found[-1].parents if one.name == subject), None)
        if folder is None:
            return
        followed = [path for path in find_tracks(folder) if path.name.split("_")[0] == subject]
        if followed:
            self.attempt(lambda: self.offer(folder))
            self.view.show_message(
                f"{subject} was followed over visits: choose two of them above to see the changes."
            )

    # ---- opening and closing

    def open(self, record: Path, position: int = 0) -> None:
        """Load two visits beside the window, then show them.

        Parameters
        ----------
        record : Path
            The record of the patient's visits.
        position : int
            Which two visits: 0 is the first and the second.
        """
        self.view.show_message(f"Loading both visits of {record.name.split('_')[0]}…")
        task = Task(partial(open_pair, record, position, preferences().reader_name))
        self._task = task  # what was asked for before comes too late
        task.finished.connect(lambda pair: self._on_loaded(task, pair))
        task.failed.connect(self._on_failed)
        task.start()

    def _on_loaded(self, task: Task, pair: OpenPair) -> None:
        if task is not self._task:
            return
        self._task = None
        self.attempt(lambda: self._show(pair))

    def _show(self, pair: OpenPair) -> None:
        with undrawn(self._window):
            self.close_pair()
            self.pair = pair
            self.stage.show_pair(pair)
        position = pair.stored.record.pairs.index(pair.pair)
        self.view.choose(pair.record_path, position)
        self.view.show_whole_list()
        self.controller.begin(pair)
        self.view.show_message(self._notice(pair))
        self.view.table.setFocus()
        self.opened.emit()

    def _notice(self, pair: OpenPair) -> str:
        review = pair.review
        notice = f"{review.reader} reviews what changed. F1 shows the keys, T swaps the visits."
        if review.is_read_only:
            notice += (
                f" ⚠ {review.path.parent} cannot be written: this is to look only, and nothing is "
                "kept."
            )
        if not self.view.labels:
            notice = "Nothing but stable lesions was found. I adds a new lesion that was missed."
        return notice

    def close_pair(self) -> None:
        """Take both visits away; what was decided is on the disk."""
        if self.pair is not None:
            self.controller.end()
            with undrawn(self._window):
                self.stage.close_pair()
            self.pair = None
            self.view.show_nothing()

    def changeEvent(self, event: QEvent) -> None:
        """Leave the viewer as it was when napari takes the dock away, as its button does."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self._task = None
            self.stage.hide_keys()
            self.close_pair()

    # ---- what the window tells

    def _on_click(self, point: tuple[float, ...]) -> None:
        if self.pair is not None:
            self.attempt(lambda: self.controller.clicked(point))

    def _on_selected(self, label: int) -> None:
        if self.pair is not None:
            self.view.show_note(self.pair.review.note(label))
            self._colour_later.start()

    def _colour(self) -> None:
        self.stage.colour(self.view.label)

    def _on_note(self, text: str) -> None:
        self.attempt(lambda: self.controller.set_note(text))
        self.view.leave_note()

    def _on_failed(self, sentence: str) -> None:
        self.view.show_message(f"⚠ {sentence}")
        _log.warning("%s", sentence)
