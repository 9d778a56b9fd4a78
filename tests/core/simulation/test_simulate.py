"""Simulated lesions: exact truth, an untouched target, and a contrast that was asked for."""

import dataclasses
import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from fsh_core.cases import discover_cases
from fsh_core.cli import main
from fsh_core.errors import InputError
from fsh_core.simulation import shape_bank as lesion_bank
from fsh_core.simulation.brain_frame import BrainFrame
from fsh_core.simulation.inpaint import remove_lesions
from fsh_core.simulation.paint import CONTRAST_RANGE
from fsh_core.simulation.render import render
from fsh_core.simulation.shape_bank import LesionShapeBank, Shape
from fsh_core.simulation.simulate import simulate_lesions
from fsh_core.simulation.white_matter import find_white_matter
from fsh_core.volume.volume import Volume, load_mask, load_volume, save_like
from tests.core.simulated_head import WHITE, SimulatedHead


@pytest.fixture(scope="module")
def target() -> SimulatedHead:
    return SimulatedHead()


@pytest.fixture(scope="module")
def bank() -> LesionShapeBank:
    return LesionShapeBank.load()


def cube(
    size: int, place: tuple[float, float, float] = (0.2, 0.0, -0.4), spacing: float = 1.0
) -> Shape:
    return Shape(
        np.ones((size, size, size), dtype=bool), (spacing, spacing, spacing), np.array(place)
    )


def bank_of(*shapes: Shape) -> LesionShapeBank:
    """A bank of one patient."""
    return LesionShapeBank(
        np.array([shape.voxels.shape for shape in shapes], np.int16),
        np.array([shape.spacing_mm for shape in shapes], np.float32),
        np.array([shape.place for shape in shapes], np.float32),
        np.zeros(len(shapes), np.int16),
        np.packbits(np.concatenate([shape.voxels.ravel() for shape in shapes])),
        np.array(["somebody"]),
    )


def distance_mm(mask: NDArray[np.bool_], flair: Volume) -> NDArray[np.float64]:
    return ndimage.distance_transform_edt(~mask, sampling=flair.spacing_mm)


def test_the_bundled_bank_holds_the_lesions_of_29_patients(bank: LesionShapeBank) -> None:
    assert len(np.unique(bank.patients)) == 29
    assert len(bank) > 2500
    assert 480_000 < sum(shape.volume_mm3 for shape in bank) < 510_000
    assert (Path(lesion_bank.__file__).parent / "lesion_shapes.npz").stat().st_size < 400_000


def test_a_bank_keeps_shapes_and_places_through_a_file(tmp_path: Path) -> None:
    # An L of 3 voxels, and a bar of 4, of 1 x 1 x 2 mm; a single voxel of 2 mm3 is too small.
    mask = np.zeros((20, 20, 20), dtype=bool)
    mask[3, 3, 3] = mask[4, 3, 3] = mask[4, 4, 3] = True
    mask[12:16, 10, 10] = True
    mask[18, 18, 18] = True
    volume = Volume(mask, np.diag([1.0, 1.0, 2.0, 1.0]))
    LesionShapeBank.of_masks([volume], [BrainFrame.of_box((0, 0, 0), (20, 20, 40))]).save(
        tmp_path / "bank.npz"
    )
    bank = LesionShapeBank.load(tmp_path / "bank.npz")
    assert [shape.volume_mm3 for shape in bank] == [6.0, 8.0]
    assert bank[0].voxels[:, :, 0].tolist() == [[True, False], [True, True]]
    assert bank[1].spacing_mm == (1.0, 1.0, 2.0)
    # the bar's middle, (13.5, 10, 20) mm, from the middle of the box and its top, in sizes of 20
    assert bank[1].place == pytest.approx([3.5 / 20, 0, -20 / 20])


def test_a_bank_without_lesions_is_refused(target: SimulatedHead) -> None:
    with pytest.raises(InputError, match=r"at least one lesion of 3 mm3"):
        LesionShapeBank.of_masks(
            [target.flair.with_data(target.brain & False)],
            [BrainFrame.of_box((0, 0, 0), (1, 1, 1))],
        )


def test_a_file_that_is_no_bank_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bank.npz").write_bytes(b"no")
    with pytest.raises(InputError, match=r"expected a lesion bank"):
        LesionShapeBank.load(tmp_path / "bank.npz")


