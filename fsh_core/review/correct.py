"""Voxels that a lesion would gain or lose at a click or a scribble; nothing is changed here.

How lesion-like a voxel is goes by the scan and by the probability together. Both are scaled so
that 0 is the tissue around and 1 the middle of the lesion, and their mean is taken. From the
click a front runs through voxels that are alike, in 3-D, by the shortest way (Dijkstra's
algorithm, `skimage.graph.MCP_Geometric`), and stops after `REACH_MM`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.draw import line_nd
from skimage.graph import MCP_Geometric

from fsh_core.errors import InputError
from fsh_core.review.edits import Voxel
from fsh_core.volume.boxes import Box, box_of_voxels, first_voxel, voxels_across, widen
from fsh_core.volume.components import label_components

GROW, SHRINK = "grow", "shrink"
"""What the journal calls the two; see `fsh_core.review.events.ReviewEvent.tool`."""

REACH_MM = 5.0
"""How far from the click a lesion is corrected, in mm along the way through alike voxels."""
SURROUNDINGS_MM = 15.0
"""How far from the click tissue and lesion are looked at."""
SIMILAR = 0.8
"""Part of the clicked voxels' likeness that a voxel must have for the lesion to gain it."""
LEAST_LIKENESS = 0.1
"""What looks less like the lesion than this is the tissue around."""

_BLOCKED = -1.0  # what MCP_Geometric never enters


@dataclass(frozen=True)
class Surroundings:
    """What a correction goes by: whole arrays of one scan, and its voxel size.

    Attributes
    ----------
    labels : (I, J, K) int
        The lesions; 0 = background.
    brain : (I, J, K) bool
        Where a lesion may grow.
    intensity : (I, J, K) float32 or None
        The FLAIR; None where it is gone.
    probability : (I, J, K) float32 in [0, 1]
        Lesion probability.
    spacing_mm : three floats
        Voxel size, in mm.
    """

    labels: NDArray[np.integer]
    brain: NDArray[np.bool_]
    intensity: NDArray[np.float32] | None
    probability: NDArray[np.float32]
    spacing_mm: Sequence[float]


def voxels_along(path: Sequence[Voxel]) -> list[Voxel]:
    """Return the voxels of a scribble, without gaps, each once, from the places the mouse was at.

    Parameters
    ----------
    path : sequence of voxels
        At least one.
    """
    drawn = [path[0]]
    for start, end in pairwise(path):
        steps = line_nd(start, end, endpoint=True)
        drawn += [(int(i), int(j), int(k)) for i, j, k in zip(*steps, strict=True)]
    return list(dict.fromkeys(drawn))


def voxels_to_add(label: int, scribble: Sequence[Voxel], around: Surroundings) -> NDArray[np.int64]:
    """Grow a lesion where it was clicked.

    It gains what is nearly as lesion-like as the clicked voxels (`SIMILAR`) or more so, is brain,
    belongs to no other lesion, and is reached from there, through the lesion itself too, within
    `REACH_MM`.

    Parameters
    ----------
    label : int
        The lesion.
    scribble : sequence of voxels
        Where the mouse was.
    around : Surroundings
        The scan.

    Returns
    -------
    (N,) int64
        Flat indices (C order), ascending.

    Raises
    ------
    InputError
        If the lesion is not near, nothing there looks like it, or there is nothing to gain.
    """
    box, likeness, own = _looked_at(label, scribble, around)
    free = around.brain[box] & (around.labels[box] == 0)
    seeds = _inside(scribble, box, own | free)
    if not seeds:
        raise InputError(
            f"lesion {label} grows only in the brain and outside other lesions; click beside it"
        )
    clicked = float(np.median([likeness[seed] for seed in seeds]))
    if clicked < LEAST_LIKENESS:
        raise InputError(
            f"what was clicked looks like the tissue around lesion {label}; click a brighter "
            "spot, or paint it with the brush (P)"
        )
    alike = (own | free) & (likeness >= SIMILAR * clicked)
    reached = _reached(seeds, alike, around.spacing_mm)
    filled, _ = label_components(ndimage.binary_fill_holes(reached | own) & free)
    # Without the lesion's own holes elsewhere.
    gained = np.isin(filled, np.unique(filled[reached & free])) & (filled > 0)
    if not gained.any():
        raise InputError(
            f"lesion {label} has all there that looks like it; paint what is missing (P)"
        )
    return _flat(gained, box, around.labels.shape)


