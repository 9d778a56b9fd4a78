"""Longest diameters of a lesion, from face to face of its voxels."""

from dataclasses import dataclass

import numpy as np
from nibabel.orientations import io_orientation
from numpy.typing import NDArray
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist

_MM_DECIMALS = 6  # of a length: of equal ones the first counts, whatever rounding makes of them
_SUPERIOR = 2  # of R, A and S


@dataclass(frozen=True)
class Diameter:
    """A straight line from one face of a lesion to another.

    Attributes
    ----------
    mm : float
        Its length.
    ends : (2, 3) float64
        Where it begins and ends, in voxels counted from 0.
    """

    mm: float
    ends: NDArray[np.float64]


def longest_diameter(inside: NDArray[np.bool_], affine: NDArray[np.float64]) -> Diameter:
    """Largest Feret diameter: the longest line between the centres of two voxel faces.

    A row of voxels is as long as all of them together, a single voxel of 1 mm measures 1 mm. The
    two ends are corners of the convex hull (Barber et al., ACM Transactions on Mathematical
    Software 1996, doi 10.1145/235815.235821).

    Parameters
    ----------
    inside : (I, J, K) bool
        The lesion, with at least one voxel.
    affine : (4, 4) float64
        Voxel indices to mm.

    Raises
    ------
    ValueError
        If there is no voxel.
    """
    if not inside.any():
        raise ValueError("a lesion must have at least one voxel, got none")
    return _longest(_faces(inside, axes=(0, 1, 2)), affine[:3, :3])


def longest_axial_diameter(inside: NDArray[np.bool_], affine: NDArray[np.float64]) -> Diameter:
    """Longest diameter that lies in one axial slice; see `longest_diameter`.

    Axial is across the file's axis that is nearest to inferior-superior, also where a scan is
    oblique. Of slices with the same diameter the first counts.

    Parameters
    ----------
    inside, affine
        As of `longest_diameter`.

    Raises
    ------
    ValueError
        If there is no voxel.
    """
    through = [int(axis) for axis, _ in io_orientation(affine)].index(_SUPERIOR)
    within = tuple(axis for axis in range(3) if axis != through)
    found: Diameter | None = None
    for position in range(inside.shape[through]):
        one = np.take(inside, [position], axis=through)
        if one.any():
            faces = _faces(one, within)
            faces[:, through] = position
            longest = _longest(faces, affine[:3, :3], within)
            if found is None or longest.mm > found.mm:
                found = longest
    if found is None:
        raise ValueError("a lesion must have at least one voxel, got none")
    return found


def _faces(inside: NDArray[np.bool_], axes: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the centres of outer faces, (N, 3), in voxels.

    Of every line of voxels along an axis the first and the last face: all others lie between.
    """
    found = []
    for axis in axes:
        size = inside.shape[axis]
        lines = np.argwhere(inside.any(axis=axis))
        along = np.moveaxis(inside, axis, -1)[tuple(lines.T)]
        first, last = along.argmax(axis=1), size - 1 - along[:, ::-1].argmax(axis=1)
        for place in (first - 1 / 2, last + 1 / 2):
            found.append(np.insert(lines.astype(np.float64), axis, place, axis=1))
    return np.unique(np.concatenate(found), axis=0)


def _longest(
    points: NDArray[np.float64], to_mm: NDArray[np.float64], axes: tuple[int, ...] = (0, 1, 2)
) -> Diameter:
    """Return the longest line between two points; faces always span the axes that are named."""
    corners = points[np.sort(ConvexHull(points[:, axes]).vertices)]
    lengths = np.round(pdist(corners @ to_mm.T), _MM_DECIMALS)
    longest = int(np.argmax(lengths))
    one, two = np.triu_indices(len(corners), 1)
    return Diameter(float(lengths[longest]), corners[[one[longest], two[longest]]])
