"""A saved review is whole: its files belong together whenever the program was killed."""

import json
import os

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from fsh_core.derivatives import read_segmentation, write_segmentation
from fsh_core.errors import InputError
from fsh_core.files import sha256_of
from fsh_core.review import open_review, review_paths, save_review
from tests.core.dying import lives_through

STEPS = 14  # more than a save has renames


@pytest.fixture
def stored(make_segmentation, tmp_path):
    return read_segmentation(write_segmentation(make_segmentation(), tmp_path / "out")["record"])


def assert_together(paths, lesions: set[int]) -> None:
    """Mask, labels, table and record say the same."""
    record = json.loads(paths["record"].read_text())
    assert record["files_sha256"] == {
        key: sha256_of(paths[key]) for key in ("mask", "labels", "table")
    }
    labels = np.asarray(nib.load(paths["labels"]).dataobj)
    mask = np.asarray(nib.load(paths["mask"]).dataobj)
    np.testing.assert_array_equal(mask > 0, labels > 0)
    assert set(np.unique(labels).tolist()) - {0} == lesions
    table = pd.read_csv(paths["table"], sep="\t")
    assert set(table["index"]) == lesions


def test_the_record_holds_the_hashes_of_the_other_files(stored) -> None:
    assert_together(save_review(open_review(stored, "Anna"), stored), {1, 2, 3})


def delete_and_save(stored) -> None:
    """Delete a lesion and save."""
    review = open_review(stored, "Anna")
    review.delete(3)
    save_review(review, stored)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a process is forked here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_killed_at_any_step_the_files_belong_together_afterwards(stored) -> None:
    paths = review_paths(stored, "Anna")
    anat = paths["record"].parent
    found = set()
    for step in range(STEPS):
        for path in (*paths.values(), open_review(stored, "Anna").journal.path):
            path.unlink(missing_ok=True)
        save_review(open_review(stored, "Anna"), stored)
        lived = lives_through(lambda: delete_and_save(stored), step)
        review = open_review(stored, "Anna")  # any command looks after it
        record = json.loads(paths["record"].read_text())
        lesions = {1, 2} if record["lesion_count"] == 2 else {1, 2, 3}
        assert_together(paths, lesions)
        found.add(record["lesion_count"])
        assert not list(anat.glob(".fsh-*"))
        assert review.lesions == [1, 2]
        if lived:
            break
    assert lived, "more renames than steps"
    assert found == {2, 3}


def test_a_save_that_fails_changes_nothing(stored, monkeypatch) -> None:
    review = open_review(stored, "Anna")
    paths = save_review(review, stored)
    before = {path: path.read_bytes() for path in paths.values()}
    review.delete(3)

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fsh_core.files.os.fsync", full)
    with pytest.raises(InputError, match="No space left on device"):
        save_review(review, stored)
    assert {path: path.read_bytes() for path in paths.values()} == before
    assert not list(paths["record"].parent.glob(".fsh-*"))


def test_the_hash_is_that_of_the_lesions_that_were_reviewed(stored) -> None:
    review = open_review(stored, "Anna")
    review.set_status(1, "accepted")
    original = sha256_of(stored.paths["labels"])
    record = json.loads(save_review(review, stored)["record"].read_text())
    assert record["original_labels_sha256"] == original
    labels = nib.load(stored.paths["labels"])
    nib.save(
        nib.Nifti1Image(np.zeros(labels.shape, np.int16), labels.affine), stored.paths["labels"]
    )
    with pytest.raises(InputError, match="holds other lesions than when the review was opened"):
        save_review(review, stored)


def test_a_redrawn_lesion_keeps_nothing_that_was_said_of_its_voxels(
    make_segmentation, tmp_path
) -> None:
    from dataclasses import replace

    found = make_segmentation()
    lesions = found.lesions.assign(
        region=["deep", "deep", "deep"],
        uncertainty=[0.1, 0.2, 0.3],
        confidence=[0.9, 0.8, 0.7],
        flags=["", "", "vessel"],
    )
    paths = write_segmentation(replace(found, lesions=lesions), tmp_path / "out")
    stored = read_segmentation(paths["record"])
    review = open_review(stored, "Anna")
    review.paint(np.arange(400), 3)  # of 4 voxels
    review.paint(np.flatnonzero(review.labels == 2)[:1], 0)
    table = pd.read_csv(save_review(review, stored)["table"], sep="\t").set_index("index")
    assert table.loc[1, ["region", "uncertainty", "confidence"]].tolist() == ["deep", 0.1, 0.9]
    assert table.loc[2, "region"] == "deep"
    assert table.loc[[2, 3], ["uncertainty", "confidence", "flags"]].isna().all(axis=None)
    assert pd.isna(table.loc[3, "region"])


def test_lesions_under_review_are_not_replaced(make_segmentation, tmp_path) -> None:
    from dataclasses import replace

    found = make_segmentation()
    stored = read_segmentation(write_segmentation(found, tmp_path / "out")["record"])
    fewer = np.where(found.lesion_labels == 3, 0, found.lesion_labels)
    other = replace(
        found,
        lesion_labels=fewer,
        lesions=found.lesions[found.lesions["label"] < 3],
        record=found.record.changed(lesion_count=2),
    )
    write_segmentation(other, tmp_path / "out")
    write_segmentation(found, tmp_path / "out")  # nobody had begun
    open_review(stored, "Anna").set_status(1, "accepted")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(InputError, match="found the review sub-01_desc-Anna_review"):
        write_segmentation(other, tmp_path / "out")
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    write_segmentation(found, tmp_path / "out")  # the same lesions: the review still fits
    assert open_review(stored, "Anna").status(1) == "accepted"
