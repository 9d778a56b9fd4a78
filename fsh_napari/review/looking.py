"""Commands of a review that change only what is seen: nothing of it is an event of the journal."""

from collections.abc import Callable

from fsh_napari.review.interfaces import CaseUnderReview, Stage


class Looking:
    """How the case is looked at.

    Parameters
    ----------
    stage : Stage
        Where it is seen.
    opened : callable
        Returns the case; raises `fsh_core.errors.InputError` if none is open.
    """

    def __init__(self, stage: Stage, opened: Callable[[], CaseUnderReview]) -> None:
        self.stage, self._opened = stage, opened

    def companion(self) -> None:
        """Show the next companion of the FLAIR in its place, or the FLAIR again."""
        self._opened()
        self.stage.flip_companions(1)

    def companion_before(self) -> None:
        """Show the companion before, or the FLAIR again."""
        self._opened()
        self.stage.flip_companions(-1)

    def in_3d(self) -> None:
        """Show the lesions in 3-D beside the planes, or no longer."""
        self._opened()
        self.stage.toggle_3d()

    def outline(self) -> None:
        """Switch between outline and fill."""
        self._opened()
        self.stage.toggle_outline()

    def opacity(self) -> None:
        """Go through the opacities."""
        self._opened()
        self.stage.change_opacity()

    def hide_lesions(self) -> None:
        """Hide or show the lesions."""
        self._opened()
        self.stage.toggle_lesions()

    def planes_window(self) -> None:
        """Take the small planes into a window of their own, or back."""
        self._opened()
        self.stage.move_planes()

    def layout(self) -> None:
        """Switch between the reading layout and napari's own."""
        self.stage.toggle_layout()

    def other_visit(self) -> None:
        """Show the next other visit side by side, or none after the last."""
        self._opened()
        self.stage.show_other_visit()

    def show_keys(self) -> None:
        """Show or hide the help."""
        self.stage.toggle_keys()
