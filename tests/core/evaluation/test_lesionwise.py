"""Lesion by lesion: matching, its rule, its empty cases, and detection by size."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays

from fsh_core.evaluation.lesionwise import SIZE_BINS, lesion_metrics, overlap_table
from fsh_core.lesions.label import label_lesions

SHAPE = (30, 20, 20)


def labels_of(*boxes):
    """Label boxes 1, 2, ... given as (start, stop) corners."""
    labels = np.zeros(SHAPE, dtype=np.int32)
    for label, (start, stop) in enumerate(boxes, start=1):
        labels[tuple(slice(*ends) for ends in zip(start, stop, strict=True))] = label
    return labels


EMPTY = labels_of()
LARGE = ((0, 0, 0), (4, 4, 4))  # 64 voxels
MEDIUM = ((10, 0, 0), (12, 2, 5))  # 20 voxels
SMALL = ((20, 0, 0), (21, 1, 1))  # 1 voxel


def test_two_of_three_found_and_one_of_three_false():
    reference = labels_of(LARGE, MEDIUM, SMALL)
    prediction = labels_of(
        ((3, 3, 3), (6, 6, 6)), ((10, 0, 0), (12, 2, 2)), ((25, 15, 15), (27, 17, 17))
    )
    metrics = lesion_metrics(reference, prediction, 1.0)
    assert (metrics.reference_lesions, metrics.prediction_lesions) == (3, 3)
    assert (metrics.detected_lesions, metrics.confirmed_lesions) == (2, 2)
    assert metrics.reference_matched == {1: True, 2: True, 3: False}
    assert metrics.prediction_matched == {1: True, 2: True, 3: False}
    assert metrics.sensitivity == metrics.precision == metrics.f1 == pytest.approx(2 / 3)


def test_one_prediction_may_find_two_lesions():
    reference = labels_of(((0, 0, 0), (2, 2, 2)), ((4, 0, 0), (6, 2, 2)))
    metrics = lesion_metrics(reference, labels_of(((0, 0, 0), (6, 2, 2))), 1.0)
    assert (metrics.detected_lesions, metrics.confirmed_lesions) == (2, 1)
    assert metrics.sensitivity == metrics.precision == metrics.f1 == 1.0


def test_f1_is_the_harmonic_mean():
    metrics = lesion_metrics(labels_of(LARGE), labels_of(LARGE, MEDIUM, SMALL), 1.0)
    assert metrics.sensitivity == 1.0
    assert metrics.precision == pytest.approx(1 / 3)
    assert metrics.f1 == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("fraction", "found"), [(0.0, True), (0.25, True), (0.26, False), (1.0, False)]
)
def test_the_least_overlap_is_a_share_of_the_lesions_own_voxels(fraction, found):
    reference = labels_of(((0, 0, 0), (4, 4, 4)))
    prediction = labels_of(((3, 0, 0), (4, 4, 4)))  # 16 of 64 voxels; all of its own are inside
    metrics = lesion_metrics(reference, prediction, 1.0, minimum_overlap_fraction=fraction)
    assert metrics.reference_matched == {1: found}
    assert metrics.prediction_matched == {1: True}


def test_pieces_of_a_prediction_add_up():
    reference = labels_of(((0, 0, 0), (4, 1, 1)))
    prediction = labels_of(((0, 0, 0), (1, 1, 1)), ((2, 0, 0), (3, 1, 1)))
    assert (
        lesion_metrics(reference, prediction, 1.0, minimum_overlap_fraction=0.5).detected_lesions
        == 1
    )


def test_touching_without_overlap_is_no_match():
    metrics = lesion_metrics(labels_of(LARGE), labels_of(((4, 0, 0), (8, 4, 4))), 1.0)
    assert (metrics.detected_lesions, metrics.confirmed_lesions) == (0, 0)
    assert metrics.sensitivity == metrics.precision == metrics.f1 == 0.0


def test_two_empty_maps_agree_perfectly():
    metrics = lesion_metrics(EMPTY, EMPTY, 1.0)
    assert metrics.sensitivity == metrics.precision == metrics.f1 == 1.0
    assert metrics.reference_matched == metrics.prediction_matched == {}


def test_one_empty_map_gives_zero():
    for pair in ((EMPTY, labels_of(LARGE)), (labels_of(LARGE), EMPTY)):
        metrics = lesion_metrics(*pair, 1.0)
        assert metrics.sensitivity == metrics.precision == metrics.f1 == 0.0


def test_detection_by_equivalent_diameter_in_mm():
    reference = labels_of(LARGE, MEDIUM, SMALL)
    prediction = labels_of(MEDIUM)
    # Voxels of 1 mm3: 64, 20 and 1 mm3 are 5.0, 3.4 and 1.2 mm wide.
    by_size = lesion_metrics(reference, prediction, 1.0).by_size
    assert list(by_size) == list(SIZE_BINS)
    assert (by_size["below_3mm"].lesions, by_size["below_3mm"].sensitivity) == (1, 0.0)
    assert (by_size["3_to_10mm"].lesions, by_size["3_to_10mm"].detected) == (2, 1)
    assert by_size["3_to_10mm"].sensitivity == 0.5
    assert by_size["above_10mm"].lesions == 0
    assert np.isnan(by_size["above_10mm"].sensitivity)
    # Voxels of 27 mm3: 15.0, 10.1 and 3.7 mm.
    larger = lesion_metrics(reference, prediction, 27.0).by_size
    assert [larger[name].lesions for name in SIZE_BINS] == [0, 1, 2]


@pytest.mark.parametrize(("diameter_mm", "expected"), [(3.0, "3_to_10mm"), (10.0, "3_to_10mm")])
def test_the_middle_bin_includes_both_its_ends(diameter_mm, expected):
    voxel_mm3 = np.pi / 6 * diameter_mm**3
    by_size = lesion_metrics(
        labels_of(SMALL), EMPTY, voxel_mm3 * (1 + (1e-9 if diameter_mm == 3 else -1e-9))
    ).by_size
    assert by_size[expected].lesions == 1


def test_overlap_table_counts_every_pair_once():
    reference, prediction = labels_of(LARGE), labels_of(((2, 0, 0), (6, 4, 4)))
    table = overlap_table(reference, prediction)
    assert table.to_dict("list") == {
        "reference": [0, 1, 1],
        "prediction": [1, 0, 1],
        "voxels": [32, 32, 32],
    }


def test_labels_may_have_gaps():
    reference = labels_of(LARGE, MEDIUM) * 5
    metrics = lesion_metrics(reference, labels_of(MEDIUM), 1.0)
    assert metrics.reference_matched == {5: False, 10: True}


def test_masks_shapes_and_fractions_are_checked():
    with pytest.raises(ValueError, match="number a mask with label_lesions"):
        lesion_metrics(EMPTY > 0, EMPTY, 1.0)
    with pytest.raises(ValueError, match="must have one shape"):
        lesion_metrics(EMPTY, EMPTY[:-1], 1.0)
    with pytest.raises(ValueError, match=r"minimum_overlap_fraction must be in \[0, 1\], got 1.5"):
        lesion_metrics(EMPTY, EMPTY, 1.0, minimum_overlap_fraction=1.5)


@given(arrays(bool, (2, 5, 5, 5)))
@settings(max_examples=60, deadline=None)
def test_matching_is_what_a_loop_over_lesions_finds(masks):
    reference, prediction = (label_lesions(mask, 1.0) for mask in masks)
    metrics = lesion_metrics(reference, prediction, 1.0)
    for label, matched in metrics.reference_matched.items():
        assert matched == bool((prediction[reference == label] > 0).any())
    for label, matched in metrics.prediction_matched.items():
        assert matched == bool((reference[prediction == label] > 0).any())
    assert (
        sum(size.lesions for size in metrics.by_size.values())
        == metrics.reference_lesions
        == reference.max()
    )
    assert 0 <= metrics.f1 <= 1
