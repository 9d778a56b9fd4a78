"""Where two visits differ, and which lesion each such place belongs to."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from fsh_core.tracking.config import TrackConfig
from fsh_core.tracking.difference import Difference
from fsh_core.tracking.halfway import Halfway, resample_to
from fsh_core.tracking.visit import Visit
from fsh_core.volume.components import label_components

REACH_VOXELS = 3
"""A place that changed belongs to a lesion so near that it can be reached through such places."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class ChangedPlaces:
    """Lesions and changed voxels of two visits, in the half-way space (I, J, K).

    Attributes
    ----------
    before, after : (I, J, K) bool
        The lesions of the first and of the second visit.
    brighter, darker : (I, J, K) bool
        Voxels that changed, where a lesion may be.
    owner : (I, J, K) int32
        Which group of lesions a voxel belongs to; 0 = none.
    loose : (I, J, K) int32
        Changed places that no group has reached; 0 = none.
    """

    before: Mask
    after: Mask
    brighter: Mask
    darker: Mask
    owner: NDArray[np.int32]
    loose: NDArray[np.int32]


def find_changed_places(
    halfway: Halfway,
    visits: tuple[Visit, Visit],
    groups: tuple[NDArray[np.int32], NDArray[np.int32]],
    difference: Difference,
    config: TrackConfig,
) -> ChangedPlaces:
    """Give every changed voxel to the lesions that it touches.

    Parameters
    ----------
    halfway : Halfway
        The space.
    visits : (Visit, Visit)
        The visits.
    groups : pair of (n,) int32
        For each label of a visit the number of its group, counted from 1; element 0 is 0.
    difference : Difference
        From `fsh_core.tracking.difference.find_difference`.
    config : TrackConfig
        How much is a change, and where it is looked for.
    """
    to_visits = (halfway.to_first, halfway.to_second)
    owners = [
        _owners(halfway, visit, to_visit, group)
        for visit, to_visit, group in zip(visits, to_visits, groups, strict=True)
    ]
    # Where a lesion may be: probable enough in the visit in which it is the brighter.
    possible = [
        _possible(halfway, visit, to_visit, owner > 0, config)
        for visit, to_visit, owner in zip(visits, to_visits, owners, strict=True)
    ]
    brighter = (difference.sd >= config.difference_sd) & possible[1]
    darker = (difference.sd <= -config.difference_sd) & possible[0]
    owner = _joined(owners[0], owners[1])
    changed = brighter | darker
    for _ in range(REACH_VOXELS):
        reached = ndimage.maximum_filter(owner, size=3)
        owner = np.where((owner == 0) & changed, reached, owner)
    loose, _ = label_components(changed & (owner == 0))
    return ChangedPlaces(owners[0] > 0, owners[1] > 0, brighter, darker, owner, loose)


def _joined(first: NDArray[np.int32], second: NDArray[np.int32]) -> NDArray[np.int32]:
    """Join the groups of both visits; where two meet, the smaller one has the voxel.

    So no lesion vanishes under a neighbour that it is not linked with.
    """
    sizes = np.bincount(first.ravel(), minlength=int(second.max(initial=0)) + 1)
    other = np.bincount(second.ravel(), minlength=len(sizes))
    sizes = other + np.pad(sizes, (0, len(other) - len(sizes)))
    both = (first > 0) & (second > 0)
    take_first = (first > 0) & (~both | (sizes[first] < sizes[second]))
    joined = np.where(take_first, first, second)
    for lost in np.setdiff1d(np.union1d(first, second), joined):  # under several others
        joined[(first == lost) | (second == lost)] = lost
    return joined


def _owners(
    halfway: Halfway, visit: Visit, to_visit: NDArray[np.float64], groups: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Bring the groups of a visit's lesions into the half-way space, none of them lost."""
    own = np.asarray(groups, dtype=np.int32)[visit.labels]
    owner = resample_to(halfway, visit.flair, to_visit, own).astype(np.int32)
    voxels = np.argwhere(own)
    if len(voxels):  # a voxel smaller than those of the space may lie between their centres
        to_voxels = np.linalg.inv(halfway.grid.affine) @ np.linalg.inv(to_visit)
        to_voxels = to_voxels @ visit.flair.affine
        there = np.rint(voxels @ to_voxels[:3, :3].T + to_voxels[:3, 3]).astype(int)
        inside = ((there >= 0) & (there < owner.shape)).all(axis=1)
        places = tuple(there[inside].T)
        empty = owner[places] == 0
        owner[tuple(place[empty] for place in places)] = own[tuple(voxels[inside][empty].T)]
    return owner


def _possible(
    halfway: Halfway,
    visit: Visit,
    to_visit: NDArray[np.float64],
    lesions: Mask,
    config: TrackConfig,
) -> Mask:
    """Where a lesion of a visit may reach to."""
    if visit.probability is None:
        return np.asarray(ndimage.binary_dilation(lesions, iterations=REACH_VOXELS))
    probability = resample_to(halfway, visit.flair, to_visit, visit.probability)
    return np.asarray(probability >= config.lowest_probability) | lesions


def longest_mm(mask: Mask, spacing_mm: Sequence[float]) -> float:
    """Return the largest diameter of a lesion, in mm.

    Parameters
    ----------
    mask : (I, J, K) bool
        One lesion; at least one voxel.
    spacing_mm : three floats
        Voxel size.

    Returns
    -------
    float
        The largest distance between two voxel centres, and one voxel along its shortest side: of
        a single voxel of 1 x 1 x 6 mm, 1 mm. Of lesions of more than 200 voxels, measured along
        13 directions.
    """
    points = np.argwhere(mask) * np.asarray(spacing_mm)
    if len(points) > _MOST_POINTS:  # those furthest out along the directions to the neighbours
        along = points @ _DIRECTIONS
        points = points[np.unique([along.argmin(axis=0), along.argmax(axis=0)])]
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    return float(distances.max() + min(spacing_mm))


_MOST_POINTS = 200
_DIRECTIONS = np.array(list(product((-1, 0, 1), repeat=3)), dtype=np.float64).T
