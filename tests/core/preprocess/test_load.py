"""One loader: training and segmenting see the same scan, and refuse the same files."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from fsh_core.cases import Case, discover_cases
from fsh_core.config import ModelConfig
from fsh_core.errors import InputError
from fsh_core.inference.scan import predict_case
from fsh_core.preprocess.air import count_from_air
from fsh_core.preprocess.load import load_brain, load_channels, load_scan
from fsh_core.training.training_case import load_training_case, load_whole
from fsh_core.volume.volume import Volume, load_volume, save_like

COARSE = ModelConfig(spacing_mm=2.0, channels=("FLAIR", "T1w"))


class Recorder:
    """A predictor that keeps the image it is given."""

    model = COARSE

    def __call__(self, image, on_patch=None):
        self.image = image
        return np.zeros(image.shape[1:], np.float32)


class Ball:
    """A brain finder that finds a ball in the middle."""

    model = ModelConfig(spacing_mm=4.0, target="brain")
    asked = 0

    def __call__(self, image):
        self.asked += 1
        places = np.moveaxis(np.indices(image.shape[1:]), 0, -1) - np.array(image.shape[1:]) / 2
        return (np.linalg.norm(places, axis=-1) < 15).astype(np.float32)


def with_t1(case: Case, folder: Path, shift_mm: float = 0.0, *, lose_slice: bool = False) -> Case:
    flair = load_volume(case.flair)
    affine = flair.affine.copy()
    affine[2, 3] += shift_mm
    data = (flair.data.max() - flair.data)[:, :, : -1 if lose_slice else None]
    save_like(data, Volume(data, affine), folder / "t1.nii.gz")
    return dataclasses.replace(case, channels=case.channels | {"T1w": folder / "t1.nii.gz"})


@pytest.fixture
def two_channels(training_bids: Path, tmp_path: Path) -> Case:
    """Subject 03, with voxels of 2 x 2 x 4 mm."""
    return with_t1(discover_cases(training_bids)[3], tmp_path)


@pytest.mark.parametrize("source", ["given", "stripped", "none"])
def test_training_sees_what_segmenting_sees(two_channels: Case, source, tmp_path: Path) -> None:
    case = two_channels
    if source != "given":
        case = dataclasses.replace(case, brain=None)
    if source == "none":  # a whole head, but smaller than any brain that a finder may find
        flair = load_volume(case.flair)
        head = flair.data + np.random.default_rng(0).uniform(20, 60, flair.shape)
        save_like(head.astype(np.float32), flair, tmp_path / "head.nii.gz")
        case = dataclasses.replace(
            case, channels=case.channels | {"FLAIR": tmp_path / "head.nii.gz"}
        )
    assert load_scan(case, COARSE, Ball()).brain.source == source
    predictor, segmenting, training = Recorder(), Ball(), Ball()
    predict_case(case, predictor, finder=segmenting)
    learned = load_whole(case, COARSE, training)
    assert segmenting.asked == training.asked == (source == "none")
    assert predictor.image.shape[0] == 2
    assert predictor.image.any()
    assert np.array_equal(predictor.image, learned.prepared.masked)


@pytest.mark.parametrize("wrong", [{"shift_mm": 1.0}, {"lose_slice": True}])
def test_both_refuse_a_channel_on_another_grid_in_the_same_words(
    training_bids: Path, tmp_path: Path, wrong
) -> None:
    case = with_t1(discover_cases(training_bids)[0], tmp_path, **wrong)
    with pytest.raises(InputError, match=r"t1.nii.gz: must have the (shape|affine)") as segmenting:
        predict_case(case, Recorder())
    with pytest.raises(InputError, match=r"t1.nii.gz") as training:
        load_training_case(case, COARSE)
    assert str(segmenting.value) == str(training.value)


def test_both_refuse_a_brain_mask_on_another_grid_in_the_same_words(
    two_channels: Case, tmp_path: Path
) -> None:
    save_like(np.ones((20,) * 3, bool), Volume(np.ones((20,) * 3), np.eye(4)), tmp_path / "b.nii")
    case = dataclasses.replace(two_channels, brain=tmp_path / "b.nii")
    with pytest.raises(InputError, match=r"b.nii: must have the shape") as segmenting:
        predict_case(case, Recorder())
    with pytest.raises(InputError, match=r"b.nii") as training:
        load_training_case(case, COARSE)
    assert str(segmenting.value) == str(training.value)


def test_the_channels_come_in_the_order_of_the_network(two_channels: Case) -> None:
    flair, t1 = load_channels(two_channels, COARSE)
    written = load_volume(two_channels.channels["T1w"])
    assert np.array_equal(t1.data, count_from_air(written.data)[0])
    assert np.corrcoef(t1.data[flair.data > 0], flair.data[flair.data > 0])[0, 1] < -0.999
    assert load_scan(two_channels, COARSE).flair.data.max() == flair.data.max()


def test_a_missing_channel_names_who_wants_it(training_bids: Path) -> None:
    case = discover_cases(training_bids)[0]
    with pytest.raises(
        InputError,
        match=r"sub-01_FLAIR.nii.gz: these weights want FLAIR, T1w, found no T1w beside the FLAIR; "
        r"add it or use weights for FLAIR alone",
    ):
        load_channels(case, COARSE)
    with pytest.raises(InputError, match=r"this training wants FLAIR, T1w.*leave the case out"):
        load_training_case(case, COARSE)


def test_a_brain_mask_that_is_given_is_taken(two_channels: Case) -> None:
    flair = load_volume(two_channels.flair)
    assert load_brain(two_channels, flair, Ball()).source == "given"
    assert load_brain(dataclasses.replace(two_channels, brain=None), flair).source == "stripped"
