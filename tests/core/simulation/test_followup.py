"""Simulated second visits: every change is known, on each visit's own grid."""

import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from fsh_core.cases import discover_cases
from fsh_core.cli import main
from fsh_core.errors import InputError
from fsh_core.simulation.followup import FollowUp, simulate_follow_up
from fsh_core.simulation.followup_config import (
    NOTHING_CHANGES,
    SCANNED_ALIKE,
    FollowUpConfig,
    RescanConfig,
)
from fsh_core.simulation.rescan import Rescan, disturb
from fsh_core.simulation.shape_bank import LesionShapeBank
from fsh_core.simulation.truth import TrueLesion, label_map, labels_in
from fsh_core.tables import TAB, read_table
from fsh_core.volume.boxes import whole_box
from fsh_core.volume.itk import lps_affine
from fsh_core.volume.volume import Volume, load_mask, load_volume, save_like
from tests.core.simulation.test_simulate import WHITE, SimulatedHead

ALIKE = RescanConfig(**SCANNED_ALIKE)
MOVED = RescanConfig(**SCANNED_ALIKE | {"turn_degrees": 8.0, "shift_mm": 10.0})
CHANGES = FollowUpConfig(new=4, enlarging=3, shrinking=3, resolved=4, merged=1, split=1)


@pytest.fixture(scope="module")
def head() -> SimulatedHead:
    """Voxels of 1.5 x 2 x 1.5 mm, in LAS order."""
    return SimulatedHead((1.5, 2.0, 1.5), flip=True)


@pytest.fixture(scope="module")
def bank() -> LesionShapeBank:
    return LesionShapeBank.load()


def follow(head: SimulatedHead, bank: LesionShapeBank, seed: int = 1, **more) -> FollowUp:
    settings = {"config": CHANGES, "rescan": ALIKE} | more
    return simulate_follow_up(head.flair, head.brain, bank, np.random.default_rng(seed), **settings)


@pytest.fixture(scope="module")
def alike(head: SimulatedHead, bank: LesionShapeBank) -> FollowUp:
    return follow(head, bank)


@pytest.fixture(scope="module")
def moved(head: SimulatedHead, bank: LesionShapeBank) -> FollowUp:
    return follow(head, bank, rescan=MOVED)


def volumes(labels: NDArray[np.int32], scan: Volume, cell: str) -> float:
    return float(np.isin(labels, labels_in(cell)).sum()) * scan.voxel_volume_mm3


class TestTheTable:
    def test_every_kind_that_was_asked_for_is_there(self, alike: FollowUp) -> None:
        assert alike.changes["kind"].value_counts().to_dict() == {
            "new": 4,
            "resolved": 4,
            "stable": 4,
            "enlarging": 3,
            "shrinking": 3,
            "merged": 1,
            "split": 1,
        }

    def test_numbers_of_lesions_say_what_became_of_them(self, alike: FollowUp) -> None:
        parts = {
            kind: [
                (len(labels_in(row.labels_before)), len(labels_in(row.labels_after)))
                for row in rows.itertuples()
            ]
            for kind, rows in alike.changes.groupby("kind")
        }
        wanted = {"new": (0, 1), "resolved": (1, 0), "merged": (2, 1), "split": (1, 2)}
        for kind, found in parts.items():
            assert set(found) == {wanted.get(kind, (1, 1))}
        same = alike.changes[alike.changes["kind"].isin(["stable", "enlarging", "shrinking"])]
        assert (same["labels_before"] == same["labels_after"]).all()

    def test_amounts_are_those_that_were_asked_for(self, alike: FollowUp) -> None:
        table = alike.changes.set_index("kind")
        ratios = table["volume_after_mm3"] / table["volume_before_mm3"]
        assert ratios["enlarging"].between(1.4, 3.3).all()
        assert (1 / ratios["shrinking"]).between(1.4, 3.3).all()
        assert (ratios["stable"] == 1).all()
        assert ratios["merged"] > 1 > ratios["split"]

    def test_sizes_are_spread(self, alike: FollowUp) -> None:
        table = alike.changes[alike.changes["kind"] == "new"]
        bins = pd.cut(table["diameter_mm"], [2, 3, 5, 8, 14], labels=False)
        assert sorted(bins) == [0, 1, 2, 3]

    def test_it_holds_for_the_voxels_of_both_visits(self, moved: FollowUp) -> None:
        for row in moved.changes.itertuples():
            for visit, cell, volume_mm3 in (
                (moved.first, row.labels_before, row.volume_before_mm3),
                (moved.second, row.labels_after, row.volume_after_mm3),
            ):
                found_mm3 = volumes(visit.labels, visit.flair, cell)
                parts = max(1, len(labels_in(cell)))
                # Half a voxel of rounding for each part; neighbours share none.
                assert abs(found_mm3 - volume_mm3) <= 0.51 * parts * visit.flair.voxel_volume_mm3
        known = {number for cell in moved.changes["labels_after"] for number in labels_in(cell)}
        assert set(np.unique(moved.second.labels)) - {0} == known


