"""Scanners that nobody scanned with: random contrast of tissues, lesions, texture, resolution.

A network that saw three scanners takes their contrast for that of every scanner. Randomised
contrast costs less of the accuracy on unseen scanners than anything else that is known to help
(BigAug, Zhang et al. 2020, arXiv 1906.03347; by tissue: SLAug, Su et al. 2023, arXiv 2211.14805; by
random shallow networks: GIN, Ouyang et al. 2022, arXiv 2111.12525).
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from fsh_core.preprocess.intensity import BRIGHT_LEVEL, MEDIAN_LEVEL
from fsh_core.training.devices import tensor_on

# Shares of the patches, and ranges of the variations, chosen by hand; docs/experiments.md says what
# they give.
_TISSUE_FRACTION = 0.5
_LESION_FRACTION, _LESION_CONTRASTS = 0.5, (0.5, 1.7)  # times a lesion's own contrast
_LEAST_LESION = 1.1  # of the level of white matter: fainter ones nobody would draw
_TEXTURE_FRACTION, _LARGEST_SHARE = 0.25, 0.5
_COARSE_FRACTION, _COARSER = 0.15, (1.2, 2.2)  # times the voxel size, in every direction
_GREYS_FRACTION, _FEWEST_GREYS, _MOST_GREYS = 0.1, 48, 256

# Where the curve of a tissue contrast bends: black, fluid, partial volume, white matter, cortex,
# lesions, the end. White matter and cortex are where scaling by tissue puts them on every scanner,
# so they move little; the slopes between are free.
_LEVELS = np.array([0.0, 0.1, 0.22, MEDIAN_LEVEL, BRIGHT_LEVEL, 0.62, 1.0])
_LOG_SLOPE = 0.7
_WHITE_ERROR, _CORTEX_ERROR = 0.03, 0.05
_CHANNELS = (2, 5)  # of a random network, the second one excluded
_LEAK = 0.2


def other_contrast(image: Tensor, lesions: Tensor, rng: np.random.Generator) -> Tensor:
    """Change the contrast of tissues and lesions, the texture and the resolution of a patch.

    Parameters
    ----------
    image : (I, J, K) float32
        A patch scaled by tissue, about in [0, 1].
    lesions : (I, J, K) float32 in [0, 1]
        How much of each voxel is lesion.
    rng : Generator
        Where chance comes from.

    Returns
    -------
    (I, J, K) float32
        Lesions stay brighter than white matter.
    """
    if rng.random() < _LESION_FRACTION:
        image = _other_lesions(image, lesions, float(rng.uniform(*_LESION_CONTRASTS)))
    if rng.random() < _TISSUE_FRACTION:
        image = _along(image, _curve(rng))
    if rng.random() < _TEXTURE_FRACTION:
        image = _other_texture(image, rng)
    if rng.random() < _COARSE_FRACTION:
        image = _coarser(image, float(rng.uniform(*_COARSER)))
    if rng.random() < _GREYS_FRACTION:
        greys = int(rng.integers(_FEWEST_GREYS, _MOST_GREYS))
        image = (image.clamp(0, 1) * greys).round() / greys
    return image


def _other_lesions(image: Tensor, lesions: Tensor, contrast: float) -> Tensor:
    """Scale how much brighter than white matter the lesions are."""
    above = (image - MEDIAN_LEVEL).clamp_min(0)
    changed = image + lesions * (contrast - 1) * above
    faintest = torch.minimum(image, torch.full_like(image, _LEAST_LESION * MEDIAN_LEVEL))
    return torch.maximum(changed, faintest)  # none becomes fainter than white matter


def _curve(rng: np.random.Generator) -> np.ndarray:
    """Draw a rising curve: what the levels `_LEVELS` become."""
    rises = np.diff(_LEVELS) * np.exp(rng.uniform(-_LOG_SLOPE, _LOG_SLOPE, _LEVELS.size - 1))
    white = MEDIAN_LEVEL + rng.uniform(-_WHITE_ERROR, _WHITE_ERROR)
    cortex = BRIGHT_LEVEL + rng.uniform(-_CORTEX_ERROR, _CORTEX_ERROR)
    dark = np.concatenate([[0.0], np.cumsum(rises[:3])])
    dark = dark * (white / dark[-1])
    bright = max(cortex, white) + np.cumsum(rises[4:])
    return np.concatenate([dark, [max(cortex, white)], bright])


def _along(image: Tensor, curve: np.ndarray) -> Tensor:
    """Map intensities along a curve through `_LEVELS`."""
    levels, heights = tensor_on(image.device, _LEVELS), tensor_on(image.device, curve)
    inside = image.clamp(0, 1)
    piece = torch.bucketize(inside, levels[1:-1], right=True)
    slopes = heights.diff() / levels.diff()
    return heights[piece] + (inside - levels[piece]) * slopes[piece]


def _other_texture(image: Tensor, rng: np.random.Generator) -> Tensor:
    """Mix in what a random network of two layers makes of the image, with its mean and spread."""
    channels = int(rng.integers(*_CHANNELS))
    first = tensor_on(image.device, rng.standard_normal((channels, 1, 3, 3, 3)))
    second = tensor_on(image.device, rng.standard_normal((1, channels, 1, 1, 1)))
    hidden = F.leaky_relu(F.conv3d(image[None, None], first, padding=1), _LEAK)
    made = F.conv3d(hidden, second)[0, 0]
    spread = made.std()
    if not spread > 0:
        return image
    made = (made - made.mean()) * (image.std() / spread) + image.mean()
    return torch.lerp(image, made, float(rng.uniform(0, _LARGEST_SHARE)))


def _coarser(image: Tensor, factor: float) -> Tensor:
    """Imitate larger voxels: average, and interpolate back."""
    size = [max(2, round(length / factor)) for length in image.shape]
    coarse = F.interpolate(image[None, None], size, mode="area")
    return F.interpolate(coarse, image.shape, mode="trilinear", align_corners=False)[0, 0]
