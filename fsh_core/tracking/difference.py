"""The difference of two visits, in units of what differs between them where nothing happened."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from fsh_core.tracking.halfway import Halfway, resample_to
from fsh_core.tracking.visit import Visit
from fsh_core.volume.components import CONNECTIVITY_26
from fsh_core.volume.resample import block_means, resample_like
from fsh_core.volume.volume import Volume

_SMOOTHING_MM = 0.7
_RIM_MM = 2  # of the brain, and around lesions: no normal-appearing tissue
_TISSUE = (0.7, 1.35)  # of the median of the brain: neither fluid nor lesion
_BIAS_MM = 15.0
_BLOCK_MM = 4  # at which the bias is found
_MAD_TO_SD = 1.4826  # of a normal distribution
_EVERY = 7  # voxels of which one is looked at for a fit
_ROUNDS = 3  # of a fit, each without the outliers of the one before
_MOST_SPREAD = 4.0  # robust standard deviations from which a voxel is an outlier
_EDGE_CLASSES = 8  # of steepness, over which the noise is fitted
_FEWEST = np.float32(1e-3)  # share of tissue around a block that is enough to know its bias

Map = NDArray[np.float32]


@dataclass(frozen=True)
class Difference:
    """What differs between two visits, in the half-way space (I, J, K).

    Attributes
    ----------
    sd : (I, J, K) float32
        Second minus first, in robust standard deviations of normal-appearing tissue; 0 outside
        the brain of either.
    first, second : (I, J, K) float32
        The scans after matching; 1 = median of normal-appearing tissue.
    brain : (I, J, K) bool
        The brain of both.
    brain_overlap : float
        Dice of the two brains.
    correlation : float
        Of the two scans over normal-appearing tissue and fluid.
    noise : float
        The standard deviation away from edges; 1 = median of normal-appearing tissue.
    """

    sd: Map
    first: Map
    second: Map
    brain: NDArray[np.bool_]
    brain_overlap: float
    correlation: float
    noise: float


def find_difference(halfway: Halfway, first: Visit, second: Visit) -> Difference:
    """Subtract two visits after matching their intensities.

    Both are divided by the median of their normal-appearing tissue, and half of the smooth part
    of the log ratio (a bias field and what the scanners weight differently) is taken from each.
    What contrast and resolution explain is taken from the difference. What is left is divided
    by its robust standard deviation in normal-appearing tissue, which grows with the steepness
    of the edges that both scans have: there, a small error of the registration looks like a
    change (Schmidt et al., NeuroImage: Clinical 2019, doi
    10.1016/j.nicl.2019.101849, test against the differences in normal-appearing white matter).

    Parameters
    ----------
    halfway : Halfway
        The space.
    first, second : Visit
        Visits; swapping them changes the sign of ``sd`` alone.
    """
    scans, brains, lesions = [], [], []
    for visit, to_visit in ((first, halfway.to_first), (second, halfway.to_second)):
        scans.append(_smooth(resample_to(halfway, visit.flair, to_visit, visit.flair.data)))
        brains.append(resample_to(halfway, visit.flair, to_visit, visit.brain) > 0)
        lesions.append(resample_to(halfway, visit.flair, to_visit, visit.labels > 0) > 0)
    brain = brains[0] & brains[1]
    sizes = np.count_nonzero(brains[0]) + np.count_nonzero(brains[1])
    overlap = 2 * np.count_nonzero(brain) / sizes if sizes else 0.0
    near = ndimage.binary_dilation(lesions[0] | lesions[1], CONNECTIVITY_26, iterations=_RIM_MM)
    inner = ndimage.binary_erosion(brain, iterations=_RIM_MM) & ~near
    tissue = inner.copy()
    for position, scan in enumerate(scans):
        median = float(np.median(scan[inner])) if inner.any() else 1.0
        scans[position] = scan / np.float32(max(median, 1e-6))
        tissue &= (scans[position] > _TISSUE[0]) & (scans[position] < _TISSUE[1])
    correlation = _correlation(scans[0][inner], scans[1][inner])
    half_bias = np.exp(_log_ratio(scans[0], scans[1], tissue) / np.float32(2))
    first_scan = np.asarray(scans[0] * half_bias, dtype=np.float32)
    second_scan = np.asarray(scans[1] / half_bias, dtype=np.float32)
    change = second_scan - first_scan
    change = np.where(brain, change - _expected(first_scan, second_scan, inner), np.float32(0))
    steepness = np.minimum(_steepness(first_scan), _steepness(second_scan))
    noise, spread = _spread(change, steepness, tissue)
    centre = np.float32(np.median(change[tissue])) if tissue.any() else np.float32(0)
    sd = np.where(brain, (change - centre) / spread, np.float32(0)).astype(np.float32)
    return Difference(sd, first_scan, second_scan, brain, overlap, correlation, noise)


def _smooth(scan: NDArray[Any]) -> Map:
    smoothed = ndimage.gaussian_filter(scan.astype(np.float32), _SMOOTHING_MM)
    return np.asarray(np.maximum(smoothed, 0), dtype=np.float32)


def _steepness(scan: Map) -> Map:
    """Return the length of the gradient, a mm."""
    gradients = np.gradient(scan)
    return np.asarray(np.sqrt(sum(gradient**2 for gradient in gradients)), dtype=np.float32)


def _expected(first: Map, second: Map, inner: NDArray[np.bool_]) -> Map:
    """Difference that contrast and resolution explain, wherever nothing happened.

    A scan of other contrast differs in proportion to its brightness, and a blurred one in
    proportion to its second derivatives (along each axis, for slices of other thickness). How
    much is fitted where no lesion is, without the outliers, on the mean of both scans: so it is
    the same, with the other sign, in the other order of the visits.
    """
    mean = (first + second) / np.float32(2)
    terms = [mean - np.float32(1)]
    terms += [ndimage.correlate1d(mean, [1.0, -2.0, 1.0], axis) for axis in range(mean.ndim)]
    used = np.flatnonzero(inner)[::_EVERY]
    if used.size < _EDGE_CLASSES**2:
        return np.zeros_like(mean)
    columns = np.stack([term.ravel()[used].astype(np.float64) for term in terms], axis=1)
    wanted = (second - first).ravel()[used].astype(np.float64)
    factors = np.zeros(len(terms))
    for _ in range(_ROUNDS):
        left = wanted - columns @ factors
        limit = _MOST_SPREAD * _MAD_TO_SD * np.median(np.abs(left - np.median(left)))
        kept = np.abs(left) <= max(limit, 1e-9)
        factors = np.linalg.lstsq(columns[kept], wanted[kept], rcond=None)[0]
    explained = sum(np.float32(factor) * term for factor, term in zip(factors, terms, strict=True))
    return np.asarray(explained, dtype=np.float32)


def _log_ratio(first: Map, second: Map, tissue: NDArray[np.bool_]) -> Map:
    """Smooth log of second over first, found in normal-appearing tissue."""
    ratio = np.zeros(first.shape, dtype=np.float32)
    ratio[tissue] = np.log(second[tissue] / first[tissue])
    steps = (_BLOCK_MM,) * 3
    sums, counts = (
        ndimage.gaussian_filter(block_means(data, steps), _BIAS_MM / _BLOCK_MM)
        for data in (ratio, tissue)
    )
    coarse = np.where(counts > _FEWEST, sums / np.maximum(counts, _FEWEST), np.float32(0))
    affine = np.diag([_BLOCK_MM, _BLOCK_MM, _BLOCK_MM, 1.0])
    affine[:3, 3] = (_BLOCK_MM - 1) / 2  # the middle of the first block
    return resample_like(coarse, Volume(coarse, affine), Volume(ratio, np.eye(4)))


def _spread(change: Map, steepness: Map, tissue: NDArray[np.bool_]) -> tuple[float, Map]:
    """Robust standard deviation away from edges, and at each voxel by how steep its edge is.

    Fitted over classes of steepness: variance = noise² + (shift x steepness)².
    """
    if np.count_nonzero(tissue) < _EDGE_CLASSES**2:
        return 1.0, np.ones(change.shape, dtype=np.float32)
    values, edges = change[tissue], steepness[tissue]
    limits = np.quantile(edges, np.linspace(0, 1, _EDGE_CLASSES + 1))
    squares, variances = [], []
    for low, high in pairwise(limits):
        inside = (edges >= low) & (edges <= high)
        middle = values[inside]
        deviation = _MAD_TO_SD * np.median(np.abs(middle - np.median(middle)))
        squares.append(float(np.mean(edges[inside], dtype=np.float64)) ** 2)
        variances.append(float(deviation) ** 2)
    slope, offset = np.polyfit(squares, variances, 1)
    slope = max(float(slope), 0.0)
    noise2 = max(float(offset), float(np.min(variances)) / 2, 1e-8)
    spread = np.sqrt(np.float32(noise2) + np.float32(slope) * steepness**2)
    return float(np.sqrt(noise2)), np.asarray(spread, dtype=np.float32)


def _correlation(first: Map, second: Map) -> float:
    if not (first.any() and second.any() and first.std() and second.std()):
        return float("nan")
    return float(np.corrcoef(first, second)[0, 1])