class TestTheScans:
    def test_lesions_are_bright_where_they_are_and_only_there(self, alike: FollowUp) -> None:
        for row in alike.changes.itertuples():
            everywhere = np.isin(alike.first.labels, labels_in(row.labels_before)) | np.isin(
                alike.second.labels, labels_in(row.labels_after)
            )
            first, second = (
                float(visit.flair.data[everywhere].mean()) / WHITE - 1
                for visit in (alike.first, alike.second)
            )
            if row.kind == "new":
                assert abs(first) < 0.06
                assert 0.6 < second / row.contrast < 1.1  # dimmer: voxels that are part lesion
            if row.kind == "resolved":
                assert abs(second) < 0.06
                assert 0.6 < first / row.contrast < 1.1
            if row.kind == "stable":
                assert first == pytest.approx(second)

    def test_away_from_changes_two_like_scans_are_the_same(self, alike: FollowUp) -> None:
        changed = alike.changes[alike.changes["kind"] != "stable"]
        numbers = [
            number
            for cell in (*changed["labels_before"], *changed["labels_after"])
            for number in labels_in(cell)
        ]
        near = np.isin(alike.first.labels, numbers) | np.isin(alike.second.labels, numbers)
        far = ndimage.distance_transform_edt(~near, sampling=alike.first.flair.spacing_mm) > 6
        assert np.allclose(
            alike.first.flair.data[far].clip(0), alike.second.flair.data[far], atol=1e-3
        )

    def test_like_scans_share_a_grid_and_its_orientation(
        self, alike: FollowUp, head: SimulatedHead
    ) -> None:
        for visit in (alike.first, alike.second):
            assert visit.flair.shape == head.flair.shape
            assert visit.flair.affine == pytest.approx(head.flair.affine, abs=1e-9)
        assert alike.to_second == pytest.approx(np.eye(4))

    def test_the_matrix_takes_lesions_of_one_visit_to_the_other(self, moved: FollowUp) -> None:
        rotation = moved.to_second[:3, :3]
        assert rotation @ rotation.T == pytest.approx(np.eye(3))
        degrees = np.degrees(np.arccos((np.trace(rotation) - 1) / 2))
        assert 4 <= degrees <= 8
        stable = moved.changes[moved.changes["kind"] == "stable"]
        for number in stable["labels_before"].astype(int):
            centres = [
                visit.flair.affine[:3, :3] @ np.argwhere(visit.labels == number).mean(axis=0)
                + visit.flair.affine[:3, 3]
                for visit in (moved.first, moved.second)
            ]
            expected = rotation @ centres[0] + moved.to_second[:3, 3]
            assert centres[1] == pytest.approx(expected, abs=0.8)

    def test_the_second_brain_is_the_first_moved(self, moved: FollowUp) -> None:
        first, second = (
            visit.flair.volume_ml(visit.brain) for visit in (moved.first, moved.second)
        )
        assert second == pytest.approx(first, rel=0.01)
        assert moved.second.flair.data[moved.second.brain].mean() > 0.9 * WHITE

    @pytest.mark.parametrize(
        ("plane", "codes"), [("axial", "RAS"), ("sagittal", "ASR"), ("coronal", "RSA")]
    )
    def test_another_plane_and_thicker_slices(
        self, head: SimulatedHead, bank: LesionShapeBank, plane: str, codes: str
    ) -> None:
        rescan = RescanConfig(
            **SCANNED_ALIKE | {"plane": plane, "slice_mm": 4.0, "in_plane_mm": 1.25}
        )
        made = follow(head, bank, rescan=rescan)
        flair = made.second.flair
        assert flair.spacing_mm == pytest.approx((1.25, 1.25, 4.0))
        axes = np.argmax(np.abs(lps_affine(flair)[:3, :3]), axis=0)
        assert ["RAS"[axis] for axis in axes] == list(codes)
        labels = ",".join(cell for cell in made.changes["labels_after"] if cell)
        whole = volumes(made.second.labels, flair, labels)
        assert whole == pytest.approx(made.changes["volume_after_mm3"].sum(), rel=0.05)

    def test_own_lesions_are_followed_and_painted_over(
        self, head: SimulatedHead, bank: LesionShapeBank
    ) -> None:
        own = np.zeros_like(head.brain)
        for place in ((20, 45, 53), (75, 45, 53), (20, 45, 33), (75, 45, 33), (20, 30, 53)):
            own[tuple(slice(start, start + 4) for start in place)] = True
        flair = head.flair.with_data(np.where(own, np.float32(150), head.flair.data))
        none = dict.fromkeys(NOTHING_CHANGES, 0) | {"unchanged": 0}
        made = simulate_follow_up(
            flair,
            head.brain,
            bank,
            np.random.default_rng(0),
            FollowUpConfig(**none, own_new=1, own_resolved=2),
            ALIKE,
            own,
        )
        assert made.changes["kind"].value_counts().to_dict() == {
            "stable": 2,
            "resolved": 2,
            "new": 1,
        }
        for visit, absent, there in (
            (made.first, "new", "resolved"),
            (made.second, "resolved", "new"),
        ):
            rows = made.changes.set_index("kind")
            column = "labels_before" if absent == "resolved" else "labels_after"
            other = "labels_after" if absent == "resolved" else "labels_before"
            gone = np.isin(
                (made.first if absent == "resolved" else made.second).labels,
                [int(cell) for cell in rows.loc[[absent], column]],
            )
            seen = np.isin(visit.labels, [int(cell) for cell in rows.loc[[there], other]])
            assert visit.flair.data[gone].mean() == pytest.approx(WHITE, rel=0.04)
            assert visit.flair.data[seen].mean() == pytest.approx(150, rel=0.02)


