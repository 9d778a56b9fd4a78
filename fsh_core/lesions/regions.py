"""Regions of lesions, and dissemination in space."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import KDTree

from fsh_core.anatomy.template import Anatomy, Tissue
from fsh_core.lesions.frequency import lesion_frequency
from fsh_core.volume.boxes import Box, first_voxel, label_boxes, voxels_across, widen
from fsh_core.volume.volume import Volume

REGIONS = ("periventricular", "juxtacortical", "infratentorial", "deep_white_matter")
PERIVENTRICULAR_MM = 3.0  # the juxtaventricular zone of Kim et al. 2008, see `name_regions`
JUXTACORTICAL_MM = 1.5  # contact on voxels of 1 mm
OUTSIDE_MM = 5.0  # from all that the atlas names: further away is outside the brain
LEAST_LONG_AXIS_MM = 3.0  # of a lesion that counts for dissemination (Thompson et al. 2018)
INFRATENTORIAL_FRACTION = 0.5  # of the lesion
LEAST_AREAS = 2  # with a lesion, for dissemination in space

REGION_COLUMNS: dict[str, str] = {
    "region": "Where it lies: infratentorial, periventricular, juxtacortical or "
    "deep_white_matter; empty if not found, or if it lies outside the brain.",
    "ventricle_distance_mm": "Least distance between voxels of the lesion and of the lateral "
    "ventricles, in mm.",
    "cortex_distance_mm": "Least distance between voxels of the lesion and of the cortex, in mm.",
    "mni_x_mm": "The point inside the lesion in MNI152, in mm towards right (affine part of the "
    "registration).",
    "mni_y_mm": "The point inside the lesion in MNI152, in mm towards anterior.",
    "mni_z_mm": "The point inside the lesion in MNI152, in mm towards superior.",
    "lesion_frequency": "Share of 27 patients with MS who have a lesion there, smoothed over some "
    "mm, 0 to 1; empty if the place is not known.",
}
"""Columns of the lesion table that say where a lesion lies, with their units."""

_DTYPES: dict[str, Any] = {
    column: "object" if column == "region" else "float64" for column in REGION_COLUMNS
}
_ONE_VOXEL = 1.01  # a neighbour, whatever the affine's rounding
_INSIDE = ["inside_r_mm", "inside_a_mm", "inside_s_mm"]
_EXTENTS = ["extent_r_mm", "extent_a_mm", "extent_s_mm"]
_BELOW = (Tissue.INFRATENTORIAL, Tissue.FOURTH_VENTRICLE)
_AREAS = ("periventricular", "juxtacortical", "infratentorial")

_READINGS = (
    {
        "title": "McDonald 2017",
        "areas": 4,
        "definition": "at least one lesion in each of two or more of four areas: "
        "periventricular, cortical or juxtacortical, infratentorial, spinal cord",
        "source": "Thompson et al., Lancet Neurol 2018, doi 10.1016/S1474-4422(17)30470-2",
        "not_assessed": ["spinal cord"],
    },
    {
        "title": "McDonald 2024",
        "areas": 5,
        "definition": "at least one lesion in each of two or more of five areas: optic nerve, "
        "periventricular, cortical or juxtacortical, infratentorial, spinal cord; with lesions "
        "in four or five of them, dissemination in time need not be shown",
        "source": "Montalban et al., Lancet Neurol 2025, doi 10.1016/S1474-4422(25)00270-4",
        "not_assessed": ["optic nerve", "spinal cord"],
    },
)


def region_table(
    labels: NDArray[np.int32], lesions: pd.DataFrame, flair: Volume, anatomy: Anatomy
) -> pd.DataFrame:
    """Region, distances and MNI152 position of every lesion of a table.

    Parameters
    ----------
    labels : (I, J, K) int32
        0 = background.
    lesions : DataFrame
        Their table: ``label`` and ``inside_r_mm``, ``inside_a_mm``, ``inside_s_mm`` are read.
    flair : Volume
        The scan, (I, J, K).
    anatomy : Anatomy
        Of the scan.

    Returns
    -------
    DataFrame
        A row per lesion in the order given, columns `REGION_COLUMNS`. Where the anatomy was
        not found, empty words and NaN.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    if anatomy.to_mni is None or lesions.empty:
        rows = pd.DataFrame(index=range(len(lesions)), columns=list(REGION_COLUMNS))
        return rows.assign(region="").astype(_DTYPES)
    mni = lesions[_INSIDE].to_numpy(np.float64) @ anatomy.to_mni[:3, :3].T + anatomy.to_mni[:3, 3]
    places = dict(zip(("mni_x_mm", "mni_y_mm", "mni_z_mm"), mni.T, strict=True))
    regions = name_regions(labels, lesions["label"], flair, anatomy)
    return regions.assign(**places, lesion_frequency=lesion_frequency(mni)).astype(_DTYPES)


