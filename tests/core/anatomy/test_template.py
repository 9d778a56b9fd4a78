"""The sample, in MNI152, is found there however it is turned; what is no brain is not."""

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.transform import Rotation

from fsh_core.anatomy import template
from fsh_core.anatomy.atlas import ATLAS_FILE, load_atlas
from fsh_core.anatomy.template import LEAST_QUALITY, Tissue, find_anatomy
from fsh_core.anatomy.template_registration import (
    TissueMap,
    align,
    relative_intensity,
    resample_to,
    tissue_map,
)
from fsh_core.lesions.regions import name_regions
from fsh_core.preprocess.brain_mask import find_brain
from fsh_core.sample import sample_case
from fsh_core.volume.resample import resample
from fsh_core.volume.volume import Volume, load_volume


@pytest.fixture(scope="module")
def scan():
    """The sample on 2.5 mm voxels, in LAS order, and its brain."""
    flair = resample(load_volume(sample_case().flair), 2.5)
    return flair, find_brain(flair).mask


@pytest.fixture(scope="module")
def anatomy(scan):
    return find_anatomy(*scan)


def ball(shape=(40, 48, 40), centre=(20, 24, 20), radii=(14, 18, 13), spacing=3.0):
    """A brain-sized ellipsoid of tissue with a dark bar of fluid off its centre."""
    grid = np.moveaxis(np.indices(shape), 0, -1) - np.array(centre)
    brain = ((grid / np.array(radii)) ** 2).sum(axis=-1) < 1
    bar = (np.abs(grid - (2, -4, 3)) < (3, 6, 2)).all(axis=-1)
    return TissueMap(
        Volume((brain & ~bar).astype(np.float32), np.diag([spacing, spacing, spacing, 1])), brain
    )


def test_the_sample_is_found_where_it_lies(scan, anatomy) -> None:
    flair, brain = scan
    assert anatomy.found
    assert anatomy.quality > 0.7
    assert "registered to MNI152 with a quality of 0." in anatomy.note
    assert anatomy.tissue.shape == flair.shape
    assert anatomy.tissue.dtype == np.uint8
    assert set(np.unique(anatomy.tissue)) == set(Tissue)
    assert not anatomy.tissue[~brain].any()
    # It came in MNI152 already, so what its makers and we find may differ by some mm.
    points = np.array([[0, 0, 0], [40, 0, 20], [-30, -60, 10], [0, 40, 30], [10, -50, -30]], float)
    moved = points @ anatomy.to_mni[:3, :3].T + anatomy.to_mni[:3, 3]
    assert np.linalg.norm(moved - points, axis=1).max() < 5


def test_the_ventricles_of_the_sample_are_its_dark_ones(scan, anatomy) -> None:
    flair, brain = scan
    median = np.median(flair.data[brain])
    lateral = anatomy.tissue == Tissue.VENTRICLE
    assert np.median(flair.data[lateral]) < 0.4 * median
    assert (
        40 < lateral.sum() * flair.voxel_volume_mm3 / 1000 < 70
    )  # the patient has large ones, the atlas 16 ml
    assert np.median(flair.data[anatomy.tissue == Tissue.WHITE_MATTER]) > 0.9 * median


def test_left_and_right_and_below_are_where_they_should_be(scan, anatomy) -> None:
    flair, _ = scan
    centre = {}
    for kind in (Tissue.VENTRICLE, Tissue.INFRATENTORIAL, Tissue.FOURTH_VENTRICLE, Tissue.CORTEX):
        voxel = np.argwhere(anatomy.tissue == kind).mean(axis=0)
        centre[kind] = flair.affine[:3, :3] @ voxel + flair.affine[:3, 3]
    assert abs(centre[Tissue.VENTRICLE][0]) < 4
    assert centre[Tissue.INFRATENTORIAL][2] < -25
    assert centre[Tissue.INFRATENTORIAL][1] < -40
    assert np.linalg.norm(centre[Tissue.FOURTH_VENTRICLE] - (0, -46, -33)) < 10
    assert centre[Tissue.CORTEX][2] > 5


