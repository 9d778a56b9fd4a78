"""Voxel, volume and surface agreement: by hand, on empty masks, and against MONAI."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from fsh_core.evaluation.surface import surface_distances
from fsh_core.evaluation.voxel import volume_metrics, voxel_metrics

RATIOS = ("accuracy", "sensitivity", "specificity", "precision", "f1", "dice")
SPACING_MM = (0.9, 1.2, 6.8)


def boxes():
    """Reference of 6 voxels and prediction of 8, sharing 4, in 100."""
    reference, prediction = np.zeros((2, 4, 5, 5), dtype=bool)
    reference[0, 0:2, 0:3] = True
    prediction[0, 0:2, 1:5] = True
    return reference, prediction


def blobs(seed):
    rng = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(rng.standard_normal((2, 24, 22, 12)), (0, 2, 2, 1))
    return smooth > np.quantile(smooth, 0.9)


def test_counts_and_ratios_by_hand():
    metrics = voxel_metrics(*boxes())
    assert metrics.true_positive_voxels == 4
    assert metrics.false_positive_voxels == 4
    assert metrics.false_negative_voxels == 2
    assert metrics.true_negative_voxels == 90
    assert metrics.accuracy == pytest.approx(0.94)
    assert metrics.sensitivity == pytest.approx(4 / 6)
    assert metrics.specificity == pytest.approx(90 / 94)
    assert metrics.precision == pytest.approx(0.5)
    assert metrics.dice == metrics.f1 == pytest.approx(8 / 14)


def test_only_voxels_within_the_brain_count():
    reference, prediction = boxes()
    brain = np.zeros(reference.shape, dtype=bool)
    brain[0, :, :4] = True
    metrics = voxel_metrics(reference, prediction, brain)
    assert metrics.false_positive_voxels == 2
    assert metrics.true_negative_voxels == 20 - 8
    assert metrics.accuracy == pytest.approx(16 / 20)


def test_swapping_the_masks_swaps_sensitivity_and_precision():
    there, back = voxel_metrics(*boxes()), voxel_metrics(*boxes()[::-1])
    assert (there.sensitivity, there.precision, there.dice) == (
        back.precision,
        back.sensitivity,
        back.dice,
    )


def test_two_empty_masks_agree_perfectly():
    empty = np.zeros((4, 4, 4), dtype=bool)
    metrics = voxel_metrics(empty, empty)
    assert [getattr(metrics, name) for name in RATIOS] == [1.0] * 6


@pytest.mark.parametrize("empty_side", ["reference", "prediction"])
def test_one_empty_mask_gives_zero_never_nan(empty_side):
    masks = {"reference": boxes()[0], "prediction": boxes()[0]}
    masks[empty_side] = np.zeros_like(masks[empty_side])
    metrics = voxel_metrics(masks["reference"], masks["prediction"])
    assert metrics.dice == metrics.f1 == metrics.sensitivity == metrics.precision == 0.0
    assert metrics.specificity == (94 / 100 if empty_side == "reference" else 1.0)
    assert metrics.accuracy == pytest.approx(0.94)


def test_specificity_is_one_where_everything_is_lesion():
    full = np.ones((3, 3, 3), dtype=bool)
    assert voxel_metrics(full, full).specificity == 1.0


def test_masks_of_other_shapes_are_refused():
    reference, prediction = boxes()
    for compare in (
        lambda: voxel_metrics(reference, prediction[:-1]),
        lambda: volume_metrics(reference, prediction[:-1], 1.0),
        lambda: surface_distances(reference, prediction[:-1], SPACING_MM),
    ):
        with pytest.raises(ValueError, match="must have one shape"):
            compare()
    with pytest.raises(ValueError, match="within must have the masks' shape"):
        voxel_metrics(reference, prediction, reference[:-1])
    with pytest.raises(ValueError, match="at least one voxel"):
        voxel_metrics(reference, prediction, np.zeros_like(reference))


@given(arrays(bool, (2, 3, 3, 3)))
@settings(max_examples=50, deadline=None)
def test_ratios_lie_between_0_and_1(masks):
    metrics = voxel_metrics(masks[0], masks[1])
    assert all(0 <= getattr(metrics, name) <= 1 for name in RATIOS)
    counts = [getattr(metrics, name) for name in vars(metrics) if name.endswith("_voxels")]
    assert sum(counts) == 27


def test_dice_sensitivity_and_the_rest_agree_with_monai():
    torch = pytest.importorskip("torch")
    monai = pytest.importorskip("monai.metrics")
    for seed in range(3):
        reference, prediction = blobs(seed)
        ours = voxel_metrics(reference, prediction)
        y, y_pred = (torch.as_tensor(mask)[None, None].float() for mask in (reference, prediction))
        assert ours.dice == pytest.approx(float(monai.compute_dice(y_pred, y)), abs=1e-6)
        confusion = monai.get_confusion_matrix(y_pred, y)
        for name in ("accuracy", "sensitivity", "specificity", "precision", "f1 score"):
            theirs = float(monai.compute_confusion_matrix_metric(name, confusion))
            assert getattr(ours, name.removesuffix(" score")) == pytest.approx(theirs, abs=1e-6), (
                name
            )


def test_volumes_are_in_ml_and_the_difference_is_signed():
    reference, prediction = boxes()
    volumes = volume_metrics(reference, prediction, 0.9 * 1.2 * 6.8)
    assert volumes.reference_ml == pytest.approx(6 * 7.344 / 1000)
    assert volumes.prediction_ml == pytest.approx(8 * 7.344 / 1000)
    assert volumes.volume_difference_ml == pytest.approx(2 * 7.344 / 1000)
    assert volumes.volume_difference_fraction == pytest.approx(1 / 3)
    assert volume_metrics(prediction, reference, 1.0).volume_difference_ml < 0


def test_volume_difference_of_empty_masks():
    full, empty = boxes()[0], np.zeros((4, 5, 5), dtype=bool)
    assert volume_metrics(empty, empty, 1.0).volume_difference_fraction == 0.0
    assert volume_metrics(full, empty, 1.0).volume_difference_fraction == -1.0
    assert np.isnan(volume_metrics(empty, full, 1.0).volume_difference_fraction)


def test_two_voxels_are_as_far_apart_as_their_centres():
    reference, prediction = np.zeros((2, 6, 6, 6), dtype=bool)
    reference[1, 1, 1] = prediction[1, 1, 3] = True
    metrics = surface_distances(reference, prediction, SPACING_MM)
    assert metrics.hd95_mm == metrics.assd_mm == pytest.approx(13.6)


def test_a_cube_moved_by_one_thick_slice():
    reference, prediction = np.zeros((2, 20, 20, 20), dtype=bool)
    reference[5:15, 5:15, 5:15] = prediction[5:15, 5:15, 6:16] = True
    metrics = surface_distances(reference, prediction, (1.0, 1.0, 3.0))
    assert metrics.hd95_mm == pytest.approx(3.0)
    # Faces across the slices (100 voxels, 64 of them inner) move by 3 mm on the far side only.
    assert 0 < metrics.assd_mm < 3.0


def test_equal_masks_are_0_mm_apart():
    reference, _ = blobs(0)
    metrics = surface_distances(reference, reference, SPACING_MM)
    assert (metrics.hd95_mm, metrics.assd_mm) == (0.0, 0.0)


def test_surfaces_of_empty_masks():
    full, empty = boxes()[0], np.zeros((4, 5, 5), dtype=bool)
    both = surface_distances(empty, empty, SPACING_MM)
    assert (both.hd95_mm, both.assd_mm) == (0.0, 0.0)
    for one in (
        surface_distances(full, empty, SPACING_MM),
        surface_distances(empty, full, SPACING_MM),
    ):
        assert np.isnan(one.hd95_mm)
        assert np.isnan(one.assd_mm)


@pytest.mark.filterwarnings(
    "ignore:monai:FutureWarning"
)  # it deprecates an argument that it passes itself
@pytest.mark.parametrize("spacing_mm", [(1.0, 1.0, 1.0), SPACING_MM])
def test_surface_distances_agree_with_monai(spacing_mm):
    torch = pytest.importorskip("torch")
    monai = pytest.importorskip("monai.metrics")
    for seed in range(3):
        reference, prediction = blobs(seed)
        ours = surface_distances(reference, prediction, spacing_mm)
        y, y_pred = (torch.as_tensor(mask)[None, None].float() for mask in (reference, prediction))
        options = {"include_background": True, "spacing": spacing_mm}
        hd95 = monai.compute_hausdorff_distance(y_pred, y, percentile=95, **options)
        assd = monai.compute_average_surface_distance(y_pred, y, symmetric=True, **options)
        assert ours.hd95_mm == pytest.approx(float(hd95), abs=1e-4)
        assert ours.assd_mm == pytest.approx(float(assd), abs=1e-4)


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_surface_distances_are_symmetric(seed):
    reference, prediction = blobs(seed)
    there = surface_distances(reference, prediction, SPACING_MM)
    back = surface_distances(prediction, reference, SPACING_MM)
    assert there.hd95_mm == pytest.approx(back.hd95_mm)
    assert there.assd_mm == pytest.approx(back.assd_mm)