def name_regions(
    labels: NDArray[np.int32], numbers: Iterable[int], flair: Volume, anatomy: Anatomy
) -> pd.DataFrame:
    """Classify lesions by region.

    The first that applies: **infratentorial** if at least half of it lies in brainstem or
    cerebellum, or about the fourth ventricle; **periventricular** within 3 mm of a lateral
    ventricle; **juxtacortical** within 1.5 mm of the cortex, or beside it where voxels are
    larger; else **deep white matter**, which has the deep grey nuclei too. Voxels that the
    atlas leaves unnamed count with the nearest that it names.

    The guidelines ask for contact, without white matter in between (Filippi et al.,
    Lancet Neurol 2016, doi:10.1016/S1474-4422(15)00393-2, and Brain 2019,
    doi:10.1093/brain/awz144). The 3 mm at the ventricles are Kim et al.'s
    juxtaventricular zone (Biol Psychiatry 2008, doi:10.1016/j.biopsych.2008.03.024): they
    hold the bright lining of the ventricles and the 0.7 mm by which those found here are
    off. At the cortex 1.5 mm is contact on 1 mm voxels; 3 mm would call half of the lesions
    juxtacortical that a T1 shows apart from the cortex (``docs/regions.md``).
    A confluent lesion that reaches both counts once, as periventricular; its distances
    say the rest.

    Distances are between centres of voxels, on the scan's own grid in its true size: in
    thick slices, what lies in neighbouring slices is a slice apart.

    Parameters
    ----------
    labels : (I, J, K) int32
        0 = background.
    numbers : iterable of int
        The labels to class.
    flair : Volume
        The scan, (I, J, K); only its grid is read.
    anatomy : Anatomy
        Of the scan, found.

    Returns
    -------
    DataFrame
        A row per number in the order given: ``region``, ``ventricle_distance_mm`` and
        ``cortex_distance_mm`` of `REGION_COLUMNS`. A lesion more than 5 mm from anything
        that the atlas names has an empty region. A distance is NaN where the scan shows no
        such tissue.

    Raises
    ------
    ValueError
        If the anatomy was not found, or the shapes differ.
    """
    if anatomy.tissue is None or not labels.shape == anatomy.tissue.shape == flair.shape:
        given = None if anatomy.tissue is None else anatomy.tissue.shape
        raise ValueError(
            f"labels, anatomy and FLAIR must have one shape, got {labels.shape}, {given}, "
            f"{flair.shape}"
        )
    ventricle = _Distance(anatomy.tissue == Tissue.VENTRICLE, flair)
    cortex = _Distance(anatomy.tissue == Tissue.CORTEX, flair)
    boxes = label_boxes(labels)
    found: list[tuple[str, float, float]] = []
    for label in numbers:
        box = boxes[int(label)]
        voxels = np.argwhere(labels[box] == label) + first_voxel(box)
        to_ventricle, to_cortex = ventricle.least_mm(voxels), cortex.least_mm(voxels)
        below = _share_below(anatomy.tissue, voxels, box, flair)
        found.append(
            (_name(below, to_ventricle, to_cortex, min(flair.spacing_mm)), to_ventricle, to_cortex)
        )
    columns = list(REGION_COLUMNS)[:3]
    return pd.DataFrame(found, columns=columns).astype(
        {column: _DTYPES[column] for column in columns}
    )


