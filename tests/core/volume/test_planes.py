"""The three planes: letters by hand, in both conventions, and the voxels beside them."""

import numpy as np
import pytest

from fsh_core.volume.planes import AXIAL, CONVENTIONS, CORONAL, PLANES, SAGITTAL


@pytest.mark.parametrize(
    ("plane", "convention", "letters"),
    [
        (AXIAL, "radiological", ("R", "L", "P", "A")),
        (CORONAL, "radiological", ("R", "L", "I", "S")),
        (SAGITTAL, "radiological", ("A", "P", "I", "S")),
        (AXIAL, "neurological", ("L", "R", "P", "A")),
        (CORONAL, "neurological", ("L", "R", "I", "S")),
        (SAGITTAL, "neurological", ("A", "P", "I", "S")),
    ],
)
def test_letters(plane, convention, letters) -> None:
    assert plane.letters(convention) == letters


def test_a_convention_that_is_none_is_refused() -> None:
    """Else a misspelt one would be shown as radiological, and left taken for right."""
    with pytest.raises(ValueError, match=r"must be one of .*'radiological', 'neurological'"):
        AXIAL.letters("neurologic")


@pytest.mark.parametrize("plane", PLANES)
def test_the_voxels_at_an_edge_are_those_that_its_letter_names(plane) -> None:
    """A volume whose every voxel says how far right, anterior or superior it lies."""
    ras = np.stack(np.indices((4, 5, 6)))
    left, right, lower, upper = plane.letters()
    middle = [size // 2 for size in (4, 5, 6)]
    cuts = [plane.cut(axis, middle[plane.through]) for axis in ras]
    for letter, edge in ((left, (0, 0)), (right, (0, -1)), (lower, (0, 0)), (upper, (-1, 0))):
        axis = "RAS".find(letter) if letter in "RAS" else "LPI".find(letter)
        place = cuts[axis][edge]
        assert place == ((4, 5, 6)[axis] - 1 if letter in "RAS" else 0), letter


def test_there_are_three_planes_through_three_axes() -> None:
    assert {plane.through for plane in PLANES} == {0, 1, 2}
    assert [plane.coordinate for plane in PLANES] == ["z", "y", "x"]
    assert len(CONVENTIONS) == 2
