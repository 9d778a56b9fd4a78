"""Pictures of a report's second page: single lesions close up, and the whole brain slice by slice."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fsh_core.figures.panel import format_mm
from fsh_core.figures.style import DPI, PAGE_WIDTH_IN, PALE, PREDICTION_COLOUR
from fsh_core.imaging.slices import AXIAL, PLANES, Mask, Plane, View, look_at
from fsh_core.imaging.volume import Volume

_REACH_MM = 32.0
_COLUMNS = 9
_LEAST_AREA_FRACTION = 0.1


def close_ups(
    flair: Volume, prediction: Mask, places: Sequence[tuple[str, tuple[int, int, int]]], brain: Mask | None = None
) -> Figure:
    """Draw single lesions in three planes, 64 mm wide.

    Parameters
    ----------
    flair : Volume
        (I, J, K), any orientation and voxel size.
    prediction : (I, J, K) bool
        Lesions; all of them are outlined.
    places : sequence of (str, (i, j, k))
        What to write beside a row, and the voxel of the file that its planes go through.
    brain : (I, J, K) bool or None
        Sets the grey levels.

    Returns
    -------
    Figure
        One row a lesion: axial, coronal, sagittal.
    """
    view = look_at(flair, {"F.sh": prediction}, brain, margin_mm=8)
    cell = PAGE_WIDTH_IN / 6
    figure = Figure(figsize=(PAGE_WIDTH_IN, cell * (-(-len(places) // 2))), dpi=DPI, facecolor="white")
    for number, (name, voxel) in enumerate(places):
        middle_mm = flair.affine[:3, :3] @ voxel + flair.affine[:3, 3]
        index = np.rint(np.linalg.solve(view.affine[:3, :3], middle_mm - view.affine[:3, 3])).astype(int)
        row, half = divmod(number, 2)
        for column, plane in enumerate(PLANES):
            left, bottom = (3 * half + column) / 6, 1 - (row + 1) * cell / figure.get_figheight()
            height = cell / figure.get_figheight()
            axes = figure.add_axes((left + 0.002, bottom + 0.004, 1 / 6 - 0.004, height - 0.008), facecolor="black")
            axes.set(xticks=[], yticks=[], xlim=(-_REACH_MM, _REACH_MM), ylim=(-_REACH_MM, _REACH_MM))
            axes.spines[:].set_visible(False)
            grey, mask = (plane.cut(data, int(index[plane.through])) for data in (view.grey, view.maps["F.sh"]))
            extent = _around(view, plane, index)
            axes.imshow(grey, cmap="gray", vmin=0, vmax=1, origin="lower", extent=extent, interpolation="bilinear")
            if mask.any():
                x = np.linspace(extent[0], extent[1], 2 * mask.shape[1] + 1)[1::2]
                y = np.linspace(extent[2], extent[3], 2 * mask.shape[0] + 1)[1::2]
                axes.contour(x, y, mask.astype(np.float32), levels=[0.5], colors=[PREDICTION_COLOUR], linewidths=0.7)
            axes.set(xlim=(-_REACH_MM, _REACH_MM), ylim=(-_REACH_MM, _REACH_MM))
            if column == 0:
                axes.text(-_REACH_MM + 2, _REACH_MM - 2, name, size=6, color=PALE, ha="left", va="top")
    return figure


def _around(view: View, plane: Plane, index: NDArray[np.int_]) -> tuple[float, float, float, float]:
    """Place a slice so that the middle of a voxel is 0, in mm."""
    edges = []
    for axis, flipped in ((plane.across, True), (plane.up, False)):
        spacing = view.spacing_mm[axis]
        before, after = (index[axis] + 0.5) * spacing, (view.grey.shape[axis] - index[axis] - 0.5) * spacing
        edges += [-after, before] if flipped else [-before, after]
    return edges[0], edges[1], edges[2], edges[3]


def all_slices(flair: Volume, prediction: Mask, brain: Mask | None = None, every_mm: float = 4.0) -> Figure:
    """Draw the axial slices of the brain as one picture, lowest first, with lesion outlines.

    Quicker than `fsh_core.figures.montage`: the slices are put together before anything is drawn.

    Parameters
    ----------
    flair, prediction, brain
        As in `close_ups`.
    every_mm : float
        Least distance between slices, in mm.
    """
    view = look_at(flair, {"F.sh": prediction}, brain, margin_mm=2)
    area = view.area_voxels(view.brain, AXIAL.through)
    shown = np.flatnonzero(
        (area > _LEAST_AREA_FRACTION * area.max()) | (view.area_voxels(view.maps["F.sh"], AXIAL.through) > 0)
    )
    indices = shown[:: max(1, int(np.ceil(every_mm / view.spacing_mm[AXIAL.through] - 1e-6)))]
    (left, right), (lower, upper) = view.box_voxels[0], view.box_voxels[1]
    width, height = right - left, upper - lower
    rows = max(1, -(-len(indices) // _COLUMNS))
    grey = np.zeros((rows * height, _COLUMNS * width), np.float32)
    outlines = np.zeros(grey.shape, np.float32)
    aspect = view.spacing_mm[1] / view.spacing_mm[0]
    paper_height = PAGE_WIDTH_IN * rows * height * aspect / (_COLUMNS * width)
    figure = Figure(figsize=(PAGE_WIDTH_IN, paper_height), dpi=DPI, facecolor="black")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    for number, index in enumerate(indices):
        row, column = divmod(number, _COLUMNS)
        there = np.s_[row * height : (row + 1) * height, column * width : (column + 1) * width]
        # Cut rows count upwards and columns from the patient's left; the picture counts downwards.
        for sheet, data in ((grey, view.grey), (outlines, view.maps["F.sh"])):
            sheet[there] = AXIAL.cut(data[left:right, lower:upper], int(index))[::-1]
        text = format_mm(view.position_mm(AXIAL.through, int(index)))
        axes.text(column * width + 2, (row + 1) * height - 2, text, size=4.5, color=PALE, ha="left", va="bottom")
    axes.imshow(grey, cmap="gray", vmin=0, vmax=1, aspect=aspect, interpolation="bilinear")
    if outlines.any():
        axes.contour(outlines, levels=[0.5], colors=[PREDICTION_COLOUR], linewidths=0.35)
    return figure
