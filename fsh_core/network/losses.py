"""The paper's composite loss, 0.5 BCE + 0.5 soft Dice, over all voxels or lesion by lesion."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

_EPSILON = 1.0  # one voxel: an empty patch predicted empty costs 0, and small lesions still count


class Losses(NamedTuple):
    """Scalar tensors; ``total`` is the one to minimise."""

    total: Tensor
    bce: Tensor
    dice: Tensor


def composite_loss(logits: Tensor, reference: Tensor, bce_weight: float = 0.5) -> Losses:
    """Binary cross-entropy and soft Dice, weighted.

    Parameters
    ----------
    logits : (B, 1, I, J, K)
        Network output.
    reference : (B, 1, I, J, K) in {0, 1}
        Lesion mask.
    bce_weight : float
        Weight of the cross-entropy; the soft Dice loss has the rest.

    Returns
    -------
    Losses
        The Dice loss is taken over the whole batch at once (one ratio), so that a
        patch without lesions does not dominate it; on an empty batch it is 0 for an
        empty prediction.
    """
    logits = logits.float()
    reference = reference.float()
    bce = F.binary_cross_entropy_with_logits(logits, reference)
    probability = logits.sigmoid()
    overlap = (probability * reference).sum()
    dice = 1 - (2 * overlap + _EPSILON) / (probability.sum() + reference.sum() + _EPSILON)
    return Losses(bce_weight * bce + (1 - bce_weight) * dice, bce, dice)


def loss_by_lesion(
    logits: Tensor, reference: Tensor, regions: Tensor, bce_weight: float = 0.5
) -> Tensor:
    """Measure the composite loss around each lesion by itself: a small one counts like a large one.

    Parameters
    ----------
    logits : (B, 1, I, J, K)
        Network output.
    reference : (B, 1, I, J, K) in {0, 1}
        Lesion mask.
    regions : (B, 1, I, J, K)
        Of each patch: 0, 1, … for the voxels that are nearest to its first lesion, its second, …;
        see `fsh_core.training.lesion_regions`. A patch without lesions is one region.
    bce_weight : float
        Weight of the cross-entropy; the soft Dice loss has the rest.

    Returns
    -------
    () float
        Mean over all regions of the batch.

    Notes
    -----
    The connected-component loss of Jaus et al. 2024 (arXiv 2410.18684) in the form of CC-DiceCE
    (arXiv 2511.17146): a voxel belongs to the lesion that it is nearest to.
    """
    numbers = regions.long().flatten(1)
    counts = numbers.amax(dim=1) + 1
    first = torch.cat([counts.new_zeros(1), counts.cumsum(0)[:-1]])
    places = (numbers + first[:, None]).flatten()

    def summed(values: Tensor) -> Tensor:
        return values.new_zeros(int(counts.sum())).index_add(0, places, values.flatten())

    logits, reference = logits.float(), reference.float()
    probability = logits.sigmoid()
    bce = F.binary_cross_entropy_with_logits(logits, reference, reduction="none")
    overlap, found, true = (
        summed(probability * reference),
        summed(probability),
        summed(reference),
    )
    dice = 1 - (2 * overlap + _EPSILON) / (found + true + _EPSILON)
    mean_bce = summed(bce) / summed(torch.ones_like(bce))
    return (bce_weight * mean_bce + (1 - bce_weight) * dice).mean()
