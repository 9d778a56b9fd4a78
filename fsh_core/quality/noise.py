"""Contrast-to-noise ratio, ghosting and clipping: three quality checks."""

import numpy as np
from nibabel.orientations import io_orientation
from numpy.typing import NDArray
from scipy import ndimage

from fsh_core.preprocess.air import on_faces
from fsh_core.preprocess.intensity import FLUID_FRACTION, foreground, grey_levels
from fsh_core.quality.check import Check, Limits, judge_high, judge_low, worst
from fsh_core.volume.boxes import bounding_box
from fsh_core.volume.volume import Volume

# A lesion differs from white matter by about a third of what parts tissue from fluid, and an object
# is seen where its contrast is 3 to 5 times the noise (Rose, J Opt Soc Am 1948, doi
# 10.1364/JOSA.38.000196).
CONTRAST_TO_NOISE = Limits(9.0, 5.0)
# The American College of Radiology accepts 2.5 % in its phantom (MRI Quality Control Manual 2015).
GHOSTING_FRACTION = Limits(0.025, 0.05)
# Of the brain. A patient's lesions are about 1 % of the brain, so that 1 % at the maximum may be
# all of them.
CLIPPED_FRACTION = Limits(0.0002, 0.01)
# Grey and white matter differ by some 5 %: with tissue at half of the range, 100 levels give that 2
# to 3 steps.
GREY_LEVELS = Limits(100, 32)
# Of the brain. Filters and resampling undershoot by little, and only at edges.
WRAPPED_FRACTION = 0.0005

# The slice axis is the one whose voxels are this much longer, or else the one nearest to S.
_THICK_RATIO = 1.2
_COARSE_MM = 2.0
_AIR_MM = 10.0  # from the head: beyond its blurred rim
_EMPTY_AIR_FRACTION = 0.9  # scanners and stripping set air to one value
_AIR_VOXELS = 8  # along every axis, to hold a head and air beside it
_BAND_VOXELS = 200
_LEVEL_VOXELS = 300_000
_FLUID_PERCENTILE = 10.0
_FEWEST_BANDS = 2  # of air: ghosts lie along one axis, the other is compared with
_LARGEST_RATIO = 1000.0
_MEDIAN_ABSOLUTE_DEVIATION = 0.6745  # of a normal distribution of standard deviation 1
_DIFFERENCE_GAIN = 6.0  # of noise by (1, -2, 1) along two axes: root of the sum of squared weights
_VISIBILITY = {"pass": "clearly seen", "caution": "hard to see", "fail": "lost in noise"}


def check_contrast_to_noise(flair: Volume, brain: NDArray[np.bool_]) -> Check:
    """Contrast-to-noise ratio.

    The value is the difference of the medians of tissue and fluid over the noise. The
    noise is the robust spread (median absolute deviation) of a second difference along
    both axes of the slice, over tissue (Immerkaer, Comput Vis Image Underst 1996, doi
    10.1006/cviu.1996.0060). Resampling and denoising by the scanner smooth it away, and
    fine anatomy adds to it.

    Parameters
    ----------
    flair : Volume
        (I, J, K), any orientation.
    brain : (I, J, K) bool
        Where the brain is.
    """
    values = flair.data[brain]
    levels = grey_levels(values)
    fluid_level = levels.between(FLUID_FRACTION)
    fluid, tissue = values[values <= fluid_level], values[values > fluid_level]
    if not levels.have_contrast or not fluid.size:
        reason = "Tissue and fluid cannot be told apart: the brain has no contrast."
        return Check("contrast_to_noise", "fail", None, "ratio", reason)
    noise = _noise(flair, brain, fluid_level)
    contrast = float(np.median(tissue) - np.median(fluid))
    # Without any noise (a drawing, a smoothed scan) the ratio has no bound.
    ratio = contrast / max(noise, contrast / _LARGEST_RATIO)
    verdict = judge_low(ratio, CONTRAST_TO_NOISE)
    reason = (
        f"Tissue differs from fluid by {ratio:.0f} times the noise; "
        f"lesions are {_VISIBILITY[verdict]}."
    )
    return Check("contrast_to_noise", verdict, ratio, "ratio", reason)


def check_ghosting(flair: Volume) -> Check:
    """Ghosting ratio: signal in the air beside the head, from motion, flow or scanner faults.

    Ghosts are copies of the head displaced along one axis. The value is the ghosting
    ratio of the American College of Radiology's phantom test: the mean of the air
    beside the head along one axis minus that along another, over twice the median of
    the head, counted from that of the air; of the axes of the slice, or of all three where
    voxels are isotropic.
    """
    ghosting = _ghosting(flair)
    if ghosting is None:
        reason = (
            "Ghosting and motion cannot be measured: the air around the head is missing or was "
            "set to one value."
        )
        return Check("ghosting", "pass", None, "fraction", reason)
    verdict = judge_high(ghosting, GHOSTING_FRACTION)
    reason = "The air around the head is almost free of ghosts."
    if verdict != "pass":
        reason = (
            "The air around the head is not free of ghosts; "
            "the patient may have moved, and ghosts may look like lesions."
        )
    return Check("ghosting", verdict, ghosting, "fraction", reason)


