"""One idea of what is connected: voxels that share a corner are one lesion, whoever asks."""

from pathlib import Path

import numpy as np
import pytest

from fsh_core.lesions.label import label_lesions
from fsh_core.lesions.split import split_confluent
from fsh_core.lesions.uncertainty import structural_uncertainty
from fsh_core.review.edits import split_lesion
from fsh_core.simulation.brain_frame import BrainFrame
from fsh_core.simulation.shape_bank import LesionShapeBank
from fsh_core.volume.components import CONNECTIVITY_26, dilate, label_components
from fsh_core.volume.volume import Volume

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture
def corner_to_corner():
    """Two voxels that share nothing but a corner."""
    mask = np.zeros((6, 6, 6), dtype=bool)
    mask[2, 2, 2] = mask[3, 3, 3] = True
    return mask


def test_everyone_who_counts_lesions_sees_one(corner_to_corner):
    mask, spacing_mm = corner_to_corner, (2.0, 2.0, 2.0)
    labels, count = label_components(mask)
    assert (count, labels.max()) == (1, 1)
    assert label_lesions(mask, 8.0).max() == 1
    assert split_confluent(mask.astype(np.int32), spacing_mm).max() == 1
    members = [mask.astype(np.float32)] * 2
    assert structural_uncertainty(labels, members, 0.5).tolist() == [0.0]
    frame = BrainFrame.of_box((0, 0, 0), (10, 10, 10))
    volume = Volume(mask, np.diag([2.0, 2.0, 2.0, 1.0]))
    assert len(LesionShapeBank.of_masks([volume], [frame])) == 1


def test_the_training_sampler_sees_one(corner_to_corner):
    cases = pytest.importorskip("fsh_core.training.training_case")
    (voxels,) = cases.lesion_voxels(corner_to_corner)
    assert voxels.tolist() == [[2, 2, 2], [3, 3, 3]]


def test_a_split_by_hand_cuts_it_and_does_not_find_it_cut(corner_to_corner):
    """Of two parts that do not touch each is a part; these touch, and are halved instead."""
    apart = corner_to_corner.copy()
    apart[5, 5, 5] = True
    assert split_lesion(apart, (1.0, 1.0, 1.0))[corner_to_corner].tolist() == [1, 1]


def test_an_empty_mask_has_no_components():
    labels, count = label_components(np.zeros((3, 4, 5), dtype=bool))
    assert count == 0
    assert labels.shape == (3, 4, 5)
    assert not labels.any()


def test_a_dilated_mask_has_all_26_neighbours_and_stops_at_the_border():
    mask = np.zeros((6, 6, 6), dtype=bool)
    mask[2, 2, 0] = True
    assert dilate(mask).sum() == 18
    mask[2, 2, 0], mask[3, 3, 3] = False, True
    assert dilate(mask).sum() == CONNECTIVITY_26.sum() == 27
    assert not dilate(np.zeros_like(mask)).any()


def test_the_structuring_element_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        CONNECTIVITY_26[0, 0, 0] = False


def test_it_is_written_nowhere_else():
    for package in ("fsh_core", "fsh_napari", "fsh_dashboard"):
        for path in (REPOSITORY / package).rglob("*.py"):
            name = path.relative_to(REPOSITORY).as_posix()
            text = path.read_text(encoding="utf-8")
            for spelling in ("np.ones((3, 3, 3)", "generate_binary_structure"):
                assert name == "fsh_core/volume/components.py" or spelling not in text, name
