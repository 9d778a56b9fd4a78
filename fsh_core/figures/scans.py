"""Scans with their lesions: in three planes, and slice by slice."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fsh_core.figures import panel
from fsh_core.figures.sheet import Sheet
from fsh_core.figures.style import PREDICTION_COLOUR, REFERENCE_COLOUR
from fsh_core.imaging.slices import AXIAL, PLANES, Mask, View, look_at
from fsh_core.imaging.volume import Volume

CONVENTION = "Radiological convention: the patient's right (R) is on the left of the picture."
_COLOURS = {"Reference": REFERENCE_COLOUR, "F.sh": PREDICTION_COLOUR}
_LEAST_AREA_FRACTION = 0.1


def triptych(
    flair: Volume,
    prediction: Mask,
    reference: Mask | None = None,
    probability: NDArray[np.float32] | None = None,
    brain: Mask | None = None,
    title: str = "",
) -> Figure:
    """Draw the lesions in three planes: the paper's figure 2.

    Rows are the axial, coronal and sagittal slices with the most predicted lesion (the
    most reference lesion if nothing was predicted, else the middle of the brain).
    Columns are the FLAIR, the reference where given, the prediction, and the
    probability where given.

    Parameters
    ----------
    flair : Volume
        (I, J, K), any orientation and voxel size.
    prediction : (I, J, K) bool
        Lesions found.
    reference : (I, J, K) bool or None
        Lesions drawn by an expert.
    probability : (I, J, K) float32 in [0, 1] or None
        Lesion probability.
    brain : (I, J, K) bool or None
        Where to look and what sets the grey levels; the foreground when None or empty.
    title : str
        Above the picture, as it is.

    Returns
    -------
    Figure
        Save with `save_figure`.

    Raises
    ------
    ValueError
        If a mask has another shape than the FLAIR.
    """
    view = look_at(flair, {"Reference": reference, "F.sh": prediction, "Probability": probability}, brain, margin_mm=8)
    guide = "Reference" if reference is not None and not prediction.any() else "F.sh"
    columns = ["FLAIR", *view.maps]
    sheet = Sheet.of_planes(view, len(columns), title)
    figure = sheet.figure()
    for row, plane in enumerate(PLANES):
        index = view.fullest(guide, plane.through)
        for column, name in enumerate(columns):
            axes = sheet.panel(figure, row, column)
            panel.draw_slice(axes, view, plane, index)
            if name == "FLAIR":
                panel.draw_ruler(axes, view, plane, index)
            elif name == "Probability":
                panel.draw_probability(axes, view, plane, index)
            else:
                panel.draw_outline(axes, view, plane, plane.cut(view.maps[name], index), _COLOURS[name])
            panel.draw_letters(axes, plane)
    sheet.write_names(figure, [(name, _COLOURS.get(name, "")) for name in columns])
    if probability is not None:
        sheet.draw_probability_key(figure, columns.index("Probability"))
    sheet.write_caption(figure, f"{CONVENTION} Each row is the slice with the most lesion.")
    return figure


def montage(
    flair: Volume,
    prediction: Mask,
    reference: Mask | None = None,
    brain: Mask | None = None,
    every_mm: float = 0.0,
    title: str = "",
) -> Figure:
    """Draw the axial slices of the brain in a grid, lowest first, with lesion outlines.

    Slices that barely touch the brain are left out unless they hold a lesion.

    Parameters
    ----------
    flair, prediction, reference, brain, title
        As in `triptych`; the outlines of both masks are drawn into the same picture.
    every_mm : float
        Least distance between slices, in mm; 0 = all of them.

    Returns
    -------
    Figure
        Save with `save_figure`.

    Raises
    ------
    ValueError
        If a mask has another shape than the FLAIR.
    """
    view = look_at(flair, {"Reference": reference, "F.sh": prediction}, brain, margin_mm=3)
    step = max(1, int(np.ceil(every_mm / view.spacing_mm[AXIAL.through] - 1e-6)))
    indices = _worth_showing(view)[::step]
    sheet = Sheet.of_axial_slices(view, len(indices), title)
    figure = sheet.figure()
    for place, index in enumerate(indices):
        axes = sheet.panel(figure, *divmod(place, sheet.columns))
        panel.draw_slice(axes, view, AXIAL, index)
        for name, mask in view.maps.items():
            panel.draw_outline(axes, view, AXIAL, AXIAL.cut(mask, index), _COLOURS[name], width=0.6)
        panel.draw_position(axes, view, AXIAL, index)
        if place == 0:
            panel.draw_letters(axes, AXIAL, size=5)
    which = "every axial slice" if step == 1 else f"axial slices {step * view.spacing_mm[2]:.3g} mm apart"
    sheet.write_caption(figure, f"{CONVENTION} z in mm; {which}.", [(name, _COLOURS[name]) for name in view.maps])
    return figure


def _worth_showing(view: View) -> list[int]:
    """Indices of the axial slices with enough brain or any lesion; all of them if there are none."""
    brain = view.area_voxels(view.brain, AXIAL.through)
    shown = brain > _LEAST_AREA_FRACTION * brain.max()
    for mask in view.maps.values():
        shown |= view.area_voxels(mask, AXIAL.through) > 0
    return [int(index) for index in (np.flatnonzero(shown) if shown.any() else np.arange(len(shown)))]
