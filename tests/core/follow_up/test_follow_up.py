"""Visits on disk: read, followed, written whole, read back, and followed again when they change."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fsh_core.cli import main
from fsh_core.derivatives import find_records, read_segmentation, write_cohort
from fsh_core.errors import InputError
from fsh_core.follow_up import find_tracks, read_track, read_visits
from fsh_core.follow_up.dates import date_of_scan, visit_order
from fsh_core.review import open_review, save_review
from fsh_core.volume.itk import read_affine_transform
from fsh_core.volume.nifti import read_nifti
from fsh_core.volume.volume import Volume, save_like
from tests.conftest import REPOSITORY
from tests.core.follow_up.stored import store_visit
from tests.core.tracking.phantom import THICK, make_visit, turned

STABLE, NEW = ((-40, -20, 10), 5.0), ((30, 45, 0), 3.5)
MOVED = turned(4, (3, -2, 1))


@pytest.fixture(scope="module")
def followed(tmp_path_factory) -> Path:
    """A dataset with results: patient 01 with two visits, 02 with one; 01 is followed."""
    root = tmp_path_factory.mktemp("dataset")
    out = root / "derivatives" / "fsh"
    first = make_visit("m6", [STABLE])
    second = make_visit("m12", [STABLE, NEW], affine=THICK, moved=MOVED, seed=1)
    store_visit(out, root, "01", "m6", first)
    store_visit(out, root, "01", "m12", second)
    store_visit(out, root, "02", "m6", make_visit("m6", [STABLE], seed=2))
    write_cohort(out)
    assert main(["track", str(out)]) == 0
    return root


@pytest.fixture
def root(followed, tmp_path) -> Path:
    """A copy that a test may change."""
    copy = shutil.copytree(followed, tmp_path / "dataset")
    for record in (copy / "derivatives" / "fsh").rglob("*_dseg.json"):
        record.write_text(record.read_text().replace(str(followed), str(copy)))
    return copy


@pytest.fixture
def out(root) -> Path:
    return root / "derivatives" / "fsh"


@pytest.fixture
def track(out, capsys):
    """Run ``fsh track``; gives the code, and all that was said in one line."""

    def run(*words: str | Path) -> tuple[int, str]:
        code = main(["track", *map(str, words or (out,))])
        said = capsys.readouterr()
        return code, " ".join((said.out + said.err).split())

    return run


def test_what_is_written_is_read_back(out) -> None:
    (path,) = find_tracks(out)
    stored = read_track(path)
    assert [visit.name for visit in stored.record.visits] == ["m6", "m12"]
    assert stored.record.order == "names"
    (pair,) = stored.record.pairs
    assert pair.counts["new"] == 1
    assert pair.counts["stable"] == 1
    assert pair.verdict == "caution"  # slices of 3 mm
    assert sorted(stored.changes["kind"]) == ["new", "stable"]
    assert stored.changes["labels_before"].tolist() == [[1], []]
    assert stored.lesions.groupby("visit").size().to_dict() == {"m6": 1, "m12": 2}
    for name in (*stored.record.files.values(), *pair.files.values()):
        assert (stored.folder / name).is_file(), name


def test_the_maps_lie_on_the_grid_of_each_visit_and_in_the_lesion(out) -> None:
    stored = read_track(find_tracks(out)[0])
    (pair,) = stored.record.pairs
    new = stored.changes.set_index("kind").loc["new"]
    for record in find_records(out)[:2]:
        segmented = read_segmentation(record)
        side = "before" if segmented.record.session == "m6" else "after"
        labels, affine, _ = read_nifti(segmented.paths["labels"])
        for kind in ("changes", "difference"):
            data, placed, _ = read_nifti(out / pair.files[f"{kind}_{side}"])
            assert data.shape == labels.shape
            np.testing.assert_allclose(placed, affine)
    changes = read_nifti(out / pair.files["changes_after"])[0]
    difference = read_nifti(out / pair.files["difference_after"])[0]
    labels = read_nifti(out / stored.record.visits[1].labels)[0]
    lesion = labels == new["labels_after"][0]
    assert (changes[lesion] == new["change"]).mean() > 0.9
    assert difference[lesion].mean() > 5


def test_the_transform_brings_the_later_scan_to_the_earlier_one(out) -> None:
    pair = read_track(find_tracks(out)[0]).record.pairs[0]
    matrix = np.array(pair.earlier_to_later)
    np.testing.assert_allclose(matrix, MOVED, atol=1.0)
    read = read_affine_transform(out / pair.files["transform"])
    np.testing.assert_allclose(read, matrix, atol=1e-4)


def test_the_tables_of_the_folder_and_the_report(out) -> None:
    changes = pd.read_csv(out / "changes.tsv", sep="\t", dtype=str)
    assert changes["subject"].tolist() == ["01", "01"]
    assert len(pd.read_csv(out / "tracks.tsv", sep="\t")) == 3
    page = (out / "sub-01_tracks.html").read_text(encoding="utf-8")
    assert page.index("read the changes with caution") < page.index("Volume over time")
    assert "1 new, 1 stable" in page
    assert "http:" not in page
    assert "https:" not in page


def test_what_is_current_is_not_done_again_and_what_changed_is(out, track) -> None:
    code, said = track()
    assert code == 0
    assert "sub-01: done already" in said
    assert "sub-02: one visit only, nothing to compare with" in said
    before = (out / "changes.tsv").read_bytes()
    code, said = track(out, "--force")
    assert "done already" not in said
    assert (out / "changes.tsv").read_bytes() == before  # the same bytes
    next((out / "sub-01" / "tracks").glob("*changesSince*")).unlink()
    code, said = track()
    assert (code, "done already" in said) == (0, False)
    assert next((out / "sub-01" / "tracks").glob("*changesSince*")).is_file()


def test_the_same_bytes_in_any_number_of_threads(out) -> None:
    before = {path: path.read_bytes() for path in (out / "sub-01" / "tracks").iterdir()}
    words = [sys.executable, "-m", "fsh_core.cli", "track", str(out), "--force"]
    subprocess.run(words, env={**os.environ, "OMP_NUM_THREADS": "2"}, cwd=REPOSITORY, check=True)
    for path, payload in before.items():
        if path.suffix != ".json":  # it holds times
            assert path.read_bytes() == payload, path.name


def test_the_lesions_of_a_reader_are_followed_and_it_is_said(out, track) -> None:
    record = next(path for path in find_records(out) if "ses-m12" in path.name)
    stored = read_segmentation(record)
    new = stored.lesions.sort_values("volume_mm3")["label"].iloc[0]
    review = open_review(stored, "Anna")
    review.delete(int(new))
    save_review(review, stored)
    code, said = track()
    assert code == 0
    assert "sub-01 m12: lesions as corrected by Anna" in said
    found = read_track(find_tracks(out)[0])
    assert found.record.visits[1].reader == "Anna"
    assert found.record.pairs[0].counts["new"] == 0  # the reader did not want it


def test_a_reviewed_mask_that_is_not_the_saved_one_is_not_used(out, track, caplog) -> None:
    stored = read_segmentation(next(p for p in find_records(out) if "ses-m12" in p.name))
    paths = save_review(open_review(stored, "Anna"), stored)
    shutil.copy(stored.paths["mask"], paths["labels"])
    code, _ = track(out, "--force")
    assert code == 0
    assert "is not the one that was saved with it" in caplog.text
    assert read_track(find_tracks(out)[0]).record.visits[1].reader is None


def test_dates_order_the_visits_and_give_the_days_between(root, out, track) -> None:
    (root / "sub-01" / "sub-01_sessions.tsv").write_text(
        "session_id\tacq_time\nses-m6\t2021-06-01\nses-m12\t2020-06-01T10:30:00+02:00\n"
    )
    code, _ = track()
    assert code == 0
    record = read_track(find_tracks(out)[0]).record
    assert [visit.name for visit in record.visits] == ["m12", "m6"]
    assert record.order == "dates"
    assert record.pairs[0].days == pytest.approx(364.6, abs=0.1)
    assert record.pairs[0].counts["resolved"] == 1
    kept = {path.name for path in (out / "sub-01" / "tracks").iterdir()}
    assert not any("changesUntilm12" in name for name in kept)  # of the other order


def test_one_date_alone_orders_nothing(root, out, track, caplog) -> None:
    folder = root / "sub-01" / "ses-m6"
    (folder / "sub-01_ses-m6_scans.tsv").write_text(
        "filename\tacq_time\nanat/sub-01_ses-m6_FLAIR.nii.gz\t2021-06-01\n"
    )
    visits, order = read_visits([p for p in find_records(out) if "sub-01" in p.name])
    assert [visit.name for visit in visits] == ["m6", "m12"]
    assert order == "names"
    assert "no date of visit m12" in caplog.text


@pytest.mark.parametrize("text", ["", "session_id\n", "session_id\tacq_time\nses-a\tsoon\n", "\0"])
def test_dates_that_cannot_be_read_are_none(tmp_path, text) -> None:
    scan = tmp_path / "sub-1" / "ses-a" / "anat" / "x_FLAIR.nii.gz"
    scan.parent.mkdir(parents=True)
    (tmp_path / "sub-1" / "sub-1_sessions.tsv").write_text(text)
    assert date_of_scan(scan) is None


def test_a_visit_without_a_session_is_the_first(tmp_path) -> None:
    for session in ("later", None):
        visit = make_visit("x", [STABLE], affine=THICK, seed=1 if session else 0)
        store_visit(tmp_path / "out", tmp_path, "01", session, visit)
    visits, order = read_visits(find_records(tmp_path / "out"))
    assert [visit.stored.record.session for visit in visits] == [None, "later"]
    assert order == "names"


def test_visits_are_ordered_as_people_count() -> None:
    names = ["m12", "m6", "baseline", "m0"]
    assert sorted(names, key=visit_order) == ["baseline", "m0", "m6", "m12"]


def test_the_same_scan_twice(root, out, track) -> None:
    flair = next(root.glob("sub-01/ses-m6/anat/*.nii.gz"))
    code, said = track(flair, flair, "-o", out)
    assert code == 2
    assert "expected another scan than" in said
    folder = next(out.glob("sub-01/ses-m12/anat"))
    first = json.loads(next(out.glob("sub-01/ses-m6/anat/*_dseg.json")).read_text())
    record = next(folder.glob("*_dseg.json"))
    content = json.loads(record.read_text())
    record.write_text(json.dumps(content | {"input": first["input"]}))
    code, said = track(out, "--force")
    assert code == 2
    assert "expected another scan than that of visit" in said


def test_a_visit_without_brain(out, track) -> None:
    brain = next(out.glob("sub-01/ses-m6/anat/*label-brain_mask.nii.gz"))
    data, affine, header = read_nifti(brain)
    save_like(np.zeros(data.shape, dtype=np.uint8), Volume(data, affine, header), brain)
    code, said = track(out, "--force")
    assert code == 2
    assert "expected a brain, the mask is empty" in said


def test_a_scan_that_is_gone_stops_that_patient_alone(root, out, track) -> None:
    shutil.copytree(out / "sub-01", out / "sub-03")
    shutil.rmtree(out / "sub-03" / "tracks")
    for path in sorted((out / "sub-03").rglob("*sub-01*")):
        path.rename(path.with_name(path.name.replace("sub-01", "sub-03")))
    for record in (out / "sub-03").rglob("*_dseg.json"):
        text = record.read_text().replace("sub-01", "sub-03").replace('"01"', '"03"')
        record.write_text(text)
    code, said = track()
    assert code == 2
    assert "sub-01: done already" in said
    assert "the scan that sub-03_ses-" in said
    assert pd.read_csv(out / "changes.tsv", sep="\t", dtype=str)["subject"].unique() == ["01"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "cannot be read"),
        (b"[]", "cannot be read"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"subject": "01"}', "is missing"),
        (b'{"subject": NaN}', "NaN"),
    ],
)
def test_a_damaged_record_is_one_sentence_and_made_again(out, track, content, words) -> None:
    (path,) = find_tracks(out)
    path.write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_track(path)
    code, _ = track()
    assert code == 0
    assert json.loads(path.read_text())["subject"] == "01"


def test_a_stop_while_writing_leaves_the_earlier_result(out, monkeypatch) -> None:
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fsh_core.follow_up.write.save_like", full)
    assert main(["track", str(out), "--force"]) == 2
    after = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert after == before


def test_results_are_followed_where_they_are(out, tmp_path, track) -> None:
    code, said = track(out, "-o", tmp_path / "elsewhere")
    assert code == 2
    assert "leave -o away" in said
    assert not (tmp_path / "elsewhere").exists()


def test_the_folder_is_still_a_folder_of_results(out) -> None:
    assert len(find_records(out)) == 3  # the maps of changes are no cases
