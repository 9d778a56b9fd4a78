"""The widget that goes through the lesions: decide, correct, keep; every act is on the disk at once."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, QTimer
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QShortcut,
    QVBoxLayout,
    QWidget,
)

from fsh_core.derivatives import read_segmentation
from fsh_core.errors import InputError
from fsh_core.lesions.table import LESION_COLUMNS
from fsh_core.review import CASE_STATUSES, STATUSES, Act, open_review, save_review
from fsh_napari.case import OpenCase
from fsh_napari.keys import KEYS, HelpOverlay
from fsh_napari.planes import PlanesWidget
from fsh_napari.preferences import preferences
from fsh_napari.table import SIGNS, LesionTable
from fsh_napari.window import dock_of, plain, window_of

if TYPE_CHECKING:
    import napari

_OPACITIES = (0.3, 0.7, 1.0)
_CONFIDENCES = {"": "any confidence", "low": "below 0.6", "medium": "0.6 to 0.8", "high": "above 0.8"}
_log = logging.getLogger(__name__)


class ReviewWidget(QWidget):
    """Go through the lesions of a record.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer. A record that is open in it is reviewed at once.
    """

    def __init__(self, napari_viewer: "napari.viewer.Viewer") -> None:
        super().__init__()
        self.viewer = plain(napari_viewer)
        self._window, view = window_of(napari_viewer)
        self._canvas: QWidget = view.canvas.native
        self.case: OpenCase | None = None
        self.planes: PlanesWidget | None = None
        self._mode = ""
        self._seeds: list[tuple[int, int, int]] = []
        self._build()
        self.help = HelpOverlay(self._window)
        self._score_later = QTimer(self, singleShot=True, interval=300)
        self._score_later.timeout.connect(self._score)
        self._shortcuts = [self._shortcut(key, getattr(self, method)) for key, (method, _) in KEYS.items()]
        self.viewer.layers.events.inserted.connect(self._on_layer)
        self._open_found()

    # ---- building

    def _build(self) -> None:
        self.title = QLabel("", accessibleName="Case", wordWrap=True)
        self.summary = QLabel("", accessibleName="Summary", wordWrap=True)
        self.status_filter = self._filter("Status filter", ["any status", *STATUSES], "status")
        self.region_filter = self._filter("Region filter", ["any region"], "region")
        self.confidence_filter = self._filter("Confidence filter", list(_CONFIDENCES.values()), "confidence")
        self.table = LesionTable(LESION_COLUMNS)
        self.table.setMinimumHeight(150)
        self.table.opened.connect(self.go_to)
        self.table.chosen.connect(self._on_chosen)
        self.note = QLineEdit(accessibleName="Note", placeholderText="Note (K)")
        self.note.editingFinished.connect(self._on_note)
        self.advance = QCheckBox("Go on after a decision", checked=True, accessibleName="Go on after a decision")
        self.case_status = QComboBox(accessibleName="Case status")
        self.case_status.addItems(CASE_STATUSES[1:])
        self.case_status.textActivated.connect(self._on_case_status)
        self.message = QLabel("", wordWrap=True, accessibleName="Message")
        buttons = QGridLayout()
        shown = ("accept", "reject", "unsure", "delete", "split", "join", "add", "undo", "redo")
        for place, method in enumerate(shown):
            key = next(key for key, (name, _) in KEYS.items() if name == method)
            name = method.capitalize() if "+" in key else f"{method.capitalize()} ({key})"
            button = QPushButton(name, toolTip=f"{key}: {KEYS[key][1]}")
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(getattr(self, method))
            buttons.addWidget(button, place // 3, place % 3)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        filters = _row(self.status_filter, self.region_filter, self.confidence_filter)
        opening = _row(
            self._button("Open record…", self._choose),
            self._button("Save", self.save),
            self._button("Keys (F1)", self.show_keys),
        )
        for widget in (self.title, self.summary, filters):
            layout.addWidget(widget)
        layout.addWidget(self.table, stretch=1)
        layout.addWidget(self.note)
        layout.addLayout(buttons)
        layout.addWidget(_row(self.advance, self.case_status))
        layout.addWidget(opening)
        layout.addWidget(self.message)
        self.setMinimumWidth(330)

    def _filter(self, name: str, values: Sequence[str], column: str) -> QComboBox:
        box = QComboBox(accessibleName=name)
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setMinimumContentsLength(8)
        box.addItems(values)
        box.currentIndexChanged.connect(
            lambda index: self.table.filter.want(column, self._wanted(box, column) if index > 0 else "")
        )
        return box

    @staticmethod
    def _wanted(box: QComboBox, column: str) -> str:
        return list(_CONFIDENCES)[box.currentIndex()] if column == "confidence" else box.currentText()

    def _button(self, text: str, action: Callable[[], Any]) -> QPushButton:
        button = QPushButton(text)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(lambda: action())
        return button

    def _shortcut(self, key: str, action: Callable[[], Any]) -> QShortcut:
        shortcut = QShortcut(QKeySequence(key), self)
        shortcut.activated.connect(lambda: self._act(action))
        return shortcut

    # ---- opening

    def _on_layer(self, event: Any) -> None:
        if event.value.metadata.get("role") == "lesions" and self.case is None:
            QTimer.singleShot(0, self._open_found)

    def _open_found(self) -> None:
        if self.case is not None:
            return
        found = [layer.metadata["fsh_record"] for layer in self.viewer.layers if layer.metadata.get("fsh_record")]
        if found:
            self._act(lambda: self.open(Path(found[-1])))
        else:
            self.say("Open a record (or its folder), or press Save record in Segment.")

    def _choose(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open a record", "", "F.sh records (*_seg-lesions_dseg.json)")
        if path:
            self._act(lambda: self.open(Path(path)))

    def open(self, record: Path) -> None:
        """Review a record, from where this reader stopped.

        Raises
        ------
        InputError
            If the record or the journal cannot be used.
        """
        stored = read_segmentation(record)
        review = open_review(stored, preferences().reader_name)
        if self.case is not None:
            self.case.close()
            self.case = None
        self.case = case = OpenCase(self.viewer, stored, review)
        case.painted.connect(self._on_painted)
        case.failed.connect(lambda sentence: self.say(f"⚠ {sentence}"))
        self._show_planes()
        case.changed.connect(lambda: self.planes.refresh(case.layer))
        regions = sorted(set(case.table.get("region", [])))
        self.region_filter.clear()
        self.region_filter.addItems(["any region", *map(str, regions)])
        self.region_filter.setVisible(bool(regions))
        self.case_status.setCurrentText(case.review.case_status)
        self._refresh()
        for column in ("label", "mean_probability"):  # the second keeps the order of the first among equals
            self.table.sortByColumn(self.table.column(column), Qt.SortOrder.AscendingOrder)
        last = case.review.last_label
        start = last if last in self.table.labels else next(iter(self.table.labels), 0)
        again = f", going on at lesion {last}" if last else ""
        self.say(f"{case.review.reader} reviews {case.name}{again}. F1 shows the keys.")
        if start:
            self.go_to(start, note=False)
        self.table.setFocus()

    def _show_planes(self) -> None:
        if self.planes is not None:
            return
        self.planes = next(iter(self._window.findChildren(PlanesWidget)), None)
        if self.planes is None:
            self.planes = PlanesWidget(self.viewer)
            self.viewer.window.add_dock_widget(self.planes, name="Three planes", area="right")
            QTimer.singleShot(0, self._stand_side_by_side)
        self.planes.clicked.connect(self._on_click)

    def _stand_side_by_side(self) -> None:
        """Planes left of the list: one above the other, both would be too low on a laptop."""
        planes, own = dock_of(self.planes), dock_of(self)
        if planes is not None and own is not None and not own.isFloating():
            self._window.splitDockWidget(planes, own, Qt.Orientation.Horizontal)
            self._window.resizeDocks([planes, own], [300, 340], Qt.Orientation.Horizontal)

    # ---- going

    @property
    def label(self) -> int:
        """The lesion that is selected; 0 = none."""
        return self.table.current_label

    def go_to(self, label: int, note: bool = True) -> None:
        """Select a lesion and put the crosshair on a voxel inside it."""
        case = self._case()
        self.table.select(label)
        self.planes.go_to(case.inside(label))
        if note:
            case.review.visit(label)

    def next(self) -> None:
        """Go to the next lesion of the list."""
        self._step(1)

    def previous(self) -> None:
        """Go to the one before."""
        self._step(-1)

    def _step(self, by: int) -> None:
        labels = self.table.labels
        if not labels:
            raise InputError("no lesion is shown; change the filter")
        here = labels.index(self.label) + by if self.label in labels else 0
        if not 0 <= here < len(labels):
            self.say("That was the last lesion of the list." if by > 0 else "That was the first lesion of the list.")
            return
        self.go_to(labels[here])

    # ---- deciding

    def accept(self) -> None:
        """Accept the lesion."""
        self._decide("accepted")

    def reject(self) -> None:
        """Reject the lesion; it stays visible, and does not count."""
        self._decide("rejected")

    def unsure(self) -> None:
        """Leave the decision open."""
        self._decide("unsure")

    def _decide(self, status: str) -> None:
        label = self._chosen()
        labels = self.table.labels  # before a filter hides what was decided
        following = labels[labels.index(label) + 1 :]
        self._case().review.set_status(label, status)
        self._refresh()
        self.say(f"Lesion {label}: {SIGNS[status]} {status}.")
        if self.advance.isChecked() and following:
            self.go_to(following[0])
        else:
            self.table.select(label)

    def note_lesion(self) -> None:
        """Write a note about the lesion."""
        self._chosen()
        self.note.setFocus()
        self.note.selectAll()

    def _on_note(self) -> None:
        if self.case is not None and self.label:
            self._act(lambda: self.case.review.set_note(self.label, self.note.text()))
            self._refresh()
            if self.note.hasFocus():
                self.table.setFocus()

    def _on_case_status(self, status: str) -> None:
        self._act(lambda: self._case().review.set_case_status(status))
        self._refresh()

    # ---- correcting

    def delete(self) -> None:
        """Remove the lesion's voxels."""
        label, labels = self._chosen(), self.table.labels
        after = labels[labels.index(label) + 1 :] or labels[: labels.index(label)][::-1]
        self._show(self._case().review.delete(label))
        self.say(f"Lesion {label} is deleted; Ctrl+Z brings it back.")
        if after:
            self.go_to(after[0])

    def split(self) -> None:
        """Split the lesion, at the points set with Shift and click, or by its shape."""
        label, seeds = self._chosen(), self._seeds
        self._seeds = []
        self._show(self._case().review.split(label, seeds))
        self.table.select(label)
        self.say(f"Lesion {label} is split.")

    def join(self) -> None:
        """Join the lesion with the one that is clicked next."""
        self._mode = "join"
        self.say(f"Click the lesion that joins lesion {self._chosen()}; Esc lets it be.")

    def add(self) -> None:
        """Grow a missed lesion where the next click is."""
        self._case()
        self._mode = "add"
        self.say("Click the missed lesion; Esc lets it be.")

    def cancel(self) -> None:
        """Leave joining, adding and the help."""
        self._mode, self._seeds = "", []
        self.help.hide()
        self.say("")

    def undo(self) -> None:
        """Take the last act back, whatever it was."""
        self._take(self._case().review.undo(), "undone")

    def redo(self) -> None:
        """Do again what was undone."""
        self._take(self._case().review.redo(), "done again")

    def _take(self, act: Act | None, what: str) -> None:
        if act is None:
            self.say("There is nothing to undo." if what == "undone" else "There is nothing to do again.")
            return
        self._show(act)
        if act.label in self.table.labels:
            self.go_to(act.label, note=False)
        self.say(f"{act.kind.capitalize()} of lesion {act.label} is {what}." if act.label else f"{act.kind} is {what}.")

    def _on_click(self, point: tuple[float, ...], shift: bool) -> None:
        if self.case is not None:
            self._act(lambda: self._clicked(point, shift))

    def _clicked(self, point: tuple[float, ...], shift: bool) -> None:
        case, mode = self._case(), self._mode
        voxel = case.grid.from_viewer_mm(point)
        if voxel is None:
            return
        under = int(case.review.labels[voxel])
        if shift:
            self._seeds.append(voxel)
            self.say(f"{len(self._seeds)} points to split at; S splits, Esc forgets them.")
        elif mode == "join":
            self._mode = ""
            self._show(case.review.join(self._chosen(), under))
            self.say(f"Lesion {under} joined lesion {self.label}; Ctrl+Z parts them.")
        elif mode == "add":
            self._mode = ""
            act = case.review.add(case.grown_from(voxel))
            self._show(act)
            self.go_to(act.label)
            self.say(f"Lesion {act.label} is new; paint to correct it.")
        elif under:
            self.table.select(under)

    def _on_painted(self, act: Act) -> None:
        self._refresh()
        self.say(f"Painted lesion {act.label}; Ctrl+Z takes the stroke back.")

    # ---- looking

    def outline(self) -> None:
        """Switch between outline and fill."""
        layer = self._case().layer
        layer.contour = 0 if layer.contour else 1

    def opacity(self) -> None:
        """Go through the opacities."""
        layer = self._case().layer
        later = [value for value in _OPACITIES if value > layer.opacity + 0.01]
        layer.opacity = later[0] if later else _OPACITIES[0]

    def hide_lesions(self) -> None:
        """Hide or show the lesions."""
        layer = self._case().layer
        layer.visible = not layer.visible

    def other_visit(self) -> None:
        """Show the next of the scans that are open."""
        scans = [one for one in self.viewer.layers if one._type_string == "image" and "role" not in one.metadata]
        if len(scans) < 2:
            raise InputError("there is no other visit; open its scan beside this one")
        shown = next((index for index, scan in enumerate(scans) if scan.visible), 0)
        for index, scan in enumerate(scans):
            scan.visible = index == (shown + 1) % len(scans)
        self.say(f"Showing {scans[(shown + 1) % len(scans)].name}.")

    def show_keys(self) -> None:
        """Show or hide the help."""
        self.help.toggle()

    # ---- keeping

    def save(self) -> None:
        """Write the corrected lesions beside the original."""
        case = self._case()
        paths = save_review(case.review, case.stored, case.flair)
        self.say(f"Saved beside the original: {paths['mask'].name} and its record.")

    # ---- showing

    def _case(self) -> OpenCase:
        if self.case is None:
            raise InputError("no record is open; open one first")
        return self.case

    def _chosen(self) -> int:
        self._case()
        if not self.label:
            raise InputError("no lesion is selected; choose one from the list")
        return self.label

    def _show(self, act: Act) -> None:
        self._case().show(act)
        self._refresh()

    def _refresh(self) -> None:
        case = self._case()
        self.table.show_lesions(case.listed())
        self._on_chosen(self.label)
        review = case.review
        counts = review.counts()
        decided = sum(count for status, count in counts.items() if status != "unreviewed")
        self.title.setText(f"<b>{case.name}</b> · {review.case_status}")
        kept = len(review.lesions) - counts["rejected"]
        self.summary.setText(
            f"{decided} of {len(review.lesions)} decided · {kept} lesions, {review.lesion_volume_ml:.2f} ml"
        )
        self._score_later.start()

    def _score(self) -> None:
        if self.case is not None and (scores := self.case.scores()):
            before = self.summary.text().split(" · Dice")[0]
            self.summary.setText(f"{before} · Dice {scores[0]:.3f}, F1 {scores[1]:.3f}")

    def _on_chosen(self, label: int) -> None:
        if self.case is not None:
            self.note.setText(self.case.review.note(label) if label else "")
            if label:
                self.case.layer.selected_label = label

    def _act(self, action: Callable[[], Any]) -> None:
        """Do something; what goes wrong is said in one sentence."""
        try:
            if self.case is not None:
                self.case.keep_stroke()
            action()
        except InputError as error:
            self.say(f"⚠ {error}")
            _log.warning("%s", error)

    def say(self, sentence: str) -> None:
        """Tell the reader something."""
        self.message.setText(sentence)


def _row(*widgets: QWidget) -> QWidget:
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        layout.addWidget(widget)
    return row
