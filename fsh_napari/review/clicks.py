"""What the next click in a plane is for: joining, adding, splitting, or only looking."""

from fsh_core.errors import InputError
from fsh_core.review import ReviewEvent
from fsh_napari.review.interfaces import CaseUnderReview, Point, View, Voxel

_KEY_OF_PURPOSE = {"join": "J", "add": "I"}


class Clicks:
    """The clicks of a reader.

    Parameters
    ----------
    view : View
        Is told what is waited for.

    Attributes
    ----------
    split_points : list of Voxel
        Where Shift was held, since the last split.
    """

    def __init__(self, view: View) -> None:
        self.view = view
        self.split_points: list[Voxel] = []
        self._purpose = ""

    def forget(self) -> None:
        """Let joining, adding and the points to split at be."""
        self._purpose, self.split_points = "", []

    def wait_to_join(self, label: int) -> None:
        """Take the next click for the lesion that joins another."""
        self._purpose = "join"
        self.view.show_message(f"Click the lesion that joins lesion {label}; Esc lets it be.")

    def wait_to_add(self) -> None:
        """Take the next click for a missed lesion."""
        self._purpose = "add"
        self.view.show_message("Click the missed lesion; Esc lets it be.")

    def take(
        self, case: CaseUnderReview, point: Point, with_shift: bool
    ) -> tuple[ReviewEvent, str] | None:
        """Do what a click is for.

        Parameters
        ----------
        case : CaseUnderReview
            What is open.
        point : Point
            Where, in viewer mm.
        with_shift : bool
            Whether Shift was held.

        Returns
        -------
        (ReviewEvent, str) or None
            How the lesions changed, and what it is called; None if they did not.

        Raises
        ------
        InputError
            If there is no lesion to join, or nothing to add.
        """
        voxel, purpose = case.voxel_at(point), self._purpose
        if voxel is None:
            self._miss()
            return None
        under = int(case.review.labels[voxel])
        if with_shift:
            self._mark(voxel)
            return None
        self._purpose = ""
        if purpose == "join":
            if not under:
                raise InputError("there is no lesion where you clicked; J begins again")
            label = self.view.label
            said = f"Lesion {under} joined lesion {label}; Ctrl+Z parts them."
            return case.review.join(label, under), said
        if purpose == "add":
            event = case.add_lesion_at(voxel)
            return event, f"Lesion {event.label} is new; paint to correct it."
        if under:
            self.view.show_message("")
            self.view.select(under)
        return None

    def _miss(self) -> None:
        if self._purpose:
            key, self._purpose = _KEY_OF_PURPOSE[self._purpose], ""
            self.view.show_message(f"⚠ That was outside the scan; {key} begins again.")

    def _mark(self, voxel: Voxel) -> None:
        self.split_points.append(voxel)
        count = len(self.split_points)
        self.view.show_message(f"{count} points to split at; S splits, Esc forgets them.")
