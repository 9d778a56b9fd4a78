"""The core's planes on a layer's axes."""

import pytest

pytest.importorskip("qtpy.QtCore", reason="Qt is not installed")

from qtpy.QtCore import QPointF, QRect, QSize

from fsh_core.volume.planes import CONVENTIONS
from fsh_napari.views.overlays import AXIAL, CORONAL, SAGITTAL, kept_inside

# What lies at the low and the high end of a layer's axes, which stand as (S, P, L).
AXIS_ENDS = (("I", "S"), ("A", "P"), ("R", "L"))


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("plane", [AXIAL, CORONAL, SAGITTAL])
def test_the_letters_stand_where_the_camera_lets_the_axes_grow_to(plane, convention):
    """The two are told apart: a letter that comes from elsewhere could name the other side."""
    _, down, across = plane.order
    vertical, horizontal = plane.orientation(convention)
    letters = plane.letters(convention)
    low, high = AXIS_ENDS[down]
    assert (letters["top"], letters["bottom"]) == (
        (low, high) if vertical == "down" else (high, low)
    )
    low, high = AXIS_ENDS[across]
    assert (letters["left"], letters["right"]) == (
        (low, high) if horizontal == "right" else (high, low)
    )


def test_names_and_axes():
    assert [plane.name for plane in (AXIAL, CORONAL, SAGITTAL)] == ["axial", "coronal", "sagittal"]
    assert [plane.order for plane in (AXIAL, CORONAL, SAGITTAL)] == [
        (0, 1, 2),
        (1, 0, 2),
        (2, 0, 1),
    ]


@pytest.mark.parametrize(
    ("place", "seen"),
    [((50, 60), (50, 60)), ((95, 60), (57, 60)), ((50, 5), (50, 12)), ((50, 99), (50, 97))],
)
def test_a_length_at_the_border_is_written_where_it_can_be_read(place, seen):
    room, text = QRect(0, 0, 100, 100), QSize(40, 12)
    assert kept_inside(QPointF(*place), text, room) == QPointF(*seen)