def check_intensities(flair: Volume, brain: NDArray[np.bool_]) -> Check:
    """Wrapped and clipped bright values, and the number of grey levels.

    The value is the share of the brain at its largest value, where voxels pile up; 0
    where there are no more of them than a tail of the histogram has by nature.

    Parameters
    ----------
    flair : Volume
        (I, J, K).
    brain : (I, J, K) bool
        Where the brain is.
    """
    values = flair.data[brain]
    if not values.size:
        return Check("intensities", "fail", None, "fraction", "There is no brain in the scan.")
    wrapped = _wrapped_fraction(flair, values)
    if wrapped > WRAPPED_FRACTION:
        reason = (
            f"{100 * wrapped:.2g} % of the brain is far darker than air: its brightest values did "
            "not fit the file's number type and came out negative; export the scan again."
        )
        return Check("intensities", "fail", wrapped, "fraction", reason)
    clipped = _clipped_fraction(values)
    levels = np.unique(values[:: 1 + values.size // _LEVEL_VOXELS]).size
    by_levels = judge_low(levels, GREY_LEVELS)
    verdict = worst(judge_high(clipped, CLIPPED_FRACTION), by_levels)
    reason = "Bright values are not cut off, and there are enough grey levels."
    if by_levels != "pass":
        reason = f"The brain has only {levels} different grey values; faint lesions may be lost."
    elif verdict != "pass":
        reason = (
            f"{100 * clipped:.2g} % of the brain is at the brightest value: bright tissue was "
            "cut off by the export."
        )
    return Check("intensities", verdict, clipped, "fraction", reason)


def _wrapped_fraction(flair: Volume, values: NDArray[np.floating]) -> float:
    """Share of the brain that is as far below air as its median is above it.

    Air is the median of the image's faces, or fluid where the brain fills the image.
    """
    fluid, median = grey_levels(values, _FLUID_PERCENTILE)
    air = min(float(np.median(on_faces(flair.data))), fluid)
    return float(np.mean(values < 2 * air - median)) if median > air else 0.0


def _clipped_fraction(values: NDArray[np.floating]) -> float:
    """Share of values at the maximum, if there are twice as many as at the next one; else 0."""
    largest = values.max()
    below = values[values < largest]
    highest = int(np.count_nonzero(values == largest))
    piled = highest > 2 * np.count_nonzero(below == below.max()) if below.size else True
    return highest / values.size if piled and highest > 1 else 0.0


def slice_axis(flair: Volume) -> int | None:
    """Return the axis along which a scan was cut into slices; None for (nearly) cubic voxels."""
    spacing_mm = np.array(flair.spacing_mm)
    return int(spacing_mm.argmax()) if spacing_mm.max() > _THICK_RATIO * spacing_mm.min() else None


def _noise(flair: Volume, brain: NDArray[np.bool_], above: float) -> float:
    """Standard deviation of the noise in tissue brighter than a level, in the scan's units."""
    slices = slice_axis(flair)
    if slices is None:
        slices = [int(world) for world, _ in io_orientation(flair.affine)].index(2)
    first, second = [axis for axis in range(3) if axis != slices]
    box = bounding_box(brain)
    data = flair.data[box]
    difference = np.diff(np.diff(data, n=2, axis=first), n=2, axis=second)
    centre = tuple(slice(None) if axis == slices else slice(1, -1) for axis in range(3))
    tissue = brain[box][centre] & (data[centre] > above)
    if not tissue.any():
        return 0.0
    spread = float(np.median(np.abs(difference[tissue])))
    return spread / (_MEDIAN_ABSOLUTE_DEVIATION * _DIFFERENCE_GAIN)


def _ghosting(flair: Volume) -> float | None:
    """Ghosting ratio, see `check_ghosting`; None where there is no air to measure it in."""
    steps = [max(1, int(_COARSE_MM / spacing + 0.25)) for spacing in flair.spacing_mm]
    data = flair.data[:: steps[0], :: steps[1], :: steps[2]]
    spacing_mm = [spacing * step for spacing, step in zip(flair.spacing_mm, steps, strict=True)]
    if min(data.shape) < _AIR_VOXELS:
        return None
    head = foreground(data)
    if not head.any() or head.all():
        return None
    middle = float(np.median(data[head]))
    far = ndimage.distance_transform_edt(~head, sampling=spacing_mm) > _AIR_MM
    air = data[far]
    if (
        not air.size
        or np.mean(np.abs(air - np.median(air)) < 0.001 * abs(middle - np.median(air)))
        > _EMPTY_AIR_FRACTION
    ):
        return None
    shadows = [np.broadcast_to(head.any(axis=axis, keepdims=True), head.shape) for axis in range(3)]
    slices = slice_axis(flair)
    axes = [axis for axis in range(3) if axis != slices]
    means = []
    for axis in axes:
        others = np.any([shadows[other] for other in axes if other != axis], axis=0)
        band = far & shadows[axis] & ~others
        if np.count_nonzero(band) >= _BAND_VOXELS:
            means.append(float(data[band].mean(dtype=np.float64)))
    signal = middle - float(np.median(air))  # whatever level a file gives to air
    if len(means) < _FEWEST_BANDS or not signal > 0:
        return None
    return (max(means) - min(means)) / (2 * signal)
