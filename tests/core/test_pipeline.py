"""The path from a case to its lesions, with a three-line predictor and no torch."""

from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from nibabel.orientations import (
    apply_orientation,
    axcodes2ornt,
    inv_ornt_aff,
    io_orientation,
    ornt_transform,
)

from fsh_core import pipeline
from fsh_core.anatomy.template import Anatomy, Tissue
from fsh_core.cases import Case
from fsh_core.config import ModelConfig, SegmentConfig
from fsh_core.derivatives.layout import describe_columns
from fsh_core.errors import Cancelled, InputError
from fsh_core.lesions.confidence import FEATURES, calibration_json
from fsh_core.lesions.growth import GROWN
from fsh_core.network.card import WeightsCard
from fsh_core.pipeline import find_lesions, segment_case
from fsh_core.preprocess.load import load_scan
from fsh_core.quality.assess import Quality, check_quality
from fsh_core.record import RecordedSettings
from fsh_core.report.facts import describe_growth
from fsh_core.volume.volume import Volume, save_like


def bright(image, on_patch=None):
    """Call lesion what is brighter than tissue: the median is at 1/3."""
    return (image[0] > 0.5).astype(np.float32)


def everywhere(image, on_patch=None):
    """Call everything lesion, outside the brain too."""
    return np.ones(image.shape[1:], np.float32)


@pytest.fixture
def case(phantom, tmp_path: Path) -> Case:
    save_like(phantom.flair.data, phantom.flair, tmp_path / "scan.nii.gz")
    return Case("01", None, {"FLAIR": tmp_path / "scan.nii.gz"})


def test_finds_the_known_lesions_at_their_places_and_sizes(case: Case, phantom) -> None:
    found = segment_case(case, bright, SegmentConfig())
    assert found.record.lesion_count == len(found.lesions) == 3
    assert found.prediction.shape == phantom.flair.shape
    overlap = (
        2
        * (found.prediction & phantom.reference).sum()
        / (found.prediction.sum() + phantom.reference.sum())
    )
    assert overlap > 0.9
    assert found.lesions["volume_mm3"].tolist() == pytest.approx([180, 80, 10], rel=0.3)
    assert found.lesions["label"].tolist() == [1, 2, 3]


def test_record_says_what_made_it(case: Case) -> None:
    record = segment_case(case, bright, SegmentConfig(threshold=0.4)).record
    assert record.settings.threshold == 0.4
    assert record.brain.source == "stripped"
    assert record.grid.to_json() == {
        "shape": [48, 56, 20],
        "spacing_mm": [1.0, 1.0, 2.5],
        "orientation": "LAS",
    }
    assert record.flair.path == str(case.flair)
    assert len(record.flair.sha256) == 64
    assert record.run.seconds > 0
    assert record.run.threads is None  # a plain function does not say


class _Calibrated:
    card = WeightsCard(calibration=calibration_json((0.5,) * len(FEATURES), 2.0, 9, 0.8))
    __call__ = staticmethod(bright)


@pytest.mark.parametrize(
    ("verdict", "is_guaranteed"), [("pass", True), ("caution", False), ("fail", None)]
)
def test_the_interval_is_guaranteed_for_scans_that_pass_and_none_for_those_that_fail(
    case: Case, monkeypatch, verdict, is_guaranteed
) -> None:
    scan = load_scan(case, ModelConfig())
    checks = check_quality(scan.flair, scan.brain.mask, source=scan.brain.source).checks
    quality = Quality(tuple(replace(check, verdict=verdict) for check in checks))
    monkeypatch.setattr(pipeline, "check_quality", lambda *_, **__: quality)
    found = segment_case(case, _Calibrated(), SegmentConfig(regions=False))
    interval = found.record.lesion_volume_interval_ml
    assert (interval and interval.is_guaranteed) == is_guaranteed
    assert found.lesions["confidence"].notna().all() == (verdict != "fail")
    if interval:
        assert interval.low < found.record.lesion_volume_ml < interval.high
        assert interval.rate == 0.8


