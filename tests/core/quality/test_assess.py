"""Input quality: every check on a phantom spoilt by hand, and on real scans."""

import json
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nibabel.orientations import (
    apply_orientation,
    axcodes2ornt,
    inv_ornt_aff,
    io_orientation,
    ornt_transform,
)
from scipy import ndimage

from fsh_core.preprocess.brain_mask import find_brain
from fsh_core.quality.assess import Quality, check_quality
from fsh_core.quality.check import Check
from fsh_core.quality.coverage import check_coverage, check_field_of_view, check_voxel_size
from fsh_core.quality.flair_contrast import appearance, check_sequence
from fsh_core.quality.noise import check_contrast_to_noise, check_ghosting, check_intensities
from fsh_core.sample import sample_case
from fsh_core.volume.volume import Volume, load_volume

NAMES = (
    "voxel_size",
    "ghosting",
    "intensities",
    "contrast_to_noise",
    "brain_volume",
    "coverage",
    "field_of_view",
    "flair_likeness",
)
SPACING_MM = (1.25, 1.2, 3.0)
SHAPE = (144, 166, 56)  # 180 x 199 x 168 mm
CENTRE_MM = np.array([90.0, 100.0, 84.0])
LEVELS = {  # of fluid, grey matter, white matter and air
    "FLAIR": (20.0, 115.0, 100.0, 3.0),
    "T1w": (30.0, 80.0, 110.0, 3.0),
    "T2w": (300.0, 115.0, 90.0, 3.0),
    "dry": (75.0, 102.0, 100.0, 3.0),
}
INNER = np.s_[40:104, 50:116, 15:41]  # brain on all sides


@cache
def head(kind="FLAIR", noise=2.0):
    """A brain of white matter in a cortex of 4 mm, around sulci, with ventricles, in noisy air.

    The brain is an ellipsoid of 140 x 160 x 130 mm (1525 ml); sulci are sheets of fluid, 24 mm
    apart.
    """
    fluid_level, grey, white, air = LEVELS[kind]
    place = np.moveaxis(np.indices(SHAPE), 0, -1) * SPACING_MM - CENTRE_MM
    brain = ((place / (70.0, 80.0, 65.0)) ** 2).sum(axis=-1) < 1
    deep = ((place / (52.0, 62.0, 47.0)) ** 2).sum(axis=-1) < 1
    sulci = brain & ~deep & (np.mod(place[..., 1], 24.0) < 4.0)
    ventricles = ((place / (12.0, 30.0, 14.0)) ** 2).sum(axis=-1) < 1
    from_fluid_mm = ndimage.distance_transform_edt(brain & ~sulci, sampling=SPACING_MM)
    data = np.full(SHAPE, air)
    data[brain] = white
    data[brain & (from_fluid_mm <= 4.5)] = grey
    data[sulci | ventricles] = fluid_level
    data[brain & (np.hypot(place[..., 0], place[..., 1] + 60) < 3)] = (
        1.0  # a large vessel: flowing blood is black
    )
    data += np.random.default_rng(0).normal(0, noise, SHAPE)
    affine = np.diag([*SPACING_MM, 1.0])
    affine[:3, 3] = -CENTRE_MM
    return Volume(np.abs(data).astype(np.float32), affine), brain


def named(quality: Quality) -> dict[str, Check]:
    return {check.name: check for check in quality.checks}


def test_a_good_scan_passes_every_check():
    flair, brain = head()
    quality = check_quality(flair, brain, source="found")
    assert tuple(one.name for one in quality.checks) == NAMES
    assert [(one.name, one.reason) for one in quality.checks if one.verdict != "pass"] == []
    assert quality.verdict == "pass"
    assert quality.summary == "The scan passed its quality checks."
    assert all(one.value is not None and one.reason.endswith(".") for one in quality.checks)


def test_volume_and_voxel_size_by_hand():
    flair, brain = head()
    checks = named(check_quality(flair, brain))
    assert checks["brain_volume"].value == pytest.approx(brain.sum() * 1.25 * 1.2 * 3 / 1000)
    assert checks["brain_volume"].value == pytest.approx(4 / 3 * np.pi * 7.0 * 8.0 * 6.5, rel=0.01)
    assert checks["voxel_size"].value == 3.0
    assert checks["voxel_size"].unit == "mm"


@pytest.mark.parametrize(
    ("spacing_mm", "verdict"),
    [
        ((1.0, 1.0, 1.0), "pass"),
        ((1.0, 3.0, 1.0), "pass"),
        ((0.9, 0.9, 6.4), "caution"),
        ((0.9, 0.9, 9.1), "fail"),
        ((1.5, 1.5, 1.5), "caution"),
        ((2.1, 2.1, 2.1), "fail"),
    ],
)
def test_voxel_size_follows_the_consensus(spacing_mm, verdict):
    flair = Volume(np.ones((16, 16, 16), dtype=np.float32), np.diag([*spacing_mm, 1.0]))
    assert check_voxel_size(flair).verdict == verdict


