"""What several raters agree on: the STAPLE consensus, and how far it trusts each of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from fsh_core.evaluation.voxel import check_shapes
from fsh_core.volume.boxes import bounding_box

_FEWEST_MASKS = 2
_MAJORITY = 0.5
_DECIMALS = 6

_MARGIN_VOXELS = (2, 2, 2)
_MOST_ITERATIONS = 2000


@dataclass(frozen=True)
class Consensus:
    """What the raters' masks say together.

    Attributes
    ----------
    mask : (I, J, K) bool
        Voxels that are lesion with a probability of one half or more.
    probability : (I, J, K) float32 in [0, 1]
        Probability of lesion given all masks.
    sensitivity, specificity : tuple of float
        Estimated for each rater, in the order of the masks; specificity is over the
        neighbourhood of the lesions. NaN where all masks are empty.
    """

    mask: NDArray[np.bool_]
    probability: NDArray[np.float32]
    sensitivity: tuple[float, ...]
    specificity: tuple[float, ...]


def staple(masks: Sequence[NDArray[np.bool_]]) -> Consensus:
    """Estimate the consensus of raters and the performance of each: STAPLE.

    Expectation maximisation over the unknown truth and each rater's sensitivity and
    specificity (Warfield, Zou and Wells, IEEE Transactions on Medical Imaging 2004, doi
    10.1109/TMI.2004.828354; SimpleITK's filter). It sees the voxels that any mask holds
    and those up to two voxels away: background further off, on which all agree, says
    nothing about the raters, but brings every specificity near 1, upon which any two of
    them outvote the rest. Two raters alone cannot say who is right; their consensus is
    one compromise.

    Parameters
    ----------
    masks : sequence of (I, J, K) bool
        One per rater, two or more.

    Returns
    -------
    Consensus
        Empty, with undefined sensitivities and specificities, if all masks are empty. Of
        one mask and an empty one it is the mask, at a probability of one half.

    Raises
    ------
    ValueError
        If there are fewer than two masks, or if shapes differ.
    """
    if len(masks) < _FEWEST_MASKS:
        raise ValueError(f"a consensus needs at least 2 masks, got {len(masks)}")
    for mask in masks[1:]:
        check_shapes(masks[0], mask)
    union = np.logical_or.reduce(masks)
    probability = np.zeros(union.shape, dtype=np.float32)
    if not union.any():
        undefined = (float("nan"),) * len(masks)
        return Consensus(probability > 0, probability, undefined, undefined)
    box = bounding_box(union, _MARGIN_VOXELS)
    # Padded, so that a lesion that fills the image has background beside it as well.
    padded = [np.pad(mask[box], 1) for mask in (*masks, union)]
    near = ndimage.binary_dilation(padded.pop(), iterations=max(_MARGIN_VOXELS))
    estimate: Any = sitk.STAPLEImageFilter()
    estimate.SetForegroundValue(1)
    estimate.SetMaximumIterations(_MOST_ITERATIONS)
    # To the filter a voxel is what the raters said of it; where it lies does not matter.
    found = estimate.Execute(
        [sitk.GetImageFromArray(mask[near][None].astype(np.uint8)) for mask in padded]
    )
    inside = np.zeros(near.shape, dtype=np.float32)
    inside[near] = sitk.GetArrayFromImage(found)[0]
    probability[box] = inside[1:-1, 1:-1, 1:-1]
    return Consensus(
        # Rounded: one half is one half whatever the last bits say.
        mask=np.round(probability, _DECIMALS) >= _MAJORITY,
        probability=probability,
        sensitivity=tuple(estimate.GetSensitivity()),
        specificity=tuple(estimate.GetSpecificity()),
    )
