"""Connected components: which voxels belong to one lesion.

Voxels that share a face, an edge or a corner are connected (26-connectivity), everywhere that
lesions are labelled, counted, grown, split or kept apart.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from fsh_core.volume.boxes import bounding_box

CONNECTIVITY_26: NDArray[np.bool_] = np.ones((3, 3, 3), dtype=bool)
"""Structuring element of a voxel and its 26 neighbours."""
CONNECTIVITY_26.setflags(write=False)


def label_components(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int32], int]:
    """Number the connected components of a mask.

    Parameters
    ----------
    mask : (I, J, K) bool
        Lesions, say.

    Returns
    -------
    labels : (I, J, K) int32
        0 = background, then 1 to ``count``.
    count : int
        How many there are; 0 for an empty mask.
    """
    labels, count = ndimage.label(mask, structure=CONNECTIVITY_26)
    return labels, int(count)


def dilate(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return a mask and every voxel that touches it.

    Parameters
    ----------
    mask : (I, J, K) bool
        Lesions, say.

    Returns
    -------
    (I, J, K) bool
        Empty if the mask is empty.
    """
    grown = np.zeros_like(mask)
    box = bounding_box(mask, (1, 1, 1))  # nothing outside of it can change
    grown[box] = ndimage.binary_dilation(mask[box], CONNECTIVITY_26)
    return grown


def equivalent_diameter_mm(volume_mm3: float) -> float:
    """Diameter of the sphere that has this volume, in mm."""
    return float((6.0 * volume_mm3 / np.pi) ** (1.0 / 3.0))
