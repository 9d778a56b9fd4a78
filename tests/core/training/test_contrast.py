"""Random contrast: tissues in their order, lesions brighter than white matter, chance by seed."""

import numpy as np
import pytest
import torch
from torch import Tensor

from fsh_core.preprocess.intensity import BRIGHT_LEVEL, MEDIAN_LEVEL
from fsh_core.training import contrast
from fsh_core.training.contrast import other_contrast

SIZE = (24, 24, 24)
SEEDS = range(60)
TISSUES = {"fluid": 0.08, "white": MEDIAN_LEVEL, "grey": BRIGHT_LEVEL, "lesion": 0.6}


def brain() -> tuple[Tensor, Tensor]:
    """Four slabs of tissue, the last one lesion, and how much of each voxel is lesion."""
    image = torch.zeros(SIZE)
    for number, level in enumerate(TISSUES.values()):
        image[6 * number : 6 * number + 6] = level
    lesions = torch.zeros(SIZE)
    lesions[18:] = 1
    return image, lesions


def levels(image: Tensor) -> dict[str, float]:
    """Mean of the middle of each slab."""
    return {
        name: float(image[6 * number + 2 : 6 * number + 4, 8:16, 8:16].mean())
        for number, name in enumerate(TISSUES)
    }


@pytest.fixture
def without_texture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave tissues and lesions alone to chance."""
    for share in ("_TEXTURE_FRACTION", "_COARSE_FRACTION", "_GREYS_FRACTION"):
        monkeypatch.setattr(contrast, share, 0.0)


@pytest.mark.usefixtures("without_texture")
def test_tissues_keep_their_order_and_lesions_vary() -> None:
    found = [levels(other_contrast(*brain(), np.random.default_rng(seed))) for seed in SEEDS]
    for one in found:
        assert one["fluid"] < one["white"] <= one["grey"] + 1e-6
        assert one["lesion"] > 1.05 * one["white"]
        assert one["white"] == pytest.approx(MEDIAN_LEVEL, abs=0.031)  # scaling puts it there
    lesions = [one["lesion"] for one in found]
    assert min(lesions) < 0.53
    assert max(lesions) > 0.7
    assert np.std([one["fluid"] for one in found]) > 0.01


def test_a_faint_lesion_does_not_vanish(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contrast, "_LESION_CONTRASTS", (0.01, 0.02))
    image, lesions = brain()
    changed = contrast._other_lesions(image, lesions, 0.01)
    assert levels(changed)["lesion"] == pytest.approx(1.1 * MEDIAN_LEVEL, abs=1e-4)
    assert torch.equal(changed[:18], image[:18])  # nothing but lesions changes


def test_curves_rise_from_black() -> None:
    for seed in SEEDS:
        curve = contrast._curve(np.random.default_rng(seed))
        assert curve[0] == 0
        assert (np.diff(curve) >= 0).all()


def test_texture_keeps_mean_and_spread() -> None:
    image = torch.from_numpy(np.random.default_rng(0).random(SIZE, dtype=np.float32))
    for seed in range(10):
        changed = contrast._other_texture(image, np.random.default_rng(seed))
        assert changed.mean() == pytest.approx(image.mean().item(), abs=0.01)
        assert 0.4 * image.std() < changed.std() < 1.1 * image.std()
        assert not torch.equal(changed, image)
    flat = torch.full(SIZE, 0.3)
    assert torch.isfinite(contrast._other_texture(flat, np.random.default_rng(0))).all()


def test_larger_voxels_are_smoother_and_as_bright() -> None:
    image = torch.from_numpy(np.random.default_rng(0).random(SIZE, dtype=np.float32))
    coarse = contrast._coarser(image, 2.0)
    assert coarse.mean() == pytest.approx(image.mean().item(), abs=0.01)
    assert coarse.std() < 0.6 * image.std()


def test_the_same_seed_gives_the_same_and_the_given_image_stays() -> None:
    image, lesions = brain()
    before = image.clone()
    made = [other_contrast(image, lesions, np.random.default_rng(seed)) for seed in (3, 3, 4)]
    assert torch.equal(made[0], made[1])
    assert not torch.equal(made[0], made[2])
    assert torch.equal(image, before)
