"""Painting a lesion into the voxels of a scan: contrast, profile from edge to core, texture."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from fsh_core.simulation.target import CONTRAST_SCALE_RANGE, TargetScan, contrast_growth
from fsh_core.volume.boxes import Box, box_at, first_voxel, voxels_across, widen
from fsh_core.volume.volume import MASK_LEVEL

CONTRAST_RANGE = (0.12, 0.9)
"""Mean brightness of a lesion above the white matter around: least and most.

In units of white matter.
Fluid or grey matter within a lesion's outline may move a single lesion out of it.
"""

# How these were measured on real lesions is in docs/simulation.md.
_CONTRAST_SCALE_MEDIAN = 0.38  # over scanners, of the contrast of a lesion of 120 mm3
_CONTRAST_SCALE_SPREAD = 0.25  # over scanners, of its logarithm
_LESION_SPREAD = 0.2  # between lesions of one scan, of the logarithm
_FAINT_FRACTION, _FAINT_SCALE = 0.15, (0.45, 0.7)  # how many lesions are faint, and how faint
_SATURATED_FRACTION, _SATURATED_SCALE = 0.15, 1.25  # how many are bright and flat, and how bright
_UNEVENNESS = (0.08, 0.2)  # of a lesion's brightness: standard deviation over its mean
_SATURATED_UNEVENNESS = 0.03
_LARGEST_PEAK = 1.5
_EDGE_MM = (0.35, 0.8)  # standard deviation of the blur of a lesion's edge, from scan to scan
_EDGE_SPREAD = 0.15  # between lesions of one scan, of the logarithm
_RISE_FRACTION = 0.3  # how much dimmer than its core a lesion is at its edge
_RISE_MM = 2.0  # how deep that goes
_SMOOTH_MM = 1.2  # what is finer is noise of the target, and stays
_TEXTURE_MM = 1.5
_MOST_TEXTURE = 2.0  # standard deviations
_BLUR_MARGIN_MM = 3.0  # around a lesion: its blurred edge and the smoothing go no further
_GAUSSIAN_TRUNCATE = 3.0  # standard deviations
_LEAST_ALPHA = 0.02  # a smaller share of lesion changes nothing that could be seen
_FLUID, _TISSUE = 0.35, 0.7  # of white matter: a lesion fades out between the two


@dataclass(frozen=True)
class Look:
    """What a lesion looks like, apart from its shape.

    Attributes
    ----------
    contrast : float
        Mean brightness above the white matter around, in units of white matter.
    uneven : float
        Standard deviation of its brightness over the mean.
    edge_mm : float
        Standard deviation of the blur of its edge.
    """

    contrast: float
    uneven: float
    edge_mm: float


@dataclass(frozen=True)
class ScanLook:
    """What the lesions of one scan have in common.

    Attributes
    ----------
    contrast_scale : float
        Contrast of a lesion of 120 mm3.
    edge_mm : float
        Standard deviation of the blur of a lesion's edge.
    """

    contrast_scale: float
    edge_mm: float

    @classmethod
    def draw(cls, target: TargetScan, rng: np.random.Generator) -> "ScanLook":
        """Draw it, the contrast only where the target's own lesions do not give it."""
        # Drawn even where the target's own is known, so that the numbers after it stay the same.
        contrast_scale = _CONTRAST_SCALE_MEDIAN * np.exp(rng.normal(0, _CONTRAST_SCALE_SPREAD))
        return cls(
            target.contrast_scale or float(np.clip(contrast_scale, *CONTRAST_SCALE_RANGE)),
            float(rng.uniform(*_EDGE_MM)),
        )

    def draw_lesion(self, volume_mm3: float, rng: np.random.Generator) -> Look:
        """Draw what one lesion looks like; small lesions are fainter."""
        contrast = (
            self.contrast_scale
            * float(contrast_growth(volume_mm3))
            * np.exp(rng.normal(0, _LESION_SPREAD))
        )
        kind, uneven = rng.random(), rng.uniform(*_UNEVENNESS)
        if kind < _FAINT_FRACTION:
            contrast *= rng.uniform(*_FAINT_SCALE)
        elif kind > 1 - _SATURATED_FRACTION:
            contrast, uneven = contrast * _SATURATED_SCALE, _SATURATED_UNEVENNESS
        edge_mm = self.edge_mm * float(np.exp(rng.normal(0, _EDGE_SPREAD)))
        return Look(float(np.clip(contrast, *CONTRAST_RANGE)), float(uneven), edge_mm)


