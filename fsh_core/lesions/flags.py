"""Flags of probable false positives: lesions are flagged with the reason, never removed.

Not everything bright on FLAIR is a lesion. The usual mimics are told by where they are
and how they are shaped; how often each flag falls on false and on true lesions of real
scans is in ``docs/quality.md``.
"""

import numpy as np
import pandas as pd
from nibabel.orientations import io_orientation
from numpy.typing import NDArray
from scipy import ndimage

from fsh_core.anatomy.template import Anatomy, Tissue
from fsh_core.lesions.neighbourhood import (
    LesionNeighbourhood,
    Midline,
    Neighbours,
    distance_mm,
    neighbourhoods,
)
from fsh_core.preprocess.intensity import fill_slices
from fsh_core.volume.volume import Volume

FLAGS: dict[str, str] = {
    "choroid_plexus": "Small and mostly inside a ventricle, as the choroid plexus is.",
    "septum": "Thin, in the midline, with ventricle on both sides, as the septum pellucidum is.",
    "csf_pulsation": "Faint and beside fluid at the brainstem, the cerebellum or the third "
    "ventricle, where pulsating fluid shines.",
    "vessel": "Small, thin and long, as a vessel is.",
    "edge": "Flat against the edge of the brain, as a rest of skull, dura or a cortical vein is, "
    "or outside of it.",
    "faint": "Hardly brighter than its surroundings, as normal grey matter is.",
    "isolated_tiny": "Tiny and far from any other lesion, as noise is.",
}
"""Every flag and what it says of a lesion."""

FLAG_COLUMN = (
    "What it may be instead of a lesion: keys separated by semicolons, of choroid_plexus, "
    "septum, csf_pulsation, vessel, edge, faint and isolated_tiny; empty if nothing speaks "
    "against it."
)
"""What the column ``flags`` of a lesion table holds."""

VENTRICLES = (Tissue.VENTRICLE, Tissue.THIRD_VENTRICLE, Tissue.FOURTH_VENTRICLE)
# How often each flag falls on true and on false lesions with these limits is in docs/quality.md.
PLEXUS_MM3 = 500.0
PLEXUS_FRACTION = 0.5  # of the lesion or its shell that must be ventricle
PLEXUS_SHELL_MM = 2.0
SEPTUM_WIDTH_MM = 6.0  # from left to right
SEPTUM_ROWS_FRACTION = 0.5  # of the lesion's rows that must have ventricle on both sides
MIDLINE_MM = 5.0
FAINT_CONTRAST = 1.2  # of the lesion's surroundings; grey matter has 1.0 to 1.1 of white matter
PULSATION_MARGIN_MM = 3.0
LOW_FRACTION = 0.5  # of a lesion that must be in brainstem or cerebellum
VESSEL_MM3 = 100.0
VESSEL_WIDTH_MM = 3.0
VESSEL_ELONGATION = 3.0  # length over width
VESSEL_LENGTH_VOXELS = 4.0  # shorter ones are long by the grid alone
EDGE_DEPTH_MM = 3.0
EDGE_FRACTION = 0.9  # of the lesion
TINY_MM3 = 10.0
ISOLATED_MM = 20.0


def lesion_flags(
    labels: NDArray[np.int32],
    lesions: pd.DataFrame,
    flair: Volume,
    brain: NDArray[np.bool_],
    anatomy: Anatomy | None,
) -> pd.Series:
    """Flag lesions that may be something else.

    - ``choroid_plexus``: at most 500 mm3, half or more of it, or of what lies within 2 mm
      around it, is ventricle, and no septum.
    - ``septum``: at most 6 mm wide, within 5 mm of the midline (the plane through the
      ventricles), with ventricle within 8 mm to its left and right in half of its rows.
    - ``csf_pulsation``: contrast below 1.2, in the brainstem or cerebellum, or in the
      midline beside the deep grey matter, and within 3 mm of a ventricle or of dark fluid.
    - ``vessel``: at most 100 mm3 and 3 mm wide, at least 3 times as long as wide and 4
      voxels long. Lengths are those of the box with the same moments of inertia, in mm,
      the voxels' own size included.
    - ``edge``: nine tenths of it or more lie within 3 mm of the outside of the brain.
    - ``faint``: contrast below 1.2, and no ``csf_pulsation``.
    - ``isolated_tiny``: below 10 mm3, and no other lesion within 20 mm.

    The first three need the anatomy and are left out without it.

    Parameters
    ----------
    labels : (I, J, K) int32
        0 = background.
    lesions : DataFrame
        The lesions' table (`fsh_core.lesions.measure.lesion_table`): ``label``,
        ``volume_mm3`` and ``contrast`` are read.
    flair : Volume
        The scan.
    brain : (I, J, K) bool
        Where the brain is.
    anatomy : Anatomy or None
        The tissues on the scan's grid.

    Returns
    -------
    Series of str
        ``flags``, one for each row of the table, with its index; keys of `FLAGS`
        separated by semicolons, in the order of `FLAGS`.

    Raises
    ------
    ValueError
        If shapes differ, or if the table names a lesion that the labels do not have.
    """
    tissue = None if anatomy is None or not anatomy.found else anatomy.tissue
    for name, array in (("labels", labels), ("brain", brain), ("tissue", tissue)):
        if array is not None and array.shape != flair.shape:
            raise ValueError(f"{name} must have the scan's shape {flair.shape}, got {array.shape}")
    if lesions.empty:
        return pd.Series([], index=lesions.index, dtype=object, name="flags")
    neighbours = Neighbours.of(labels, flair)
    midline = None if tissue is None else Midline.of(tissue, flair)
    flags = []
    # A given mask may leave out the ventricles, whose lining is no edge of the brain.
    whole = fill_slices(brain)
    for neighbourhood in neighbourhoods(labels, lesions, flair, whole, tissue):
        keys = set()
        if midline is not None:
            keys |= _anatomical(neighbourhood, flair, midline)
        if _is_vessel(neighbourhood, flair):
            keys.add("vessel")
        if _is_edge(neighbourhood, flair):
            keys.add("edge")
        if neighbourhood.contrast < FAINT_CONTRAST and "csf_pulsation" not in keys:
            keys.add("faint")
        if neighbourhood.volume_mm3 < TINY_MM3 and neighbours.are_beyond(
            ISOLATED_MM, neighbourhood, flair
        ):
            keys.add("isolated_tiny")
        flags.append(";".join(key for key in FLAGS if key in keys))
    return pd.Series(flags, index=lesions.index, dtype=object, name="flags")


