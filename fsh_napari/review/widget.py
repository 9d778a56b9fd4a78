"""The Review widget: it joins controller, view and stage with napari."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, QTimer, Signal
from qtpy.QtWidgets import QFileDialog, QVBoxLayout, QWidget

from fsh_core.derivatives import StoredSegmentation, read_segmentation
from fsh_core.errors import InputError
from fsh_core.file_names import RECORD_ENDING
from fsh_core.review.answer import Answer, Question
from fsh_core.review.brush import suggested_ranges
from fsh_napari.preferences import preferences
from fsh_napari.review.case import OpenCase
from fsh_napari.review.controller import ReviewController
from fsh_napari.review.keys import Key
from fsh_napari.review.layers import CaseLayers, no_scan, shown_of_case
from fsh_napari.review.loading import LoadedCase
from fsh_napari.review.nninteractive import server_address
from fsh_napari.review.opening import CaseLoader
from fsh_napari.review.panel import offer_server
from fsh_napari.review.saving import ReviewSaver
from fsh_napari.review.server_clicks import ServerClicks
from fsh_napari.review.shortcuts import Shortcuts
from fsh_napari.review.stage import ReviewStage
from fsh_napari.review.view import ReviewView
from fsh_napari.task import Turns
from fsh_napari.views.window import plain, window_of

if TYPE_CHECKING:
    import napari

_SCORE_AFTER_MS = 300
_log = logging.getLogger(__name__)


class ReviewWidget(QWidget):
    """Go through the lesions of a record.

    A key or a button calls a command of the `controller`, which changes the review and asks
    the `view` and the `stage` to show it. ``kept`` says that something was decided or changed,
    ``next_wanted`` that the reader wants the next case, ``not_opened`` why there is no case,
    ``gone`` that the widget's dock was taken away.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer. A record that is open in it is reviewed at once.
    """

    kept = Signal()
    next_wanted = Signal()
    not_opened = Signal(str)
    gone = Signal()

    def __init__(self, napari_viewer: "napari.viewer.Viewer") -> None:
        super().__init__()
        self.viewer = plain(napari_viewer)
        self._window, view = window_of(napari_viewer)
        self._canvas: QWidget = view.canvas.native
        self.case: OpenCase | None = None
        self.view = ReviewView()
        self.stage = ReviewStage(self.viewer, self._window, self, self._opened)
        self._saver = ReviewSaver(self)
        self.server = ServerClicks(self)
        self.controller = ReviewController(
            self.view, self.stage, self._saver, lambda: preferences().blinded, self.server
        )
        self._layers = CaseLayers(self.viewer, self._window)
        self._loader = CaseLoader(self)
        self._turns = Turns(self)
        self._wanted: tuple[int, ...] = ()
        self._name = ""  # of the case whose layers are shown, wholly or in part
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.view)
        self._score_later = QTimer(self, singleShot=True, interval=_SCORE_AFTER_MS)
        self._score_later.timeout.connect(self._score)
        self._colour_later = QTimer(self, singleShot=True, interval=0)
        self._colour_later.timeout.connect(self._colour)
        self._connect()
        self._shortcuts = Shortcuts(self, self.view.table, self._run)
        self.viewer.layers.events.inserted.connect(self._on_layer)
        self.viewer.layers.events.removed.connect(self._on_layer_removed)
        self.stage.stand_among_tabs()
        self._open_found()

    def _connect(self) -> None:
        view, stage = self.view, self.stage
        view.wanted.connect(self._run)
        view.open_wanted.connect(lambda: self.attempt(self._choose))
        view.save_wanted.connect(lambda: self.attempt(self.controller.save))
        view.keys_wanted.connect(lambda: self.attempt(self.controller.look.show_keys))
        view.lesion_opened.connect(self.controller.go_to)
        view.lesion_selected.connect(self._on_selected)
        view.note_written.connect(self._on_note)
        view.brush.changed.connect(self._set_brush)
        view.case_status_wanted.connect(self._on_case_status)
        stage.clicked.connect(self._on_click)
        stage.scribbled.connect(self._on_scribble)
        stage.told.connect(view.show_message)
        stage.lesion_wanted.connect(lambda label: self.attempt(lambda: self._go_to_seen(label)))
        stage.next_case_wanted.connect(self.next_wanted)
        stage.kept.connect(self._score_later.start)
        stage.kept.connect(self._colour_later.start)
        stage.kept.connect(self.kept)
        self._saver.saved.connect(self._on_saved)
        self._saver.failed.connect(self._on_failed)
        view.server.toggled.connect(self._on_server_wanted)
        self.server.answered.connect(self._on_answer)
        self.server.failed.connect(self._on_no_answer)
        self._loader.loaded.connect(self._on_loaded)
        self._loader.failed.connect(self._on_not_loaded)
        self._turns.failed.connect(self._on_not_loaded)

    def _on_server_wanted(self, wanted: bool) -> None:
        self.server.want(wanted)
        if wanted:  # what leaves the machine is said before it does
            self.view.show_message(
                f"⚠ The next + or - sends the whole scan to {self.server.address}, "
                "which answers from now on; untick the box to send nothing."
            )
        else:
            self.view.show_message("F.sh itself answers + and -; no scan is sent.")

    def _run(self, key: Key) -> None:
        self.attempt(lambda: key.command(self.controller))

    def attempt(self, action: Callable[[], Any]) -> None:
        """Keep what was painted, then do something; what goes wrong is said in one sentence."""
        try:
            if self.case is not None:
                self.case.keep_stroke()
            action()
        except InputError as error:
            self.view.show_message(f"⚠ {error}")
            _log.warning("%s", error)

    # ---- opening and closing

    def _on_layer(self, event: Any) -> None:
        if event.value.metadata.get("role") == "lesions" and self.case is None:
            QTimer.singleShot(0, self._open_found)

    def _on_layer_removed(self, event: Any) -> None:
        """Close the review of lesions that nobody sees any more."""
        if self.case is not None and event.value is self.case.layer:
            name = self.case.name
            self.case.detach()
            self._forget_case()
            self.view.show_message(
                f"⚠ The lesions of {name} were taken out of the viewer, so the review is closed; "
                "what was decided is kept. Open the record again to go on."
            )

    def _open_found(self) -> None:
        """Review the record whose layers are open, if there is one."""
        if self.case is not None or self.is_busy:
            return
        records = [layer.metadata.get("fsh_record") for layer in self.viewer.layers]
        found = [record for record in records if record]
        if found:
            self.attempt(lambda: self.open(Path(found[-1])))
        else:
            self.view.show_message(
                "Open a record (or its folder), or press Save record in Segment."
            )

    def _choose(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self, "Open a record", "", f"F.sh records (*{RECORD_ENDING})"
        )
        if path:
            self.open(Path(path))

    def open(self, record: Path, wanted: tuple[int, ...] = ()) -> None:
        """Review a record, from where this reader stopped; it is loaded beside the window.

        Parameters
        ----------
        record : Path
            The record.
        wanted : tuple of int
            Lesions that a queue names, in its order; empty = all.

        Raises
        ------
        InputError
            If the record cannot be used. What goes wrong later, `not_opened` says.
        """
        stored = read_segmentation(record)
        self._loader.leave()
        self._turns.take(self._load(stored, wanted))

    def _load(self, stored: StoredSegmentation, wanted: tuple[int, ...]) -> Iterator[None]:
        """Close what is open, then load a case."""
        self._wanted = wanted
        self.view.show_loading(stored.record.case)
        yield from self._close()
        self.controller.loads(stored.record.case)
        self._loader.load(stored, preferences().reader_name, shown_of_case(self.viewer, stored))

    def _on_loaded(self, loaded: LoadedCase) -> None:
        self._turns.take(self._show(loaded))

    def _show(self, loaded: LoadedCase) -> Iterator[None]:
        """Show a case, one step in each turn of the event loop."""
        self._name = loaded.stored.record.case
        yield from self._layers.show(loaded.layers)
        planes = self.stage.wanted_planes()
        yield
        self.case = case = OpenCase(self.viewer, loaded, self._wanted)
        self._listen(case)
        yield
        case.show_decisions(0)
        yield
        self.stage.layout.enter_if_kept()
        if planes is not None:
            planes.show_planes()
        yield
        self.view.offer_filters(case.listed())
        self.controller.begin(case)
        self.stage.begin(case)
        yield
        self.view.brush.offer(suggested_ranges(case.surroundings))
        self._set_brush()
        self.server.address = server_address(preferences().nninteractive_server)
        offer_server(self.view.server, self.server.address)
        yield
        self.view.table.least_certain_first()
        self._go_to_start(case.review.last_label)
        self.view.table.setFocus()

    def _on_not_loaded(self, sentence: str) -> None:
        self.close_case()
        self.view.show_message(f"⚠ {sentence}")
        self.not_opened.emit(sentence)

    @property
    def is_busy(self) -> bool:
        """Whether a case is being opened."""
        return self._loader.is_busy or not self._turns.are_over

    def _listen(self, case: OpenCase) -> None:
        # Never a lambda that names the case: a connection would keep it alive for ever.
        case.painted.connect(self.controller.painted)
        case.failed.connect(self._on_failed)
        case.changed.connect(self.stage.redraw)

    def _go_to_start(self, last: int) -> None:
        """Begin where the reader stopped, else at the top of the list."""
        labels, case = self.view.labels, self._opened()
        again = f", going on at lesion {last}" if last else ""
        notices = [f"{case.review.reader} reviews {case.name}{again}. F1 shows the keys."]
        if case.review.is_read_only:
            notices.append(f"⚠ {case.review.why_read_only}.")
        if case.flair is None:
            notices.append(f"⚠ {no_scan(case.name)}.")
        if case.early_stroke is not None:
            notices.append("What was painted before is kept as one stroke; Ctrl+Z takes it back.")
        self.view.show_message(" ".join(notices))
        start = last if last in labels else next(iter(labels), 0)
        if start:
            self.controller.go_to(start, note=False)

    def close_case(self) -> None:
        """Keep what was painted and take the case away."""
        self._loader.leave()
        self._turns.stop()
        for _ in self._close():
            pass
        self._layers.discard()

    def _close(self) -> Iterator[None]:
        """Keep what was painted; the layers wait for the next case."""
        self.stage.close_visit()
        if self.case is not None:
            self.case.detach()
            self._forget_case()
        if self._name:
            yield from self._layers.close(self._name)
            self._name = ""

    def _forget_case(self) -> None:
        self.stage.end()
        self.server.leave()
        self.controller.end()
        self.case = None
        if not self.is_busy:
            self.view.show_nothing()

    def changeEvent(self, event: QEvent) -> None:
        """Detach from case and viewer when napari takes the dock away, as its button does."""
        super().changeEvent(event)
        if event.type() != QEvent.Type.ParentChange or self.parent() is not None:
            return
        self.viewer.layers.events.inserted.disconnect(self._on_layer)
        self.viewer.layers.events.removed.disconnect(self._on_layer_removed)
        self._loader.leave()
        self._turns.stop()
        if self.case is not None:
            self.case.detach()
        self._forget_case()
        self._layers.discard()
        self.stage.hide_keys()
        self.stage.layout.leave()
        self.gone.emit()

    def _opened(self) -> OpenCase:
        if self.case is None:
            raise InputError("no record is open; open one first")
        return self.case

    # ---- what the window tells

    def _on_click(self, point: tuple[float, ...], with_shift: bool) -> None:
        if self.case is not None:
            self.attempt(lambda: self.controller.clicked(point, with_shift))

    def _on_scribble(self, path: list[tuple[float, ...]]) -> None:
        if self.case is not None:
            self.attempt(lambda: self.controller.scribbled(path))

    def _on_answer(self, answer: Answer) -> None:
        if self.case is not None:
            self.attempt(lambda: self.controller.answered(answer))

    def _on_no_answer(self, question: Question, why: str) -> None:
        if self.case is not None:
            self.attempt(lambda: self.controller.unanswered(question, why))

    def _go_to_seen(self, label: int) -> None:
        """Go to a lesion that was clicked; a filter may have taken it from the list."""
        if self.case is not None and label in self.case.review.lesions:
            self.controller.go_to(label)

    def _on_selected(self, label: int) -> None:
        if self.case is not None:
            self.view.show_note(self.case.review.note(label))
            if label:
                self.case.layer.selected_label = label
            self._colour_later.start()

    def _colour(self) -> None:
        if self.case is not None:
            self.case.show_decisions(self.view.label)
            self.stage.follow(self.view.label)

    def _set_brush(self) -> None:
        if self.case is not None:
            self.case.brush_range = self.view.brush.range
            self.case.layer.n_edit_dimensions = 3 if self.view.brush.in_3d.isChecked() else 2

    def _on_note(self, text: str) -> None:
        self.attempt(lambda: self.controller.set_note(text))
        self.view.leave_note()

    def _on_case_status(self, status: str) -> None:
        self.attempt(lambda: self.controller.set_case_status(status))

    def _on_saved(self, case: str, mask: str) -> None:
        self.controller.saved(case, mask)
        self.kept.emit()

    def _on_failed(self, sentence: str) -> None:
        self.view.show_message(f"⚠ {sentence}")

    def _score(self) -> None:
        scores = self.case.scores() if self.case is not None else None
        if scores is not None:
            self.view.show_scores(*scores)
