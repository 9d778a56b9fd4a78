"""What `fsh_napari.segment.controller` needs of the window, so that a test can stand in for it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from fsh_core.config import SegmentConfig
from fsh_core.pipeline import Segmentation
from fsh_napari.segment.job import Job


class View(Protocol):
    """The controls: what the user has set, and what is shown to the user."""

    @property
    def scan(self) -> str:
        """Name of the chosen scan; empty = none."""

    @property
    def weights(self) -> str:
        """Checkpoint file; empty = bundled."""

    @property
    def records_folder(self) -> Path:
        """Where records are written."""

    def config(self) -> SegmentConfig:
        """Return the settings; an `InputError` if a field cannot be used."""

    def live_settings(self) -> dict[str, Any]:
        """Return the settings that work without the network; an `InputError` if one is wrong."""

    def offer_scans(self, names: list[str]) -> None:
        """Offer scans, keeping the chosen one."""

    def choose_scan(self, name: str) -> None:
        """Choose a scan."""

    def show_message(self, sentence: str, wrong: bool = False) -> None:
        """Tell the user something."""

    def show_state(self, can_run: bool, can_cancel: bool, can_save: bool) -> None:
        """Enable the buttons that can be pressed."""

    def show_progress(self, done: int, total: int) -> None:
        """Show how many patches are done; a total of 0 = not known yet."""

    def hide_progress(self) -> None:
        """Show no progress any more."""

    def show_lesions(self, lesions: pd.DataFrame) -> None:
        """List lesions."""


class Stage(Protocol):
    """The layers of the viewer."""

    def scans(self) -> list[str]:
        """List the scans that are open."""

    def open_scan(self, path: Path) -> str:
        """Open a file and return its name; an `InputError` if it cannot be used."""

    def scan_file(self, name: str, records_folder: Path) -> Path:
        """Return the file of a scan; one that has none is copied below the records' folder."""

    def show_result(self, found: Segmentation) -> None:
        """Show probability and lesions; `SegmentController.result_shown` is called at the end."""

    def show_labels(self, found: Segmentation) -> None:
        """Show the lesions of another threshold."""

    def show_features(self, found: Segmentation) -> None:
        """Give the lesions' layer the lesions' measures."""

    def go_to(self, voxel: tuple[int, int, int]) -> None:
        """Show the slices through a voxel of the scan's file."""

    def is_under_review(self, record: Path) -> bool:
        """Tell whether a review of that very record is open."""

    def note_record(self, case_name: str, record: Path) -> None:
        """Let the layers of a case say which record they were saved in."""


class Runner(Protocol):
    """What works beside the window."""

    def start(self, job: Job) -> None:
        """Segment; calls ``progressed``, then ``finished``, ``failed`` or ``cancelled``."""

    def cancel(self) -> None:
        """Stop segmenting at once."""

    def find(self, function: Callable[[], Segmentation]) -> None:
        """Run a function in a thread, of several the newest; calls ``found_again``."""

    def measure(self, function: Callable[[], Segmentation]) -> None:
        """Run a function in a thread, of several the newest; calls ``measured``."""

    def measure_later(self) -> None:
        """Call ``measure`` once the threshold has stood still for a moment."""

    def write(self, function: Callable[[], Path]) -> None:
        """Run a function in a thread; calls ``saved`` or ``save_failed``."""