def test_the_bank_command_reads_masks(tmp_path: Path, capsys) -> None:
    mask = np.zeros((182, 218, 182), dtype=np.uint8)
    mask[90:94, 126:130, 140:144] = (
        1  # 64 mm3 in the middle of the MNI frame, 70 mm above the commissures
    )
    affine = np.array([[-1.0, 0, 0, 90], [0, 1, 0, -126], [0, 0, 1, -72], [0, 0, 0, 1]])
    save_like(mask, Volume(mask, affine), tmp_path / "masks" / "a.nii.gz")
    assert lesion_bank.main([str(tmp_path / "masks"), str(tmp_path / "bank.npz")]) == 0
    assert "1 lesions of 1 patients" in capsys.readouterr().out
    shape = LesionShapeBank.load(tmp_path / "bank.npz")[0]
    # middle of the box in mm: (-1.5, 1.5, 69.5); of the brain: x 0, y -20.5, top 68; sizes 130,
    # 155, 142.5
    assert shape.place == pytest.approx([-1.5 / 130, 22 / 155, 1.5 / 142.5], abs=1e-4)
    assert lesion_bank.main([]) == 2


@pytest.mark.parametrize("slice_mm", [1.0, 2.5, 7.0])
def test_a_rendered_lesion_keeps_its_volume_up_to_scale(slice_mm: float) -> None:
    spacing = (1.0, 1.0, slice_mm)
    volumes = []
    for seed in range(20):
        rendered = render(cube(12), spacing, spacing, False, np.random.default_rng(seed))
        assert rendered.fraction.min() >= 0
        assert rendered.fraction.max() <= 1
        volumes.append(float(rendered.fraction.sum()) * slice_mm)
        edges = [
            rendered.fraction[0],
            rendered.fraction[-1],
            rendered.fraction[:, 0],
            rendered.fraction[:, :, 0],
        ]
        assert max(edge.max() for edge in edges) < 0.51
    assert min(volumes) > 0.8**3 * 12**3 * 0.9
    assert max(volumes) < 1.25**3 * 13**3 * 1.1
    assert np.median(volumes) == pytest.approx(12**3, rel=0.25)


def test_a_thick_slice_holds_part_of_a_small_lesion() -> None:
    # A 3 mm lesion in slices of 8 mm is stretched to 0.85 slices: one slice, filled to less than
    # one.
    for seed in range(10):
        rendered = render(
            cube(3), (1.0, 1.0, 8.0), (1.0, 1.0, 8.0), False, np.random.default_rng(seed)
        )
        assert 0.5 <= rendered.fraction.max() < 0.97
        assert ((rendered.fraction >= 0.5).any(axis=(0, 1))).sum() == 1


def test_slices_thicker_than_the_grid_blur_along_one_axis() -> None:
    thin = render(cube(9), (1.0,) * 3, (1.0,) * 3, False, np.random.default_rng(1)).fraction
    thick = render(cube(9), (1.0,) * 3, (1.0, 1.0, 7.0), False, np.random.default_rng(1)).fraction
    assert thick.sum() == pytest.approx(thin.sum(), rel=0.02)
    assert (thick > 0.02).any(axis=(0, 1)).sum() >= (thin > 0.02).any(axis=(0, 1)).sum() + 5


def test_white_matter_leaves_fluid_rim_and_lesions_out(target: SimulatedHead) -> None:
    lesion = np.zeros_like(target.brain)
    lesion[50:56, 40:46, 40:44] = True
    bright = target.flair.with_data(np.where(lesion, np.float32(160), target.flair.data))
    white = find_white_matter(bright, target.brain, lesion)
    assert not (white.mask & (target.ventricle | lesion | ~target.brain)).any()
    assert not (white.mask & (distance_mm(~target.brain, target.flair) < 7)).any()
    assert white.mask.sum() > 0.4 * target.brain.sum()
    assert white.level[target.brain] == pytest.approx(WHITE, abs=2)


def test_the_level_of_white_matter_follows_a_bias_field(target: SimulatedHead) -> None:
    field = np.linspace(0.8, 1.2, target.brain.shape[1])[None, :, None]
    white = find_white_matter(
        target.flair.with_data((target.flair.data * field).astype(np.float32)), target.brain
    )
    deep = distance_mm(~target.brain, target.flair) > 15
    error = white.level / (WHITE * field) - 1
    assert np.abs(error[deep]).max() < 0.06


