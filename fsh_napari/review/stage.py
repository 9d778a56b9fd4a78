"""Where the lesions under review are seen: the planes, how lesions look, the other visit."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QWidget

from fsh_core.errors import InputError
from fsh_napari.review.case import OpenCase
from fsh_napari.review.companions import CompanionScans
from fsh_napari.review.diameters import Line, diameters_of
from fsh_napari.review.help import HelpOverlay
from fsh_napari.review.interfaces import Point
from fsh_napari.review.lesions_3d import LesionsIn3D
from fsh_napari.views.contrast import reset_windows, set_preset
from fsh_napari.views.layout import ReadingLayout
from fsh_napari.views.other_visits import other_visits
from fsh_napari.views.planes_stage import PlanesStage
from fsh_napari.views.visits import VisitWidget

if TYPE_CHECKING:
    import napari

_OPACITIES = (0.3, 0.7, 1.0)
_SAME_OPACITY = 0.01


class ReviewStage(PlanesStage):
    """The part of the window that shows lesions in the scan; nothing here is an event.

    Signals
    -------
    clicked, scribbled, told
        See `PlanesStage`.
    lesion_wanted : int
        A lesion was clicked in 3-D.
    next_case_wanted, kept : no arguments
        The controller asks for the next case; something was decided or changed.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    window : QWidget
        Its window.
    panel : QWidget
        The review's own widget, beside which the planes stand.
    opened_case : callable
        Returns the case that is open, or None.
    """

    lesion_wanted = Signal(int)
    next_case_wanted = Signal()
    kept = Signal()

    def __init__(
        self,
        viewer: "napari.viewer.Viewer",
        window: Any,
        panel: QWidget,
        opened_case: Callable[[], OpenCase],
    ) -> None:
        super().__init__(viewer, window, panel)
        self._opened_case = opened_case
        self.visit: VisitWidget | None = None
        self.help = HelpOverlay(window)
        self.layout = ReadingLayout(window, self)
        self._draws_diameters = False
        self._label = 0  # of the selected lesion
        self._companions = CompanionScans(viewer, window, self)
        self._companions.told.connect(self.told)
        self._companions.titled.connect(self.show_caption)
        self._in_3d = LesionsIn3D(self)
        self._in_3d.told.connect(self.told)
        self._in_3d.chosen.connect(self.lesion_wanted)

    def begin(self, case: OpenCase) -> None:
        """Hear which case is open."""
        self._companions.begin(case)

    def end(self) -> None:
        """Take away what was shown of the case alone."""
        self._companions.end()
        self._in_3d.close_view()
        self.show_diameters(0)

    def follow(self, label: int) -> None:
        """Bring up to date what is drawn of the lesions, of which one is selected."""
        self._label = label
        self.show_diameters(label)
        self._in_3d.follow(label)

    def move_planes(self) -> None:
        """Take the small planes to a second screen, or back; what stood beside them is closed."""
        self.close_visit()
        self._in_3d.close_view()
        super().move_planes()
        self.show_diameters(self._label)

    def toggle_3d(self) -> None:
        """Show the lesions in 3-D below the small planes, or no longer."""
        self._in_3d.toggle(self._opened_case(), self.show_planes(), self._label)

    def redraw(self) -> None:
        """Draw the lesions again where voxels of their layer changed."""
        if self.planes is not None:
            self.planes.refresh(self._opened_case().layer)

    def take_scribbles(self, wanted: bool) -> None:
        """Let the left button draw a line in the planes, which ends painting, or no longer."""
        if wanted:
            self._opened_case().layer.mode = "pan_zoom"
            self.show_planes()
        if self.planes is not None:
            self.planes.scribbles = wanted

    def show_ruler(self, ends: tuple[Point, ...]) -> None:
        """Draw a ruler between two points; empty takes it away."""
        if self.planes is not None:
            self.planes.show_ruler(ends)

    def toggle_diameters(self, label: int) -> None:
        """Draw the longest diameters of the selected lesion, whichever it is, or no longer."""
        self._draws_diameters = not self._draws_diameters
        self.show_planes()
        self.show_diameters(label)
        if not self._draws_diameters:
            self.told.emit("")

    def show_diameters(self, label: int) -> None:
        """Draw the longest diameters of a lesion, if that is wanted; 0 draws none."""
        if self.planes is None:
            return
        lines: tuple[Line, ...] = ()
        if self._draws_diameters and label:
            lines, said = diameters_of(self._opened_case(), label)
            self.told.emit(said)
        self.planes.show_diameters(lines)

    def hear_clicks(self) -> None:
        """Open the planes, which hear clicks; napari's own view does not."""
        self.show_planes()

    def flip_companions(self, step: int) -> None:
        """Show another contrast or visit in the place of the FLAIR, in the planes."""
        self.show_planes()
        self._companions.flip(step)

    # ---- how lesions look

    def toggle_outline(self) -> None:
        """Switch between outline and fill."""
        layer = self._opened_case().layer
        layer.contour = 0 if layer.contour else 1

    def change_opacity(self) -> None:
        """Go through the opacities."""
        layer = self._opened_case().layer
        higher = [value for value in _OPACITIES if value > layer.opacity + _SAME_OPACITY]
        layer.opacity = higher[0] if higher else _OPACITIES[0]

    def toggle_lesions(self) -> None:
        """Hide or show the lesions."""
        layer = self._opened_case().layer
        layer.visible = not layer.visible

    def reset_window(self) -> None:
        """Set window and level of the scan back."""
        reset_windows(self.viewer)

    def set_window(self, preset: str) -> None:
        """Give the scan a window of `fsh_napari.views.contrast.PRESETS`."""
        self.told.emit(set_preset(self.viewer, preset))

    def toggle_layout(self) -> None:
        """Take napari's lists away, or bring them back."""
        self.layout.toggle()
        self.told.emit(
            "Reading layout: napari's lists are away until L brings them back."
            if self.layout.is_on
            else "napari's lists are back."
        )

    # ---- the other visit

    def show_other_visit(self) -> None:
        """Show the next other visit side by side, or none after the last."""
        case, before = self._opened_case(), self.visit
        visits = other_visits(self.viewer, case)
        if not visits:
            raise InputError(
                "there is no other visit; open its scan, or segment it into the same folder"
            )
        names = [visit.name for visit in visits]
        following = 0
        if before is not None and before.name in names:
            following = names.index(before.name) + 1
        self.close_visit()
        if following == len(visits):
            self.told.emit("The other visit is closed.")
            return
        self.visit = VisitWidget(self.show_planes(), case, visits[following])
        self.visit.told.connect(self.told)
        self.visit.gone.connect(self._forget_visit)
        self.visit.begin()

    def close_visit(self) -> None:
        """Take the other visit away, if there is one."""
        if self.visit is not None:
            self.visit.close_visit()
            self._forget_visit()

    def _forget_visit(self) -> None:
        self.visit = None
        QTimer.singleShot(0, self._share_the_room)

    # ---- the help, and what leads out of the case

    def toggle_keys(self) -> None:
        """Show or hide the help."""
        self.help.toggle()

    def hide_keys(self) -> None:
        """Hide the help."""
        self.help.hide()

    def open_next_case(self) -> None:
        """Go on with the cohort."""
        self.next_case_wanted.emit()

    def event_kept(self) -> None:
        """Hear that something was decided or changed."""
        self.kept.emit()
