"""Found against true changes, on maps that can be counted by hand."""

import numpy as np
import pytest
from numpy.typing import NDArray

from fsh_core.evaluation.change import (
    NOT_FOUND,
    NOT_TRUE,
    SizeCount,
    change_metrics,
    kinds_found,
    size_of,
)

# Voxels of 8 mm3. One of them has an equivalent diameter of 2.48 mm, two 3.13, eight 4.96, 27 7.44.
VOXEL_MM3 = 8.0


def labels_of(*boxes: tuple[int, tuple[int, int, int], tuple[int, int, int]]) -> NDArray[np.int32]:
    """Numbered boxes: number, first voxel, size."""
    labels = np.zeros((30, 30, 10), dtype=np.int32)
    for number, start, size in boxes:
        labels[tuple(slice(at, at + length) for at, length in zip(start, size, strict=True))] = (
            number
        )
    return labels


def test_by_hand() -> None:
    """Three true ones, of 8, 2 and 1 voxels; found are the first half over and one elsewhere."""
    true = labels_of(
        (1, (2, 2, 2), (2, 2, 2)), (2, (10, 10, 2), (2, 1, 1)), (3, (20, 2, 2), (1,) * 3)
    )
    found = labels_of((5, (3, 2, 2), (2, 2, 2)), (9, (20, 20, 5), (3, 3, 3)))
    scores = change_metrics(true, found, VOXEL_MM3)
    assert scores.dice == pytest.approx(2 * 4 / (11 + 35))
    assert (scores.true, scores.detected) == (2, 1)  # the single voxel is too small to be missed
    assert (scores.found, scores.confirmed, scores.false) == (2, 1, 1)
    assert (scores.sensitivity, scores.precision, scores.f1) == (0.5, 0.5, 0.5)
    assert scores.by_size == {
        "below 3 mm": SizeCount(1, 0, 0, 0),
        "3 to 5 mm": SizeCount(2, 1, 1, 0),
        "5 to 8 mm": SizeCount(0, 0, 1, 1),
        "8 mm and more": SizeCount(0, 0, 0, 0),
    }


def test_what_lies_on_a_small_true_change_is_not_false() -> None:
    true = labels_of((1, (2, 2, 2), (1, 1, 1)))
    found = labels_of((1, (2, 2, 2), (2, 2, 2)))
    scores = change_metrics(true, found, VOXEL_MM3)
    assert (scores.true, scores.found, scores.false) == (0, 0, 0)
    assert scores.f1 == scores.precision == scores.sensitivity == 1


def test_a_small_found_change_counts_where_it_hits_a_true_one() -> None:
    true = labels_of((1, (2, 2, 2), (2, 2, 2)))
    hit, miss = labels_of((1, (2, 2, 2), (1, 1, 1))), labels_of((1, (20, 2, 2), (1, 1, 1)))
    assert change_metrics(true, hit, VOXEL_MM3).f1 == 1
    missed = change_metrics(true, miss, VOXEL_MM3)
    assert (missed.found, missed.false, missed.sensitivity) == (0, 0, 0)
    assert change_metrics(true, miss, VOXEL_MM3, least_diameter_mm=0).false == 1


def test_one_found_change_may_be_several_true_ones() -> None:
    true = labels_of((1, (2, 2, 2), (2, 2, 2)), (2, (6, 2, 2), (2, 2, 2)))
    found = labels_of((1, (2, 2, 2), (6, 2, 2)))
    scores = change_metrics(true, found, VOXEL_MM3)
    assert (scores.detected, scores.confirmed, scores.f1) == (2, 1, 1)


@pytest.mark.parametrize(("there", "score"), [((), 1.0), (((1, (2, 2, 2), (2, 2, 2)),), 0.0)])
def test_nothing_to_find(there: tuple, score: float) -> None:
    empty = labels_of()
    for maps in ((empty, labels_of(*there)), (labels_of(*there), empty)):
        scores = change_metrics(*maps, VOXEL_MM3)
        assert scores.f1 == scores.dice == score


def test_a_mask_is_refused() -> None:
    empty = labels_of()
    with pytest.raises(ValueError, match="must be integer labels"):
        change_metrics(empty > 0, empty, VOXEL_MM3)


@pytest.mark.parametrize(
    ("diameter_mm", "size"),
    [
        (0.0, "below 3 mm"),
        (2.999, "below 3 mm"),
        (3.0, "3 to 5 mm"),
        (8.0 - 1e-9, "8 mm and more"),
        (50.0, "8 mm and more"),
    ],
)
def test_sizes_include_their_lower_end(diameter_mm: float, size: str) -> None:
    assert size_of(diameter_mm) == size


def test_kinds_are_those_of_the_largest_overlap() -> None:
    true = labels_of(
        (1, (2, 2, 2), (4, 2, 2)), (2, (10, 2, 2), (2, 2, 2)), (3, (20, 2, 2), (2,) * 3)
    )
    found = labels_of(
        (7, (2, 2, 2), (1, 2, 2)), (8, (3, 2, 2), (3, 2, 2)), (9, (20, 20, 2), (2, 2, 2))
    )
    table = kinds_found(
        true,
        {1: "new", 2: "enlarging"},  # 3 does not count
        found,
        {7: "resolved", 8: "new", 9: "shrinking"},
    )
    assert {(row.true, row.found): row.lesions for row in table.itertuples()} == {
        ("new", "new"): 1,
        ("enlarging", NOT_FOUND): 1,
        (NOT_TRUE, "shrinking"): 1,
    }