@pytest.mark.parametrize("spacing", [(2.0, 2.0, 2.0), (1.5, 1.5, 6.0)])
def test_truth_is_the_sum_of_the_placed_shapes(
    bank: LesionShapeBank, spacing: tuple[float, float, float]
) -> None:
    target = SimulatedHead(spacing, flip=True)
    made = simulate_lesions(target.flair, target.brain, bank, np.random.default_rng(3), count=15)
    assert len(made.lesions) == 15
    voxel = target.flair.voxel_volume_mm3
    truth = float(made.added.sum()) * voxel
    assert truth == pytest.approx(sum(lesion.truth_mm3 for lesion in made.lesions))
    assert truth == pytest.approx(sum(lesion.volume_mm3 for lesion in made.lesions), rel=0.3)
    assert ndimage.label(made.added, np.ones((3, 3, 3)))[1] >= 15
    assert made.flair.shape == target.flair.shape
    assert (made.flair.affine == target.flair.affine).all()
    assert (made.mask == made.added).all()


def test_large_shapes_have_their_volume_in_the_truth(target: SimulatedHead) -> None:
    made = simulate_lesions(
        target.flair, target.brain, bank_of(cube(14)), np.random.default_rng(0), count=1
    )
    assert made.added.sum() * 8 == pytest.approx(made.lesions[0].volume_mm3, rel=0.05)


def test_nothing_changes_outside_the_brain_in_fluid_or_away_from_lesions(
    target: SimulatedHead, bank: LesionShapeBank
) -> None:
    made = simulate_lesions(target.flair, target.brain, bank, np.random.default_rng(1), count=25)
    changed = made.flair.data != target.flair.data
    assert not (made.added & (~target.brain | target.ventricle)).any()
    assert not (changed & (~target.brain | target.ventricle)).any()
    assert not changed[distance_mm(made.added, target.flair) > 6].any()
    assert (made.flair.data >= target.flair.data).all()


def test_contrast_is_what_is_said(target: SimulatedHead) -> None:
    shapes = bank_of(
        *[
            cube(size, place)
            for size in (8, 10, 12)
            for place in ((0.25, 0.1, -0.4), (-0.25, -0.1, -0.4))
        ]
    )
    told, measured = [], []
    for seed in range(8):
        made = simulate_lesions(
            target.flair, target.brain, shapes, np.random.default_rng(seed), count=4
        )
        labels, count = ndimage.label(made.added, np.ones((3, 3, 3)))
        assert count == len(made.lesions) == 4
        for lesion in made.lesions:
            number = labels[lesion.centre]
            told.append(lesion.contrast)
            measured.append(float(made.flair.data[labels == number].mean()) / WHITE - 1)
    assert CONTRAST_RANGE[0] <= min(told)
    assert max(told) <= CONTRAST_RANGE[1]
    assert np.abs(np.subtract(told, measured)).max() < 0.05
    assert max(told) > 2 * min(told)  # faint ones and bright ones


def test_a_host_with_bright_lesions_gets_bright_ones(
    target: SimulatedHead, bank: LesionShapeBank
) -> None:
    own = np.zeros_like(target.brain)
    for i in (20, 28, 48, 54):
        own[i : i + 4, 40:44, 35:39] = True
    contrasts = []
    for level in (125.0, 165.0):
        flair = target.flair.with_data(np.where(own, np.float32(level), target.flair.data))
        made = simulate_lesions(
            flair, target.brain, bank, np.random.default_rng(0), count=25, reference=own
        )
        assert not (made.added & own).any()
        assert (made.mask == (made.added | own)).all()
        assert (made.flair.data[own] == flair.data[own]).all()
        contrasts.append(np.median([lesion.contrast for lesion in made.lesions]))
    assert contrasts[1] > 1.6 * contrasts[0]