def voxels_to_remove(
    label: int, scribble: Sequence[Voxel], around: Surroundings
) -> NDArray[np.int64]:
    """Shrink a lesion where it was clicked.

    It loses what is no more lesion-like than half-way between the clicked voxels and the
    lesion's middle, and is reached from there within `REACH_MM`.

    Parameters
    ----------
    label : int
        The lesion.
    scribble : sequence of voxels
        Where the mouse was; what lies outside the lesion does not count.
    around : Surroundings
        The scan.

    Returns
    -------
    (N,) int64
        Flat indices (C order), ascending.

    Raises
    ------
    InputError
        If no click is in the lesion, or nothing of it would be left.
    """
    inside = [voxel for voxel in scribble if around.labels[voxel] == label]
    if not inside:
        raise InputError(f"lesion {label} shrinks where it was clicked; click inside it")
    box, likeness, own = _looked_at(label, inside, around)
    seeds = _inside(inside, box, own)
    clicked = float(np.median([likeness[seed] for seed in seeds]))
    middle = float(np.median(likeness[own]))
    alike = own & (likeness <= max(clicked, (clicked + middle) / 2))
    lost = _reached(seeds, alike, around.spacing_mm)
    if np.count_nonzero(lost) == np.count_nonzero(around.labels == label):
        raise InputError(
            f"nothing of lesion {label} would be left; D deletes it, the eraser (E) takes a part"
        )
    return _flat(lost, box, around.labels.shape)


def _looked_at(
    label: int, scribble: Sequence[Voxel], around: Surroundings
) -> tuple[Box, NDArray[np.float64], NDArray[np.bool_]]:
    """Return a box around the scribble, how lesion-like its voxels are, and which are lesion."""
    shape = around.labels.shape
    flat = np.ravel_multi_index(tuple(np.transpose(scribble)), shape)
    margin = voxels_across(SURROUNDINGS_MM, around.spacing_mm)
    box = widen(box_of_voxels(flat, shape), margin, shape)
    own = around.labels[box] == label
    if not own.any():
        raise InputError(
            f"lesion {label} is more than {SURROUNDINGS_MM:.0f} mm from the click; click nearer to "
            "it, or select the lesion that is meant"
        )
    tissue = around.brain[box] & (around.labels[box] == 0)
    scaled = [
        _scaled(values[box], own, tissue)
        for values in (around.intensity, around.probability)
        if values is not None
    ]
    known = [values for values in scaled if values is not None]
    if not known:
        raise InputError(
            f"lesion {label} differs from its surroundings neither in the scan nor in the "
            "probability; correct it with brush (P) and eraser (E)"
        )
    return box, np.mean(known, axis=0), own


def _scaled(
    values: NDArray[np.float32], own: NDArray[np.bool_], tissue: NDArray[np.bool_]
) -> NDArray[np.float64] | None:
    """Scale to 0 in the tissue around and 1 in the lesion; None where they do not differ."""
    middle = float(np.median(values[own]))
    outside = float(np.median(values[tissue])) if tissue.any() else middle
    if middle <= outside:
        return None
    return np.clip((values.astype(np.float64) - outside) / (middle - outside), 0, 1)


def _inside(scribble: Sequence[Voxel], box: Box, domain: NDArray[np.bool_]) -> list[Voxel]:
    """Return the voxels of a scribble that are in a domain, as indices into the box."""
    here = [np.subtract(voxel, first_voxel(box)).tolist() for voxel in scribble]
    return [(i, j, k) for i, j, k in here if domain[i, j, k]]


def _reached(
    seeds: Sequence[Voxel], alike: NDArray[np.bool_], spacing_mm: Sequence[float]
) -> NDArray[np.bool_]:
    """Voxels that a way of at most `REACH_MM` through alike ones leads to, with the seeds."""
    open_ways = alike.copy()
    open_ways[tuple(np.transpose(seeds))] = True
    costs = np.where(open_ways, 1.0, _BLOCKED)
    ways_mm, _ = MCP_Geometric(costs, sampling=tuple(spacing_mm)).find_costs(seeds)
    return np.asarray(ways_mm <= REACH_MM)


def _flat(mask: NDArray[np.bool_], box: Box, shape: Sequence[int]) -> NDArray[np.int64]:
    """Return the flat indices in the whole array of a mask in a box."""
    places = np.argwhere(mask) + first_voxel(box)
    return np.sort(np.ravel_multi_index(tuple(places.T), tuple(shape))).astype(np.int64)
