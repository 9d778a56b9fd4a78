"""Registration of one brain to another: affine, then deformable, of maps of tissue and fluid.

A FLAIR with bright lesions and a template of other contrast do not look alike, but in
both cerebrospinal fluid is dark. So what is registered is a map that is 0 in fluid and
1 in tissue of any kind: lesions vanish in it, and plain squared differences suffice.
SimpleITK does the work, what depends on the number of threads in one and without random
samples, so that the same input gives the same transform.
"""

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from fsh_core.preprocess.intensity import LOW_PERCENTILE, grey_levels
from fsh_core.volume.boxes import bounding_box, crop
from fsh_core.volume.itk import grid_of, lps_affine, matrix_of, one_thread, to_itk, voxels_of
from fsh_core.volume.resample import resample
from fsh_core.volume.volume import MASK_LEVEL, Volume, to_ras

WORKING_MM = 3.0
_TISSUE_LEVEL = 0.8  # of the median of the brain: what is brighter is tissue
_CROP_MARGIN_VOXELS = 4
_AROUND_MM = 8.0  # how far outside the brain the affine registration looks: the outline counts
_AFFINE_STEPS = 100
_DEFORMABLE_STEPS = 60
_SMOOTHING_VOXELS = 2.0  # of the displacements: 6 mm; with 1.5 the field folded in places
_LARGEST_UPDATE_VOXELS = 2.0
_TURNS_DEGREES = (-40.0, -20.0, 0.0, 20.0, 40.0)  # about each of the three axes: 125 starts
_FINER_DEGREES = (10.0, 5.0)  # then steps to both sides of the best
_SEARCH_STEP_VOXELS = 3  # 9 mm
_SEARCH_BLUR_VOXELS = 1.0


@dataclass(frozen=True)
class TissueMap:
    """Map of tissue and fluid, which is what is registered.

    Attributes
    ----------
    image : Volume
        (I, J, K) float32 in [0, 1]: 0 in fluid and outside the brain, 1 in tissue.
    brain : (I, J, K) bool
        The brain.
    """

    image: Volume
    brain: NDArray[np.bool_]


@dataclass(frozen=True)
class Alignment:
    """Two transforms from the world of the fixed image to that of the moving one, in ITK's LPS mm.

    Attributes
    ----------
    affine : sitk.AffineTransform
        12 parameters.
    full : sitk.Transform
        The affine one after a displacement field.
    """

    affine: sitk.AffineTransform
    full: sitk.Transform

    @property
    def matrix(self) -> NDArray[np.float64]:
        """The affine part as a (4, 4) matrix between RAS+ millimetres."""
        return matrix_of(self.affine)


def tissue_map(flair: Volume, brain: NDArray[np.bool_]) -> TissueMap:
    """Reduce a scan to tissue and fluid on 3 mm voxels, cropped to the brain.

    Parameters
    ----------
    flair : Volume
        (I, J, K) float, any orientation and spacing; a T1 does as well.
    brain : (I, J, K) bool
        Not empty.

    Returns
    -------
    TissueMap
        In RAS.

    Raises
    ------
    ValueError
        If no voxel of 3 mm is brain.
    """
    scan = resample(to_ras(flair), WORKING_MM)
    inside = resample(to_ras(flair.with_data(brain)), WORKING_MM).data > MASK_LEVEL
    if not inside.any():
        raise ValueError("the brain mask is empty at 3 mm")
    box = bounding_box(inside, (_CROP_MARGIN_VOXELS,) * 3)
    cropped, brain = crop(scan, box), inside[box]
    values = relative_intensity(cropped.data, brain) / np.float32(_TISSUE_LEVEL)
    image = np.clip(values, 0, 1) * brain
    return TissueMap(cropped.with_data(image.astype(np.float32)), brain)