class TestPartialVolume:
    def test_a_small_lesion_between_thick_slices_is_not_lost(self) -> None:
        """A sphere of 2.5 mm, half in each of two slices of 3 mm, fills half of no voxel."""
        fine = np.indices((24, 24, 24)) * 0.25 - 2.875
        fraction = (np.linalg.norm(fine, axis=0) < 1.25).astype(np.float32)
        blocks = fraction.reshape(6, 4, 6, 4, 2, 12).mean(axis=(1, 3, 5))
        assert blocks.max() < 0.5
        source = Volume(blocks, np.diag([1.0, 1.0, 3.0, 1.0]))
        lesion = TrueLesion(7, whole_box(source.shape), blocks)
        labels = label_map([lesion], source, source.shape)
        volume_mm3 = float(np.count_nonzero(labels == 7)) * 3
        assert volume_mm3 == pytest.approx(4 / 3 * np.pi * 1.25**3, abs=1.5)

    def test_the_smaller_of_two_lesions_keeps_its_voxels(self) -> None:
        large = np.ones((4, 4, 1), np.float32)
        small = np.zeros((4, 4, 1), np.float32)
        small[1, 1] = 0.2
        source = Volume(large, np.eye(4))
        lesions = [
            TrueLesion(n, whole_box(large.shape), part) for n, part in ((2, small), (1, large))
        ]
        labels = label_map(lesions, source, source.shape)
        assert (labels == 2).sum() == 1
        assert labels[1, 1, 0] == 2
        assert (labels == 1).sum() == 15


