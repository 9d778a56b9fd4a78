"""Voxels that a split or a growing lesion would have; nothing is changed here."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.feature import peak_local_max
from skimage.segmentation import watershed

from fsh_core.errors import InputError
from fsh_core.volume.boxes import Box, bounding_box, first_voxel, voxels_across, widen
from fsh_core.volume.components import CONNECTIVITY_26, label_components

Voxel = tuple[int, int, int]

GROW_RADIUS_MM = 15.0
LEAST_PROBABILITY = 0.05
_TWO_PARTS = 2  # fewer are no split


def split_lesion(
    mask: NDArray[np.bool_], spacing_mm: Sequence[float], seeds: Sequence[Voxel] = ()
) -> NDArray[np.int32]:
    """Split a lesion in two, or into as many parts as there are seeds.

    Without seeds: parts that do not touch come apart; otherwise a watershed of the depth
    inside the lesion, from its deepest point and from the peak that is deep and far from
    it; a lesion with a single peak is cut in half across its longest axis.

    Parameters
    ----------
    mask : (I, J, K) bool
        The lesion.
    spacing_mm : three floats
        Voxel size, in mm.
    seeds : sequence of voxels
        One in each part; those outside the lesion count for its nearest voxel.

    Returns
    -------
    (I, J, K) int32
        0 = background, 1 = largest part, and so on.

    Raises
    ------
    InputError
        If the lesion is a single voxel, or only one part is marked.
    """
    box = bounding_box(mask)
    inside = mask[box]
    if np.count_nonzero(inside) < _TWO_PARTS:
        raise InputError(
            "a lesion of one voxel cannot be split; delete it or paint more of it first"
        )
    parts = np.zeros(mask.shape, dtype=np.int32)
    apart, count = label_components(inside)
    markers: NDArray[np.int32] | None
    if seeds:
        markers = _markers(
            inside, [np.subtract(seed, first_voxel(box)) for seed in seeds], spacing_mm
        )
    else:
        markers = apart if count > 1 else _two_peaks(inside, spacing_mm)
    if markers is None:
        cut = _halves(inside, spacing_mm)
    else:
        depth = ndimage.distance_transform_edt(np.pad(inside, 1), sampling=spacing_mm)[
            1:-1, 1:-1, 1:-1
        ]
        cut = watershed(-depth, markers, mask=inside, connectivity=CONNECTIVITY_26)
        cut[inside & (cut == 0)] = 1
    sizes = np.bincount(cut.ravel())[1:]
    order = np.argsort(-sizes, kind="stable")
    number = np.zeros(len(sizes) + 1, dtype=np.int32)
    number[order + 1] = np.arange(1, len(sizes) + 1)
    parts[box] = number[cut]
    return parts


def _markers(
    inside: NDArray[np.bool_], seeds: Sequence[NDArray[np.int64]], spacing_mm: Sequence[float]
) -> NDArray[np.int32]:
    voxels = np.argwhere(inside)
    markers = np.zeros(inside.shape, dtype=np.int32)
    for seed in seeds:
        nearest = voxels[np.argmin((((voxels - seed) * np.asarray(spacing_mm)) ** 2).sum(axis=1))]
        markers[tuple(nearest)] = markers.max() + 1
    if np.count_nonzero(markers) < _TWO_PARTS:
        raise InputError("a split needs a point in each of at least two parts; mark another one")
    # A seed that a later one hit again is gone: close the gap in the numbers.
    used = np.unique(markers)
    return np.searchsorted(used, markers).astype(np.int32)


def _two_peaks(inside: NDArray[np.bool_], spacing_mm: Sequence[float]) -> NDArray[np.int32] | None:
    """Mark the deepest peak and one deep and far from it; None if there is no second."""
    depth = ndimage.distance_transform_edt(np.pad(inside, 1), sampling=spacing_mm)
    peaks = (
        peak_local_max(depth, labels=np.pad(inside, 1).astype(np.int32), exclude_border=False) - 1
    )
    if len(peaks) < _TWO_PARTS:
        return None
    heights = depth[tuple((peaks + 1).T)]
    first = int(np.argmax(heights))
    away_mm = np.linalg.norm((peaks - peaks[first]) * np.asarray(spacing_mm), axis=1)
    second = int(np.argmax(away_mm * heights))
    if away_mm[second] <= heights[first]:  # still within the first bulge
        return None
    markers = np.zeros(inside.shape, dtype=np.int32)
    markers[tuple(peaks[first])], markers[tuple(peaks[second])] = 1, 2
    return markers


def _halves(inside: NDArray[np.bool_], spacing_mm: Sequence[float]) -> NDArray[np.int32]:
    """Cut across the longest principal axis, through the median."""
    voxels = np.argwhere(inside)
    from_centre_mm = (voxels - voxels.mean(axis=0)) * np.asarray(spacing_mm)
    along = from_centre_mm @ np.linalg.svd(from_centre_mm, full_matrices=False)[2][0]
    second = np.argsort(along, kind="stable")[len(along) // 2 :]
    cut = inside.astype(np.int32)
    cut[tuple(voxels[second].T)] = 2
    return cut


def grow_lesion(
    seed: Voxel,
    intensity: NDArray[np.float32],
    probability: NDArray[np.float32] | None,
    free: NDArray[np.bool_],
    spacing_mm: Sequence[float],
) -> NDArray[np.bool_]:
    """Grow a missed lesion from a click.

    Where the network saw something (a probability of at least 0.05 within a voxel of the
    click), the lesion is what is connected to the click and at least half as probable as
    the best voxel there. Elsewhere it is what is connected and brighter than half-way
    between the click's surroundings (the median of the brain within 15 mm) and the
    brightest voxel beside the click. It never reaches further than 15 mm.

    Parameters
    ----------
    seed : voxel
        Where the click was.
    intensity : (I, J, K) float32
        The FLAIR.
    probability : (I, J, K) float32 or None
        Lesion probability.
    free : (I, J, K) bool
        Where a lesion may grow: in the brain, outside other lesions.
    spacing_mm : three floats
        Voxel size, in mm.

    Returns
    -------
    (I, J, K) bool
        The lesion; it holds the seed.

    Raises
    ------
    InputError
        If the click is not in a free place.
    """
    if not free[seed]:
        raise InputError(
            "a lesion grows only in the brain and outside other lesions; click a free bright spot"
        )
    box = widen(_voxel_box(seed), voxels_across(GROW_RADIUS_MM, spacing_mm), free.shape)
    here = tuple((np.array(seed) - first_voxel(box)).tolist())
    allowed = free[box]
    beside = widen(_voxel_box(here), (1, 1, 1), allowed.shape)
    candidate = _candidate(
        intensity[box], None if probability is None else probability[box], allowed, beside
    )
    candidate[here] = True
    grid = np.indices(candidate.shape).reshape(3, -1).T
    far = (((grid - here) * np.asarray(spacing_mm)) ** 2).sum(axis=1) > GROW_RADIUS_MM**2
    candidate &= allowed & ~far.reshape(candidate.shape)
    # Face connections only: a click must not leak along a chain of corners.
    components, _ = ndimage.label(candidate)
    grown = np.zeros(free.shape, dtype=bool)
    grown[box] = components == components[here]
    return grown


def _candidate(
    intensity: NDArray[np.float32],
    probability: NDArray[np.float32] | None,
    allowed: NDArray[np.bool_],
    beside: Box,
) -> NDArray[np.bool_]:
    """Voxels as likely, or as bright, as what was clicked."""
    if probability is not None:
        best = float(np.where(allowed[beside], probability[beside], 0).max())
        if best >= LEAST_PROBABILITY:
            return np.asarray(probability >= best / 2)
    around = float(np.median(intensity[allowed]))
    peak = float(np.where(allowed[beside], intensity[beside], -np.inf).max())
    return (
        np.asarray(intensity >= (around + peak) / 2)
        if peak > around
        else np.zeros(allowed.shape, dtype=bool)
    )


def _voxel_box(voxel: Voxel) -> Box:
    """Return the box that holds one voxel."""
    i, j, k = voxel
    return slice(i, i + 1), slice(j, j + 1), slice(k, k + 1)
