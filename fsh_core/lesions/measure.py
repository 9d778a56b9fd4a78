"""Lesion measures: one row per lesion with position, volume, intensity and probability."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from nibabel.orientations import io_orientation
from numpy.typing import NDArray

from fsh_core.lesions.diameter import longest_axial_diameter, longest_diameter
from fsh_core.preprocess.intensity import grey_levels
from fsh_core.volume.boxes import (
    Box,
    first_voxel,
    label_boxes,
    touches_border,
    voxels_across,
    widen,
)
from fsh_core.volume.components import equivalent_diameter_mm
from fsh_core.volume.distances import distance_mm
from fsh_core.volume.volume import Volume

SHELL_MM = (3.0, 10.0)  # around a lesion; nearer is its blurred rim
SHELL_MINIMUM_VOXELS = 10  # with fewer, the whole brain is the surroundings
DARK_FRACTION = 0.5  # of the lesion-free brain's median: what is darker is fluid

LESION_COLUMNS: dict[str, str] = {
    "label": "Number of the lesion in the label map; 1 is the largest.",
    "voxels": "Number of voxels.",
    "volume_mm3": "Volume, in mm3.",
    "equivalent_diameter_mm": "Diameter of the sphere that has this volume, in mm.",
    "longest_diameter_mm": "Longest diameter in 3-D, from the centre of one voxel face to that of "
    "another, in mm.",
    "axial_diameter_mm": "Longest diameter within one axial slice (across the file's axis nearest "
    "to inferior-superior), measured likewise, in mm.",
    "centroid_r_mm": "Centre of mass, in mm towards the patient's right (NIfTI world "
    "coordinates, RAS+).",
    "centroid_a_mm": "Centre of mass, in mm towards anterior (RAS+).",
    "centroid_s_mm": "Centre of mass, in mm towards superior (RAS+).",
    "centroid_i": "Centre of mass, in voxels along the first axis of the file, counted from 0.",
    "centroid_j": "Centre of mass, in voxels along the second axis of the file, counted from 0.",
    "centroid_k": "Centre of mass, in voxels along the third axis of the file, counted from 0.",
    "inside_r_mm": "A point deep inside the lesion (furthest from its boundary), in mm towards "
    "right (RAS+).",
    "inside_a_mm": "A point deep inside the lesion, in mm towards anterior (RAS+).",
    "inside_s_mm": "A point deep inside the lesion, in mm towards superior (RAS+).",
    "inside_i": "The voxel of that point along the first axis of the file, counted from 0; "
    "always in the lesion.",
    "inside_j": "The voxel of that point along the second axis of the file, counted from 0.",
    "inside_k": "The voxel of that point along the third axis of the file, counted from 0.",
    "extent_r_mm": "Length of the bounding box along the file's axis nearest to left-right, in mm.",
    "extent_a_mm": "Length of the bounding box along the file's axis nearest to "
    "posterior-anterior, in mm.",
    "extent_s_mm": "Length of the bounding box along the file's axis nearest to "
    "inferior-superior, in mm.",
    "max_probability": "Largest lesion probability among its voxels, from 0 to 1.",
    "mean_probability": "Mean lesion probability of its voxels, from 0 to 1.",
    "mean_intensity": "Mean FLAIR intensity of its voxels, in the units of the file.",
    "contrast": "Mean FLAIR intensity over that of the lesion-free brain tissue 3 to 10 mm away "
    "(ratio; 1 = alike).",
    "touches_border": "Whether it reaches the edge of the image, so that part of it may be "
    "missing (True or False).",
}
"""Every column of a lesion table and what it holds, with its unit."""

_INTEGERS = ("label", "voxels", "inside_i", "inside_j", "inside_k")
_DTYPES = (
    dict.fromkeys(LESION_COLUMNS, "float64")
    | dict.fromkeys(_INTEGERS, "int64")
    | {"touches_border": "bool"}
)


def lesion_table(
    labels: NDArray[np.integer[Any]],
    flair: Volume,
    probability: NDArray[np.float32],
    brain: NDArray[np.bool_],
) -> pd.DataFrame:
    """Measure every lesion.

    ``inside`` is the voxel furthest from the lesion's boundary, in mm; of several, the
    one nearest to the centroid, then the first in C order. Unlike the centroid it is
    always in the lesion.

    ``contrast`` is the lesion's mean intensity over the median of its surroundings:
    the voxels whose centres are 3 to 10 mm from the nearest voxel of this lesion, that
    are brain, belong to no lesion, and are not dark, that is, not below half of the
    median of the lesion-free brain (cerebrospinal fluid). Most of them are white
    matter; 3 mm keep the blurred rim out. Where fewer than 10 such voxels exist, those
    of the whole brain are used; where there are none at all, the contrast is 1.
    Intensities count from 0 or, where a scan was shifted below it (z-scores), from the
    0.1th percentile of the brain.

    Parameters
    ----------
    labels : (I, J, K) int
        0 = background; numbers need not be consecutive.
    flair : Volume
        The scan, (I, J, K).
    probability : (I, J, K) float32 in [0, 1]
        Lesion probability.
    brain : (I, J, K) bool
        Where the brain is.

    Returns
    -------
    DataFrame
        One row per lesion in the order of the labels, with the columns, in the units,
        of `LESION_COLUMNS`; the same columns and types when there is no lesion.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    for name, array in (("labels", labels), ("probability", probability), ("brain", brain)):
        if array.shape != flair.shape:
            raise ValueError(
                f"{name} must have the shape of the FLAIR {flair.shape}, got {array.shape}"
            )
    boxes = label_boxes(labels)
    if not boxes:
        return pd.DataFrame(columns=list(LESION_COLUMNS)).astype(_DTYPES)
    tissue = _normal_tissue(labels, flair.data, brain)
    world_axes = ["ras"[int(axis)] for axis, _ in io_orientation(flair.affine)]
    rows: list[dict[str, float]] = []
    for label, box in boxes.items():
        inside = labels[box] == label
        intensity = float(flair.data[box][inside].mean(dtype=np.float64))
        chances = probability[box][inside]
        row = {"label": label} | _size(inside, flair, world_axes) | _position(inside, box, flair)
        row |= {
            "max_probability": float(chances.max()),
            "mean_probability": float(chances.mean(dtype=np.float64)),
            "mean_intensity": intensity,
            "contrast": _contrast(label, box, intensity, labels, flair, tissue),
            "touches_border": touches_border(box, flair.shape),
        }
        rows.append(row)
    return pd.DataFrame(rows, columns=list(LESION_COLUMNS)).astype(_DTYPES)


