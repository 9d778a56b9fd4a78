"""Intensities: where an image holds tissue rather than air, and scaling to [0, 1].

A FLAIR has no units: the same white matter is 90 on one scanner and 4,300 on the next.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.filters import threshold_otsu

from fsh_core.volume.boxes import bounding_box

LOW_PERCENTILE = 0.5  # what a scan is scaled from: a few clipped voxels do not move it
BLACK_PERCENTILE = 0.1  # what counts as black: below it are artefacts at the mask's edge
FLUID_FRACTION = 0.6  # of the way from black to the brain's median: what is darker is fluid
MEDIAN_LEVEL = 1 / 3
BRIGHT_PERCENTILE = 90.0  # cortex
BRIGHT_LEVEL = 0.45
_SAMPLED_PER_AXIS = 128  # voxels of an axis that the threshold is computed from, at least


class GreyLevels(NamedTuple):
    """Two levels that place every other grey value of a scan, in the scan's own units.

    Attributes
    ----------
    black : float
        A low percentile.
    median : float
        The 50th percentile: in a brain, normal tissue.
    """

    black: float
    median: float

    @property
    def have_contrast(self) -> bool:
        """Whether the median is brighter than black; if not, nothing can be told apart."""
        return self.median > self.black

    def between(self, fraction: float) -> float:
        """Return the level at a fraction of the way from black to the median."""
        return self.black + fraction * (self.median - self.black)


def grey_levels(
    values: NDArray[np.floating], low_percentile: float = BLACK_PERCENTILE
) -> GreyLevels:
    """Return black and the median of the brain.

    Parameters
    ----------
    values : (N,) float
        Intensities of the brain's voxels, or of a part of them.
    low_percentile : float
        The percentile that counts as black.

    Returns
    -------
    GreyLevels
        0 and 0, which have no contrast, if there is no voxel.
    """
    if values.size == 0:
        return GreyLevels(0.0, 0.0)
    black, median = np.percentile(values, (low_percentile, 50.0))
    return GreyLevels(float(black), float(median))


def foreground(data: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Return where the patient is: everything but the air around.

    Otsu's threshold (IEEE Trans Syst Man Cybern 1979) separates tissue from air and
    fluid; the cut is taken half-way between it and the air, so that fluid and dim
    tissue count as patient. Of what remains the largest connected part is kept, and
    filled in every slice of all three directions: ventricles and sinuses that are open
    to the first or last slice are no holes in 3-D.

    Parameters
    ----------
    data : (I, J, K) float
        Any scale, any orientation; whole head or brain only.

    Returns
    -------
    (I, J, K) bool
        Nowhere true if the data are constant.
    """
    sample = data[tuple(slice(None, None, 1 + size // _SAMPLED_PER_AXIS) for size in data.shape)]
    low, high = np.percentile(sample, [0.1, 99.0])
    if not high > low:
        low, high = data.min(), data.max()
    if not high > low:
        return np.zeros(data.shape, dtype=bool)
    # Clipping keeps a few extremely bright vessels or fat from pulling the threshold up.
    clipped = np.clip(sample, low, high)
    threshold = (
        float(threshold_otsu(clipped.ravel())) if clipped.max() > clipped.min() else float(low)
    )
    air = float(np.median(clipped[clipped <= threshold]))
    return fill_slices(largest_component(data > (air + threshold) / 2))


def scale_percentile(data: NDArray[np.floating], within: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Scale so that the tissue in ``within`` has its median at `MEDIAN_LEVEL`, and clip to [0, 1].

    The lower end is the 0.5th percentile. The upper end follows from the median, not
    from an upper percentile, which in a patient with many lesions would be a lesion.

    Parameters
    ----------
    data : (I, J, K) float
        Any scale; multiplying it or adding to it changes nothing.
    within : (I, J, K) bool
        Where to measure: the brain or the foreground. Nowhere true = everywhere.

    Returns
    -------
    (I, J, K) float32 in [0, 1]
        All zero if the data are constant where measured.
    """
    values = data[within] if within.any() else data.ravel()
    low, median = grey_levels(values, LOW_PERCENTILE)
    span = (median - low) / MEDIAN_LEVEL
    if not span > 0:  # more than half of the voxels share the lowest value
        span = float(values.max()) - low
    return _scale(data, low, span)


def scale_tissue(data: NDArray[np.floating], within: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Scale tissue to a given level and a given contrast, and clip to [0, 1].

    The median goes to `MEDIAN_LEVEL`, the 90th percentile, which is cortex, to `BRIGHT_LEVEL`:
    the cortex of one scanner is otherwise as bright as the lesions of another. Lesions are too
    few to move either.

    Parameters
    ----------
    data : (I, J, K) float
        Any scale; multiplying it or adding to it changes nothing.
    within : (I, J, K) bool
        Where to measure: the brain or the foreground. Nowhere true = everywhere.

    Returns
    -------
    (I, J, K) float32 in [0, 1]
        As of `scale_percentile` where the median is the 90th percentile too.
    """
    values = data[within] if within.any() else data.ravel()
    median, bright = np.percentile(values, [50.0, BRIGHT_PERCENTILE]).tolist()
    if not bright > median:
        return scale_percentile(data, within)
    span = (bright - median) / (BRIGHT_LEVEL - MEDIAN_LEVEL)
    return _scale(data, median - MEDIAN_LEVEL * span, span)


def scale_minmax(data: NDArray[np.floating]) -> NDArray[np.float32]:
    """Scale from the smallest to the largest value, as the paper does.

    Parameters
    ----------
    data : (I, J, K) float
        Any scale.

    Returns
    -------
    (I, J, K) float32 in [0, 1]
        All zero if the data are constant.
    """
    low = float(data.min())
    return _scale(data, low, float(data.max()) - low)


def largest_component(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the largest face-connected part of a mask; of equals, the first.

    Parameters
    ----------
    mask : (I, J, K) bool
        Brain or head, not lesions: those are connected by corners too.

    Returns
    -------
    (I, J, K) bool
        Empty if the mask is empty.
    """
    labels, count = ndimage.label(mask)
    if count <= 1:
        return mask
    # A slice at a time: numpy counts in a copy of twice the size.
    sizes = np.sum([np.bincount(part.ravel(), minlength=count + 1) for part in labels], axis=0)
    sizes[0] = 0
    return np.asarray(labels == int(sizes.argmax()))


def fill_slices(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Fill holes slice by slice, in each of the three directions in turn.

    Parameters
    ----------
    mask : (I, J, K) bool
        A mask whose cavities may be open to the last slice, so that they are no holes in 3-D.

    Returns
    -------
    (I, J, K) bool
    """
    filled = mask.copy()
    # A view of the box that holds the mask: to flood the air around takes most of the time.
    inside = filled[bounding_box(filled)]
    if inside.size == 0:
        return filled
    for axis in range(3):
        for slice_ in np.moveaxis(inside, axis, 0):
            slice_ |= _enclosed(slice_)
    return filled


def _enclosed(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the holes of a slice, (I, J) bool: background not connected with its border."""
    # A third of the time of ndimage.binary_fill_holes, which dilates from outside.
    parts, count = ndimage.label(~mask)
    is_open = np.zeros(count + 1, dtype=bool)
    is_open[0] = True  # the mask itself is no hole
    for border in (parts[0], parts[-1], parts[:, 0], parts[:, -1]):
        is_open[border] = True
    return np.asarray(~is_open[parts]) if not is_open.all() else np.zeros_like(mask)


def _scale(data: NDArray[np.floating], low: float, span: float) -> NDArray[np.float32]:
    """Map low to 0 and low + span to 1, and clip."""
    if not span > 0:
        return np.zeros(data.shape, dtype=np.float32)
    scaled: NDArray[np.float32] = np.clip(
        (data.astype(np.float32) - np.float32(low)) / np.float32(span), 0, 1
    )
    return scaled