@dataclass(frozen=True)
class Painted:
    """How a lesion came out.

    Attributes
    ----------
    peak : float
        Brightness of its core above the white matter around, in units of white matter.
    contrast : float
        Mean brightness of its voxels in the truth, likewise.
    """

    peak: float
    contrast: float


def paint(
    target: TargetScan,
    data: NDArray[np.float32],
    box: Box,
    fraction: NDArray[np.float32],
    look: Look,
    rng: np.random.Generator,
    *,
    overlap: bool = False,
    peak: float | None = None,
) -> Painted:
    """Turn white matter into lesion, keeping noise and dark fluid.

    Parameters
    ----------
    target : TargetScan
        What is known of the scan.
    data : (I, J, K) float32
        Its voxels in RAS; written to.
    box : Box
        Where the lesion lies in them.
    fraction : (A, B, C) float32 in [0, 1]
        Share of each voxel of the box that is lesion; at least one half somewhere.
    look : Look
        What it is to look like.
    rng : Generator
        Where its texture comes from; the same state and box give the same.
    overlap : bool
        Whether it may lie over the target's own lesions.
    peak : float or None
        Brightness of its core, where that is given; what the contrast of ``look`` wants if None.

    Returns
    -------
    Painted
    """
    spacing_mm = target.flair.spacing_mm
    margin = voxels_across(_BLUR_MARGIN_MM, spacing_mm)
    around, part = with_margin(box, data.shape, margin)
    padded = np.pad(fraction, [(size, size) for size in margin])[part]
    scan, level = data[around], target.white.level[around]
    alpha = ndimage.gaussian_filter(
        padded, [look.edge_mm / size for size in spacing_mm], truncate=_GAUSSIAN_TRUNCATE
    )
    smooth = ndimage.gaussian_filter(
        scan, [_SMOOTH_MM / size for size in spacing_mm], truncate=_GAUSSIAN_TRUNCATE
    )
    profile = _profile(padded, look.uneven, spacing_mm, rng)
    truth = padded >= MASK_LEVEL
    mean = float((alpha * profile)[truth].mean())
    if peak is None:
        peak = min(_LARGEST_PEAK, look.contrast / mean)
    tissue = np.clip((scan / level - _FLUID) / (_TISSUE - _FLUID), 0, 1)
    alpha = np.where(alpha < _LEAST_ALPHA, 0, alpha) * tissue
    if not overlap:
        alpha = np.where(target.lesions[around], 0, alpha)
    # The difference to the smoothed scan: what is finer, the scan's noise, stays as it is.
    data[around] = scan + alpha * np.maximum(level * (1 + peak * profile) - smooth, 0)
    return Painted(peak, peak * float((alpha * profile)[truth].mean()))


def _profile(
    fraction: NDArray[np.float32],
    uneven: float,
    spacing_mm: tuple[float, float, float],
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Brightness within a lesion: rising from the edge to the core, and uneven."""
    depth_mm = ndimage.distance_transform_edt(fraction >= MASK_LEVEL, sampling=spacing_mm)
    noise = rng.standard_normal(fraction.shape, dtype=np.float32)
    texture = ndimage.gaussian_filter(noise, [_TEXTURE_MM / size for size in spacing_mm])
    texture /= max(float(texture.std()), 1e-6)
    rise = 1 - _RISE_FRACTION * np.exp(-depth_mm / _RISE_MM)
    return np.asarray(
        rise * (1 + uneven * np.clip(texture, -_MOST_TEXTURE, _MOST_TEXTURE)), dtype=np.float32
    )


def with_margin(
    box: Box, shape: tuple[int, ...], margin_voxels: tuple[int, int, int]
) -> tuple[Box, Box]:
    """Widen a box; return it, and the same part of the box's content padded by the margin."""
    around = widen(box, margin_voxels, shape)
    padded_first = first_voxel(box) - margin_voxels
    part = box_at(first_voxel(around) - padded_first, [side.stop - side.start for side in around])
    return around, part