class TestDisturbances:
    @pytest.fixture
    def scan(self) -> Volume:
        return Volume(np.full((40, 40, 40), 100, np.float32), np.diag([1.0, 1.0, 2.0, 1.0]))

    def disturbed(self, scan: Volume, **settings: float) -> NDArray[np.float32]:
        whole = np.ones(scan.shape, dtype=bool)
        config = RescanConfig(**SCANNED_ALIKE | settings)
        return disturb(scan, whole, whole, 100.0, config, np.random.default_rng(0))

    def test_none_changes_nothing(self, scan: Volume) -> None:
        assert self.disturbed(scan) == pytest.approx(scan.data)

    def test_noise_is_rician(self, scan: Volume) -> None:
        noisy = self.disturbed(scan, noise=0.05)
        assert noisy.std() == pytest.approx(5, rel=0.02)
        dark = self.disturbed(scan.with_data(scan.data * 0), noise=0.05)
        assert dark.mean() == pytest.approx(5 * np.sqrt(np.pi / 2), rel=0.02)

    def test_a_field_is_smooth_and_as_strong_as_asked(self, scan: Volume) -> None:
        field = np.log(self.disturbed(scan, bias=0.2) / 100)
        assert np.abs(field).max() == pytest.approx(0.2, rel=1e-3)
        assert np.abs(field.mean()) < 0.02
        assert max(np.abs(np.diff(field, axis=axis)).max() for axis in range(3)) < 0.05

    def test_gamma_keeps_white_matter(self, scan: Volume) -> None:
        data = scan.data.copy()
        data[:20] = 150
        changed = self.disturbed(scan.with_data(data), gamma=0.25)
        assert changed[30:] == pytest.approx(100)
        ratio = np.log(changed[:20].mean() / 100) / np.log(1.5)
        assert min(abs(ratio - 1.25), abs(ratio - 0.8)) < 1e-4

    def test_blur_is_as_wide_as_asked_along_every_axis(self, scan: Volume) -> None:
        point = np.zeros_like(scan.data)
        point[20, 20, 20] = 1
        blurred = self.disturbed(scan.with_data(point), blur_mm=4.0)
        for axis, (size, spacing) in enumerate(zip(scan.shape, scan.spacing_mm, strict=True)):
            along = blurred.sum(axis=tuple(other for other in range(3) if other != axis))
            spread_mm2 = np.average(((np.arange(size) - 20) * spacing) ** 2, weights=along)
            assert 2.355 * np.sqrt(spread_mm2) == pytest.approx(4.0, rel=0.05)

    def test_gain_scales(self, scan: Volume) -> None:
        assert self.disturbed(scan, gain=0.25) == pytest.approx(25)

    def test_what_the_first_scan_does_not_show_stays_0(self, scan: Volume) -> None:
        shows = np.zeros(scan.shape, dtype=bool)
        shows[10:30] = True
        config = RescanConfig(**SCANNED_ALIKE | {"noise": 0.1})
        data = disturb(scan, shows, shows, 100.0, config, np.random.default_rng(0))
        assert not data[~shows].any()
        assert data[shows].all()


