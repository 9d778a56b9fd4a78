"""Filling a lesion between the slices in which it was painted, by its shape there.

Shape-based interpolation: Raya SP, Udupa JK. Shape-based interpolation of multidimensional
objects. IEEE Trans Med Imaging 1990;9(1):32-42, doi:10.1109/42.52980. The outlines are laid over
each other by their centroids first, so that a lesion that runs obliquely is not cut through.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from fsh_core.errors import InputError
from fsh_core.volume.boxes import bounding_box

BETWEEN_SLICES = "fill between slices"
"""What the journal calls it; see `fsh_core.review.events.ReviewEvent.tool`."""


def fill_between_slices(mask: NDArray[np.bool_], spacing_mm: Sequence[float]) -> NDArray[np.bool_]:
    """Fill the slices that were left out between those in which a lesion is painted.

    The slices are those of the axis along which some are left out; of several such axes, the one
    along which the fewest are painted.

    Parameters
    ----------
    mask : (I, J, K) bool
        The lesion.
    spacing_mm : three floats
        Voxel size, in mm.

    Returns
    -------
    (I, J, K) bool
        What is added: the slices between, without those that are painted.

    Raises
    ------
    InputError
        If no slice is left out.
    """
    axis = _axis_of_gaps(mask)
    if axis is None:
        raise InputError(
            "no slice is left out between those in which the lesion is painted; paint it in some "
            "slices of one plane, and leave out those between"
        )
    added = np.zeros(mask.shape, dtype=bool)
    # What is found lies between the outlines: their box holds it.
    box = bounding_box(mask)
    stack, found = np.moveaxis(mask[box], axis, 0), np.moveaxis(added[box], axis, 0)
    in_plane_mm = [size for place, size in enumerate(spacing_mm) if place != axis]
    painted = np.flatnonzero(stack.any(axis=(1, 2)))
    for first, last in pairwise(painted.tolist()):
        for place in range(first + 1, last):
            part = (place - first) / (last - first)
            found[place] = _between(stack[first], stack[last], part, in_plane_mm)
    return added


def _axis_of_gaps(mask: NDArray[np.bool_]) -> int | None:
    """Return the axis along which slices are left out; None if there is none."""
    painted = {}
    for axis in range(mask.ndim):
        others = tuple(other for other in range(mask.ndim) if other != axis)
        places = np.flatnonzero(mask.any(axis=others))
        if places.size and places[-1] - places[0] + 1 > places.size:
            painted[axis] = places.size
    return min(painted, key=lambda axis: painted[axis], default=None)


def _between(
    first: NDArray[np.bool_], last: NDArray[np.bool_], part: float, spacing_mm: Sequence[float]
) -> NDArray[np.bool_]:
    """Return the outline at a part of the way from one slice to another."""
    depth = np.zeros(first.shape)
    centres = [np.argwhere(outline).mean(axis=0) for outline in (first, last)]
    centre = (1 - part) * centres[0] + part * centres[1]
    for outline, own, weight in zip((first, last), centres, (1 - part, part), strict=True):
        moved = ndimage.shift(_depth_mm(outline, spacing_mm), centre - own, order=1, mode="nearest")
        depth += weight * moved
    return np.asarray(depth > 0)


def _depth_mm(outline: NDArray[np.bool_], spacing_mm: Sequence[float]) -> NDArray[np.float64]:
    """Distance to the outline, in mm: positive inside, negative outside."""
    padded = np.pad(outline, 1)  # beyond the box is outside
    inside = ndimage.distance_transform_edt(padded, sampling=spacing_mm)
    outside = ndimage.distance_transform_edt(~padded, sampling=spacing_mm)
    return np.asarray(inside - outside)[1:-1, 1:-1]
