"""Rigid registration of two visits of one patient."""

from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from fsh_core.errors import InputError
from fsh_core.volume.itk import matrix_of, one_thread, to_itk
from fsh_core.volume.resample import resample
from fsh_core.volume.volume import Volume

_SPACING_MM = 3.0
_SHRINK = (3, 2, 1)  # of voxels of 3 mm
_BLUR_MM = (4.0, 2.0, 0.0)
_SAMPLED_FRACTION = (1.0, 0.5, 0.2)  # of the voxels at each of the three sizes
_SEED = 1
_BINS = 50
_CLIPPED_PERCENTILES = (0.5, 99.5)


def register_visits(fixed: Volume, moving: Volume) -> NDArray[np.float64]:
    """Find the rigid movement between two scans of one patient.

    Rotation and translation that maximise the mutual information (Mattes et al., IEEE
    Transactions on Medical Imaging 2003, doi 10.1109/TMI.2003.809072) of the two scans at
    voxels of 9, 6 and 3 mm. It starts from whichever is most informative of: the patient
    lying alike in both scanners, the centres of the two images on each other, and the
    centres of mass on each other. One thread and a fixed seed: the same scans give the
    same bytes.

    Parameters
    ----------
    fixed, moving : Volume
        FLAIRs of the two visits, of any grids; both whole heads, or both skull-stripped.

    Returns
    -------
    (4, 4) float64
        World coordinates (RAS+ mm) in ``fixed`` to those of the same anatomy in ``moving``.

    Raises
    ------
    InputError
        If the scans have nothing in common.
    """
    fixed_image, moving_image = _image(fixed), _image(moving)
    try:
        with one_thread():
            starts = _starts(fixed_image, moving_image)
            start = min(starts, key=lambda tried: _cost(fixed_image, moving_image, tried))
            method = _method()
            method.SetInitialTransform(start, inPlace=True)
            method.Execute(fixed_image, moving_image)
    except RuntimeError as error:
        raise InputError(
            "the two scans cannot be laid over each other, expected two visits of one patient; "
            f"check that both files are of this patient ({_reason(error)})"
        ) from None
    return matrix_of(start)


def _method() -> Any:
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(_BINS)
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentagePerLevel(_SAMPLED_FRACTION, _SEED)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(
        learningRate=1.0,
        minStep=1e-3,
        numberOfIterations=150,
        relaxationFactor=0.6,
        gradientMagnitudeTolerance=1e-6,
    )
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel(_SHRINK)
    method.SetSmoothingSigmasPerLevel(_BLUR_MM)
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    return method


def _image(volume: Volume) -> Any:
    """Resample a volume to 3 mm for ITK, without its few brightest voxels.

    Those would take most of the bins of the histogram.
    """
    small = resample(volume, _SPACING_MM)
    inside = small.data[small.data != 0]
    low, high = 0.0, 1.0
    if inside.size:
        low, high = np.percentile(inside, _CLIPPED_PERCENTILES).tolist()
    return to_itk(small.with_data(np.clip(small.data, min(low, 0.0), high)))


def _starts(fixed: Any, moving: Any) -> list[Any]:
    """Movements to begin with, all turning about the centre of the fixed scan."""
    alike = sitk.Euler3DTransform()
    alike.SetCenter(
        fixed.TransformContinuousIndexToPhysicalPoint([(size - 1) / 2 for size in fixed.GetSize()])
    )
    kinds = (
        sitk.CenteredTransformInitializerFilter.GEOMETRY,
        sitk.CenteredTransformInitializerFilter.MOMENTS,
    )
    centred = [
        sitk.CenteredTransformInitializer(fixed, moving, sitk.Euler3DTransform(), kind)
        for kind in kinds
    ]
    return [alike, *(sitk.Euler3DTransform(transform) for transform in centred)]


def _cost(fixed: Any, moving: Any, start: Any) -> float:
    """Negative mutual information at voxels of 9 mm; infinite where the scans do not meet."""
    method = _method()
    method.SetInitialTransform(start)
    coarse = [
        sitk.Shrink(sitk.SmoothingRecursiveGaussian(image, _BLUR_MM[0]), [_SHRINK[0]] * 3)
        for image in (fixed, moving)
    ]
    try:
        return float(method.MetricEvaluate(*coarse))
    except RuntimeError:
        return float("inf")


def _reason(error: RuntimeError) -> str:
    """Return the last line of what ITK says."""
    return str(error).strip().splitlines()[-1].strip()
