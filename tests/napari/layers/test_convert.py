"""Voxels reach the screen the right way round and come back as they were."""

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nibabel.orientations import (
    aff2axcodes,
    apply_orientation,
    axcodes2ornt,
    inv_ornt_aff,
    ornt_transform,
)

from fsh_core.errors import InputError
from fsh_core.volume.volume import Volume
from fsh_napari.layers.convert import (
    CONTENT_KEY,
    grid_of_layer,
    image_layer,
    labels_layer,
    layer_options,
    probability_layer,
)
from fsh_napari.layers.grid import Grid

PAIRS = (("R", "L"), ("A", "P"), ("S", "I"))
CODES = [
    "".join(pair[s] for pair, s in zip(order, signs, strict=True))
    for order in permutations(PAIRS)
    for signs in product((0, 1), repeat=3)
]
SHAPE_RAS = (5, 7, 4)
SPACING_RAS = (1.0, 1.5, 3.0)


def volume_of(codes: str) -> Volume:
    """The same patient in any order of axes: every voxel holds a number of its own."""
    affine = np.diag([*SPACING_RAS, 1.0])
    affine[:3, 3] = -10.0, -20.0, 30.0
    data = np.arange(np.prod(SHAPE_RAS)).reshape(SHAPE_RAS)
    transform = ornt_transform(axcodes2ornt("RAS"), axcodes2ornt(codes))
    volume = Volume(apply_orientation(data, transform), affine @ inv_ornt_aff(transform, SHAPE_RAS))
    assert "".join(aff2axcodes(volume.affine)) == codes
    return volume


def oblique(codes: str, angles_degrees: tuple[float, float, float]) -> Volume:
    """The patient with a tilted head."""
    volume = volume_of(codes)
    turned = np.eye(4)
    for axis, angle in enumerate(np.radians(angles_degrees)):
        one = np.eye(4)
        a, b = [other for other in range(3) if other != axis]
        one[[a, a, b, b], [a, b, a, b]] = (
            np.cos(angle),
            -np.sin(angle),
            np.sin(angle),
            np.cos(angle),
        )
        turned = turned @ one
    return Volume(volume.data, turned @ volume.affine)


def test_there_are_48_orientations() -> None:
    assert len(set(CODES)) == 48


@pytest.mark.parametrize("codes", CODES)
class TestEveryOrientation:
    def test_there_and_back(self, codes):
        volume = volume_of(codes)
        grid = Grid.of(volume)
        layer = grid.to_layer(volume.data)
        assert layer.shape == grid.layer_shape == (4, 7, 5)
        assert np.shares_memory(layer, volume.data)
        assert grid.scale == (3.0, 1.5, 1.0)
        np.testing.assert_array_equal(grid.from_layer(layer), volume.data)

    def test_the_screen_shows_the_same_patient(self, codes):
        """Down is posterior, right is the patient's left, whatever the file's order."""
        volume = volume_of(codes)
        layer = Grid.of(volume).to_layer(volume.data)
        ras = np.arange(np.prod(SHAPE_RAS)).reshape(SHAPE_RAS)
        np.testing.assert_array_equal(layer, ras[::-1, ::-1].transpose(2, 1, 0))

    def test_every_voxel_stands_where_the_affine_says(self, codes):
        volume = volume_of(codes)
        grid = Grid.of(volume)
        for voxel in [
            (0, 0, 0),
            (1, 0, 0),
            (0, 1, 0),
            (0, 0, 1),
            tuple(size - 1 for size in volume.shape),
        ]:
            r, a, s = volume.affine[:3, :3] @ voxel + volume.affine[:3, 3]
            assert grid.to_viewer_mm(voxel) == pytest.approx((s, -a, -r))
            assert grid.from_viewer_mm((s + 0.4, -a - 0.4, -r + 0.4)) == voxel

    def test_voxels_find_their_way(self, codes):
        volume = volume_of(codes)
        grid = Grid.of(volume)
        voxels = np.argwhere(np.ones(volume.shape))
        there = grid.voxel_to_layer(voxels)
        np.testing.assert_array_equal(
            grid.to_layer(volume.data)[tuple(there.T)], volume.data[tuple(voxels.T)]
        )
        np.testing.assert_array_equal(grid.voxel_from_layer(there), voxels)


@given(st.sampled_from(CODES), st.tuples(*[st.floats(-14, 14)] * 3))
def test_oblique_scans_come_back_with_their_true_affine(codes, angles) -> None:
    volume = oblique(codes, angles)
    data, options, _ = labels_layer(volume, "lesions")
    grid = grid_of_layer(data.shape, options)
    back = grid.volume(grid.from_layer(data))
    np.testing.assert_array_equal(back.data, volume.data)
    np.testing.assert_array_equal(back.affine, volume.affine)
    assert grid.scale == pytest.approx((3.0, 1.5, 1.0))


