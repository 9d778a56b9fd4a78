"""How sure an ensemble is: of a voxel, of a lesion, of a scan.

An ensemble is a set of probabilities of one scan: those of several networks, of the scan as it is
and mirrored.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import special

from fsh_core.volume.boxes import Box, bounding_box, is_empty
from fsh_core.volume.components import label_components

_LEAST_ENSEMBLE = 2  # members
VOLUME_OFFSET_ML = 0.5  # added before logarithms are taken: a scan without lesions counts too
_LEAST_SPREAD = 0.1  # a scan that leaves nothing open is not known exactly either


def voxel_entropy(probability: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the entropy of a probability, in bits.

    Parameters
    ----------
    probability : (I, J, K) float32 in [0, 1]
        Lesion probability.

    Returns
    -------
    (I, J, K) float32
        0 where it is 0 or 1, and 1 where it is one half.
    """
    entropy = np.zeros(probability.shape, np.float32)
    unsure = (probability > 0) & (probability < 1)
    chance = probability[unsure]
    entropy[unsure] = (special.entr(chance) + special.entr(1 - chance)) / np.log(2)
    return entropy


def voxel_variance(members: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return the variance of the probability over an ensemble's members.

    Parameters
    ----------
    members : sequence of (I, J, K) float32 in [0, 1]
        Each member's probability.

    Returns
    -------
    (I, J, K) float32
        At most 0.25.
    """
    result = np.zeros(members[0].shape, np.float32)
    box = _box(member != 0 for member in members)  # a scan may be large, and most of it is air
    inside = [member[box] for member in members]
    mean = _mean(inside)
    variance = result[box]
    for member in inside:
        difference = member - mean
        difference *= difference
        variance += difference
    variance /= np.float32(len(members))
    return result


def structural_uncertainty(
    labels: NDArray[np.int32], members: Sequence[NDArray[np.float32]], threshold: float
) -> NDArray[np.float64]:
    """Structural uncertainty of every lesion: how far an ensemble's members disagree on it.

    A lesion's uncertainty is 1 minus the mean, over members, of its overlap (intersection
    over union) with the member's lesion that overlaps it most; a member that does not see
    it counts 0 (Molchanova et al., Comput Biol Med 2025, doi 10.1016/j.compbiomed.2024.109336).

    Parameters
    ----------
    labels : (I, J, K) int
        Lesions of the ensemble, 1 to N.
    members : sequence of (I, J, K) float32
        Each member's probability.
    threshold : float
        From which a voxel is lesion.

    Returns
    -------
    (N,) float64 in [0, 1]
        NaN with fewer than two members.
    """
    count = int(labels.max(initial=0))
    if len(members) < _LEAST_ENSEMBLE:
        return np.full(count, np.nan)
    box = _box((labels > 0, *(member >= threshold for member in members)))
    labels = labels[box]
    marked = np.flatnonzero(labels)  # some thousand voxels of millions
    own = labels.ravel()[marked]
    sizes = np.bincount(own, minlength=count + 1)[1:]
    overlaps = np.zeros(count)
    for member in members:
        member_labels, member_count = label_components(member[box] >= threshold)
        if not member_count:
            continue
        member_sizes = np.bincount(member_labels[member_labels > 0], minlength=member_count + 1)
        met = member_labels.ravel()[marked]
        pairs, shared = np.unique(np.stack([own, met])[:, met > 0], axis=1, return_counts=True)
        lesion = pairs[0] - 1
        union = sizes[lesion] + member_sizes[pairs[1]] - shared
        best = np.zeros(count)
        np.maximum.at(best, lesion, shared / union)  # several pairs may have the same lesion
        overlaps += best
    return np.asarray(1 - overlaps / len(members))


def least_member_probability(
    labels: NDArray[np.int32], members: Sequence[NDArray[np.float32]]
) -> NDArray[np.float64]:
    """Return every lesion's largest probability as the least sure of the members sees it.

    Parameters
    ----------
    labels : (I, J, K) int
        Lesions of the ensemble, 1 to N.
    members : sequence of (I, J, K) float32 in [0, 1]
        Each member's probability.

    Returns
    -------
    (N,) float64 in [0, 1]
        NaN with fewer than two members.
    """
    count = int(labels.max(initial=0))
    if len(members) < _LEAST_ENSEMBLE:
        return np.full(count, np.nan)
    marked = np.flatnonzero(labels)
    own = labels.ravel()[marked] - 1
    largest = np.zeros((len(members), count))
    for row, member in zip(largest, members, strict=True):
        np.maximum.at(row, own, member.ravel()[marked])
    return np.asarray(largest.min(axis=0))


def volume_spread(
    probability: NDArray[np.float32], voxel_volume_mm3: float, threshold: float
) -> float:
    """Return how much the volume of a scan depends on the threshold.

    Parameters
    ----------
    probability : (I, J, K) float32 in [0, 1]
        Lesion probability, 0 outside the brain.
    voxel_volume_mm3 : float
        Volume of a voxel, in mm3.
    threshold : float
        From which a voxel is lesion.

    Returns
    -------
    float
        Logarithm of the volume at the threshold one logit below over that at one logit above,
        0.5 ml added to both, and at least 0.1.
    """
    middle = special.logit(threshold)
    large, small = (
        np.count_nonzero(probability >= special.expit(middle + step)) * voxel_volume_mm3 / 1000
        for step in (-1, 1)
    )
    return max(
        _LEAST_SPREAD, float(np.log((large + VOLUME_OFFSET_ML) / (small + VOLUME_OFFSET_ML)))
    )


def patient_uncertainty(members: Sequence[NDArray[np.float32]], threshold: float) -> float:
    """Return 1 minus the mean Dice of an ensemble's members with their mean, 0 to 1.

    Parameters
    ----------
    members : sequence of (I, J, K) float32 in [0, 1]
        Each member's probability.
    threshold : float
        From which a voxel is lesion.

    Returns
    -------
    float
        NaN with fewer than two members; 0 where neither they nor their mean mark anything.
    """
    if len(members) < _LEAST_ENSEMBLE:
        return float("nan")
    box = _box(member >= threshold for member in members)  # nor can their mean be outside
    inside = [member[box] for member in members]
    mean = _mean(inside) >= threshold
    scores = []
    for member in inside:
        marked = member >= threshold
        total = int(marked.sum()) + int(mean.sum())
        scores.append(2 * int((marked & mean).sum()) / total if total else 1.0)
    return float(1 - np.mean(scores))


def _box(masks: Iterable[NDArray[np.bool_]]) -> Box:
    """Return the bounding box of several masks together, made one after the other."""
    boxes = [box for box in map(bounding_box, masks) if not is_empty(box)]
    if not boxes:
        return slice(0, 0), slice(0, 0), slice(0, 0)
    i, j, k = (
        slice(min(side.start for side in sides), max(side.stop for side in sides))
        for sides in zip(*boxes, strict=True)
    )
    return i, j, k


def _mean(members: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.asarray(sum(members) / np.float32(len(members)), dtype=np.float32)
