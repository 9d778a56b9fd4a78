"""White matter and its local intensity, estimated from a FLAIR alone."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from fsh_core.errors import InputError
from fsh_core.volume.boxes import bounding_box, whole_box
from fsh_core.volume.resample import block_means
from fsh_core.volume.volume import MASK_LEVEL, Volume

_COARSE_MM = 2.0  # size of the blocks that are looked at: fast, and noise averages out
_DEPTH_MM = 8.0  # the cortex and its sulci lie above
_ALLOWED_DEPTH_MM = 3.0  # a lesion may come nearer to the brain's surface than white matter
_DARK_FRACTION = 0.65  # of the level of white matter: below it, a block holds fluid
_FLUID_MM = 1.5  # distance from fluid at which white matter begins
_MARGIN_MM = 2.5
_AROUND_LESION_MM = 2.0
_LESION_SHARE = 0.05  # of a block: with more lesion than that it is left out
# Range of white matter, in units of its local level; grey matter is brighter.
_SIMILAR = (0.84, 1.13)
_MAJORITY_FRACTION = 0.6  # of the neighbourhood must be white matter
_NEIGHBOURHOOD_MM = 6.0
_FIELD_MM = 14.0  # how smooth the bias field is taken to be
_LEAST_ML = 1.0
_HISTOGRAM_BINS = 128


@dataclass(frozen=True)
class WhiteMatter:
    """Normal-appearing white matter of a scan.

    Attributes
    ----------
    mask : (I, J, K) bool
        White matter without lesions, away from cortex and ventricles.
    margin : (I, J, K) bool
        White matter and what lies within 2.5 mm of it: where most of a lesion must be.
    allowed_tissue : (I, J, K) bool
        Brain tissue of any kind, not fluid: what a lesion in white matter may grow into,
        up to the walls of the ventricles.
    level : (I, J, K) float32
        Intensity of white matter here, or of the white matter nearest by.
    """

    mask: NDArray[np.bool_]
    margin: NDArray[np.bool_]
    allowed_tissue: NDArray[np.bool_]
    level: NDArray[np.float32]


def find_white_matter(
    flair: Volume, brain: NDArray[np.bool_], lesions: NDArray[np.bool_] | None = None
) -> WhiteMatter:
    """Estimate the white matter from intensity and depth.

    In a FLAIR most of the brain below the cortex is white matter, fluid is dark, grey
    matter and lesions are brighter. The most frequent intensity deep in the brain is a
    first level; the local one is a smooth average of what is similar to it, which
    follows the bias field; white matter is what is similar to the local level, deep
    enough, not beside fluid, and among its like. Basal ganglia as bright as white
    matter are not told from it.

    Parameters
    ----------
    flair : Volume
        (I, J, K) float, any orientation.
    brain : (I, J, K) bool
        The brain.
    lesions : (I, J, K) bool or None
        Lesions, to be left out.

    Returns
    -------
    WhiteMatter
        On the grid of the scan.

    Raises
    ------
    InputError
        If there is less than 1 ml of white matter.
    """
    # Of no brain there is no white matter; the message says so.
    box = bounding_box(brain) if brain.any() else whole_box(brain.shape)
    lesions = np.zeros_like(brain) if lesions is None else lesions
    inside = _find(flair.data[box].astype(np.float32), brain[box], lesions[box], flair.spacing_mm)
    mask, margin, allowed_tissue = np.zeros((3, *brain.shape), dtype=bool)
    level = np.full(brain.shape, inside.level.mean(), np.float32)
    mask[box], margin[box], allowed_tissue[box], level[box] = (
        inside.mask,
        inside.margin,
        inside.allowed_tissue,
        inside.level,
    )
    return WhiteMatter(mask, margin, allowed_tissue, level)


def _find(
    flair: NDArray[np.float32],
    brain: NDArray[np.bool_],
    lesions: NDArray[np.bool_],
    spacing_mm: tuple[float, float, float],
) -> WhiteMatter:
    """Do the work of `find_white_matter` on what is left after a crop to the brain."""
    steps = [max(1, round(_COARSE_MM / spacing)) for spacing in spacing_mm]
    spacing = [step * size for step, size in zip(steps, spacing_mm, strict=True)]
    data = block_means(flair, steps)
    inside = block_means(brain.astype(np.float32), steps) > MASK_LEVEL
    lesion = block_means(lesions.astype(np.float32), steps) > _LESION_SHARE
    depth = ndimage.distance_transform_edt(np.pad(inside, 1), sampling=spacing)[1:-1, 1:-1, 1:-1]
    level = np.full(data.shape, _most_frequent(data[(depth > _DEPTH_MM) & ~lesion]), np.float32)
    fluid = inside & (data < _DARK_FRACTION * level)
    near = ~_farther(lesion, _AROUND_LESION_MM, spacing)
    candidates = (depth > _DEPTH_MM) & ~near & _farther(fluid, _FLUID_MM, spacing)
    for _ in range(2):  # the second time the range follows the field found the first time
        similar = candidates & (data > _SIMILAR[0] * level) & (data < _SIMILAR[1] * level)
        level = _spread(data, similar, level, spacing)
    share = ndimage.uniform_filter(
        similar.astype(np.float32),
        [max(1, round(_NEIGHBOURHOOD_MM / size) | 1) for size in spacing],
    )
    white = similar & (share > _MAJORITY_FRACTION)
    white_ml = np.count_nonzero(white) * np.prod(spacing) / 1000
    if white_ml < _LEAST_ML:
        raise InputError(
            f"the scan must show white matter, found {white_ml:.2f} ml of it inside the brain; "
            "check the brain mask, and that the scan is a FLAIR"
        )
    fine_level = _at_full_size(level, steps, flair.shape)
    tissue = brain & (flair > _DARK_FRACTION * fine_level)
    allowed_tissue = tissue & _at_full_size(depth > _ALLOWED_DEPTH_MM, steps, flair.shape)
    margin = allowed_tissue & _at_full_size(
        ~_farther(white, _MARGIN_MM, spacing), steps, flair.shape
    )
    return WhiteMatter(
        tissue & _at_full_size(white, steps, flair.shape), margin, allowed_tissue, fine_level
    )


def _most_frequent(values: NDArray[np.float32]) -> float:
    """Mode of a smoothed histogram; 0 of nothing."""
    if values.size == 0:
        return 0.0
    low, high = np.percentile(values, [5.0, 99.0])
    if not high > low:
        return float(low)
    counts, edges = np.histogram(values, _HISTOGRAM_BINS, (float(low), float(high)))
    peak = int(ndimage.gaussian_filter1d(counts.astype(np.float64), 3.0, mode="constant").argmax())
    return float(edges[peak] + edges[peak + 1]) / 2


def _spread(
    data: NDArray[np.float32],
    mask: NDArray[np.bool_],
    fallback: NDArray[np.float32],
    spacing: list[float],
) -> NDArray[np.float32]:
    """Average ``data`` in ``mask`` smoothly, and extend the average to where there is none."""
    sigma = [_FIELD_MM / size for size in spacing]
    weight = ndimage.gaussian_filter(mask.astype(np.float32), sigma, mode="nearest", truncate=3.0)
    total = ndimage.gaussian_filter(
        np.where(mask, data, np.float32(0)), sigma, mode="nearest", truncate=3.0
    )
    few = np.float32(1e-3)  # what the fallback counts: nothing, except far from any white matter
    return np.asarray((total + few * fallback) / (weight + few), dtype=np.float32)


def _farther(
    mask: NDArray[np.bool_], distance_mm: float, spacing: list[float]
) -> NDArray[np.bool_]:
    """Return what is farther than a distance from a mask; everything if it is empty."""
    if not mask.any():
        return np.ones(mask.shape, dtype=bool)
    return np.asarray(ndimage.distance_transform_edt(~mask, sampling=spacing) > distance_mm)


def _at_full_size(coarse: NDArray[Any], steps: list[int], shape: tuple[int, ...]) -> NDArray[Any]:
    """Repeat every block's value for its voxels."""
    for axis, step in enumerate(steps):
        coarse = coarse.repeat(step, axis=axis)
    i, j, k = shape
    return coarse[:i, :j, :k]
