"""Air is 0 and dark, whatever a program set it to; what is ordinary stays as it is."""

from pathlib import Path

import numpy as np
import pytest

from fsh_core.cases import Case
from fsh_core.config import ModelConfig
from fsh_core.preprocess.air import count_from_air
from fsh_core.preprocess.brain_mask import find_brain
from fsh_core.preprocess.load import load_scan
from fsh_core.quality.assess import check_quality
from fsh_core.sample import sample_case
from fsh_core.volume.volume import Volume, load_volume, save_like


@pytest.fixture(scope="module")
def sample() -> Volume:
    """The bundled FLAIR: the brain is cut out, and air is 0."""
    return load_volume(sample_case().flair)


def z_scored(data):
    inside = data[data != 0]
    return np.where(data != 0, (data - inside.mean()) / inside.std(), 0).astype(np.float32)


def test_an_ordinary_scan_stays_as_it_is(sample: Volume) -> None:
    data, air = count_from_air(sample.data)
    assert data is sample.data
    assert air is None


def test_a_head_in_noise_stays_as_it_is() -> None:
    data = np.random.default_rng(0).normal(5, 2, (20, 20, 20)).astype(np.float32)
    assert count_from_air(data)[0] is data


def test_a_few_values_below_zero_are_undershoot(sample: Volume) -> None:
    data = sample.data.copy()
    brain = np.flatnonzero(data)
    data.flat[brain[:: len(brain) // 1000]] = -3
    assert count_from_air(data)[0] is data


@pytest.mark.parametrize("air", [-1024, 7])
def test_a_constant_is_counted_from(sample: Volume, air: int) -> None:
    data, found = count_from_air(sample.data + np.float32(air))
    assert found == air
    assert np.allclose(data, sample.data, atol=1e-3)


def test_tissue_around_zero_keeps_its_order_and_air_is_darkest(sample: Volume) -> None:
    before = z_scored(sample.data)
    data, found = count_from_air(before)
    brain = sample.data != 0
    assert found == 0
    assert (data[~brain] == 0).all()
    assert data[brain].min() > 0
    assert np.allclose(np.diff(data[brain]), np.diff(before[brain]), atol=1e-4)


@pytest.mark.parametrize(
    "change", [z_scored, lambda data: data - np.float32(1024)], ids=["z-scored", "-1024"]
)
def test_the_brain_of_a_stripped_scan_is_found(
    sample: Volume, change, tmp_path: Path, caplog
) -> None:
    before = find_brain(sample).mask
    save_like(change(sample.data), sample, tmp_path / "a_FLAIR.nii.gz")
    scan = load_scan(Case("a", None, {"FLAIR": tmp_path / "a_FLAIR.nii.gz"}), ModelConfig())
    assert scan.brain.source == "stripped"
    assert (scan.brain.mask != before).mean() < 0.001
    assert check_quality(scan.flair, scan.brain.mask, source="stripped").verdict == "pass"
    assert "a_FLAIR.nii.gz: air is set to " in caplog.text
