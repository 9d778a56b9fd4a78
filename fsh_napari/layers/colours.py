"""Colours of lesions: bright enough for a thin outline on grey, neighbours far apart."""

import colorsys

import numpy as np
from napari.utils.colormaps import CyclicLabelColormap

_COUNT = 24
_GOLDEN = (5**0.5 - 1) / 2
_YELLOW = (1.0, 0.87, 0.34)
# Told apart with every kind of colour vision: Okabe and Ito, Color Universal Design, 2008; without
# its black.
_OKABE_ITO = ("e69f00", "56b4e9", "009e73", "f0e442", "0072b2", "d55e00", "cc79a7")


def lesion_colours(kind: str = "distinct") -> CyclicLabelColormap:
    """Return the colours of successive labels.

    Parameters
    ----------
    kind : str
        One of `fsh_napari.preferences.COLOURS`: hues a golden section apart, seven colours
        for every kind of colour vision, or yellow for all.
    """
    if kind == "one colour":
        colours = [_YELLOW]
    elif kind == "colour-blind safe":
        colours = [_rgb(code) for code in _OKABE_ITO]
    else:
        hues = [(0.11 + index * _GOLDEN) % 1 for index in range(_COUNT)]
        colours = [
            colorsys.hsv_to_rgb(hue, 0.75 if index % 2 else 0.95, 1.0)
            for index, hue in enumerate(hues)
        ]
    opaque = [(*colour, 1.0) for colour in colours]
    return CyclicLabelColormap(colors=np.array([(0.0, 0.0, 0.0, 0.0), *opaque], dtype=np.float32))


def _rgb(code: str) -> tuple[float, float, float]:
    """Red, green and blue in 0 to 1 of six hexadecimal digits."""
    red, green, blue = bytes.fromhex(code)
    return red / 255, green / 255, blue / 255
