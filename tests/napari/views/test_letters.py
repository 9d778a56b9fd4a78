"""Which side of the patient lies at a border, for scans that are oblique too."""

import numpy as np
import pytest

pytest.importorskip("napari", reason="napari is not installed: pip install '.[app]'")

from fsh_core.volume.planes import CONVENTIONS
from fsh_napari.layers.grid import Grid
from fsh_napari.views.letters import side_letters
from fsh_napari.views.overlays import AXIAL, CORONAL, SAGITTAL


@pytest.mark.parametrize("plane", [AXIAL, CORONAL, SAGITTAL])
@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("flips", [(1, 1, 1), (-1, 1, 1), (-1, -1, 1), (1, 1, -1)])
def test_along_the_axes_they_are_those_of_the_plane(plane, convention, flips) -> None:
    grid = Grid((5, 6, 7), np.diag([*np.multiply(flips, (1.0, 2.0, 3.0)), 1]))
    letters = side_letters(plane.order, plane.orientation(convention), grid.viewer_to_world)
    assert letters == plane.letters(convention)


def turned_about_z(degrees: float) -> np.ndarray:
    angle = np.radians(degrees)
    affine = np.eye(4)
    affine[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return affine


def test_an_oblique_scan_has_two_letters_the_nearer_side_first() -> None:
    """The patient's first axis points from right to left and forwards by 30 degrees."""
    world = Grid((5, 6, 7), turned_about_z(30)).viewer_to_world
    letters = side_letters(AXIAL.order, AXIAL.orientation("radiological"), world)
    assert letters == {"left": "RA", "right": "LP", "top": "AL", "bottom": "PR"}
    other = side_letters(AXIAL.order, AXIAL.orientation("neurological"), world)
    assert (other["left"], other["right"]) == ("LP", "RA")


def test_a_scan_that_is_turned_a_little_keeps_one_letter() -> None:
    world = Grid((5, 6, 7), turned_about_z(8)).viewer_to_world
    letters = side_letters(AXIAL.order, AXIAL.orientation("radiological"), world)
    assert letters == AXIAL.letters("radiological")
