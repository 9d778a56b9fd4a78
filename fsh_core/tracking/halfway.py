"""Two visits in one space, half-way between them, so that none is preferred."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import linalg

from fsh_core.anatomy.visit_registration import register_visits
from fsh_core.tracking.visit import Visit
from fsh_core.volume.boxes import bounding_box
from fsh_core.volume.itk import grid_of, one_thread, to_itk, transform_of, voxels_of
from fsh_core.volume.volume import Volume

SPACING_MM = 1.0
_MARGIN_MM = 8.0  # around both brains
Voxels = NDArray[Any]
_EVERY = 97  # voxels of the brain of which one is looked at
_CORNERS = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)], dtype=np.float64)


@dataclass(frozen=True)
class Halfway:
    """The space half-way between two visits.

    Attributes
    ----------
    grid : Volume
        Its voxels of 1 mm, around both brains.
    first_to_second : (4, 4) float64
        World coordinates (RAS+ mm) of the first visit to those of the second.
    to_first, to_second : (4, 4) float64
        World coordinates of this space to those of each visit.
    disagreement_mm : float
        How far the registrations of the first to the second and of the second to the first lie
        apart, on average over the brain, in mm.
    """

    grid: Volume
    first_to_second: NDArray[np.float64]
    to_first: NDArray[np.float64]
    to_second: NDArray[np.float64]
    disagreement_mm: float


def find_halfway(first: Visit, second: Visit) -> Halfway:
    """Lay two visits over each other, rigidly and in the same way whichever comes first.

    The scans are registered in both directions (`register_visits`, on the brains alone, so that
    neither skull nor neck count); the mean of one and the inverse of the other, on the shortest
    way between the two movements, is inverse-consistent (Reuter et al., NeuroImage 2012, doi
    10.1016/j.neuroimage.2012.02.084, of whom the half-way space is taken too).

    Raises
    ------
    InputError
        If the scans have nothing in common.
    """
    scans = [
        visit.flair.with_data(np.where(visit.brain, visit.flair.data, np.float32(0)))
        for visit in (first, second)
    ]
    there, back = register_visits(*scans), register_visits(*reversed(scans))
    apart = inverse_of(there) @ inverse_of(back)
    mean = np.asarray(there @ _root(apart), dtype=np.float64)
    half = _root(mean)
    to_first, to_second = inverse_of(half), half
    some = np.argwhere(first.brain)[::_EVERY]
    world = np.c_[some, np.ones(len(some))] @ first.flair.affine.T
    disagreement = np.linalg.norm((world @ (apart - np.eye(4)).T)[:, :3], axis=1).mean()
    grid = _grid((first, second), (to_first, to_second))
    return Halfway(grid, mean, to_first, to_second, float(disagreement))


def resample_to(
    halfway: Halfway, visit: Volume, to_visit: NDArray[np.float64], data: Voxels
) -> Voxels:
    """Bring voxels of a visit into the half-way space; once, and never again.

    Parameters
    ----------
    halfway : Halfway
        The space.
    visit : Volume
        The grid that ``data`` lies on.
    to_visit : (4, 4) float64
        World coordinates of the space to those of the visit.
    data : (I', J', K') array
        float is interpolated linearly, whole numbers and masks by the nearest voxel.

    Returns
    -------
    (I, J, K) array
        On ``halfway.grid``; 0 outside the scan.
    """
    return resample_by(visit.with_data(data), halfway.grid, to_visit)


def resample_from(
    halfway: Halfway, data: Voxels, visit: Volume, to_visit: NDArray[np.float64]
) -> Voxels:
    """Bring voxels of the half-way space to the grid of a visit; the other way of `resample_to`.

    Parameters
    ----------
    halfway : Halfway
        The space that ``data`` lies in.
    data : (I, J, K) array
        float is interpolated linearly, whole numbers and masks by the nearest voxel.
    visit : Volume
        The grid that is wanted.
    to_visit : (4, 4) float64
        World coordinates of the space to those of the visit.
    """
    return resample_by(halfway.grid.with_data(data), visit, inverse_of(to_visit))


def resample_by(volume: Volume, grid: Volume, matrix: NDArray[np.float64]) -> Voxels:
    """Resample a volume to a grid, whose world a matrix maps to the volume's.

    Parameters
    ----------
    volume : Volume
        float is interpolated linearly, whole numbers and masks by the nearest voxel.
    grid : Volume
        The grid that is wanted.
    matrix : (4, 4) float64
        World coordinates (RAS+ mm) of the grid to those of the volume.
    """
    is_whole = volume.data.dtype.kind != "f"
    kind = sitk.sitkNearestNeighbor if is_whole else sitk.sitkLinear
    with one_thread():
        moved = sitk.Resample(to_itk(volume), grid_of(grid), transform_of(matrix), kind, 0)
    return voxels_of(moved)


def inverse_of(movement: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the movement back, (4, 4)."""
    return np.asarray(np.linalg.inv(movement), dtype=np.float64)


def _root(movement: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the movement that, done twice, is this one."""
    return np.asarray(np.real(linalg.sqrtm(movement)), dtype=np.float64)


def _grid(visits: tuple[Visit, Visit], to_visits: tuple[NDArray[np.float64], ...]) -> Volume:
    """Voxels of 1 mm along R, A and S, around both brains and all lesions."""
    corners = []
    for visit, to_visit in zip(visits, to_visits, strict=True):
        box = bounding_box(visit.brain | (visit.labels > 0))
        low = np.array([side.start for side in box]) - 0.5
        high = np.array([side.stop for side in box]) - 0.5
        voxels = np.c_[low + _CORNERS * (high - low), np.ones(len(_CORNERS))]
        corners.append((voxels @ (np.linalg.inv(to_visit) @ visit.flair.affine).T)[:, :3])
    world = np.concatenate(corners)
    start = np.floor(world.min(axis=0) - _MARGIN_MM)
    size = np.ceil((world.max(axis=0) + _MARGIN_MM - start) / SPACING_MM).astype(int) + 1
    affine = np.diag([SPACING_MM, SPACING_MM, SPACING_MM, 1.0])
    affine[:3, 3] = start
    return Volume(np.zeros(size, dtype=np.uint8), affine)