def test_lesions_stay_apart_unless_asked(target: SimulatedHead) -> None:
    crowd = bank_of(*[cube(10)] * 12)
    apart = simulate_lesions(target.flair, target.brain, crowd, np.random.default_rng(0), count=6)
    assert ndimage.label(apart.added, np.ones((3, 3, 3)))[1] == len(apart.lesions)
    together = simulate_lesions(
        target.flair, target.brain, crowd, np.random.default_rng(0), count=6, overlap=True
    )
    assert len(together.lesions) == 6
    assert ndimage.label(together.added, np.ones((3, 3, 3)))[1] < 6


def test_places_follow_the_brain(target: SimulatedHead) -> None:
    # A fifth of the brain's width to the right, mirrored half of the time, and 0.4 of its mean size
    # below the top.
    made = [
        simulate_lesions(
            target.flair, target.brain, bank_of(cube(6)), np.random.default_rng(seed), count=1
        )
        for seed in range(12)
    ]
    places = np.array([one.lesions[0].centre for one in made]) * 2.0 - [149 / 2, 179 / 2, 139 / 2]
    assert np.abs(places[:, 0]) == pytest.approx(28, abs=5)
    assert {True, False} == set(places[:, 0] > 0)
    assert places[:, 2] == pytest.approx(65 - 0.4 * 155, abs=5)


def test_a_burden_is_reached(target: SimulatedHead, bank: LesionShapeBank) -> None:
    for wanted_ml in (2.0, 10.0):
        made = simulate_lesions(
            target.flair, target.brain, bank, np.random.default_rng(4), burden_ml=wanted_ml
        )
        assert made.added.sum() * 8 / 1000 == pytest.approx(wanted_ml, rel=0.15)


@pytest.mark.parametrize("amount", [{"count": 0}, {"burden_ml": 0.0}])
def test_nothing_asked_nothing_done(
    target: SimulatedHead, bank: LesionShapeBank, amount: dict[str, float]
) -> None:
    made = simulate_lesions(target.flair, target.brain, bank, np.random.default_rng(0), **amount)
    assert not made.mask.any()
    assert made.lesions == ()
    assert (made.flair.data == target.flair.data).all()


def test_the_same_seed_gives_the_same_bytes(target: SimulatedHead, bank: LesionShapeBank) -> None:
    first, again, other = (
        simulate_lesions(target.flair, target.brain, bank, np.random.default_rng(seed), count=8)
        for seed in (5, 5, 6)
    )
    assert first.flair.data.tobytes() == again.flair.data.tobytes()
    assert first.lesions == again.lesions
    assert first.flair.data.tobytes() != other.flair.data.tobytes()


@pytest.mark.parametrize("brain", ["nowhere", "fluid"])
def test_no_white_matter_is_one_clear_sentence(
    target: SimulatedHead, bank: LesionShapeBank, brain: str
) -> None:
    mask = target.ventricle if brain == "fluid" else target.brain & False
    with pytest.raises(
        InputError, match=r"must show white matter, found 0\.\d\d ml .* check the brain mask"
    ):
        simulate_lesions(target.flair, mask, bank, np.random.default_rng(0), count=3)


@pytest.mark.parametrize(
    "amount", [{}, {"count": 2, "burden_ml": 1.0}, {"count": -1}, {"burden_ml": np.nan}]
)
def test_amounts_that_make_no_sense_are_refused(
    target: SimulatedHead, bank: LesionShapeBank, amount: dict[str, float]
) -> None:
    with pytest.raises(InputError, match=r"lesions or (a|their) burden"):
        simulate_lesions(target.flair, target.brain, bank, np.random.default_rng(0), **amount)


@pytest.mark.parametrize("spacing", [(2.0, 2.0, 2.0), (1.5, 1.5, 6.0)])
def test_removed_lesions_look_like_white_matter(
    bank: LesionShapeBank, spacing: tuple[float, float, float]
) -> None:
    target = SimulatedHead(spacing)
    made = simulate_lesions(target.flair, target.brain, bank, np.random.default_rng(2), burden_ml=8)
    assert made.flair.data[made.added].mean() > 1.2 * WHITE
    light = remove_lesions(made.flair, made.added, target.brain, np.random.default_rng(0))
    inside = light.data[made.added]
    assert inside.mean() == pytest.approx(WHITE, rel=0.02)
    assert inside.std() == pytest.approx(3.0, rel=0.4)
    far = distance_mm(made.added, target.flair) > 6.5
    assert (light.data[far] == made.flair.data[far]).all()
    again = remove_lesions(made.flair, made.added, target.brain, np.random.default_rng(0))
    assert light.data.tobytes() == again.data.tobytes()


