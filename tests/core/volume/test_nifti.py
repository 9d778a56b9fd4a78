"""Files that other programs leave: read as they are meant, or refused in one sentence."""

import gzip
import logging
import struct
import tracemalloc
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from fsh_core.errors import InputError
from fsh_core.volume.nifti import read_labels, read_nifti

SHAPE = (20, 18, 16)
AFFINE = np.diag([-0.9, 0.9, 3.0, 1.0])
# Byte positions in a NIfTI-1 header.
VOX_OFFSET, SCL_SLOPE, SCL_INTER, QFORM_CODE, SROW_X = 108, 112, 116, 252, 280


def content(*patches: tuple[int, bytes], qform: bool = True) -> bytes:
    """A good file, some bytes of its header replaced."""
    data = np.arange(np.prod(SHAPE), dtype=np.float32).reshape(SHAPE)
    image = nib.Nifti1Image(data, AFFINE)
    image.set_sform(AFFINE, 1)
    image.set_qform(AFFINE if qform else None, 1 if qform else 0)
    payload = bytearray(image.to_bytes())
    for position, value in patches:
        payload[position : position + len(value)] = value
    return bytes(payload)


def test_a_singular_sform_gives_way_to_a_good_qform(tmp_path: Path, caplog) -> None:
    path = tmp_path / "a_FLAIR.nii"
    path.write_bytes(content((SROW_X, bytes(48))))
    with caplog.at_level(logging.WARNING, "fsh_core"):
        _, affine, _ = read_nifti(path)
    assert np.allclose(affine, AFFINE)
    assert "a_FLAIR.nii: its sform is singular; the qform is used" in caplog.text


def test_a_singular_sform_without_a_qform_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.nii"
    path.write_bytes(content((SROW_X, bytes(48)), qform=False))
    with pytest.raises(InputError, match="has a singular affine"):
        read_nifti(path)


def test_bytes_after_the_gzip_are_ignored_with_a_word(tmp_path: Path, caplog) -> None:
    path = tmp_path / "a.nii.gz"
    path.write_bytes(gzip.compress(content()) + b"\0" * 512)
    with caplog.at_level(logging.WARNING, "fsh_core"):
        data, _, _ = read_nifti(path)
    assert data[1, 0, 0] == SHAPE[1] * SHAPE[2]
    assert "ignored 512 bytes after the end of the gzip file" in caplog.text


def test_several_gzip_members_are_one_file(tmp_path: Path) -> None:
    path, whole = tmp_path / "a.nii.gz", content()
    path.write_bytes(gzip.compress(whole[:1000]) + gzip.compress(whole[1000:]))
    assert np.array_equal(read_nifti(path)[0].ravel(), np.arange(np.prod(SHAPE)))


def test_a_second_member_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    path, whole = tmp_path / "a.nii.gz", content()
    path.write_bytes(gzip.compress(whole[:1000]) + gzip.compress(whole[1000:])[:-9])
    with pytest.raises(InputError, match="ends early or is damaged"):
        read_nifti(path)


def test_a_stream_longer_than_its_header_says_is_refused_while_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.nii.gz"
    path.write_bytes(gzip.compress(content() + bytes(2**29), 1))  # half a GB of zeros
    tracemalloc.start()
    with pytest.raises(InputError, match=r"expected 23392 bytes, as its header says, found a gzip"):
        read_nifti(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2.5e8


@pytest.mark.parametrize(
    ("patches", "reason"),
    [
        ([(SCL_SLOPE, struct.pack("<ff", 1, np.nan))], "scaled by 1 and shifted by nan"),
        ([(SCL_SLOPE, struct.pack("<ff", 2, np.inf))], "scaled by 2 and shifted by inf"),
        ([(VOX_OFFSET, struct.pack("<f", np.inf))], "voxels start at byte inf"),
        ([(VOX_OFFSET, struct.pack("<f", np.nan))], "voxels start at byte nan"),
        ([(VOX_OFFSET, struct.pack("<f", -np.inf))], "voxels start at byte -inf"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_numbers_that_are_none_are_refused(tmp_path: Path, patches, reason, packed) -> None:
    path = tmp_path / ("a.nii.gz" if packed else "a.nii")
    payload = content(*patches)
    path.write_bytes(gzip.compress(payload) if packed else payload)
    with pytest.raises(InputError, match=f"its header makes no sense .*{reason}"):
        read_nifti(path)


@pytest.mark.parametrize("slope", [0.0, np.nan])
def test_no_slope_means_no_scaling(tmp_path: Path, slope) -> None:
    path = tmp_path / "a.nii"
    path.write_bytes(content((SCL_SLOPE, struct.pack("<ff", slope, np.nan))))
    assert read_nifti(path)[0][0, 0, 1] == 1


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.float32, ">i2", ">f4"])
@pytest.mark.parametrize(("slope", "intercept"), [(1.0, 0.0), (0.37, -12.5)])
def test_voxels_are_what_nibabel_says(tmp_path: Path, kind, slope, intercept) -> None:
    header = nib.Nifti1Header(endianness=np.dtype(kind).byteorder.replace("|", "="))
    header.set_data_dtype(kind)
    header.set_slope_inter(slope, intercept)
    stored = np.random.default_rng(0).integers(0, 200, SHAPE).astype(kind)
    path = tmp_path / "a.nii.gz"
    image = nib.Nifti1Image(stored, AFFINE, header, dtype=kind)
    image.header.set_slope_inter(slope, intercept)
    path.write_bytes(gzip.compress(image.to_bytes()))
    data, _, _ = read_nifti(path)
    assert data.dtype == np.dtype("=f4")
    expected = np.asarray(nib.load(path).dataobj, dtype=np.float32)
    np.testing.assert_array_equal(data, expected)


def test_a_scan_is_read_without_a_second_copy(tmp_path: Path) -> None:
    path = tmp_path / "a.nii.gz"
    data = np.zeros((256, 256, 256), dtype=np.float32)
    nib.save(nib.Nifti1Image(data, AFFINE), path)
    tracemalloc.start()
    read, _, _ = read_nifti(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * data.nbytes  # what was unpacked, as it grows, and one part more
    read[0, 0, 0] = 1  # it can be changed


@pytest.mark.parametrize(("largest", "kind"), [(2**15 - 1, np.int16), (2**15, np.int32)])
def test_labels_take_the_room_that_they_need(tmp_path: Path, largest, kind) -> None:
    labels = np.zeros(SHAPE, dtype=np.int32)
    labels[3, 4, 5] = largest
    nib.save(nib.Nifti1Image(labels, AFFINE), tmp_path / "a.nii.gz")
    read, affine, _ = read_labels(tmp_path / "a.nii.gz")
    assert read.dtype == kind
    assert read.flags.c_contiguous
    np.testing.assert_array_equal(read, labels)
    np.testing.assert_allclose(affine, AFFINE)


def test_labels_that_were_written_as_fractions_of_numbers(tmp_path: Path) -> None:
    labels = np.zeros(SHAPE, dtype=np.float32)
    labels[3, 4, 5] = 7
    nib.save(nib.Nifti1Image(labels, AFFINE), tmp_path / "a.nii.gz")
    assert read_labels(tmp_path / "a.nii.gz")[0][3, 4, 5] == 7