def test_a_brain_that_was_not_found_is_a_failure_and_nothing_is_said_of_it():
    flair, _ = head()
    everywhere = np.ones(SHAPE, dtype=bool)
    quality = check_quality(flair, everywhere, source="none")
    assert tuple(one.name for one in quality.checks) == NAMES
    assert quality.verdict == "fail"
    assert "because of brain volume" in quality.summary
    assert [one.name for one in quality.checks if one.value is None] == list(NAMES[3:])
    assert all("brain was not found" in one.reason for one in quality.checks[3:])


@pytest.mark.parametrize(
    ("low", "high", "verdict", "words"),
    [
        (0, 43, "caution", "top"),
        (15, 56, "caution", "bottom"),
        (0, 29, "fail", "Only 6"),
        (22, 35, "fail", "39 mm"),
    ],
)
def test_a_cut_top_or_bottom_is_seen(low, high, verdict, words):
    flair, brain = head()
    cut = Volume(flair.data[:, :, low:high], flair.affine)
    found = check_coverage(cut, brain[:, :, low:high])
    assert found.verdict == verdict
    assert words in found.reason


def reoriented(array, affine, codes):
    """The same voxels stored in another order."""
    transform = ornt_transform(io_orientation(affine), axcodes2ornt(codes))
    return apply_orientation(array, transform), affine @ inv_ornt_aff(transform, array.shape)


@pytest.mark.parametrize("codes", ["LAS", "SPR", "AIL"])
def test_the_order_of_the_files_axes_changes_nothing(codes):
    flair, brain = head()
    flair, brain = Volume(flair.data[:, :, :43], flair.affine), brain[:, :, :43]
    turned = Volume(*reoriented(flair.data, flair.affine, codes))
    mask = reoriented(brain, flair.affine, codes)[0]
    straight, other = check_quality(flair, brain).checks, check_quality(turned, mask).checks
    assert [(one.name, one.verdict) for one in straight] == [
        (one.name, one.verdict) for one in other
    ]
    assert [one.value for one in straight] == pytest.approx([one.value for one in other], rel=0.05)
    assert "top" in other[5].reason


@pytest.mark.parametrize(
    ("cut", "side"),
    [
        (np.s_[20:], "left"),
        (np.s_[:124], "right"),
        (np.s_[:, 22:], "back"),
        (np.s_[:, :144], "front"),
    ],
)
def test_a_brain_cut_at_the_side_is_seen(cut, side):
    flair, brain = head()
    found = check_field_of_view(Volume(flair.data[cut], flair.affine), brain[cut])
    assert found.verdict == "caution"
    assert f"the {side} border" in found.reason


def test_noise_is_measured_and_judged():
    for noise, verdict in ((2.0, "pass"), (10.0, "caution"), (25.0, "fail")):
        flair, brain = head(noise=noise)
        found = check_contrast_to_noise(flair, brain)
        assert found.verdict == verdict
        if verdict == "pass":
            assert found.value == pytest.approx(
                85 / noise, rel=0.15
            )  # grey and white lie at 100 to 115, fluid at 20


