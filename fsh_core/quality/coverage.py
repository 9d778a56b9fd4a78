"""Brain volume, voxel size, coverage and field of view: four quality checks."""

import numpy as np
from nibabel.orientations import io_orientation
from numpy.typing import NDArray

from fsh_core.quality.check import Check, Limits, judge_high, judge_low, worst
from fsh_core.volume.volume import Volume

# Wattjes et al., Lancet Neurol 2021 (doi 10.1016/S1474-4422(21)00095-8): 3-D at 1 mm, or 2-D in
# slices of at most 3 mm without a gap, at most 1 mm in the slice; with a tolerance for rounding and
# for rectangular voxels. The thickest slices that F.sh was tried on have 8.1 mm.
SLICE_MM = Limits(3.05, 9.0)
IN_SLICE_MM = Limits(1.25, 2.0)
# Adults have 1000 to 1700 ml with the fluid, scans scaled to MNI152 1900. What is beyond the second
# limits is no whole brain, or not brain alone; they are those of `fsh_core.preprocess.brain_mask`.
SMALL_BRAIN_ML = Limits(800.0, 600.0)
LARGE_BRAIN_ML = Limits(2000.0, 2300.0)
# Of the largest slice. A dome of 70 mm radius ends in a 7 mm slice of 0.2 by nature; 0.25 means
# that about 9 mm of it are missing, 0.75 that half of it is.
CUT_FRACTION = Limits(0.25, 0.75)
HEIGHT_MM = Limits(100.0, 60.0)  # the brains of the real scans are 121 to 154 mm high
# Of the largest section. Skull and scalp surround a brain on all sides: any contact is a cut or a
# fold-over.
SIDE_FRACTION = Limits(0.01, 0.25)


def check_brain_volume(flair: Volume, brain: NDArray[np.bool_]) -> Check:
    """Brain volume, in ml.

    Parameters
    ----------
    flair : Volume
        (I, J, K).
    brain : (I, J, K) bool
        Where the brain is.
    """
    volume_ml = flair.volume_ml(brain)
    verdict = worst(judge_low(volume_ml, SMALL_BRAIN_ML), judge_high(volume_ml, LARGE_BRAIN_ML))
    if verdict == "pass":
        reason = f"The brain has {volume_ml:.0f} ml, a usual size."
    elif volume_ml < SMALL_BRAIN_ML.caution:
        reason = (
            f"The brain has {volume_ml:.0f} ml, "
            f"less than the usual {SMALL_BRAIN_ML.caution:.0f} ml."
        )
    else:
        reason = (
            f"The brain has {volume_ml:.0f} ml, "
            f"more than the usual {LARGE_BRAIN_ML.caution:.0f} ml."
        )
    return Check("brain_volume", verdict, volume_ml, "ml", reason)


def check_voxel_size(flair: Volume) -> Check:
    """Voxel size: the longest edge, in mm."""
    *in_slice, thickness = sorted(flair.spacing_mm)
    verdict = worst(judge_high(thickness, SLICE_MM), judge_high(max(in_slice), IN_SLICE_MM))
    size = " x ".join(f"{edge:.2g}" for edge in flair.spacing_mm)
    if verdict == "pass":
        reason = f"Voxels of {size} mm meet the recommendation of 3 mm slices or thinner."
    elif thickness > SLICE_MM.caution:
        reason = (
            f"Slices of {thickness:.2g} mm are thicker than the recommended 3 mm; small lesions "
            "may be missed."
        )
    else:
        reason = (
            f"Voxels of {size} mm are coarser in the slice than the recommended 1 mm; small "
            "lesions may be missed."
        )
    return Check("voxel_size", verdict, thickness, "mm", reason)


def check_coverage(flair: Volume, brain: NDArray[np.bool_]) -> Check:
    """Coverage from top to bottom: whether the first or last slice cuts the brain.

    The value is the area of brain in the first or last slice of the scan, whichever is
    larger, over that of the largest slice. Stripped scans that were padded after they
    had been cut cannot be told by it, but are by the brain's height.

    Parameters
    ----------
    flair : Volume
        (I, J, K), any orientation.
    brain : (I, J, K) bool
        Where the brain is.
    """
    axis, areas = _sections(flair, brain)["S"]
    used = np.flatnonzero(areas)
    if used.size == 0:
        return Check("coverage", "fail", None, "fraction", "There is no brain in the scan.")
    height_mm = float(used[-1] - used[0] + 1) * flair.spacing_mm[axis]
    bottom = float(areas[0]) / float(areas.max())
    top = float(areas[-1]) / float(areas.max())
    cut = max(bottom, top)
    side = "top" if top >= bottom else "bottom"
    verdict = worst(judge_high(cut, CUT_FRACTION), judge_low(height_mm, HEIGHT_MM))
    if verdict == "pass":
        reason = f"The scan covers the brain from top to bottom ({height_mm:.0f} mm)."
    elif judge_low(height_mm, HEIGHT_MM) != "pass":
        reason = (
            f"Only {height_mm:.0f} mm of the brain's height are there; lesions above or below "
            "are not seen."
        )
    else:
        reason = (
            f"The {side} of the brain is cut off by the last slice; lesions beyond are not seen."
        )
    return Check("coverage", verdict, cut, "fraction", reason)


def check_field_of_view(flair: Volume, brain: NDArray[np.bool_]) -> Check:
    """Field of view: whether the brain is cut at the left, right, front or back.

    The value is the area of brain on that border of the picture over that of the
    largest section parallel to it.

    Parameters
    ----------
    flair : Volume
        (I, J, K), any orientation.
    brain : (I, J, K) bool
        Where the brain is.
    """
    sections = _sections(flair, brain)
    if not brain.any():
        return Check("field_of_view", "fail", None, "fraction", "There is no brain in the scan.")
    names = {("R", 0): "left", ("R", -1): "right", ("A", 0): "back", ("A", -1): "front"}
    cuts = {
        side: float(sections[name][1][end]) / float(sections[name][1].max())
        for (name, end), side in names.items()
    }
    side = max(cuts, key=lambda name: cuts[name])
    verdict = judge_high(cuts[side], SIDE_FRACTION)
    reason = "The brain lies within the picture on all four sides."
    if verdict != "pass":
        reason = (
            f"The brain reaches the {side} border of the picture, where part of it is cut off or "
            "folded over."
        )
    return Check("field_of_view", verdict, cuts[side], "fraction", reason)


def _sections(flair: Volume, brain: NDArray[np.bool_]) -> dict[str, tuple[int, NDArray[np.intp]]]:
    """Give, for R, A and S, the file's nearest axis and the brain's area along it, in voxels.

    The areas count in that direction, whatever the file's.
    """
    sections = {}
    for axis, (world, flip) in enumerate(io_orientation(flair.affine)):
        areas = np.count_nonzero(brain, axis=tuple(other for other in range(3) if other != axis))
        sections["RAS"[int(world)]] = axis, areas if flip > 0 else areas[::-1]
    return sections