@pytest.mark.parametrize(
    ("places_mm", "region"),
    [
        ([(0, -27, -32), (24, -64, -36), (-24, -64, -36)], "infratentorial"),  # pons, cerebellum
        (
            [(26, -15, 40), (-26, -15, 40), (25, 10, 38), (-25, 10, 38)],
            "deep_white_matter",
        ),  # centrum semiovale
        (
            [(44, -20, 44), (-44, -20, 44), (40, -60, 30), (-40, -60, 30)],
            "juxtacortical",
        ),  # motor, angular
    ],
)
def test_lesions_planted_where_an_atlas_of_anatomy_says_get_that_region(
    scan, anatomy, places_mm, region
) -> None:
    flair, _ = scan
    world_mm = (
        np.moveaxis(np.indices(flair.shape), 0, -1) @ flair.affine[:3, :3].T + flair.affine[:3, 3]
    )
    labels = np.zeros(flair.shape, np.int32)
    for number, place in enumerate(places_mm, start=1):
        labels[np.linalg.norm(world_mm - place, axis=-1) < 3.5] = number
    assert set(name_regions(labels, range(1, len(places_mm) + 1), flair, anatomy)["region"]) == {
        region
    }


def test_the_same_scan_gives_the_same_bytes(scan, anatomy) -> None:
    again = find_anatomy(*scan)
    assert again.tissue.tobytes() == anatomy.tissue.tobytes()
    assert again.to_mni.tobytes() == anatomy.to_mni.tobytes()
    assert again.quality == anatomy.quality


def test_neither_the_order_of_voxels_nor_the_origin_matters(scan, anatomy) -> None:
    flair, brain = scan
    data, mask = (np.transpose(one, (1, 2, 0))[:, ::-1, ::-1] for one in (flair.data, brain))
    affine = np.eye(4)
    for axis, (old, flipped) in enumerate(((1, False), (2, True), (0, True))):
        step = flair.affine[:3, old]
        affine[:3, axis] = -step if flipped else step
    affine[:3, 3] = flair.affine[:3] @ (flair.shape[0] - 1, 0, flair.shape[2] - 1, 1)
    shift = np.eye(4)
    shift[:3, 3] = 180.0, -95.0, 60.0
    other = find_anatomy(
        Volume(np.ascontiguousarray(data), shift @ affine), np.ascontiguousarray(mask)
    )
    expected = np.transpose(anatomy.tissue, (1, 2, 0))[:, ::-1, ::-1]
    assert other.quality == pytest.approx(anatomy.quality, abs=1e-6)
    assert (other.tissue == expected).mean() > 0.999
    assert np.allclose(other.to_mni @ shift, anatomy.to_mni, atol=1e-3)


def test_thick_slices_are_found(scan) -> None:
    flair, brain = scan
    thick = Volume(
        np.ascontiguousarray(flair.data[:, :, ::3]), flair.affine @ np.diag([1, 1, 3, 1])
    )  # 7.5 mm
    found = find_anatomy(thick, np.ascontiguousarray(brain[:, :, ::3]))
    assert found.quality > 0.6
    assert found.tissue.shape == thick.shape


def test_bright_lesions_do_not_pull_it_away(scan, anatomy) -> None:
    flair, brain = scan
    deep = ndimage.distance_transform_edt(brain) > 4
    spots = ndimage.gaussian_filter(np.random.default_rng(0).normal(0, 1, brain.shape), 1.5)
    lesions = (
        deep
        & (spots > np.quantile(spots[deep], 0.95))
        & (flair.data > np.median(flair.data[brain]))
    )
    painted = Volume(np.where(lesions, 5 * flair.data, flair.data), flair.affine)
    assert lesions.sum() * flair.voxel_volume_mm3 > 20_000
    found = find_anatomy(painted, brain)
    corners = np.array([[60, 50, 50], [-60, -90, -40], [0, 0, 0]], float)
    apart = (
        corners @ (found.to_mni - anatomy.to_mni)[:3, :3].T + (found.to_mni - anatomy.to_mni)[:3, 3]
    )
    assert np.linalg.norm(apart, axis=1).max() < 1.5


