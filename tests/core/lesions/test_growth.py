"""Sure lesions grow into what is as bright, where lesions lie, and nowhere else."""

from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from fsh_core.anatomy.template import Anatomy, Tissue
from fsh_core.config import SegmentConfig
from fsh_core.errors import InputError
from fsh_core.lesions.frequency import lesion_frequency, load_frequency
from fsh_core.lesions.growth import GROWN, SURE, grow_lesions
from fsh_core.volume.volume import Volume

SIZE = 96
NORMAL, CORTEX, LESION, NOISE = 100.0, 120.0, 160.0, 5.0


class Scene(NamedTuple):
    """A piece of brain about the place where most patients have lesions, on 1 mm voxels."""

    flair: Volume
    brain: NDArray[np.bool_]
    anatomy: Anatomy
    frequency: NDArray[np.float64]

    def grown(self, probability: NDArray[np.float32]) -> NDArray[np.float32]:
        return grow_lesions(probability, self.flair, self.brain, self.anatomy)

    def with_lesion(self, *places: tuple[slice, slice, slice]) -> "Scene":
        data = self.flair.data.copy()
        for place in places:
            data[place] += LESION - NORMAL
        return self._replace(flair=self.flair.with_data(data))


@pytest.fixture(scope="module")
def scene() -> Scene:
    chart = load_frequency()
    middle_mm = chart.affine[:3, :3] @ np.unravel_index(chart.data.argmax(), chart.shape)
    affine = np.eye(4)
    affine[:3, 3] = middle_mm + chart.affine[:3, 3] - SIZE / 2
    shape = (SIZE, SIZE, SIZE)
    data = np.random.default_rng(0).normal(NORMAL, NOISE, shape).astype(np.float32)
    stripes = np.indices(shape)[0] // 4 % 5 == 0  # a fifth is as bright as cortex
    data[stripes] += CORTEX - NORMAL
    flair = Volume(data, affine)
    mni = np.argwhere(np.ones(shape, bool)) @ affine[:3, :3].T + affine[:3, 3]
    frequency = lesion_frequency(mni).reshape(shape)
    tissue = np.full(shape, Tissue.WHITE_MATTER, np.uint8)
    return Scene(flair, np.ones(shape, bool), Anatomy(tissue, np.eye(4), 1.0, ""), frequency)


def box(middle: NDArray[np.intp], half: int) -> tuple[slice, slice, slice]:
    i, j, k = (slice(int(m) - half, int(m) + half) for m in middle)
    return i, j, k


@pytest.fixture
def usual(scene: Scene) -> tuple[slice, slice, slice]:
    """A cube of 8 mm where lesions usually are."""
    place = box(np.array([SIZE // 2] * 3), 4)
    assert scene.frequency[place].min() > 0.02
    return place


def test_a_sure_voxel_fills_its_lesion(scene, usual) -> None:
    shown = scene.with_lesion(usual)
    probability = np.zeros(shown.flair.shape, np.float32)
    probability[SIZE // 2, SIZE // 2, SIZE // 2] = SURE
    grown = shown.grown(probability)
    inside = np.zeros(shown.flair.shape, bool)
    inside[usual] = True
    found = grown >= 0.5
    dice = 2 * (found & inside).sum() / (found.sum() + inside.sum())
    assert dice > 0.9
    assert grown[SIZE // 2, SIZE // 2, SIZE // 2] == np.float32(SURE)  # what was more stays
    assert set(np.unique(grown)) == {np.float32(0), np.float32(GROWN), np.float32(SURE)}
    assert np.count_nonzero(probability) == 1  # what was given is not written to


def test_nothing_grows_from_what_is_not_sure(scene, usual) -> None:
    probability = np.zeros(scene.flair.shape, np.float32)
    probability[usual] = SURE - 0.01
    assert scene.with_lesion(usual).grown(probability) is probability


def test_nothing_grows_where_it_is_not_bright(scene, usual) -> None:
    probability = np.zeros(scene.flair.shape, np.float32)
    probability[usual] = SURE
    assert (scene.grown(probability) == probability).mean() > 0.9999


def test_a_bright_place_without_anything_sure_stays(scene, usual) -> None:
    other = box(np.array([SIZE // 2, SIZE // 2 + 16, SIZE // 2]), 4)
    assert scene.frequency[other].min() > 0.02
    probability = np.zeros(scene.flair.shape, np.float32)
    probability[usual] = SURE
    grown = scene.with_lesion(usual, other).grown(probability)
    assert not (grown[other] > 0).any()


def test_nothing_grows_where_patients_have_no_lesions(scene) -> None:
    rare = np.argwhere(scene.frequency[8:-8, 8:-8, 8:-8] == 0)[0] + 8
    place = box(rare, 3)
    probability = np.zeros(scene.flair.shape, np.float32)
    probability[tuple(rare)] = SURE
    grown = scene.with_lesion(place).grown(probability)
    assert np.count_nonzero(grown[place][scene.frequency[place] < 0.02]) == 1


def test_a_thin_sheet_is_not_grown_into(scene, usual) -> None:
    sheet = usual[0], slice(SIZE // 2 + 4, SIZE // 2 + 20), slice(SIZE // 2, SIZE // 2 + 1)
    probability = np.zeros(scene.flair.shape, np.float32)
    probability[usual] = SURE
    grown = scene.with_lesion(usual, sheet).grown(probability)
    assert (grown[sheet][:, 3:] > 0).mean() < 0.05


def test_nothing_grows_outside_the_brain(scene, usual) -> None:
    brain = scene.brain.copy()
    brain[: SIZE // 2] = False
    probability = np.zeros(scene.flair.shape, np.float32)
    probability[SIZE // 2 + 2, SIZE // 2, SIZE // 2] = SURE
    grown = scene.with_lesion(usual)._replace(brain=brain).grown(probability)
    assert np.count_nonzero(grown[usual]) > 100
    assert not grown[~brain].any()


def test_the_units_of_the_scan_do_not_matter(scene, usual) -> None:
    shown = scene.with_lesion(usual)
    probability = np.zeros(shown.flair.shape, np.float32)
    probability[usual] = SURE
    other = shown._replace(flair=shown.flair.with_data(40 * shown.flair.data - 500))
    assert ((shown.grown(probability) > 0) == (other.grown(probability) > 0)).mean() > 0.99999


def test_nothing_grows_where_white_matter_is_brighter_than_all_else(scene, usual) -> None:
    tissue = np.full(scene.flair.shape, Tissue.CORTEX, np.uint8)
    tissue[usual] = Tissue.WHITE_MATTER
    shown = scene.with_lesion(usual)._replace(anatomy=Anatomy(tissue, np.eye(4), 1.0, ""))
    probability = np.zeros(scene.flair.shape, np.float32)
    probability[SIZE // 2, SIZE // 2, SIZE // 2] = SURE
    assert shown.grown(probability) is probability


def test_an_anatomy_that_was_not_found_is_refused(scene) -> None:
    with pytest.raises(ValueError, match="was not found"):
        scene._replace(anatomy=Anatomy(None, None, 0.1, "")).grown(
            np.zeros(scene.flair.shape, np.float32)
        )


def test_growth_without_regions_is_a_sentence() -> None:
    with pytest.raises(InputError, match=r"--grow: growth needs to know where .*--no-regions"):
        SegmentConfig.from_options(regions=False, grow=True)
    assert SegmentConfig.from_options(grow=True).grow
