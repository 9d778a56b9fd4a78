"""The longest diameters of the lesion under review, drawn in the planes."""

from typing import TYPE_CHECKING

import numpy as np

from fsh_core.lesions.diameter import Diameter, longest_axial_diameter, longest_diameter
from fsh_core.volume.boxes import first_voxel
from fsh_napari.review.interfaces import Point

if TYPE_CHECKING:
    from fsh_napari.review.case import OpenCase

Line = tuple[Point, Point]
"""Both ends, in viewer mm."""


def diameters_of(case: "OpenCase", label: int) -> tuple[tuple[Line, Line], str]:
    """Measure a lesion as it is now.

    Returns
    -------
    lines : (Line, Line)
        The longest diameter in 3-D, and the longest in an axial slice.
    said : str
        What they measure, for the reader.

    Raises
    ------
    InputError
        If there is no such lesion.
    """
    box, inside = case.cut_out(label)
    corner, affine = first_voxel(box), case.grid.affine
    longest, axial = longest_diameter(inside, affine), longest_axial_diameter(inside, affine)
    to_viewer = np.linalg.inv(case.grid.viewer_to_world) @ affine

    def line(diameter: Diameter) -> Line:
        voxels = np.c_[diameter.ends + corner, np.ones(len(diameter.ends))]
        start, end = (tuple(point) for point in (voxels @ to_viewer.T)[:, :3].tolist())
        return start, end

    said = f"Lesion {label}: longest diameter {longest.mm:.1f} mm, in an axial slice {axial.mm:.1f}"
    return (line(longest), line(axial)), f"{said} mm; M takes the lines away."
