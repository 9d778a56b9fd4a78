"""How sure a result is: structural uncertainty by hand, calibration there and back."""

import json

import numpy as np
import pandas as pd
import pytest

from fsh_core.errors import InputError
from fsh_core.lesions.confidence import (
    Calibration,
    ScaledVolumes,
    calibration_json,
    conformal_quantile,
    volume_score,
)
from fsh_core.lesions.frequency import lesion_frequency, usual_frequency
from fsh_core.lesions.uncertainty import (
    least_member_probability,
    patient_uncertainty,
    structural_uncertainty,
    volume_spread,
    voxel_entropy,
    voxel_variance,
)
from fsh_core.network.card import WeightsCard

CALIBRATION = Calibration((-1.0, 1.0, 0.3, 0.5, 0.25, 0.2, -2.0), ScaledVolumes(2.0), 9, 0.8)


def table_of(**columns: list[float]) -> pd.DataFrame:
    """Return what the features are made of; what is not given is not known, the contrast 1."""
    length = len(next(iter(columns.values())))
    names = ("max_probability", "volume_mm3", "least_member_probability", "lesion_frequency")
    unknown = {name: [np.nan] * length for name in names} | {"contrast": [1.0] * length}
    return pd.DataFrame(unknown | {"volume_mm3": [10.0] * length} | columns)


def boxes(*corners: tuple[int, int, int], side: int = 2) -> np.ndarray:
    """A probability of 0.9 in cubes of ``side`` voxels and 0.1 elsewhere."""
    probability = np.full((12, 10, 8), 0.1, np.float32)
    for i, j, k in corners:
        probability[i : i + side, j : j + side, k : k + side] = 0.9
    return probability


def labels_of(*corners: tuple[int, int, int], side: int = 2) -> np.ndarray:
    labels = np.zeros((12, 10, 8), np.int32)
    for number, (i, j, k) in enumerate(corners, start=1):
        labels[i : i + side, j : j + side, k : k + side] = number
    return labels


class TestStructuralUncertainty:
    def test_members_that_agree_leave_none(self):
        labels = labels_of((1, 1, 1), (7, 6, 4))
        assert structural_uncertainty(labels, [boxes((1, 1, 1), (7, 6, 4))] * 2, 0.5).tolist() == [
            0,
            0,
        ]

    def test_a_lesion_that_one_of_two_members_misses_scores_a_half(self):
        labels = labels_of((1, 1, 1), (7, 6, 4))
        members = [boxes((1, 1, 1), (7, 6, 4)), boxes((1, 1, 1))]
        assert structural_uncertainty(labels, members, 0.5).tolist() == [0, 0.5]

    def test_the_overlap_counts_by_hand(self):
        """Shifted by one voxel of two: 4 shared of 12 in all."""
        labels = labels_of((1, 1, 1))
        assert structural_uncertainty(labels, [boxes((2, 1, 1))] * 2, 0.5) == pytest.approx(
            [1 - 4 / 12]
        )

    def test_of_two_pieces_the_one_that_overlaps_more_counts(self):
        labels = np.zeros((12, 10, 8), np.int32)
        labels[1:7, 1, 1] = 1  # six voxels, of which a member sees 3 and, apart, 1
        member = np.zeros(labels.shape, np.float32)
        member[1:4, 1, 1] = member[6, 1, 1] = 1
        assert structural_uncertainty(labels, [member, member], 0.5) == pytest.approx([1 - 3 / 6])

    def test_without_an_ensemble_nothing_is_claimed(self):
        assert np.isnan(structural_uncertainty(labels_of((1, 1, 1)), [boxes((1, 1, 1))], 0.5)).all()
        assert np.isnan(patient_uncertainty([boxes()], 0.5))

    def test_no_lesions_give_no_numbers(self):
        assert len(structural_uncertainty(labels_of(), [boxes()] * 2, 0.5)) == 0
        assert patient_uncertainty([boxes()] * 2, 0.5) == 0


