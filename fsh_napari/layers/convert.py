"""From a volume to what napari shows, and back."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsh_core.errors import InputError
from fsh_core.volume.volume import Volume
from fsh_napari.layers.grid import TO_LAYER_WORLD, Grid

AXIS_LABELS = ("superior", "posterior", "left")
GRID_KEY = "fsh_grid"
CONTENT_KEY = "fsh_content"  # of a scan: first and last voxel of what is not air, in the layer
WINDOW_KEY = "fsh_window"  # of a scan: the contrast limits that it is opened with
_SPACE_DIMENSIONS = 3
_WINDOW_PERCENTILES = (0.5, 99.8)
AIR_FRACTION = 0.1  # of the window: below it lies air
_NOISE_FRACTION = 0.001  # of a slice's voxels may be brighter, and it is air all the same


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
        low, high = np.percentile(inside, _WINDOW_PERCENTILES, overwrite_input=True).tolist()
    low = min(low, 0.0) if float(volume.data.min()) >= 0 else low
    limits = (low, high if high > low else low + 1.0)
    data = grid.to_layer(volume.data)
    metadata[WINDOW_KEY] = limits
    metadata[CONTENT_KEY] = _content(data, low + AIR_FRACTION * (limits[1] - low))
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
    data = volume.data
    if data.dtype.kind not in "iu" or data.dtype.itemsize > np.dtype(np.int32).itemsize:
        data = data.astype(np.int32)
    return grid.to_layer(data), options, "labels"


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
    affine[:3, :3] = TO_LAYER_WORLD.T @ np.diag(scale) @ np.eye(3)[::-1]
    affine[:3, 3] = TO_LAYER_WORLD.T @ translate
    i, j, k = data_shape
    return Grid((k, j, i), affine)
