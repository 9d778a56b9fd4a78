"""Correcting lesions: delete, split, join, add, and one undo for it all."""

from typing import TYPE_CHECKING

from fsh_core.errors import InputError
from fsh_core.review import ReviewEvent
from fsh_napari.review.case import OpenCase
from fsh_napari.review.panel import ReviewPanel

if TYPE_CHECKING:
    from fsh_napari.views.planes import PlanesWidget


class CorrectingPanel(ReviewPanel):
    """The part of the review that changes voxels. Joining and adding wait for the next click."""

    def __init__(self) -> None:
        super().__init__()
        self.case: OpenCase | None = None
        self.planes: PlanesWidget | None = None
        self._mode = ""
        self._seeds: list[tuple[int, int, int]] = []

    @property
    def label(self) -> int:
        """The lesion that is selected; 0 = none."""
        return self.table.current_label

    def go_to(self, label: int, note: bool = True) -> None:
        """Select a lesion and put the crosshair on a voxel inside it."""
        case = self.opened()
        self.table.select(label)
        self.planes.go_to(case.inside(label))
        if note:
            case.review.visit(label)

    def delete(self) -> None:
        """Remove the lesion's voxels."""
        label, labels = self.chosen(), self.table.labels
        after = labels[labels.index(label) + 1 :] or labels[: labels.index(label)][::-1]
        self.show_act(self.opened().review.delete(label))
        self.show_message(f"Lesion {label} is deleted; Ctrl+Z brings it back.")
        if after:
            self.go_to(after[0])

    def split(self) -> None:
        """Split the lesion, at the points set with Shift and click, or by its shape."""
        label, seeds = self.chosen(), self._seeds
        self._seeds = []
        self.show_act(self.opened().review.split(label, seeds))
        self.table.select(label)
        self.show_message(f"Lesion {label} is split.")

    def join(self) -> None:
        """Join the lesion with the one that is clicked next."""
        self._mode = "join"
        self.show_message(f"Click the lesion that joins lesion {self.chosen()}; Esc lets it be.")

    def add(self) -> None:
        """Grow a missed lesion where the next click is."""
        self.opened()
        self._mode = "add"
        self.show_message("Click the missed lesion; Esc lets it be.")

    def undo(self) -> None:
        """Take the last event back, whatever it was."""
        self._take(self.opened().review.undo(), "undone")

    def redo(self) -> None:
        """Do again what was undone."""
        self._take(self.opened().review.redo(), "done again")

    def _take(self, event: ReviewEvent | None, what: str) -> None:
        if event is None:
            self.show_message(
                "There is nothing to undo." if what == "undone" else "There is nothing to do again."
            )
            return
        self.show_act(event)
        if event.label in self.table.labels:
            self.go_to(event.label, note=False)
        self.show_message(
            f"{event.kind.capitalize()} of lesion {event.label} is {what}."
            if event.label
            else f"{event.kind} is {what}."
        )

    def clicked(self, point: tuple[float, ...], shift: bool) -> None:
        """Answer a click in a plane, in viewer mm."""
        case, mode = self.opened(), self._mode
        voxel = case.grid.from_viewer_mm(point)
        if voxel is None:
            return
        under = int(case.review.labels[voxel])
        if shift:
            self._seeds.append(voxel)
            self.show_message(f"{len(self._seeds)} points to split at; S splits, Esc forgets them.")
        elif mode == "join":
            self._mode = ""
            self.show_act(case.review.join(self.chosen(), under))
            self.show_message(f"Lesion {under} joined lesion {self.label}; Ctrl+Z parts them.")
        elif mode == "add":
            self._mode = ""
            event = case.review.add(case.grown_from(voxel))
            self.queued_only.setChecked(False)  # else the new lesion would not be listed
            self.show_act(event)
            self.go_to(event.label)
            self.show_message(f"Lesion {event.label} is new; paint to correct it.")
        elif under:
            self.table.select(under)

    def opened(self) -> OpenCase:
        """Return the case.

        Raises
        ------
        InputError
            If none is open.
        """
        if self.case is None:
            raise InputError("no record is open; open one first")
        return self.case

    def chosen(self) -> int:
        """Return the selected lesion.

        Raises
        ------
        InputError
            If none is selected.
        """
        self.opened()
        if not self.label:
            raise InputError("no lesion is selected; choose one from the list")
        return self.label

    def show_act(self, event: ReviewEvent) -> None:
        """Bring everything up to date after an event."""
        self.opened().show(event)
        self.refresh()

    def refresh(self) -> None:
        """Bring list and summary up to date."""
        raise NotImplementedError
