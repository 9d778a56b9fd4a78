"""Writing corrected lesions beside the window."""

from functools import partial

from qtpy.QtCore import QObject, Signal

from fsh_core.derivatives import StoredSegmentation
from fsh_core.review import Journal, Review, save_review
from fsh_core.review.save import Maps
from fsh_core.volume.nifti import read_labels
from fsh_core.volume.volume import Volume
from fsh_napari.review.interfaces import CaseUnderReview
from fsh_napari.task import Task


class ReviewSaver(QObject):
    """Saves reviews as they are when that is asked for, one after another.

    Signals
    -------
    saved : (str, str)
        Name of the case, and of its corrected mask.
    failed : str
        Why it could not be saved.
    """

    saved = Signal(str, str)
    failed = Signal(str)

    def save(self, case: CaseUnderReview) -> None:
        """Save a case; the reader may go on with it, or with another, meanwhile."""
        review = case.review
        task = Task(
            partial(
                _save,
                case.stored,
                review.journal.as_it_is(),
                review.reader,
                case.flair,
                case.maps,
            ),
            in_line=True,
        )
        task.finished.connect(self._on_saved)
        task.failed.connect(self.failed)
        task.start()

    def _on_saved(self, answer: tuple[str, str]) -> None:
        self.saved.emit(*answer)


def _save(
    stored: StoredSegmentation,
    journal: Journal,
    reader: str,
    flair: Volume | None,
    maps: Maps,
) -> tuple[str, str]:
    """Repeat the events up to now: what happens meanwhile is not half in what is written."""
    original = Volume(*read_labels(stored.paths["labels"]))
    review = Review(original, journal, reader)
    return stored.record.case, save_review(review, stored, flair, maps)["mask"].name
