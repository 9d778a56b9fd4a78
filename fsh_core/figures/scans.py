"""Scans with their lesions in three planes."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fsh_core.figures import panel
from fsh_core.figures.layout import FigureLayout
from fsh_core.figures.slices import Mask, make_view
from fsh_core.figures.style import PREDICTION_COLOUR, REFERENCE_COLOUR
from fsh_core.volume.planes import AXIAL, PLANES
from fsh_core.volume.volume import Volume

CONVENTION = "Radiological convention: the patient's right (R) is on the left of the picture."
_COLOURS = {"Reference": REFERENCE_COLOUR, "F.sh": PREDICTION_COLOUR}


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
    view = make_view(
        flair,
        {"Reference": reference, "F.sh": prediction, "Probability": probability},
        brain,
        margin_mm=8,
    )
    guide = "Reference" if reference is not None and not prediction.any() else "F.sh"
    columns = ["FLAIR", *view.maps]
    layout = FigureLayout.of_planes(view, len(columns), title)
    figure = layout.figure()
    for row, plane in enumerate(PLANES):
        index = view.fullest(guide, plane.through)
        for column, name in enumerate(columns):
            axes = layout.panel(figure, row, column)
            panel.draw_slice(axes, view, plane, index)
            if name == "FLAIR":
                panel.draw_ruler(axes, view, plane, index)
            elif name == "Probability":
                panel.draw_probability(axes, view, plane, index)
            else:
                panel.draw_outline(
                    axes, view, plane, plane.cut(view.maps[name], index), _COLOURS[name]
                )
            panel.draw_letters(axes, plane)
    layout.write_names(figure, [(name, _COLOURS.get(name, "")) for name in columns])
    if probability is not None:
        layout.draw_probability_key(figure, columns.index("Probability"))
    layout.write_caption(figure, f"{CONVENTION} Each row is the slice with the most lesion.")
    return figure


def glance(
    flair: Volume,
    prediction: Mask,
    probability: NDArray[np.float32],
    reference: Mask | None = None,
    brain: Mask | None = None,
) -> Figure:
    """Draw the lesions in three planes side by side, and the probability of the axial one.

    Outlines are not filled, so that what they enclose can be judged.

    Parameters
    ----------
    flair, prediction, probability, reference, brain
        As in `triptych`, which says which slices are drawn too.

    Returns
    -------
    Figure
        As wide as a page.

    Raises
    ------
    ValueError
        If a mask has another shape than the FLAIR.
    """
    view = make_view(
        flair,
        {"Reference": reference, "F.sh": prediction, "Probability": probability},
        brain,
        margin_mm=4,
    )
    guide = "Reference" if reference is not None and not prediction.any() else "F.sh"
    outlined = [name for name in view.maps if name in _COLOURS]
    layout = FigureLayout.of_row(view, len(PLANES) + 1)
    figure = layout.figure()
    for column, plane in enumerate((*PLANES, AXIAL)):
        axes = layout.panel(figure, 0, column)
        index = view.fullest(guide, plane.through)
        panel.draw_slice(axes, view, plane, index)
        if column == len(PLANES):
            panel.draw_probability(axes, view, plane, index)
        else:
            for name in outlined:
                panel.draw_outline(
                    axes,
                    view,
                    plane,
                    plane.cut(view.maps[name], index),
                    _COLOURS[name],
                    0.7,
                    fill=False,
                )
        panel.draw_ruler(axes, view, plane, index)
        panel.draw_letters(axes, plane)
    layout.write_names(figure, [*((plane.name, "") for plane in PLANES), ("Probability", "")])
    layout.draw_probability_key(figure, len(PLANES))
    key = [(name, _COLOURS[name]) for name in outlined]
    layout.write_caption(figure, f"{CONVENTION} The slices with the most lesion.", key)
    return figure
