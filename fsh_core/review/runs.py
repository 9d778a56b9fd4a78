"""Voxel indices as runs of neighbours, which is how a line of the journal holds them."""

import numpy as np
from numpy.typing import NDArray

LARGEST_GRID_VOXELS = 2**28  # 645 voxels along each axis, more than any scan of a head


def to_runs(voxels: NDArray[np.int64]) -> list[int]:
    """Write ascending indices as runs: ``[start, length, start, length, ...]``.

    Parameters
    ----------
    voxels : (N,) int64
        Flat indices, ascending.

    Returns
    -------
    list of int
        A start and a length for each run of neighbours.
    """
    if voxels.size == 0:
        return []
    breaks = np.flatnonzero(np.diff(voxels) != 1) + 1
    starts = voxels[np.concatenate([[0], breaks])]
    lengths = np.diff(np.concatenate([[0], breaks, [voxels.size]]))
    return [int(value) for value in np.stack([starts, lengths], axis=1).ravel()]


def from_runs(runs: list[int], grid_voxels: int = LARGEST_GRID_VOXELS) -> NDArray[np.int64]:
    """Read runs back into ascending indices.

    Parameters
    ----------
    runs : list of int
        A start and a length for each run of neighbours.
    grid_voxels : int
        Voxels of the grid that they lie on.

    Returns
    -------
    (N,) int64
        Flat indices, ascending.

    Raises
    ------
    ValueError
        If they are not ascending pairs of a start and a positive length within the grid.
    """
    # Checked before anything is made of them: a wrong length would ask for all memory.
    if any(not 0 <= value <= grid_voxels for value in runs):
        raise ValueError(
            f"runs must be pairs of start and length within {grid_voxels} voxels, got {runs[:6]}"
        )
    pairs = np.asarray(runs, dtype=np.int64)
    if pairs.size % 2 or (pairs[1::2] < 1).any():
        raise ValueError(f"runs must be pairs of start and length, got {runs[:6]}")
    starts, lengths = pairs[::2], pairs[1::2]
    stops = starts + lengths
    if (starts[1:] < stops[:-1]).any() or (stops > grid_voxels).any():
        raise ValueError(
            f"runs must be pairs of start and length, ascending within {grid_voxels} voxels, "
            f"got {runs[:6]}"
        )
    ends = np.cumsum(lengths)
    within = np.arange(int(ends[-1]) if ends.size else 0) - np.repeat(ends - lengths, lengths)
    return np.asarray(np.repeat(starts, lengths) + within, dtype=np.int64)
