"""Changing the name of a file touches one file of the program: all endings are renamed here."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fsh_core import file_names
from fsh_core.file_names import (
    ANAT_ENDINGS,
    case_of_image,
    is_final_mask,
    is_lesion_mask,
    is_probability,
    journal_ending,
    reviewed_endings,
    split_journal_name,
)

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGES = ("fsh_core", "fsh_napari", "fsh_dashboard")
RENAMED = {
    "_space-orig_label-L_mask.nii.gz": "_found.nii.gz",
    "_space-orig_label-L_desc-raw_mask.nii.gz": "_before.nii.gz",
    "_space-orig_label-L_probseg.nii.gz": "_chance.nii.gz",
    "_space-orig_label-brain_mask.nii.gz": "_skull-off.nii.gz",
    "_seg-lesions_dseg.nii.gz": "_numbered.nii.gz",
    "_seg-lesions_dseg.tsv": "_measured.tsv",
    "_seg-lesions_dseg.json": "_about.json",
    "_review.jsonl": "_read.jsonl",
    "_triptych.png": "_picture.png",
    "cases.tsv": "all-cases.tsv",
    "lesions.tsv": "all-lesions.tsv",
    "review_queue.json": "next.json",
}
WALK = """
import json
import sys
from pathlib import Path

import numpy as np

import fsh_core
from fsh_core.cases import discover_cases
from fsh_core.cli.scan_anatomy import _scan_of_record
from fsh_core.config import SegmentConfig
from fsh_core.derivatives import find_records, read_segmentation, why_stale
from fsh_core.derivatives import write_cohort, write_segmentation
from fsh_core.pipeline import segment_case
from fsh_core.review import Queue, QueueItem, list_cases, load_queue, open_review
from fsh_core.review import save_queue, save_review
from fsh_core.studies.mask_files import group_masks
from fsh_core.studies.pairs import Pair
from fsh_dashboard.data.cohort_tables import fingerprint, read_results
from fsh_dashboard.data.folder import find_results, open_folder
from fsh_dashboard.data.reviews import read_reviews
from fsh_dashboard.data.scans import case_files, load_case_images
from fsh_dashboard.data.sources import find_source
from fsh_napari.layers.files import get_reader

home, data = Path(sys.argv[1]), Path(sys.argv[2])
assert Path(fsh_core.__file__).parent.parent == home, fsh_core.__file__


def bright(image, on_patch=None):
    return (image[0] > 0.5).astype(np.float32)


def opened(path):
    return [layer[2] for layer in get_reader(str(path))(str(path))]


case = discover_cases(data)[0]
out = data / "derivatives" / "fsh"
paths = write_segmentation(segment_case(case, bright, SegmentConfig(regions=False)), out)
assert write_cohort(out) == []
[record] = find_records(out)
stored = read_segmentation(record)
assert discover_cases(data) == [case]
facts = {"cases": [case.name], "lesions": len(stored.lesions)}
facts["current"] = why_stale(case, out, None, SegmentConfig(regions=False)) is None

review = open_review(stored, "AnnaB")
review.set_status(1, "rejected")
corrected = save_review(review, stored)
save_queue(out, Queue("q", "", "", (QueueItem(case.name, record.relative_to(out).as_posix()),)))
[state] = list_cases(out, "Ben", load_queue(out))
facts["review"] = [state.case, state.problem, dict(state.others)]

manual = data / "derivatives" / "manual"
pairs = group_masks([manual, out])
facts["evaluate"] = [list(found) for found in pairs]
facts["is the final mask"] = pairs[1][case.name] == [paths["mask"]]
flair, brain = _scan_of_record(Pair(case.name, prediction=paths["mask"], reference=manual))
facts["anatomy"] = [list(flair.shape), int(brain.sum()) > 0]

folder = open_folder([str(data)])
[name] = find_results(folder)
results = read_results(folder, name)
facts["dashboard"] = [results.name, len(results.cases), len(results.lesions), results.problems]
facts["watched"] = len(fingerprint(folder, name))
reviews = read_reviews(folder, results)
facts["readers"] = [reviews.progress["reader"].tolist(), reviews.problems]
shown, files = case_files(folder, name, results.cases["record"].iloc[0])
scan = load_case_images(find_source(folder, name, shown), files)
facts["maps"] = [sorted(scan.view.maps), scan.problems]

