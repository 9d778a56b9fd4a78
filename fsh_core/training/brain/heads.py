"""Training data of the brain finder: heads with their brain, and augmentation.

Two kinds: whole heads with a brain mask, and scans of which only the brain is left, which
is its own mask: one that escapes `fsh_core.preprocess.brain_mask.is_stripped` must not be lost.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation
from torch.nn import functional as F

from fsh_core.preprocess.intensity import foreground, scale_percentile

Map = NDArray[np.float32]

# Shares of the heads, and ranges of the variations, chosen by hand; lengths in voxels of 4 mm.
_BARED_FRACTION = 0.15  # of the heads lose all but the brain
_TURNS_DEGREES = (20.0, 20.0, 30.0)  # about the left-right, front-back and vertical axis
_SCALES, _SCALES_OF_AN_AXIS = (0.85, 1.18), (0.93, 1.07)
_CROPPED_FRACTION, _LEAST_CROP = 0.3, 0.6
_CROPPED_AXES = (0.15, 0.15, 0.7)  # chance of R, A, S: most scans are cut at the neck or the top
_SMALLEST_AXIS = 16  # the network halves an axis four times
_BEND_NODES, _LARGEST_BEND, _LARGEST_SHIFT = 4, 1.2, 4.0
_AIR_PERCENTILE = 2
_DARK_PERCENTILE = 0.5
_GAMMAS = (0.6, 1.6)
_BIAS_NODES, _LARGEST_LOG_BIAS = 3, 0.35
_FAT_FRACTION, _FAT_FACTORS = 0.5, (0.25, 2.0)
_BLUR_FRACTION, _LARGEST_BLUR = 0.5, 1.0
_LARGEST_NOISE = 0.12  # of the median of the tissue
_BACKGROUND = 0.02  # below it a bare scan is background, which stays without noise
_HALF_VOXEL = 0.5  # a voxel is brain if at least half of it is


@dataclass(frozen=True)
class Head:
    """A scan to learn from.

    Attributes
    ----------
    subject : str
        Whose head it is.
    image : (I, J, K) float32
        RAS, isotropic, in the scanner's units.
    brain : (I, J, K) float32 in [0, 1]
        How much of a voxel is brain.
    is_bare : bool
        Whether nothing but the brain is left.
    """

    subject: str
    image: Map
    brain: Map
    is_bare: bool


def vary(head: Head, size: tuple[int, int, int], rng: np.random.Generator) -> tuple[Map, Map]:
    """Make one training pair: another pose, head, scanner and field of view.

    Parameters
    ----------
    head : Head
        The scan to start from.
    size : (int, int, int)
        Shape of the pair; a smaller field of view is filled up with 0, as for inference.
    rng : Generator
        Where chance comes from.

    Returns
    -------
    image : (P, Q, R) float32 in [0, 1]
    brain : (P, Q, R) float32 in [0, 1]
    """
    if not head.is_bare and rng.random() < _BARED_FRACTION:
        head = replace(
            head, image=np.where(head.brain >= _HALF_VOXEL, head.image, np.float32(0)), is_bare=True
        )
    image, brain = _placed(head, size, rng)
    image = _other_scanner(image, brain, head.is_bare, rng)
    pair = np.zeros((2, *size), np.float32)
    i, j, k = image.shape
    pair[:, :i, :j, :k] = scale_percentile(image, foreground(image)), brain
    return pair[0], pair[1]


def _placed(head: Head, largest: tuple[int, int, int], rng: np.random.Generator) -> tuple[Map, Map]:
    """Turn, scale, mirror and bend a head, and cut another field of view out of it."""
    angles = rng.uniform(-1, 1, 3) * _TURNS_DEGREES
    scales = (
        rng.uniform(*_SCALES) * rng.uniform(*_SCALES_OF_AN_AXIS, 3) * (rng.choice((-1, 1)), 1, 1)
    )
    matrix = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() * scales
    shape = np.array(head.image.shape)
    size = shape + rng.integers(-6, 7, 3)
    if rng.random() < _CROPPED_FRACTION:
        axis = rng.choice(3, p=_CROPPED_AXES)
        size[axis] = size[axis] * rng.uniform(_LEAST_CROP, 1)
    size = np.clip(size, _SMALLEST_AXIS, largest)
    axes = [
        torch.arange(length, dtype=torch.float32) - (length - 1) / 2 for length in size.tolist()
    ]
    places = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1) @ torch.from_numpy(
        matrix.T.astype(np.float32)
    )
    bends = np.stack(
        [_smooth(size.tolist(), _BEND_NODES, rng.uniform(0, _LARGEST_BEND), rng) for _ in range(3)],
        -1,
    )
    shift = rng.uniform(-_LARGEST_SHIFT, _LARGEST_SHIFT, 3).astype(np.float32)
    places = places + torch.from_numpy(bends + shift)
    # Beyond the field of view lies air, which need not be 0.
    air = np.float32(np.percentile(head.image, _AIR_PERCENTILE))
    stack = torch.from_numpy(np.stack([head.image - air, head.brain]))[None]
    # grid_sample counts the axes from the last to the first.
    where = (places / torch.from_numpy(((shape - 1) / 2).astype(np.float32))).flip(-1)[None]
    image, brain = F.grid_sample(stack, where, align_corners=True)[0].numpy()
    return image + air, np.clip(brain, 0, 1)


def _other_scanner(image: Map, brain: Map, is_bare: bool, rng: np.random.Generator) -> Map:
    """Change contrast, bias field, brightness of fat, sharpness and noise."""
    low = np.percentile(image, _DARK_PERCENTILE)
    tissue = foreground(image)
    median = np.median(image[tissue]) - low if tissue.any() else 0.0
    image = np.maximum(image - low, 0) / max(median, 1e-6)
    gamma = rng.uniform(*_GAMMAS)
    log_bias = _smooth(image.shape, _BIAS_NODES, rng.uniform(0, _LARGEST_LOG_BIAS), rng)
    image = image**gamma * np.exp(log_bias)
    if not is_bare and rng.random() < _FAT_FRACTION:
        fat = np.exp(rng.uniform(*np.log(_FAT_FACTORS)))
        image = image * (1 + (1 - brain) * (fat - 1))
    if rng.random() < _BLUR_FRACTION:
        image = ndimage.gaussian_filter(image, rng.uniform(0.0, _LARGEST_BLUR, 3))
    noise = rng.normal(0, rng.uniform(0, _LARGEST_NOISE), image.shape)
    if is_bare:
        image = np.where(image > _BACKGROUND, image + noise, image)
    else:
        image = np.abs(image + noise)
    return image.astype(np.float32)


def _smooth(shape: Sequence[int], nodes: int, spread: float, rng: np.random.Generator) -> Map:
    """Draw a smooth random field with ``nodes`` control points along an axis."""
    field = torch.from_numpy(rng.normal(0, spread, (1, 1, nodes, nodes, nodes)).astype(np.float32))
    smooth: Map = F.interpolate(field, list(shape), mode="trilinear", align_corners=True)[
        0, 0
    ].numpy()
    return smooth
