"""Volumes keep their place: orientation, grid, header and bytes."""

import errno
import gzip
import itertools
import os
import struct
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nibabel.orientations import aff2axcodes
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from fsh_core.cases.names import NIFTI_SUFFIXES
from fsh_core.errors import InputError
from fsh_core.files import write_atomically
from fsh_core.volume.nifti import read_nifti
from fsh_core.volume.resample import block_means, resample, resample_like
from fsh_core.volume.volume import (
    Volume,
    check_same_grid,
    from_ras,
    load_mask,
    load_volume,
    save_like,
    to_ras,
)

SPACING_MM = (0.9, 1.2, 3.0)
SHAPE = (18, 17, 16)
OBLIQUE = Rotation.from_euler("xyz", (11, -8, 5), degrees=True).as_matrix()

# Every way to lay three axes along a patient: 6 orders x 8 choices of direction.
ORIENTATIONS = [
    np.eye(3)[:, order] * signs
    for order in itertools.permutations(range(3))
    for signs in itertools.product((1.0, -1.0), repeat=3)
]


def ramp(shape: tuple[int, int, int] = SHAPE) -> NDArray[np.float32]:
    """Voxels that all differ."""
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


def volume_of(
    matrix: NDArray[np.float64], origin: tuple[float, float, float] = (12.5, -7.25, 3.0)
) -> Volume:
    """A ramp whose axes are the columns of ``matrix``, with anisotropic voxels."""
    affine = np.eye(4)
    affine[:3, :3] = matrix * SPACING_MM
    affine[:3, 3] = origin
    return Volume(ramp(), affine)


def world_of(volume: Volume, value: float) -> NDArray[np.float64]:
    """Where the voxel of a value lies, in mm."""
    (index,) = np.argwhere(volume.data == value)
    return volume.affine @ (*index, 1)


class TestVolume:
    def test_spacing_and_voxel_volume_come_from_the_affine(self) -> None:
        volume = volume_of(OBLIQUE)
        assert volume.spacing_mm == pytest.approx(SPACING_MM)
        assert volume.voxel_volume_mm3 == pytest.approx(0.9 * 1.2 * 3.0)
        assert volume.shape == SHAPE

    def test_a_sheared_voxel_is_smaller_than_its_edges_say(self) -> None:
        affine = np.eye(4)
        affine[0, 1] = 1.0
        volume = Volume(ramp(), affine)
        assert volume.spacing_mm == pytest.approx((1, np.sqrt(2), 1))
        assert volume.voxel_volume_mm3 == pytest.approx(1)

    def test_other_voxels_on_the_same_grid(self) -> None:
        volume = volume_of(np.eye(3))
        other = volume.with_data(ramp() > 3)
        assert other.affine is volume.affine
        assert other.data.dtype == bool

    def test_other_voxels_of_another_shape_are_refused(self) -> None:
        with pytest.raises(ValueError, match=r"volume's shape \(18, 17, 16\), got \(2, 17, 16\)"):
            volume_of(np.eye(3)).with_data(ramp()[:2])


class TestOrientation:
    @pytest.mark.parametrize(
        "matrix", ORIENTATIONS, ids=lambda matrix: "".join(aff2axcodes(np.pad(matrix, (0, 1))))
    )
    @pytest.mark.parametrize("tilt", [np.eye(3), OBLIQUE], ids=["straight", "oblique"])
    def test_to_ras_and_back_is_exact(
        self, matrix: NDArray[np.float64], tilt: NDArray[np.float64]
    ) -> None:
        volume = volume_of(tilt @ matrix)
        ras = to_ras(volume)
        assert aff2axcodes(ras.affine) == ("R", "A", "S")
        assert np.array_equal(from_ras(ras.data, volume), volume.data)
        assert sorted(ras.spacing_mm) == pytest.approx(sorted(SPACING_MM))
        for value in (0, 17, ramp().max()):  # no voxel has moved in the patient
            assert world_of(ras, value) == pytest.approx(world_of(volume, value))

    def test_ras_is_left_alone(self) -> None:
        volume = volume_of(OBLIQUE)
        assert np.array_equal(to_ras(volume).affine, volume.affine)
        assert np.array_equal(to_ras(volume).data, volume.data)

    def test_left_is_left(self) -> None:
        volume = Volume(np.zeros(SHAPE, np.float32), np.diag([-1.0, 1.0, 1.0, 1.0]))  # LAS
        volume.data[0] = 1  # the rightmost plane
        assert to_ras(volume).data[-1].all()
        assert not to_ras(volume).data[:-1].any()

    def test_result_is_contiguous(self) -> None:
        volume = volume_of(ORIENTATIONS[25])
        assert to_ras(volume).data.flags.c_contiguous
        assert from_ras(to_ras(volume).data, volume).flags.c_contiguous


