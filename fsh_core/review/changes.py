"""What became of which voxels, between two states of the lesion labels."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsh_core.review.events import Change


def changes_of(
    labels: NDArray[np.integer[Any]],
    voxels: NDArray[np.int64],
    after: NDArray[np.integer[Any]] | int,
) -> tuple[Change, ...]:
    """Sort voxels by what they were and become; those that stay are left out.

    Parameters
    ----------
    labels : (N,) int
        The lesions, flat.
    voxels : (M,) int64
        Flat indices, in any order, each once.
    after : (M,) int or int
        Their new labels.

    Returns
    -------
    tuple of Change
        One for every pair of labels.
    """
    new = np.broadcast_to(np.asarray(after, dtype=np.int64), voxels.shape)
    old = labels[voxels].astype(np.int64)
    moved = old != new
    pairs = np.unique(np.stack([old[moved], new[moved]], axis=1), axis=0)
    return tuple(
        Change(int(a), int(b), np.sort(voxels[(old == a) & (new == b)]).astype(np.int64))
        for a, b in pairs
    )


def lost_voxels(changes: Iterable[Change]) -> Counter[int]:
    """Count, by label, how many voxels less there are after some changes; negative = more."""
    lost: Counter[int] = Counter()
    for change in changes:
        lost[change.before] += change.voxels.size
        lost[change.after] -= change.voxels.size
    return lost


def jaccard_of_changed(
    before: NDArray[np.integer[Any]], after: NDArray[np.integer[Any]], sizes: Mapping[int, int]
) -> dict[int, float]:
    """Compare every label that did not keep its voxels with what it was.

    Parameters
    ----------
    before, after : (N,) int
        Labels of the voxels that may differ, each once; 0 = background.
    sizes : mapping of int to int
        Voxels of every label afterwards.

    Returns
    -------
    dict of int to float
        The Jaccard index, by label: 0 for what is new or gone.
    """
    differing = np.flatnonzero(before != after)
    gained, lost = Counter(after[differing].tolist()), Counter(before[differing].tolist())
    jaccard = {}
    for label in sorted(label for label in gained.keys() | lost.keys() if label):
        size = sizes.get(label, 0)
        jaccard[label] = 1 - (gained[label] + lost[label]) / (size + lost[label])
    return jaccard