def test_removing_nothing_changes_nothing(target: SimulatedHead) -> None:
    same = remove_lesions(
        target.flair, target.brain & False, target.brain, np.random.default_rng(0)
    )
    assert same.data.tobytes() == target.flair.data.tobytes()


@pytest.fixture
def stripped(target: SimulatedHead, tmp_path: Path) -> Path:
    """A file of the target, and its brain mask beside it, as plain folders have them."""
    path = tmp_path / "in" / "sub-07_FLAIR.nii.gz"
    save_like(target.flair.data, target.flair, path)
    return path


def test_the_command_writes_a_dataset_to_train_on(stripped: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "out"
    assert main(["simulate", str(stripped), "-o", str(out), "--count", "6", "--seed", "1"]) == 0
    assert "sub-07: 6 lesions set" in capsys.readouterr().out
    (case,) = discover_cases(out)
    assert case.name == "sub-07"
    flair = load_volume(case.flair)
    truth = load_mask(case.reference, flair).data
    assert load_mask(case.brain, flair).data.any()
    record = json.loads(Path(str(case.reference).replace(".nii.gz", ".json")).read_text())
    assert sum(lesion["truth_mm3"] for lesion in record["Added"]) == pytest.approx(truth.sum() * 8)
    assert (
        main(
            [
                "simulate",
                str(stripped),
                "-o",
                str(tmp_path / "again"),
                "--count",
                "6",
                "--seed",
                "1",
            ]
        )
        == 0
    )
    files = sorted(path.relative_to(out) for path in out.rglob("*") if path.is_file())
    assert all(
        (out / file).read_bytes() == (tmp_path / "again" / file).read_bytes() for file in files
    )


def test_the_command_removes_first(stripped: Path, tmp_path: Path) -> None:
    heavy, light = tmp_path / "heavy", tmp_path / "light"
    assert main(["simulate", str(stripped), "-o", str(heavy), "--burden-ml", "5"]) == 0
    (case,) = discover_cases(heavy)
    words = [
        "simulate",
        str(case.flair),
        "-o",
        str(light),
        "--count",
        "0",
        "--remove",
        str(case.reference),
    ]
    assert main(words) == 0
    (after,) = discover_cases(light)
    assert not load_mask(after.reference).data.any()
    removed = load_mask(case.reference).data
    assert load_volume(after.flair).data[removed].mean() == pytest.approx(WHITE, rel=0.02)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--seed", "-1"], "--seed must be at least 0"),
        (["--count", "3", "--burden-ml", "1"], "not both"),
    ],
)
def test_the_command_refuses_in_a_sentence(
    stripped: Path, tmp_path: Path, capsys, words, sentence
) -> None:
    assert main(["simulate", str(stripped), "-o", str(tmp_path / "out"), *words]) == 2
    assert sentence in capsys.readouterr().err


def test_removal_from_several_scans_at_once_is_refused(
    stripped: Path, target: SimulatedHead, tmp_path: Path, capsys
) -> None:
    save_like(target.flair.data, target.flair, stripped.parent / "sub-08_FLAIR.nii.gz")
    assert (
        main(
            [
                "simulate",
                str(stripped.parent),
                "-o",
                str(tmp_path / "out"),
                "--remove",
                str(stripped),
            ]
        )
        == 2
    )
    assert "--remove belongs to a single FLAIR, found 2" in capsys.readouterr().err


@pytest.fixture(scope="module")
def training_cases(tmp_path_factory):
    from fsh_core.config import ModelConfig
    from fsh_core.training.training_case import load_training_case

    root, target = tmp_path_factory.mktemp("data"), SimulatedHead((2.0, 2.0, 5.0))
    own = np.zeros_like(target.brain)
    own[50:53, 40:43, 14:16] = True
    flair = target.flair.with_data(np.where(own, np.float32(150), target.flair.data))
    for subject, mask in (("01", own), ("02", own & False)):
        save_like(
            flair.data if mask.any() else target.flair.data,
            flair,
            root / f"sub-{subject}/anat/sub-{subject}_FLAIR.nii.gz",
        )
        save_like(
            mask,
            flair,
            root / f"derivatives/manual/sub-{subject}/anat/sub-{subject}_label-L_mask.nii.gz",
        )
    return [load_training_case(case, ModelConfig(spacing_mm=2.0)) for case in discover_cases(root)]


