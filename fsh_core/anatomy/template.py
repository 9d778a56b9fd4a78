"""Tissue labels of a FLAIR: registration to MNI152, and the atlas resampled to the scan.

Measured in ``docs/regions.md``.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from fsh_core.anatomy.atlas import load_atlas
from fsh_core.anatomy.template_registration import (
    Alignment,
    TissueMap,
    align,
    relative_intensity,
    resample_to,
    tissue_map,
)
from fsh_core.preprocess.intensity import fill_slices
from fsh_core.volume.boxes import bounding_box, crop, voxels_across
from fsh_core.volume.volume import MASK_LEVEL, Volume

LEAST_QUALITY = 0.4
_SURE_QUALITY = 0.6  # every scan tried has more; below it the head may be turned
# The upper half of a brain can be registered, a few slices cannot.
_PLAUSIBLE_BRAIN_ML = (300.0, 2300.0)
_INSIDE_MM = 6.0  # deeper than that, the brain's outline no longer decides how alike two maps are
_POOR_OVERLAP, _GOOD_OVERLAP = 0.88, 0.95  # Dice of the outlines; measured in docs/regions.md
_FLUID_LEVEL = 0.8  # of the median of the brain: what is darker may be fluid
_VENTRICLE_MARGIN_MM = 8.0  # how far a ventricle may exceed that of the atlas
_CONTEXT_MM = 2.0  # more than the margin, so that distances at its edge are right
_SEEN_FRACTION = 0.25  # of a ventricle's volume in the atlas
_FEWEST_VOXELS = 2  # that a correlation needs


class Tissue(IntEnum):
    """Tissue label of a voxel.

    The ventricles are told apart: only the lateral ones make a lesion periventricular.
    """

    OTHER = 0
    VENTRICLE = 1  # lateral, with their horns and the choroid plexus
    CORTEX = 2
    INFRATENTORIAL = 3  # brainstem, with the midbrain, and cerebellum, with its peduncles
    WHITE_MATTER = 4
    DEEP_GREY = 5  # with hippocampus and amygdala
    THIRD_VENTRICLE = 6
    FOURTH_VENTRICLE = 7


# The ventricles, and what is there where the scan shows no fluid though the atlas has some.
_VENTRICLES = {
    Tissue.VENTRICLE: Tissue.WHITE_MATTER,
    Tissue.THIRD_VENTRICLE: Tissue.DEEP_GREY,
    Tissue.FOURTH_VENTRICLE: Tissue.INFRATENTORIAL,
}


@dataclass(frozen=True)
class Anatomy:
    """The anatomy of a scan.

    Attributes
    ----------
    tissue : (I, J, K) uint8 or None
        Values of `Tissue` on the scan's own grid, OTHER outside the brain; None if the
        scan could not be registered.
    to_mni : (4, 4) float64 or None
        From the scan's world to MNI152's, both RAS+ mm; the affine part of the
        registration, after which single structures still lie some mm apart.
    quality : float
        From 0 to 1, see `find_anatomy`; below `LEAST_QUALITY` the registration failed.
    note : str
        One sentence for the record.
    """

    tissue: NDArray[np.uint8] | None
    to_mni: NDArray[np.float64] | None
    quality: float
    note: str

    @property
    def found(self) -> bool:
        """Whether the scan could be registered."""
        return self.tissue is not None


def find_anatomy(flair: Volume, brain: NDArray[np.bool_]) -> Anatomy:
    """Register a scan to MNI152 and resample the atlas's tissue labels to it.

    The scan is registered by what is tissue and what fluid
    (`fsh_core.anatomy.template_registration`) to the mean of six patients. Tissues are
    those of FreeSurfer's segmentation of its template in MNI152 space. Ventricles are then
    taken from the scan itself: fluid connected with a ventricle of the resampled atlas, at
    most 8 mm from it, and nearer to it than to cortex, sulci and the brain's edge; where
    less than a quarter of a ventricle's volume is seen, the atlas's stays.

    The quality is the correlation, more than 6 mm inside the brain, of the scan's map
    with the template's after registration, times how well the outlines agree: 0 for a
    Dice of 0.88 or less of the brain with the template's after the affine part, 1 for
    0.95 and more. Below 0.6 the head may be turned: the scan is registered once more,
    from the best of many rotations, and that counts if it reaches 0.6.

    Parameters
    ----------
    flair : Volume
        (I, J, K) float, whole head or stripped, any orientation.
    brain : (I, J, K) bool
        The brain.

    Returns
    -------
    Anatomy
        Not found, with the reason, where the scan cannot be registered.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    if brain.shape != flair.shape:
        raise ValueError(
            f"the brain mask must have the scan's shape {flair.shape}, got {brain.shape}"
        )
    volume_ml = flair.volume_ml(brain)
    if not _PLAUSIBLE_BRAIN_ML[0] <= volume_ml <= _PLAUSIBLE_BRAIN_ML[1]:
        low, high = _PLAUSIBLE_BRAIN_ML
        return _failed(
            0.0, f"a brain has {low:.0f} to {high:.0f} ml, the mask has {volume_ml:.0f} ml"
        )
    atlas = load_atlas()
    alignment, quality = _align_best(tissue_map(flair, brain), atlas.template)
    if alignment is None:
        return _failed(0.0, "the brain mask and the template could not be laid over each other")
    if quality < LEAST_QUALITY:
        return _failed(quality, f"quality {quality:.2f}, at least {LEAST_QUALITY:.2f} is needed")
    box = bounding_box(brain)
    part = crop(flair, box)
    expected = resample_to(atlas.tissue, alignment.full, part, nearest=True).astype(np.uint8)
    expected[~brain[box]] = Tissue.OTHER
    tissue = np.zeros(flair.shape, dtype=np.uint8)
    tissue[box] = _see_ventricles(expected, part, brain[box])
    note = (
        f"registered to MNI152 with a quality of {quality:.2f} "
        f"(of 1; {LEAST_QUALITY:.2f} is the least)"
    )
    return Anatomy(tissue, alignment.matrix, quality, note)


