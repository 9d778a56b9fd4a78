"""Surfaces of lesions and brain, to be drawn in 3-D; nothing here knows a window."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.measure import marching_cubes

from fsh_core.volume.boxes import Box, first_voxel
from fsh_core.volume.resample import block_means
from fsh_napari.layers.grid import Grid

_BRAIN_MM = 4.0  # of its surface, which is only to say where the lesions are
_LEVEL = 0.5
_LIGHT = np.array([0.6, -1.0, 0.4])  # towards where it comes from, along S, P and L
_DARKEST = 0.3
_SMALLEST = 1e-12  # of a length: nothing is divided by 0


@dataclass(frozen=True)
class Surfaces:
    """Triangles in viewer mm.

    Attributes
    ----------
    vertices : (N, 3) float32
        Corners.
    faces : (M, 3) int
        Three corners of each triangle.
    labels : (N,) int
        The lesion that a corner belongs to; 1 for all of a brain.
    """

    vertices: NDArray[np.float32]
    faces: NDArray[np.int64]
    labels: NDArray[np.int64]

    @property
    def light(self) -> NDArray[np.float32]:
        """How bright each corner is, (N,) from 0 to 1, in light from the front and above.

        napari's own light falls on the back of a surface where an axis of the view is turned.
        """
        one, two, three = np.moveaxis(self.vertices[self.faces].astype(np.float64), 1, 0)
        across = np.cross(two - one, three - one)  # as long as twice the triangle's area
        if np.einsum("ij,ij->", one, across) < 0:  # the enclosed volume: they look inwards
            across = -across
        normals = np.zeros((len(self.vertices), 3))
        for corner in range(3):
            np.add.at(normals, self.faces[:, corner], across)
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), _SMALLEST)
        falls = (1 + normals @ (_LIGHT / np.linalg.norm(_LIGHT))) / 2
        return np.asarray(_DARKEST + (1 - _DARKEST) * falls, dtype=np.float32)


def lesion_surfaces(
    pieces: Mapping[int, tuple[Box, NDArray[np.bool_]]], grid: Grid
) -> Surfaces | None:
    """Return the surfaces of lesions, by marching cubes; None if there are none.

    Parameters
    ----------
    pieces : mapping of int to (Box, bool array)
        Of every lesion a part of the scan that holds it, and where in it the lesion is.
    grid : Grid
        Of the scan.
    """
    vertices, faces, labels = [], [], []
    count = 0
    for label, (box, inside) in pieces.items():
        corners, triangles = _surface(inside)
        vertices.append(_to_viewer(corners + first_voxel(box), grid))
        faces.append(triangles + count)
        labels.append(np.full(len(corners), label))
        count += len(corners)
    if not vertices:
        return None
    return Surfaces(np.concatenate(vertices), np.concatenate(faces), np.concatenate(labels))


def brain_surface(brain: NDArray[np.bool_], grid: Grid) -> Surfaces | None:
    """Return a coarse surface of the brain; None if there is no brain."""
    sizes = np.sqrt((grid.affine[:3, :3] ** 2).sum(axis=0))
    steps = np.maximum(1, np.round(_BRAIN_MM / sizes)).astype(int)
    coarse = block_means(brain, steps.tolist())
    if coarse.max() <= _LEVEL:
        return None
    corners, triangles = _surface(coarse)
    # The middle of a block of voxels is not the middle of its first.
    vertices = _to_viewer((corners + 1 / 2) * steps - 1 / 2, grid)
    return Surfaces(vertices, triangles, np.ones(len(vertices), dtype=np.int64))


def _surface(inside: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return corners, in voxels, and triangles; closed, also at the border of the array."""
    padded = np.pad(inside.astype(np.float32), 1)
    vertices, faces, _, _ = marching_cubes(padded, _LEVEL)
    return vertices - 1.0, faces.astype(np.int64)


def _file_to_viewer(grid: Grid) -> NDArray[np.float64]:
    """Voxels of the file to viewer mm, (4, 4)."""
    return np.asarray(np.linalg.inv(grid.viewer_to_world) @ grid.affine, dtype=np.float64)


def _to_viewer(voxels: NDArray[np.float64], grid: Grid) -> NDArray[np.float32]:
    matrix = _file_to_viewer(grid)
    return np.asarray(voxels @ matrix[:3, :3].T + matrix[:3, 3], dtype=np.float32)
