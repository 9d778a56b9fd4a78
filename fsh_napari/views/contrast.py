"""Window and level of a scan: a drag of the mouse, presets from its own percentiles, and back."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image
from numpy.typing import NDArray

from fsh_core.errors import InputError
from fsh_napari.layers.convert import AIR_FRACTION, WINDOW_KEY

Limits = tuple[float, float]
_WINDOW_PER_PIXEL = 1 / 300  # of the window's width
_EVERY = 2  # of the voxels along each axis, for a percentile
PRESETS: dict[str, Limits | None] = {"narrow": (5.0, 95.0), "normal": None, "wide": (0.0, 100.0)}
"""Percentiles of what is no air, from black to white; None = the window of the beginning."""


def windowed_image(viewer: ViewerModel) -> Any:
    """Return the image whose window is changed.

    The selected one, if it is shown, else the lowest that is shown.
    """
    active = viewer.layers.selection.active
    images = [layer for layer in viewer.layers if layer._type_string == "image"]
    shown = [layer for layer in images if layer.visible]
    return active if active in shown else next(iter(shown), None)


def window_level(limits: Limits, across: float, down: float) -> Limits:
    """Return contrast limits after a drag, as in 3D Slicer: right widens, up makes darker.

    Up raises the level, as `vtkMRMLWindowLevelWidget` does.

    Parameters
    ----------
    limits : two floats
        Limits before the drag.
    across, down : float
        Length of the drag, in pixels.
    """
    width, level = limits[1] - limits[0], (limits[0] + limits[1]) / 2
    new = width * float(np.exp(across * _WINDOW_PER_PIXEL))
    level -= width * down * _WINDOW_PER_PIXEL
    return level - new / 2, level + new / 2


def reset_windows(viewer: ViewerModel) -> None:
    """Set window and level of every scan back to what they were opened with."""
    for layer in viewer.layers:
        is_scan = isinstance(layer, Image) and "role" not in layer.metadata
        if is_scan or WINDOW_KEY in layer.metadata:
            reset_window(layer)


def reset_window(layer: Image) -> None:
    """Set window and level of a scan back to what it was opened with."""
    if WINDOW_KEY in layer.metadata:
        layer.contrast_limits = layer.metadata[WINDOW_KEY]
    else:
        layer.reset_contrast_limits()


def set_preset(viewer: ViewerModel, name: str) -> str:
    """Give the scan one of `PRESETS`.

    Returns
    -------
    str
        What was done, for the reader.

    Raises
    ------
    InputError
        If no scan is shown.
    """
    layer = windowed_image(viewer)
    if layer is None:
        raise InputError("no scan is shown; show one in the list of layers")
    return _give_preset(layer, name)


def set_preset_of_several(layers: Sequence[Image], name: str) -> str:
    """Give scans that were opened in windows of their own the preset of the first.

    What was equally bright in all of them stays so: the window is the same share of that in which
    each was opened.

    Returns
    -------
    str
        What was done, for the reader.
    """
    said = _give_preset(layers[0], name)
    low, high = layers[0].metadata[WINDOW_KEY]
    shares = [(limit - low) / (high - low) for limit in layers[0].contrast_limits]
    for layer in layers[1:]:
        low, high = layer.metadata[WINDOW_KEY]
        layer.contrast_limits = [low + share * (high - low) for share in shares]
    return said


def _give_preset(layer: Image, name: str) -> str:
    percentiles = PRESETS[name]
    if percentiles is None:
        reset_window(layer)
        said = "as it was opened"
    else:
        opened = layer.metadata.get(WINDOW_KEY, layer.contrast_limits)
        layer.contrast_limits = percentile_window(np.asarray(layer.data), opened, percentiles)
        said = "percentiles {:g} to {:g} of the scan".format(*percentiles)
    low, high = layer.contrast_limits
    return f"{name.capitalize()} window, {said}: {low:.4g} to {high:.4g}."


def percentile_window(data: NDArray[Any], opened: Limits, percentiles: Limits) -> Limits:
    """Return contrast limits from percentiles of the voxels that are no air.

    Parameters
    ----------
    data : (S, P, L)
        A scan.
    opened : two floats
        The window in which it is opened; what is darker than a tenth of it is air.
    percentiles : two floats
        From 0 to 100, of every second voxel along each axis.
    """
    some = data[(slice(None, None, _EVERY),) * data.ndim]
    low, high = opened
    tissue = some[some > low + AIR_FRACTION * (high - low)]
    if tissue.size:
        low, high = np.percentile(tissue, percentiles).tolist()
    return low, high if high > low else low + 1.0
