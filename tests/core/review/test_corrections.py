"""What readers completed comes back as reference masks, to learn from."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from fsh_core.cases import Case
from fsh_core.cli import main
from fsh_core.derivatives import find_records, read_segmentation
from fsh_core.errors import InputError
from fsh_core.review import Review, open_review, save_review
from fsh_core.review.corrections import corrected_cases, corrections_of
from fsh_core.volume.nifti import read_labels
from tests.core.follow_up.stored import copy_of_dataset, store_visit
from tests.core.tracking.phantom import make_visit

SHORT = ["--patch-size", "32,32,32", "--steps-per-epoch", "1", "--batch-size", "1", "--epochs", "1"]
SHORT += ["--widths", "4,4,4,4,4", "--simulate-fraction", "0", "--simulated-copies", "0"]


def complete(review: Review, rejected: int | None = None) -> None:
    for label in (1, 2):
        review.set_status(label, "rejected" if label == rejected else "accepted")
    review.set_case_status("completed")


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three patients: Anna completed the first two, but for a lesion of the second."""
    root = tmp_path_factory.mktemp("dataset")
    out = root / "derivatives" / "fsh"
    for number, subject in enumerate(("01", "02", "03")):
        lesions = [((-40, -20, 10), 5.0), ((30, 45, 0), 4.0)]
        store_visit(out, root, subject, None, make_visit("m0", lesions, seed=number))
    for record, rejected in zip(find_records(out)[:2], (1, None), strict=True):
        stored = read_segmentation(record)
        review = open_review(stored, "Anna")
        complete(review, rejected)
        if rejected is None:
            review.set_status(2, "unreviewed")
        save_review(review, stored)
    return root


@pytest.fixture
def results(reviewed: Path, tmp_path: Path) -> Path:
    """The results, in a copy that a test may change."""
    return copy_of_dataset(reviewed, tmp_path / "dataset")


def test_a_completed_case_has_the_readers_mask_as_reference(results: Path) -> None:
    found = corrected_cases(results, "Anna")
    (case,) = found.cases
    stored = read_segmentation(find_records(results)[0])
    labels = read_labels(stored.paths["labels"])[0]
    assert case == Case("01", None, {"FLAIR": case.flair}, case.reference, stored.paths["brain"])
    assert case.flair.name == "sub-01_FLAIR.nii.gz"
    assert case.reference is not None
    mask = read_labels(case.reference)[0]
    np.testing.assert_array_equal(mask > 0, labels == 2)  # the first was rejected


def test_the_others_are_left_out_with_their_reason(results: Path) -> None:
    assert corrected_cases(results, "Anna").left_out == {
        "sub-02": "not completed by Anna",
        "sub-03": "nothing saved by Anna",
    }


def test_a_reader_who_completed_nothing(results: Path) -> None:
    said = r"cases that Ben completed and saved, found none of 3 \(completed by Anna\)"
    with pytest.raises(InputError, match=said):
        corrected_cases(results, "Ben")


def test_a_folder_without_results(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="found none; name the derivatives folder"):
        corrected_cases(tmp_path, "Anna")


def test_a_scan_that_changed(results: Path) -> None:
    scan = corrected_cases(results, "Anna").cases[0].flair
    shutil.copy(scan.parents[2] / "sub-02" / "anat" / "sub-02_FLAIR.nii.gz", scan)
    with pytest.raises(InputError, match="found none of 3"):
        corrected_cases(results, "Anna")


@pytest.mark.parametrize("damaged", ["mask", "labels", "original"])
def test_corrections_that_are_not_what_was_saved(
    results: Path, damaged: str, caplog: pytest.LogCaptureFixture
) -> None:
    stored = read_segmentation(find_records(results)[0])
    (saved,) = corrections_of(stored)
    path = {"mask": saved.mask, "labels": saved.labels, "original": stored.paths["labels"]}[damaged]
    shutil.copy(read_segmentation(find_records(results)[1]).paths["probability"], path)
    assert corrections_of(stored) == []
    said = "corrects other lesions" if damaged == "original" else "is not the one that was saved"
    assert said in caplog.text


def test_who_acted_last_comes_last(results: Path) -> None:
    stored = read_segmentation(find_records(results)[0])
    review = open_review(stored, "Aaron")
    complete(review)
    save_review(review, stored)
    assert [one.reader for one in corrections_of(stored)] == ["Anna", "Aaron"]


def test_a_training_from_corrections(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", str(results), "-o", str(tmp_path / "run"), "--validation-fraction", "0"]
    assert main([*words, "--corrected-by", "Anna", *SHORT]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "sub-02: left out, not completed by Anna" in said
    assert "1 training and 0 validation subjects" in said
    again = ["train", str(results), "-o", str(tmp_path / "run"), "--resume", "--epochs", "2"]
    assert main([*again, "--corrected-by", "Anna"]) == 0
    assert "Done" in capsys.readouterr().out
