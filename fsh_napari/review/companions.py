"""Other contrasts and earlier visits in the place of the FLAIR: same planes, point and zoom."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from napari.layers import Image, Layer
from qtpy.QtCore import QObject, Signal

from fsh_core.derivatives import StoredSegmentation, find_scan
from fsh_core.errors import InputError
from fsh_core.volume.volume import Volume
from fsh_napari.layers.convert import CONTENT_KEY, image_layer
from fsh_napari.layers.files import LayerData
from fsh_napari.review.layers import layers_of, no_scan
from fsh_napari.task import Task
from fsh_napari.views.window import undrawn

if TYPE_CHECKING:
    import napari

    from fsh_core.follow_up import Companion, Companions
    from fsh_napari.review.case import OpenCase

_ROLE = "companion"
_PLACED = "fsh_placed"  # how a companion came onto the grid of the FLAIR
_LOOKING = "Looking beside the FLAIR for T1w, T2w and earlier visits…"


class CompanionScans(QObject):
    """The scans that a reader flips through at one point.

    They are looked for and read in a thread, the first time that one is wanted; from then on those
    of every case, as soon as it is open. A layer is made when its scan is shown first.

    Signals
    -------
    told : str
        Something for the reader.
    titled : str
        The name of what is shown in the planes now.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    window : QMainWindow
        Its window.
    parent : QObject
        Whose they are.
    """

    told = Signal(str)
    titled = Signal(str)

    def __init__(self, viewer: "napari.viewer.Viewer", window: Any, parent: QObject) -> None:
        super().__init__(parent)
        self.viewer, self._window = viewer, window
        self._are_wanted = False
        self._forget()

    def _forget(self) -> None:
        self._case: OpenCase | None = None
        self._token = object()  # of the case: what a thread found for another one is dropped
        self._is_loading = False
        self._waits = False  # the reader pressed the key, and nothing was there yet
        self._was_searched = False
        self._queue: list[Companion] = []
        self._missing: list[str] = []
        self._scans: list[LayerData] = []  # the companions that are there, in order
        self._place = 0  # of what is shown; 0 = the FLAIR

    def begin(self, case: "OpenCase") -> None:
        """Hear which case is open; its FLAIR is shown."""
        self._case = case
        self._tell_title()
        if self._are_wanted and case.flair is not None:
            self._search(case)

    def end(self) -> None:
        """Show the FLAIR again; the layers go, or stay, with the others of the case."""
        if self._case is None:
            return
        if self._place:
            self._show(0)
        self._forget()
        self.titled.emit("")

    def flip(self, step: int) -> None:
        """Show the scan that is ``step`` places further in the round; the FLAIR is one of them.

        Raises
        ------
        InputError
            If the FLAIR is gone, or there is no companion.
        """
        case = self._case
        if case is None:
            return
        if case.flair is None or self._flair() is None:
            raise no_scan(case.name)
        self._are_wanted = True
        if not self._was_searched:
            self._search(case)
        if self._scans:
            self._show((self._place + step) % (len(self._scans) + 1))
            self._tell_shown()
        elif self._is_loading:
            self._waits = True
            self.told.emit(_LOOKING)
        else:
            raise InputError(self._what_is_missing())

    # ---- finding and reading, in a thread

    def _search(self, case: "OpenCase") -> None:
        self._was_searched = True
        stored = case.stored
        self._ask(lambda: _find(stored))

    def _ask(self, function: Callable[[], Any]) -> None:
        token, self._is_loading = self._token, True

        def answer() -> tuple[object, Any]:
            try:
                return token, function()
            except InputError as error:
                return token, str(error)

        task = Task(answer)
        task.finished.connect(self._on_answer)
        task.failed.connect(self._on_failed)
        task.start()

    def _on_answer(self, answer: tuple[object, Any]) -> None:
        token, found = answer
        if token is not self._token:
            return
        if isinstance(found, str):
            self._missing.append(found)
        elif isinstance(found, tuple):
            self._scans.append(found)
            if self._waits:
                self._waits = False
                self._show(len(self._scans))
                self._tell_shown()
        else:
            self._queue, self._missing = list(found.found), list(found.missing)
        self._go_on()

    def _on_failed(self, sentence: str) -> None:
        """Hear of what nobody foresaw."""
        if self._is_loading:
            self._missing.append(sentence)
            self._go_on()

    def _go_on(self) -> None:
        """Read the next companion; after the last say what there is, and what there is not."""
        case = self._case
        if self._queue and case is not None and case.flair is not None:
            companion, flair, name = self._queue.pop(0), case.flair, case.name
            self._ask(lambda: _read(companion, flair, name))
            return
        self._is_loading = False
        if self._waits:
            self._waits = False
            self.told.emit(f"⚠ {self._what_is_missing()}")
        elif self._place:
            self._tell_shown()

    # ---- showing

    def _flair(self) -> Layer | None:
        """Return the layer of the FLAIR."""
        layers = layers_of(self.viewer, self._case.name) if self._case is not None else []
        return next((layer for layer in layers if "role" not in layer.metadata), None)

    def _show(self, place: int) -> None:
        """Show a scan in the place of another; everything else stays."""
        flair = self._flair()
        wanted = self._layer(place, flair) if place and flair is not None else flair
        for layer in (flair, *self._layers()):
            # napari draws anew for every layer that is set, changed or not.
            if layer is not None and layer.visible != (layer is wanted):
                layer.visible = layer is wanted
        self._place = place
        self._tell_title()

    def _layers(self) -> list[Layer]:
        """List the layers of those companions that were shown."""
        of_case = layers_of(self.viewer, self._case.name) if self._case is not None else []
        return [layer for layer in of_case if layer.metadata.get("role") == _ROLE]

    def _layer(self, place: int, flair: Layer) -> Layer:
        """Return the layer of a companion, right above the FLAIR and below what is drawn on it."""
        data, options, _ = self._scans[place - 1]
        for layer in self._layers():
            if layer.name == options["name"]:
                return layer
        layer = Image(data, **options)
        # A plane that is fitted again must not jump to another box of the head.
        layer.metadata[CONTENT_KEY] = flair.metadata[CONTENT_KEY]
        active = self.viewer.layers.selection.active
        with undrawn(self._window):
            self.viewer.layers.insert(self.viewer.layers.index(flair) + 1, layer)
        self.viewer.layers.selection.active = active
        return layer

    # ---- telling

    def _tell_title(self) -> None:
        case = self._case
        if case is None or case.flair is None:
            self.titled.emit("")
            return
        session = case.stored.record.session
        title = f"FLAIR ses-{session}" if session else "FLAIR"
        if self._place:
            _, options, _ = self._scans[self._place - 1]
            title, placed = options["metadata"][_PLACED]
            if placed != "same grid":
                title = f"{title}, {placed}"
        self.titled.emit(title)

    def _tell_shown(self) -> None:
        names = ["FLAIR", *(options["metadata"][_PLACED][0] for _, options, _ in self._scans)]
        said = f"{names[self._place]}, {self._place + 1} of {len(names)}: {', '.join(names)}."
        if self._is_loading:
            said += " More are being read."
        elif self._missing:
            said += f" ⚠ Not there: {self._what_is_missing()}."
        self.told.emit(said)

    def _what_is_missing(self) -> str:
        return "; ".join(self._missing)


def _find(stored: StoredSegmentation) -> "Companions":
    """Load SimpleITK, which the places of companions want, in the thread and not before."""
    from fsh_core.follow_up import find_companions

    scan = find_scan(stored)
    if scan is None:
        raise no_scan(stored.record.case)
    return find_companions(scan, stored.record.subject, stored.record.session)


def _read(companion: "Companion", flair: Volume, case: str) -> LayerData:
    from fsh_core.follow_up import place_companion

    placed = place_companion(companion, flair)
    data, options, kind = image_layer(
        placed.volume,
        f"{case} {companion.name}",
        source=str(companion.path),
        fsh_case=case,
        role=_ROLE,
        **{_PLACED: (companion.name, placed.placed)},
    )
    return data, {**options, "visible": False}, kind