def upside_down(flair, brain):
    return Volume(flair.data[:, :, ::-1].copy(), flair.affine), brain[:, :, ::-1].copy()


def noise(flair, brain):
    return flair.with_data(
        np.random.default_rng(0).normal(100, 20, brain.shape).astype(np.float32)
    ), brain


def half_a_mask(flair, brain):
    middle = int(np.argwhere(brain)[:, 2].mean())
    return flair, brain & (np.arange(brain.shape[2]) >= middle)


def flat(flair, brain):
    return flair.with_data(np.full(brain.shape, 7, np.float32)), brain


@pytest.mark.parametrize("spoil", [upside_down, noise, half_a_mask, flat])
def test_what_is_no_brain_is_not_found(scan, spoil) -> None:
    found = find_anatomy(*spoil(*scan))
    assert not found.found
    assert (found.tissue, found.to_mni) == (None, None)
    assert 0 <= found.quality < LEAST_QUALITY - 0.1
    assert "could not be registered to MNI152" in found.note
    assert "regions are left blank" in found.note


def test_half_a_head_is_found(scan) -> None:
    flair, brain = scan
    middle = int(np.argwhere(brain)[:, 2].mean())
    affine = flair.affine.copy()
    affine[:3, 3] += affine[:3, 2] * middle
    assert (
        find_anatomy(
            Volume(flair.data[:, :, middle:].copy(), affine), brain[:, :, middle:].copy()
        ).quality
        > 0.6
    )


@pytest.mark.parametrize(
    ("axes", "degrees"), [("x", -30), ("y", 30), ("z", -30), ("xyz", (20, -20, 30))]
)
def test_a_head_turned_far_is_found_as_if_it_were_not(
    scan, anatomy, axes: str, degrees: float
) -> None:
    flair, brain = scan
    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_euler(axes, degrees, degrees=True).as_matrix()
    found = find_anatomy(Volume(flair.data, turn @ flair.affine), brain)
    assert found.quality > 0.8
    corners = np.array(
        [[60, 0, 0], [-60, 0, 0], [0, 60, 0], [0, -90, 0], [0, 0, 60], [0, 0, -50]], float
    )
    difference = found.to_mni @ turn - anatomy.to_mni
    assert np.linalg.norm(corners @ difference[:3, :3].T + difference[:3, 3], axis=1).max() < 2
    ours, theirs = (one.tissue == Tissue.VENTRICLE for one in (found, anatomy))
    assert 2 * (ours & theirs).sum() / (ours.sum() + theirs.sum()) > 0.98


@pytest.mark.parametrize("fraction", [0.0, 1.0])
def test_a_mask_of_no_brains_size_is_refused_with_its_size(scan, fraction: float) -> None:
    flair, _ = scan
    found = find_anatomy(flair, np.full(flair.shape, bool(fraction)))
    assert not found.found
    volume_ml = fraction * np.prod(flair.shape) * flair.voxel_volume_mm3 / 1000
    assert f"a brain has 300 to 2300 ml, the mask has {volume_ml:.0f} ml" in found.note


def test_the_phantom_is_too_small_and_nothing_is_raised(phantom) -> None:
    assert not find_anatomy(phantom.flair, phantom.brain).found


def test_simpleitk_giving_up_is_no_crash(scan, monkeypatch) -> None:
    def give_up(*_, turned):
        raise RuntimeError("All samples map outside moving image buffer")

    monkeypatch.setattr(template, "align", give_up)
    found = find_anatomy(*scan)
    assert not found.found
    assert "could not be laid over each other" in found.note


def test_another_shape_is_the_callers_mistake(scan) -> None:
    with pytest.raises(ValueError, match="brain mask must have the scan's shape"):
        find_anatomy(scan[0], np.zeros((3, 3, 3), bool))


def test_a_known_shift_is_found() -> None:
    fixed = ball()
    affine = fixed.image.affine.copy()
    affine[:3, 3] = 12.0, -30.0, 7.0
    moving = TissueMap(Volume(fixed.image.data, affine), fixed.brain)
    alignment = align(fixed, moving)
    expected = np.eye(4)
    expected[:3, 3] = 12.0, -30.0, 7.0
    assert np.allclose(alignment.matrix, expected, atol=0.05)
    assert np.allclose(
        resample_to(moving.image, alignment.full, fixed.image), fixed.image.data, atol=0.05
    )


