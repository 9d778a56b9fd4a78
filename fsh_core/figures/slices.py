"""A scan and its masks ready to be cut into slices: in RAS, cropped and windowed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsh_core.preprocess.intensity import foreground
from fsh_core.volume.boxes import bounding_box, whole_box
from fsh_core.volume.planes import Plane
from fsh_core.volume.volume import Volume, as_ras, ras_grid

Mask = NDArray[np.bool_]
_BLACK_PERCENTILE, _WHITE_PERCENTILE = 1.0, 99.8


@dataclass(frozen=True)
class View:
    """A scan and its maps in RAS, ready to be cut, and the box worth looking at.

    Attributes
    ----------
    grey : (I, J, K) float32 in [0, 1]
        The FLAIR, black to white.
    maps : dict of str to (I, J, K) array
        Masks and probabilities on the same grid.
    brain : (I, J, K) bool
        The brain.
    affine : (4, 4) float64
        Voxel indices to world coordinates in mm.
    spacing_mm : tuple of 3 float
        Voxel size.
    box_voxels : tuple of 3 (start, stop)
        The box around the brain.
    """

    grey: NDArray[np.float32]
    maps: dict[str, NDArray[Any]]
    brain: Mask
    affine: NDArray[np.float64]
    spacing_mm: tuple[float, float, float]
    box_voxels: tuple[tuple[int, int], ...]

    def extent_mm(self, axis: int) -> float:
        """Length of the box along an axis, in mm."""
        start, stop = self.box_voxels[axis]
        return (stop - start) * self.spacing_mm[axis]

    def frame_mm(self, plane: Plane) -> tuple[float, float, float, float]:
        """Left, right, lower and upper edge of a whole slice, in mm from the middle of the box."""
        (left, right), (lower, upper) = self._edges_mm(plane.across), self._edges_mm(plane.up)
        return -right, -left, lower, upper

    def _edges_mm(self, axis: int) -> tuple[float, float]:
        spacing, size = self.spacing_mm[axis], self.grey.shape[axis]
        middle = sum(self.box_voxels[axis]) / 2 * spacing
        return -middle, size * spacing - middle

    def position_mm(self, axis: int, index: int) -> float:
        """World coordinate of a slice, in mm; at the box's middle where the grid is oblique."""
        voxel = np.array([(start + stop - 1) / 2 for start, stop in self.box_voxels])
        voxel[axis] = index
        return float(self.affine[axis, :3] @ voxel + self.affine[axis, 3])

    def area_voxels(self, mask: Mask, axis: int) -> NDArray[np.int64]:
        """Voxels of a mask in each slice across an axis.

        Parameters
        ----------
        mask : (I, J, K) bool
            On the view's grid.
        axis : int
            Along which slices follow each other.

        Returns
        -------
        (N,) int
            One number a slice.
        """
        return np.asarray(
            np.count_nonzero(mask, axis=tuple(other for other in range(3) if other != axis))
        )

    def fullest(self, name: str, axis: int) -> int:
        """Index of the slice across ``axis`` with the most of a mask; the middle if it is empty."""
        area = self.area_voxels(self.maps[name], axis)
        return int(area.argmax()) if area.any() else sum(self.box_voxels[axis]) // 2


def make_view(
    flair: Volume, maps: Mapping[str, NDArray[Any] | None], brain: Mask | None, margin_mm: float
) -> View:
    """Turn a scan and its maps to RAS, find the box around the brain, and set the grey levels.

    Black is the 1st and white the 99.8th percentile inside the brain.

    Parameters
    ----------
    flair : Volume
        (I, J, K), any orientation and voxel size.
    maps : mapping of str to (I, J, K) array or None
        Masks and probabilities on the same grid; None is left out.
    brain : (I, J, K) bool or None
        The brain; the foreground when None or empty.
    margin_mm : float
        How much to keep around the brain, and around whatever is true in a mask.

    Returns
    -------
    View
        Everything in RAS.

    Raises
    ------
    ValueError
        If a map or the brain has another shape than the FLAIR.
    """
    given = {name: data for name, data in maps.items() if data is not None}
    for name, data in (given | ({"brain": brain} if brain is not None else {})).items():
        if data.shape != flair.shape:
            raise ValueError(f"{name} must have the FLAIR's shape {flair.shape}, got {data.shape}")
    # In the order in which it is cut, and copied once: a scan may be large.
    grey = np.array(as_ras(flair.data, flair), np.float32, order="C")
    turned = {name: np.ascontiguousarray(as_ras(data, flair)) for name, data in given.items()}
    if brain is not None and brain.any():
        inside = np.ascontiguousarray(as_ras(brain, flair))
    else:  # the head
        inside = foreground(grey)
    shown = inside.copy()
    for data in turned.values():
        if data.dtype == np.bool_:
            shown |= data
    values = grey[inside] if inside.any() else grey
    black, white = np.percentile(values, [_BLACK_PERCENTILE, _WHITE_PERCENTILE]).tolist()
    grey -= np.float32(black)
    grey /= np.float32(max(white - black, 1e-12))
    np.clip(grey, 0, 1, out=grey)
    grid = Volume(grey, ras_grid(flair)[1])
    box = _box(shown, grid.spacing_mm, margin_mm)
    return View(grey, turned, inside, grid.affine, grid.spacing_mm, box)


def _box(
    mask: Mask, spacing_mm: tuple[float, float, float], margin_mm: float
) -> tuple[tuple[int, int], ...]:
    """Start and stop of the box around a mask along each axis; everything if it is empty."""
    # Rounded to the nearest voxel: a margin here is for the eye.
    margin = [round(margin_mm / spacing) for spacing in spacing_mm]
    box = bounding_box(mask, margin) if mask.any() else whole_box(mask.shape)
    return tuple((side.start, side.stop) for side in box)
