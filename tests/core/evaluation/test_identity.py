"""Lesions recognised again at the next visit, on maps that can be counted by hand."""

import numpy as np
import pytest

from fsh_core.evaluation.identity import identity_kept
from tests.core.evaluation.test_change import labels_of


class TestIdentity:
    """Lesions 1 and 2 merge into 3, lesion 4 stays; each visit has a grid of its own."""

    BEFORE = labels_of(
        (1, (2, 2, 2), (2,) * 3), (2, (6, 2, 2), (2,) * 3), (4, (20, 2, 2), (2,) * 3)
    )
    AFTER = labels_of((3, (2, 2, 2), (6, 2, 2)), (4, (20, 2, 2), (2,) * 3))[:25]
    LINKS = ((1, 3), (2, 3), (4, 4))

    def test_all_kept(self) -> None:
        scores = identity_kept(
            (self.BEFORE, self.AFTER), self.LINKS, (self.BEFORE, self.AFTER), self.LINKS
        )
        assert (scores.links, scores.seen, scores.kept, scores.wrong) == (3, 3, 3, 0)
        assert scores.kept_fraction == 1

    def test_a_link_that_was_not_made_is_lost(self) -> None:
        scores = identity_kept(
            (self.BEFORE, self.AFTER), self.LINKS, (self.BEFORE, self.AFTER), [(1, 3), (4, 4)]
        )
        assert (scores.kept, scores.kept_fraction) == (2, pytest.approx(2 / 3))

    def test_a_wrong_link_is_counted(self) -> None:
        scores = identity_kept(
            (self.BEFORE, self.AFTER), self.LINKS, (self.BEFORE, self.AFTER), [(1, 4), (4, 4)]
        )
        assert (scores.kept, scores.wrong) == (1, 1)

    def test_what_the_segmentation_missed_is_not_the_trackers_fault(self) -> None:
        found = np.where(self.BEFORE == 2, 0, self.BEFORE).astype(np.int32)
        scores = identity_kept(
            (self.BEFORE, self.AFTER), self.LINKS, (found, self.AFTER), [(1, 3), (4, 4)]
        )
        assert (scores.links, scores.seen, scores.kept) == (3, 2, 2)

    def test_nothing_seen_is_undefined(self) -> None:
        empty = labels_of()
        scores = identity_kept((self.BEFORE, self.AFTER), self.LINKS, (empty, empty[:25]), [])
        assert scores.seen == 0
        assert np.isnan(scores.kept_fraction)