def with_ghosts(flair, fraction, axis=1):
    """Add a copy of the head, displaced by half of the picture."""
    ghost = np.roll(flair.data, flair.shape[axis] // 2, axis=axis)
    return Volume(flair.data + np.float32(fraction) * ghost, flair.affine)


@cache
def slab():
    """Some slices of the head in a wide picture, in which a displaced copy falls into air."""
    flair, _ = head()
    data = np.abs(np.random.default_rng(1).normal(0, 2, [288, 332, 16])).astype(np.float32)
    data[72:216, 83:249] = flair.data[:, :, 20:36]
    return Volume(data, flair.affine)


@pytest.mark.parametrize(
    ("fraction", "axis", "verdict"),
    [
        (0.0, 1, "pass"),
        (0.02, 1, "pass"),
        (0.15, 0, "caution"),
        (0.15, 1, "caution"),
        (0.3, 1, "fail"),
    ],
)
def test_ghosts_in_the_air_are_seen(fraction, axis, verdict):
    assert check_ghosting(with_ghosts(slab(), fraction, axis)).verdict == verdict


def test_ghosts_are_not_measured_where_there_is_no_air():
    flair, brain = head()
    stripped = Volume(np.where(brain, flair.data, np.float32(0)), flair.affine)
    full = Volume(flair.data[INNER], flair.affine)
    for scan in (stripped, full):
        found = check_ghosting(scan)
        assert (found.verdict, found.value) == ("pass", None)
        assert "cannot be measured" in found.reason
    assert (
        check_quality(stripped, brain).summary
        == "The scan passed its quality checks (not measured: ghosting)."
    )


def test_clipping_and_grey_levels():
    flair, brain = head()
    assert check_intensities(flair, brain).verdict == "pass"
    clipped = Volume(np.minimum(flair.data, np.percentile(flair.data[brain], 99.5)), flair.affine)
    found = check_intensities(clipped, brain)
    assert found.verdict == "caution"
    assert found.value == pytest.approx(0.005, rel=0.02)
    assert (
        check_intensities(Volume(np.minimum(flair.data, 105), flair.affine), brain).verdict
        == "fail"
    )
    for levels, verdict in ((255, "pass"), (120, "caution"), (12, "fail")):
        step = np.float32(flair.data[brain].max() / levels)
        assert (
            check_intensities(Volume(np.floor(flair.data / step), flair.affine), brain).verdict
            == verdict
        )


@pytest.mark.parametrize(("gain", "offset"), [(1.0, 0.0), (0.01, -3.0), (1.0, 1000.0)])
def test_bright_values_that_came_out_negative(gain, offset):
    flair, brain = head()
    most = np.percentile(flair.data[brain], 99)
    wrapped = np.where(flair.data > most, flair.data - 2 * most, flair.data)
    for data, verdict in ((flair.data, "pass"), (wrapped, "fail")):
        scan = Volume((data * gain + offset).astype(np.float32), flair.affine)
        found = check_intensities(scan, brain)
        assert found.verdict == verdict
    assert found.value == pytest.approx(0.01, rel=0.05)
    assert "did not fit the file's number type" in found.reason


@pytest.mark.parametrize("offset", [-500.0, 1000.0])
def test_ghosts_weigh_the_same_at_any_level_of_the_air(offset):
    ghosted = with_ghosts(slab(), 0.2)
    before = check_ghosting(ghosted)
    after = check_ghosting(ghosted.with_data(ghosted.data + np.float32(offset)))
    assert after.value == pytest.approx(before.value, rel=1e-3)
    assert after.verdict == before.verdict != "pass"


def negative_of(scan):
    return Volume(np.where(scan.data > 0, scan.data.max() - scan.data, 0), scan.affine)


def test_black_and_white_exchanged():
    negative = negative_of(load_volume(sample_case().flair))
    found = check_sequence(negative, find_brain(negative).mask)
    assert found.verdict == "fail"
    assert "black and white exchanged" in found.reason


@pytest.mark.parametrize(("kind", "verdict"), [("FLAIR", "pass"), ("T1w", "fail"), ("T2w", "fail")])
@pytest.mark.parametrize(("gain", "offset"), [(0.01, 0.0), (1.0, 1000.0), (30.0, -200.0)])
def test_t1_and_t2_are_told_from_flair_at_any_gain_and_offset(kind, verdict, gain, offset):
    flair, brain = head(kind)
    scan = Volume((flair.data + np.float32(offset)) * np.float32(gain), flair.affine)
    assert check_sequence(scan, brain).verdict == verdict


def test_slices_thicker_than_the_cortex_are_no_reason_to_refuse():
    flair, brain = head("T1w")
    thick = Volume(flair.data, flair.affine @ np.diag([1, 1, 1.5, 1]))
    assert check_sequence(flair, brain).verdict == "fail"
    assert check_sequence(thick, brain).verdict == "caution"


@pytest.mark.parametrize(
    ("kind", "words"), [("T1w", "White matter is brighter"), ("T2w", "Fluid is bright")]
)
def test_what_else_it_looks_like_is_said(kind, words):
    found = check_sequence(*head(kind))
    assert words in found.reason
    assert found.unit == ("grey_to_white" if kind == "T1w" else "bright_to_dark")


@pytest.mark.parametrize(
    ("kind", "accepted"), [("FLAIR", {"pass"}), ("T1w", {"fail", "caution"}), ("T2w", {"fail"})]
)
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_bias_field_of_forty_percent_deceives_nothing(kind, accepted, axis):
    flair, brain = head(kind)
    ramp = np.moveaxis(np.linspace(0.6, 1.4, SHAPE[axis])[:, None, None], 0, axis)
    scan = Volume((flair.data * ramp).astype(np.float32), flair.affine)
    assert check_sequence(scan, brain).verdict in accepted


def test_grey_to_white_is_the_ratio_that_was_drawn():
    seen = appearance(*head("FLAIR", noise=0.5))
    assert seen is not None
    assert seen.grey_to_white == pytest.approx(1.15, abs=0.04)
    assert seen.bright_to_dark == 0.0


def test_a_picture_without_dark_fluid_is_a_caution():
    found = check_sequence(*head("dry"))
    assert (found.verdict, found.unit) == ("caution", "dark_fraction")


@pytest.mark.parametrize("slice_mm", [1.0, 3.0, 7.0])
def test_black_and_white_exchanged_in_slices_of_any_thickness(slice_mm):
    """Fluid mixed with tissue is nowhere much brighter than tissue."""
    flair, brain = head()
    step = max(1, round(slice_mm / SPACING_MM[2]))
    affine = flair.affine @ np.diag([1, 1, step, 1])
    depth = SHAPE[2] // step * step
    data, inside = (
        part[:, :, :depth].reshape(*SHAPE[:2], -1, step).mean(axis=-1)
        for part in (flair.data, brain)
    )
    inside = inside >= 0.5
    right = Volume(np.where(inside, data, 0).astype(np.float32), affine)
    assert check_sequence(right, inside).verdict == "pass"
    found = check_sequence(negative_of(right), inside)
    assert found.verdict == "fail"
    assert "black and white exchanged" in found.reason


def test_voxels_that_mix_cortex_with_fluid_are_no_reason_to_refuse():
    flair, brain = head("T1w")
    coarse = Volume(flair.data, flair.affine @ np.diag([1.6, 1.6, 1, 1]))
    assert check_sequence(coarse, brain).verdict == "caution"


def bad_scans():
    """Scans that no one should have given, with what is to come of them."""
    flair, brain = head()
    few = np.zeros(SHAPE, dtype=bool)
    few[64:67, 83:85, 28] = True
    constant = Volume(np.full(SHAPE, 7.0, dtype=np.float32), flair.affine)
    with_nan = Volume(flair.data.copy(), flair.affine)
    with_nan.data[::31, ::37, ::29] = np.nan
    one = np.s_[:, :, 28:29]
    return {
        "constant": (constant, brain, "fail"),
        "zero": (Volume(np.zeros(SHAPE, dtype=np.float32), flair.affine), brain, "fail"),
        "one slice": (Volume(flair.data[one], flair.affine), brain[one], "fail"),
        "a few voxels of brain": (flair, few, "fail"),
        "no brain": (flair, np.zeros(SHAPE, dtype=bool), "fail"),
        "no air": (Volume(flair.data[INNER], flair.affine), brain[INNER], "fail"),
        "everything is brain": (flair, np.ones(SHAPE, dtype=bool), "fail"),
        "nan": (with_nan, brain, "pass"),
        "negative": (Volume(-flair.data, flair.affine), brain, "fail"),
    }


@pytest.mark.parametrize("kind", bad_scans())
def test_a_bad_scan_is_an_answer(kind):
    flair, brain, verdict = bad_scans()[kind]
    quality = check_quality(flair, brain)
    assert quality.verdict == verdict
    assert tuple(one.name for one in quality.checks) == NAMES
    assert json.loads(json.dumps(quality.to_json(), allow_nan=False)) == quality.to_json()


@given(
    shape=st.tuples(*[st.integers(1, 12)] * 3),
    spacing_mm=st.tuples(*[st.sampled_from([0.3, 1.0, 2.5, 8.0])] * 3),
    seed=st.integers(0, 5),
    low=st.floats(-1e6, 1e6),
    span=st.floats(0, 1e6),
    source=st.sampled_from(["given", "stripped", "found", "none"]),
)
def test_nothing_raises(shape, spacing_mm, seed, low, span, source):
    rng = np.random.default_rng(seed)
    flair = Volume((low + span * rng.random(shape)).astype(np.float32), np.diag([*spacing_mm, 1.0]))
    quality = check_quality(flair, rng.random(shape) < seed / 4, source=source)
    assert quality.verdict in ("caution", "fail")  # so little is no brain
    json.dumps(quality.to_json(), allow_nan=False)


def test_a_mask_of_another_grid_is_refused():
    flair, brain = head()
    with pytest.raises(ValueError, match="must have the scan's shape"):
        check_quality(flair, brain[:-1])


def test_the_same_scan_gets_the_same_answer():
    assert check_quality(*head()).to_json() == check_quality(*head()).to_json()


@pytest.mark.parametrize("subject", ["ljubljana07", "mslessegP18"])
def test_real_flairs_pass_and_real_t1w_and_t2w_are_caught(subject, real_data):
    paths = sorted((real_data / f"sub-{subject}" / "anat").glob("*.nii.gz"))
    assert paths
    for path in paths:
        scan = load_volume(path)
        found = check_sequence(scan, find_brain(scan).mask)
        assert found.verdict == ("pass" if "FLAIR" in path.name else "fail"), (path.name, found)
        if "FLAIR" in path.name:
            negative = negative_of(scan)
            assert check_sequence(negative, find_brain(negative).mask).verdict == "fail"
