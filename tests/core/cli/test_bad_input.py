"""Everything unusable that a user may give: one sentence each, and nothing half-done.

The tables say (name, what makes it in a folder, the sentence). They are used here on the
functions that read, and can be given as they are to the command line.
"""

import errno
import gzip
import hashlib
import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray

from fsh_core.cases import discover_cases
from fsh_core.config import ModelConfig, SegmentConfig, TrainConfig
from fsh_core.errors import InputError
from fsh_core.inference.predict import load_predictor
from fsh_core.network.checkpoint import save_checkpoint
from fsh_core.network.model import R2AttentionUNet3d, arrays_of
from fsh_core.volume.volume import Volume, load_mask, load_volume, save_like

SHAPE = (20, 18, 16)
AFFINE = np.diag([-0.9, 0.9, 3.0, 1.0])

# Byte positions in a NIfTI-1 header.
DIM, DATATYPE, PIXDIM, QFORM_CODE, SFORM_CODE, SROW_X = 40, 70, 76, 252, 254, 280


def scan() -> NDArray[np.float32]:
    """Voxels of a good scan."""
    return np.random.default_rng(0).normal(100, 10, SHAPE).astype(np.float32)


def with_voxel(value: float, count: int = 1) -> NDArray[np.float32]:
    """A good scan but for ``count`` voxels."""
    data = scan()
    data.flat[:count] = value
    return data


def nifti(
    data: NDArray[Any], affine: NDArray[np.float64] | None = AFFINE
) -> Callable[[Path], Path]:
    """Make scan.nii.gz of these voxels."""

    def make(folder: Path) -> Path:
        nib.save(nib.Nifti1Image(data, affine), folder / "scan.nii.gz")
        return folder / "scan.nii.gz"

    return make


def patched(*patches: tuple[int, bytes]) -> Callable[[Path], Path]:
    """Make scan.nii of a good scan with some bytes of the header replaced."""

    def make(folder: Path) -> Path:
        content = bytearray(nib.Nifti1Image(scan(), AFFINE).to_bytes())
        for position, value in patches:
            content[position : position + len(value)] = value
        (folder / "scan.nii").write_bytes(content)
        return folder / "scan.nii"

    return make


def raw(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], Path]:
    """Make a file of a good gzipped scan's bytes, changed."""

    def make(folder: Path) -> Path:
        good = gzip.compress(nib.Nifti1Image(scan(), AFFINE).to_bytes(), mtime=0)
        (folder / name).write_bytes(change(good))
        return folder / name

    return make


def files(*names: str, give: str = ".") -> Callable[[Path], Path]:
    """Make empty files and give the folder ``give``."""

    def make(folder: Path) -> Path:
        (folder / give).mkdir(parents=True, exist_ok=True)
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).touch()
        return folder / give

    return make


