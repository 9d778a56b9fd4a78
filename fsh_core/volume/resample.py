"""Resampling to voxels of another size, and back."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from fsh_core.volume.boxes import Box
from fsh_core.volume.volume import Volume

_NEAR_ENOUGH_FRACTION = 0.01  # of the spacing: to interpolate for less would only blur
_ROUNDING = 1e-6  # of a voxel, left by the inverse of an affine


def resample(volume: Volume, spacing_mm: float) -> Volume:
    """Resample to isotropic voxels along the volume's own axes.

    Linear interpolation where voxels shrink, and a triangle as wide as the new voxel
    where they grow, so that nothing aliases. An axis already within 1 % of the
    spacing is left as it is.

    Parameters
    ----------
    volume : Volume
        Any voxels; bool counts as 0 and 1.
    spacing_mm : float
        The new voxel size, in mm.

    Returns
    -------
    Volume
        float32, covering the same extent.
    """
    data = volume.data.astype(np.float32)
    affine = volume.affine.copy()
    for axis, (size, spacing) in enumerate(zip(volume.shape, volume.spacing_mm, strict=True)):
        if abs(spacing / spacing_mm - 1) < _NEAR_ENOUGH_FRACTION:
            continue
        new_size = max(1, round(size * spacing / spacing_mm))
        weights, start, step = _linear_weights(size, new_size, spacing_mm / spacing)
        data = _apply_along(data, weights, axis)
        affine[:3, 3] += volume.affine[:3, axis] * start
        affine[:3, axis] *= step
    return Volume(data, affine, volume.header)


def resample_like(data: NDArray[np.float32], volume: Volume, like: Volume) -> NDArray[np.float32]:
    """Resample ``data`` from the grid of a resampled ``volume`` back to that of ``like``.

    Linear interpolation at the voxel centres of ``like``: the inverse of `resample`
    for maps that vary slowly, and exactly the identity where no axis was changed.

    Parameters
    ----------
    data : (I, J, K) float32
        Voxels on the grid of ``volume``.
    volume : Volume
        The result of ``resample(like, ...)``.
    like : Volume
        The volume before resampling.

    Returns
    -------
    (I', J', K') float32
        Voxels on the grid of ``like``.
    """
    whole = tuple(slice(0, size) for size in data.shape)
    return resample_back(data, (whole[0], whole[1], whole[2]), volume, like.shape, like.affine)[0]


def resample_back(
    data: NDArray[np.float32],
    crop: Box,
    volume: Volume,
    shape: Sequence[int],
    affine: NDArray[np.float64],
) -> tuple[NDArray[np.float32], Box]:
    """Resample a part of a resampled ``volume`` back; what is around the part counts as 0.

    As `resample_like`, to the bit, without ever holding the air around a head.

    Parameters
    ----------
    data : (I, J, K) float32
        Voxels of the part.
    crop : Box
        Where the part lies in ``volume``.
    volume : Volume
        The result of `resample`; its grid alone is read.
    shape, affine : three ints, (4, 4) float
        Of the grid before resampling.

    Returns
    -------
    found : (I', J', K') float32
        Voxels of a part of that grid.
    box : Box
        Where the part lies in it; 0 is outside.
    """
    inverse = np.linalg.inv(volume.affine) @ affine
    sides = list(crop)
    for axis, size in enumerate(shape):
        start, step = float(inverse[axis, 3]), float(inverse[axis, axis])
        if size == volume.shape[axis] and np.allclose(
            (start, step), (0, 1), rtol=0, atol=_ROUNDING
        ):
            continue
        positions = start + step * np.arange(size)
        weights = _triangle(positions, volume.shape[axis], 1.0)[:, crop[axis]]
        used = np.flatnonzero(weights.any(axis=1))
        first, after = (int(used[0]), int(used[-1]) + 1) if used.size else (0, 0)
        sides[axis] = slice(first, after)
        data = _apply_along(data, weights[first:after], axis)
    return data, (sides[0], sides[1], sides[2])


def block_means(data: NDArray[Any], steps: Sequence[int]) -> NDArray[np.float32]:
    """Average blocks of voxels.

    Parameters
    ----------
    data : (I, J, K) array
        Any numbers; bool counts as 0 and 1.
    steps : three ints
        Size of a block, in voxels.

    Returns
    -------
    (I', J', K') float32
        One voxel a block; an incomplete last block is filled up with copies of the border.
    """
    missing = [(0, -size % step) for size, step in zip(data.shape, steps, strict=True)]
    padded = np.pad(data, missing, mode="edge")
    i, j, k = padded.shape
    a, b, c = steps
    blocks = padded.reshape(i // a, a, j // b, b, k // c, c)
    return np.asarray(blocks.mean(axis=(1, 3, 5), dtype=np.float32))


def _linear_weights(
    size: int, new_size: int, step: float
) -> tuple[NDArray[np.float32], float, float]:
    """Weights (new_size, size) from old to new voxels centred on the same extent."""
    start = (size - 1 - (new_size - 1) * step) / 2
    positions = start + step * np.arange(new_size)
    return _triangle(positions, size, max(1.0, step)), start, step


def _triangle(positions: NDArray[np.floating[Any]], size: int, width: float) -> NDArray[np.float32]:
    """Weights (len(positions), size) of a triangle of half-width ``width`` voxels."""
    inside = np.clip(positions, 0, size - 1)
    weights = np.maximum(0.0, 1.0 - np.abs(inside[:, None] - np.arange(size)[None, :]) / width)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float32)


def _apply_along(
    data: NDArray[np.float32], weights: NDArray[np.float32], axis: int
) -> NDArray[np.float32]:
    """Multiply one axis by a matrix of weights.

    As a sparse matrix: most weights are 0, and it sums in one order, where a dense product sums
    in blocks whose sizes, and so the last bits, depend on the number of threads.
    """
    along = np.moveaxis(data, axis, 0)
    columns = np.ascontiguousarray(along).reshape(len(along), -1)
    found = (sparse.csr_array(weights) @ columns).reshape(len(weights), *along.shape[1:])
    return np.ascontiguousarray(np.moveaxis(found, 0, axis))
