"""The brain: given, already stripped, found by a finder, or not found and said so."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fsh_core.config import ModelConfig
from fsh_core.errors import InputError
from fsh_core.inference.predict import BrainFinder
from fsh_core.network.checkpoint import BRAIN_WEIGHTS
from fsh_core.preprocess.brain_mask import find_brain, is_stripped
from fsh_core.volume.volume import Volume, load_mask, load_volume

SPACING_MM = (1.5, 1.5, 5.0)
AFFINE = np.diag([-1.5, 1.5, 5.0, 1.0])  # LAS, thick slices
SHAPE = (140, 140, 40)
BRAIN_MM = 65.0  # radius: 4/3 pi 65^3 mm3 = 1150 ml


def radius_mm(shape: tuple[int, int, int] = SHAPE) -> NDArray[np.float64]:
    """Distance of every voxel from the image's centre."""
    axes = [
        (np.arange(size) - (size - 1) / 2) * step
        for size, step in zip(shape, SPACING_MM, strict=True)
    ]
    i, j, k = np.meshgrid(*axes, indexing="ij")
    return np.asarray(np.sqrt(i**2 + j**2 + k**2))


def brain_sphere() -> NDArray[np.bool_]:
    return radius_mm() <= BRAIN_MM


def whole_head(noise: float = 8.0) -> Volume:
    """A brain of 65 mm, a dark skull of 8 mm, a bright scalp of 8 mm, noise in the air."""
    radius = radius_mm()
    data = np.where(
        radius <= BRAIN_MM, 300.0, np.where(radius <= 73, 40.0, np.where(radius <= 81, 600.0, 0.0))
    )
    data = np.abs(data + np.random.default_rng(0).normal(0, noise, SHAPE)) if noise else data
    return Volume(data.astype(np.float32), AFFINE)


def stripped_head(background: float = 0.0) -> Volume:
    radius = radius_mm()
    data = np.where(
        radius <= BRAIN_MM, 300 + np.random.default_rng(1).normal(0, 15, SHAPE), background
    )
    data[radius <= 10] = 20.0  # ventricle
    return Volume(data.astype(np.float32), AFFINE)


def dice(reference: NDArray[np.bool_], prediction: NDArray[np.bool_]) -> float:
    return float(2 * (reference & prediction).sum() / (reference.sum() + prediction.sum()))


@dataclass
class BallFinder:
    """Marks a ball around the image's centre; remembers what it was shown."""

    radius_mm: float = BRAIN_MM
    spacing_mm: float = 4.0
    seen: list[NDArray[np.float32]] = field(default_factory=list)

    @property
    def model(self) -> ModelConfig:
        return ModelConfig(target="brain", spacing_mm=self.spacing_mm)

    def __call__(self, image: NDArray[np.float32], /) -> NDArray[np.float32]:
        self.seen.append(image)
        axes = [(np.arange(size) - (size - 1) / 2) * self.spacing_mm for size in image.shape[1:]]
        i, j, k = np.meshgrid(*axes, indexing="ij")
        ball: NDArray[np.float32] = (np.sqrt(i**2 + j**2 + k**2) <= self.radius_mm).astype(
            np.float32
        )
        return ball


class SeveralBalls(BallFinder):
    """Marks two parts of equal size."""

    def __call__(self, image: NDArray[np.float32], /) -> NDArray[np.float32]:
        marked = np.zeros(image.shape[1:], dtype=np.float32)
        marked[:, :10], marked[:, -10:] = 1.0, 1.0
        return marked


def test_a_given_mask_is_honoured_whatever_the_scan_shows() -> None:
    mask = radius_mm() <= 50
    brain = find_brain(whole_head(), mask, BallFinder())
    assert brain.source == "given"
    assert np.array_equal(brain.mask, mask)
    assert brain.mask.dtype == np.bool_
    assert "given" in brain.note


def test_an_empty_given_mask_is_refused() -> None:
    with pytest.raises(InputError, match="must mark the brain, it is empty"):
        find_brain(whole_head(), np.zeros(SHAPE, dtype=bool))


def test_a_given_mask_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="must have the scan's shape"):
        find_brain(whole_head(), np.ones((3, 3, 3), dtype=bool))


@pytest.mark.parametrize("background", [0.0, -20.0, 100.0])
def test_a_stripped_scan_is_seen_as_such_and_its_ventricles_belong_to_the_brain(
    background: float,
) -> None:
    brain = find_brain(stripped_head(background), finder=BallFinder(radius_mm=1.0))
    assert brain.source == "stripped"
    assert dice(brain_sphere(), brain.mask) > 0.99
    assert brain.mask[radius_mm() <= 10].all()


def test_a_stripped_scan_cropped_to_the_brain_is_seen_as_such() -> None:
    i, j, k = (slice(side.min(), side.max() + 1) for side in np.nonzero(brain_sphere()))
    assert is_stripped(Volume(stripped_head().data[i, j, k], AFFINE))


def test_interpolation_noise_around_a_stripped_brain_does_not_hide_that_it_is_stripped() -> None:
    scan = stripped_head()
    radius = radius_mm()
    ringing = (radius > BRAIN_MM) & (radius <= BRAIN_MM + 4)
    scan.data[ringing] += (
        np.random.default_rng(2).normal(0, 6, int(ringing.sum())).astype(np.float32)
    )
    assert is_stripped(scan)
    assert dice(brain_sphere(), find_brain(scan).mask) > 0.95


@pytest.mark.parametrize("noise", [8.0, 0.0])
def test_a_whole_head_is_not_stripped_even_if_the_air_around_was_set_to_zero(noise: float) -> None:
    assert not is_stripped(whole_head(noise))