def _name(below: float, to_ventricle_mm: float, to_cortex_mm: float, voxel_mm: float) -> str:
    """Name a region; ``below`` is the share in brainstem and cerebellum, NaN outside the brain."""
    if np.isnan(below):
        return ""
    if below >= INFRATENTORIAL_FRACTION:
        return "infratentorial"
    if to_ventricle_mm <= PERIVENTRICULAR_MM:
        return "periventricular"
    if to_cortex_mm <= max(JUXTACORTICAL_MM, voxel_mm * _ONE_VOXEL):
        return "juxtacortical"
    return "deep_white_matter"


def _share_below(
    tissue: NDArray[np.uint8], voxels: NDArray[np.intp], box: Box, flair: Volume
) -> float:
    """Return the share of a lesion in brainstem or cerebellum; NaN if it is outside the brain."""
    kinds = tissue[tuple(voxels.T)]
    if (kinds == Tissue.OTHER).any():
        around = widen(box, voxels_across(OUTSIDE_MM, flair.spacing_mm), flair.shape)
        named = tissue[around] != Tissue.OTHER
        if not named.any():
            return float("nan")
        own = tuple((voxels - first_voxel(around)).T)
        far_mm, nearest = ndimage.distance_transform_edt(
            ~named, sampling=flair.spacing_mm, return_indices=True
        )
        if far_mm[own].min() > OUTSIDE_MM:
            return float("nan")
        kinds = tissue[around][tuple(nearest)][own]
    return float(np.isin(kinds, _BELOW).mean())


class _Distance:
    """Least distances from lesions to a tissue, in mm."""

    def __init__(self, mask: NDArray[np.bool_], flair: Volume) -> None:
        # Only voxels of its surface can be the nearest, unless a lesion lies in the tissue.
        surface = mask & ~ndimage.binary_erosion(mask)
        self._mask, self._axes = mask, flair.affine[:3, :3].T
        self._tree = KDTree(np.argwhere(surface) @ self._axes) if surface.any() else None

    def least_mm(self, voxels: NDArray[np.intp]) -> float:
        """Return the least distance of some voxels, (N, 3), in mm; NaN without such tissue."""
        if self._tree is None:
            return float("nan")
        if self._mask[tuple(voxels.T)].any():
            return 0.0
        return float(self._tree.query(voxels @ self._axes)[0].min())


def dissemination(table: pd.DataFrame) -> dict[str, Any]:
    """Count lesions by region, and read the criteria for dissemination in space side by side.

    For the readings a lesion counts if it is at least 3 mm long (Thompson et al. 2018,
    glossary): the longest side of its bounding box. In thick slices every lesion is.

    Parameters
    ----------
    table : DataFrame
        Lesions with ``region``, ``volume_mm3`` and, for their length, ``extent_r_mm``,
        ``extent_a_mm`` and ``extent_s_mm``.

    Returns
    -------
    dict
        Plain JSON. ``regions``: count and volume_ml of each, all lesions; ``unplaced``: how
        many have no region; ``readings``: title, areas_seen, areas (how many the criteria
        name), fulfilled_here (whether the areas seen here suffice; False does not mean that
        the criteria are not met), definition, source, not_assessed; ``not_assessed``; and
        ``label``.
    """
    counts = {
        region: {
            "count": int((table["region"] == region).sum()),
            "volume_ml": round(
                float(table.loc[table["region"] == region, "volume_mm3"].sum()) / 1000, 4
            ),
        }
        for region in REGIONS
    }
    long = table.loc[table[_EXTENTS].max(axis=1) >= LEAST_LONG_AXIS_MM * (1 - 1e-6), "region"]
    seen = [area for area in _AREAS if (long == area).any()]
    return {
        "regions": counts,
        "unplaced": int((table["region"] == "").sum()),
        "readings": [
            {**reading, "areas_seen": list(seen), "fulfilled_here": len(seen) >= LEAST_AREAS}
            for reading in _READINGS
        ],
        "not_assessed": ["optic nerve", "spinal cord"],
        "label": "A summary of this scan, not a diagnosis: lesions may be false or missed, and "
        "the criteria need the clinical picture and the exclusion of other diseases.",
    }
