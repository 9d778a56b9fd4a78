"""Lesions of two visits are the same where they overlap in the patient."""

import numpy as np

from fsh_core.volume.volume import Volume
from fsh_napari.views.counterparts import counterparts

SPACING_MM = np.diag([1.0, 1.0, 2.5, 1.0])


def lesions(*boxes) -> np.ndarray:
    labels = np.zeros((20, 24, 16), dtype=np.int16)
    for label, box in enumerate(boxes, start=1):
        labels[box] = label
    return labels


def test_on_one_grid() -> None:
    before = lesions(np.s_[2:6, 2:6, 2:4], np.s_[10:14, 10:14, 8:10])
    now = lesions(np.s_[11:15, 10:14, 8:10], np.s_[16:18, 2:4, 2:4], np.s_[3:5, 3:5, 2:4])
    found = counterparts(Volume(now, SPACING_MM), Volume(before, SPACING_MM), np.eye(4))
    assert found == {1: 2, 2: 0, 3: 1}


def test_one_that_parted_and_one_that_meets_two() -> None:
    one = lesions(np.s_[2:12, 2:6, 2:4])
    two = lesions(np.s_[2:5, 2:6, 2:4], np.s_[6:12, 2:6, 2:4])
    assert counterparts(Volume(two, SPACING_MM), Volume(one, SPACING_MM), np.eye(4)) == {1: 1, 2: 1}
    assert counterparts(Volume(one, SPACING_MM), Volume(two, SPACING_MM), np.eye(4)) == {1: 2}


def test_where_the_patient_lay_elsewhere_and_the_file_is_turned() -> None:
    here = lesions(np.s_[2:6, 2:6, 2:4], np.s_[10:14, 10:14, 8:10])
    moved = np.eye(4)
    moved[:3, 3] = 6.0, -4.0, 5.0  # world of this visit to that of the other
    flipped = SPACING_MM @ np.diag([-1.0, 1.0, 1.0, 1.0])
    flipped[0, 3] = here.shape[0] - 1
    other = Volume(here[::-1], moved @ flipped)
    assert counterparts(Volume(here, SPACING_MM), other, moved) == {1: 1, 2: 2}
    far = np.eye(4)
    far[:3, 3] = 500.0
    assert counterparts(Volume(here, SPACING_MM), other, far) == {1: 0, 2: 0}


def test_no_lesion() -> None:
    empty = Volume(lesions(), SPACING_MM)
    assert counterparts(empty, empty, np.eye(4)) == {}
