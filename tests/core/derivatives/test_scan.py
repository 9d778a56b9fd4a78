"""The scan of a record is found again, by its content."""

import shutil
from dataclasses import replace

import pytest

from fsh_core.derivatives import find_scan, read_segmentation, write_segmentation
from fsh_core.files import sha256_of


@pytest.fixture
def dataset(make_segmentation, phantom, tmp_path):
    """A dataset with one scan and its derivatives, whose record names the scan as it was given."""
    from fsh_core.volume.volume import save_like

    scan = tmp_path / "data" / "sub-01" / "anat" / "sub-01_FLAIR.nii.gz"
    save_like(phantom.flair.data, phantom.flair, scan)

    def make(given: str):
        found = make_segmentation()
        flair = found.record.flair.model_copy(update={"path": given, "sha256": sha256_of(scan)})
        record = found.record.changed(input={**found.record.input, "FLAIR": flair})
        folder = tmp_path / "data" / "derivatives" / "fsh"
        return read_segmentation(
            write_segmentation(replace(found, record=record), folder)["record"]
        )

    return make, scan


def test_where_the_record_says(dataset) -> None:
    make, scan = dataset
    assert find_scan(make(str(scan))) == scan


@pytest.mark.parametrize(
    "given",
    [
        "sub-01/anat/sub-01_FLAIR.nii.gz",
        "data/sub-01/anat/sub-01_FLAIR.nii.gz",
        "../data/sub-01/anat/sub-01_FLAIR.nii.gz",
    ],
)
def test_a_relative_path_counts_from_the_folders_of_the_record(
    dataset, given, monkeypatch, tmp_path_factory
) -> None:
    make, scan = dataset
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert find_scan(make(given)) == scan


def test_a_relative_path_counts_from_the_folder_of_the_run(dataset, tmp_path) -> None:
    make, scan = dataset
    far = tmp_path / "far" / "away"
    far.mkdir(parents=True)
    stored = make("sub-01_FLAIR.nii.gz")
    scan.rename(far / scan.name)
    assert find_scan(stored) is None
    run = stored.record.run.model_copy(update={"folder": str(far)})
    found = find_scan(replace(stored, record=stored.record.changed(run=run)))
    assert found == far / scan.name


def test_a_dataset_that_was_moved(dataset, tmp_path) -> None:
    make, scan = dataset
    stored = make(str(scan))
    shutil.move(tmp_path / "data", tmp_path / "archive")
    record = tmp_path / "archive" / stored.paths["record"].relative_to(tmp_path / "data")
    found = find_scan(read_segmentation(record))
    assert found == tmp_path / "archive" / scan.relative_to(tmp_path / "data")


def test_another_scan_of_that_name_is_not_taken(dataset) -> None:
    make, scan = dataset
    stored = make(str(scan))
    scan.write_bytes(scan.read_bytes() + b"\0")
    assert find_scan(stored) is None
    scan.unlink()
    assert find_scan(stored) is None
