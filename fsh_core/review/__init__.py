"""Reviewing lesions: decisions and edits in an append-only journal, undone and replayed at will.

Nothing here knows a screen. ``edits``, ``correct`` and ``between_slices`` propose voxels (split,
grow, shrink, fill), ``state`` and ``session`` apply events and undo them, ``journal`` keeps them
on disk as they happen, ``save`` writes the corrected derivative beside the original, which is
never touched. ``progress`` says how far a folder is, ``reading_time`` how long it took, ``queue``
what comes next, ``reader_agreement`` how far two readers agree.
"""

from fsh_core.review.between_slices import fill_between_slices
from fsh_core.review.correct import (
    Surroundings,
    voxels_along,
    voxels_to_add,
    voxels_to_remove,
)
from fsh_core.review.edits import grow_lesion, split_lesion
from fsh_core.review.events import CASE_STATUSES, STATUSES, Annotation, Change, ReviewEvent
from fsh_core.review.journal import Journal
from fsh_core.review.measure import measure_lesions
from fsh_core.review.open import open_review, read_ledger
from fsh_core.review.progress import CaseState, case_state, list_cases
from fsh_core.review.queue import Queue, QueueItem, change_queue, load_queue, save_queue
from fsh_core.review.reader_agreement import Agreement, compare_readers
from fsh_core.review.readers import journal_path, other_readers
from fsh_core.review.save import review_paths, save_review
from fsh_core.review.session import Review
from fsh_core.review.state import ReviewState

__all__ = [
    "CASE_STATUSES",
    "STATUSES",
    "Agreement",
    "Annotation",
    "CaseState",
    "Change",
    "Journal",
    "Queue",
    "QueueItem",
    "Review",
    "ReviewEvent",
    "ReviewState",
    "Surroundings",
    "case_state",
    "change_queue",
    "compare_readers",
    "fill_between_slices",
    "grow_lesion",
    "journal_path",
    "list_cases",
    "load_queue",
    "measure_lesions",
    "open_review",
    "other_readers",
    "read_ledger",
    "review_paths",
    "save_queue",
    "save_review",
    "split_lesion",
    "voxels_along",
    "voxels_to_add",
    "voxels_to_remove",
]
