"""The target of a simulation: a scan, its white matter, its own lesions and its slices."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from fsh_core.simulation.brain_frame import BrainFrame
from fsh_core.simulation.white_matter import WhiteMatter, find_white_matter
from fsh_core.volume.components import dilate, label_components
from fsh_core.volume.volume import Volume, to_ras

CONTRAST_SCALE_RANGE = (0.25, 0.65)
"""Contrast of a lesion of 120 mm3 that a scanner is believed to show: least and most."""

_TYPICAL_MM3 = 120.0
_GROWTH = 0.18  # contrast grows with volume to this power, measured on real lesions
_GROWTH_RANGE = (0.6, 1.4)
_LEAST_OWN_LESIONS = 3


@dataclass(frozen=True)
class TargetScan:
    """What must be known of a scan before lesions are inserted; all on a RAS grid.

    Attributes
    ----------
    flair : Volume
        The scan, in RAS.
    lesions : (I, J, K) bool
        Its own lesions.
    white : WhiteMatter
        Its white matter.
    frame : BrainFrame
        Where its brain lies.
    taken : (I, J, K) bool
        Its lesions and the voxels that touch them.
    slice_mm : tuple of 3 float
        Voxel size with which it was acquired: at least that of its grid.
    contrast_scale : float or None
        Contrast of its own lesions, brought to 120 mm3; None if it has fewer than three.
    """

    flair: Volume
    lesions: NDArray[np.bool_]
    white: WhiteMatter
    frame: BrainFrame
    taken: NDArray[np.bool_]
    slice_mm: tuple[float, float, float]
    contrast_scale: float | None

    @classmethod
    def of(
        cls,
        flair: Volume,
        brain: NDArray[np.bool_],
        lesions: NDArray[np.bool_],
        slice_mm: tuple[float, float, float] | None = None,
    ) -> "TargetScan":
        """Turn a scan to RAS and measure it.

        Parameters
        ----------
        flair : Volume
            The scan, in any orientation.
        brain, lesions : (I, J, K) bool
            On its own grid.
        slice_mm : tuple of 3 float or None
            Voxel size of the acquisition along R, A and S, where the scan was resampled since.

        Raises
        ------
        InputError
            If there is no white matter.
        ValueError
            If shapes differ.
        """
        for name, mask in (("brain", brain), ("lesions", lesions)):
            if mask.shape != flair.shape:
                raise ValueError(
                    f"{name} must have the scan's shape {flair.shape}, got {mask.shape}"
                )
        ras = to_ras(flair)
        inside = to_ras(flair.with_data(brain))
        own = to_ras(flair.with_data(lesions))
        white = find_white_matter(ras, inside.data, own.data)
        frame = BrainFrame.of_mask(inside.data, ras.spacing_mm)
        taken = dilate(own.data)
        return cls(
            ras,
            own.data,
            white,
            frame,
            taken,
            slice_mm or ras.spacing_mm,
            _own_contrast_scale(ras, own.data, white),
        )


def _own_contrast_scale(
    flair: Volume, lesions: NDArray[np.bool_], white: WhiteMatter
) -> float | None:
    """Measure how bright a scan's own lesions are, brought to 120 mm3; None of fewer than three."""
    labels, count = label_components(lesions)
    if count < _LEAST_OWN_LESIONS:
        return None
    volumes_mm3 = np.bincount(labels.ravel())[1:] * flair.voxel_volume_mm3
    contrasts = ndimage.mean(flair.data / white.level - 1, labels, np.arange(1, count + 1))
    scale = np.median(np.asarray(contrasts) / contrast_growth(volumes_mm3))
    return float(np.clip(scale, *CONTRAST_SCALE_RANGE))


def contrast_growth(volume_mm3: NDArray[np.floating[Any]] | float) -> NDArray[np.float64]:
    """Contrast of a lesion relative to one of 120 mm3: small ones are fainter.

    Parameters
    ----------
    volume_mm3 : (N,) float or float
        Volume, in mm3.

    Returns
    -------
    (N,) float64 or float64
        0.6 to 1.4.
    """
    return np.clip((np.asarray(volume_mm3) / _TYPICAL_MM3) ** _GROWTH, *_GROWTH_RANGE)