def source_of(cases, **settings):
    from fsh_core.config import ModelConfig, TrainConfig
    from fsh_core.training.dataset import PatchSource

    config = TrainConfig(model=ModelConfig(spacing_mm=2.0), patch_size=(32, 32, 32), **settings)
    return PatchSource(cases, config)


def test_every_patch_shows_a_lesion(training_cases) -> None:
    untouched = [case.stack.clone() for case in training_cases]
    source = source_of(training_cases, simulate_fraction=1.0, augmentation="none", batch_size=4)
    shown = []
    for step in range(4):
        images, references = source.batch(step)
        assert images.shape == references.shape == (4, 1, 32, 32, 32)
        for image, reference in zip(images, references, strict=True):
            shown.append(int(reference.sum()))
            if shown[-1]:
                # white matter is a third; a lesion is brighter
                assert float(image[reference > 0].mean()) > 0.36
    assert np.mean(np.array(shown) > 0) > 0.8
    assert all(
        (case.stack == before).all() for case, before in zip(training_cases, untouched, strict=True)
    )


def test_a_patch_depends_on_seed_and_step_alone(training_cases) -> None:
    first, second = (source_of(training_cases, simulate_fraction=0.5) for _ in range(2))
    first.batch(0)
    for ours, theirs in zip(first.batch(7), second.batch(7), strict=True):
        assert (ours == theirs).all()


def test_off_is_as_before(training_cases) -> None:
    source = source_of(training_cases)
    assert source._simulator is None
    assert (
        source.batch(1)[0] == source_of(training_cases, simulate_fraction=0.0).batch(1)[0]
    ).all()


def test_other_channels_are_refused(training_cases) -> None:
    from fsh_core.config import ModelConfig, TrainConfig
    from fsh_core.training.dataset import PatchSource

    config = TrainConfig(model=ModelConfig(channels=("FLAIR", "T1w")), simulate_fraction=0.5)
    with pytest.raises(
        InputError, match=r"FLAIR alone; set --simulate-fraction and --simulated-copies to 0"
    ):
        PatchSource(training_cases, config)


def test_a_copy_has_the_lesions_of_another_patient_instead_of_its_own(training_cases) -> None:
    from fsh_core.training.simulated import simulated_copies

    case = training_cases[0]
    own = case.stack[-2].numpy() >= 0.5
    before = case.stack.clone()
    copies = simulated_copies(case, 3, np.random.default_rng(0), ())
    assert len(copies) == 3
    assert (case.stack == before).all()
    for copy in copies:
        image, lesions = copy[0].numpy(), copy[-2].numpy() >= 0.5
        assert 0.005 < lesions.sum() * 0.008 < 120  # ml, voxels of 2 mm
        assert image[lesions].mean() > 0.36  # white matter is a third
        gone = own & ~ndimage.binary_dilation(lesions, iterations=2)
        assert not gone.any() or image[gone].mean() < 0.36
    assert any((one[-2] != other[-2]).any() for one, other in itertools.pairwise(copies))


def test_lesions_of_held_out_patients_are_not_used(bank: LesionShapeBank) -> None:
    left = bank.without({"ljubljana19", "ljubljana07", "nobody"})
    assert sorted(set(bank.names) - set(bank.names[bank.patients[left]])) == [
        "ljubljana07",
        "ljubljana19",
    ]
    assert len(bank.without(())) == len(bank)


def test_thin_and_thick_slices_are_drawn_equally_often(training_cases) -> None:
    """One thin scan among three: half of the patches, and a third without the balance."""
    thick = training_cases[0]
    assert thick.has_thick_slices
    thin = dataclasses.replace(thick, acquired_mm=(2.0, 2.0, 2.0))
    for balance, share in ((True, 0.5), (False, 1 / 3)):
        source = source_of([thin, thick, thick], balance=balance)
        kinds = [
            source._draw(np.random.default_rng(seed))[0].has_thick_slices for seed in range(300)
        ]
        assert 1 - np.mean(kinds) == pytest.approx(share, abs=0.08)
