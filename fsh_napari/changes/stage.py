"""Where both visits are seen: the earlier in the large view, the later beside it."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from napari.layers import Image, Labels, Layer
from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QDockWidget, QWidget

from fsh_napari.changes.keys import KEYS, MOUSE
from fsh_napari.changes.layers import (
    CHANGES,
    DIFFERENCE,
    LESIONS,
    PART,
    SCAN,
    SWAPPED,
    SWAPPED_LESIONS,
)
from fsh_napari.changes.pair import OpenPair
from fsh_napari.layers.convert import WINDOW_KEY
from fsh_napari.layers.ownership import lock
from fsh_napari.review.help import HelpOverlay
from fsh_napari.review.interfaces import Point
from fsh_napari.views.contrast import set_preset_of_several
from fsh_napari.views.linked_views import LinkedViews
from fsh_napari.views.other_visits import Visit
from fsh_napari.views.overlays import AXIAL, CORONAL, SAGITTAL
from fsh_napari.views.planes_stage import PlanesStage
from fsh_napari.views.visits import VisitWidget
from fsh_napari.views.window import dock_of

if TYPE_CHECKING:
    import napari


class ChangesStage(PlanesStage):
    """The part of the window that shows both visits; nothing here is an event.

    Signals
    -------
    clicked_later : point
        A click in either visit, in viewer mm of the later one.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    window : QWidget
        Its window.
    panel : QWidget
        The widget with the list of changes.
    """

    clicked_later = Signal(object)

    def __init__(self, viewer: "napari.viewer.Viewer", window: Any, panel: QWidget) -> None:
        super().__init__(viewer, window, panel)
        self.visit: VisitWidget | None = None
        self.help = HelpOverlay(window, KEYS, MOUSE)
        self.pair: OpenPair | None = None
        self.is_swapped = False
        self._hidden: list[Layer] = []  # what lay in the viewer before
        self.clicked.connect(self._on_click_earlier)

    # ---- the pair

    def show_pair(self, pair: OpenPair) -> None:
        """Show two visits side by side; what was in the viewer before is hidden meanwhile."""
        self.pair, self.is_swapped = pair, False
        self._hidden = [layer for layer in self.viewer.layers if layer.visible]
        for layer in self._hidden:
            layer.visible = False
        for data, options, kind in pair.earlier_layers:
            add = self.viewer.add_labels if kind == "labels" else self.viewer.add_image
            layer = add(data, **options)
            if isinstance(layer, Labels):
                layer.contour = 1
                lock(layer)
        self.viewer.layers.selection.active = next(self._parts(SCAN))
        self._gather_as_tabs()
        self.show_planes(at_once=True).show_planes()
        self._show_later()
        self._show_title()
        # Once more when the docks have found their places: until then Qt shows another tab.
        QTimer.singleShot(0, self._raise_panel)

    def close_pair(self) -> None:
        """Take both visits away, and bring back what was there before."""
        if self.pair is None:
            return
        self.pair = None
        if self.visit is not None:
            self.visit.close_visit()
            self._forget_visit()
        with self.viewer.layers.batched_update():
            for layer in self._own_layers():
                self.viewer.layers.remove(layer)
        for layer in self._hidden:
            if layer in self.viewer.layers:
                layer.visible = True
        self._hidden = []
        self.show_caption("")

    def go_to(self, point: Point) -> None:
        """Put both crosshairs on a point in viewer mm of the earlier visit."""
        super().go_to(point)
        if self.visit is None:
            self._show_later()

    def show_changes(self) -> None:
        """Draw the changes again, since one was added or taken back."""
        if self.pair is None:
            return
        before, after = self.pair.change_maps()
        for layer in self._parts(CHANGES):
            layer.data = before if layer in self.viewer.layers else after
            lock(layer)  # napari opens a layer with every new array

    def colour(self, selected: int) -> None:
        """Colour the changes by kind and decision; the selected one stands out."""
        if self.pair is not None:
            colours = self.pair.colours(selected)
            for layer in self._parts(CHANGES):
                layer.colormap = colours

    # ---- looking

    def swap_visits(self) -> None:
        """Show the other visit in the large view, at the same place, or the one before again."""
        self.is_swapped = not self.is_swapped
        shown = self._outlines_shown()
        for part, is_other in ((SCAN, False), (SWAPPED, True)):
            self._own(part).visible = is_other == self.is_swapped
        for part, is_other in ((LESIONS, False), (SWAPPED_LESIONS, True)):
            self._own(part).visible = shown and is_other == self.is_swapped
        self._show_title()

    def toggle_difference(self) -> None:
        """Show or hide the difference of the scans."""
        shown = self._own(DIFFERENCE).visible
        for layer in self._parts(DIFFERENCE):
            layer.visible = not shown

    def toggle_outlines(self) -> None:
        """Hide or show all outlines."""
        shown = not self._outlines_shown()
        for layer in self._parts(CHANGES, LESIONS):
            layer.visible = shown
        if self.is_swapped:
            self._own(LESIONS).visible = False
        self._own(SWAPPED_LESIONS).visible = shown and self.is_swapped

    def next_plane(self) -> None:
        """Show both visits in the next plane."""
        planes = self.show_planes()
        large = planes.views[0]
        order = (AXIAL, CORONAL, SAGITTAL)
        large.show_plane(order[(order.index(large.plane) + 1) % len(order)])
        planes.shown.emit()

    def set_window(self, preset: str) -> None:
        """Give both visits a window of `fsh_napari.views.contrast.PRESETS`, that of the earlier."""
        scans = [layer for layer in self._parts(SCAN, SWAPPED) if isinstance(layer, Image)]
        self.told.emit(set_preset_of_several(scans, preset))

    def reset_window(self) -> None:
        """Set window and level of both visits back."""
        for layer in self._parts(SCAN, SWAPPED):
            if isinstance(layer, Image):
                layer.contrast_limits = layer.metadata[WINDOW_KEY]

    def toggle_keys(self) -> None:
        """Show or hide the help."""
        self.help.toggle()

    def hide_keys(self) -> None:
        """Hide the help."""
        self.help.hide()

    # ---- the window

    def _gather_as_tabs(self) -> None:
        """Make the panel a tab of what stands beside it: of two reviews one is seen at a time.

        One above the other, both would be too low on a laptop, and a key would mean two things.
        """
        own = dock_of(self._panel)
        if own is None or own.isFloating():
            return
        area = self._window.dockWidgetArea(own)
        seen = (own, dock_of(self.planes))
        for dock in self._window.findChildren(QDockWidget):
            beside = self._window.dockWidgetArea(dock) == area and not dock.isFloating()
            if beside and dock not in seen and not dock.findChildren(LinkedViews):
                self._window.tabifyDockWidget(dock, own)
        own.raise_()

    # ---- the later visit

    def _show_later(self) -> None:
        pair = self.pair
        if pair is None:
            return
        visit = Visit(f"After: {pair.subject} {pair.pair.later}", lambda: pair.later_layers)
        self.visit = VisitWidget(self.show_planes(), pair, visit, pair.movement)
        self.visit.clicked.connect(self._on_click_later)
        self.visit.told.connect(self.told)
        self.visit.gone.connect(self._forget_visit)
        self.visit.begin()
        self.show_changes()

    def _forget_visit(self) -> None:
        self.visit = None
        QTimer.singleShot(0, self._share_the_room)

    def _on_click_earlier(self, point: Point, with_shift: bool) -> None:
        if self.pair is not None and not with_shift:
            self.clicked_later.emit(self.pair.to_later(point))

    def _on_click_later(self, point: Point, with_shift: bool) -> None:
        if not with_shift:
            self.clicked_later.emit(point)

    # ---- layers

    def _show_title(self) -> None:
        """Say in the large view which visit is seen there."""
        if self.pair is None:
            return
        pair = self.pair.pair
        title = f"After: {pair.later}" if self.is_swapped else f"Before: {pair.earlier}"
        self.show_caption(title)

    def _outlines_shown(self) -> bool:
        return bool(self._own(CHANGES).visible)

    def _own(self, part: str) -> Layer:
        """Return a layer of the large view."""
        return next(layer for layer in self._own_layers() if layer.metadata[PART] == part)

    def _own_layers(self) -> list[Layer]:
        return [layer for layer in self.viewer.layers if PART in layer.metadata]

    def _parts(self, *parts: str) -> Iterator[Layer]:
        """Go through the layers of both visits."""
        layers: Iterable[Layer] = self._own_layers()
        if self.visit is not None:
            layers = [*layers, *self.visit.model.layers]
        return (layer for layer in layers if layer.metadata.get(PART) in parts)
