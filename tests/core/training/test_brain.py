"""The recipe of the brain finder: what it learns from is what it says."""

from pathlib import Path

import numpy as np
import pytest
import torch

from fsh_core.cases import discover_cases
from fsh_core.training.brain import heads as brain_heads
from fsh_core.training.brain import train as brain_recipe
from fsh_core.training.brain.heads import Head, vary
from fsh_core.training.brain.train import (
    labelled_heads,
    read_heads,
    resample_mask_to,
    train_finder,
)
from fsh_core.volume.volume import Volume, save_like, to_ras

SIZE = (64, 64, 48)
SPACING_MM = 4.0


def ball_head(is_bare: bool) -> Head:
    """A brain of 60 mm radius; around it nothing, or a skull of 8 and a scalp of 8 mm."""
    i, j, k = (np.arange(length) - (length - 1) / 2 for length in (50, 54, 42))
    radius_mm = SPACING_MM * np.sqrt(i[:, None, None] ** 2 + j[:, None] ** 2 + k**2)
    image = np.where(radius_mm <= 60, 300.0, 0.0)
    if not is_bare:
        image[(radius_mm > 68) & (radius_mm <= 76)] = 500.0
    return Head("01", image.astype(np.float32), (radius_mm <= 60).astype(np.float32), is_bare)


@pytest.mark.parametrize("is_bare", [True, False])
def test_pairs_fit_the_network_and_repeat_with_the_seed(is_bare: bool) -> None:
    for seed in range(6):
        image, brain = vary(ball_head(is_bare), SIZE, np.random.default_rng(seed))
        assert image.shape == brain.shape == SIZE
        assert image.dtype == brain.dtype == np.float32
        assert image.min() >= 0
        assert image.max() <= 1
        assert brain.min() >= 0
        assert brain.max() <= 1
        assert brain.sum() > 1000
        assert 0.1 < np.median(image[brain > 0.9]) < 0.95
        again = vary(ball_head(is_bare), SIZE, np.random.default_rng(seed))
        assert np.array_equal(again[0], image)
        assert np.array_equal(again[1], brain)


def test_a_head_may_lose_all_but_its_brain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brain_heads, "_BARED_FRACTION", 1.0)
    image, brain = vary(ball_head(is_bare=False), SIZE, np.random.default_rng(1))
    assert image[brain == 0].max() < 0.1


def test_a_mask_is_resampled_to_a_scan_by_an_itk_affine(tmp_path: Path) -> None:
    # A quarter turn about z through the LPS point (10, 0, 0), then 5 mm to the left and 6 mm up:
    # LPS (14, 2, 0) - centre (4, 2, 0) -> turned (-2, 4, 0) -> LPS (8 + 5, 4, 6) = RAS (-13, -4,
    # 6).
    transform = tmp_path / "affine.txt"
    transform.write_text(
        "#Insight Transform File V1.0\n#Transform 0\nTransform: AffineTransform_double_3_3\n"
        "Parameters: 0 -1 0 1 0 0 0 0 1 5 0 6\nFixedParameters: 10 0 0\n"
    )
    common = Volume(np.zeros((40, 40, 10), np.float32), np.diag([-1.0, -1.0, 1.0, 1.0]))
    common.data[14, 2, 0] = 1.0
    scan = np.eye(4)
    scan[:3, 3] = -30.0, -20.0, 0.0
    resampled = resample_mask_to(
        common, transform, Volume(np.zeros((40, 40, 16), np.float32), scan)
    )
    assert np.argwhere(resampled).tolist() == [[-13 + 30, -4 + 20, 6]]


def test_heads_are_read_from_masks_and_stripped_scans_but_never_from_the_sample(
    phantom_bids: Path, phantom
) -> None:
    data = phantom_bids.parent / "data"
    data.mkdir()
    bids = phantom_bids.rename(data / "ms-flair")
    save_like(
        phantom.flair.data,
        phantom.flair,
        bids / "sub-mslessegP39" / "anat" / "sub-mslessegP39_FLAIR.nii.gz",
    )
    masks = bids / "derivatives" / "manual" / "sub-01" / "anat"
    save_like(phantom.brain, phantom.flair, masks / "sub-01_label-brain_mask.nii.gz")
    patient = data / "longitudinal" / "patient01"
    save_like(phantom.flair.data, phantom.flair, patient / "study1_FLAIR.nii.gz")
    save_like(phantom.brain, phantom.flair, patient / "brain_mask.nii.gz")
    identity = "Parameters: 1 0 0 0 1 0 0 0 1 0 0 0\nFixedParameters: 0 0 0\n"
    (patient / "study1_FLAIR_to_common_space.txt").write_text(identity)

    assert {case.subject for case in discover_cases(bids)} == {"01", "02", "mslessegP39"}
    heads = read_heads(data)
    assert [(head.subject, head.is_bare) for head in heads] == [
        ("01", False),
        ("02", True),
        ("02", True),
        ("patient01", False),
    ]
    volume_ml = phantom.brain.sum() * 2.5 / 1000
    for head in heads:
        assert head.brain.sum() * SPACING_MM**3 / 1000 == pytest.approx(volume_ml, rel=0.05)


def test_labels_of_a_machine_give_a_brain_without_gaps(
    tmp_path: Path, phantom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On another grid, with a gap between two gyri, of a head whose labels lie on the FLAIR."""
    monkeypatch.setattr(brain_recipe, "_LABELS_LIE_ON_THE_FLAIR", ("a", "b"))
    ras = to_ras(phantom.flair.with_data(phantom.brain))
    grid = ras.affine.copy()
    grid[:3, 3] += 4.0
    shifted = np.zeros(ras.shape, np.float32)
    steps = [round(4.0 / size) for size in ras.spacing_mm]
    shifted[: -steps[0], : -steps[1], : -steps[2]] = ras.data[steps[0] :, steps[1] :, steps[2] :]
    whole = shifted > 0
    shifted[shifted.shape[0] // 2] = 0  # one voxel wide, as a sulcus
    for subject in ("a", "b"):
        name = f"sub-{subject}"
        anat = tmp_path / "nichart" / name / "anat"
        save_like(phantom.flair.data, phantom.flair, anat / f"{name}_FLAIR.nii.gz")
        labels = tmp_path / f"nichart/derivatives/automatic/{name}/anat"
        save_like(7 * shifted, Volume(shifted, grid), labels / f"{name}_space-T1w_dseg.nii.gz")
    found = list(labelled_heads(tmp_path))
    assert [subject for subject, _, _ in found] == ["a", "b"]
    for _, scan, brain in found:
        assert brain.shape == scan.shape
        assert (phantom.brain & brain).sum() > 0.97 * whole.sum()
        assert (brain & ~phantom.brain).sum() < 0.02 * whole.sum()
    assert list(labelled_heads(tmp_path / "elsewhere")) == []


def test_training_repeats_and_yields_a_brain_network(monkeypatch: pytest.MonkeyPatch) -> None:
    small = brain_recipe.RECIPE.model_copy(update={"patch_size": (32, 32, 32)})
    monkeypatch.setattr(brain_recipe, "RECIPE", small)
    heads = [ball_head(is_bare=True), ball_head(is_bare=False)]
    first, second = train_finder(heads, steps=2), train_finder(heads, steps=2)
    assert first.config == brain_recipe.RECIPE.model
    assert first.config.target == "brain"
    assert not first.training
    for one, other in zip(first.state_dict().values(), second.state_dict().values(), strict=True):
        assert torch.equal(one, other)
