"""Cutting an image into overlapping patches and putting the pieces together again."""

from collections.abc import Iterator
from itertools import product
from math import ceil

import numpy as np
from numpy.typing import NDArray

from fsh_core.config import Size3

_SIGMA_FRACTION = (
    0.125  # of the patch size, as in nnU-Net (Isensee et al. 2021, doi 10.1038/s41592-020-01008-z)
)


def patch_starts(size: int, patch: int, overlap: float) -> list[int]:
    """Spread patches evenly over one axis.

    Parameters
    ----------
    size, patch : int
        Voxels of the axis and of the patch; ``size >= patch``.
    overlap : float in [0, 1)
        Least fraction of a patch that it shares with the next.

    Returns
    -------
    list of int
        First voxels, the first 0 and the last ``size - patch``: every voxel is covered.
    """
    if size < patch:
        raise ValueError(f"the axis must be at least one patch long ({patch}), got {size}")
    if not 0 <= overlap < 1:
        raise ValueError(f"overlap must lie in [0, 1), got {overlap}")
    stride = max(1, int(patch * (1 - overlap)))
    count = ceil((size - patch) / stride) + 1
    return [round(index * (size - patch) / max(1, count - 1)) for index in range(count)]


def patch_corners(shape: Size3, patch_size: Size3, overlap: float) -> Iterator[Size3]:
    """Yield the first voxel of every patch over an image, in C order."""
    i, j, k = (
        patch_starts(size, patch, overlap) for size, patch in zip(shape, patch_size, strict=True)
    )
    yield from product(i, j, k)


def blend_window(patch_size: Size3) -> NDArray[np.float32]:
    """Weights that trust a patch's centre more than its border.

    A Gaussian with a standard deviation of one eighth of the patch, as (I, J, K)
    float32. Every weight is above 0, so no voxel is ever divided by nothing.
    """
    window = np.ones((1, 1, 1), np.float64)
    for axis, size in enumerate(patch_size):
        offset = (np.arange(size) - (size - 1) / 2) / (size * _SIGMA_FRACTION)
        shape = [1, 1, 1]
        shape[axis] = size
        window = window * np.exp(-0.5 * offset**2).reshape(shape)
    return np.asarray(window, dtype=np.float32)


class Stitcher:
    """Blend overlapping patches into one image.

    Parameters
    ----------
    shape : (int, int, int)
        The image.
    window : (I, J, K) float32
        Weights of a patch, all above 0.
    """

    def __init__(self, shape: Size3, window: NDArray[np.float32]) -> None:
        self._window = window
        self._sum = np.zeros(shape, np.float32)
        self._weight = np.zeros(shape, np.float32)

    def add(self, patch: NDArray[np.float32], corner: Size3) -> None:
        """Add one patch, (I, J, K) float32, at its first voxel."""
        where = tuple(
            slice(start, start + size)
            for start, size in zip(corner, self._window.shape, strict=True)
        )
        self._sum[where] += patch * self._window
        self._weight[where] += self._window

    def result(self) -> NDArray[np.float32]:
        """Return the blended image, (I, J, K) float32; 0 where no patch was added."""
        return np.divide(
            self._sum, self._weight, out=np.zeros_like(self._sum), where=self._weight > 0
        )


def pad_to_patch(image: NDArray[np.float32], patch_size: Size3) -> NDArray[np.float32]:
    """Extend (C, I, J, K) by zeros at the far end of axes shorter than a patch."""
    short = [max(0, patch - size) for patch, size in zip(patch_size, image.shape[1:], strict=True)]
    return np.pad(image, [(0, 0), *((0, missing) for missing in short)]) if any(short) else image
