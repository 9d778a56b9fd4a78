"""All subjects side by side: for each the axial slice through its largest lesion."""

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsh_core.errors import InputError
from fsh_core.figures.slices import make_view
from fsh_core.volume.planes import AXIAL
from fsh_core.volume.volume import Volume, load_mask, load_volume, to_ras
from fsh_dashboard.data.slices import draw

MARGIN_MM = 4.0


def slice_through(
    flair_path: Path,
    mask_path: Path,
    brain_path: Path | None,
    lesion: Mapping[Hashable, Any] | None,
) -> NDArray[np.uint8]:
    """Draw the axial slice through a lesion, with everything that was found in it outlined.

    Parameters
    ----------
    flair_path, mask_path : Path
        The scan and the prediction on its grid.
    brain_path : Path or None
        The brain on the same grid, for grey levels and the frame.
    lesion : mapping or None
        A row of the lesion table; None cuts the middle of the brain.

    Returns
    -------
    (height, width, 3) uint8
        Radiological convention, in true proportions.

    Raises
    ------
    InputError
        If a file cannot be used, or the grids differ.
    """
    flair = load_volume(flair_path)
    mask = load_mask(mask_path, flair, flair_path).data
    brain = load_mask(brain_path, flair, flair_path).data if brain_path else np.ones_like(mask)
    scan, found, inside = (to_ras(flair.with_data(data)) for data in (flair.data, mask, brain))
    index = _height(scan, inside.data, lesion)
    cut = slice(index, index + 1)
    slab = Volume(scan.data[..., cut], scan.affine)
    view = make_view(slab, {"Prediction": found.data[..., cut]}, inside.data[..., cut], MARGIN_MM)
    return draw(view, AXIAL, 0, "Prediction")


def _height(scan: Volume, brain: NDArray[np.bool_], lesion: Mapping[Hashable, Any] | None) -> int:
    """Index of the axial slice through the point inside a lesion.

    Or of the one with the most brain.
    """
    try:
        point = (
            None
            if lesion is None
            else np.array([*(float(lesion[f"inside_{axis}_mm"]) for axis in "ras"), 1.0])
        )
    except KeyError as error:
        raise InputError(
            f"the lesion table has no column {error}; segment the case again"
        ) from None
    if point is None:
        return int(np.argmax(brain.sum(axis=(0, 1))))
    voxel = np.linalg.inv(scan.affine) @ point
    return int(np.clip(round(float(voxel[2])), 0, scan.shape[2] - 1))
