"""Surroundings of a lesion that its flags depend on: tissue, fluid, midline, other lesions."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from fsh_core.anatomy.template import Tissue
from fsh_core.preprocess.intensity import FLUID_FRACTION, grey_levels
from fsh_core.volume.boxes import first_voxel, label_boxes, voxels_across, widen
from fsh_core.volume.volume import Volume

_PLANE_POINTS = 3  # fewer do not define a plane
SURROUNDINGS_MM = 8.0  # the furthest that any flag looks


class LesionNeighbourhood(NamedTuple):
    """A lesion cut out with some surroundings.

    Attributes
    ----------
    label, volume_mm3, contrast
        Of the lesion's table.
    own, brain, fluid : (i, j, k) bool
        The lesion's voxels, the brain's, and those of the brain that are dark.
    tissue : (i, j, k) uint8 or None
        `fsh_core.anatomy.template.Tissue`, where known.
    corner : (3,) int
        The first voxel of the cut-out in the scan.
    """

    label: int
    volume_mm3: float
    contrast: float
    own: NDArray[np.bool_]
    brain: NDArray[np.bool_]
    fluid: NDArray[np.bool_]
    tissue: NDArray[np.uint8] | None
    corner: NDArray[np.intp]

    @property
    def voxels(self) -> NDArray[np.intp]:
        """Its voxels in the scan, (n, 3)."""
        return np.argwhere(self.own) + self.corner


def neighbourhoods(
    labels: NDArray[np.int32],
    lesions: pd.DataFrame,
    flair: Volume,
    brain: NDArray[np.bool_],
    tissue: NDArray[np.uint8] | None,
) -> Iterator[LesionNeighbourhood]:
    """Cut out the lesions of a table, one by one, with `SURROUNDINGS_MM` around.

    Parameters
    ----------
    labels : (I, J, K) int32
        0 = background.
    lesions : DataFrame
        ``label``, ``volume_mm3`` and ``contrast`` are read.
    flair : Volume
        The scan, (I, J, K).
    brain : (I, J, K) bool
        Where the brain is.
    tissue : (I, J, K) uint8 or None
        `fsh_core.anatomy.template.Tissue`, where known.

    Yields
    ------
    LesionNeighbourhood
        In the order of the table.

    Raises
    ------
    ValueError
        If the table names a lesion that the labels do not have.
    """
    boxes = label_boxes(labels)
    fluid_level = grey_levels(flair.data[brain & (labels == 0)]).between(FLUID_FRACTION)
    margin = voxels_across(SURROUNDINGS_MM, flair.spacing_mm)
    for label, volume_mm3, contrast in lesions[["label", "volume_mm3", "contrast"]].itertuples(
        index=False
    ):
        if label not in boxes:
            raise ValueError(f"the table names lesion {label}, which the labels do not have")
        around = widen(boxes[label], margin, labels.shape)
        yield LesionNeighbourhood(
            label=int(label),
            volume_mm3=float(volume_mm3),
            contrast=float(contrast),
            own=labels[around] == label,
            brain=brain[around],
            fluid=brain[around] & (flair.data[around] < fluid_level),
            tissue=None if tissue is None else tissue[around],
            corner=first_voxel(around),
        )


class Neighbours(NamedTuple):
    """Search tree over the voxels of all lesions."""

    tree: cKDTree
    owner: NDArray[np.int32]

    @classmethod
    def of(cls, labels: NDArray[np.int32], flair: Volume) -> "Neighbours":
        """Gather the voxels of all lesions.

        Parameters
        ----------
        labels : (I, J, K) int32
            0 = background.
        flair : Volume
            Its affine is read.
        """
        voxels = np.argwhere(labels > 0)
        return cls(cKDTree(world_mm(voxels, flair)), labels[tuple(voxels.T)])

    def are_beyond(
        self, distance_mm: float, neighbourhood: LesionNeighbourhood, flair: Volume
    ) -> bool:
        """Whether there is no other lesion within a distance."""
        near = self.tree.query_ball_point(world_mm(neighbourhood.voxels, flair), distance_mm)
        return all((self.owner[indices] == neighbourhood.label).all() for indices in near)


class Midline(NamedTuple):
    """The plane between the halves of the ventricles: r = offset + slopes . (a, s), in mm."""

    offset: float
    slopes: NDArray[np.float64]

    @classmethod
    def of(cls, tissue: NDArray[np.uint8], flair: Volume) -> "Midline | None":
        """Fit it to the ventricles; None where there are none.

        Parameters
        ----------
        tissue : (I, J, K) uint8
            `fsh_core.anatomy.template.Tissue`.
        flair : Volume
            Its affine is read.
        """
        voxels = np.argwhere(tissue == Tissue.VENTRICLE)
        if len(voxels) < _PLANE_POINTS:
            return None
        world = world_mm(voxels, flair)
        terms = np.column_stack([np.ones(len(world)), world[:, 1:]])
        solution = np.linalg.lstsq(terms, world[:, 0])[0]
        return cls(float(solution[0]), np.asarray(solution[1:], dtype=np.float64))

    def from_mm(self, neighbourhood: LesionNeighbourhood, flair: Volume) -> float:
        """How far to the side the middle of a lesion is."""
        r, *rest = world_mm(neighbourhood.voxels, flair).mean(axis=0)
        return float(abs(r - self.offset - np.dot(self.slopes, rest)))


def distance_mm(mask: NDArray[np.bool_], flair: Volume) -> NDArray[np.float64]:
    """Distance to a mask, in mm; 0 inside.

    Parameters
    ----------
    mask : (I, J, K) bool
        Not empty.
    flair : Volume
        Its voxel size is read.

    Returns
    -------
    (I, J, K) float64
    """
    return np.asarray(ndimage.distance_transform_edt(~mask, sampling=flair.spacing_mm))


def world_mm(voxels: NDArray[np.intp], flair: Volume) -> NDArray[np.float64]:
    """World coordinates of voxels.

    Parameters
    ----------
    voxels : (N, 3) int
        Indices into the scan.
    flair : Volume
        Its affine is read.

    Returns
    -------
    (N, 3) float64
        RAS+ mm.
    """
    return np.asarray(voxels @ flair.affine[:3, :3].T + flair.affine[:3, 3])
