"""The lesions under review in 3-D, beside the planes: built beside the window, kept up to date."""

import logging
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from fsh_napari.review.surfaces import Surfaces, brain_surface, lesion_surfaces
from fsh_napari.task import LatestTask
from fsh_napari.views.planes import PlanesWidget
from fsh_napari.views.surfaces_view import SurfacesView

if TYPE_CHECKING:
    from fsh_napari.review.case import OpenCase

_log = logging.getLogger(__name__)
_Built = tuple[object, Surfaces | None, Surfaces | None]


class LesionsIn3D(QObject):
    """A view of the lesions in 3-D, there while it is wanted.

    Signals
    -------
    told : str
        Something for the reader.
    chosen : int
        A lesion that was clicked.
    """

    told = Signal(str)
    chosen = Signal(int)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.view: SurfacesView | None = None
        self._case: OpenCase | None = None
        self._built: tuple[tuple[int, int], ...] | None = None  # lesions and their voxels
        self._selected, self._is_new = 0, True
        self._task = LatestTask(self)
        self._task.finished.connect(self._on_built)
        self._task.failed.connect(self.told)

    def toggle(self, case: "OpenCase", planes: PlanesWidget, selected: int) -> None:
        """Open the view in a column with the small planes, or close it."""
        if self.view is not None:
            self.close_view()
            self.told.emit("")
            return
        try:
            self.view = SurfacesView(planes.viewer.theme)
        except Exception as error:  # whatever OpenGL and its drivers raise
            _log.exception("no view in 3-D")
            self.told.emit(f"⚠ 3-D cannot be drawn on this machine ({error}); the planes go on.")
            return
        self._case = case
        self.view.chosen.connect(self.chosen)
        planes.stand_below(self.view)
        planes.gone.connect(self.close_view)
        self.told.emit("The lesions in 3-D: a click goes to one, V closes them.")
        self._is_new = True
        self.follow(selected)

    def follow(self, selected: int) -> None:
        """Show the lesions as they are now, in the colours of the planes; one is selected."""
        case, view = self._case, self.view
        if case is None or view is None:
            return
        labels = case.review.lesions
        now = tuple((label, case.review.voxels(label)) for label in labels)
        self._selected = selected
        if now == self._built:
            view.colour(self._colours(case))
            view.select(selected)
            return
        wants_brain, self._built = self._built is None, now
        pieces = {label: case.cut_out(label) for label in labels}
        brain, grid = case.maps[1], case.grid

        def build() -> _Built:
            whole = brain_surface(brain, grid) if wants_brain else None
            return case, whole, lesion_surfaces(pieces, grid)

        self._task.ask(build)

    def close_view(self) -> None:
        """Take the view away."""
        if self.view is not None:
            self.view.close_view()
        self.view, self._case, self._built = None, None, None

    def _on_built(self, built: _Built) -> None:
        case, brain, lesions = built
        if self.view is None or self._case is None or case is not self._case:
            return
        if brain is not None:
            self.view.show_brain(brain)
        self.view.show_lesions(lesions, self._colours(self._case, lesions))
        self.view.select(self._selected)
        if self._is_new:
            self._is_new = False
            self.view.look_from_the_front()

    def _colours(
        self, case: "OpenCase", lesions: Surfaces | None = None
    ) -> dict[int, NDArray[np.float32]]:
        """Return the colour that each lesion has in the planes; the selected one is white."""
        known = {label for label, _ in self._built or ()}
        if lesions is not None:
            known |= {int(label) for label in set(lesions.labels.tolist())}
        return {label: np.asarray(case.layer.get_color(label), dtype=np.float32) for label in known}
