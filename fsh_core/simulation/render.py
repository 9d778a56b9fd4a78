"""One lesion, turned, scaled and bent, on the grid of a target scan."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from fsh_core.simulation.shape_bank import Shape

_LARGEST_TURN_DEGREES = 20.0
_LARGEST_SCALE = np.log(1.25)  # of the logarithm: 0.8 to 1.25
_BEND_FRACTION = 0.08  # of the lesion's size
_LARGEST_BEND_MM = 2.0
_SHORTEST_WAVE_MM = 4.0
_WAVES_PER_SIZE = 1.5  # length of the bending wave over the lesion's size
_FINE_MM = 1.2  # voxels larger than this are sampled several times
_THINNEST_SLICES = 0.85  # less than half a slice would be in no voxel of the truth


@dataclass(frozen=True)
class Rendered:
    """A lesion on a grid.

    Attributes
    ----------
    fraction : (A, B, C) float32 in [0, 1]
        Share of each voxel that is lesion, on a grid with the target's voxel size.
    centre : (3,) float64
        The lesion's middle in that grid, in voxels.
    """

    fraction: NDArray[np.float32]
    centre: NDArray[np.float64]


def render(
    shape: Shape,
    spacing_mm: tuple[float, float, float],
    slice_mm: tuple[float, float, float],
    mirror: bool,
    rng: np.random.Generator,
) -> Rendered:
    """Turn, scale and bend a lesion, and average it over the target's voxels and slices.

    A lesion thinner than 0.85 of the target's slices is stretched to that along them:
    otherwise half of the lesions of a thin-slice donor would be in no voxel of the truth.

    Parameters
    ----------
    shape : Shape
        The lesion; its axes are the target's.
    spacing_mm : tuple of 3 float
        Voxel size of the target's grid.
    slice_mm : tuple of 3 float
        Voxel size with which the target was acquired: larger where it was resampled since.
    mirror : bool
        Whether to swap right and left first.
    rng : Generator
        Where chance comes from.

    Returns
    -------
    Rendered
        On a grid of its own with the target's voxel size.
    """
    turn = Rotation.from_euler(
        "xyz", rng.uniform(-_LARGEST_TURN_DEGREES, _LARGEST_TURN_DEGREES, 3), degrees=True
    )
    matrix = turn.as_matrix() * np.exp(rng.uniform(-_LARGEST_SCALE, _LARGEST_SCALE, 3))
    half_mm = np.asarray(shape.voxels.shape) * shape.spacing_mm / 2
    extent_mm = np.abs(matrix) @ half_mm  # from the middle to the sides of the turned box
    stretch = np.maximum(1.0, _THINNEST_SLICES * np.asarray(slice_mm) / (2 * extent_mm))
    matrix = stretch[:, None] * matrix
    bend_mm = min(_LARGEST_BEND_MM, _BEND_FRACTION * 2 * float(half_mm.max())) * rng.uniform(0, 1)
    extent_mm = stretch * extent_mm + bend_mm

    samples = [max(1, int(np.ceil(spacing / _FINE_MM))) for spacing in spacing_mm]
    size = [
        2 * int(np.ceil(extent / spacing)) + 1
        for extent, spacing in zip(extent_mm, spacing_mm, strict=True)
    ]
    # The middle of the lesion lies anywhere in a voxel, but in the middle of a thick slice.
    offset = rng.uniform(-0.5, 0.5, 3) * [count == 1 for count in samples]
    centre = (np.asarray(size) - 1) / 2 + offset
    axes = [
        ((np.arange(length * count) + 0.5) / count - 0.5 - middle) * spacing
        for length, count, middle, spacing in zip(size, samples, centre, spacing_mm, strict=True)
    ]
    points = np.stack(np.meshgrid(*axes, indexing="ij")).astype(np.float32)
    points += _bend(points, bend_mm, 2 * float(half_mm.max()), rng)
    sampled = np.tensordot(np.linalg.inv(matrix).astype(np.float32), points, axes=1)
    sampled /= np.asarray(shape.spacing_mm, np.float32)[:, None, None, None]
    sampled += ((np.asarray(shape.voxels.shape, np.float32) - 1) / 2)[:, None, None, None]
    voxels = shape.voxels[::-1] if mirror else shape.voxels
    fine = ndimage.map_coordinates(
        voxels.astype(np.float32), sampled, order=1, mode="grid-constant"
    )
    i, j, k = size
    blocks = fine.reshape(i, samples[0], j, samples[1], k, samples[2])
    return _in_slices(
        Rendered(blocks.mean(axis=(1, 3, 5), dtype=np.float32), centre), spacing_mm, slice_mm
    )


def _in_slices(
    rendered: Rendered, spacing_mm: tuple[float, float, float], slice_mm: tuple[float, float, float]
) -> Rendered:
    """Average over slices thicker than the voxels of the grid."""
    fraction, centre = rendered.fraction, rendered.centre
    for axis, (slice_, spacing) in enumerate(zip(slice_mm, spacing_mm, strict=True)):
        voxels = round(slice_ / spacing)
        if voxels > 1:
            margin = [(voxels // 2, voxels // 2) if other == axis else (0, 0) for other in range(3)]
            fraction = ndimage.uniform_filter1d(
                np.pad(fraction, margin), voxels, axis=axis, mode="constant"
            )
            centre = centre + [voxels // 2 if other == axis else 0 for other in range(3)]
    return Rendered(fraction, centre)


def _bend(
    points: NDArray[np.float32], size_mm: float, lesion_mm: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Draw a smooth displacement, (3, ...) in mm: a wave of its own direction along each axis."""
    waves = rng.standard_normal((3, 3))
    length_mm = max(_SHORTEST_WAVE_MM, _WAVES_PER_SIZE * lesion_mm)
    waves *= 2 * np.pi / (length_mm * np.linalg.norm(waves, axis=1, keepdims=True))
    phases = rng.uniform(0, 2 * np.pi, (3, 1, 1, 1))
    return np.asarray(
        size_mm * np.sin(np.tensordot(waves, points, axes=1) + phases), dtype=np.float32
    )