class _InThreeThreads:
    workers = 3
    __call__ = staticmethod(bright)


def test_the_record_says_in_how_many_threads_the_network_ran(case: Case) -> None:
    """Not how many cores the machine has."""
    assert segment_case(case, _InThreeThreads()).record.run.threads == 3


class _InEightBits:
    arithmetic, eight_bits_sha256 = "int8", "a" * 64
    __call__ = staticmethod(bright)


def test_the_record_says_in_which_numbers_the_network_multiplied(case: Case) -> None:
    run = segment_case(case, _InEightBits()).record.run
    assert (run.arithmetic, run.eight_bits_sha256) == ("int8", "a" * 64)
    assert segment_case(case, bright).record.run.arithmetic is None  # a function does not say


def test_the_record_and_the_descriptions_of_the_columns_share_no_name(case: Case) -> None:
    found = segment_case(case, bright)
    assert not found.record.to_json().keys() & describe_columns(found.lesions.columns).keys()


def test_no_lesion_outside_the_brain(case: Case, phantom, tmp_path: Path) -> None:
    half = phantom.brain.copy()
    half[:24] = False
    save_like(half, phantom.flair, tmp_path / "brain.nii.gz")
    found = segment_case(
        Case("01", None, case.channels, brain=tmp_path / "brain.nii.gz"), everywhere
    )
    assert found.record.brain.source == "given"
    assert found.prediction.any()
    assert not found.prediction[~half].any()
    assert not found.probability[~half].any()


@pytest.mark.parametrize("codes", ["RAS", "LPI", "SAR", "PIL", "ASL"])
def test_result_lies_on_the_grid_of_the_file_in_any_orientation(
    phantom, tmp_path: Path, codes: str
) -> None:
    turn = ornt_transform(io_orientation(phantom.flair.affine), axcodes2ornt(codes))
    affine = phantom.flair.affine @ inv_ornt_aff(turn, phantom.flair.shape)
    tilt = np.eye(4)
    tilt[:3, :3] = nib.eulerangles.euler2mat(0.1, 0.05, -0.08)
    turned = Volume(
        np.ascontiguousarray(apply_orientation(phantom.flair.data, turn)), tilt @ affine
    )
    save_like(turned.data, turned, tmp_path / "scan.nii.gz")
    found = segment_case(Case("01", None, {"FLAIR": tmp_path / "scan.nii.gz"}), bright)
    straight = apply_orientation(phantom.reference, turn) > 0
    assert found.prediction.shape == turned.shape
    assert (found.prediction & straight).sum() > 0.85 * straight.sum()
    assert (found.prediction & ~straight).sum() < 0.15 * straight.sum()


