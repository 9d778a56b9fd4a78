"""The widget that goes through the lesions: decide, correct, keep; every event is on the disk at once."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, QSize, Qt, QTimer, Signal
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QFileDialog, QShortcut, QWidget

from fsh_core.derivatives import read_segmentation
from fsh_core.errors import InputError
from fsh_core.file_names import RECORD_ENDING
from fsh_core.review import ReviewEvent, open_review, other_readers, save_review
from fsh_napari.preferences import preferences
from fsh_napari.review.case import OpenCase
from fsh_napari.review.deciding import DecidingPanel
from fsh_napari.review.keys import KEYS, HelpOverlay
from fsh_napari.views.planes import PlanesWidget
from fsh_napari.views.window import dock_of, plain, shrink_to, undrawn, window_of

if TYPE_CHECKING:
    import napari


class ReviewWidget(DecidingPanel):
    """Go through the lesions of a record.

    ``kept`` says that something was decided or changed, ``next_wanted`` that the reader
    wants the next case, ``gone`` that the widget's dock was taken away.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer. A record that is open in it is reviewed at once.
    """

    kept = Signal()
    next_wanted = Signal()
    gone = Signal()

    def __init__(self, napari_viewer: "napari.viewer.Viewer") -> None:
        super().__init__(plain(napari_viewer))
        self._window, view = window_of(napari_viewer)
        self._canvas: QWidget = view.canvas.native
        self.has_cohort = False
        self.lay_out({"Open record…": self._choose, "Save": self.save, "Keys (F1)": self.show_keys})
        self.table.opened.connect(self.go_to)
        self.table.chosen.connect(self._on_chosen)
        self.note.editingFinished.connect(self._on_note)
        self.case_status.textActivated.connect(self._on_case_status)
        self.visit_closed.connect(self._share_the_room)
        self.help = HelpOverlay(self._window)
        self._score_later = QTimer(self, singleShot=True, interval=300)
        self._score_later.timeout.connect(self._score)
        self._shortcuts = [
            self._shortcut(key, getattr(self, method)) for key, (method, _) in KEYS.items()
        ]
        self.viewer.layers.events.inserted.connect(self._on_layer)
        self._open_found()

    def _shortcut(self, key: str, action: Callable[[], Any]) -> QShortcut:
        shortcut = QShortcut(QKeySequence(key), self)
        shortcut.activated.connect(lambda: self.attempt(action))
        return shortcut

    def attempt(self, action: Callable[[], Any]) -> None:
        """Keep what was painted, then do something; what goes wrong is said in one sentence."""

        def keep_and_do() -> None:
            if self.case is not None:
                self.case.keep_stroke()
            action()

        super().attempt(keep_and_do)

    # ---- opening

    def _on_layer(self, event: Any) -> None:
        if event.value.metadata.get("role") == "lesions" and self.case is None:
            QTimer.singleShot(0, self._open_found)

    def _open_found(self) -> None:
        if self.case is not None:
            return
        found = [
            layer.metadata["fsh_record"]
            for layer in self.viewer.layers
            if layer.metadata.get("fsh_record")
        ]
        if found:
            self.attempt(lambda: self.open(Path(found[-1])))
        else:
            self.show_message("Open a record (or its folder), or press Save record in Segment.")

    def _choose(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self, "Open a record", "", f"F.sh records (*{RECORD_ENDING})"
        )
        if path:
            self.open(Path(path))

    def open(self, record: Path, wanted: tuple[int, ...] = ()) -> None:
        """Review a record, from where this reader stopped.

        Parameters
        ----------
        record : Path
            The record.
        wanted : tuple of int
            Lesions that a queue names, in its order; empty = all.

        Raises
        ------
        InputError
            If the record or the journal cannot be used.
        """
        stored = read_segmentation(record)
        review = open_review(stored, preferences().reader_name)
        with undrawn(self._window):
            self.close_case()
            self.case = case = OpenCase(self.viewer, stored, review, wanted)
        case.painted.connect(self._on_painted)
        case.failed.connect(lambda sentence: self.show_message(f"⚠ {sentence}"))
        self._show_planes()
        case.changed.connect(lambda: self.planes.refresh(case.layer))
        listed = case.listed()
        regions = sorted(set(listed.get("region", [])) - {""})
        flags = sorted({flag for flags in listed["flags"] for flag in flags.split(", ")} - {""})
        self.offer_filters(regions, flags, "queued" in listed)
        self.case_status.setCurrentText(review.case_status)
        self._reveal_if_open()
        self.refresh()
        self.table.least_certain_first()
        last = review.last_label
        start = last if last in self.table.labels else next(iter(self.table.labels), 0)
        again = f", going on at lesion {last}" if last else ""
        self.show_message(f"{review.reader} reviews {case.name}{again}. F1 shows the keys.")
        if start:
            self.go_to(start, note=False)
        self.table.setFocus()

    def _show_planes(self) -> None:
        if self.planes is not None:
            return
        self.planes = next(iter(self._window.findChildren(PlanesWidget)), None)
        if self.planes is None:
            size = self._window.size()
            self.planes = PlanesWidget(self.viewer)
            self.viewer.window.add_dock_widget(self.planes, name="Three planes", area="right")
            QTimer.singleShot(0, lambda: self._stand_side_by_side(size))
        self.planes.clicked.connect(self._on_click)
        self.planes.gone.connect(self._forget_planes)

    def _forget_planes(self) -> None:
        self.planes = None
        self.show_message("The three planes are closed; going to a lesion opens them again.")

    def go_to(self, label: int, note: bool = True) -> None:
        """Select a lesion and put the crosshair on a voxel inside it."""
        self._show_planes()
        super().go_to(label, note)

    def _stand_side_by_side(self, size: QSize) -> None:
        """Planes left of the list: one above the other, both would be too low on a laptop."""
        planes, own = dock_of(self.planes), dock_of(self)
        if planes is not None and own is not None and not own.isFloating():
            tabs = self._window.tabifiedDockWidgets(own)
            self._window.splitDockWidget(planes, own, Qt.Orientation.Horizontal)
            for tab in tabs:
                self._window.tabifyDockWidget(own, tab)
            own.raise_()
            self._share_the_room()
            shrink_to(self._window, size)

    def _share_the_room(self) -> None:
        """Leave most of the width to the large plane."""
        docks = [dock for dock in (dock_of(self.planes), dock_of(self)) if dock is not None]
        self._window.resizeDocks(docks, [300, 340][-len(docks) :], Qt.Orientation.Horizontal)

    def _on_case_status(self, status: str) -> None:
        self.attempt(lambda: self.opened().review.set_case_status(status))
        if self.case is not None:
            self.refresh()

    def complete(self) -> None:
        """Complete the case: write the corrected lesions, and go on with the cohort."""
        case = self.opened()
        case.review.set_case_status("completed")
        self.case_status.setCurrentText("completed")
        self.refresh()
        self.save()
        if self.has_cohort:
            self.next_wanted.emit()
        elif other_readers(case.stored, case.review.reader):
            self.reveal()

    def next_case(self) -> None:
        """Go on with the cohort, leaving this case as it is."""
        if not self.has_cohort:
            raise InputError("no cohort is open; open its folder in Plugins > F.sh > Cohort")
        self.next_wanted.emit()

    def _on_click(self, point: tuple[float, ...], shift: bool) -> None:
        if self.case is not None:
            self.attempt(lambda: self.clicked(point, shift))

    def _on_painted(self, event: ReviewEvent) -> None:
        self.refresh()
        self.show_message(f"Painted lesion {event.label}; Ctrl+Z takes the stroke back.")

    # ---- keeping

    def changeEvent(self, event: QEvent) -> None:
        """Let go of the case when napari takes the dock away, as its button does."""
        super().changeEvent(event)
        if event.type() != QEvent.Type.ParentChange or self.parent() is not None:
            return
        if self.case is not None:
            self.case.detach()
            self.case = None
        self.help.hide()
        self.gone.emit()

    def save(self) -> None:
        """Write the corrected lesions beside the original."""
        case = self.opened()
        paths = save_review(case.review, case.stored, case.flair)
        self.show_message(f"Saved beside the original: {paths['mask'].name} and its record.")

    def refresh(self) -> None:
        """Bring list and summary up to date."""
        case = self.opened()
        self.table.show_lesions(case.listed())
        self._on_chosen(self.label)
        review = case.review
        self.title.setText(f"<b>{case.name}</b> · {review.case_status}")
        kept = len(review.lesions) - review.counts()["rejected"]
        self.summary.setText(
            f"{review.decided} of {len(review.lesions)} decided · {kept} lesions, {review.lesion_volume_ml:.2f} ml"
        )
        self._score_later.start()
        self.kept.emit()

    def _score(self) -> None:
        if self.case is not None and (scores := self.case.scores()):
            before = self.summary.text().split(" · Dice")[0]
            self.summary.setText(f"{before} · Dice {scores[0]:.3f}, F1 {scores[1]:.3f}")

    def _on_chosen(self, label: int) -> None:
        if self.case is not None:
            self.note.setText(self.case.review.note(label) if label else "")
            if label:
                self.case.layer.selected_label = label
