"""Colours of lesions: bright enough for a thin outline on grey, and far apart."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from napari.utils.colormaps import CyclicLabelColormap, DirectLabelColormap
from numpy.typing import NDArray
from skimage.color import rgb2lab

Colour = tuple[float, float, float, float]

_COUNT = 24
_LEVELS = 13  # of red, green and blue, among which colours are chosen
_DARKEST, _BRIGHTEST, _GREYEST = 55.0, 92.0, 35.0  # of CIELAB lightness, and of its chroma
_YELLOW = (1.0, 0.87, 0.34)
# Told apart with every kind of colour vision: Okabe and Ito, Color Universal Design, 2008; without
# its black.
_OKABE_ITO = ("e69f00", "56b4e9", "009e73", "f0e442", "0072b2", "d55e00", "cc79a7")
_SELECTED: Colour = (1.0, 1.0, 1.0, 1.0)
_REJECTED: Colour = (0.5, 0.5, 0.5, 0.8)
_BY_DECISION: dict[str, Colour] = {
    "unreviewed": (*_YELLOW, 1.0),
    "accepted": (0.35, 0.95, 0.45, 1.0),
    "unsure": (0.35, 0.75, 1.0, 1.0),
    "rejected": _REJECTED,
}
_ALONE: Colour = (1.0, 0.0, 0.0, 1.0)  # too dark for a colour of the palettes
# Warm is more lesion, cool is less: as in the report of fsh track.
BEFORE: Colour = (0.35, 0.65, 1.0, 1.0)
AFTER: Colour = (*_YELLOW, 1.0)
_BY_KIND: dict[str, Colour] = {
    "new": (1.0, 0.35, 0.25, 1.0),
    "enlarging": (1.0, 0.6, 0.15, 1.0),
    "resolved": (0.25, 0.85, 1.0, 1.0),
    "shrinking": (0.3, 0.9, 0.7, 1.0),
    "merged": (0.95, 0.5, 1.0, 1.0),
    "split": (0.95, 0.5, 1.0, 1.0),
    "uncertain": (0.75, 0.7, 0.6, 1.0),
}
_CLEAR: Colour = (0.0, 0.0, 0.0, 0.0)
BY_DECISION = "by decision"


def lesion_colours(kind: str = "distinct") -> CyclicLabelColormap:
    """Return the colours of successive labels.

    Parameters
    ----------
    kind : str
        One of `fsh_napari.preferences.COLOURS`: colours that look as different as possible,
        seven for every kind of colour vision, or yellow for all.
    """
    opaque = [(*colour, 1.0) for colour in _palette(kind)]
    return CyclicLabelColormap(colors=np.array([_CLEAR, *opaque], dtype=np.float32))


def review_colours(kind: str, statuses: Mapping[int, str], selected: int) -> DirectLabelColormap:
    """Return the colours of lesions under review: rejected ones are grey, the selected is white.

    Parameters
    ----------
    kind : str
        One of `fsh_napari.preferences.COLOURS`.
    statuses : mapping of int to str
        What was decided, by label.
    selected : int
        The selected lesion; 0 = none.
    """
    palette = _palette(kind)
    colours: dict[int | None, Colour] = {None: (*palette[0], 1.0), 0: _CLEAR}
    for label, status in statuses.items():
        own: Colour = (*palette[(label - 1) % len(palette)], 1.0)
        if kind == BY_DECISION:
            own = _BY_DECISION[status]
        colours[label] = _REJECTED if status == "rejected" else own
    if selected:
        colours[selected] = _SELECTED
    return DirectLabelColormap(color_dict=colours)


def counterpart_colours(
    matches: Mapping[int, int], colours: DirectLabelColormap
) -> DirectLabelColormap:
    """Return the colours of another visit's lesions: those of the same lesions under review.

    Parameters
    ----------
    matches : mapping of int to int
        For every label of the other visit that of the lesion under review; 0 = there is none,
        and it is red.
    colours : DirectLabelColormap
        Of the lesions under review.
    """
    own: dict[int | None, Any] = {None: _ALONE, 0: _CLEAR}
    for label, match in matches.items():
        own[label] = colours.color_dict.get(match, _ALONE) if match else _ALONE
    return DirectLabelColormap(color_dict=own)


def change_colours(
    kinds: Mapping[int, str], statuses: Mapping[int, str], selected: int
) -> DirectLabelColormap:
    """Return the colours of changes between visits: by kind; the selected one is white.

    Parameters
    ----------
    kinds : mapping of int to str
        Kind of each change, one of `fsh_core.tracking.KINDS`, by number.
    statuses : mapping of int to str
        What was decided; rejected ones are grey.
    selected : int
        The selected change; 0 = none.
    """
    colours: dict[int | None, Colour] = {None: _REJECTED, 0: _CLEAR}
    for number, kind in kinds.items():
        is_rejected = statuses[number] == "rejected"
        colours[number] = _REJECTED if is_rejected else _BY_KIND.get(kind, _REJECTED)
    if selected:
        colours[selected] = _SELECTED
    return DirectLabelColormap(color_dict=colours)


def plain_colour(colour: Colour) -> DirectLabelColormap:
    """Return one colour for every label."""
    return DirectLabelColormap(color_dict={None: colour, 0: _CLEAR})


def _palette(kind: str) -> list[tuple[float, float, float]]:
    if kind in ("one colour", BY_DECISION):
        return [_YELLOW]
    if kind == "colour-blind safe":
        return [_rgb(code) for code in _OKABE_ITO]
    return _distinct()


@cache
def _distinct() -> list[tuple[float, float, float]]:
    """Choose colours one after another, each as far as possible from those before it."""
    levels = np.linspace(0, 1, _LEVELS)
    colours = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(-1, 3)
    lab = rgb2lab(colours[None])[0]
    lightness, chroma = lab[:, 0], np.hypot(lab[:, 1], lab[:, 2])
    usable = (lightness >= _DARKEST) & (lightness <= _BRIGHTEST) & (chroma >= _GREYEST)
    colours, lab = colours[usable], lab[usable]
    chosen = [int(np.argmin(_distance(lab, rgb2lab(np.array(_YELLOW)[None, None])[0, 0])))]
    away = _distance(lab, lab[chosen[0]])
    while len(chosen) < _COUNT:
        chosen.append(int(np.argmax(away)))
        away = np.minimum(away, _distance(lab, lab[chosen[-1]]))
    return [(float(red), float(green), float(blue)) for red, green, blue in colours[chosen]]


def _distance(lab: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Difference of colours as CIE 1976 has it."""
    return np.asarray(np.linalg.norm(lab - other, axis=-1), dtype=np.float64)


def _rgb(code: str) -> tuple[float, float, float]:
    """Red, green and blue in 0 to 1 of six hexadecimal digits."""
    red, green, blue = bytes.fromhex(code)
    return red / 255, green / 255, blue / 255
