"""FLAIR-likeness: fluid dark, grey matter at least as bright as white, a quality check.

A T1-weighted scan has dark fluid too, but its white matter is brighter than its grey
matter; on a T2-weighted scan the fluid is brightest. Orders of brightness survive any
gain and gamma, and comparing neighbours survives a bias field.
"""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from fsh_core.preprocess.intensity import grey_levels
from fsh_core.quality.check import Check, Limits, Verdict, judge_high, judge_low, worst
from fsh_core.volume.boxes import bounding_box
from fsh_core.volume.resample import block_means
from fsh_core.volume.volume import MASK_LEVEL, Volume

# Real FLAIRs 0.97 to 1.06, real T1w 0.81 to 0.88; T1w spoilt by gamma or a bias field stay below
# 0.935.
GREY_TO_WHITE = Limits(0.935, 0.89)
# Real FLAIRs at most 0.24, real T2w 2.7 and more; T2w spoilt by a gamma of 0.5 stay above 0.3.
BRIGHT_TO_DARK = Limits(0.3, 0.7)
# Real FLAIRs 8 to 23 % of the brain, and still 3.6 % under a mask that is 3 voxels too tight.
DARK_FRACTION = 0.02
# 45 real FLAIRs 0.23 to 0.60, the same with black and white exchanged 1.28 to 3.6.
BRIGHT_TO_DARK_TAIL = Limits(0.8, 1.1)
# Slices thicker than the cortex (2 to 4 mm), and voxels of half of it in every direction, mix it
# with fluid, which darkens it on FLAIR: no reason to fail.
BLURRED_MM = 4.0
BLURRED_ALL_MM = 1.5

_COARSE_MM = 2.0  # fine enough for the cortex, which is 2 to 4 mm thick
_BIAS_MM = 20.0  # what varies more slowly than this is taken for a bias field
_DARK, _BRIGHT = 0.6, 1.6  # of the tissue around: fluid, and no tissue that is healthy
_CORTEX_MM = (1.5, 4.0)  # from the nearest fluid or the brain's edge
_WHITE_MM = (7.0, 14.0)
_RIM_MM = 4.0  # dura, and air taken for brain
_TAILS = (10, 50, 90)  # percentiles: beyond the outer ones lie most of the fluid, or the lesions
_MINIMUM_VOXELS = 200
_UNKNOWN = "Whether this is a FLAIR cannot be told"
_ASK: dict[Verdict, str] = {"caution": "check that this is a FLAIR", "fail": "this is not a FLAIR"}


def check_sequence(flair: Volume, brain: NDArray[np.bool_]) -> Check:
    """FLAIR-likeness; the value is the ratio that decided, and the unit names it.

    Parameters
    ----------
    flair : Volume
        (I, J, K), any orientation.
    brain : (I, J, K) bool
        Where the brain is.
    """
    seen = appearance(flair, brain)
    blurred = max(flair.spacing_mm) > BLURRED_MM or min(flair.spacing_mm) > BLURRED_ALL_MM
    verdict, unit, reason = _judged(seen, blurred)
    value = None if seen is None else asdict(seen)[unit]
    return Check("flair_likeness", verdict, value, unit, reason)


def _judged(seen: "Appearance | None", blurred: bool) -> tuple[Verdict, str, str]:
    """Give the verdict, the number that decided it, and the reason."""
    if seen is None:
        return (
            "caution",
            "grey_to_white",
            f"{_UNKNOWN}: too little of the brain or no contrast is there.",
        )
    by_fluid = judge_high(seen.bright_to_dark, BRIGHT_TO_DARK)
    if by_fluid == "caution" and seen.dark_fraction < DARK_FRACTION:  # as if grey were inverted
        by_fluid = "fail"
    by_tail = judge_high(seen.bright_to_dark_tail, BRIGHT_TO_DARK_TAIL)
    by_grey = "pass" if seen.grey_to_white is None else judge_low(seen.grey_to_white, GREY_TO_WHITE)
    by_grey = "caution" if by_grey == "fail" and blurred else by_grey
    overall = worst(by_fluid, by_tail, by_grey)
    if overall == by_fluid != "pass":
        return (
            by_fluid,
            "bright_to_dark",
            f"Fluid is bright, as on a T2-weighted scan or with black and white exchanged; "
            f"{_ASK[by_fluid]}.",
        )
    if overall == by_tail != "pass":
        return (
            by_tail,
            "bright_to_dark_tail",
            "The bright values of the brain spread wider than the dark ones, as on a T2-weighted "
            f"scan or with black and white exchanged; {_ASK[by_tail]}.",
        )
    if seen.grey_to_white is None:
        return "caution", "grey_to_white", f"{_UNKNOWN}: too little of the brain is there."
    if by_grey != "pass":
        reason = (
            f"White matter is brighter than grey matter, as on a T1-weighted scan; {_ASK[by_grey]}."
        )
        return by_grey, "grey_to_white", reason
    if seen.dark_fraction < DARK_FRACTION:
        reason = f"Hardly any dark fluid is seen, which a FLAIR should show; {_ASK['caution']}."
        return "caution", "dark_fraction", reason
    return (
        "pass",
        "grey_to_white",
        "Fluid is dark and grey matter is not darker than white matter, as on a FLAIR.",
    )