class TestFiles:
    @pytest.mark.parametrize("suffix", NIFTI_SUFFIXES)
    @pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
    @pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, np.float64])
    def test_every_kind_of_nifti(self, tmp_path: Path, suffix: str, kind: Any, dtype: Any) -> None:
        affine = volume_of(OBLIQUE).affine
        data = (ramp() % 200).astype(dtype)
        path = tmp_path / f"scan{suffix}"
        nib.save(kind(data, affine), path)
        volume = load_volume(path)
        assert volume.data.dtype == np.float32
        assert type(volume.data) is np.ndarray  # no memory map: the file may be gone a moment later
        assert np.array_equal(volume.data, data)
        assert volume.affine.dtype == np.float64
        assert volume.affine == pytest.approx(affine, abs=1e-5)
        assert isinstance(volume.header, nib.Nifti2Header) == (kind is nib.Nifti2Image)

    def test_big_endian(self, tmp_path: Path) -> None:
        image = nib.Nifti1Image(ramp(), np.eye(4), nib.Nifti1Header(endianness=">"))
        nib.save(image, tmp_path / "scan.nii")
        volume = load_volume(tmp_path / "scan.nii")
        assert np.array_equal(volume.data, ramp())
        save_like(volume.data, volume, tmp_path / "out.nii")
        assert np.array_equal(load_volume(tmp_path / "out.nii").data, ramp())

    def test_slope_and_intercept_are_applied(self, tmp_path: Path) -> None:
        image = nib.Nifti1Image(ramp().astype(np.int16), np.eye(4))
        image.header.set_slope_inter(0.5, 10)
        nib.save(image, tmp_path / "scan.nii.gz")
        assert np.array_equal(load_volume(tmp_path / "scan.nii.gz").data, ramp() * 0.5 + 10)

    def test_trailing_axes_of_one_are_dropped(self, tmp_path: Path) -> None:
        nib.save(nib.Nifti1Image(ramp()[..., None, None], np.eye(4)), tmp_path / "scan.nii")
        assert np.array_equal(load_volume(tmp_path / "scan.nii").data, ramp())

    def test_the_rotation_may_be_a_quaternion(self, tmp_path: Path) -> None:
        image = nib.Nifti1Image(ramp(), None)
        image.set_qform(volume_of(OBLIQUE).affine, code=1)
        image.set_sform(None, code=0)
        nib.save(image, tmp_path / "scan.nii")
        assert load_volume(tmp_path / "scan.nii").affine == pytest.approx(
            volume_of(OBLIQUE).affine, abs=1e-4
        )

    @given(
        flips=st.lists(st.tuples(st.integers(0, 351), st.integers(0, 255)), min_size=1, max_size=6)
    )
    def test_a_damaged_header_is_read_or_refused_in_one_line(
        self, tmp_path_factory: pytest.TempPathFactory, flips: list[tuple[int, int]]
    ) -> None:
        content = bytearray(nib.Nifti1Image(ramp().astype(np.int16), np.eye(4)).to_bytes())
        for position, value in flips:
            content[position] = value
        path = tmp_path_factory.mktemp("damaged") / "scan.nii"
        path.write_bytes(content)
        refusal = ""
        try:
            read_nifti(path)
        except InputError as error:
            refusal = str(error)
        assert "\n" not in refusal

    def test_nibabels_own_messages_stay_silent(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        content = bytearray(nib.Nifti1Image(ramp(), np.eye(4)).to_bytes())
        content[76:80] = b"\0\0\0\0"  # qfac, which nibabel repairs
        (tmp_path / "scan.nii").write_bytes(content)
        with caplog.at_level(1), caplog.at_level(1, logger="nibabel.global"):
            load_volume(tmp_path / "scan.nii")
        assert caplog.records == []


class TestMasks:
    def test_a_mask_is_boolean(self, tmp_path: Path) -> None:
        volume = volume_of(np.eye(3))
        save_like(volume.data > 5, volume, tmp_path / "mask.nii.gz")
        mask = load_mask(tmp_path / "mask.nii.gz", volume, "scan.nii.gz")
        assert mask.data.dtype == bool
        assert np.array_equal(mask.data, volume.data > 5)

    def test_an_empty_mask_is_accepted(self, tmp_path: Path) -> None:
        volume = volume_of(np.eye(3))
        save_like(np.zeros(SHAPE, bool), volume, tmp_path / "mask.nii.gz")
        assert not load_mask(tmp_path / "mask.nii.gz", volume, "scan.nii.gz").data.any()

    def test_ones_that_a_slope_blurs_are_ones(self, tmp_path: Path) -> None:
        image = nib.Nifti1Image((ramp() > 5).astype(np.uint8) * np.uint8(255), np.eye(4))
        image.header.set_slope_inter(1 / 255, 0)
        nib.save(image, tmp_path / "mask.nii.gz")
        assert np.array_equal(load_mask(tmp_path / "mask.nii.gz").data, ramp() > 5)

    def test_rounding_of_the_affine_is_no_difference(self) -> None:
        volume = volume_of(OBLIQUE)
        check_same_grid(volume, Volume(volume.data, volume.affine + 5e-4), "a", "b")


class TestResample:
    @pytest.mark.parametrize("spacing_mm", [0.5, 1.0, 2.0])
    def test_landmarks_keep_their_place_in_the_patient(self, spacing_mm: float) -> None:
        # A blob wider than any voxel: its centre of mass is the landmark.
        volume = volume_of(OBLIQUE @ ORIENTATIONS[13])
        centre = volume.affine[:3, :3] @ (8.3, 9.1, 7.4) + volume.affine[:3, 3]
        distance = np.linalg.norm(_world_grid(volume) - centre, axis=-1)
        blob = resample(
            volume.with_data(np.exp(-((distance / 4) ** 2)).astype(np.float32)), spacing_mm
        )
        weight = blob.data / blob.data.sum()
        found = (_world_grid(blob) * weight[..., None]).sum(axis=(0, 1, 2))
        assert blob.spacing_mm == pytest.approx((spacing_mm,) * 3)
        assert found == pytest.approx(centre, abs=0.05)

    @pytest.mark.parametrize("spacing_mm", [0.4, 1.0, 1.7])
    def test_a_constant_stays_constant(self, spacing_mm: float) -> None:
        volume = volume_of(OBLIQUE).with_data(np.full(SHAPE, 7.5, np.float32))
        assert resample(volume, spacing_mm).data == pytest.approx(7.5, rel=1e-6)

    @pytest.mark.parametrize(
        ("spacing_mm", "tolerance_mm"), [(0.4, 1e-4), (0.9, 1e-4), (2.1, 0.15)]
    )
    def test_a_ramp_stays_a_ramp(self, spacing_mm: float, tolerance_mm: float) -> None:
        # The value is the position in mm: exact where voxels shrink, within a fraction of
        # a voxel where they are averaged. The rim, where there is no neighbour, is left out.
        volume = volume_of(np.eye(3))
        for axis in range(3):
            position = _world_grid(volume)[..., axis].astype(np.float32)
            found = resample(volume.with_data(position), spacing_mm)
            inside = (slice(None),) * axis + (slice(8, -8) if spacing_mm < 1 else slice(2, -2),)
            assert found.data[inside] == pytest.approx(
                _world_grid(found)[..., axis][inside], abs=tolerance_mm
            )

    def test_equal_spacing_is_the_identity(self) -> None:
        volume = Volume(ramp(), np.diag([-1.0, 1.0, 1.0, 1.0]))
        same = resample(volume, 1.0)
        assert np.array_equal(same.data, volume.data)
        assert np.array_equal(same.affine, volume.affine)
        assert np.array_equal(resample_like(same.data, same, volume), volume.data)

    def test_one_percent_is_equal_enough(self) -> None:
        volume = Volume(ramp(), np.diag([1.009, 1.02, 1.0, 1.0]))
        near = resample(volume, 1.0)
        assert near.spacing_mm == pytest.approx((1.009, 1.0, 1.0))

    def test_the_extent_is_covered(self) -> None:
        volume = Volume(ramp((20, 20, 20)), np.diag([1.0, 2.0, 6.8, 1.0]))
        fine = resample(volume, 1.0)
        assert fine.shape == (20, 40, 136)
        # The centre of the field of view does not move.
        middle = [(size - 1) / 2 for size in volume.shape]
        middle_fine = [(size - 1) / 2 for size in fine.shape]
        assert fine.affine @ (*middle_fine, 1) == pytest.approx(volume.affine @ (*middle, 1))

    def test_nothing_aliases_where_voxels_grow(self) -> None:
        # Stripes too fine for the new voxels become grey; picking or interpolating between
        # two of them would give black and white again.
        stripes = np.tile(np.array([0.0, 1.0], np.float32), 24)[:, None, None] * np.ones(
            (1, 16, 16), np.float32
        )
        coarse = resample(Volume(stripes, np.diag([1 / 3, 1.0, 1.0, 1.0])), 1.0)
        assert coarse.shape == (16, 16, 16)
        assert coarse.data[2:-2] == pytest.approx(0.5, abs=0.06)

    def test_a_mask_becomes_a_fraction(self) -> None:
        mask = np.zeros((20, 20, 20), bool)
        mask[5:10] = True
        half = resample(Volume(mask, np.diag([1.0, 1.0, 1.0, 1.0])), 2.0)
        assert half.data.dtype == np.float32
        assert half.data.min() >= 0
        assert half.data.max() <= 1

    @pytest.mark.parametrize("matrix", [np.eye(3), OBLIQUE, OBLIQUE @ ORIENTATIONS[42]])
    @pytest.mark.parametrize("spacing_mm", [0.5, 1.0])
    def test_there_and_back(self, matrix: NDArray[np.float64], spacing_mm: float) -> None:
        volume = volume_of(matrix)
        smooth = _world_grid(volume).sum(axis=-1)
        smooth = np.sin(smooth / 15).astype(np.float32)
        there = resample(volume.with_data(smooth), spacing_mm)
        back = resample_like(there.data, there, volume)
        assert back.shape == volume.shape
        assert back[2:-2, 2:-2, 2:-2] == pytest.approx(smooth[2:-2, 2:-2, 2:-2], abs=0.05)

    @given(
        shape=st.tuples(*[st.integers(16, 24)] * 3),
        spacing=st.tuples(*[st.floats(0.4, 7)] * 3),
        target=st.floats(0.5, 2.5),
    )
    def test_the_way_back_has_the_input_grid(
        self, shape: tuple[int, int, int], spacing: tuple[float, float, float], target: float
    ) -> None:
        volume = Volume(ramp(shape), np.diag([*spacing, 1.0]))
        there = resample(volume, target)
        back = resample_like(there.data, there, volume)
        assert back.shape == shape
        assert volume.data.min() - 1 <= back.min()
        assert back.max() <= volume.data.max() + 1


class TestSave:
    @pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
    @pytest.mark.parametrize("suffix", NIFTI_SUFFIXES)
    def test_grid_codes_units_and_version_are_kept(
        self, tmp_path: Path, kind: Any, suffix: str
    ) -> None:
        image = kind(ramp().astype(np.int16), None)
        image.set_sform(volume_of(OBLIQUE).affine, code=4)
        image.set_qform(volume_of(OBLIQUE @ ORIENTATIONS[3]).affine, code=2)
        image.header.set_xyzt_units("mm", "sec")
        image.header.set_slope_inter(0.5, 3)
        nib.save(image, tmp_path / f"scan{suffix}")
        volume = load_volume(tmp_path / f"scan{suffix}")
        save_like(volume.data > 9, volume, tmp_path / f"mask{suffix}")

        before, after = nib.load(tmp_path / f"scan{suffix}"), nib.load(tmp_path / f"mask{suffix}")
        assert type(after) is kind
        assert np.array_equal(after.affine, before.affine)
        assert np.array_equal(after.get_qform(), before.get_qform())
        for name in ("sform_code", "qform_code", "xyzt_units"):
            assert after.header[name] == before.header[name]
        assert after.get_data_dtype() == np.uint8
        assert (after.dataobj.slope, after.dataobj.inter) == (1, 0)
        assert np.array_equal(np.asarray(after.dataobj), volume.data > 9)

    def test_the_slope_is_written_out(self, tmp_path: Path) -> None:
        # Not every program knows that "not a number" there means 1.
        save_like(ramp() > 9, volume_of(OBLIQUE), tmp_path / "mask.nii")
        assert struct.unpack_from("<2f", (tmp_path / "mask.nii").read_bytes(), 112) == (1, 0)

    @pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
    def test_values_are_kept_exactly(self, tmp_path: Path, dtype: Any) -> None:
        data = (np.random.default_rng(0).random(SHAPE) * 200).astype(dtype)
        save_like(data, volume_of(OBLIQUE), tmp_path / "x.nii.gz")
        found = nib.load(tmp_path / "x.nii.gz")
        assert found.get_data_dtype() == dtype
        assert np.array_equal(np.asarray(found.dataobj), data)

    def test_what_may_name_the_patient_stays_behind(self, tmp_path: Path) -> None:
        image = nib.Nifti1Image(ramp(), np.eye(4))
        image.header.extensions.append(nib.nifti1.Nifti1Extension(6, b"Doe, John"))
        for field in ("descrip", "aux_file", "db_name"):
            image.header[field] = b"Doe, John"
        nib.save(image, tmp_path / "scan.nii")
        assert b"Doe, John" in (tmp_path / "scan.nii").read_bytes()
        volume = load_volume(tmp_path / "scan.nii")
        save_like(volume.data > 9, volume, tmp_path / "mask.nii")
        assert b"Doe, John" not in (tmp_path / "mask.nii").read_bytes()

    @pytest.mark.parametrize("suffix", NIFTI_SUFFIXES)
    def test_the_same_bytes_every_time(
        self, tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        volume = volume_of(OBLIQUE)
        save_like(volume.data, volume, tmp_path / f"one{suffix}")
        monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)  # gzip would write it down
        save_like(volume.data, volume, tmp_path / f"two{suffix}")
        assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"two{suffix}").read_bytes()

    def test_gz_is_gzip(self, tmp_path: Path) -> None:
        volume = volume_of(OBLIQUE)
        save_like(volume.data, volume, tmp_path / "a.nii.gz")
        save_like(volume.data, volume, tmp_path / "a.nii")
        assert (
            gzip.decompress((tmp_path / "a.nii.gz").read_bytes())
            == (tmp_path / "a.nii").read_bytes()
        )

    def test_folders_are_made(self, tmp_path: Path) -> None:
        save_like(ramp(), volume_of(OBLIQUE), tmp_path / "a" / "b" / "c.nii")
        assert (tmp_path / "a" / "b" / "c.nii").is_file()


