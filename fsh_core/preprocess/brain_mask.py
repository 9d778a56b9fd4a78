"""The brain mask: given, already cut out (skull-stripped), or found by a small network.

The network is handed in as a callable, so this file knows no torch. How the finder was
chosen, and what it scores, is in ``docs/brain.md``.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from fsh_core.config import ModelConfig
from fsh_core.errors import InputError
from fsh_core.preprocess.intensity import fill_slices, foreground, largest_component
from fsh_core.preprocess.prepare import prepare
from fsh_core.volume.volume import Volume

_STRIPPED_ML = (50.0, 2200.0)  # a few slices may be all there is
_PLAUSIBLE_ML = (600.0, 2300.0)
# Of all that the finder marks; less means that it found several things, not a brain.
_LARGEST_PART_FRACTION = 0.8
_BRAIN_PROBABILITY = 0.5
_CONSTANT_AIR_FRACTION = 0.97
_CONSTANT_TOLERANCE = 0.01  # of the median intensity
_TISSUE_FRACTION = 0.05  # of the median intensity: below it, a voxel of a stripped scan is no brain
_RIM_MM = (2.0, 12.0)  # depths at which a head has its skull
_SHELL_MM = 2.0
_DARK_RIM_FRACTION = 0.25  # of a shell's voxels; the skull is dark on every sequence
_COARSE_MM = 2.0

Source = Literal["given", "stripped", "found", "none"]


@dataclass(frozen=True)
class Brain:
    """The brain mask of a scan, and where it came from.

    Attributes
    ----------
    mask : (I, J, K) bool
        On the input's grid.
    source : {"given", "stripped", "found", "none"}
        A mask that came with the scan; a scan that is skull-stripped already; found by
        the finder; or not found, then ``mask`` is the whole foreground.
    note : str
        One sentence for the record.
    """

    mask: NDArray[np.bool_]
    source: Source
    note: str


class BrainSegmenter(Protocol):
    """What `find_brain` needs: `fsh_core.inference.predict.load_predictor` returns one."""

    @property
    def model(self) -> ModelConfig:
        """Spacing and scaling of the image it wants."""

    def __call__(self, image: NDArray[np.float32], /) -> NDArray[np.float32]:
        """Turn a (1, I, J, K) image in [0, 1] into the (I, J, K) probability of brain."""


def find_brain(
    flair: Volume, given: NDArray[np.bool_] | None = None, finder: BrainSegmenter | None = None
) -> Brain:
    """Return where the brain is.

    Parameters
    ----------
    flair : Volume
        (I, J, K) float32, whole head or skull-stripped, in any orientation.
    given : (I, J, K) bool or None
        A brain mask on the same grid: honoured as it is.
    finder : BrainSegmenter or None
        Finds the brain in a whole head.

    Returns
    -------
    Brain
        ``source`` is ``none`` where there is no finder or where what it found cannot be
        a brain: smaller than 600 ml, larger than 2300 ml, or in several pieces.

    Raises
    ------
    InputError
        If the given mask is empty.
    ValueError
        If the given mask has another shape.
    """
    if given is not None:
        return _given(flair, given)
    if is_stripped(flair):
        mask = _tissue(flair)
        return Brain(
            mask,
            "stripped",
            f"the scan is skull-stripped; what is left of it is {flair.volume_ml(mask):.0f} ml",
        )
    if finder is None:
        return _none(flair, "the scan shows a whole head and no brain finder was given")
    prepared = prepare([flair], np.zeros(flair.shape, dtype=bool), finder.model)
    marked = prepared.to_input_grid(finder(prepared.image)) >= _BRAIN_PROBABILITY
    mask = fill_slices(largest_component(marked))
    volume_ml = flair.volume_ml(mask)
    if not _PLAUSIBLE_ML[0] <= volume_ml <= _PLAUSIBLE_ML[1]:
        return _none(
            flair, f"the finder marked {volume_ml:.0f} ml, which is not the size of a brain"
        )
    if (mask & marked).sum() < _LARGEST_PART_FRACTION * marked.sum():
        return _none(flair, "the finder marked several separate parts")
    return Brain(mask, "found", f"the brain was found in a whole head; it has {volume_ml:.0f} ml")


def is_stripped(flair: Volume) -> bool:
    """Tell whether the skull was already removed.

    Three things are asked of what is not air: it is no larger than a brain (50 to
    2200 ml); around it is nothing at all (one constant value, where a head has noise,
    neck and dim skin); and there is no skull, a dark shell, 2 to 12 mm below its
    surface. A doubtful scan counts as a whole head: the finder copes with either, while
    a skull taken for brain would yield lesions in the skull.

    Parameters
    ----------
    flair : Volume
        (I, J, K) float, in any orientation.

    Returns
    -------
    bool
    """
    coarse = _thinned(flair)
    patient = foreground(coarse.data)
    if not _STRIPPED_ML[0] <= coarse.volume_ml(patient) <= _STRIPPED_ML[1]:
        return False
    depth_mm = ndimage.distance_transform_edt(patient, sampling=coarse.spacing_mm)
    height_mm = ndimage.distance_transform_edt(~patient, sampling=coarse.spacing_mm)
    median = float(np.median(coarse.data[patient]))
    air = coarse.data[height_mm > 2 * max(coarse.spacing_mm)]
    if air.size:
        constant = np.abs(air - np.median(air)) < _CONSTANT_TOLERANCE * median
        if np.mean(constant) < _CONSTANT_AIR_FRACTION:
            return False
    shells = np.arange(*_RIM_MM, _SHELL_MM)
    dark = [
        _dark_fraction(coarse.data[(depth_mm > top) & (depth_mm <= top + _SHELL_MM)], median)
        for top in shells
    ]
    return max(dark) < _DARK_RIM_FRACTION


def _dark_fraction(values: NDArray[np.floating], median: float) -> float:
    """Share of the values below half the median; 0 of nothing."""
    return float(np.mean(values < median / 2)) if values.size else 0.0


def _thinned(volume: Volume) -> Volume:
    """Skip voxels until they are about 2 mm apart: exact values stay exact."""
    steps = [max(1, int(_COARSE_MM / spacing + 0.25)) for spacing in volume.spacing_mm]
    affine = volume.affine @ np.diag([*steps, 1.0])
    return Volume(volume.data[:: steps[0], :: steps[1], :: steps[2]], affine)


def _tissue(flair: Volume) -> NDArray[np.bool_]:
    """All that is left of a stripped scan, dark fluid and sulci included, (I, J, K) bool."""
    patient = foreground(flair.data)
    around = flair.data[~patient]
    air = float(np.median(around)) if around.size else 0.0
    level = air + _TISSUE_FRACTION * (float(np.median(flair.data[patient])) - air)
    return fill_slices(largest_component(patient | (flair.data > level)))


def _given(flair: Volume, mask: NDArray[np.bool_]) -> Brain:
    if mask.shape != flair.shape:
        raise ValueError(
            f"the brain mask must have the scan's shape {flair.shape}, got {mask.shape}"
        )
    if not mask.any():
        raise InputError(
            "the brain mask must mark the brain, it is empty; give the right file, or none to "
            "have the brain found"
        )
    return Brain(
        mask.astype(bool), "given", f"a brain mask of {flair.volume_ml(mask):.0f} ml was given"
    )


def _none(flair: Volume, reason: str) -> Brain:
    mask = foreground(flair.data)
    return Brain(
        mask,
        "none",
        f"the brain could not be found ({reason}); lesions may be reported outside it: give a "
        "brain mask",
    )