def relative_intensity(data: NDArray[np.floating], brain: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Scale so that the darkest of the brain is 0 and its median 1.

    Parameters
    ----------
    data : (I, J, K) float
        Intensities.
    brain : (I, J, K) bool
        Not empty.

    Returns
    -------
    (I, J, K) float32
        All 1, as nothing is dark, without contrast.
    """
    levels = grey_levels(data[brain], LOW_PERCENTILE)
    if not levels.have_contrast:
        return np.ones(data.shape, dtype=np.float32)
    return np.asarray((data - levels.black) / (levels.median - levels.black), dtype=np.float32)


def align(fixed: TissueMap, moving: TissueMap, *, turned: bool = False) -> Alignment:
    """Find where in ``moving`` each point of ``fixed`` lies.

    The start overlays the two brains' centres and scales their extents. A head that is
    ``turned`` far starts instead from the rotation at which the two maps, every 9 mm,
    differ least, of those by up to 55 degrees about each axis in steps that go down to 5.
    The affine registration minimises squared differences at 6 and 3 mm by gradient descent; the
    deformable one is Thirion's demons with symmetric forces (Vercauteren et al.,
    NeuroImage 2009, doi:10.1016/j.neuroimage.2008.10.040), 60 steps at 3 mm.

    Parameters
    ----------
    fixed, moving : TissueMap
        Two brains.
    turned : bool
        Whether to search for the rotation first.

    Returns
    -------
    Alignment
        From the world of ``fixed`` to that of ``moving``.

    Raises
    ------
    RuntimeError
        If SimpleITK gives up, as when the two do not overlap.
    """
    target, source = to_itk(fixed.image), to_itk(moving.image)
    affine = _turned_start(fixed, moving) if turned else _start(fixed, moving)
    near = (
        ndimage.distance_transform_edt(~fixed.brain, sampling=fixed.image.spacing_mm) <= _AROUND_MM
    )
    with one_thread():
        method = sitk.ImageRegistrationMethod()
        method.SetMetricAsMeanSquares()
        method.SetMetricFixedMask(to_itk(fixed.image.with_data(near)))
        method.SetInterpolator(sitk.sitkLinear)
        method.SetOptimizerAsRegularStepGradientDescent(
            learningRate=1.0, minStep=1e-3, numberOfIterations=_AFFINE_STEPS, relaxationFactor=0.6
        )
        method.SetOptimizerScalesFromPhysicalShift()
        method.SetShrinkFactorsPerLevel([2, 1])
        method.SetSmoothingSigmasPerLevel([2.0, 0.0])
        method.SetInitialTransform(affine, inPlace=True)
        method.Execute(target, source)

    # In as many threads as there are: each voxel is computed by itself, so the bytes stay the same.
    demons = sitk.FastSymmetricForcesDemonsRegistrationFilter()
    demons.SetNumberOfIterations(_DEFORMABLE_STEPS)
    demons.SetSmoothDisplacementField(True)
    demons.SetStandardDeviations(_SMOOTHING_VOXELS)
    demons.SetMaximumUpdateStepLength(_LARGEST_UPDATE_VOXELS)
    field = demons.Execute(target, sitk.Resample(source, target, affine, sitk.sitkLinear, 0.0))
    bend = sitk.DisplacementFieldTransform(sitk.Cast(field, sitk.sitkVectorFloat64))
    return Alignment(affine, sitk.CompositeTransform([affine, bend]))


def _start(fixed: TissueMap, moving: TissueMap) -> sitk.AffineTransform:
    """Overlay the centres and scale the extents (standard deviations) of the two brains."""
    fixed_centre, fixed_extent = _moments(fixed)
    moving_centre, moving_extent = _moments(moving)
    return _affine(np.diag(moving_extent / fixed_extent), fixed_centre, moving_centre)


def _turned_start(fixed: TissueMap, moving: TissueMap) -> sitk.AffineTransform:
    """Overlay the centres, scale the volumes, and find the best rotation; see `align`."""
    fixed_centre, _ = _moments(fixed)
    moving_centre, _ = _moments(moving)
    fixed_map = ndimage.gaussian_filter(fixed.image.data, _SEARCH_BLUR_VOXELS)
    moving_map = ndimage.gaussian_filter(moving.image.data, _SEARCH_BLUR_VOXELS)
    steps = [np.arange(0, size, _SEARCH_STEP_VOXELS) for size in fixed_map.shape]
    voxels = np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1).reshape(-1, 3)
    to_world, to_voxel = lps_affine(fixed.image), np.linalg.inv(lps_affine(moving.image))
    from_centre = voxels @ to_world[:3, :3].T + to_world[:3, 3] - fixed_centre
    values = fixed_map[tuple(voxels.T)]
    volumes = [tissue.image.volume_ml(tissue.brain) for tissue in (fixed, moving)]
    scale = (volumes[1] / volumes[0]) ** (1 / 3)

    def difference(degrees: tuple[float, ...]) -> float:
        matrix = scale * Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
        places = (from_centre @ matrix.T + moving_centre) @ to_voxel[:3, :3].T + to_voxel[:3, 3]
        sampled = ndimage.map_coordinates(moving_map, places.T, order=1)
        return float(np.mean((sampled - values) ** 2))

    best = min(product(_TURNS_DEGREES, repeat=3), key=difference)
    for step in _FINER_DEGREES:
        nearby = [(degrees - step, degrees, degrees + step) for degrees in best]
        best = min(product(*nearby), key=difference)
    turn = Rotation.from_euler("xyz", best, degrees=True).as_matrix()
    return _affine(scale * turn, fixed_centre, moving_centre)


def _affine(
    matrix: NDArray[np.float64],
    fixed_centre: NDArray[np.float64],
    moving_centre: NDArray[np.float64],
) -> sitk.AffineTransform:
    """Map one centre to the other, and what is around it by a (3, 3) matrix; all in LPS."""
    transform = sitk.AffineTransform(3)
    transform.SetCenter(fixed_centre.tolist())
    transform.SetTranslation((moving_centre - fixed_centre).tolist())
    transform.SetMatrix(matrix.ravel().tolist())
    return transform


def _moments(tissue: TissueMap) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centre and standard deviation of a brain along L, P and S, in mm."""
    lps = lps_affine(tissue.image)
    # Sums of whole numbers: exact in any order, in any number of threads.
    voxels = np.argwhere(tissue.brain)
    middle = voxels.sum(axis=0) / len(voxels)
    products = np.einsum("na,nb->ab", voxels, voxels) / len(voxels)
    spread = lps[:3, :3] @ (products - np.outer(middle, middle)) @ lps[:3, :3].T
    return lps[:3, :3] @ middle + lps[:3, 3], np.sqrt(np.diag(spread))


def resample_to(
    volume: Volume, transform: sitk.Transform, like: Volume, *, nearest: bool = False
) -> NDArray[Any]:
    """Resample voxels to the grid of ``like``, through a transform.

    Parameters
    ----------
    volume : Volume
        uint8 or float32; 0 is assumed outside.
    transform : sitk.Transform
        From the world of ``like`` to that of ``volume``, as `Alignment` has them.
    like : Volume
        The grid, (I, J, K).
    nearest : bool
        Nearest voxel, for labels; else linear.

    Returns
    -------
    (I, J, K) array of the type of ``volume``.
    """
    method = sitk.sitkNearestNeighbor if nearest else sitk.sitkLinear
    return voxels_of(sitk.Resample(to_itk(volume), grid_of(like), transform, method, 0.0))
