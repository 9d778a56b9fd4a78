"""Whether probabilities mean what they say, counted by hand."""

import numpy as np
import pytest

from fsh_core.evaluation.calibration import reliability, reliability_bins, retention_curve


def test_bins_average_what_was_said_and_what_came():
    bins = reliability_bins(np.array([0.12, 0.18, 0.75, 1.0]), np.array([0.0, 1.0, 1.0, 1.0]))
    assert bins == [
        {"probability": 0.15, "real": 0.5, "share": 0.5, "count": 2},
        {"probability": 0.75, "real": 1.0, "share": 0.25, "count": 1},
        {"probability": 1.0, "real": 1.0, "share": 0.25, "count": 1},
    ]


def test_every_patient_counts_the_same():
    """Two hundred voxels of a patient that are right, two of another that are wrong by 0.6."""
    many = (np.full(200, 1.0, np.float32), np.ones(200, bool))
    few = (np.full(2, 0.6, np.float32), np.zeros(2, bool))
    assert reliability([many, few])["expected_calibration_error"] == pytest.approx(0.3, abs=1e-4)


def test_air_does_not_flatter():
    air = np.zeros(10_000, np.float32)
    said = np.concatenate([air, np.full(4, 0.5, np.float32)])
    came = np.concatenate([np.zeros(10_000, bool), np.array([True, True, False, False])])
    assert reliability([(said, came)])["bins"] == [
        {"probability": 0.5, "real": 0.5, "share": 1.0, "count": 4}
    ]


def test_the_precision_of_what_is_retained_falls_as_less_sure_lesions_come_in():
    chance = np.linspace(1, 0.1, 10)
    real = np.array([1, 1, 1, 1, 1, 0, 0, 0, 0, 0], bool)
    curve = retention_curve(chance, real)
    assert [point["retained"] for point in curve] == [n / 10 for n in range(1, 11)]
    assert curve[4]["precision"] == 1
    assert curve[-1]["precision"] == 0.5


def test_no_lesion_no_curve():
    assert retention_curve(np.zeros(0), np.zeros(0, bool)) == []
