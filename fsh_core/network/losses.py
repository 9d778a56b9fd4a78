"""The paper's composite loss: 0.5 BCE + 0.5 soft Dice, safe on empty patches."""

from typing import NamedTuple

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