RGB = np.zeros(SHAPE, dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
SINGULAR = struct.pack("<4f", 0, 0, 0, 0)
QFORM_ONLY = ((SFORM_CODE, b"\0\0"), (QFORM_CODE, b"\1\0"))

# What may be given as INPUT: (name, maker, sentence).
INPUTS: list[tuple[str, Callable[[Path], Path], str]] = [
    (
        "missing file",
        lambda folder: folder / "no.nii.gz",
        r"no.nii.gz: no such file or folder; check the name",
    ),
    (
        "empty folder",
        files(give="empty"),
        r"empty: expected a FLAIR scan .*, found none; name the folder",
    ),
    (
        "folder of other things",
        files("notes.txt", "t1.dcm"),
        r"expected a FLAIR scan .*, found none; name the folder",
    ),
    (
        "folder of masks",
        files("a_mask.nii.gz"),
        r"found 1 of another kind \(a_mask.nii.gz\); name the folder",
    ),
    (
        "subjects without a FLAIR",
        files("sub-1/anat/sub-1_T1w.nii"),
        r"expected a scan in sub-.*found none in 1 subject",
    ),
    (
        "empty nnU-Net folder",
        files("imagesTr/.keep"),
        r"imagesTr: expected scans called CASE_0000.nii.gz, found none",
    ),
    (
        "two FLAIRs of a case",
        files("sub-1/anat/sub-1_run-1_FLAIR.nii", "sub-1/anat/sub-1_run-2_FLAIR.nii"),
        r"run-1_FLAIR.nii: must be the only FLAIR of its case, "
        r"found sub-1_run-2_FLAIR.nii beside it; move one away",
    ),
    (
        "two cases of a name",
        files("a-b.nii", "ab.nii"),
        r"ab.nii: is called sub-ab, and so is .*a-b.nii; rename one",
    ),
    (
        "another kind of file",
        raw("scan.mgz", bytes),
        r"scan.mgz: expected a NIfTI file \(.nii or .nii.gz\), found another",
    ),
    (
        "empty file",
        raw("scan.nii.gz", lambda _: b""),
        r"scan.nii.gz: expected a NIfTI file, found an empty one; copy",
    ),
    (
        "no NIfTI inside",
        raw("scan.nii", lambda _: b"hello" * 200),
        r"scan.nii: expected a NIfTI .* something else; convert",
    ),
    (
        "no NIfTI inside gzip",
        raw("scan.nii.gz", lambda _: gzip.compress(b"hello" * 200)),
        r"scan.nii.gz: expected a NIfTI file, its content is something else; convert it first",
    ),
    (
        "not compressed",
        raw("scan.nii.gz", gzip.decompress),
        r"scan.nii.gz: expected a gzip file, its content is something else; "
        r".* rename it if it is not compressed",
    ),
    (
        "truncated gzip",
        raw("scan.nii.gz", lambda good: good[:900]),
        r"expected a complete gzip .* ends early .*; copy it",
    ),
    (
        "gzip without its end",
        raw("scan.nii.gz", lambda good: good[:-4]),
        r"expected a complete gzip .* ends early .*copy",
    ),
    (
        "wrong check sum",
        raw("scan.nii.gz", lambda good: good[:-8] + bytes(8)),
        r"expected a complete gzip .* damaged \(.*incorrect data check.*\); copy it again",
    ),
    (
        "truncated",
        raw("scan.nii", lambda good: gzip.decompress(good)[:5000]),
        r"expected a complete NIfTI file of 23392 bytes, "
        r"found one that ends early or is damaged \(5000 bytes\); copy",
    ),
    (
        "promises too much",
        patched((DIM, struct.pack("<4h", 3, 32767, 32767, 32767))),
        r"expected a complete NIfTI file of \d+ bytes, "
        r"found one that ends early .* \(23392 bytes\); copy it again",
    ),
    (
        "negative size",
        patched((DIM, struct.pack("<4h", 3, -5, 18, 16))),
        r"at least 16 voxels .* found shape \(-5, 18, 16\)",
    ),
    (
        "voxels in the header",
        patched((108, bytes(4))),
        r"its header makes no sense \(voxels start at byte 0\); convert",
    ),
    (
        "unknown data type",
        patched((DATATYPE, struct.pack("<h", 9999))),
        r"its header makes no sense \(data code 9999",
    ),
    (
        "several volumes",
        nifti(np.stack([scan()] * 3, axis=-1)),
        r"expected one 3-D image, found 4-D with shape \(20, 18, 16, 3\); extract a single volume",
    ),
    (
        "a slice",
        nifti(scan()[:, :, 0]),
        r"expected one 3-D image, found 2-D with shape \(20, 18\); extract",
    ),
    (
        "too few voxels",
        nifti(scan()[:, :15]),
        r"expected at least 16 voxels on each axis, found shape \(20, 15, 16\); use",
    ),
    (
        "a NaN",
        nifti(with_voxel(np.nan)),
        r"every voxel must be a number, found 1 NaN or infinite ones; replace them",
    ),
    (
        "infinities",
        nifti(with_voxel(-np.inf, 7)),
        r"every voxel must be a number, found 7 NaN or infinite ones; replace",
    ),
    (
        "too large for float32",
        nifti(with_voxel(1, 0) * np.float64(1e300)),
        r"found 5760 NaN or infinite ones; replace",
    ),
    (
        "constant",
        nifti(np.full(SHAPE, 7.5, np.float32)),
        r"must have contrast, this one is constant \(every voxel is 7.5\)",
    ),
    (
        "all zeros",
        nifti(np.zeros(SHAPE, np.int16)),
        r"an image must have contrast, this one is all zeros; was the right",
    ),
    (
        "complex",
        nifti(scan().astype(np.complex64)),
        r"voxels must be plain numbers, found complex64; export a magnitude",
    ),
    (
        "RGB",
        nifti(RGB),
        r"voxels must be plain numbers, found RGB colours; export a magnitude image",
    ),
    (
        "singular affine",
        patched((SROW_X, SINGULAR)),
        r"has a singular affine, so voxels have no volume; convert",
    ),
    (
        "NaN in the affine",
        patched((SROW_X, struct.pack("<f", np.nan))),
        r"has a singular affine.*; convert the scan again",
    ),
    (
        "impossible rotation",
        patched(*QFORM_ONLY, (256, struct.pack("<3f", 5, 5, 5))),
        r"has a singular affine, so voxels have no volume; convert the scan again from DICOM",
    ),
    (
        "missing affine",
        patched((SFORM_CODE, b"\0\0"), (QFORM_CODE, b"\0\0")),
        r"has no affine \(sform and qform codes are 0\), so left and right are unknown; "
        r"convert the scan again",
    ),
    (
        "voxels in metres",
        nifti(scan(), AFFINE / 1000),
        r"expected voxels of 0.05 to 20 mm, found 0.0009 x 0.0009 x 0.003 mm",
    ),
    (
        "huge voxels",
        nifti(scan(), np.diag([1, 1, 50.0, 1])),
        r"expected voxels of 0.05 to 20 mm, found 1 x 1 x 50 mm; check",
    ),
    (
        "voxels without size",
        patched(*QFORM_ONLY, (PIXDIM + 4, struct.pack("<f", 0))),
        r"expected voxels of 0.05 to 20 mm, found 0 x 0.9 x 3 mm; check the header's units",
    ),
]

TILTED = AFFINE + np.array([[0, 0.1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])

# What may be given as a mask of a good scan: (name, maker, sentence).
MASKS: list[tuple[str, Callable[[Path], Path], str]] = [
    ("missing", lambda folder: folder / "no.nii.gz", r"no.nii.gz: no such file; check the name"),
    (
        "a folder",
        files(give="folder"),
        r"folder: expected a NIfTI file, found a folder; name a file inside it",
    ),
    (
        "another shape",
        nifti(np.ones((20, 18, 17), np.uint8)),
        r"must have the shape \(20, 18, 16\) of flair.nii.gz, has \(20, 18, 17\); "
        r"resample it to that image",
    ),
    (
        "another affine",
        nifti(np.ones(SHAPE, np.uint8), TILTED),
        r"must have the affine of flair.nii.gz, differs by up to 0.1; resample it to that image",
    ),
    (
        "another orientation",
        nifti(np.ones(SHAPE, np.uint8), np.diag([0.9, 0.9, 3.0, 1.0])),
        r"must have the affine of flair.nii.gz, differs by up to 1.8; resample",
    ),
    (
        "labels",
        nifti((np.arange(np.prod(SHAPE)) % 4).reshape(SHAPE).astype(np.uint8)),
        r"must hold only 0 and 1, found 2, 3; binarise it \(value > 0\) and try again",
    ),
    (
        "probabilities",
        nifti(scan() / 200),
        r"a mask must hold only 0 and 1, found 0.\d+, 0.\d+, 0.\d+; binarise it",
    ),
    (
        "negative",
        nifti(-np.ones(SHAPE, np.int16)),
        r"a mask must hold only 0 and 1, found -1; binarise it",
    ),
    (
        "NaN",
        nifti(np.full(SHAPE, np.nan, np.float32)),
        r"a mask must hold only 0 and 1, found nan; binarise it",
    ),
    (
        "truncated",
        raw("mask.nii.gz", lambda good: good[:900]),
        r"mask.nii.gz: expected a complete gzip file, .*; copy it",
    ),
]

TINY = ModelConfig(widths=(2, 2, 2, 2, 2))


def checkpoint(change: Callable[[Path], Path | None]) -> Callable[[Path], Path]:
    """Make net.safetensors and net.json of a tiny network, then change something."""

    def make(folder: Path) -> Path:
        model = R2AttentionUNet3d(TINY)
        save_checkpoint(model.config, folder / "net.safetensors", {}, arrays_of(model))
        return change(folder) or folder / "net.safetensors"

    return make


def flip_last_byte(folder: Path) -> None:
    """Damage the weights."""
    content = bytearray((folder / "net.safetensors").read_bytes())
    content[-1] ^= 1
    (folder / "net.safetensors").write_bytes(content)


def rewrite_card(**changes: object) -> Callable[[Path], None]:
    """Change what the JSON says."""

    def change(folder: Path) -> None:
        card = json.loads((folder / "net.json").read_text())
        (folder / "net.json").write_text(json.dumps(card | changes))

    return change


def replace_card(content: str) -> Callable[[Path], None]:
    """Write another JSON beside the weights."""

    def change(folder: Path) -> None:
        (folder / "net.json").write_text(content)

    return change


def garble(folder: Path) -> None:
    """Put something else in the file, with the right hash."""
    (folder / "net.safetensors").write_bytes(b"not safetensors")
    rewrite_card(sha256=hashlib.sha256(b"not safetensors").hexdigest())(folder)


# What may be given as weights: (name, maker, sentence).
CHECKPOINTS: list[tuple[str, Callable[[Path], Path], str]] = [
    (
        "missing",
        checkpoint(lambda folder: folder / "no.safetensors"),
        r"no.safetensors: no such file; a checkpoint is",
    ),
    (
        "without its JSON",
        checkpoint(lambda folder: (folder / "net.json").unlink()),
        r"net.json: no such file; a checkpoint",
    ),
    (
        "a pickle",
        checkpoint(lambda folder: folder / "net.pt"),
        r"net.pt: weights must be a .safetensors file \(pickles",
    ),
    (
        "wrong hash",
        checkpoint(flip_last_byte),
        r"net.safetensors: its SHA-256 must be .* is .*; the file is damaged",
    ),
    (
        "another architecture",
        checkpoint(
            rewrite_card(config=ModelConfig(widths=(4, 4, 4, 4, 4)).model_dump(mode="json"))
        ),
        r"net.safetensors: expected weights of the network that net.json describes, found others",
    ),
    (
        "impossible settings",
        checkpoint(rewrite_card(config={"widths": [1, 2, 3, 4, 5]})),
        r"net.safetensors: expected weights of the network that net.json describes, found others",
    ),
    (
        "no safetensors",
        checkpoint(garble),
        r"net.safetensors: expected weights of the network .* found others",
    ),
    (
        "no JSON",
        checkpoint(replace_card("weights")),
        r"net.json: expected the JSON of a checkpoint, cannot be read",
    ),
    (
        "another JSON",
        checkpoint(replace_card("{}")),
        r"net.json: expected a fsh-checkpoint-1 description, found another",
    ),
]

# Settings out of range or unknown: (class, option, value, sentence).
OPTIONS: list[tuple[type[SegmentConfig | TrainConfig | ModelConfig], str, Any, str]] = [
    (SegmentConfig, "threshold", 0.0, r"--threshold: .*greater than 0, got 0.0"),
    (SegmentConfig, "threshold", 1.0, r"--threshold: .*less than 1, got 1.0"),
    (SegmentConfig, "threshold", float("nan"), r"--threshold: .*finite number, got nan"),
    (SegmentConfig, "threshold", "high", r"--threshold: .*valid number.*, got 'high'"),
    (
        SegmentConfig,
        "minimum_volume_mm3",
        -1.0,
        r"--minimum-volume-mm3: .*greater than or equal to 0, got -1.0",
    ),
    (SegmentConfig, "overlap", 1.0, r"--overlap: .*less than 1, got 1.0"),
    (
        SegmentConfig,
        "patch_size",
        (60, 64, 64),
        r"divisible by 16, got \(60, 64, 64\); try \(64, 64, 64\)",
    ),
    (
        SegmentConfig,
        "patch_size",
        (16, 16, 16),
        r"leaves a bridge of one voxel; try \(32, 32, 32\)",
    ),
    (SegmentConfig, "device", "tpu", r"--device: .*'auto', 'cpu', 'cuda' or 'mps', got 'tpu'"),
    (SegmentConfig, "colour", "red", r"--colour: .*not permitted, got 'red'"),
    (TrainConfig, "epochs", 0, r"--epochs: .*greater than or equal to 1, got 0"),
    (TrainConfig, "learning_rate", float("inf"), r"--learning-rate: .*finite number, got inf"),
    (TrainConfig, "schedule", "cosin", r"--schedule: .*'poly', 'cosine' or 'plateau', got 'cosin'"),
    (TrainConfig, "validation_fraction", 1.0, r"--validation-fraction: .*less than 1, got 1.0"),
    (ModelConfig, "widths", (16, 32, 64, 128, 255), r"widths must be even numbers of at least 2"),
    (ModelConfig, "channels", (), r"--channels: .*at least 1 item"),
]


def read(given: Path) -> list[Volume]:
    """Read every FLAIR of what was given."""
    return [load_volume(case.flair) for case in discover_cases(given)]


def is_one_sentence(message: str) -> bool:
    """Tell whether a message is a single line that does not end the thought twice."""
    return "\n" not in message and not message.endswith((".", ";", ":"))


@pytest.mark.parametrize(
    ("make", "sentence"), [row[1:] for row in INPUTS], ids=[row[0] for row in INPUTS]
)
def test_input(tmp_path: Path, make: Callable[[Path], Path], sentence: str) -> None:
    given = make(tmp_path)
    with pytest.raises(InputError, match=sentence) as caught:
        read(given)
    assert str(tmp_path) in str(caught.value)
    assert is_one_sentence(str(caught.value))


@pytest.mark.parametrize(
    ("make", "sentence"), [row[1:] for row in MASKS], ids=[row[0] for row in MASKS]
)
def test_mask(tmp_path: Path, make: Callable[[Path], Path], sentence: str) -> None:
    flair = Volume(scan(), AFFINE)
    given = make(tmp_path)
    with pytest.raises(InputError, match=sentence) as caught:
        load_mask(given, flair, "flair.nii.gz")
    assert str(given) in str(caught.value)
    assert is_one_sentence(str(caught.value))


@pytest.mark.parametrize(
    ("make", "sentence"), [row[1:] for row in CHECKPOINTS], ids=[row[0] for row in CHECKPOINTS]
)
def test_checkpoint(tmp_path: Path, make: Callable[[Path], Path], sentence: str) -> None:
    given = make(tmp_path)
    with pytest.raises(InputError, match=sentence) as caught:
        load_predictor(given)
    assert str(tmp_path) in str(caught.value)
    assert is_one_sentence(str(caught.value))


@pytest.mark.parametrize(
    ("config", "option", "value", "sentence"), OPTIONS, ids=[f"{r[1]}={r[2]}" for r in OPTIONS]
)
def test_option(config: type[SegmentConfig], option: str, value: object, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) as caught:
        config.from_options(**{option: value})
    assert is_one_sentence(str(caught.value))


def test_preset() -> None:
    with pytest.raises(InputError, match="--preset must be 'default' or 'paper', got 'fast'"):
        TrainConfig.preset("fast")


@pytest.mark.parametrize("shape", [SHAPE, (*SHAPE, 1), (*SHAPE, 1, 1)])
def test_a_trailing_axis_of_one_is_no_error(tmp_path: Path, shape: tuple[int, ...]) -> None:
    assert load_volume(nifti(scan().reshape(shape))(tmp_path)).shape == SHAPE


@pytest.mark.parametrize("where", [(), ("bids", "sub-1", "anat")])
def test_a_folder_that_may_not_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: tuple[str, ...]
) -> None:
    # Simulated: the tests may run as root, who may read everything.
    closed = tmp_path.joinpath(*where)
    closed.mkdir(parents=True, exist_ok=True)
    listed = Path.iterdir

    def refuse(folder: Path) -> Any:
        if folder == closed:
            raise PermissionError(errno.EACCES, "Permission denied", str(folder))
        return listed(folder)

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(
        InputError, match=r"cannot be read \(Permission denied\); check its permissions"
    ) as caught:
        discover_cases(tmp_path / "bids" if where else tmp_path)
    assert str(closed) in str(caught.value)


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = nifti(scan())(tmp_path)

    def refuse(path: Path) -> bytes:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(
        InputError,
        match=r"scan.nii.gz: cannot be read \(Permission denied\); check its permissions",
    ):
        load_volume(given)


def test_an_output_folder_that_cannot_be_written(tmp_path: Path) -> None:
    # A path below a regular file: not even root can make that folder.
    (tmp_path / "file").touch()
    with pytest.raises(
        InputError,
        match=r"mask.nii.gz: cannot be written .*/file is a file where a folder is expected",
    ):
        save_like(scan() > 100, Volume(scan(), AFFINE), tmp_path / "file" / "out" / "mask.nii.gz")
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        InputError,
        match=r"mask.nii.gz: cannot be written \(No space left on device\); free some space",
    ):
        save_like(scan() > 100, Volume(scan(), AFFINE), tmp_path / "mask.nii.gz")
    assert list(tmp_path.iterdir()) == []
