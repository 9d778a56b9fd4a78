"""Bounding boxes: the smallest part of an array that holds a mask, and the same with a margin.

A box is a tuple of three slices with explicit starts and stops, so that it indexes an array and
can be calculated with. It always lies within the array. The bounding box of an empty mask holds
no voxel, and a margin does not change that.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from fsh_core.volume.volume import Volume

Box = tuple[slice, slice, slice]
"""A part of an array, from its first to before its last voxel along each axis."""


def bounding_box(mask: NDArray[np.bool_], margin_voxels: Sequence[int] = (0, 0, 0)) -> Box:
    """Return the smallest box that holds a mask, with a margin, cut off at the array's border.

    Parameters
    ----------
    mask : (I, J, K) bool
        What the box is to hold.
    margin_voxels : three ints
        How much more to take on both sides of each axis, see `voxels_across` for mm.

    Returns
    -------
    Box
        Without a voxel, with a margin too, if the mask is empty.
    """
    columns = np.asarray(mask.any(axis=2))  # used twice: two passes over the mask, not three
    sides = []
    for along in (columns.any(axis=1), columns.any(axis=0), mask.any(axis=(0, 1))):
        used = np.flatnonzero(along)
        if used.size == 0:
            return slice(0, 0), slice(0, 0), slice(0, 0)
        sides.append(slice(int(used[0]), int(used[-1]) + 1))
    return widen((sides[0], sides[1], sides[2]), margin_voxels, mask.shape)


def label_boxes(labels: NDArray[np.integer]) -> dict[int, Box]:
    """Return the bounding box of each label, in the order of the labels.

    Parameters
    ----------
    labels : (I, J, K) int
        0 = background; numbers need not be consecutive.

    Returns
    -------
    dict of int to Box
        Numbers without a voxel are left out.
    """
    found = enumerate(ndimage.find_objects(labels), start=1)
    return {label: box for label, box in found if box is not None}


def widen(box: Box, margin_voxels: Sequence[int], shape: Sequence[int]) -> Box:
    """Return a box with a margin on both sides of each axis, as far as the array goes.

    Parameters
    ----------
    box : Box
        Within the array.
    margin_voxels : three ints
        Margin along each axis.
    shape : three ints
        Shape of the array.

    Returns
    -------
    Box
        A box without a voxel stays as it is.
    """
    if is_empty(box):
        return box
    sides = [
        slice(max(0, side.start - margin), min(size, side.stop + margin))
        for side, margin, size in zip(box, margin_voxels, shape, strict=True)
    ]
    return sides[0], sides[1], sides[2]


def voxels_across(distance_mm: float, spacing_mm: Sequence[float]) -> tuple[int, int, int]:
    """Return how many voxels hold a distance along each axis, rounded up.

    Parameters
    ----------
    distance_mm : float
        In mm.
    spacing_mm : three floats
        Voxel size, in mm.

    Returns
    -------
    tuple of 3 int
    """
    voxels = [int(np.ceil(distance_mm / spacing)) for spacing in spacing_mm]
    return voxels[0], voxels[1], voxels[2]


def box_at(first: Sequence[int] | NDArray[np.integer], shape: Sequence[int]) -> Box:
    """Return the box of a given shape whose first voxel is given.

    Parameters
    ----------
    first : (3,) int
        Its first voxel, inside the array.
    shape : three ints
        Its size in voxels, none of them beyond the array.

    Returns
    -------
    Box
    """
    sides = [slice(int(start), int(start) + size) for start, size in zip(first, shape, strict=True)]
    return sides[0], sides[1], sides[2]


def whole_box(shape: Sequence[int]) -> Box:
    """Return the box that holds all of an array."""
    i, j, k = shape
    return slice(0, i), slice(0, j), slice(0, k)


def box_of_voxels(voxels: NDArray[np.int64], shape: Sequence[int]) -> Box:
    """Return the smallest box that holds some voxels.

    Parameters
    ----------
    voxels : (N,) int
        Flat indices (C order), at least one.
    shape : three ints
        Shape of the array.

    Returns
    -------
    Box
    """
    sides = [
        slice(int(places.min()), int(places.max()) + 1)
        for places in np.unravel_index(voxels, tuple(shape))
    ]
    return sides[0], sides[1], sides[2]


def joined(one: Box, other: Box) -> Box:
    """Return the smallest box that holds two boxes, neither of them empty."""
    sides = [
        slice(min(a.start, b.start), max(a.stop, b.stop)) for a, b in zip(one, other, strict=True)
    ]
    return sides[0], sides[1], sides[2]


def is_empty(box: Box) -> bool:
    """Whether a box holds no voxel."""
    return any(side.stop <= side.start for side in box)


def touches_border(box: Box, shape: Sequence[int]) -> bool:
    """Whether a box that is not empty reaches the edge of an array."""
    return not is_empty(box) and any(
        side.start == 0 or side.stop == size for side, size in zip(box, shape, strict=True)
    )


def first_voxel(box: Box) -> NDArray[np.intp]:
    """Return the first voxel of a box, (3,): what is added to voxels inside it."""
    return np.array([side.start for side in box], dtype=np.intp)


def crop(volume: Volume, box: Box) -> Volume:
    """Cut a box out of a volume; every voxel keeps its world coordinates.

    Parameters
    ----------
    volume : Volume
        (I, J, K), any voxels.
    box : Box
        Within it.

    Returns
    -------
    Volume
        A view of the box's voxels, without the header, which describes the whole file.
    """
    affine = volume.affine.copy()
    affine[:3, 3] += affine[:3, :3] @ first_voxel(box)
    return Volume(volume.data[box], affine)
