"""Slices of a validation scan that a training kept, as pictures."""

import re
from collections.abc import Iterable

import numpy as np
from matplotlib.colors import to_rgb
from numpy.typing import NDArray
from scipy import ndimage

from fsh_core.errors import InputError
from fsh_core.figures.style import PREDICTION_COLOUR, REFERENCE_COLOUR
from fsh_core.file_names import RUN_SAMPLES_FOLDER
from fsh_core.training.sample import Sample, read_sample
from fsh_dashboard.data.folder import Opened

MOST = 12
"""Pictures of a run; of more, the first and the last are among them."""
_NAME = re.compile(r"epoch-(\d{4,})\.npz")
_PIXELS = 2  # of a picture, for each voxel
_WHITE = 255.0
_THRESHOLD = 128  # of 255: from here on a voxel is called lesion


def samples_of(opened: Opened, run: str) -> tuple[dict[int, NDArray[np.uint8]], list[str]]:
    """Draw the slices of a run.

    Returns
    -------
    pictures : dict of int to (H, W, 3) uint8
        By epoch, ascending.
    problems : list of str
        One sentence for every file that cannot be read.
    """
    pictures: dict[int, NDArray[np.uint8]] = {}
    problems: list[str] = []
    try:
        folder = opened.inside(f"{run}/{RUN_SAMPLES_FOLDER}")
        names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    except (InputError, OSError) as error:
        return {}, [str(error)]
    epochs = {int(found[1]): folder / name for name in names if (found := _NAME.fullmatch(name))}
    for epoch in _thinned(sorted(epochs)):
        try:
            pictures[epoch] = picture_of(read_sample(opened.inside(epochs[epoch])))
        except InputError as error:
            problems.append(str(error).replace(f"{opened.root}/", ""))
    return pictures, problems


def picture_of(sample: Sample) -> NDArray[np.uint8]:
    """Draw a slice with the outlines of the reference and of the prediction.

    Returns
    -------
    (2 H, 2 W, 3) uint8
        Top row first, the patient's right on the left.
    """
    grey = _enlarged(sample.scan[::-1]).astype(np.float64) / _WHITE
    picture = np.repeat(grey[..., None], 3, axis=2)
    for mask, colour in (
        (sample.reference, REFERENCE_COLOUR),
        (sample.probability >= _THRESHOLD, PREDICTION_COLOUR),
    ):
        area = _enlarged(mask[::-1]).astype(np.bool_)
        picture[area & ~ndimage.binary_erosion(area)] = to_rgb(colour)
    return np.round(picture * _WHITE).astype(np.uint8)


def _enlarged(data: NDArray[np.generic]) -> NDArray[np.generic]:
    return data.repeat(_PIXELS, axis=0).repeat(_PIXELS, axis=1)


def _thinned(epochs: list[int]) -> Iterable[int]:
    if len(epochs) <= MOST:
        return epochs
    places = np.linspace(0, len(epochs) - 1, MOST).round().astype(int)
    return [epochs[place] for place in places]