@given(st.sampled_from(CODES), st.tuples(*[st.floats(-14, 14)] * 3))
def test_the_centre_of_an_oblique_scan_stays(codes, angles) -> None:
    volume = oblique(codes, angles)
    grid = Grid.of(volume)
    r, a, s, _ = volume.affine @ [*(np.array(volume.shape) - 1) / 2, 1]
    centre = np.array(grid.translate) + (np.array(grid.layer_shape) - 1) / 2 * np.array(grid.scale)
    np.testing.assert_allclose(centre, (s, -a, -r), atol=1e-6)


def test_outside_the_scan_there_is_no_voxel() -> None:
    grid = Grid.of(volume_of("LAS"))
    s, p, left = grid.translate
    assert grid.from_viewer_mm((s - 1.6, p, left)) is None
    assert grid.from_viewer_mm((s, p, left + 5)) is None
    assert grid.from_viewer_mm((s, p, left)) is not None


def test_layers_of_one_scan_lie_on_each_other() -> None:
    volume = volume_of("PIR")
    made = [image_layer(volume, "a"), probability_layer(volume, "b"), labels_layer(volume, "c")]
    assert len({(options["scale"], options["translate"]) for _, options, _ in made}) == 1
    assert all(options["units"] == ("mm", "mm", "mm") for _, options, _ in made)
    assert [kind for _, _, kind in made] == ["image", "image", "labels"]
    assert made[1][1]["visible"] is False
    assert made[2][0].dtype == np.int32


def test_a_layer_of_another_plugin_is_taken_as_it_lies() -> None:
    grid = grid_of_layer((4, 7, 5), {"scale": (3.0, 1.5, 1.0), "translate": (30.0, -5.0, 2.0)})
    assert grid.scale == (3.0, 1.5, 1.0)
    assert grid.translate == (30.0, -5.0, 2.0)
    data = np.arange(140).reshape(4, 7, 5)
    np.testing.assert_array_equal(grid.to_layer(grid.from_layer(data)), data)
    np.testing.assert_array_equal(grid.to_layer(data.T), data)


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((4, 7), {"name": "photo"}, r"photo: expected a 3-D layer, found 2-D"),
        (
            (4, 7, 5),
            {"name": "scan", "scale": (1, -1, 1)},
            r"scan: was opened by another reader that mirrors it",
        ),
        (
            (4, 7, 6),
            layer_options(Grid.of(volume_of("RAS")), "cut"),
            r"cut: must have the shape \(4, 7, 5\) it was opened with",
        ),
    ],
)
def test_a_layer_without_a_place_is_refused(shape, options, message) -> None:
    with pytest.raises(InputError, match=message):
        grid_of_layer(shape, options)


def test_other_voxels_are_refused() -> None:
    with pytest.raises(ValueError, match="must have the grid's shape"):
        Grid.of(volume_of("RAS")).volume(np.zeros((1, 2, 3)))


def test_the_window_ignores_outliers_and_air() -> None:
    data = np.zeros((20, 20, 20), dtype=np.float32)
    data[5:15] = np.linspace(50, 100, 4000).reshape(10, 20, 20)
    data[0, 0, 0] = 10_000
    low, high = image_layer(Volume(data, np.eye(4)), "scan")[1]["contrast_limits"]
    assert low == 0
    assert 99 < high < 110


def test_what_there_is_to_see_is_found_in_air() -> None:
    data = np.random.default_rng(5).uniform(0, 5, (40, 50, 30)).astype(np.float32)
    data[10:31, 8:43, 5:25] = 100
    data[1, 1, 1] = 90  # one bright voxel is noise
    _, options, _ = image_layer(Volume(data, np.diag([-1.0, -1.0, 1.0, 1.0])), "scan")
    assert options["metadata"][CONTENT_KEY] == ((5, 8, 10), (24, 42, 30))
    assert image_layer(Volume(np.zeros((4, 5, 6), dtype=np.float32), np.eye(4)), "nothing")[1][
        "metadata"
    ][CONTENT_KEY] == ((0, 0, 0), (5, 4, 3))


@given(
    st.sampled_from(CODES),
    st.tuples(*[st.floats(-14, 14)] * 3),
    st.tuples(*[st.integers(0, 3)] * 3),
)
def test_a_point_on_the_screen_is_a_point_in_the_scanner(codes, angles, voxel) -> None:
    volume = oblique(codes, angles)
    grid = Grid.of(volume)
    world = grid.viewer_to_world @ [*grid.to_viewer_mm(voxel), 1]
    np.testing.assert_allclose(world, volume.affine @ [*voxel, 1], atol=1e-6)
