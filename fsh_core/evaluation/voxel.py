"""Agreement of two masks, voxel by voxel, and of their volumes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsh_core.evaluation.ratio import ratio

MEAN_LESION_FRACTION = 0.001
"""Mean share of lesion voxels in the Shifts 2.0 data, for which nDSC was made."""


@dataclass(frozen=True)
class VoxelMetrics:
    """Agreement of two masks, voxel by voxel; every ratio is in [0, 1].

    Attributes
    ----------
    true_positive_voxels, false_positive_voxels, false_negative_voxels, true_negative_voxels : int
        The four counts that all others follow from.
    accuracy : float
        Share of all voxels on which the masks agree.
    sensitivity : float
        Share of the reference's voxels that were predicted (recall).
    specificity : float
        Share of the voxels outside the reference that were left out. Close to 1 for any
        small lesion load, since almost all of the image is background.
    precision : float
        Share of the predicted voxels that are in the reference.
    f1 : float
        Harmonic mean of precision and sensitivity: the same number as ``dice``.
    dice : float
        Twice the overlap over the sum of both sizes.
    normalised_dice : float
        Dice as it would be at the mean lesion load; see `voxel_metrics`.
    """

    true_positive_voxels: int
    false_positive_voxels: int
    false_negative_voxels: int
    true_negative_voxels: int
    accuracy: float
    sensitivity: float
    specificity: float
    precision: float
    f1: float
    dice: float
    normalised_dice: float


@dataclass(frozen=True)
class VolumeMetrics:
    """Volumes of two masks.

    Attributes
    ----------
    reference_ml, prediction_ml : float
        Volume of each mask, in ml.
    volume_difference_ml : float
        Prediction minus reference, in ml: positive means too much was found.
    volume_difference_fraction : float
        The same, divided by the reference's volume; 0 where both masks are empty, NaN
        (undefined) where only the reference is.
    """

    reference_ml: float
    prediction_ml: float
    volume_difference_ml: float
    volume_difference_fraction: float


def voxel_metrics(
    reference: NDArray[np.bool_],
    prediction: NDArray[np.bool_],
    within: NDArray[np.bool_] | None = None,
    lesion_fraction: float = MEAN_LESION_FRACTION,
) -> VoxelMetrics:
    """Compare two masks voxel by voxel.

    Dice is higher where there is more lesion to find. Normalised Dice (nDSC) takes that
    away: the false positives are scaled by k = (1 - r) p / (r (1 - p)), with p the share
    of lesion voxels of this reference and r that of a mean case, so that a prediction
    that calls everything a lesion has the same precision r in every case (Raina et al.,
    ISBI 2023, arXiv 2302.05432). At p = r it is Dice. It depends, as specificity does, on
    how much background is counted.

    Empty masks, by one rule, so that no metric is ever NaN: a ratio whose denominator
    is 0 is 1 if both masks are empty (nothing to find, nothing claimed) and 0 if one is.
    So, with both empty all ratios are 1; with only the reference empty, Dice, F1,
    precision and sensitivity are 0; with only the prediction empty, they are 0 too.
    Specificity is 1 where no voxel lies outside the reference.

    Parameters
    ----------
    reference, prediction : (I, J, K) bool
        The masks.
    within : (I, J, K) bool or None
        Count only these voxels (a brain mask); all when None.
    lesion_fraction : float in (0, 1)
        r: the share of lesion voxels at which normalised and plain Dice agree; by
        default that of the paper.

    Returns
    -------
    VoxelMetrics
        The counts and ratios.

    Raises
    ------
    ValueError
        If shapes differ, if there is no voxel to count, or if ``lesion_fraction`` is not
        between 0 and 1.
    """
    if not 0 < lesion_fraction < 1:
        raise ValueError(f"lesion_fraction must be between 0 and 1, got {lesion_fraction}")
    check_shapes(reference, prediction)
    if within is not None:
        if within.shape != reference.shape:
            raise ValueError(
                f"within must have the masks' shape {reference.shape}, got {within.shape}"
            )
        reference, prediction = reference[within], prediction[within]
    if reference.size == 0:
        raise ValueError(
            "there must be at least one voxel to compare, found none; is the brain mask empty?"
        )
    both = int(np.count_nonzero(reference & prediction))
    claimed, real = int(np.count_nonzero(prediction)), int(np.count_nonzero(reference))
    neither = reference.size - (claimed + real - both)
    empty = 1.0 if claimed == real == 0 else 0.0
    # The odds of a lesion voxel here over those in a mean case; without a voxel outside there is
    # nothing to scale.
    scale = 1.0
    if real < reference.size:
        scale = real / (reference.size - real) / (lesion_fraction / (1 - lesion_fraction))
    normalised_dice = empty
    if real:
        normalised_dice = 2 * both / (2 * both + scale * (claimed - both) + real - both)
    dice = ratio(2 * both, claimed + real, empty)
    return VoxelMetrics(
        true_positive_voxels=both,
        false_positive_voxels=claimed - both,
        false_negative_voxels=real - both,
        true_negative_voxels=neither,
        accuracy=(both + neither) / reference.size,
        sensitivity=ratio(both, real, empty),
        specificity=ratio(neither, reference.size - real, 1.0),
        precision=ratio(both, claimed, empty),
        f1=dice,
        dice=dice,
        normalised_dice=normalised_dice,
    )


def volume_metrics(
    reference: NDArray[np.bool_], prediction: NDArray[np.bool_], voxel_volume_mm3: float
) -> VolumeMetrics:
    """Compare the volumes of two masks.

    Parameters
    ----------
    reference, prediction : (I, J, K) bool
        The masks.
    voxel_volume_mm3 : float
        Volume of one voxel, in mm3.

    Returns
    -------
    VolumeMetrics
        Both volumes and their difference.

    Raises
    ------
    ValueError
        If shapes differ.
    """
    check_shapes(reference, prediction)
    real, claimed = int(np.count_nonzero(reference)), int(np.count_nonzero(prediction))
    undefined = float("nan") if claimed else 0.0
    return VolumeMetrics(
        reference_ml=real * voxel_volume_mm3 / 1000,
        prediction_ml=claimed * voxel_volume_mm3 / 1000,
        volume_difference_ml=(claimed - real) * voxel_volume_mm3 / 1000,
        volume_difference_fraction=ratio(claimed - real, real, undefined),
    )


def check_shapes(reference: NDArray[np.generic], prediction: NDArray[np.generic]) -> None:
    """Check that two arrays lie on grids of one size.

    Parameters
    ----------
    reference, prediction : arrays
        Of any kind.

    Raises
    ------
    ValueError
        If they do not.
    """
    if reference.shape != prediction.shape:
        raise ValueError(
            "reference and prediction must have one shape, "
            f"got {reference.shape} and {prediction.shape}"
        )
