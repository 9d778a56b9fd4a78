"""Rules for a match, panoptic quality and precision by size, against geometry by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from fsh_core.evaluation.lesionwise import SIZE_BINS, lesion_metrics
from fsh_core.evaluation.matching import (
    RULES,
    f1_by_rule,
    match_by_fraction,
    match_msseg,
    panoptic_quality,
)
from fsh_core.evaluation.overlap import measure_overlaps
from fsh_core.lesions.label import label_lesions

SHAPE = (40, 12, 12)


def labels_of(*boxes):
    """Label boxes 1, 2, ... given as (start, stop) along the first axis, 2 x 5 voxels across."""
    labels = np.zeros(SHAPE, dtype=np.int32)
    for label, (start, stop) in enumerate(boxes, start=1):
        labels[start:stop, 2:4, 2:7] = label
    return labels


EMPTY = labels_of()


def overlaps(reference, prediction):
    return measure_overlaps(reference, prediction)


def test_what_lesions_share_by_hand():
    found = overlaps(labels_of((0, 10), (20, 24)), labels_of((5, 22)))
    assert found.reference["voxels"].to_dict() == {1: 100, 2: 40}
    assert found.reference["shared"].to_dict() == {1: 50, 2: 20}
    assert found.prediction["voxels"].to_dict() == {1: 170}
    assert found.prediction["shared"].to_dict() == {1: 70}
    assert found.pairs["voxels"].tolist() == [50, 20]
    assert found.pairs["iou"].tolist() == pytest.approx([50 / 220, 20 / 190])


@pytest.mark.parametrize(
    ("shared", "expected"),
    # Two boxes 10 long, so many slices in common: 10 % each, 20 %, 30 %, and an IoU of 6/14, 7/13.
    [(0, "0000"), (1, "1000"), (2, "1000"), (3, "1110"), (6, "1110"), (7, "1111")],
)
def test_f1_of_one_lesion_by_every_rule(shared, expected):
    f1 = f1_by_rule(overlaps(labels_of((0, 10)), labels_of((10 - shared, 20 - shared))))
    # The MSSEG rule wants more than 10 % covered, and at most 70 % outside.
    assert list(f1) == list(RULES)
    assert (
        "".join(str(int(f1[rule])) for rule in ("overlap10", "overlap25", "msseg", "iou50"))
        == expected
    )


def test_a_tenth_of_seventy_voxels_is_seven():
    lesion = np.zeros((7, 10, 1), dtype=np.int32)
    lesion[:] = 1
    other = np.zeros_like(lesion)
    other[:, 0] = 1
    found = overlaps(lesion, other)
    assert match_by_fraction(found.reference, 0.1).tolist() == [True]
    assert match_msseg(found, "reference").tolist() == [False]  # not more than a tenth


def test_msseg_refuses_a_prediction_that_floods():
    flood = overlaps(labels_of((10, 14)), labels_of((0, 40)))
    assert match_by_fraction(flood.reference, 0.25).tolist() == [True]
    assert match_msseg(flood, "reference").tolist() == [False]
    assert match_msseg(flood, "prediction").tolist() == [False]  # only 10 % of it is in a lesion


def test_msseg_judges_only_the_predictions_that_make_up_most_of_the_overlap():
    reference = labels_of((0, 10))
    # The first covers 7 of the 8 slices that are found (88 %), so the second, mostly outside, is
    # not asked.
    assert match_msseg(overlaps(reference, labels_of((0, 7), (9, 30))), "reference").tolist() == [
        True
    ]
    # Here each covers 2 slices: the first in order is whole, the second is asked too, and floods.
    assert match_msseg(overlaps(reference, labels_of((2, 4), (8, 30))), "reference").tolist() == [
        False
    ]


def test_msseg_goes_lesion_by_lesion():
    reference, prediction = (
        labels_of((0, 4), (8, 12), (20, 24)),
        labels_of((0, 4), (10, 16), (30, 32)),
    )
    found = overlaps(reference, prediction)
    assert match_msseg(found, "reference").tolist() == [True, True, False]
    assert match_msseg(found, "prediction").tolist() == [True, True, False]
    assert f1_by_rule(found)["msseg"] == pytest.approx(2 / 3)


def test_panoptic_quality_by_hand():
    # Matched with IoU 8/10 and 10/10; 9/21 is no match; one more on each side has no partner.
    reference = labels_of((0, 10), (12, 22), (25, 35))
    prediction = labels_of((0, 8), (12, 22), (26, 27))
    quality = panoptic_quality(overlaps(reference, prediction))
    assert quality.recognition_quality == pytest.approx(2 / 3)
    assert quality.segmentation_quality == pytest.approx(0.9)
    assert quality.panoptic_quality == pytest.approx(0.6)


def test_an_iou_of_exactly_one_half_is_no_match():
    quality = panoptic_quality(overlaps(labels_of((0, 10)), labels_of((0, 5))))
    assert quality.panoptic_quality == quality.recognition_quality == 0.0
    assert np.isnan(quality.segmentation_quality)


def test_empty_maps():
    both = overlaps(EMPTY, EMPTY)
    assert set(f1_by_rule(both).values()) == {1.0}
    assert set(vars(panoptic_quality(both)).values()) == {1.0}
    for pair in ((EMPTY, labels_of((0, 3))), (labels_of((0, 3)), EMPTY)):
        one = overlaps(*pair)
        assert set(f1_by_rule(one).values()) == {0.0}
        assert panoptic_quality(one).panoptic_quality == 0.0


def test_one_lesion_of_one_voxel():
    labels = np.zeros((3, 3, 3), dtype=np.int32)
    labels[1, 1, 1] = 1
    assert set(f1_by_rule(overlaps(labels, labels)).values()) == {1.0}
    assert panoptic_quality(overlaps(labels, labels)).panoptic_quality == 1.0


def test_precision_by_the_size_of_the_prediction():
    # Voxels of 1 mm3: 10, 40 and 390 mm3 are 2.7, 4.2 and 9.1 mm wide.
    reference, prediction = labels_of((0, 39)), labels_of((0, 1), (3, 7))
    prediction[20, 10, 10] = 3  # 1.2 mm, in nothing
    by_size = lesion_metrics(reference, prediction, 1.0).by_size
    small, middle, large = (by_size[name] for name in SIZE_BINS)
    assert (small.predicted, small.confirmed, small.precision) == (2, 1, 0.5)
    assert (middle.predicted, middle.confirmed, middle.precision) == (1, 1, 1.0)
    assert (middle.lesions, middle.sensitivity) == (1, 1.0)
    assert large.predicted == 0
    assert np.isnan(large.precision)


def naive_msseg(ours, theirs):
    """The rule as Commowick et al. state it, lesion by lesion."""
    matched = []
    for label in range(1, ours.max() + 1):
        here = ours == label
        shared = sorted(
            (
                (int((theirs[here] == other).sum()), -other)
                for other in np.unique(theirs[here])
                if other
            ),
            reverse=True,
        )
        covered = sum(voxels for voxels, _ in shared)
        found = covered > 0.1 * here.sum() + 1e-9
        seen = 0
        for voxels, other in shared:
            that = theirs == -other
            if (that & (ours == 0)).sum() / that.sum() > 0.7 + 1e-9:
                found = False
                break
            seen += voxels
            if seen > 0.65 * covered + 1e-9:
                break
        matched.append(found)
    return matched


def naive_pq(ours, theirs):
    """Panoptic quality from a full table of intersections over unions."""
    n, m = ours.max(), theirs.max()
    iou = [
        ((ours == i) & (theirs == j)).sum() / ((ours == i) | (theirs == j)).sum()
        for i in range(1, n + 1)
        for j in range(1, m + 1)
    ]
    return sum(value for value in iou if value > 0.5) / ((n + m) / 2) if n + m else 1.0


@given(arrays(bool, (2, 6, 5, 4), elements=st.booleans()), st.sampled_from([0.1, 0.25, 0.5]))
@settings(max_examples=60)
def test_every_rule_is_what_a_loop_over_lesions_finds(masks, fraction):
    ours, theirs = (label_lesions(mask, 1.0) for mask in masks)
    found = overlaps(ours, theirs)
    assert match_msseg(found, "reference").tolist() == naive_msseg(ours, theirs)
    assert match_msseg(found, "prediction").tolist() == naive_msseg(theirs, ours)
    shares = [(theirs[ours == label] > 0).mean() for label in range(1, ours.max() + 1)]
    assert match_by_fraction(found.reference, fraction).tolist() == [
        share > 0 and share >= fraction - 1e-9 for share in shares
    ]
    quality = panoptic_quality(found)
    assert quality.panoptic_quality == pytest.approx(naive_pq(ours, theirs))
    if np.isfinite(quality.segmentation_quality):
        assert quality.panoptic_quality == pytest.approx(
            quality.segmentation_quality * quality.recognition_quality
        )
    assert all(0 <= f1 <= 1 for f1 in f1_by_rule(found).values())


def test_panoptic_quality_agrees_with_monai():
    torch = pytest.importorskip("torch")
    monai = pytest.importorskip("monai.metrics.panoptic_quality")
    rng = np.random.default_rng(0)
    for _ in range(5):
        base = ndimage.gaussian_filter(rng.normal(size=(24, 24, 16)), 1.5)
        other = base + 0.4 * ndimage.gaussian_filter(rng.normal(size=base.shape), 1.5)
        ours, theirs = (label_lesions(one > one.std(), 1.0) for one in (base, other))
        quality = panoptic_quality(overlaps(ours, theirs))
        assert quality.panoptic_quality > 0
        maps = [torch.as_tensor(labels) for labels in (theirs, ours)]
        for name, value in zip(("pq", "sq", "rq"), vars(quality).values(), strict=True):
            assert value == pytest.approx(
                float(monai.compute_panoptic_quality(*maps, metric_name=name)), abs=1e-5
            )
