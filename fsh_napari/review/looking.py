"""Looking at lesions: outline, opacity, the other visit; nothing of it is an event."""

from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer, Signal

from fsh_core.errors import InputError
from fsh_napari.review.correcting import CorrectingPanel
from fsh_napari.views.visits import VisitWidget, other_visits

if TYPE_CHECKING:
    import napari

    from fsh_napari.review.keys import HelpOverlay

_OPACITIES = (0.3, 0.7, 1.0)


class LookingPanel(CorrectingPanel):
    """The part of the review that only changes what is seen.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    """

    visit_closed = Signal()
    help: "HelpOverlay"

    def __init__(self, viewer: "napari.viewer.Viewer") -> None:
        super().__init__()
        self.viewer = viewer
        self.visit: VisitWidget | None = None

    def cancel(self) -> None:
        """Leave joining, adding and the help."""
        self._mode, self._seeds = "", []
        self.help.hide()
        self.show_message("")

    def outline(self) -> None:
        """Switch between outline and fill."""
        layer = self.opened().layer
        layer.contour = 0 if layer.contour else 1

    def opacity(self) -> None:
        """Go through the opacities."""
        layer = self.opened().layer
        later = [value for value in _OPACITIES if value > layer.opacity + 0.01]
        layer.opacity = later[0] if later else _OPACITIES[0]

    def hide_lesions(self) -> None:
        """Hide or show the lesions."""
        layer = self.opened().layer
        layer.visible = not layer.visible

    def other_visit(self) -> None:
        """Show the next other visit side by side, or none after the last."""
        case, before = self.opened(), self.visit
        visits = other_visits(self.viewer, case)
        if not visits:
            raise InputError(
                "there is no other visit; open its scan, or segment it into the same folder"
            )
        names = [visit.name for visit in visits]
        following = (
            names.index(before.name) + 1 if before is not None and before.name in names else 0
        )
        if before is not None:
            self._close_visit()
        if following < len(visits):
            self.visit = VisitWidget(self.planes, case, visits[following])
            self.visit.told.connect(self.show_message)
            self.visit.gone.connect(self._forget_visit)
            self.visit.begin()
        else:
            self.show_message("The other visit is closed.")

    def _close_visit(self) -> None:
        self.visit.close_visit()
        self._forget_visit()

    def _forget_visit(self) -> None:
        self.visit = None
        QTimer.singleShot(0, self.visit_closed.emit)

    def show_keys(self) -> None:
        """Show or hide the help."""
        self.help.toggle()

    def close_case(self) -> None:
        """Keep what was painted and take the case away."""
        if self.visit is not None:
            self._close_visit()
        if self.case is not None:
            self.case.close()
            self.case = None