def _size(inside: NDArray[np.bool_], flair: Volume, world_axes: list[str]) -> dict[str, float]:
    """Size of a lesion cut out by its bounding box; ``world_axes`` are r, a and s."""
    voxels = int(np.count_nonzero(inside))
    volume_mm3 = voxels * flair.voxel_volume_mm3
    extents_mm = [
        length * spacing for length, spacing in zip(inside.shape, flair.spacing_mm, strict=True)
    ]
    return {
        "voxels": voxels,
        "volume_mm3": volume_mm3,
        "equivalent_diameter_mm": equivalent_diameter_mm(volume_mm3),
        "longest_diameter_mm": longest_diameter(inside, flair.affine).mm,
        "axial_diameter_mm": longest_axial_diameter(inside, flair.affine).mm,
    } | {
        f"extent_{axis}_mm": extent_mm
        for axis, extent_mm in zip(world_axes, extents_mm, strict=True)
    }


def _position(inside: NDArray[np.bool_], box: Box, flair: Volume) -> dict[str, float]:
    """Centroid and the point deepest inside, in voxels and in RAS mm."""
    voxels = np.argwhere(inside)
    centroid = voxels.mean(axis=0)
    # Padded: beyond the image as beyond the lesion, so that the point is not put on the border.
    depth_mm = distance_mm(np.pad(inside, 1), flair.spacing_mm)[1:-1, 1:-1, 1:-1][inside]
    deepest = voxels[depth_mm >= depth_mm.max() * (1 - 1e-6)]
    from_centroid_mm = np.linalg.norm((deepest - centroid) @ flair.affine[:3, :3].T, axis=1)
    point = deepest[np.argmin(np.round(from_centroid_mm, 6))] + first_voxel(box)
    centroid = centroid + first_voxel(box)
    position: dict[str, float] = {}
    for name, voxel in (("centroid", centroid), ("inside", point)):
        world = flair.affine[:3, :3] @ voxel + flair.affine[:3, 3]
        position |= {f"{name}_{axis}_mm": float(world[index]) for index, axis in enumerate("ras")}
        position |= {f"{name}_{axis}": voxel[index].item() for index, axis in enumerate("ijk")}
    return position


@dataclass(frozen=True)
class _Tissue:
    """Lesion-free brain without fluid: where it is, its median, and what counts as black."""

    mask: NDArray[np.bool_]
    median: float
    black: float


def _normal_tissue(
    labels: NDArray[np.integer[Any]], intensity: NDArray[np.float32], brain: NDArray[np.bool_]
) -> _Tissue:
    """Find the tissue that lesions are compared with."""
    free = brain & (labels == 0)
    values = intensity[free]
    levels = grey_levels(values)
    black = min(0.0, levels.black)
    bright = values - black > DARK_FRACTION * (levels.median - black)
    free[free] = bright
    return _Tissue(
        free,
        float(np.median(values[bright], overwrite_input=True)) if bright.any() else black,
        black,
    )


def _contrast(
    label: int,
    box: Box,
    intensity: float,
    labels: NDArray[np.integer[Any]],
    flair: Volume,
    tissue: _Tissue,
) -> float:
    """Ratio of a lesion's mean intensity to its surroundings; see `lesion_table`."""
    around = widen(box, voxels_across(SHELL_MM[1], flair.spacing_mm), flair.shape)
    away_mm = distance_mm(labels[around] != label, flair.spacing_mm)
    shell = tissue.mask[around] & (away_mm >= SHELL_MM[0]) & (away_mm <= SHELL_MM[1])
    surroundings = tissue.median
    if np.count_nonzero(shell) >= SHELL_MINIMUM_VOXELS:
        surroundings = float(np.median(flair.data[around][shell]))
    if surroundings <= tissue.black:
        return 1.0
    return (intensity - tissue.black) / (surroundings - tissue.black)
