"""``from fsh_core import segment``: the same as the command, and with the bundled weights."""

from pathlib import Path

import numpy as np
import pytest

import fsh_core
from fsh_core import InputError, load_volume, segment
from fsh_core.config import ModelConfig
from fsh_core.network.checkpoint import save_checkpoint
from fsh_core.network.model import R2AttentionUNet3d, arrays_of
from fsh_core.sample import sample_case
from fsh_core.studies.evaluate import evaluate_case
from fsh_core.volume.volume import load_mask, save_like


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    model = R2AttentionUNet3d(ModelConfig(widths=(2, 2, 2, 2, 2)))
    save_checkpoint(model.config, tmp_path / "tiny.safetensors", {}, arrays_of(model))
    return tmp_path / "tiny.safetensors"


def test_a_file_a_mask_and_settings(phantom, tmp_path: Path, weights: Path) -> None:
    save_like(phantom.flair.data, phantom.flair, tmp_path / "flair.nii.gz")
    save_like(phantom.brain, phantom.flair, tmp_path / "brain.nii.gz")
    seen: list[tuple[int, int]] = []
    found = segment(
        tmp_path / "flair.nii.gz",
        brain_mask=tmp_path / "brain.nii.gz",
        weights=weights,
        on_patch=lambda done, total: seen.append((done, total)),
        threshold=0.01,
        precision="fp32",
    )
    assert found.record.settings.threshold == 0.01
    assert found.record.brain.source == "given"
    assert np.array_equal(found.raw_prediction, (found.probability >= 0.01) & phantom.brain)
    assert seen[-1][0] == seen[-1][1] > 0


def test_an_unknown_setting_is_named(tmp_path: Path, phantom) -> None:
    save_like(phantom.flair.data, phantom.flair, tmp_path / "flair.nii.gz")
    with pytest.raises(InputError, match=r"--treshold: .*not permitted, got 0.5"):
        segment(tmp_path / "flair.nii.gz", treshold=0.5)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (np.zeros((20, 20, 20)), r"got an array of shape \(20, 20, 20\)"),
        (None, "got None"),
        ("", "got ''"),
        ("  ", "got '  '"),
        (3, "got 3"),
    ],
)
def test_what_is_no_path_is_refused_in_a_sentence(given, found) -> None:
    with pytest.raises(InputError, match=f"expected the path of a FLAIR .* or a Case, {found};"):
        segment(given)


def test_a_folder_of_several_scans_is_refused_and_they_are_named(phantom_bids: Path) -> None:
    with pytest.raises(InputError, match=r"expected one scan, found 3 \(sub-01, sub-02_ses-a, "):
        segment(phantom_bids)


def test_bundled_weights_find_the_obvious_lesions_of_the_sample() -> None:
    case = sample_case()
    found = segment(case, overlap=0.25)
    reference = load_mask(case.reference, found.flair, case.flair)
    scores = evaluate_case(reference, found.flair.with_data(found.prediction)).row()
    assert scores["dice"] > 0.65
    assert scores["lesion_sensitivity_above_10mm"] == 1
    assert found.record.weights.name == "F.sh default 4"
    assert found.record.brain.source == "stripped"


def test_every_public_name_can_be_had() -> None:
    for name in fsh_core.__all__:
        assert getattr(fsh_core, name) is not None
    assert fsh_core.load_volume is load_volume
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = fsh_core.nothing
