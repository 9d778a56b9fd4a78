"""Review journals become tables; two readers are compared by hand-checked numbers."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fsh_core.review import Journal, open_review
from fsh_dashboard.data.cohort_tables import read_results
from fsh_dashboard.data.folder import open_folder
from fsh_dashboard.data.reader_agreement import disagreements, reader_agreement
from fsh_dashboard.data.reviews import Reviews, case_status, read_reviews, with_review, with_status

NAME = "derivatives/fsh"
Decide = Callable[..., None]


def read(study: Path) -> Reviews:
    opened = open_folder([str(study)])
    return read_reviews(opened, read_results(opened, NAME))


def test_nobody_has_begun(study: Path) -> None:
    reviews = read(study)
    assert reviews.progress.empty
    assert reviews.problems == ()
    assert reader_agreement(reviews.decisions).empty
    assert disagreements(reviews.decisions).empty


def test_progress_counts_decisions_and_acts(study: Path, decide: Decide) -> None:
    decide(study, "P1", "AB", {1: "accepted", 2: "rejected"})
    row = read(study).progress.iloc[0]
    assert (row["reader"], row["case"], row["status"]) == ("AB", "sub-P1", "in progress")
    assert (row["decided"], row["lesions"], row["accepted"], row["rejected"], row["unsure"]) == (
        2,
        3,
        1,
        1,
        0,
    )
    assert row["acts"] == 2
    begun, latest = (datetime.fromisoformat(row[name]) for name in ("begun", "latest"))
    assert begun <= latest <= datetime.now(UTC)
    assert row["reading_time_s"] == pytest.approx((latest - begun).total_seconds(), abs=0.06)


def test_what_was_taken_back_does_not_count(study: Path, decide: Decide) -> None:
    decide(study, "P1", "AB", {1: "accepted"})
    record = study / NAME / "sub-P1" / "anat" / "sub-P1_seg-lesions_dseg.json"
    open_review(record, "AB").undo()
    reviews = read(study)
    assert reviews.progress["decided"].tolist() == [0]
    assert reviews.events["act"].tolist() == ["status", "undo"]
    assert reviews.events["what"].tolist() == ["status: unreviewed → accepted", "event 1"]


def test_a_deleted_lesion_counts_as_rejected(study: Path, decide: Decide) -> None:
    decide(study, "P1", "AB", {1: "accepted"})
    record = study / NAME / "sub-P1" / "anat" / "sub-P1_seg-lesions_dseg.json"
    open_review(record, "AB").delete(2)
    reviews = read(study)
    assert reviews.decisions["status"].tolist() == ["accepted", "rejected", "unreviewed"]
    assert reviews.progress["lesions"].tolist() == [2]
    assert "32 voxels" in reviews.events["what"].iloc[-1]


def test_a_case_has_the_volume_that_its_latest_review_left(study: Path, decide: Decide) -> None:
    # P1 has lesions of 180, 80 and 10 mm3 in voxels of 2.5 mm3.
    decide(study, "P1", "CD", {1: "rejected"})
    decide(study, "P1", "AB", {1: "accepted", 3: "rejected"})
    record = study / NAME / "sub-P1" / "anat" / "sub-P1_seg-lesions_dseg.json"
    review = open_review(record, "AB")
    outside = np.flatnonzero(review.labels == 0)[:2]
    review.paint(outside, 2)
    opened = open_folder([str(study)])
    results = read_results(opened, NAME)
    reviews = read_reviews(opened, results)
    assert reviews.progress.set_index("reader")["kept_ml"].to_dict() == pytest.approx(
        {"AB": 0.265, "CD": 0.09}
    )
    cases = with_review(results.cases, reviews).set_index("case")
    assert cases.loc["sub-P1", "review"] == "in progress (AB), in progress (CD)"
    assert cases.loc["sub-P1", "reviewed_lesion_volume_ml"] == pytest.approx(
        review.lesion_volume_ml
    )
    assert cases.loc["sub-P1", ["reviewed_lesion_count", "reviewed_lesion_volume_ml"]].tolist() == [
        2,
        0.265,
    ]
    assert np.isnan(cases.loc["sub-P2", "reviewed_lesion_volume_ml"])  # nobody has begun it


def test_a_lesion_has_the_status_the_readers_gave_it(study: Path, decide: Decide) -> None:
    decide(study, "P1", "AB", {1: "accepted", 2: "accepted"})
    decide(study, "P1", "CD", {1: "accepted", 2: "rejected"})
    opened = open_folder([str(study)])
    results = read_results(opened, NAME)
    lesions = with_status(results.lesions, read_reviews(opened, results))
    of_first = lesions.loc[lesions["case"] == "sub-P1", "status"].tolist()
    assert of_first == ["accepted", "readers differ", "unreviewed"]
    assert set(lesions.loc[lesions["case"] != "sub-P1", "status"]) == {"unreviewed"}


def test_two_readers_are_compared_where_both_decided(study: Path, decide: Decide) -> None:
    decide(study, "P1", "AB", {1: "accepted", 2: "rejected", 3: "rejected"})
    decide(study, "P1", "CD", {1: "accepted", 2: "rejected", 3: "accepted"})
    decide(study, "P2", "AB", {1: "accepted"})
    decide(study, "P2", "CD", {1: "accepted", 2: "unsure"})
    reviews = read(study)
    row = reader_agreement(reviews.decisions).iloc[0]
    assert (row["first"], row["second"], row["cases"], row["lesions"], row["alike"]) == (
        "AB",
        "CD",
        2,
        4,
        3,
    )
    # By chance: accepted 2/4 * 3/4 + rejected 2/4 * 1/4 = 0.5, so kappa = (0.75 - 0.5) / 0.5.
    assert row["kappa"] == pytest.approx(0.5)
    assert disagreements(reviews.decisions)[["case", "label"]].to_numpy().tolist() == [
        ["sub-P1", 3]
    ]


def test_kappa_is_undefined_where_everybody_always_says_the_same(
    study: Path, decide: Decide
) -> None:
    for reader in ("AB", "CD"):
        decide(study, "P1", reader, {1: "accepted"})
    assert np.isnan(reader_agreement(read(study).decisions)["kappa"].iloc[0])


def test_a_case_says_how_far_each_reader_is(study: Path, decide: Decide) -> None:
    decide(study, "P1", "AB", {1: "accepted"}, case="completed")
    decide(study, "P1", "CD", {1: "accepted"})
    assert case_status(["sub-P1", "sub-P2"], read(study)) == [
        "completed (AB), in progress (CD)",
        "",
    ]


def test_only_the_journal_that_changed_is_read_again(
    study: Path, decide: Decide, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide(study, "P1", "AB", {1: "accepted"})
    decide(study, "P2", "AB", {1: "accepted"})
    read(study)
    opened, real = [], Journal.open
    monkeypatch.setattr(
        Journal, "open", lambda path, *words: (opened.append(path), real(path, *words))[1]
    )
    read(study)
    assert opened == []
    decide(study, "P2", "AB", {2: "rejected"})
    opened.clear()
    reviews = read(study)
    assert ["sub-P2" in path.name for path in opened] == [True]
    assert reviews.progress.set_index("case").loc["sub-P2", "decided"] == 2


def test_a_broken_journal_is_named_and_the_others_read(study: Path, decide: Decide) -> None:
    decide(study, "P1", "AB", {1: "accepted"})
    decide(study, "P2", "AB", {1: "accepted"})
    journal = next(study.glob(f"{NAME}/sub-P1/anat/*_review.jsonl"))
    journal.write_text(journal.read_text().replace('"n":1', '"n":7'))
    reviews = read(study)
    assert reviews.progress["case"].tolist() == ["sub-P2"]
    assert len(reviews.problems) == 1
    assert "sub-P1_desc-AB_review.jsonl" in reviews.problems[0]
    assert str(study) not in reviews.problems[0]


def test_a_review_of_other_lesions_is_named(study: Path, decide: Decide) -> None:
    decide(study, "P1", "AB", {1: "accepted"})
    home = study / NAME
    labels = home / "sub-P1" / "anat" / "sub-P1_seg-lesions_dseg.nii.gz"
    labels.write_bytes((home / "sub-P2" / "anat" / "sub-P2_seg-lesions_dseg.nii.gz").read_bytes())
    reviews = read(study)
    assert reviews.progress.empty
    assert "of other lesions" in reviews.problems[0]


def test_a_journal_without_its_case_is_named(study: Path, decide: Decide) -> None:
    decide(study, "P1", "AB", {1: "accepted"})
    next(study.glob(f"{NAME}/sub-P1/anat/*_dseg.json")).unlink()
    assert "no readable record" in read(study).problems[0]


def test_a_journal_that_is_a_link_out_is_refused(
    study: Path, tmp_path: Path, decide: Decide
) -> None:
    decide(study, "P1", "AB", {1: "accepted"})
    journal = next(study.glob(f"{NAME}/sub-P1/anat/*_review.jsonl"))
    outside = journal.rename(tmp_path / "elsewhere.jsonl")
    journal.symlink_to(outside)
    reviews = read(study)
    assert reviews.progress.empty
    assert "leads out of the opened folder" in reviews.problems[0]


def test_acts_are_listed_by_time(study: Path, decide: Decide) -> None:
    decide(study, "P2", "CD", {1: "unsure"})
    decide(study, "P1", "AB", {1: "accepted"})
    events = read(study).events
    assert events["reader"].tolist() == ["CD", "AB"]
    assert pd.to_datetime(events["time"]).is_monotonic_increasing
