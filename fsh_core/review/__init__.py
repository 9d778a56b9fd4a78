"""Reviewing lesions: decisions and edits in an append-only journal, undone and replayed at will.

Nothing here knows a screen. ``edits`` proposes voxels (split, grow), ``session`` applies
acts and undoes them, ``journal`` keeps them on disk as they happen, ``save`` writes the
corrected derivative beside the original, which is never touched.
"""

from fsh_core.review.acts import Act, Change, Mark
from fsh_core.review.edits import grow_lesion, split_lesion
from fsh_core.review.journal import Journal, journal_path
from fsh_core.review.measure import measure_lesions
from fsh_core.review.save import review_paths, save_review
from fsh_core.review.session import CASE_STATUSES, STATUSES, Review, open_review

__all__ = [
    "CASE_STATUSES",
    "STATUSES",
    "Act",
    "Change",
    "Journal",
    "Mark",
    "Review",
    "grow_lesion",
    "journal_path",
    "measure_lesions",
    "open_review",
    "review_paths",
    "save_review",
    "split_lesion",
]