def test_cancel_from_the_progress_callback(case: Case) -> None:
    def predictor(image, on_patch=None):
        on_patch(1, 2)
        raise AssertionError("went on after the cancel")

    def cancel(done: int, total: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        segment_case(case, predictor, on_patch=cancel)


def test_missing_channel_is_named(case: Case) -> None:
    bright_on_two = type(
        "P", (), {"model": ModelConfig(channels=("FLAIR", "T1w")), "__call__": bright}
    )()
    with pytest.raises(
        InputError,
        match=r"scan.nii.gz: these weights want FLAIR, T1w, found no T1w beside the FLAIR",
    ):
        segment_case(case, bright_on_two)


def test_channel_on_another_grid_is_refused(case: Case, phantom, tmp_path: Path) -> None:
    other = Volume(phantom.flair.data[:-1], phantom.flair.affine)
    save_like(other.data, other, tmp_path / "t1.nii.gz")
    two = type("P", (), {"model": ModelConfig(channels=("FLAIR", "T1w")), "__call__": bright})()
    with pytest.raises(
        InputError, match=r"t1.nii.gz: must have the shape \(48, 56, 20\) of .*scan.nii.gz"
    ):
        segment_case(Case("01", None, case.channels | {"T1w": tmp_path / "t1.nii.gz"}), two)


def test_find_lesions_threshold_is_inclusive_and_minimum_volume_in_mm3(phantom) -> None:
    probability = np.where(phantom.reference, np.float32(0.5), np.float32(0))
    half = SegmentConfig(threshold=0.5, minimum_volume_mm3=10.0)
    raw, labels = find_lesions(probability, phantom.brain, phantom.flair, half)
    assert (raw == phantom.reference).all()
    assert labels.max() == 3
    larger = half.model_copy(update={"minimum_volume_mm3": 10.1})
    _, labels = find_lesions(probability, phantom.brain, phantom.flair, larger)
    assert labels.max() == 2
    raw, labels = find_lesions(
        probability, phantom.brain, phantom.flair, SegmentConfig(threshold=0.51)
    )
    assert not raw.any()
    assert labels.max() == 0


def test_smoothing_changes_the_mask_and_keeps_the_raw_one(phantom) -> None:
    ragged = phantom.reference.copy()
    ragged[18, 26, 9], ragged[14, 26, 9] = True, False  # a spike and a hole
    probability = ragged.astype(np.float32)
    raw, labels = find_lesions(
        probability, phantom.brain, phantom.flair, SegmentConfig(smooth=True)
    )
    assert (raw == ragged).all()
    assert labels[18, 26, 9] == 0
    assert labels[14, 26, 9] == 1
    assert labels.max() == 3


def test_a_scan_without_lesions_has_an_empty_table(case: Case) -> None:
    found = segment_case(case, lambda image, on_patch=None: np.zeros(image.shape[1:], np.float32))
    assert found.record.lesion_count == len(found.lesions) == 0
    assert found.record.lesion_volume_ml == 0
    assert "volume_mm3" in found.lesions


def two_opinions(image, on_patch=None):
    """Be sure of what is brighter than tissue, and hesitate about it."""
    bright_ones = image[0] > 0.5
    return np.stack([bright_ones * np.float32(1.0), bright_ones * np.float32(0.6)])


def test_an_ensemble_says_how_sure_it_is_of_every_voxel(case: Case, phantom) -> None:
    found = segment_case(case, two_opinions, SegmentConfig(regions=False))
    assert found.probability.max() == pytest.approx(0.8, abs=0.01)
    # Opinions p and 0.6 p: the mean is 0.8 p and the variance (0.2 p) squared.
    assert np.allclose(found.variance, (found.probability / 4) ** 2, atol=1e-6)
    most = np.unravel_index(found.probability.argmax(), phantom.brain.shape)
    p = float(found.probability[most])
    assert found.entropy[most] == pytest.approx(
        -p * np.log2(p) - (1 - p) * np.log2(1 - p), abs=1e-5
    )
    assert found.entropy.dtype == found.variance.dtype == np.float32
    assert not found.entropy[~phantom.brain].any()
    assert not found.variance[~phantom.brain].any()
    assert found.record.ensemble.members == 2
    assert {"entropy", "variance"} <= found.record.ensemble.to_json().keys()


def test_a_single_opinion_has_no_entropy_of_its_own(case: Case) -> None:
    found = segment_case(case, bright, SegmentConfig(regions=False))
    assert (found.entropy, found.variance, found.record.ensemble) == (None, None, None)


def test_another_threshold_gives_what_a_run_at_that_threshold_gives(case: Case) -> None:
    def graded(image, on_patch=None):
        return np.clip(image[0] - 0.1, 0, 1).astype(np.float32)

    first = segment_case(case, graded, SegmentConfig(regions=False))
    config = SegmentConfig(regions=False, threshold=0.2, minimum_volume_mm3=20.0)
    again, run = first.rethreshold(config), segment_case(case, graded, config)
    assert np.array_equal(again.lesion_labels, run.lesion_labels)
    assert not np.array_equal(again.lesion_labels, first.lesion_labels)
    assert np.array_equal(again.raw_prediction, run.raw_prediction)
    pd.testing.assert_frame_equal(again.lesions, run.lesions)
    assert again.record.changed(run=run.record.run) == run.record
    assert first.rethreshold(SegmentConfig(regions=False)) is first


def test_another_threshold_forgets_what_only_a_run_can_tell(case: Case) -> None:
    found = segment_case(case, bright, SegmentConfig())
    found = replace(found, record=found.record.changed(evaluation={"dice": 0.9}))
    fast = found.rethreshold(SegmentConfig(threshold=0.75), describe=False)
    assert fast.record.settings.threshold == 0.75
    assert (fast.record.regions, fast.record.evaluation) == (None, None)
    assert found.record.regions is not None
    assert fast.lesions is found.lesions
    assert fast.record.lesion_count == fast.lesion_labels.max()


@pytest.fixture
def registered(monkeypatch, phantom) -> None:
    """The phantom's anatomy is found, all white matter, and the whole reference grows."""
    tissue = np.full(phantom.flair.shape, Tissue.WHITE_MATTER, np.uint8)
    anatomy = Anatomy(tissue, np.eye(4), 1.0, "registered")
    monkeypatch.setattr(pipeline, "find_anatomy", lambda *_: anatomy)

    def grow(probability, flair, brain, found):
        assert found is anatomy
        return np.where(phantom.reference & (probability < GROWN), GROWN, probability)

    monkeypatch.setattr(pipeline, "grow_lesions", grow)


@pytest.mark.usefixtures("registered")
def test_what_grew_is_in_the_lesions_and_told(case: Case, phantom) -> None:
    def half(image, on_patch=None):
        found = bright(image)
        found[:24] = 0
        return found

    plain = segment_case(case, half)
    grown = segment_case(case, half, SegmentConfig(grow=True))
    assert plain.record.grown_volume_ml is None
    before, after = plain.record.raw_lesion_volume_ml, grown.record.raw_lesion_volume_ml
    assert grown.record.grown_volume_ml == pytest.approx(after - before, abs=1e-3)
    assert grown.record.grown_volume_ml == pytest.approx(0.09, rel=0.3)  # two of the three
    assert grown.prediction[phantom.reference].all()
    above = grown.rethreshold(grown.record.settings.to_config(threshold=GROWN + 0.1))
    assert np.array_equal(above.prediction, plain.prediction)
    assert above.record.grown_volume_ml is None
    assert describe_growth(above.record) is None
    assert describe_growth(plain.record) is None
    assert describe_growth(grown.record).startswith("0.0")


@pytest.mark.usefixtures("registered")
def test_an_interval_measured_without_growth_is_not_guaranteed_with_it(
    case: Case, monkeypatch
) -> None:
    scan = load_scan(case, ModelConfig())
    checks = check_quality(scan.flair, scan.brain.mask, source=scan.brain.source).checks
    quality = Quality(tuple(replace(check, verdict="pass") for check in checks))
    monkeypatch.setattr(pipeline, "check_quality", lambda *_, **__: quality)
    for grow in (False, True):
        found = segment_case(case, _Calibrated(), SegmentConfig(grow=grow))
        assert found.record.lesion_volume_interval_ml.is_guaranteed is not grow


def test_a_scan_that_cannot_be_registered_does_not_grow_and_says_so(case: Case) -> None:
    found = segment_case(case, bright, SegmentConfig(grow=True))  # the phantom fits no template
    assert found.record.grown_volume_ml is None
    assert "could not be registered" in describe_growth(found.record)


def test_a_record_from_before_a_setting_came_can_be_thresholded_again(case: Case) -> None:
    found = segment_case(case, bright)
    old = {name: value for name, value in found.record.settings.to_json().items() if name != "grow"}
    found = replace(found, record=found.record.changed(settings=RecordedSettings(**old)))
    assert found.rethreshold(SegmentConfig(threshold=0.9)).record.settings.threshold == 0.9


def test_a_setting_that_needs_the_network_is_refused(case: Case) -> None:
    found = segment_case(case, bright, SegmentConfig(regions=False))
    with pytest.raises(InputError, match="got another regions, overlap; segment the case again"):
        found.rethreshold(SegmentConfig(threshold=0.4, overlap=0.5))
