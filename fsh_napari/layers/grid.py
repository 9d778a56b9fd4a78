"""The grid of a file as a layer has it. The order of axes has its only home here.

napari draws the last axis to the right and the one before it downwards. A layer of F.sh
therefore holds its voxels as (superior, posterior, left): a viewer that knows nothing of
medicine then shows an axial slice the right way up, in radiological convention (the
patient's left on the right of the screen). World coordinates of the viewer are the
scanner's millimetres along these three directions, so ``(s, -a, -r)`` of NIfTI's RAS+.

Only flips and swaps are made. An oblique scan is shown along its own axes, with its centre
where it is in the scanner; its true affine stays in the layer's metadata, and files are
written with that.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.orientations import apply_orientation, axcodes2ornt, io_orientation, ornt_transform
from numpy.typing import NDArray

from fsh_core.volume.volume import Volume

_PLACE_DECIMALS = 9  # of a mm: rounding errors of the centre would make equal grids differ
_SAME_PLACE_MM = 1e-3
_LPS = axcodes2ornt(("L", "P", "S"))
TO_LAYER_WORLD = np.array(
    [[0.0, 0.0, 1.0], [0.0, -1.0, 0.0], [-1.0, 0.0, 0.0]]
)  # RAS+ mm to (S, P, L) mm


@dataclass(frozen=True, eq=False)
class Grid:
    """The grid of a file, kept in a layer's metadata so that voxels find back.

    Attributes
    ----------
    shape : (I, J, K)
        Voxels along each axis of the file.
    affine : (4, 4) float64
        Voxel indices to RAS+ mm.
    header : nibabel header or None
        Of the file.
    """

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]
    header: Any = None

    @classmethod
    def of(cls, volume: Volume) -> "Grid":
        """Return the grid of a volume."""
        return cls(volume.shape, volume.affine, volume.header)

    def is_same_as(self, other: "Grid") -> bool:
        """Whether the voxels of another file lie where these do."""
        return self.shape == other.shape and np.allclose(
            self.affine, other.affine, atol=_SAME_PLACE_MM
        )

    def volume(self, data: NDArray[Any]) -> Volume:
        """Put voxels in the file's order onto the grid.

        Raises
        ------
        ValueError
            If the shape differs.
        """
        if data.shape != self.shape:
            raise ValueError(f"data must have the grid's shape {self.shape}, got {data.shape}")
        return Volume(data, self.affine, self.header)

    @cached_property
    def layer_shape(self) -> tuple[int, int, int]:
        """Shape of the layer."""
        i, j, k = self._order
        return self.shape[i], self.shape[j], self.shape[k]

    @cached_property
    def scale(self) -> tuple[float, float, float]:
        """Voxel size along the layer's axes, in mm."""
        sizes = np.sqrt((self.affine[:3, :3] ** 2).sum(axis=0))
        i, j, k = self._order
        return float(sizes[i]), float(sizes[j]), float(sizes[k])

    @cached_property
    def translate(self) -> tuple[float, float, float]:
        """Viewer coordinates of the layer's first voxel, in mm.

        The centre of the scan stays where it is.
        """
        middle = (np.array(self.shape) - 1) / 2
        centre = TO_LAYER_WORLD @ (self.affine[:3, :3] @ middle + self.affine[:3, 3])
        first = centre - (np.array(self.layer_shape) - 1) / 2 * np.array(self.scale)
        s, p, left = np.round(first, _PLACE_DECIMALS).tolist()
        return s, p, left

    def to_layer(self, data: NDArray[Any]) -> NDArray[Any]:
        """Turn voxels in the file's order, (I, J, K), into the layer's, (S, P, L).

        The result shares memory with ``data``: a layer costs no second copy of a scan.
        """
        turned = apply_orientation(data, ornt_transform(io_orientation(self.affine), _LPS))
        return np.asarray(turned.T)

    def from_layer(self, data: NDArray[Any]) -> NDArray[Any]:
        """Turn a layer's voxels back into the file's order: the exact inverse of `to_layer`."""
        return np.asarray(
            apply_orientation(data.T, ornt_transform(_LPS, io_orientation(self.affine)))
        )

    def voxel_to_layer(self, voxels: NDArray[np.integer[Any]]) -> NDArray[np.intp]:
        """Turn voxel indices of the file, (N, 3), into those of the layer."""
        inside = np.asarray(voxels, dtype=np.intp)[:, self._order]
        last = np.array(self.layer_shape) - 1
        return np.where(self._flipped, last - inside, inside)

    def voxel_from_layer(self, voxels: NDArray[np.integer[Any]]) -> NDArray[np.intp]:
        """Turn voxel indices of the layer, (N, 3), into those of the file."""
        inside = np.asarray(voxels, dtype=np.intp)
        turned = np.where(self._flipped, np.array(self.layer_shape) - 1 - inside, inside)
        back = np.empty_like(turned)
        back[:, self._order] = turned
        return back

    def to_viewer_mm(
        self, voxel: NDArray[Any] | tuple[float, float, float]
    ) -> tuple[float, float, float]:
        """Return the viewer's coordinates, in mm, of a voxel of the file."""
        index = self.voxel_to_layer(np.asarray(voxel, dtype=np.intp)[None])[0]
        s, p, left = (index * np.array(self.scale) + np.array(self.translate)).tolist()
        return s, p, left

    def from_viewer_mm(self, point: tuple[float, ...]) -> tuple[int, int, int] | None:
        """Return the voxel of the file at viewer coordinates, in mm; None outside the scan."""
        index = np.round(
            (np.asarray(point, dtype=float) - self.translate) / np.array(self.scale)
        ).astype(np.intp)
        if (index < 0).any() or (index >= self.layer_shape).any():
            return None
        i, j, k = self.voxel_from_layer(index[None])[0].tolist()
        return i, j, k

    @cached_property
    def viewer_to_world(self) -> NDArray[np.float64]:
        """Viewer coordinates to the scanner's RAS+ mm, (4, 4).

        The slices of an oblique scan are tilted in world coordinates, and are not on the screen.
        """
        index = np.eye(4)  # of the layer, from viewer mm
        index[:3, :3] = np.diag(1 / np.array(self.scale))
        index[:3, 3] = -np.array(self.translate) / np.array(self.scale)
        voxel = np.zeros((4, 4))  # of the file, from that of the layer
        voxel[self._order, range(3)] = np.where(self._flipped, -1, 1)
        voxel[self._order, 3] = np.where(self._flipped, np.array(self.layer_shape) - 1, 0)
        voxel[3, 3] = 1
        return np.asarray(self.affine @ voxel @ index, dtype=np.float64)

    @cached_property
    def _order(self) -> list[int]:
        """Which axis of the file each axis of the layer is."""
        nearest = io_orientation(self.affine)[:, 0].astype(int)
        return [int(np.flatnonzero(nearest == world)[0]) for world in (2, 1, 0)]

    @cached_property
    def _flipped(self) -> NDArray[np.bool_]:
        """Whether each axis of the layer runs against its axis of the file."""
        codes = nib.aff2axcodes(self.affine)
        return np.array([codes[axis] not in "SPL" for axis in self._order])
