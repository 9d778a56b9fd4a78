"""A reader's review of changes: kept as it happens, undone, saved, and never lost by a rerun."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from fsh_core.cli import main
from fsh_core.derivatives import write_cohort
from fsh_core.errors import InputError
from fsh_core.files import sha256_of
from fsh_core.follow_up import (
    REVIEWED_COLUMNS,
    find_tracks,
    load_pair,
    open_change_review,
    read_track,
    save_change_review,
)
from fsh_core.follow_up.reviewed_changes import kind_reviewed
from fsh_core.follow_up.tables import hash_of_changes, read_followed
from fsh_core.review.journal import Journal
from tests.core.follow_up.stored import copy_of_dataset, store_visit
from tests.core.tracking.phantom import make_visit

STABLE, NEW, THIRD = ((-40, -20, 10), 5.0), ((30, 45, 0), 3.5), ((-30, 40, 10), 4.0)


@pytest.fixture(scope="module")
def followed(tmp_path_factory) -> Path:
    """A dataset whose patient 01 has a stable and a new lesion."""
    root = tmp_path_factory.mktemp("dataset")
    out = root / "derivatives" / "fsh"
    store_visit(out, root, "01", "m6", make_visit("m6", [STABLE]))
    store_visit(out, root, "01", "m12", make_visit("m12", [STABLE, NEW], seed=1))
    write_cohort(out)
    assert main(["track", str(out)]) == 0
    return root


@pytest.fixture
def out(followed, tmp_path) -> Path:
    """A copy of the results that a test may change."""
    return copy_of_dataset(followed, tmp_path / "dataset")


def begin(out: Path, reader: str = "Anna", pair: int = 0):
    """The review of two visits."""
    stored = read_track(find_tracks(out)[0])
    return open_change_review(stored, stored.record.pairs[pair], reader)


def number_of(out: Path, kind: str) -> int:
    """The number of the one change of a kind."""
    changes = read_track(find_tracks(out)[0]).changes
    return int(changes.loc[changes["kind"] == kind, "change"].item())


def a_cube(review, corner=(20, 20, 20)) -> np.ndarray:
    """27 voxels of the later visit."""
    mask = np.zeros(review.grid.shape, dtype=bool)
    mask[tuple(slice(start, start + 3) for start in corner)] = True
    return mask


def test_what_was_decided_is_there_when_the_review_is_opened_again(out) -> None:
    number = number_of(out, "new")
    review = begin(out)
    review.set_status(number, "accepted")
    review.set_note(number, "beside the ventricle")
    added = review.add(a_cube(review)).label
    again = begin(out)
    assert again.status(number) == "accepted"
    assert again.note(number) == "beside the ventricle"
    assert again.status(added) == "accepted"
    assert again.added[added].size == 27
    assert review.path.name == "sub-01_from-sesm6_to-sesm12_desc-Anna_changes.jsonl"


def test_undo_takes_an_added_lesion_back_and_redo_brings_it(out) -> None:
    review = begin(out)
    found = review.lesions
    added = review.add(a_cube(review)).label
    assert added == max(found) + 1
    assert review.lesions == [*found, added]
    review.undo()
    assert review.lesions == found
    assert not review.added
    assert begin(out).lesions == found
    review.redo()
    assert begin(out).added[added].size == 27
    assert review.status(added) == "accepted"


def test_a_change_that_is_not_there_is_refused(out) -> None:
    with pytest.raises(InputError, match="there is no change 99"):
        begin(out).set_status(99, "accepted")


def test_a_second_program_is_refused(out) -> None:
    number = number_of(out, "new")
    first, second = begin(out), begin(out)
    first.set_status(number, "accepted")
    with pytest.raises(InputError, match="another program wrote into this review"):
        second.set_status(number, "rejected")


def test_half_a_line_of_a_program_that_died_is_left_out(out) -> None:
    number = number_of(out, "new")
    review = begin(out)
    review.set_status(number, "accepted")
    with review.path.open("ab") as file:
        file.write(b'{"n":2,"time":"20')
    again = begin(out)
    assert again.status(number) == "accepted"
    again.set_status(number, "unsure")
    assert begin(out).status(number) == "unsure"


def test_an_event_that_no_review_of_changes_has_is_refused(out) -> None:
    review = begin(out)
    review.add(a_cube(review))
    text = review.path.read_text().replace('"from":0', '"from":1')
    review.path.write_text(text)
    with pytest.raises(InputError, match="event 1 does not add a new lesion"):
        begin(out)


def test_readers_whose_names_look_alike_have_journals_of_their_own(out) -> None:
    number = number_of(out, "new")
    for reader in ("Anna", "anna", "An na", "Änna"):
        review = begin(out, reader)
        assert review.status(number) == "unreviewed"
        review.set_status(number, "accepted")
    names = {path.name.casefold() for path in review.path.parent.glob("*.jsonl")}
    assert len(names) == 4
    assert begin(out, "anna").path != begin(out, "Anna").path


def test_the_saved_table_says_what_the_reader_made_of_every_change(out) -> None:
    review, number = begin(out), number_of(out, "new")
    review.set_status(number, "rejected")
    review.set_note(number, "flow\nartefact")
    added = review.add(a_cube(review)).label
    record = find_tracks(out)[0]
    paths = save_change_review(record, "Anna")
    assert paths["table"].name == "sub-01_desc-reviewedAnna_changes.tsv"
    table = read_followed(paths["table"]).set_index("change")
    assert list(table.reset_index().columns) == list(REVIEWED_COLUMNS)
    assert table.loc[number, "kind_reviewed"] == "stable"
    assert table.loc[number, "note"] == "flow artefact"
    own = table.loc[added]
    assert (own["kind"], own["kind_reviewed"], own["evidence"]) == ("new", "new", "reader")
    assert own["volume_after_mm3"] == 27.0
    assert own["volume_before_mm3"] == 0
    assert own["longest_mm"] == pytest.approx(np.sqrt(12), abs=1.01)
    centre = review.grid.affine @ [21, 21, 21, 1]
    assert own[["centre_r_mm", "centre_a_mm", "centre_s_mm"]].tolist() == pytest.approx(centre[:3])
    content = json.loads(paths["record"].read_text())
    assert content["files_sha256"] == {"table": sha256_of(paths["table"])}
    assert content["changes_sha256"] == sha256_of(record.with_name("sub-01_changes.tsv"))
    (pair,) = content["pairs"]
    assert pair["journal_sha256"] == sha256_of(review.path)
    assert pair["counts"]["new"] == 1
    assert pair["added"] == 1
    assert pair["changes_by_status"]["rejected"] == 1


@pytest.mark.parametrize(
    ("kind", "status", "before", "after", "wanted"),
    [
        ("new", "accepted", 0, 30, "new"),
        ("new", "rejected", 0, 30, "stable"),
        ("new", "unreviewed", 0, 30, "new"),
        ("uncertain", "unsure", 0, 30, "uncertain"),
        ("uncertain", "accepted", 0, 30, "new"),
        ("uncertain", "accepted", 30, 0, "resolved"),
        ("uncertain", "accepted", 30, 60, "enlarging"),
        ("uncertain", "accepted", 60, 30, "shrinking"),
        ("merged", "accepted", 60, 30, "merged"),
    ],
)
def test_a_decision_gives_a_change_its_kind(kind, status, before, after, wanted) -> None:
    assert kind_reviewed(kind, status, before, after) == wanted


def test_following_again_keeps_what_readers_left(out, capsys) -> None:
    review, number = begin(out), number_of(out, "new")
    review.set_status(number, "accepted")
    saved = save_change_review(find_tracks(out)[0], "Anna")
    kept = {path: path.read_bytes() for path in (review.path, *saved.values())}
    assert main(["track", str(out), "--force"]) == 0
    assert {path: path.read_bytes() for path in kept} == kept
    assert begin(out).status(number) == "accepted"


def test_changes_under_review_are_not_replaced_by_others(out, capsys) -> None:
    review = begin(out)
    review.set_status(number_of(out, "new"), "accepted")
    before = {path: path.read_bytes() for path in review.path.parent.iterdir()}
    scan = next(out.parents[1].glob("sub-01/ses-m12/anat/*FLAIR.nii.gz"))
    shutil.rmtree(out / "sub-01" / "ses-m12")
    other = make_visit("m12", [STABLE, THIRD], seed=3)
    assert store_visit(out, out.parents[1], "01", "m12", other) == scan
    assert main(["track", str(out)]) == 2
    said = capsys.readouterr().err
    assert "found the review sub-01_from-sesm6_to-sesm12_desc-Anna_changes.jsonl" in said
    assert {path: path.read_bytes() for path in review.path.parent.iterdir()} == before


def test_a_later_visit_leaves_the_review_of_the_earlier_ones(out) -> None:
    number = number_of(out, "new")
    begin(out).set_status(number, "accepted")
    third = make_visit("m18", [STABLE, NEW, THIRD], seed=4)
    store_visit(out, out.parents[1], "01", "m18", third)
    assert main(["track", str(out)]) == 0
    assert begin(out).status(number) == "accepted"
    assert begin(out, pair=1).events == 0


def test_a_journal_about_changes_that_were_found_before_is_refused(out) -> None:
    review = begin(out)
    review.set_status(number_of(out, "new"), "accepted")
    table = find_tracks(out)[0].with_name("sub-01_changes.tsv")
    table.write_text(table.read_text().replace("\tnew\t", "\tuncertain\t"))
    with pytest.raises(InputError, match="other changes, because the visits were followed again"):
        begin(out)


def test_the_hash_of_changes_leaves_the_track_out_and_nothing_else(out) -> None:
    changes = read_track(find_tracks(out)[0]).changes
    first = hash_of_changes(changes, "m6", "m12")
    assert hash_of_changes(changes.assign(track=7), "m6", "m12") == first
    for column in set(changes) - {"track", "from_visit", "to_visit"}:
        other = [[9]] * len(changes) if column.startswith("labels") else 9
        assert hash_of_changes(changes.assign(**{column: other}), "m6", "m12") != first, column


def test_a_pair_is_loaded_on_the_grid_of_each_visit(out) -> None:
    stored = read_track(find_tracks(out)[0])
    loaded = load_pair(stored, stored.record.pairs[0])
    assert loaded.changes_after.shape == loaded.later.flair.shape
    assert number_of(out, "new") in np.unique(loaded.changes_after)
    assert (loaded.earlier.name, loaded.later.name) == ("m6", "m12")


def test_lesions_that_are_not_those_that_were_followed_are_refused(out) -> None:
    stored = read_track(find_tracks(out)[0])
    labels = next(out.glob("sub-01/ses-m12/anat/*_seg-lesions_dseg.nii.gz"))
    other = next(out.glob("sub-01/ses-m6/anat/*_seg-lesions_dseg.nii.gz"))
    shutil.copy(other, labels)
    with pytest.raises(InputError, match="gone or changed since; follow the visits again"):
        load_pair(stored, stored.record.pairs[0])


def test_a_journal_of_lesions_is_no_journal_of_changes(out) -> None:
    review = begin(out)
    review.set_status(number_of(out, "new"), "accepted")
    with pytest.raises(InputError, match="is the review of other lesions"):
        Journal.open(review.path, {"labels_sha256": "0"})
