"""Heads in which the brain finder learns to find the brain, and how they are varied.

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
_BARED_FRACTION = 0.15  # of the heads lose all but the brain
_TURNS_DEGREES = (20.0, 20.0, 30.0)  # about the left-right, front-back and vertical axis


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
            head, image=np.where(head.brain >= 0.5, head.image, np.float32(0)), is_bare=True
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
    scales = rng.uniform(0.85, 1.18) * rng.uniform(0.93, 1.07, 3) * (rng.choice((-1, 1)), 1, 1)
    matrix = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() * scales
    shape = np.array(head.image.shape)
    size = shape + rng.integers(-6, 7, 3)
    if rng.random() < 0.3:
        axis = rng.choice(3, p=(0.15, 0.15, 0.7))
        size[axis] = size[axis] * rng.uniform(0.6, 1)
    size = np.clip(size, 16, largest)
    axes = [
        torch.arange(length, dtype=torch.float32) - (length - 1) / 2 for length in size.tolist()
    ]
    places = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1) @ torch.from_numpy(
        matrix.T.astype(np.float32)
    )
    bends = np.stack([_smooth(size.tolist(), 4, rng.uniform(0, 1.2), rng) for _ in range(3)], -1)
    places = places + torch.from_numpy(bends + rng.uniform(-4, 4, 3).astype(np.float32))
    air = np.float32(
        np.percentile(head.image, 2)
    )  # beyond the field of view lies air, which need not be 0
    stack = torch.from_numpy(np.stack([head.image - air, head.brain]))[None]
    # grid_sample counts the axes from the last to the first.
    where = (places / torch.from_numpy(((shape - 1) / 2).astype(np.float32))).flip(-1)[None]
    image, brain = F.grid_sample(stack, where, align_corners=True)[0].numpy()
    return image + air, np.clip(brain, 0, 1)


def _other_scanner(image: Map, brain: Map, is_bare: bool, rng: np.random.Generator) -> Map:
    """Change contrast, bias field, brightness of fat, sharpness and noise."""
    low = np.percentile(image, 0.5)
    tissue = foreground(image)
    median = np.median(image[tissue]) - low if tissue.any() else 0.0
    image = np.maximum(image - low, 0) / max(median, 1e-6)
    image = image ** rng.uniform(0.6, 1.6) * np.exp(
        _smooth(image.shape, 3, rng.uniform(0, 0.35), rng)
    )
    if not is_bare and rng.random() < 0.5:
        image = image * (1 + (1 - brain) * (np.exp(rng.uniform(np.log(0.25), np.log(2.0))) - 1))
    if rng.random() < 0.5:
        image = ndimage.gaussian_filter(image, rng.uniform(0.0, 1.0, 3))
    noise = rng.normal(0, rng.uniform(0, 0.12), image.shape)
    image = np.where(image > 0.02, image + noise, image) if is_bare else np.abs(image + noise)
    return image.astype(np.float32)


def _smooth(shape: Sequence[int], nodes: int, spread: float, rng: np.random.Generator) -> Map:
    """Draw a smooth random field with ``nodes`` control points along an axis."""
    field = torch.from_numpy(rng.normal(0, spread, (1, 1, nodes, nodes, nodes)).astype(np.float32))
    smooth: Map = F.interpolate(field, list(shape), mode="trilinear", align_corners=True)[
        0, 0
    ].numpy()
    return smooth
