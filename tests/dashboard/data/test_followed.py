"""Followed patients as tables: what is read, what is refused, what readers decided."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fsh_core.follow_up import open_change_review, read_track, save_change_review
from fsh_dashboard.data.decisions import decisions_of, with_decisions
from fsh_dashboard.data.folder import open_folder
from fsh_dashboard.data.followed import read_patients, track_files

RESULTS = "derivatives/fsh"


def record_of(followed: Path, patient: str) -> Path:
    return followed / RESULTS / patient / "tracks" / f"{patient}_tracks.json"


def changed(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the content of a record."""
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_every_interval_has_its_counts_volumes_and_days(followed: Path) -> None:
    found = read_patients(open_folder([str(followed)]), RESULTS)
    assert found.problems == ()
    rows = found.intervals.set_index(["patient", "interval"])
    assert list(rows.index) == [("sub-A", 0), ("sub-A", 1), ("sub-B", 0)]
    assert rows["new"].tolist() == [1, 0, 0]
    assert rows["days"].tolist()[:2] == [182, 184]
    assert pd.isna(rows.loc[("sub-B", 0), "days"])
    assert rows["from_visit"].tolist() == ["m0", "m6", "1"]
    first = rows.loc[("sub-A", 0)]
    assert first["volume_change_ml"] == pytest.approx(
        first["volume_after_ml"] - first["volume_before_ml"]
    )
    assert first["volume_change_percent"] == pytest.approx(
        100 * first["volume_change_ml"] / first["volume_before_ml"]
    )


def test_visits_are_placed_by_the_days_since_the_first(followed: Path) -> None:
    visits = read_patients(open_folder([str(followed)]), RESULTS).visits.set_index("patient")
    assert visits.loc["sub-A", "days"].tolist() == [0, 182, 366]
    assert visits.loc["sub-A", "lesion_count"].tolist() == [1, 2, 2]
    assert visits.loc["sub-B", "days"].isna().tolist() == [False, True]


def test_changes_know_their_interval(followed: Path) -> None:
    found = read_patients(open_folder([str(followed)]), RESULTS)
    new = found.changes[found.changes["kind"] == "new"]
    assert new[["patient", "interval", "from_visit"]].to_numpy().tolist() == [["sub-A", 0, "m0"]]
    assert set(found.tracks["patient"]) == {"sub-A", "sub-B"}


def test_a_failed_comparison_is_told_apart(followed: Path) -> None:
    def fail(content: dict[str, Any]) -> None:
        content["pairs"][0] |= {"verdict": "fail", "reasons": ["other scanner", "thick slices"]}

    changed(record_of(followed, "sub-B"), fail)
    rows = read_patients(open_folder([str(followed)]), RESULTS).intervals
    assert rows["comparable"].tolist() == [True, True, False]
    assert rows["reasons"].tolist()[-1] == "other scanner; thick slices"


def test_a_record_of_another_patient_leads_nowhere(followed: Path) -> None:
    changed(record_of(followed, "sub-A"), lambda content: content.update(subject="../../secret"))
    found = read_patients(open_folder([str(followed)]), RESULTS)
    assert list(found.records) == ["sub-B"]
    assert len(found.problems) == 1
    assert "expected the record of sub-A, found that of sub-../../secret" in found.problems[0]


def test_pairs_that_are_not_those_of_the_visits_are_refused(followed: Path) -> None:
    changed(record_of(followed, "sub-A"), lambda content: content["pairs"].pop())
    found = read_patients(open_folder([str(followed)]), RESULTS)
    assert list(found.records) == ["sub-B"]
    assert "a comparison for every two visits" in found.problems[0]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("sub-A_tracks.json", "{", "expected a record of followed visits"),
        ("sub-A_changes.tsv", "", "found an empty file"),
        ("sub-A_changes.tsv", None, "cannot be read"),
        ("sub-A_changes.tsv", "change\tkind\n1\tnew\n", "no column from_visit"),
        ("sub-A_tracks.tsv", "track\tvisit\n1\n", "lines that were cut off"),
    ],
)
def test_what_is_damaged_is_one_sentence_and_the_others_are_shown(
    followed: Path, name: str, content: str | None, words: str
) -> None:
    path = followed / RESULTS / "sub-A" / "tracks" / name
    path.unlink() if content is None else path.write_text(content)
    found = read_patients(open_folder([str(followed)]), RESULTS)
    assert len(found.problems) == 1
    assert words in found.problems[0]
    assert str(followed) not in found.problems[0]
    assert list(found.records) == ["sub-B"]
    assert set(found.intervals["patient"]) == set(found.changes["patient"]) == {"sub-B"}


def test_a_number_that_is_none_is_named_with_its_table(followed: Path) -> None:
    path = followed / RESULTS / "sub-A" / "tracks" / "sub-A_changes.tsv"
    heading, *lines = path.read_text().splitlines()
    cells = lines[0].split("\t")
    cells[heading.split("\t").index("volume_before_mm3")] = "much"
    path.write_text("\n".join([heading, "\t".join(cells), *lines[1:], ""]))
    found = read_patients(open_folder([str(followed)]), RESULTS)
    assert list(found.records) == ["sub-B"]
    assert "sub-A_changes.tsv: expected a table of changes, found another" in found.problems[0]


def test_only_records_and_tables_are_watched(followed: Path) -> None:
    names = {path.name for path in track_files(followed / RESULTS)}
    assert names == {
        f"sub-{patient}_{kind}" for patient in "AB"
        for kind in ("tracks.tsv", "changes.tsv", "tracks.json")
    }  # fmt: skip


def test_what_readers_decided_stands_beside_the_changes(followed: Path) -> None:
    record = record_of(followed, "sub-A")
    stored = read_track(record)
    review = open_change_review(stored, stored.record.pairs[0], "Anna")
    new = int(stored.changes.query("kind == 'new'")["change"].iloc[0])
    review.set_status(new, "rejected")
    mask = np.zeros(review.grid.shape, dtype=bool)
    mask[100:104, 60:64, 18:20] = True  # voxels of 3 mm3
    added = review.add(mask).label
    save_change_review(record, "Anna")
    found = read_patients(open_folder([str(followed)]), RESULTS)
    assert found.problems == ()
    decisions, problems = decisions_of(
        open_folder([str(followed)]), RESULTS, found.records["sub-A"]
    )
    assert problems == []
    own = with_decisions(found.changes[found.changes["patient"] == "sub-A"], decisions)
    said = own.set_index(["interval", "change"])["decision Anna"].dropna().to_dict()
    assert said[(0, new)] == "rejected → stable"
    row = own.set_index(["interval", "change"]).loc[(0, added)]
    assert row["evidence"] == "reader"
    assert row["volume_after_mm3"] == pytest.approx(96, rel=0.01)
    assert len(own) == len(stored.changes) + 1


def test_decisions_about_other_changes_are_left_out(followed: Path) -> None:
    record = record_of(followed, "sub-A")
    save_change_review(record, "Anna")
    changes = record.with_name("sub-A_changes.tsv")
    changes.write_text(changes.read_text().replace("both", "difference"))
    record.with_name("sub-A_desc-reviewedBen_changes.tsv").write_text("change\n1\n")
    found = read_patients(open_folder([str(followed)]), RESULTS)
    decisions, problems = decisions_of(
        open_folder([str(followed)]), RESULTS, found.records["sub-A"]
    )
    assert decisions == {}
    assert ["about the changes of sub-A_changes.tsv, found those about others" in problem
            for problem in problems] == [True, True]  # fmt: skip
