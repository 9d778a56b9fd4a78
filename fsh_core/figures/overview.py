"""Close-ups of single lesions, and a montage of all axial slices."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fsh_core.figures.panel import HALO, format_mm
from fsh_core.figures.slices import Mask, View, make_view
from fsh_core.figures.style import DPI, PAGE_WIDTH_IN, PALE, PREDICTION_COLOUR
from fsh_core.volume.planes import AXIAL, PLANES, Plane
from fsh_core.volume.volume import Volume

_HALF_WIDTH_MM = 32.0  # of a close-up
_COLUMNS = 6  # of close-ups: two lesions a row, three planes each
_LABEL_INSET_MM = 2.0
_MONTAGE_HEIGHT_IN = 2.75  # 70 mm: with the close-ups it fits on the second page
_LEAST_AREA_FRACTION = 0.1


def close_ups(
    flair: Volume,
    prediction: Mask,
    places: Sequence[tuple[str, tuple[int, int, int]]],
    brain: Mask | None = None,
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
    view = make_view(flair, {"F.sh": prediction}, brain, margin_mm=8)
    cell = PAGE_WIDTH_IN / _COLUMNS
    figure = Figure(
        figsize=(PAGE_WIDTH_IN, cell * (-(-len(places) // 2))), dpi=DPI, facecolor="white"
    )
    for number, (name, voxel) in enumerate(places):
        middle_mm = flair.affine[:3, :3] @ voxel + flair.affine[:3, 3]
        index = np.rint(
            np.linalg.solve(view.affine[:3, :3], middle_mm - view.affine[:3, 3])
        ).astype(int)
        row, half = divmod(number, 2)
        for column, plane in enumerate(PLANES):
            left = (len(PLANES) * half + column) / _COLUMNS
            height = cell / figure.get_figheight()
            bottom = 1 - (row + 1) * height
            axes = figure.add_axes(
                (left + 0.002, bottom + 0.004, 1 / _COLUMNS - 0.004, height - 0.008),
                facecolor="black",
            )
            axes.set(
                xticks=[],
                yticks=[],
                xlim=(-_HALF_WIDTH_MM, _HALF_WIDTH_MM),
                ylim=(-_HALF_WIDTH_MM, _HALF_WIDTH_MM),
            )
            axes.spines[:].set_visible(False)
            grey = plane.cut(view.grey, int(index[plane.through]))
            mask = plane.cut(view.maps["F.sh"], int(index[plane.through]))
            extent = _around(view, plane, index)
            axes.imshow(
                grey,
                cmap="gray",
                vmin=0,
                vmax=1,
                origin="lower",
                extent=extent,
                interpolation="bilinear",
            )
            if mask.any():
                x = np.linspace(extent[0], extent[1], 2 * mask.shape[1] + 1)[1::2]
                y = np.linspace(extent[2], extent[3], 2 * mask.shape[0] + 1)[1::2]
                axes.contour(
                    x,
                    y,
                    mask.astype(np.float32),
                    levels=[0.5],
                    colors=[PREDICTION_COLOUR],
                    linewidths=0.7,
                )
            axes.set(xlim=(-_HALF_WIDTH_MM, _HALF_WIDTH_MM), ylim=(-_HALF_WIDTH_MM, _HALF_WIDTH_MM))
            if column == 0:
                axes.text(
                    -_HALF_WIDTH_MM + _LABEL_INSET_MM,
                    _HALF_WIDTH_MM - _LABEL_INSET_MM,
                    name,
                    size=7,
                    color=PALE,
                    ha="left",
                    va="top",
                    path_effects=HALO,
                )
    return figure


def _around(view: View, plane: Plane, index: NDArray[np.int_]) -> tuple[float, float, float, float]:
    """Place a slice so that the middle of a voxel is 0, in mm."""
    edges = []
    for axis, flipped in ((plane.across, True), (plane.up, False)):
        spacing = view.spacing_mm[axis]
        before = (index[axis] + 0.5) * spacing
        after = (view.grey.shape[axis] - index[axis] - 0.5) * spacing
        edges += [-after, before] if flipped else [-before, after]
    return edges[0], edges[1], edges[2], edges[3]


def all_slices(
    flair: Volume, prediction: Mask, brain: Mask | None = None, every_mm: float = 4.0
) -> Figure:
    """Draw axial slices of the whole brain as one picture, lowest first, with lesion outlines.

    Slices that barely touch the brain are left out unless they hold a lesion. Between two
    that are drawn may lie others: a slice carries the outlines of all lesions up to the
    next, so that none is missed.

    Parameters
    ----------
    flair, prediction, brain
        As in `close_ups`.
    every_mm : float
        Least distance between slices, in mm.

    Returns
    -------
    Figure
        At most as wide as a page, and about half as high.
    """
    view = make_view(flair, {"F.sh": prediction}, brain, margin_mm=2)
    slabs = _slabs(view, every_mm)
    (left, right), (lower, upper) = view.box_voxels[0], view.box_voxels[1]
    width, height = right - left, upper - lower
    aspect = view.spacing_mm[1] / view.spacing_mm[0]
    columns, cell_in = _grid(len(slabs), height * aspect / width)
    rows = -(-len(slabs) // columns)
    grey = np.zeros((rows * height, columns * width), np.float32)
    outlines = np.zeros(grey.shape, np.float32)
    paper = (cell_in * columns, cell_in * rows * height * aspect / width)
    figure = Figure(figsize=paper, dpi=DPI, facecolor="black")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    for number, slab in enumerate(slabs):
        row, column = divmod(number, columns)
        cell = np.s_[row * height : (row + 1) * height, column * width : (column + 1) * width]
        # Cut rows count upwards and columns from the patient's left; the picture counts downwards.
        grey[cell] = AXIAL.cut(view.grey[left:right, lower:upper], int(slab[0]))[::-1]
        cuts = [AXIAL.cut(view.maps["F.sh"][left:right, lower:upper], int(index)) for index in slab]
        outlines[cell] = np.any(cuts, axis=0)[::-1]
        text = format_mm(view.position_mm(AXIAL.through, int(slab[0])))
        place = (column * width + 2, (row + 1) * height - 2)
        axes.text(*place, text, size=5, color=PALE, ha="left", va="bottom", path_effects=HALO)
    axes.imshow(grey, cmap="gray", vmin=0, vmax=1, aspect=aspect, interpolation="bilinear")
    if outlines.any():
        axes.contour(outlines, levels=[0.5], colors=[PREDICTION_COLOUR], linewidths=0.35)
    return figure


def _slabs(view: View, every_mm: float) -> list[NDArray[np.intp]]:
    """Indices of the axial slices worth showing, in groups of which the first is drawn."""
    area = view.area_voxels(view.brain, AXIAL.through)
    worth = (area > _LEAST_AREA_FRACTION * area.max()) | (
        view.area_voxels(view.maps["F.sh"], AXIAL.through) > 0
    )
    shown = np.flatnonzero(worth) if worth.any() else np.arange(len(worth))
    step = max(1, int(np.ceil(every_mm / view.spacing_mm[AXIAL.through] - 1e-6)))
    return [shown[start : start + step] for start in range(0, len(shown), step)]


def _grid(count: int, aspect: float) -> tuple[int, float]:
    """Choose columns so that cells are largest; return their number and a cell's width, in inches.

    ``aspect`` is a cell's height over its width.
    """
    sizes = {
        columns: min(PAGE_WIDTH_IN / columns, _MONTAGE_HEIGHT_IN / (-(-count // columns) * aspect))
        for columns in range(1, max(1, count) + 1)
    }
    columns = max(sizes, key=lambda number: sizes[number])
    return columns, sizes[columns]
