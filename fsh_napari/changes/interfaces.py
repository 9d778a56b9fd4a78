"""What `fsh_napari.changes.controller` needs of the window, so that a test can stand in for it."""

from pathlib import Path
from typing import Protocol

import pandas as pd

from fsh_core.follow_up import ChangeReview, RecordedPair
from fsh_core.review import ReviewEvent
from fsh_napari.review.interfaces import Point
from fsh_napari.walk import ListView


class PairUnderReview(Protocol):
    """Two visits and the review of their changes; `fsh_napari.changes.pair.OpenPair`."""

    name: str
    record_path: Path
    pair: RecordedPair
    review: ChangeReview

    def listed(self) -> pd.DataFrame:
        """Return the changes with what was decided; stable lesions are left out."""

    def inside(self, change: int) -> Point:
        """Return a point inside a change, in viewer mm of the earlier visit."""

    def change_at(self, point: Point) -> int:
        """Return the change at a point in viewer mm of the later visit; 0 = none."""

    def add_at(self, point: Point) -> ReviewEvent:
        """Grow a missed new lesion from a point in viewer mm of the later visit."""


class View(ListView, Protocol):
    """The list of changes and what stands around it; `fsh_napari.changes.view.ChangesView`."""

    def show_pair(self, pair: PairUnderReview) -> None:
        """Show verdict, list and counts as they are now."""

    def show_whole_list(self) -> None:
        """Show every change, whatever was filtered by."""

    def ask_for_note(self) -> None:
        """Let the reader write a note about the selected change."""


class Stage(Protocol):
    """Where both visits are seen; `fsh_napari.changes.stage.ChangesStage`."""

    def go_to(self, point: Point) -> None:
        """Put both crosshairs on a point in viewer mm of the earlier visit."""

    def show_changes(self) -> None:
        """Draw the changes again, since one was added or taken back."""

    def swap_visits(self) -> None:
        """Show the other visit in the large view, or the one that belongs there."""

    def toggle_difference(self) -> None:
        """Show or hide the difference of the scans."""

    def toggle_outlines(self) -> None:
        """Hide or show all outlines."""

    def next_plane(self) -> None:
        """Show both visits in the next plane."""

    def set_window(self, preset: str) -> None:
        """Give both visits a window that has a name, and tell the reader."""

    def reset_window(self) -> None:
        """Set window and level of both visits back."""

    def toggle_keys(self) -> None:
        """Show or hide the help."""

    def hide_keys(self) -> None:
        """Hide the help."""