def _failed(quality: float, reason: str) -> Anatomy:
    advice = "regions are left blank; check the brain mask and the orientation"
    return Anatomy(
        None, None, quality, f"the scan could not be registered to MNI152 ({reason}); {advice}"
    )


def _align_best(scan: TissueMap, template: TissueMap) -> tuple[Alignment | None, float]:
    """Register a scan as it lies and, if that is poor, as one that is turned.

    None if neither can be done.
    """
    best: Alignment | None = None
    best_quality = 0.0
    for turned in (False, True):
        try:
            alignment = align(scan, template, turned=turned)
        except RuntimeError:  # SimpleITK's words say nothing to a reader
            continue
        quality = _quality(scan, template, alignment)
        if quality >= _SURE_QUALITY:
            return alignment, quality
        # A turned scan may resemble the template though it is back to front: it must be sure.
        if not turned:
            best, best_quality = alignment, quality
    return best, best_quality


def _quality(scan: TissueMap, template: TissueMap, alignment: Alignment) -> float:
    """Tell how well a registration went, from 0 to 1; see `find_anatomy`."""
    spacing = scan.image.spacing_mm
    inside = (
        ndimage.distance_transform_edt(np.pad(scan.brain, 1), sampling=spacing)[1:-1, 1:-1, 1:-1]
        > _INSIDE_MM
    )
    of_scan = scan.image.data[inside]
    of_template = resample_to(template.image, alignment.full, scan.image)[inside]
    if inside.sum() < _FEWEST_VOXELS or of_scan.std() == 0 or of_template.std() == 0:
        return 0.0
    correlation = np.corrcoef(of_scan.astype(np.float64), of_template.astype(np.float64))
    alike = float(correlation[0, 1])
    mask = template.image.with_data(template.brain.astype(np.float32))
    outline = resample_to(mask, alignment.affine, scan.image) > MASK_LEVEL
    overlap = 2 * float((outline & scan.brain).sum()) / float(outline.sum() + scan.brain.sum())
    agreement = np.clip((overlap - _POOR_OVERLAP) / (_GOOD_OVERLAP - _POOR_OVERLAP), 0, 1)
    return float(np.clip(alike * agreement, 0, 1))


def _see_ventricles(
    atlas_tissue: NDArray[np.uint8], flair: Volume, brain: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """Replace the ventricles of the resampled atlas by those of the scan; see `find_anatomy`."""
    expected = np.isin(atlas_tissue, list(_VENTRICLES))
    if not expected.any():
        return atlas_tissue
    margin = voxels_across(_VENTRICLE_MARGIN_MM + _CONTEXT_MM, flair.spacing_mm)
    box = bounding_box(expected, margin)
    tissue = atlas_tissue[box].copy()
    expected, inside = expected[box], brain[box]
    dark = (relative_intensity(flair.data, brain)[box] < _FLUID_LEVEL) & inside
    distance_mm, nearest = ndimage.distance_transform_edt(
        ~expected, sampling=flair.spacing_mm, return_indices=True
    )
    edge = ~inside | np.isin(tissue, (Tissue.OTHER, Tissue.CORTEX))
    edge_mm = ndimage.distance_transform_edt(~edge, sampling=flair.spacing_mm)
    near = (distance_mm <= _VENTRICLE_MARGIN_MM) & (distance_mm <= edge_mm)
    parts, _ = ndimage.label(dark & near)
    seen = np.isin(parts, np.setdiff1d(parts[expected], 0))
    seen |= fill_slices(seen) & expected  # the choroid plexus is not dark
    which = tissue[tuple(nearest)]
    for kind, instead in _VENTRICLES.items():
        own, before = seen & (which == kind), tissue == kind
        if np.count_nonzero(own) >= _SEEN_FRACTION * np.count_nonzero(before):
            tissue[before] = instead
            tissue[own] = kind
    result = atlas_tissue.copy()
    result[box] = tissue
    return result
