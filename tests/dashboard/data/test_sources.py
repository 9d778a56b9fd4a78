"""Where the scan of a record is found, and which files may be opened outside the folder."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from fsh_core.errors import InputError
from fsh_core.files import sha256_of
from fsh_dashboard.data import sources
from fsh_dashboard.data.folder import open_folder
from fsh_dashboard.data.scans import case_files
from fsh_dashboard.data.sources import Source, find_source

RECORD = "sub-P1/anat/sub-P1_seg-lesions_dseg.json"
FLAIR = "sub-P1/anat/sub-P1_FLAIR.nii.gz"


@pytest.fixture
def results(study: Path, tmp_path: Path) -> Path:
    """Results beside the dataset, not in it: what `fsh segment study -o out` leaves."""
    return (study / "derivatives" / "fsh").rename(tmp_path / "out")


@pytest.fixture
def record_path(results: Path) -> Callable[..., None]:
    """Let the record name another path, and another content."""

    def put(path: str, sha256: str | None = None, channel: str = "FLAIR") -> None:
        record = json.loads((results / RECORD).read_text())
        wanted = sha256 or record["input"]["FLAIR"]["sha256"]
        record["input"][channel] = {"path": path, "sha256": wanted}
        (results / RECORD).write_text(json.dumps(record))

    return put


def found_in(results: Path, *images: str) -> Source:
    opened = open_folder([str(results), *images])
    record, _ = case_files(opened, ".", RECORD)
    return find_source(opened, ".", record)


def test_the_scan_of_a_record_is_found_outside_the_folder(study: Path, results: Path) -> None:
    assert found_in(results) == Source(study / FLAIR, None)


def test_the_reference_is_found_outside_where_the_record_names_it(
    study: Path, results: Path, record_path: Callable[..., None]
) -> None:
    [reference] = study.glob("derivatives/manual/sub-P1/anat/*.nii.gz")
    record_path(str(reference), sha256_of(reference), "reference")
    assert found_in(results) == Source(study / FLAIR, reference)
    record_path(str(reference), "0" * 64, "reference")
    assert found_in(results).reference is None


def test_another_file_in_the_place_of_the_scan_is_not_opened(study: Path, results: Path) -> None:
    (study / FLAIR).write_bytes(b"another patient")
    with pytest.raises(InputError, match="is not the file that was segmented") as told:
        found_in(results)
    assert str(study / FLAIR) in str(told.value)
    assert "--images SCANS" in str(told.value)
    (study / FLAIR).unlink()
    with pytest.raises(InputError, match=f"its FLAIR .*{FLAIR} is not there; .*--images"):
        found_in(results)


def test_a_changed_scan_inside_the_folder_is_shown_and_told(study: Path) -> None:
    (study / FLAIR).write_bytes((study / FLAIR).read_bytes() + b"\0")
    opened = open_folder([str(study)])
    record, _ = case_files(opened, "derivatives/fsh", f"derivatives/fsh/{RECORD}")
    source = find_source(opened, "derivatives/fsh", record)
    assert source.flair == study / FLAIR
    assert "SHA-256 differs" in source.problems[0]


@pytest.mark.parametrize("name", ["passwd", "scan.nii.txt", "scan.json", "nii"])
def test_a_file_of_another_kind_is_not_opened_even_with_its_hash(
    tmp_path: Path,
    results: Path,
    record_path: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    secret = tmp_path / name
    secret.write_text("root:x:0:0")
    record_path(str(secret), sha256_of(secret))
    read: list[Path] = []
    monkeypatch.setattr(sources, "sha256_of", lambda path: read.append(path) or "")
    with pytest.raises(InputError, match="is no NIfTI file"):
        found_in(results)
    assert secret not in read


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="no links here")
def test_a_link_called_nifti_to_another_file_is_not_opened(
    tmp_path: Path, results: Path, record_path: Callable[..., None]
) -> None:
    (tmp_path / "secret").write_text("root:x:0:0")
    (tmp_path / "scan.nii").symlink_to(tmp_path / "secret")
    record_path(str(tmp_path / "scan.nii"), sha256_of(tmp_path / "secret"))
    with pytest.raises(InputError, match="is no NIfTI file"):
        found_in(results)


@pytest.mark.parametrize("path", ["", ".", "a\0b", "x" * 5000, "../" * 90 + "nothing.nii"])
def test_a_path_that_leads_nowhere_is_one_sentence(
    results: Path, record_path: Callable[..., None], path: str
) -> None:
    record_path(path)
    with pytest.raises(InputError, match="--images SCANS"):
        found_in(results)


def test_a_link_out_is_followed_to_the_recorded_scan_only(study: Path, tmp_path: Path) -> None:
    flair = study / FLAIR
    flair.rename(tmp_path / "elsewhere.nii.gz")
    flair.symlink_to(tmp_path / "elsewhere.nii.gz")
    opened = open_folder([str(study)])
    record, _ = case_files(opened, "derivatives/fsh", f"derivatives/fsh/{RECORD}")
    found = find_source(opened, "derivatives/fsh", record)
    assert found.flair == tmp_path / "elsewhere.nii.gz"
    (tmp_path / "elsewhere.nii.gz").write_bytes(b"another")
    with pytest.raises(InputError, match="is not the file that was segmented"):
        find_source(opened, "derivatives/fsh", record)


@pytest.mark.parametrize("start", ["cwd", "root", "dataset"])
def test_a_relative_path_finds_its_scan_again(
    study: Path,
    tmp_path: Path,
    results: Path,
    record_path: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    start: str,
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path if start == "cwd" else tmp_path / "empty")
    record_path({"cwd": f"study/{FLAIR}", "root": f"../study/{FLAIR}", "dataset": FLAIR}[start])
    images = [f"--images={study}"] if start == "dataset" else []
    assert found_in(results, *images).flair == study / FLAIR


def test_a_relative_path_counts_from_the_folder_of_the_run(
    study: Path, tmp_path: Path, results: Path, record_path: Callable[..., None], monkeypatch
) -> None:
    """``cd scans; fsh segment P1.nii.gz -o ../out``, and ``fsh dashboard`` from anywhere else."""
    scans = tmp_path / "scans" / "of" / "today"
    scans.mkdir(parents=True)
    (study / FLAIR).rename(scans / "P1.nii.gz")
    record_path("P1.nii.gz")
    with pytest.raises(InputError, match=r"its FLAIR P1\.nii\.gz is not there"):
        found_in(results)
    record = json.loads((results / RECORD).read_text())
    record["run"]["folder"] = str(scans)
    (results / RECORD).write_text(json.dumps(record))
    assert found_in(results).flair == scans / "P1.nii.gz"


def test_a_namesake_that_only_lies_likely_is_not_taken(
    study: Path, results: Path, record_path: Callable[..., None]
) -> None:
    (study / FLAIR).rename(results / "FLAIR.nii.gz")
    record_path("/gone/today/FLAIR.nii.gz")
    assert found_in(results).flair == results / "FLAIR.nii.gz"
    (results / "FLAIR.nii.gz").write_bytes(b"of another patient")
    with pytest.raises(InputError, match="is not there"):
        found_in(results)


def test_a_relative_path_that_leads_to_another_scan_is_not_followed(
    study: Path,
    tmp_path: Path,
    results: Path,
    record_path: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = results / "scan.nii.gz"  # inside the opened folder, of the same name
    nib.save(nib.Nifti1Image(np.zeros((4, 4, 4), np.float32), np.eye(4)), other)
    (tmp_path / "here").mkdir()
    (study / FLAIR).rename(tmp_path / "here" / "scan.nii.gz")
    record_path("scan.nii.gz")
    monkeypatch.chdir(tmp_path / "here")
    assert found_in(results).flair == tmp_path / "here" / "scan.nii.gz"


def test_a_hash_is_computed_once_for_each_state_of_a_file(
    study: Path, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[Path] = []

    def hashed(path: Path) -> str:
        counted.append(path)
        return sha256_of(path)

    sources._hash_of.cache_clear()
    monkeypatch.setattr(sources, "sha256_of", hashed)
    found_in(results)
    found_in(results)
    assert counted == [study / FLAIR]
    os.utime(study / FLAIR, (1e9, 1e9))
    found_in(results)
    assert len(counted) == 2
