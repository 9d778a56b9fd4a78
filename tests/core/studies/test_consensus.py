"""The STAPLE consensus, against the algorithm written out and against what must be."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from fsh_core.studies.consensus import staple

SHAPE = (14, 12, 10)


def box(start, stop):
    mask = np.zeros(SHAPE, dtype=bool)
    mask[tuple(slice(*ends) for ends in zip(start, stop, strict=True))] = True
    return mask


EMPTY = box((0, 0, 0), (0, 0, 0))
LESION = box((3, 3, 3), (7, 7, 7))


def naive_staple(masks, near):
    """Expectation maximisation of Warfield et al., voxel by voxel."""
    said = np.array([mask[near] for mask in masks], dtype=float)
    sensitivity, specificity = np.full(len(said), 0.99999), np.full(len(said), 0.99999)
    prior = said.mean()
    for _ in range(3000):
        lesion = prior * np.prod(
            np.where(said, sensitivity[:, None], 1 - sensitivity[:, None]), axis=0
        )
        healthy = (1 - prior) * np.prod(
            np.where(said, 1 - specificity[:, None], specificity[:, None]), axis=0
        )
        weight = lesion / (lesion + healthy)
        sensitivity = (said * weight).sum(axis=1) / weight.sum()
        specificity = ((1 - said) * (1 - weight)).sum(axis=1) / (1 - weight).sum()
    return weight, sensitivity, specificity


def test_three_raters_as_the_algorithm_written_out():
    masks = [LESION, np.roll(LESION, 1, axis=0), box((3, 3, 3), (7, 8, 8))]
    found = staple(masks)
    near = np.pad(ndimage.binary_dilation(np.logical_or.reduce(masks), iterations=2), 1)[
        1:-1, 1:-1, 1:-1
    ]
    weight, sensitivity, specificity = naive_staple(masks, near)
    assert found.probability[near] == pytest.approx(weight, abs=1e-3)
    assert found.sensitivity == pytest.approx(sensitivity, abs=1e-3)
    assert found.specificity == pytest.approx(specificity, abs=1e-3)
    assert not found.probability[~near].any()


def test_raters_who_agree_are_the_consensus():
    found = staple([LESION] * 3)
    assert (found.mask == LESION).all()
    assert found.sensitivity == pytest.approx((1, 1, 1))
    assert found.specificity == pytest.approx((1, 1, 1))


def test_two_outvote_one():
    found = staple([LESION, LESION, EMPTY])
    assert (found.mask == LESION).all()
    assert found.sensitivity == pytest.approx((1, 1, 0), abs=1e-6)
    assert not staple([LESION, EMPTY, EMPTY]).mask.any()


def test_of_one_mask_and_an_empty_one_it_is_the_mask():
    found = staple([LESION, EMPTY])
    assert (found.mask == LESION).all()
    assert found.probability[LESION] == pytest.approx(0.5, abs=1e-6)


def test_far_background_changes_nothing():
    masks = [LESION, np.roll(LESION, 1, axis=0), np.roll(LESION, 1, axis=1)]
    small, large = staple(masks), staple([np.pad(mask, 9) for mask in masks])
    assert (large.mask[9:-9, 9:-9, 9:-9] == small.mask).all()
    assert large.specificity == small.specificity


def test_empty_masks_have_an_empty_consensus_and_nothing_to_estimate():
    found = staple([EMPTY, EMPTY])
    assert not found.mask.any()
    assert not found.probability.any()
    assert np.isnan([*found.sensitivity, *found.specificity]).all()


@pytest.mark.parametrize(
    "mask", [box((5, 5, 5), (6, 6, 6)), np.ones((3, 3, 3), dtype=bool)], ids=["voxel", "all"]
)
def test_one_voxel_and_a_lesion_that_fills_the_image(mask):
    assert (staple([mask, mask]).mask == mask).all()


def test_what_cannot_be_a_consensus_is_refused():
    with pytest.raises(ValueError, match="needs at least 2 masks, got 1"):
        staple([LESION])
    with pytest.raises(ValueError, match="must have one shape"):
        staple([LESION, LESION[:-1]])


@given(arrays(bool, (3, 5, 4, 4)))
@settings(max_examples=30)
def test_it_lies_between_what_all_and_what_any_say_and_is_the_same_every_time(masks):
    found = staple(list(masks))
    assert not (found.mask & ~masks.any(axis=0)).any()
    assert ((found.probability >= 0) & (found.probability <= 1)).all()
    assert (staple(list(masks)).probability == found.probability).all()
