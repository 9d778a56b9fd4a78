"""In which part of the brain each lesion lies, and what that says of dissemination in space."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from fsh_core.imaging.template import Anatomy, Tissue
from fsh_core.imaging.volume import Volume

REGIONS = ("periventricular", "juxtacortical", "infratentorial", "deep_white_matter")
TOUCHING_MM = 3.0
INFRATENTORIAL_FRACTION = 0.5

REGION_COLUMNS: dict[str, str] = {
    "region": "Where it lies: infratentorial, periventricular, juxtacortical or deep_white_matter; empty if not "
    "found.",
    "ventricle_distance_mm": "Least distance between voxels of the lesion and of the ventricles, in mm.",
    "cortex_distance_mm": "Least distance between voxels of the lesion and of the cortex, in mm.",
    "mni_x_mm": "The point inside the lesion in MNI152, in mm towards right (affine part of the registration).",
    "mni_y_mm": "The point inside the lesion in MNI152, in mm towards anterior.",
    "mni_z_mm": "The point inside the lesion in MNI152, in mm towards superior.",
}
"""Columns of the lesion table that say where a lesion lies, with their units."""

_READINGS = (
    (
        "McDonald 2017",
        ("periventricular", "juxtacortical", "infratentorial"),
        "at least one lesion in each of two or more of: periventricular, cortical or juxtacortical, infratentorial, "
        "spinal cord",
        "Thompson et al., Lancet Neurol 2018, doi 10.1016/S1474-4422(17)30470-2",
    ),
    (
        "McDonald 2024",
        ("periventricular", "juxtacortical", "infratentorial"),
        "at least one lesion in each of two or more of: optic nerve, periventricular, cortical or juxtacortical, "
        "infratentorial, spinal cord",
        "Montalban et al., Lancet Neurol 2025, doi 10.1016/S1474-4422(25)00270-4",
    ),
)


def region_table(labels: NDArray[np.int32], lesions: pd.DataFrame, flair: Volume, anatomy: Anatomy) -> pd.DataFrame:
    """Class every lesion by where it lies.

    In this order: **infratentorial** if half of its voxels or more lie in the brainstem or
    the cerebellum; **periventricular** if it comes within 3 mm of a ventricle;
    **juxtacortical** if it comes within 3 mm of the cortex; else **deep white matter**,
    deep grey matter included. The guidelines ask for contact, without white matter in
    between (Filippi et al., Brain 2019, doi 10.1093/brain/awz144); 3 mm leave room for the
    blur of a voxel and the error of the atlas. A large lesion that reaches both
    ventricle and cortex counts once, as periventricular: the distances say the rest.

    Distances are between the centres of voxels, on the scan's own grid and in its true
    voxel size: in thick slices a lesion and a ventricle in neighbouring slices are a slice
    apart.

    Parameters
    ----------
    labels : (I, J, K) int32
        0 = background.
    lesions : DataFrame
        Their table: ``label`` and ``inside_r_mm``, ``inside_a_mm``, ``inside_s_mm`` are read.
    flair : Volume
        The scan.
    anatomy : Anatomy
        Of the scan.

    Returns
    -------
    DataFrame
        A row per lesion in the order given, columns `REGION_COLUMNS`; empty words and NaN
        where the anatomy was not found.
    """
    blank = {"region": "", **dict.fromkeys(list(REGION_COLUMNS)[1:], np.nan)}
    if anatomy.tissue is None or anatomy.to_mni is None or not len(lesions):
        rows = pd.DataFrame([blank] * len(lesions), columns=list(REGION_COLUMNS))
        return rows.astype(dict.fromkeys(list(REGION_COLUMNS)[1:], "float64"))
    wanted = lesions["label"].to_numpy()
    ventricle, cortex = (
        _least_distances_mm(labels, wanted, anatomy.tissue == tissue, flair)
        for tissue in (Tissue.VENTRICLE, Tissue.CORTEX)
    )
    below = ndimage.mean((anatomy.tissue == Tissue.INFRATENTORIAL).astype(np.float64), labels, wanted)
    places = lesions[["inside_r_mm", "inside_a_mm", "inside_s_mm"]].to_numpy(np.float64)
    mni = places @ anatomy.to_mni[:3, :3].T + anatomy.to_mni[:3, 3]
    region = np.select(
        [np.asarray(below) >= INFRATENTORIAL_FRACTION, ventricle <= TOUCHING_MM, cortex <= TOUCHING_MM],
        ["infratentorial", "periventricular", "juxtacortical"],
        "deep_white_matter",
    )
    return pd.DataFrame(
        {
            "region": region.astype(object),
            "ventricle_distance_mm": ventricle,
            "cortex_distance_mm": cortex,
            "mni_x_mm": mni[:, 0],
            "mni_y_mm": mni[:, 1],
            "mni_z_mm": mni[:, 2],
        }
    )


def _least_distances_mm(
    labels: NDArray[np.int32], wanted: NDArray[np.int64], tissue: NDArray[np.bool_], flair: Volume
) -> NDArray[np.float64]:
    """Return each lesion's distance to a tissue; NaN where the scan shows none of it."""
    if not tissue.any():
        return np.full(len(wanted), np.nan)
    box = ndimage.find_objects(((labels > 0) | tissue).astype(np.uint8))[0]
    distance = ndimage.distance_transform_edt(~tissue[box], sampling=flair.spacing_mm)
    return np.asarray(ndimage.minimum(distance, labels[box], wanted), dtype=np.float64)


def dissemination(table: pd.DataFrame) -> dict[str, Any]:
    """Count lesions by region, and read the criteria for dissemination in space side by side.

    Parameters
    ----------
    table : DataFrame
        Lesions with ``region`` and ``volume_mm3``.

    Returns
    -------
    dict
        Plain JSON: ``regions`` (count and volume_ml of each), ``readings`` (title, whether
        the regions seen here suffice, definition, source), ``not_assessed`` and ``label``.
    """
    counts = {
        region: {
            "count": int((table["region"] == region).sum()),
            "volume_ml": round(float(table.loc[table["region"] == region, "volume_mm3"].sum()) / 1000, 4),
        }
        for region in REGIONS
    }
    readings = []
    for title, areas, definition, source in _READINGS:
        seen = [area for area in areas if counts[area]["count"]]
        readings.append(
            {
                "title": title,
                "areas_seen": seen,
                "fulfilled_here": len(seen) >= 2,
                "definition": definition,
                "source": source,
            }
        )
    return {
        "regions": counts,
        "readings": readings,
        "not_assessed": ["optic nerve", "spinal cord"],
        "label": "A summary of this scan, not a diagnosis: lesions may be false or missed, and the criteria need the "
        "clinical picture and the exclusion of other diseases.",
    }
