"""Lesions as connected components of a mask."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from fsh_core.volume.boxes import bounding_box, label_boxes, voxels_across, widen
from fsh_core.volume.components import label_components

SMOOTHING_SIGMA_MM = 0.7
_GAUSSIAN_REACH = 4.0  # in sigmas; the crop around a lesion must hold it


def label_lesions(
    mask: NDArray[np.bool_], voxel_volume_mm3: float, minimum_volume_mm3: float = 0.0
) -> NDArray[np.int32]:
    """Label the lesions of a mask, the largest first.

    Voxels that share a face, an edge or a corner belong to one lesion
    (26-connectivity). Lesions of equal volume are ordered by their first voxel in C
    order, so that the same mask always gets the same numbers.

    Parameters
    ----------
    mask : (I, J, K) bool
        Lesion voxels.
    voxel_volume_mm3 : float
        Volume of one voxel, in mm3.
    minimum_volume_mm3 : float
        Smaller lesions are dropped; one of exactly this volume stays.

    Returns
    -------
    (I, J, K) int32
        0 = background, 1 = largest lesion, and so on without gaps.
    """
    labels = np.zeros(mask.shape, dtype=np.int32)
    box = bounding_box(mask)
    components, count = label_components(mask[box])
    if count == 0:
        return labels
    flat = components.ravel()
    voxels = np.bincount(flat, minlength=count + 1)[1:]
    # Written back to front, so that the value left for a component is its first voxel.
    backwards = np.flatnonzero(flat)[::-1]
    first_voxel = np.empty(count + 1, dtype=np.intp)
    first_voxel[flat[backwards]] = backwards
    order = np.lexsort((first_voxel[1:], -voxels))
    # The tolerance keeps 3 voxels of 1 mm3 at a minimum of 3 mm3 when the affine says 0.9999999.
    kept = order[voxels[order] * voxel_volume_mm3 >= minimum_volume_mm3 * (1 - 1e-6)]
    number = np.zeros(count + 1, dtype=np.int32)
    number[kept + 1] = np.arange(1, len(kept) + 1)
    labels[box] = number[components]
    return labels


def smooth_mask(mask: NDArray[np.bool_], spacing_mm: Sequence[float]) -> NDArray[np.bool_]:
    """Smooth lesion boundaries: the paper's processed prediction.

    Each lesion (in the sense of `label_lesions`) is blurred by a Gaussian of 0.7 mm and
    cut again at the level that keeps its number of voxels: what sticks out fills the
    notches and pin-holes. A fixed level of one half would shrink small lesions by a
    quarter and delete the smallest; here no lesion vanishes and the lesion volume
    stays, up to voxels that are equally far out. The Gaussian is measured in mm, so
    slices of 3 mm and more do not blur into each other. Lesions less than two voxels
    apart may merge, and a thin bridge may open.

    Parameters
    ----------
    mask : (I, J, K) bool
        Lesion voxels.
    spacing_mm : three floats
        Voxel size along each axis, in mm.

    Returns
    -------
    (I, J, K) bool
        The smoothed mask.
    """
    smoothed = np.zeros(mask.shape, dtype=bool)
    sigma = [SMOOTHING_SIGMA_MM / spacing for spacing in spacing_mm]
    margin = voxels_across(_GAUSSIAN_REACH * SMOOTHING_SIGMA_MM, spacing_mm)
    components, _ = label_components(mask)
    for label, box in label_boxes(components).items():
        around = widen(box, margin, mask.shape)
        own = components[around] == label
        # Mirrored: the edge of the field of view is no lesion boundary.
        blurred = ndimage.gaussian_filter(
            own.astype(np.float32), sigma, mode="reflect", truncate=_GAUSSIAN_REACH
        )
        smoothed[around] |= _highest(blurred, int(np.count_nonzero(own)))
    return smoothed


def _highest(values: NDArray[np.float32], count: int) -> NDArray[np.bool_]:
    """Return the ``count`` highest values; of equal ones, all or none, whichever is nearer."""
    level = np.partition(values, -count, axis=None)[-count]
    above, from_level = values > level, values >= level
    fewer, more = np.count_nonzero(above), np.count_nonzero(from_level)
    use_fewer = fewer > 0 and count - fewer < more - count
    return np.asarray(above if use_fewer else from_level)
