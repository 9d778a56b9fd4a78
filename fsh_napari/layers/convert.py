"""From a volume to what napari shows, and back. The order of axes has its only home here.

napari draws the last axis to the right and the one before it downwards. A layer of F.sh
therefore holds its voxels as (superior, posterior, left): a viewer that knows nothing of
medicine then shows an axial slice the right way up, in radiological convention (the
patient's left on the right of the screen). World coordinates of the viewer are the
scanner's millimetres along these three directions, so ``(s, -a, -r)`` of NIfTI's RAS+.

Only flips and swaps are made. An oblique scan is shown along its own axes, with its centre
where it is in the scanner; its true affine stays in the layer's metadata, and files are
written with that.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.orientations import apply_orientation, axcodes2ornt, io_orientation, ornt_transform
from numpy.typing import NDArray

from fsh_core.errors import InputError
from fsh_core.volume.volume import Volume

AXIS_LABELS = ("superior", "posterior", "left")
GRID_KEY = "fsh_grid"
CONTENT_KEY = "fsh_content"  # of a scan: first and last voxel of what is not air, in the layer
_SPACE_DIMENSIONS = 3
_PLACE_DECIMALS = 9  # of a mm: rounding errors of the centre would make equal grids differ
_WINDOW_PERCENTILES = (0.5, 99.8)
_DARK = 0.1  # of the window: below it lies air
_NOISE_FRACTION = 0.001  # of a slice's voxels may be brighter, and it is air all the same
_LPS = axcodes2ornt(("L", "P", "S"))
_TO_LAYER_WORLD = np.array(
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
        centre = _TO_LAYER_WORLD @ (self.affine[:3, :3] @ middle + self.affine[:3, 3])
        first = centre - (np.array(self.layer_shape) - 1) / 2 * np.array(self.scale)
        s, p, left = np.round(first, _PLACE_DECIMALS).tolist()
        return s, p, left

    def to_layer(self, data: NDArray[Any]) -> NDArray[Any]:
        """Turn voxels in the file's order, (I, J, K), into the layer's, (S, P, L)."""
        turned = apply_orientation(data, ornt_transform(io_orientation(self.affine), _LPS))
        return np.ascontiguousarray(turned.T)

    def from_layer(self, data: NDArray[Any]) -> NDArray[Any]:
        """Turn a layer's voxels back into the file's order: the exact inverse of `to_layer`."""
        turned = apply_orientation(data.T, ornt_transform(_LPS, io_orientation(self.affine)))
        return np.ascontiguousarray(turned)

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


def layer_options(grid: Grid, name: str, **metadata: Any) -> dict[str, Any]:
    """Return the options of every layer of F.sh: place, units, axis labels, and its file's grid."""
    return {
        "name": name,
        "scale": grid.scale,
        "translate": grid.translate,
        "units": ("mm", "mm", "mm"),
        "axis_labels": AXIS_LABELS,
        "metadata": {GRID_KEY: grid, "affine": grid.affine, **metadata},
    }


def image_layer(
    volume: Volume, name: str, **metadata: Any
) -> tuple[NDArray[Any], dict[str, Any], str]:
    """Describe a scan as napari does: (data, options, ``"image"``).

    Grey, from 0 or the 0.5th percentile of what is not 0, to the 99.8th: the window in
    which lesions are read.
    """
    grid = Grid.of(volume)
    inside = volume.data[volume.data != 0]
    low, high = 0.0, 1.0
    if inside.size:
        low, high = np.percentile(inside, _WINDOW_PERCENTILES).tolist()
    low = min(low, 0.0) if float(volume.data.min()) >= 0 else low
    limits = (low, high if high > low else low + 1.0)
    data = grid.to_layer(volume.data)
    metadata[CONTENT_KEY] = _content(data, low + _DARK * (limits[1] - low))
    options = layer_options(grid, name, **metadata) | {
        "colormap": "gray",
        "contrast_limits": limits,
    }
    return data, options, "image"


def _content(data: NDArray[Any], dark: float) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the first and last voxel of the box outside which slices hold no more than noise."""
    seen = data > dark
    first, last = [], []
    for axis, size in enumerate(data.shape):
        others = tuple(other for other in range(data.ndim) if other != axis)
        filled = np.flatnonzero(
            np.count_nonzero(seen, axis=others) > _NOISE_FRACTION * (data.size / size)
        )
        first.append(int(filled[0]) if filled.size else 0)
        last.append(int(filled[-1]) if filled.size else size - 1)
    return tuple(first), tuple(last)


def probability_layer(
    volume: Volume, name: str, **metadata: Any
) -> tuple[NDArray[Any], dict[str, Any], str]:
    """Describe a probability: hidden, see-through, from 0 to 1."""
    grid = Grid.of(volume)
    options = layer_options(grid, name, **metadata) | {
        "colormap": "magma",
        "contrast_limits": (0.0, 1.0),
        "blending": "additive",
        "opacity": 0.6,
        "visible": False,
    }
    return grid.to_layer(volume.data), options, "image"


def labels_layer(
    volume: Volume, name: str, **metadata: Any
) -> tuple[NDArray[Any], dict[str, Any], str]:
    """Describe lesion labels; napari draws each in a colour of its own."""
    grid = Grid.of(volume)
    options = layer_options(grid, name, **metadata) | {"opacity": 0.7}
    return grid.to_layer(volume.data.astype(np.int32)), options, "labels"


def grid_of_layer(data_shape: tuple[int, ...], options: Mapping[str, Any]) -> Grid:
    """Return the grid of a layer's file, or one made of its scale and place if it has no file.

    Parameters
    ----------
    data_shape : tuple of int
        Shape of the layer's data.
    options : mapping
        ``metadata``, ``scale``, ``translate`` and ``name`` of the layer.

    Raises
    ------
    InputError
        If the layer is not 3-D, or another plugin turned it in a way that cannot be known.
    """
    grid = (options.get("metadata") or {}).get(GRID_KEY)
    name = options.get("name", "the layer")
    if isinstance(grid, Grid):
        if tuple(data_shape) != grid.layer_shape:
            raise InputError(
                f"{name}: must have the shape {grid.layer_shape} it was opened with, "
                f"has {tuple(data_shape)}"
            )
        return grid
    if len(data_shape) != _SPACE_DIMENSIONS:
        raise InputError(
            f"{name}: expected a 3-D layer, found {len(data_shape)}-D; open a single volume"
        )
    scale = np.asarray(options.get("scale", (1.0, 1.0, 1.0)), dtype=float)[-3:]
    if (scale <= 0).any():
        raise InputError(
            f"{name}: was opened by another reader that mirrors it; open the file again with F.sh"
        )
    translate = np.asarray(options.get("translate", (0.0, 0.0, 0.0)), dtype=float)[-3:]
    affine = np.eye(4)
    # Its voxels already stand as (S, P, L); as a file they are written in L, P, S order.
    affine[:3, :3] = _TO_LAYER_WORLD.T @ np.diag(scale) @ np.eye(3)[::-1]
    affine[:3, 3] = _TO_LAYER_WORLD.T @ translate
    i, j, k = data_shape
    return Grid((k, j, i), affine)
