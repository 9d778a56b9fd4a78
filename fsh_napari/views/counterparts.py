"""Which lesions of two visits are the same."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsh_core.volume.volume import Volume


def counterparts(lesions: Volume, others: Volume, to_others: NDArray[np.float64]) -> dict[int, int]:
    """Match the lesions of one visit to those of another that they overlap.

    Parameters
    ----------
    lesions : Volume
        Labels of one visit, (I, J, K) int; 0 = background.
    others : Volume
        Labels of the other visit, on a grid of its own.
    to_others : (4, 4) float64
        World coordinates (RAS+ mm) of the one to those of the other.

    Returns
    -------
    dict of int to int
        For every label of ``lesions`` the label of ``others`` that most of its voxels lie in (of
        several the smallest); 0 where they lie in none.
    """
    voxels = np.argwhere(lesions.data > 0)
    labels = lesions.data[tuple(voxels.T)]
    matrix = np.linalg.inv(others.affine) @ to_others @ lesions.affine
    there = np.rint(voxels @ matrix[:3, :3].T + matrix[:3, 3]).astype(np.intp)
    inside = ((there >= 0) & (there < others.shape)).all(axis=1)
    met = np.zeros(len(voxels), dtype=np.int64)
    met[inside] = others.data[tuple(there[inside].T)]
    return {int(label): _most_frequent(met[labels == label]) for label in np.unique(labels)}


def _most_frequent(labels: NDArray[np.integer[Any]]) -> int:
    """Return the label that most voxels have, of those that have any; 0 if none has."""
    met = labels[labels > 0]
    return int(np.bincount(met).argmax()) if met.size else 0