def test_a_thick_slice_is_the_mean_of_thin_ones() -> None:
    data = np.random.default_rng(0).normal(100, 10, (20, 20, 24)).astype(np.float32)
    first = Volume(data, np.eye(4))
    thick = Rescan(np.diag([1.0, 1.0, 3.0, 1.0]), (20, 20, 8), np.eye(4))
    thick.affine[2, 3] = 1.0  # the middle of the first three slices
    expected = data.reshape(20, 20, 8, 3).mean(axis=3)
    assert thick.resample(first) == pytest.approx(expected, rel=1e-4)


def test_the_same_seed_gives_the_same_bytes(head: SimulatedHead, bank: LesionShapeBank) -> None:
    few = FollowUpConfig(**NOTHING_CHANGES | {"new": 2}, unchanged=2)
    first, again, other = (
        follow(head, bank, seed, config=few, rescan=RescanConfig()) for seed in (3, 3, 4)
    )
    for visits in ((first.first, again.first), (first.second, again.second)):
        assert visits[0].flair.data.tobytes() == visits[1].flair.data.tobytes()
        assert visits[0].labels.tobytes() == visits[1].labels.tobytes()
    assert first.second.flair.data.tobytes() != other.second.flair.data.tobytes()


def test_lesions_do_not_depend_on_the_disturbance(alike: FollowUp, moved: FollowUp) -> None:
    assert alike.first.flair.data.tobytes() == moved.first.flair.data.tobytes()
    assert alike.changes.equals(moved.changes)


def test_a_pair_in_which_nothing_changes(head: SimulatedHead, bank: LesionShapeBank) -> None:
    made = follow(head, bank, config=FollowUpConfig(**NOTHING_CHANGES, unchanged=5), rescan=ALIKE)
    assert made.changes["kind"].tolist() == ["stable"] * 5
    assert np.allclose(made.first.flair.data.clip(0), made.second.flair.data, atol=1e-3)
    assert (made.first.labels == made.second.labels).all()


def test_growth_must_be_a_range() -> None:
    with pytest.raises(InputError, match=r"--most-growth: the largest growth must be at least"):
        FollowUpConfig.from_options(least_growth=4.0)