def test_a_patient_is_as_uncertain_as_the_members_differ_from_their_mean():
    """One member sees two cubes of 8 voxels, one a single one, also their mean at 0.55."""
    both, one = boxes((1, 1, 1), (7, 6, 4)), boxes((1, 1, 1))
    assert patient_uncertainty([both, one], 0.55) == pytest.approx(1 - (2 * 8 / 24 + 1) / 2)


def test_variance_is_nothing_where_members_agree_and_a_quarter_where_they_contradict():
    members = [np.array([[[0.3, 0.0, 0.2]]], np.float32), np.array([[[0.3, 1.0, 0.6]]], np.float32)]
    assert voxel_variance(members).ravel() == pytest.approx([0, 0.25, 0.04])


def test_entropy_is_a_bit_for_a_coin_and_nothing_for_the_sure():
    assert voxel_entropy(np.array([[[0.5, 0.0, 1.0, 0.25]]], np.float32)).ravel() == pytest.approx(
        [1, 0, 0, 0.811278]
    )


def test_a_lesion_is_as_sure_as_its_least_sure_member():
    labels = labels_of((1, 1, 1), (7, 6, 4))
    members = [boxes((1, 1, 1), (7, 6, 4)), boxes((1, 1, 1))]
    assert least_member_probability(labels, members) == pytest.approx([0.9, 0.1])
    assert np.isnan(least_member_probability(labels, members[:1])).all()
    assert len(least_member_probability(labels_of(), members)) == 0


def test_the_volume_of_a_scan_is_open_where_it_depends_on_the_threshold():
    """One logit about a half: 0.269 and 0.731. Voxels of 1 ml, and 0.5 ml more."""
    probability = np.array([[[0.9, 0.6, 0.4, 0.1]]], np.float32)
    assert volume_spread(probability, 1000.0, 0.5) == pytest.approx(np.log(3.5 / 1.5))
    assert volume_spread(probability[..., [0, 3]], 1000.0, 0.5) == 0.1


def test_the_conformal_quantile_by_hand():
    """Of nine scores, ceil(10 * 0.8) = 8th; of three, ceil(4 * 0.8) = 4th, which there is not."""
    assert conformal_quantile(np.arange(9, 0, -1.0), 0.8) == 8
    assert conformal_quantile(np.array([3.0, 1.0, 2.0]), 0.8) == 3


