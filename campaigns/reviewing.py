"""A review of a case, act after act, then its corrected lesions; it goes on where it was stopped.

After each act its number is printed: what was printed must be in the journal whatever happens.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from fsh_core.derivatives import find_records, read_segmentation
from fsh_core.errors import InputError
from fsh_core.review import Review, open_review, save_review


def _paint(review: Review) -> object:
    added = np.zeros(review.labels.shape, dtype=bool)
    added[20:23, 12:15, 8:10] = True
    return review.add(added)


ACTS: tuple[Callable[[Review], object], ...] = (
    lambda review: review.set_status(1, "accepted"),
    lambda review: review.set_note(1, "periventricular, größer"),
    _paint,
    lambda review: review.delete(2),
    lambda review: review.undo(),
    lambda review: review.set_status(2, "rejected"),
    lambda review: review.set_status(3, "unsure"),
)


def main(words: list[str]) -> int:
    """Review the only case of a derivatives folder."""
    try:
        (record,) = find_records(Path(words[0]))
        review = open_review(record, "Åsa")
        for number in range(len(review.journal.events), len(ACTS)):
            ACTS[number](review)
            print(f"act {number + 1}", flush=True)
        save_review(review, read_segmentation(record))
    except InputError as error:
        print(f"fsh: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