class TestTheCommand:
    @pytest.fixture
    def scans(self, head: SimulatedHead, tmp_path: Path) -> Path:
        for subject in ("01", "02"):
            flair = tmp_path / "raw" / f"sub-{subject}" / "anat" / f"sub-{subject}_FLAIR.nii.gz"
            save_like(head.flair.data, head.flair, flair)
        return tmp_path / "raw"

    def words(self, scans: Path, out: Path, *more: str) -> list[str]:
        few = ["--enlarging", "2", "--shrinking", "0", "--resolved", "1", "--unchanged", "0"]
        words = ["simulate", str(scans), "-o", str(out), "--follow-up", "--new", "2"]
        return [*words, *few, *more]

    def test_it_writes_sessions_and_their_truth(
        self, scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        out = tmp_path / "out"
        assert main(self.words(scans, out, "--slice-mm", "3")) == 0
        assert (
            "sub-01: 2 new, 2 enlarging, 1 resolved, 1 merged, 1 split\n" in capsys.readouterr().out
        )
        cases = discover_cases(out)
        names = [f"sub-{subject}_ses-{visit}" for subject in ("01", "02") for visit in ("01", "02")]
        assert [case.name for case in cases] == names
        truth = out / "derivatives" / "truth" / "sub-01"
        table = read_table(truth / "sub-01_changes.tsv", TAB)
        record = json.loads((truth / "sub-01_changes.json").read_text())
        assert list(table.columns) == list(record["Columns"])
        assert record["SecondScan"]["slice_mm"] == 3
        assert np.shape(record["FirstToSecond"]) == (4, 4)
        for case, column in zip(cases, ("labels_before", "labels_after"), strict=False):
            flair = load_volume(case.flair)
            mask = load_mask(case.reference, flair).data
            labels = load_volume(
                truth / f"ses-{case.session}" / "anat" / f"{case.name}_label-L_dseg.nii.gz"
            ).data
            assert ((labels > 0) == mask).all()
            known = {number for cell in table[column] for number in labels_in(cell)}
            assert set(np.unique(labels).astype(int)) - {0} == known
            assert load_mask(case.brain, flair).data.any()

    def test_the_same_seed_writes_the_same_files(self, scans: Path, tmp_path: Path) -> None:
        one = scans / "sub-01"
        for folder in ("a", "b"):
            assert main(self.words(one, tmp_path / folder)) == 0
        files = [path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.*")]
        assert len([file for file in files if file.suffix == ".gz"]) == 8
        for file in files:
            if (tmp_path / "a" / file).is_file():
                first, second = (tmp_path / folder / file for folder in ("a", "b"))
                assert first.read_bytes() == second.read_bytes()

    def test_a_stable_pair(
        self, scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        words = ["simulate", str(scans / "sub-01"), "-o", str(tmp_path / "out"), "--stable"]
        assert main(words) == 0
        assert "sub-01: 4 unchanged\n" in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("words", "sentence"),
        [
            (["--follow-up", "--count", "3"], "--count and --burden-ml belong to single scans"),
            (["--new", "3"], "--new belongs to two visits: add --follow-up or --stable"),
            (["--stable", "--noise", "2"], "--noise: Input should be less than or equal to 0.5"),
            (["--follow-up", "--new", "-1"], "--new: Input should be greater than or equal to 0"),
        ],
    )
    def test_it_refuses_in_a_sentence(
        self,
        scans: Path,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        words: list[str],
        sentence: str,
    ) -> None:
        assert main(["simulate", str(scans), "-o", str(tmp_path / "out"), *words]) == 2
        assert sentence in " ".join(capsys.readouterr().err.split())
        assert not (tmp_path / "out").exists()

    def test_two_scans_of_a_patient_are_refused(
        self, head: SimulatedHead, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for session in ("a", "b"):
            name = f"sub-01_ses-{session}"
            flair = tmp_path / "raw" / "sub-01" / f"ses-{session}" / "anat" / f"{name}_FLAIR.nii.gz"
            save_like(head.flair.data, head.flair, flair)
        assert main(self.words(tmp_path / "raw", tmp_path / "out")) == 2
        assert "found 2 scans of sub-01; name one file of each" in capsys.readouterr().err

    @pytest.mark.parametrize("follow_up", [True, False])
    def test_a_dataset_of_others_is_not_written_into(
        self,
        scans: Path,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        follow_up: bool,
    ) -> None:
        out = tmp_path / "mine"
        out.mkdir()
        (out / "dataset_description.json").write_text('{"Name": "mine", "BIDSVersion": "1.8"}')
        more = ["--follow-up"] if follow_up else []
        assert main(["simulate", str(scans), "-o", str(out), *more]) == 2
        assert "was not made by fsh simulate, and is never written" in capsys.readouterr().err
        assert [path.name for path in out.iterdir()] == ["dataset_description.json"]

    def test_its_own_dataset_is_written_again(self, scans: Path, tmp_path: Path) -> None:
        for _ in range(2):
            assert main(self.words(scans / "sub-01", tmp_path / "out")) == 0


def test_lesions_keep_apart(moved: FollowUp) -> None:
    """Three millimetres, so that they are lesions of their own in thicker slices too."""
    first = moved.first
    number_of = {
        number: row.change
        for row in moved.changes.itertuples()
        for number in labels_in(row.labels_before)
    }
    for one, other in itertools.combinations(number_of, 2):
        if number_of[one] != number_of[other]:
            distance_mm = ndimage.distance_transform_edt(
                first.labels != one, sampling=first.flair.spacing_mm
            )
            assert distance_mm[first.labels == other].min() > 2
            break