class TestCalibration:
    def test_there_and_back_through_the_card(self):
        written = calibration_json((-1.0, 1.0, 0.5, 0.25, -2.0, 3.0, 0.1), 1.5, 9, 0.8)
        card = WeightsCard.model_validate(json.loads(json.dumps({"calibration": written})))
        assert Calibration.from_card(card) == Calibration(
            (-1.0, 1.0, 0.5, 0.25, -2.0, 3.0, 0.1), ScaledVolumes(1.5), 9, 0.8
        )
        assert Calibration.from_card(WeightsCard()) is None

    def test_a_calibration_of_an_earlier_version_says_what_it_said(self):
        """Five features, and one width for every scan.

        t(3 degrees, 95 %) = 2.353363: width 2.353363 * 0.2 * sqrt(1.25) in logarithms around
        9.5 + 0.5 ml, e^0.1.
        """
        coefficients = dict(
            zip(
                (
                    *("intercept", "max_probability_logit", "volume_log_mm3", "contrast_log"),
                    "scan_uncertainty",
                ),
                (-1.0, 1.0, 0.5, 0.25, -2.0),
                strict=True,
            )
        )
        earlier = {
            "lesion_coefficients": coefficients,
            "volume_log_mean": 0.1,
            "volume_log_sd": 0.2,
            "patients": 4,
            "rate": 0.9,
        }
        calibration = Calibration.from_card(WeightsCard(calibration=earlier))
        assert calibration is not None
        width = 2.353363 * 0.2 * np.sqrt(1.25)
        expected = [10 * np.exp(0.1 - width) - 0.5, 10 * np.exp(0.1 + width) - 0.5]
        assert calibration.volume_interval_ml(9.5, 3.0) == pytest.approx(expected, rel=1e-5)
        lesions = table_of(max_probability=[0.5], volume_mm3=[np.e], contrast=[np.e])
        chance = calibration.confidence(lesions, 0.5)
        assert chance == pytest.approx([1 / (1 + np.exp(-(-1.0 + 0.5 + 0.25 - 1.0)))])

    @pytest.mark.parametrize("damaged", [{}, {"lesion_coefficients": {"intercept": 1}}, "good"])
    def test_a_card_that_is_damaged_is_refused_in_one_sentence(self, damaged):
        with pytest.raises(InputError, match="in the weights' card: expected what fsh cal"):
            Calibration.from_card(WeightsCard(calibration=damaged))

    def test_the_logistic_by_hand(self):
        lesions = table_of(
            max_probability=[0.5],
            least_member_probability=[0.75],
            volume_mm3=[np.e],
            contrast=[np.e],
            lesion_frequency=[np.e**-2],
        )
        chance = CALIBRATION.confidence(lesions, 0.5)
        logit = -1.0 + 0.3 * np.log(3) + 0.5 + 0.25 + 0.2 * -2 - 1.0
        assert chance == pytest.approx([1 / (1 + np.exp(-logit))])

    def test_what_is_not_known_counts_as_usual(self):
        """Without an ensemble the least sure member is the network; a place is a usual one."""
        known = table_of(
            max_probability=[0.8],
            least_member_probability=[0.8],
            lesion_frequency=[usual_frequency()],
        )
        assert CALIBRATION.confidence(table_of(max_probability=[0.8]), 0.5) == pytest.approx(
            CALIBRATION.confidence(known, 0.5)
        )

    def test_surer_voxels_larger_lesions_and_surer_members_give_a_higher_chance(self):
        lesions = table_of(
            max_probability=[0.7, 0.99, 1.0],
            volume_mm3=[5.0, 5.0, 50.0],
            contrast=[1.2, 1.2, np.nan],
        )
        chances = CALIBRATION.confidence(lesions, 0.5)
        assert (np.diff(chances) > 0).all()
        assert ((chances > 0) & (chances < 1)).all()
        assert (CALIBRATION.confidence(lesions, np.nan) > chances).all()

    def test_the_interval_is_as_wide_as_the_scan_leaves_open(self):
        """Twice the spread of 0.3 in logarithms around 9.5 + 0.5 ml."""
        expected = [10 * np.exp(-0.6) - 0.5, 10 * np.exp(0.6) - 0.5]
        assert CALIBRATION.volume_interval_ml(9.5, 0.3) == pytest.approx(expected)
        ends = volume_score(expected[0], 9.5, 0.3), volume_score(expected[1], 9.5, 0.3)
        assert ends == pytest.approx((2.0, 2.0))

    def test_no_volume_is_below_nothing(self):
        low, high = CALIBRATION.volume_interval_ml(0.0, 0.3)
        assert low == 0
        assert high > 0


class TestFrequency:
    def test_lesions_are_usual_beside_the_ventricles_and_rare_in_the_cortex(self):
        beside, cortex, outside, unknown = lesion_frequency(
            np.array([[24.0, -40, 22], [0, -95, 0], [0, 0, 300], [np.nan, 0, 0]])
        )
        assert beside > 0.08
        assert cortex < 0.01
        assert outside == 0
        assert np.isnan(unknown)

    def test_both_sides_are_alike_and_a_usual_place_is_no_rare_one(self):
        left, right = lesion_frequency(np.array([[-24.0, -40, 22], [24, -40, 22]]))
        assert left == pytest.approx(right, abs=0.02)
        assert 0.03 < usual_frequency() < 0.15