def test_a_larger_brain_is_scaled() -> None:
    fixed, moving = ball(), ball(spacing=3.3)
    assert np.allclose(np.diag(align(fixed, moving).matrix)[:3], 1.1, atol=0.02)


def test_a_tissue_map_is_dark_in_fluid_only(phantom) -> None:
    found = tissue_map(phantom.flair, phantom.brain)
    assert found.image.spacing_mm == pytest.approx((3, 3, 3), rel=0.06)
    assert found.image.data.shape == found.brain.shape
    assert (found.image.data.min(), found.image.data.max()) == (0, 1)
    assert np.median(found.image.data[found.brain]) == 1  # lesions count no more than tissue
    assert not found.image.data[~found.brain].any()


def test_an_empty_mask_has_no_tissue_map(phantom) -> None:
    with pytest.raises(ValueError, match="brain mask is empty"):
        tissue_map(phantom.flair, np.zeros(phantom.flair.shape, bool))


def test_nothing_is_dark_in_a_constant() -> None:
    assert (relative_intensity(np.full((3, 3, 3), 5.0), np.ones((3, 3, 3), bool)) == 1).all()


def ventricle_scene(dark=True, bright_core=False):
    """A block of brain, 2 x 2 x 4 mm: a thin ventricle in the atlas, a thicker one in the scan."""
    shape = (40, 40, 16)
    brain = np.zeros(shape, bool)
    brain[2:38, 2:38, 1:15] = True
    expected = np.where(brain, Tissue.WHITE_MATTER, Tissue.OTHER).astype(np.uint8)
    expected[brain & ~ndimage.binary_erosion(brain, iterations=2)] = Tissue.CORTEX
    expected[18:22, 16:24, 6:10] = Tissue.VENTRICLE
    data = np.where(brain, 100.0, 0.0).astype(np.float32)
    real = np.zeros(shape, bool)
    real[17:23, 14:26, 6:10] = True
    if dark:
        data[real] = 10
        data[5:7, 5:35, 6:10] = 10
        data[3:5, 3, 1] = 0
    if bright_core:
        data[19:21, 18:22, 7:9] = 120
    return expected, Volume(data, np.diag([2.0, 2.0, 4.0, 1.0])), brain, real


@pytest.mark.parametrize("bright_core", [False, True])
def test_the_ventricle_seen_replaces_that_of_the_atlas(bright_core: bool) -> None:
    expected, flair, brain, real = ventricle_scene(bright_core=bright_core)
    seen = template._see_ventricles(expected, flair, brain)
    assert np.array_equal(seen == Tissue.VENTRICLE, real)


def test_a_ventricle_that_is_not_seen_stays_as_in_the_atlas() -> None:
    expected, flair, brain, _ = ventricle_scene(dark=False)
    assert np.array_equal(template._see_ventricles(expected, flair, brain), expected)


def test_without_a_ventricle_in_view_nothing_changes() -> None:
    expected, flair, brain, _ = ventricle_scene()
    expected[expected == Tissue.VENTRICLE] = Tissue.WHITE_MATTER
    assert template._see_ventricles(expected, flair, brain) is expected


def test_the_bundled_atlas_is_small_and_whole() -> None:
    atlas = load_atlas()
    assert ATLAS_FILE.stat().st_size < 1_500_000
    assert (ATLAS_FILE.parent / "ATTRIBUTION.md").is_file()
    assert set(np.unique(atlas.tissue.data)) == set(Tissue)
    assert atlas.tissue.spacing_mm == pytest.approx((1, 1, 1))
    assert atlas.template.image.spacing_mm == pytest.approx((3, 3, 3))
    volume_ml = np.bincount(atlas.tissue.data.ravel()) / 1000
    assert 10 < volume_ml[Tissue.VENTRICLE] < 25
    assert 150 < volume_ml[Tissue.INFRATENTORIAL] < 250
    assert 1400 < atlas.template.brain.sum() * 27 / 1000 < 2000
