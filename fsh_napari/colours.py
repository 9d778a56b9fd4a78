"""Colours of lesions: bright enough for a thin outline on grey, neighbours far apart."""

import colorsys

import numpy as np
from napari.utils.colormaps import CyclicLabelColormap

_COUNT = 24
_GOLDEN = (5**0.5 - 1) / 2


def lesion_colours() -> CyclicLabelColormap:
    """Return the colours: successive labels are a golden section apart on the circle of hues."""
    hues = [(0.11 + index * _GOLDEN) % 1 for index in range(_COUNT)]
    colours = [(*colorsys.hsv_to_rgb(hue, 0.75 if index % 2 else 0.95, 1.0), 1.0) for index, hue in enumerate(hues)]
    return CyclicLabelColormap(colors=np.array([(0.0, 0.0, 0.0, 0.0), *colours], dtype=np.float32))
