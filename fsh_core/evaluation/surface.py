"""How far apart the surfaces of two masks are."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import KDTree

from fsh_core.evaluation.voxel import check_shapes
from fsh_core.volume.boxes import bounding_box


@dataclass(frozen=True)
class SurfaceMetrics:
    """Distances between the surfaces of two masks.

    Attributes
    ----------
    hd95_mm : float
        95th-percentile Hausdorff distance, in mm.
    assd_mm : float
        Average symmetric surface distance, in mm.
    """

    hd95_mm: float
    assd_mm: float


def surface_distances(
    reference: NDArray[np.bool_], prediction: NDArray[np.bool_], spacing_mm: Sequence[float]
) -> SurfaceMetrics:
    """Measure the distances between the surfaces of two masks.

    A mask's surface is its voxels with a face on the outside (or on the image's
    border), at their centres. Each surface voxel has a distance to the nearest one of
    the other mask. HD95 is the larger of the two 95th percentiles (one per direction,
    linear interpolation), ASSD the mean over all distances of both directions. These
    are the definitions of MONAI and of most segmentation challenges (Taha and Hanbury,
    BMC Medical Imaging 2015).

    Two empty masks are 0 mm apart. If only one is empty there is no distance: both
    numbers are NaN, which summaries leave out and count as missing.

    Parameters
    ----------
    reference, prediction : (I, J, K) bool
        The masks.
    spacing_mm : three floats
        Voxel size along each axis, in mm.

    Returns
    -------
    SurfaceMetrics
        Both distances, in mm.

    Raises
    ------
    ValueError
        If shapes differ.
    """
    check_shapes(reference, prediction)
    filled = bool(reference.any()), bool(prediction.any())
    if not all(filled):
        apart = float("nan") if any(filled) else 0.0
        return SurfaceMetrics(apart, apart)
    box = bounding_box(reference | prediction)
    reference_mm = _surface_mm(reference[box], spacing_mm)
    prediction_mm = _surface_mm(prediction[box], spacing_mm)
    to_prediction = KDTree(prediction_mm, leafsize=32).query(reference_mm)[0]
    to_reference = KDTree(reference_mm, leafsize=32).query(prediction_mm)[0]
    return SurfaceMetrics(
        hd95_mm=float(max(np.percentile(to_prediction, 95), np.percentile(to_reference, 95))),
        assd_mm=float(np.concatenate([to_prediction, to_reference]).mean()),
    )


def _surface_mm(mask: NDArray[np.bool_], spacing_mm: Sequence[float]) -> NDArray[np.float64]:
    """Centres (N, 3) of the mask's surface voxels, in mm along the array's axes."""
    surface = mask & ~ndimage.binary_erosion(mask)
    return np.argwhere(surface).astype(np.float64) * np.asarray(spacing_mm, dtype=np.float64)