def _anatomical(neighbourhood: LesionNeighbourhood, flair: Volume, midline: Midline) -> set[str]:
    """Flags by the tissue around a lesion."""
    tissue = neighbourhood.tissue
    if tissue is None:
        return set()
    central = midline.from_mm(neighbourhood, flair) <= MIDLINE_MM
    if central and _between(tissue == Tissue.VENTRICLE, neighbourhood, flair):
        return {"septum"}
    if neighbourhood.volume_mm3 <= PLEXUS_MM3 and _is_inside(
        np.isin(tissue, VENTRICLES), neighbourhood, flair
    ):
        return {"choroid_plexus"}
    faint = neighbourhood.contrast < FAINT_CONTRAST
    if faint and _at_pulsation(tissue, neighbourhood, flair, central):
        return {"csf_pulsation"}
    return set()


def _between(
    ventricles: NDArray[np.bool_], neighbourhood: LesionNeighbourhood, flair: Volume
) -> bool:
    """Whether a lesion is thin from left to right and has ventricle on either side."""
    axis = [int(world) for world, _ in io_orientation(flair.affine)].index(0)
    own = np.moveaxis(neighbourhood.own, axis, 0)
    rows = own.any(axis=0)
    ventricle = np.moveaxis(ventricles, axis, 0)[:, rows]
    own = own[:, rows]
    places = np.flatnonzero(own.any(axis=1))
    if (places[-1] - places[0] + 1) * flair.spacing_mm[axis] > SEPTUM_WIDTH_MM:
        return False
    first, last = own.argmax(axis=0), len(own) - 1 - own[::-1].argmax(axis=0)
    place = np.arange(len(own))[:, None]
    both = (ventricle & (place < first)).any(axis=0) & (ventricle & (place > last)).any(axis=0)
    return bool(both.mean() >= SEPTUM_ROWS_FRACTION)


def _is_inside(
    ventricles: NDArray[np.bool_], neighbourhood: LesionNeighbourhood, flair: Volume
) -> bool:
    """Whether a lesion lies in a ventricle, or in a gap of one: bright, it was left out of it."""
    shell = ~neighbourhood.own & (distance_mm(neighbourhood.own, flair) <= PLEXUS_SHELL_MM)
    return bool(
        max(ventricles[neighbourhood.own].mean(), ventricles[shell].mean()) >= PLEXUS_FRACTION
    )


def _at_pulsation(
    tissue: NDArray[np.uint8], neighbourhood: LesionNeighbourhood, flair: Volume, central: bool
) -> bool:
    """Whether a lesion lies where pulsating fluid shines, and beside fluid."""
    near = distance_mm(neighbourhood.own, flair) <= PULSATION_MARGIN_MM
    low = np.mean(tissue[neighbourhood.own] == Tissue.INFRATENTORIAL) >= LOW_FRACTION
    third = central and bool((tissue[near] == Tissue.DEEP_GREY).any())
    fluid = (
        near
        & ~neighbourhood.own
        & (np.isin(tissue, VENTRICLES) | neighbourhood.fluid | ~neighbourhood.brain)
    )
    return bool((low or third) and fluid.any())


def _is_vessel(neighbourhood: LesionNeighbourhood, flair: Volume) -> bool:
    """Whether a lesion is small, thin and long."""
    if (
        neighbourhood.volume_mm3 > VESSEL_MM3
        or np.count_nonzero(neighbourhood.own) < VESSEL_LENGTH_VOXELS
    ):
        return False
    axes = flair.affine[:3, :3]
    inertia = (
        np.atleast_2d(np.cov((neighbourhood.voxels @ axes.T).T, bias=True)) + axes @ axes.T / 12
    )
    moments, directions = np.linalg.eigh(inertia)
    # A box of side a has the moment of inertia a squared over 12.
    _, width_mm, length_mm = np.sqrt(12 * np.maximum(moments, 0))
    voxel_mm = float(np.abs(directions[:, 2] @ axes).sum())
    is_long = (
        length_mm >= VESSEL_ELONGATION * width_mm and length_mm >= VESSEL_LENGTH_VOXELS * voxel_mm
    )
    return bool(is_long and width_mm <= VESSEL_WIDTH_MM)


def _is_edge(neighbourhood: LesionNeighbourhood, flair: Volume) -> bool:
    """Whether a lesion is flat against the brain's edge; the border of the picture is none."""
    inside = np.pad(neighbourhood.brain, 1, mode="edge")
    if inside.all():
        return False
    depth_mm = ndimage.distance_transform_edt(inside, sampling=flair.spacing_mm)[1:-1, 1:-1, 1:-1]
    return bool(np.mean(depth_mm[neighbourhood.own] <= EDGE_DEPTH_MM) >= EDGE_FRACTION)