facts["napari"] = {
    "record": opened(record),
    "folder": opened(out),
    "mask": opened(paths["mask"]),
    "labels": opened(paths["labels"]),
    "probability": opened(paths["probability"]),
    "corrected": opened(corrected["mask"]),
}
print(json.dumps(facts, sort_keys=True))
"""


def walk(home: Path, data: Path) -> dict[str, object]:
    """Segment, review, evaluate, open in the dashboard and in napari; return what each said."""
    done = subprocess.run(
        [sys.executable, "-c", WALK, str(home), str(data)],
        cwd=home,
        env=os.environ | {"PYTHONPATH": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    facts: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return facts


def renamed_copy(home: Path) -> Path:
    """Link to every file of the three packages but the one that holds the names; rename there."""
    for package in PACKAGES:
        (home / package).mkdir(parents=True)
        for entry in (REPOSITORY / package).iterdir():
            if entry.name not in ("file_names.py", "__pycache__"):
                (home / package / entry.name).symlink_to(entry)
    text = Path(file_names.__file__).read_text(encoding="utf-8")
    for before, after in RENAMED.items():
        assert f'{before}"' in text, f"{before} is not spelled in file_names.py"
        text = text.replace(f'{before}"', f'{after}"')
    (home / "fsh_core" / "file_names.py").write_text(text, encoding="utf-8")
    return home


def test_every_ending_is_renamed_by_one_file(phantom_bids: Path, tmp_path: Path) -> None:
    pytest.importorskip("streamlit")
    pytest.importorskip("napari")
    only = phantom_bids / "sub-02"  # one case is enough to walk with
    for folder in (only, phantom_bids / "derivatives" / "manual" / "sub-02"):
        folder.rename(tmp_path / f"{folder.parent.name}-sub-02")
    usual = walk(REPOSITORY, phantom_bids)
    out = phantom_bids / "derivatives" / "fsh"
    written = sorted(path.name for path in out.rglob("*") if path.is_file())
    assert "sub-01_seg-lesions_dseg.json" in written
    out.rename(tmp_path / "before")
    assert walk(renamed_copy(tmp_path / "home"), phantom_bids) == usual
    # The corrected lesions keep their names here; nothing else has its old one.
    again = sorted(path.name for path in out.rglob("*") if path.is_file())
    assert set(written) & set(again) == {
        "dataset_description.json",
        ".bidsignore",
        *(f"sub-01{ending}" for ending in reviewed_endings("AnnaB").values()),
    }
    assert usual["evaluate"] == [["sub-01"], ["sub-01"]]
    assert usual["is the final mask"] is True
    assert usual["readers"] == [["AnnaB"], []]


def test_no_other_file_of_the_program_spells_an_ending() -> None:
    ours = [*ANAT_ENDINGS.values(), journal_ending("").removeprefix("_desc-")]
    ours += [f'{name}"' for name in (file_names.CASES_TABLE, file_names.LESIONS_TABLE)]
    spelled = re.compile("|".join(re.escape(ending) for ending in ours))
    found = [
        f"{file.relative_to(REPOSITORY)}: {line.strip()}"
        for package in PACKAGES
        for file in sorted((REPOSITORY / package).rglob("*.py"))
        if file.name != "file_names.py"
        for line in file.read_text(encoding="utf-8").splitlines()
        if spelled.search(line)
    ]
    assert found == []


def test_images_are_known_by_their_names() -> None:
    corrected = f"sub-01_ses-a{reviewed_endings('AnnaB')['mask']}"
    final, raw = (f"sub-01_ses-a{ANAT_ENDINGS[key]}" for key in ("mask", "raw_mask"))
    assert [case_of_image(name) for name in (corrected, final, raw)] == ["sub-01_ses-a"] * 3
    assert [is_lesion_mask(name) for name in (corrected, final, raw)] == [True] * 3
    assert [is_final_mask(name) for name in (corrected, final, raw)] == [False, True, False]
    assert is_probability(f"sub-01{ANAT_ENDINGS['entropy']}")
    assert is_probability("another_probseg.nii")
    assert not is_probability(final)
    for other in ("sub-01_FLAIR.nii.gz", "sub-01_seg-lesions_dseg.tsv", "_seg-lesions_dseg.nii.gz"):
        assert case_of_image(other) == ""


def test_a_journal_names_its_case_and_its_reader() -> None:
    name = f"sub-01_ses-a{journal_ending('AnnaB')}"
    assert split_journal_name(name) == ("sub-01_ses-a", "AnnaB")
    assert split_journal_name("sub-01_desc-A-B_review.jsonl") == ("", "")
    assert split_journal_name("notes.txt") == ("", "")
