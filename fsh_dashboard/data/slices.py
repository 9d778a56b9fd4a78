"""Slices as pictures: grey values with outlines, in true proportions, letters at the edges."""

import base64
import html
import io
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.image import imsave
from numpy.typing import NDArray
from scipy import ndimage

from fsh_core.figures.slices import View
from fsh_core.figures.style import HEAT, PREDICTION_COLOUR, REFERENCE_COLOUR
from fsh_core.volume.planes import PLANES, Plane

PIXELS_PER_MM = 2.5
HALF = 0.5
"""A mask that was resampled linearly has its edge here."""
COLOURS = {
    "Reference": REFERENCE_COLOUR,
    "Prediction": PREDICTION_COLOUR,
    "Before processing": PREDICTION_COLOUR,
}
_FILL = 0.15
_OUTLINE_PIXELS = 2


def draw(view: View, plane: Plane, index: int, overlay: str | None = None) -> NDArray[np.uint8]:
    """Draw one slice of the box around the brain.

    Parameters
    ----------
    view : View
        From `fsh_core.figures.slices.make_view`.
    plane : Plane
        Which way to cut.
    index : int
        Which slice.
    overlay : str or None
        A map of the view: masks are outlined, a probability is laid over in colours.

    Returns
    -------
    (height, width, 3) uint8
        Top row first, the patient's right on the left; `PIXELS_PER_MM` both ways.
    """
    grey = np.clip(_resize(_cut(view, plane, index, view.grey), view, plane), 0, 1)
    picture = np.repeat(grey[..., None], 3, axis=2)
    if overlay is None or overlay not in view.maps:
        return _to_bytes(picture)
    layer = _resize(_cut(view, plane, index, view.maps[overlay]).astype(np.float32), view, plane)
    if overlay == "Probability":
        alpha = np.clip(layer / 0.2, 0, 1)[..., None] * 0.85
        return _to_bytes(picture * (1 - alpha) + HEAT(layer)[..., :3] * alpha)
    mask = layer > HALF
    edge = mask & ~ndimage.binary_erosion(mask, iterations=_OUTLINE_PIXELS)
    colour = np.array(to_rgb(COLOURS.get(overlay, PREDICTION_COLOUR)))
    picture[mask] = picture[mask] * (1 - _FILL) + colour * _FILL
    picture[edge] = colour
    return _to_bytes(picture)


def through_lesion(view: View, lesion: Mapping[Hashable, Any]) -> tuple[int, ...]:
    """Find the slices through the point deep inside a lesion.

    Parameters
    ----------
    view : View
        The case.
    lesion : mapping
        A row of its lesion table, with ``inside_r_mm``, ``inside_a_mm`` and ``inside_s_mm``.

    Returns
    -------
    tuple of 3 int
        An index for each of `PLANES`, inside the box around the brain.
    """
    world = np.array([*(float(lesion[f"inside_{axis}_mm"]) for axis in "ras"), 1.0])
    voxel = np.round(np.linalg.inv(view.affine) @ world)
    limits = [view.box_voxels[plane.through] for plane in PLANES]
    return tuple(
        int(np.clip(voxel[plane.through], first, stop - 1))
        for plane, (first, stop) in zip(PLANES, limits, strict=True)
    )


def as_html(picture: NDArray[np.uint8], plane: Plane, caption: str, alt: str) -> str:
    """Wrap a picture for a page: letters at its edges, a caption, a text for screen readers.

    Parameters
    ----------
    picture : (height, width, 3) uint8
        From `draw`.
    plane : Plane
        Which way it is cut.
    caption, alt : str
        Below it, and for screen readers; any text, it is never markup.

    Returns
    -------
    str
        HTML that asks for nothing from outside.
    """
    buffer = io.BytesIO()
    imsave(buffer, picture, format="png")
    data = base64.b64encode(buffer.getvalue()).decode()
    left, right, lower, upper = plane.letters()
    places = {
        "left:6px;top:47%": left,
        "right:6px;top:47%": right,
        "bottom:3px;left:49%": lower,
        "top:3px;left:49%": upper,
    }
    letters = "".join(
        f'<span style="position:absolute;{place};color:#e6e9ed;font-size:12px;text-shadow:0 0 3px '
        f'#000">{letter}</span>'
        for place, letter in places.items()
    )
    return (
        '<figure style="margin:0"><div '
        'style="position:relative;background:#000;border-radius:4px;overflow:hidden">'
        f'<img alt="{html.escape(alt)}" style="display:block;width:100%" '
        f'src="data:image/png;base64,{data}">'
        f'{letters}</div><figcaption style="font-size:13px;opacity:.75;padding:3px 0 '
        f'8px">{html.escape(caption)}'
        "</figcaption></figure>"
    )


def _cut(view: View, plane: Plane, index: int, data: NDArray[Any]) -> NDArray[Any]:
    """Cut a slice down to the box around the brain, top row first."""
    (start, stop), (lower, upper) = view.box_voxels[plane.across], view.box_voxels[plane.up]
    size = data.shape[plane.across]
    return np.asarray(plane.cut(data, index)[lower:upper, size - stop : size - start][::-1])


def _resize(image: NDArray[Any], view: View, plane: Plane) -> NDArray[np.float32]:
    """Resample to pixels of one size, so that thick slices keep their proportions."""
    factors = [view.spacing_mm[axis] * PIXELS_PER_MM for axis in (plane.up, plane.across)]
    return np.asarray(
        ndimage.zoom(image, factors, order=1, mode="nearest", grid_mode=True), dtype=np.float32
    )


def _to_bytes(picture: NDArray[Any]) -> NDArray[np.uint8]:
    return np.round(picture * 255).astype(np.uint8)