class TestWriteAtomically:
    @pytest.mark.parametrize("step", ["fsync", "replace"])
    def test_a_full_disk_leaves_nothing_behind(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
    ) -> None:
        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, step, full)
        with pytest.raises(
            InputError, match=r"c.nii.gz: cannot be written \(No space left on device\); free some"
        ):
            save_like(ramp(), volume_of(OBLIQUE), tmp_path / "c.nii.gz")
        assert list(tmp_path.iterdir()) == []

    def test_a_failed_write_keeps_the_old_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "record.json"
        write_atomically(path, "old")

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(InputError, match="No space left on device"):
            write_atomically(path, "new")
        assert path.read_text() == "old"
        assert list(tmp_path.iterdir()) == [path]

    def test_an_interruption_leaves_nothing_behind(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupt(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(os, "fsync", interrupt)
        with pytest.raises(KeyboardInterrupt):
            write_atomically(tmp_path / "x", b"123")
        assert list(tmp_path.iterdir()) == []

    def test_the_file_is_as_readable_as_any_other(self, tmp_path: Path) -> None:
        (tmp_path / "plain").write_text("x")
        write_atomically(tmp_path / "atomic", "x")
        assert (tmp_path / "atomic").stat().st_mode == (tmp_path / "plain").stat().st_mode


def _world_grid(volume: Volume) -> NDArray[np.float64]:
    """Positions of all voxel centres in mm, (I, J, K, 3)."""
    indices = np.moveaxis(np.indices(volume.shape), 0, -1)
    return indices @ volume.affine[:3, :3].T + volume.affine[:3, 3]


class TestVolumeOfAMask:
    VOLUME = Volume(np.zeros((20, 12, 14), np.float32), np.diag([0.5, -2.0, 4.0, 1.0]))

    def test_by_hand(self):
        mask = np.zeros(self.VOLUME.shape, dtype=bool)
        mask[:10, :10, :10] = True  # 5 x 20 x 40 mm
        assert self.VOLUME.volume_ml(mask) == 4.0
        assert self.VOLUME.volume_ml(~mask & mask) == 0.0

    def test_of_a_label_map_every_lesion_counts_once(self):
        """Where a copy took the sum, lesion 7 counted seven times."""
        labels = np.zeros(self.VOLUME.shape, dtype=np.int32)
        labels[0, 0, :3], labels[5, 5, 5] = 2, 7
        assert self.VOLUME.volume_ml(labels) == pytest.approx(4 * 4.0 / 1000)

    def test_of_another_grid_it_is_refused(self):
        with pytest.raises(ValueError, match="mask must have the volume's shape"):
            self.VOLUME.volume_ml(np.ones((20, 12, 13), dtype=bool))


class TestBlockMeans:
    def test_by_hand(self):
        data = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
        means = block_means(data, (2, 3, 2))
        assert means.shape == (1, 1, 2)
        assert means.ravel().tolist() == [10.5, 12.5]

    def test_an_incomplete_block_is_filled_with_its_border(self):
        data = np.array([0.0, 2.0, 7.0], dtype=np.float32).reshape(3, 1, 1)
        assert block_means(data, (2, 1, 1)).ravel().tolist() == [1.0, 7.0]

    def test_a_mask_gives_shares(self):
        mask = np.array([True, False, True, True]).reshape(4, 1, 1)
        assert block_means(mask, (2, 1, 1)).ravel().tolist() == [0.5, 1.0]


@pytest.mark.parametrize(
    ("given", "highest", "stored"),
    [
        (np.bool_, 1, np.uint8),
        (np.uint8, 255, np.uint8),
        (np.int32, 2**15 - 1, np.int16),
        (np.int64, 2**15, np.int32),
        (np.uint16, 2**16 - 1, np.uint16),
        (np.float32, 2**15, np.float32),
    ],
)
def test_labels_are_written_in_as_few_bits_as_hold_them(tmp_path, given, highest, stored) -> None:
    data = np.zeros((2, 3, 4), given)
    data[1, 2, 3] = highest
    save_like(data, Volume(data, np.eye(4)), tmp_path / "labels.nii.gz")
    image = nib.load(tmp_path / "labels.nii.gz")
    assert image.get_data_dtype() == stored
    assert np.asarray(image.dataobj)[1, 2, 3] == highest
