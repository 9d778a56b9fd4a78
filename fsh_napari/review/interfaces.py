"""What `fsh_napari.review.controller` needs of the window, so that a test can stand in for it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import pandas as pd

from fsh_core.derivatives import StoredSegmentation
from fsh_core.review import Review, ReviewEvent, ReviewState
from fsh_core.review.answer import Answer, Question
from fsh_core.review.save import Maps
from fsh_core.volume.volume import Volume
from fsh_napari.walk import ListView

Point = tuple[float, ...]
"""A place in viewer millimetres."""

Voxel = tuple[int, int, int]
"""Indices of a voxel in the file's order."""


class CaseUnderReview(Protocol):
    """A record with its review and what shows it; `fsh_napari.review.case.OpenCase`."""

    stored: StoredSegmentation
    review: Review
    flair: Volume | None
    maps: Maps
    others: Mapping[str, ReviewState]
    name: str

    def listed(self) -> pd.DataFrame:
        """Return the lesions with status, note and flags."""

    def show(self, event: ReviewEvent) -> None:
        """Bring what is shown up to date after an event."""

    def keep_stroke(self) -> None:
        """Turn what was painted into an event."""

    def inside(self, label: int) -> Point:
        """Return a point inside a lesion."""

    def voxel_at(self, point: Point) -> Voxel | None:
        """Return the voxel at a point; None outside the scan."""

    def add_lesion_at(self, voxel: Voxel) -> ReviewEvent:
        """Grow a missed lesion from a voxel."""

    def correct(self, label: int, scribble: Sequence[Voxel], tool: str) -> ReviewEvent | None:
        """Grow or shrink a lesion where voxels were clicked; the tool is one of the journal's."""

    def take_answer(self, answer: Answer) -> ReviewEvent | None:
        """Grow or shrink a lesion as another program would have it."""


class View(ListView, Protocol):
    """The list of lesions and what stands around it; `fsh_napari.review.view.ReviewView`."""

    def show_case(self, case: CaseUnderReview) -> None:
        """Show list, counts and status as they are now."""

    def replace_message(self, before: str, now: str) -> None:
        """Tell the reader something where nothing else was told since."""

    def show_whole_list(self) -> None:
        """Show lesions that the queue does not name, too."""

    def toggle_brush_in_3d(self) -> None:
        """Let the brush paint through the slices, or in one."""

    def next_brush_range(self) -> None:
        """Let the next thing limit the brush, or nothing."""

    def ask_for_note(self) -> None:
        """Let the reader write a note about the selected lesion."""


class Stage(Protocol):
    """Where lesions are seen, and what leads out of the case; `fsh_napari.review.widget`."""

    def go_to(self, point: Point) -> None:
        """Put the crosshair on a point."""

    def take_scribbles(self, wanted: bool) -> None:
        """Let the left button draw a line in the planes, or no longer."""

    def show_ruler(self, ends: tuple[Point, ...]) -> None:
        """Draw a ruler between two points; empty takes it away."""

    def toggle_diameters(self, label: int) -> None:
        """Draw the longest diameters of the selected lesion, or no longer."""

    def hear_clicks(self) -> None:
        """Let a click be heard: open what hears it."""

    def toggle_outline(self) -> None:
        """Switch between outline and fill."""

    def change_opacity(self) -> None:
        """Go through the opacities."""

    def toggle_lesions(self) -> None:
        """Hide or show the lesions."""

    def move_planes(self) -> None:
        """Take the small planes into a window of their own, or back."""

    def toggle_3d(self) -> None:
        """Show the lesions in 3-D beside the planes, or no longer."""

    def flip_companions(self, step: int) -> None:
        """Show the scan that is so many places further in the round of FLAIR and companions."""

    def reset_window(self) -> None:
        """Set window and level back."""

    def set_window(self, preset: str) -> None:
        """Give the scan a window that has a name, and tell the reader."""

    def toggle_layout(self) -> None:
        """Take what is not for reading out of the window, or bring it back."""

    def show_other_visit(self) -> None:
        """Show the next other visit, or none."""

    def toggle_keys(self) -> None:
        """Show or hide the help."""

    def hide_keys(self) -> None:
        """Hide the help."""

    def open_next_case(self) -> None:
        """Go on with the cohort."""

    def event_kept(self) -> None:
        """Hear that something was decided or changed."""


class Saver(Protocol):
    """What writes beside the window; `fsh_napari.review.saving.ReviewSaver`."""

    def save(self, case: CaseUnderReview) -> None:
        """Save a case as it is now; `ReviewController.saved` is called at the end."""


class Server(Protocol):
    """What answers clicks elsewhere; `fsh_napari.review.server_clicks.ServerClicks`."""

    address: str
    is_wanted: bool

    def ask(self, case: CaseUnderReview, question: Question) -> None:
        """Send a question; `ReviewController.answered` or `unanswered` is called later."""
