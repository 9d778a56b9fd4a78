"""Growth: what the networks are sure of, carried on into what is as bright beside it.

A network that never saw a scanner finds the middle of a large confluent lesion and leaves the
rest, though the eye sees where it ends. So a lesion that is sure grows into neighbours that are
bright, in the scan's own terms, and lie where patients with MS have lesions: the lesion growth of
Schmidt et al. (NeuroImage 2012, doi 10.1016/j.neuroimage.2011.11.032) with a network in the place
of its belief map. ``docs/experiments.md`` has what it gives.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from fsh_core.anatomy.template import Anatomy, Tissue
from fsh_core.lesions.frequency import lesion_frequency
from fsh_core.volume.boxes import bounding_box, first_voxel
from fsh_core.volume.components import label_components
from fsh_core.volume.volume import Volume

SURE = 0.9
"""Probability of a lesion, somewhere in it, from which it grows."""
GROWN = 0.7
"""Probability that what it grew into gets, where it has less: a higher threshold leaves it out."""

_PLACE = 0.02  # share of patients with a lesion there, from which a place is one for lesions
_RARE = 0.01  # below it a place has hardly ever a lesion: normal tissue
_BRIGHT_PERCENTILE = 95.0  # of normal tissue
_BRIGHTER = 1.5  # than that, as a distance from the median of white matter
_SMOOTH_MM = 0.6
_THICK_MM = 4.0  # along an axis with such voxels nothing is smoothed
_ROOM_MM = 1.0  # radius of a ball that must fit in: not into thin sheets, as of cortex
_MOST_SAMPLES = 200_000  # that a percentile is taken of


def grow_lesions(
    probability: NDArray[np.float32],
    flair: Volume,
    brain: NDArray[np.bool_],
    anatomy: Anatomy,
) -> NDArray[np.float32]:
    """Raise the probability of what is bright beside a sure lesion.

    Bright is what lies 1.5 times as far above the median of the white matter as the 95th
    percentile of tissue where hardly any patient has lesions. Bright voxels where at least one in
    fifty patients has a lesion, and a ball of 2 mm has room, that are connected with a probability
    of `SURE`, get `GROWN` where they had less.

    Parameters
    ----------
    probability : (I, J, K) float32 in [0, 1]
        Lesion probability.
    flair : Volume
        The scan, (I, J, K).
    brain : (I, J, K) bool
        Nothing grows outside.
    anatomy : Anatomy
        Of the scan.

    Returns
    -------
    (I, J, K) float32 in [0, 1]
        The given array itself where nothing grows; nowhere less than it.

    Raises
    ------
    ValueError
        If the shapes differ, or the anatomy was not found.
    """
    if anatomy.tissue is None or anatomy.to_mni is None:
        raise ValueError("the anatomy was not found")
    if not probability.shape == flair.shape == brain.shape == anatomy.tissue.shape:
        raise ValueError(
            f"probability, FLAIR, brain and anatomy must have one shape, got {probability.shape}, "
            f"{flair.shape}, {brain.shape} and {anatomy.tissue.shape}"
        )
    if not (probability >= SURE).any():
        return probability
    box = bounding_box(brain)
    first = first_voxel(box)
    to_mni = anatomy.to_mni @ flair.affine
    grey = _smoothed(flair.data[box], brain[box], flair.spacing_mm)
    white_matter = grey[(anatomy.tissue[box] == Tissue.WHITE_MATTER) & brain[box]]
    inside = np.argwhere(brain[box])
    some = inside[:: -(-len(inside) // _MOST_SAMPLES)]
    normal = grey[tuple(some[_frequency(some + first, to_mni) < _RARE].T)]
    if not white_matter.size or not normal.size:
        return probability
    middle = np.median(white_matter)
    width = np.percentile(normal, _BRIGHT_PERCENTILE) - middle
    if width <= 0:  # no FLAIR: everything would be bright
        return probability
    bright = np.argwhere((grey > middle + _BRIGHTER * width) & brain[box])
    plausible = np.zeros(grey.shape, dtype=bool)
    plausible[tuple(bright[_frequency(bright + first, to_mni) >= _PLACE].T)] = True
    plausible = ndimage.binary_opening(plausible, _ball(_ROOM_MM, flair.spacing_mm))
    labels, count = label_components(plausible)
    is_sure = np.zeros(count + 1, dtype=bool)
    is_sure[np.unique(labels[probability[box] >= SURE])] = True
    is_sure[0] = False
    grown = probability.copy()
    grown[box][is_sure[labels] & (grown[box] < GROWN)] = GROWN
    return grown


def _smoothed(
    data: NDArray[np.float32], brain: NDArray[np.bool_], spacing_mm: Sequence[float]
) -> NDArray[np.float32]:
    """Smooth inside the brain alone; what lies outside is not averaged in."""
    sigma = [_SMOOTH_MM / size if size < _THICK_MM else 0.0 for size in spacing_mm]
    weight = ndimage.gaussian_filter(brain.astype(np.float32), sigma)
    total = ndimage.gaussian_filter(np.where(brain, data, np.float32(0)), sigma)
    return np.asarray(np.divide(total, weight, out=np.zeros_like(total), where=brain))


def _frequency(voxels: NDArray[np.intp], to_mni: NDArray[np.float64]) -> NDArray[np.float64]:
    """How often patients have a lesion at (N, 3) voxels."""
    return lesion_frequency(voxels @ to_mni[:3, :3].T + to_mni[:3, 3])


def _ball(radius_mm: float, spacing_mm: Sequence[float]) -> NDArray[np.bool_]:
    """Voxels no further than a radius from the middle one: a disc where slices are thick."""
    steps = [int(radius_mm / size) for size in spacing_mm]
    offsets = np.ogrid[tuple(slice(-step, step + 1) for step in steps)]
    far = sum((o * size) ** 2 for o, size in zip(offsets, spacing_mm, strict=True))
    return np.asarray(far <= radius_mm**2)