def test_a_dim_scalp_does_not_make_a_head_look_stripped() -> None:
    radius = radius_mm()
    scan = whole_head(0.0)
    scan.data[(radius > 73) & (radius <= 81)] = 120.0  # fat suppressed
    assert not is_stripped(scan)


def test_something_smaller_or_larger_than_a_brain_is_not_a_stripped_brain() -> None:
    small = np.where(radius_mm() <= 20, 300, 0).astype(np.float32)  # 34 ml
    large = np.where(radius_mm() <= 90, 300, 0).astype(np.float32)  # 3000 ml
    assert not is_stripped(Volume(small, AFFINE))
    assert not is_stripped(Volume(large, AFFINE))


def test_an_image_without_air_is_not_stripped() -> None:
    noise = np.random.default_rng(3).normal(300, 30, SHAPE).astype(np.float32)
    assert not is_stripped(Volume(noise, AFFINE))


def test_the_finder_sees_a_scaled_image_and_its_brain_comes_back_on_the_scan_s_grid() -> None:
    finder = BallFinder()
    brain = find_brain(whole_head(), finder=finder)
    assert brain.source == "found"
    assert brain.mask.shape == SHAPE
    assert dice(brain_sphere(), brain.mask) > 0.96
    (image,) = finder.seen
    assert image.shape == (1, 52, 52, 50)  # 210 x 210 x 200 mm at 4 mm
    assert image.dtype == np.float32
    assert image.min() >= 0
    assert image.max() <= 1


def test_the_brain_follows_the_orientation_of_the_file() -> None:
    scan = whole_head()
    swapped = Volume(np.ascontiguousarray(scan.data.transpose(2, 0, 1)), AFFINE[:, [2, 0, 1, 3]])
    upright, lying = find_brain(scan, finder=BallFinder()), find_brain(swapped, finder=BallFinder())
    assert np.array_equal(upright.mask.transpose(2, 0, 1), lying.mask)


@pytest.mark.parametrize(
    ("finder", "reason"),
    [
        (None, "no brain finder was given"),
        (BallFinder(radius_mm=40.0), "marked 2[0-9]{2} ml, which is not the size of a brain"),
        (BallFinder(radius_mm=0.0), "marked 0 ml"),
        (BallFinder(radius_mm=95.0), "not the size of a brain"),
        (SeveralBalls(), "several separate parts"),
    ],
)
def test_a_brain_that_cannot_be_found_is_said_so_and_the_whole_foreground_stands_in(
    finder: BallFinder | None, reason: str
) -> None:
    brain = find_brain(whole_head(), finder=finder)
    assert brain.source == "none"
    assert dice(radius_mm() <= 81, brain.mask) > 0.97
    assert brain.mask[brain_sphere()].all()
    assert brain.note.startswith("the brain could not be found")
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(brain.note)


def test_specks_that_the_finder_marks_beside_the_brain_are_dropped_and_holes_filled() -> None:
    class Untidy(BallFinder):
        def __call__(self, image: NDArray[np.float32], /) -> NDArray[np.float32]:
            marked = super().__call__(image)
            i, j, k = (size // 2 for size in marked.shape)
            marked[i - 2 : i + 2, j - 2 : j + 2, k - 2 : k + 2] = 0.0
            marked[:3, :3, :3] = 1.0
            return marked

    brain = find_brain(whole_head(), finder=Untidy())
    assert brain.source == "found"
    assert brain.mask[radius_mm() <= 15].all()
    assert not brain.mask[radius_mm() > 85].any()


def test_the_bundled_finder_finds_the_brain_in_a_head_it_was_never_shown() -> None:
    brain = find_brain(whole_head(), finder=BrainFinder("cpu"))
    assert brain.source == "found"
    assert dice(brain_sphere(), brain.mask) > 0.95


def test_the_bundled_finder_finds_the_brain_without_the_lowest_slices() -> None:
    scan = whole_head()
    brain = find_brain(Volume(scan.data[:, :, 14:], AFFINE), finder=BrainFinder("cpu"))
    assert brain.source == "found"
    assert dice(brain_sphere()[:, :, 14:], brain.mask) > 0.93


def test_the_bundled_finder_was_not_trained_on_the_sample() -> None:
    card = json.loads(BRAIN_WEIGHTS.with_suffix(".json").read_text())
    assert card["config"]["target"] == "brain"
    assert len(card["training"]["subjects"]) >= 10
    assert "mslessegP39" not in card["training"]["subjects"]


@pytest.mark.parametrize("subject", ["tabriz104670", "tabriz102313"])
def test_the_bundled_finder_keeps_every_lesion_of_a_real_head(
    real_data: Path, subject: str
) -> None:
    flair_path = real_data / f"sub-{subject}" / "anat" / f"sub-{subject}_FLAIR.nii.gz"
    masks = real_data / "derivatives" / "manual" / f"sub-{subject}" / "anat"
    flair = load_volume(flair_path)
    brain = find_brain(flair, finder=BrainFinder("cpu"))
    assert brain.source == "found"
    assert brain.mask[
        load_mask(masks / f"sub-{subject}_label-L_mask.nii.gz", flair, flair_path).data
    ].all()


@pytest.mark.parametrize("subject", ["ljubljana07", "ljubljana19", "mslessegP18", "mslessegP39"])
def test_real_stripped_scans_are_seen_as_such(real_data: Path, subject: str) -> None:
    flair = load_volume(real_data / f"sub-{subject}" / "anat" / f"sub-{subject}_FLAIR.nii.gz")
    assert is_stripped(flair)