@dataclass(frozen=True)
class Appearance:
    """Relative brightness of fluid, grey and white matter.

    Attributes
    ----------
    dark_fraction : float
        Share of the brain that is much darker than the tissue around it: fluid on
        FLAIR and T1.
    bright_to_dark : float
        Volume much brighter than the tissue around it over the volume much darker:
        small on FLAIR and T1, large on T2, whose fluid is bright.
    bright_to_dark_tail : float
        How far the brightest tenth begins above the median over how far the darkest tenth ends
        below it: below 1 where fluid is dark, however it is mixed with tissue, above where it
        is bright.
    grey_to_white : float or None
        Median of the tissue next to dark fluid (mostly cortex) over that of the tissue
        far from it (mostly white matter): about 1 or above on FLAIR, below on T1. None
        where there is too little of either.
    """

    dark_fraction: float
    bright_to_dark: float
    bright_to_dark_tail: float
    grey_to_white: float | None


def appearance(scan: Volume, brain: NDArray[np.bool_]) -> Appearance | None:
    """Measure the relative brightness of fluid, grey and white matter.

    On voxels of about 2 mm (means over blocks; thicker slices stay), counted from the
    0.1th percentile of the brain and divided by the mean of the tissue within about
    20 mm. No registration and no segmentation are needed.

    Parameters
    ----------
    scan : Volume
        (I, J, K), finite, any sequence, any orientation.
    brain : (I, J, K) bool
        Where the brain is.

    Returns
    -------
    Appearance or None
        None where there is too little brain or no contrast.
    """
    if not brain.any():
        return None
    data, inside, spacing_mm = _coarse(scan, brain)
    if np.count_nonzero(inside) < _MINIMUM_VOXELS:
        return None
    levels = grey_levels(data[inside])
    if not levels.have_contrast:
        return None
    relative = (data - levels.black) / (levels.median - levels.black)
    relative = _without_bias(relative, inside, spacing_mm)
    dark, bright = inside & (relative < _DARK), inside & (relative > _BRIGHT)
    from_edge_mm = ndimage.distance_transform_edt(inside, sampling=spacing_mm)
    from_fluid_mm = ndimage.distance_transform_edt(inside & ~dark, sampling=spacing_mm)
    tissue = inside & ~dark & ~bright
    cortex = (
        tissue
        & (from_fluid_mm > _CORTEX_MM[0])
        & (from_fluid_mm <= _CORTEX_MM[1])
        & (from_edge_mm > _RIM_MM)
    )
    white = tissue & (from_fluid_mm > _WHITE_MM[0]) & (from_fluid_mm <= _WHITE_MM[1])
    grey_to_white = None
    if min(np.count_nonzero(cortex), np.count_nonzero(white)) >= _MINIMUM_VOXELS:
        grey_to_white = float(np.median(relative[cortex]) / np.median(relative[white]))
    low, median, high = np.percentile(relative[inside], _TAILS)
    darks, brights = int(np.count_nonzero(dark)), int(np.count_nonzero(bright))
    return Appearance(
        dark_fraction=darks / int(np.count_nonzero(inside)),
        bright_to_dark=brights / max(1, darks),
        bright_to_dark_tail=float((high - median) / max(median - low, 1e-6)),
        grey_to_white=grey_to_white,
    )


def _coarse(
    scan: Volume, brain: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.bool_], tuple[float, float, float]]:
    """Means over blocks of about 2 mm around the brain, with a border that is outside it."""
    steps = [max(1, int(_COARSE_MM / spacing + 0.25)) for spacing in scan.spacing_mm]
    box = bounding_box(brain)
    data = block_means(scan.data[box], steps)
    inside = block_means(brain[box], steps) >= MASK_LEVEL
    coarse_mm = [spacing * step for spacing, step in zip(scan.spacing_mm, steps, strict=True)]
    return (
        np.pad(data, 1, mode="edge"),
        np.pad(inside, 1),
        (coarse_mm[0], coarse_mm[1], coarse_mm[2]),
    )


def _without_bias(
    relative: NDArray[np.float32], inside: NDArray[np.bool_], spacing_mm: tuple[float, float, float]
) -> NDArray[np.float32]:
    """Divide by the mean of the tissue around, fluid left out; tissue has about 1."""
    sigma = [_BIAS_MM / spacing for spacing in spacing_mm]
    tissue = (inside & (relative > _DARK) & (relative < _BRIGHT)).astype(np.float32)
    weight = np.maximum(ndimage.gaussian_filter(tissue, sigma), 1e-3)
    around = ndimage.gaussian_filter(relative * tissue, sigma) / weight
    return np.asarray(relative / np.maximum(around, 1e-3), dtype=np.float32)
