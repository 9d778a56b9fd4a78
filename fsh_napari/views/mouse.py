"""What a press or a drag of the mouse would do to a layer."""

from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Labels
from scipy import ndimage

_WINDOW_PER_PIXEL = 1 / 300  # of the window's width


def fills_outside(layer: Labels, event: Any) -> bool:
    """Tell whether the bucket would fill what lies around the lesions, up to the border."""
    shown = list(event.dims_displayed)
    index = np.round(layer.world_to_data(event.position)).astype(int)
    shape = np.asarray(layer.data.shape)
    if (index < 0).any() or (index >= shape).any() or layer.data[tuple(index)] != 0:
        return False
    if layer.n_edit_dimensions != len(shown) or not layer.contiguous:
        return True
    through: list[Any] = index.tolist()
    for axis in shown:
        through[axis] = slice(None)
    free, _ = ndimage.label(np.asarray(layer.data[tuple(through)]) == 0)
    border = np.concatenate([free[0], free[-1], free[:, 0], free[:, -1]])
    return bool(np.isin(free[tuple(index[sorted(shown)])], border))


def windowed_image(viewer: ViewerModel) -> Any:
    """Return the image whose window the mouse changes.

    The selected one, else the lowest that is shown.
    """
    active = viewer.layers.selection.active
    images = [layer for layer in viewer.layers if layer._type_string == "image"]
    if active in images:
        return active
    return next((layer for layer in images if layer.visible), None)


def window_level(limits: tuple[float, float], across: float, down: float) -> tuple[float, float]:
    """Return contrast limits after a drag: right widens the window, down raises the level (darker).

    Parameters
    ----------
    limits : two floats
        Limits before the drag.
    across, down : float
        Length of the drag, in pixels.
    """
    width, level = limits[1] - limits[0], (limits[0] + limits[1]) / 2
    new = width * float(np.exp(across * _WINDOW_PER_PIXEL))
    level += width * down * _WINDOW_PER_PIXEL
    return level - new / 2, level + new / 2
