"""Removing lesions from a scan, so that one with many can be the target of a simulation."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from fsh_core.simulation.white_matter import find_white_matter
from fsh_core.volume.boxes import box_at, first_voxel, label_boxes, voxels_across, widen
from fsh_core.volume.components import label_components
from fsh_core.volume.volume import Volume, from_ras, to_ras

_RIM_MM = 2.0  # how far around a drawn lesion its bright rim is removed too
_RIM = 1.05  # what is brighter, in units of white matter, is rim
_FLUID = 0.65  # what is darker is fluid, and stays
_LOCAL_MM = 3.0  # scale of the average that is interpolated; what is finer is copied as texture
_SEAM_MM = 0.5
_CANDIDATES = 40
_SEARCH_MM = 30.0  # from how far texture is copied
_FAR_WEIGHT = 1e-3  # of the level of white matter: nothing, except far from any white matter
_LEAST_SEAM = 0.02  # a smaller share of the filling changes nothing that could be seen
_GAUSSIAN_TRUNCATE = 3.0  # standard deviations
_COUNTED_VOXELS = 2000  # of an area, to see how much of it another place covers


def remove_lesions(
    flair: Volume, lesions: NDArray[np.bool_], brain: NDArray[np.bool_], rng: np.random.Generator
) -> Volume:
    """Inpaint lesions with normal-appearing white matter.

    A lesion and its bright rim are replaced by a smooth average of the white matter around
    it, plus the texture of a nearby piece of white matter: the piece, of 40 drawn, that
    holds the most. Fluid within the mask stays as it is.

    Parameters
    ----------
    flair : Volume
        (I, J, K), any orientation and voxel size.
    lesions : (I, J, K) bool
        What to remove.
    brain : (I, J, K) bool
        The brain.
    rng : Generator
        Where chance comes from.

    Returns
    -------
    Volume
        float32; voxels more than 4 mm from every lesion are those of the scan.

    Raises
    ------
    InputError
        If the scan shows no white matter.
    """
    if not lesions.any():
        return flair
    ras = to_ras(flair)
    inside = to_ras(flair.with_data(brain))
    drawn = to_ras(flair.with_data(lesions))
    white = find_white_matter(ras, inside.data, drawn.data)
    target = ras.data.astype(np.float32)
    average = _local_average(target, white.mask, white.level, ras.spacing_mm)
    texture = np.where(white.mask, target - average, np.float32(0))
    scatter = float(texture[white.mask].std())
    result = target.copy()
    labels, _ = label_components(drawn.data)
    margin = voxels_across(_RIM_MM + 4 * _SEAM_MM, ras.spacing_mm)
    for number, tight in label_boxes(labels).items():
        box = widen(tight, margin, labels.shape)
        area = (
            _area(labels[box] == number, target[box] / white.level[box], ras.spacing_mm)
            & inside.data[box]
        )
        start = _source_of(area, first_voxel(box), white.mask, ras.spacing_mm, rng)
        source = box_at(start, area.shape)
        noise = rng.normal(0, scatter, area.shape).astype(np.float32)
        fill = average[box] + np.where(white.mask[source], texture[source], noise)
        sigma = [_SEAM_MM / size for size in ras.spacing_mm]
        seam = np.maximum(area, ndimage.gaussian_filter(area.astype(np.float32), sigma))
        seam = np.where(
            (target[box] > _FLUID * white.level[box]) & inside.data[box] & (seam > _LEAST_SEAM),
            seam,
            0,
        )
        result[box] += seam * (fill - result[box])
    return flair.with_data(from_ras(result, flair))


def _local_average(
    data: NDArray[np.float32],
    mask: NDArray[np.bool_],
    level: NDArray[np.float32],
    spacing_mm: tuple[float, float, float],
) -> NDArray[np.float32]:
    """Average the white matter nearby; far from any, take its level."""
    sigma = [_LOCAL_MM / size for size in spacing_mm]
    weight = ndimage.gaussian_filter(mask.astype(np.float32), sigma, truncate=_GAUSSIAN_TRUNCATE)
    total = ndimage.gaussian_filter(
        np.where(mask, data, np.float32(0)), sigma, truncate=_GAUSSIAN_TRUNCATE
    )
    return np.asarray((total + _FAR_WEIGHT * level) / (weight + _FAR_WEIGHT), dtype=np.float32)


def _area(
    lesion: NDArray[np.bool_], ratio: NDArray[np.float32], spacing_mm: tuple[float, float, float]
) -> NDArray[np.bool_]:
    """Return the lesion with the bright rim that the drawn outline left out."""
    distance_mm = ndimage.distance_transform_edt(~lesion, sampling=spacing_mm)
    return np.asarray(lesion | ((distance_mm <= _RIM_MM) & (ratio > _RIM)))


def _source_of(
    area: NDArray[np.bool_],
    corner: NDArray[np.int64],
    white: NDArray[np.bool_],
    spacing_mm: tuple[float, float, float],
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Find the corner of a box nearby with as much white matter as possible where the area is."""
    highest = np.asarray(white.shape) - area.shape
    shifts = np.rint(
        rng.uniform(-_SEARCH_MM, _SEARCH_MM, (_CANDIDATES, 3)) / np.asarray(spacing_mm)
    ).astype(np.int64)
    starts = np.clip(corner + shifts, 0, highest)
    places = np.argwhere(area)
    places = places[:: 1 + len(places) // _COUNTED_VOXELS]
    covered = [np.count_nonzero(white[tuple((start + places).T)]) for start in starts]
    return np.asarray(starts[int(np.argmax(covered))])
