"""Derivatives become two tables, whatever is broken in them.

Numbers that can be checked by hand.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fsh_dashboard.data.agreement_tables import by_group, paired, paired_test
from fsh_dashboard.data.cohort_tables import Results, fingerprint, read_results
from fsh_dashboard.data.folder import Opened, open_folder

NAME = "derivatives/fsh"


def record_of(study: Path, subject: str) -> Path:
    return study / NAME / f"sub-{subject}" / "anat" / f"sub-{subject}_seg-lesions_dseg.json"


def table_of(study: Path, subject: str) -> Path:
    return record_of(study, subject).with_suffix(".tsv")


def read(study: Path) -> Results:
    return read_results(open_folder([str(study)]), NAME)


def test_every_case_and_lesion_is_there(study: Path) -> None:
    results = read(study)
    assert results.problems == ()
    assert results.cases["case"].tolist() == ["sub-P1", "sub-P2", "sub-P3", "sub-P4"]
    assert results.cases["lesion_count"].tolist() == [3, 2, 0, 1]
    assert results.cases["largest_lesion_mm3"].tolist()[:2] == [180, 180]
    assert results.lesions.groupby("case")["volume_mm3"].sum().to_dict() == {
        "sub-P1": 270,
        "sub-P2": 260,
        "sub-P4": 187.5,
    }
    assert results.lesions["label"].tolist() == [1, 2, 3, 1, 2, 1]


def test_scores_come_from_the_records(study: Path) -> None:
    cases = read(study).cases.set_index("case")
    assert cases.loc["sub-P1", "dice"] == 1
    assert cases.loc["sub-P3", "dice"] == 0
    assert np.isnan(cases.loc["sub-P4", "dice"])


def test_participants_are_joined_by_their_id(study: Path) -> None:
    results = read(study)
    assert results.participant_columns == ("age", "site")
    assert results.cases["age"].tolist()[:3] == [31, 45, 28]
    assert np.isnan(results.cases["age"].iloc[3])


def test_a_participant_column_with_a_name_of_ours_gets_a_prefix(study: Path) -> None:
    people = pd.DataFrame({"participant_id": ["sub-P1"], "lesion_count": [7]})
    people.to_csv(study / "participants.tsv", sep="\t", index=False)
    results = read(study)
    assert results.participant_columns == ("participant_lesion_count",)
    assert results.cases["lesion_count"].iloc[0] == 3


def test_broken_participants_are_named(study: Path) -> None:
    (study / "participants.tsv").write_text("name,age\nP1,3\n")
    results = read(study)
    assert len(results.cases) == 4
    assert "participant_id" in results.problems[0]


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"case": 1}', "\x00\xff"])
def test_a_broken_record_is_named_and_skipped(study: Path, content: str) -> None:
    record_of(study, "P2").write_text(content)
    results = read(study)
    assert results.cases["case"].tolist() == ["sub-P1", "sub-P3", "sub-P4"]
    assert len(results.problems) == 1
    assert "sub-P2" in results.problems[0]


@pytest.mark.parametrize("key", ["brain", "grid", "run", "files"])
def test_a_record_with_a_damaged_part_is_named_and_skipped(study: Path, key: str) -> None:
    record = json.loads(record_of(study, "P2").read_text()) | {key: "nonsense"}
    record_of(study, "P2").write_text(json.dumps(record))
    results = read(study)
    assert len(results.cases) == 3
    assert "sub-P2" in results.problems[0]


@pytest.mark.parametrize(
    "damage",
    ["", "index\tvolume_mm3\n", "no table at all", "index\tvolume_mm3\n1\tlarge\n2\tsmall\n"],
)
def test_a_broken_table_is_named_and_its_case_skipped(study: Path, damage: str) -> None:
    table_of(study, "P2").write_text(damage)
    results = read(study)
    assert results.cases["case"].tolist() == ["sub-P1", "sub-P3", "sub-P4"]
    assert set(results.lesions["case"]) == {"sub-P1", "sub-P4"}
    assert "sub-P2" in results.problems[0]


def test_words_among_the_numbers_of_one_table_spoil_only_that_case(study: Path) -> None:
    path = table_of(study, "P2")
    heading, first, *rest = path.read_text().splitlines()
    path.write_text("\n".join([heading, first.replace("180", "huge"), *rest]) + "\n")
    results = read(study)
    assert results.cases["case"].tolist() == ["sub-P1", "sub-P3", "sub-P4"]
    assert results.lesions["volume_mm3"].tolist() == [180, 80, 10, 187.5]


def test_a_missing_table_is_named(study: Path) -> None:
    table_of(study, "P1").unlink()
    assert "sub-P1" in read(study).problems[0]


def test_a_record_that_points_outside_is_refused(study: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.tsv").write_text("index\tvolume_mm3\n1\t5\n2\t5\n")
    record = json.loads(record_of(study, "P2").read_text())
    record["files"]["table"] = "../../../secret.tsv"
    record_of(study, "P2").write_text(json.dumps(record))
    results = read(study)
    assert "sub-P2" not in set(results.cases["case"])
    assert "leads out of the opened folder" in results.problems[0]


def test_a_record_that_is_a_link_out_is_refused(study: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.json"
    record_of(study, "P2").rename(elsewhere)
    record_of(study, "P2").symlink_to(elsewhere)
    assert "leads out of the opened folder" in read(study).problems[0]


def test_a_folder_without_any_readable_case_is_empty_not_an_error(study: Path) -> None:
    for subject in ("P1", "P2", "P3", "P4"):
        record_of(study, subject).write_text("{")
    results = read(study)
    assert results.cases.empty
    assert results.lesions.empty
    assert len(results.problems) == 4


def test_the_fingerprint_changes_when_a_record_does(study: Path) -> None:
    opened = open_folder([str(study)])
    before = fingerprint(opened, NAME)
    assert fingerprint(opened, NAME) == before
    record_of(study, "P1").write_text("{}")
    assert fingerprint(opened, NAME) != before


def test_flags_say_what_to_look_at(study: Path) -> None:
    record = json.loads(record_of(study, "P1").read_text())
    record["brain"]["source"] = "none"
    record_of(study, "P1").write_text(json.dumps(record))
    flags = read(study).cases.set_index("case")["flags"]
    assert flags["sub-P1"] == "brain not found"
    assert flags["sub-P3"] == "no lesion"
    assert flags["sub-P2"] == ""


def test_groups_are_summarised_beside_all() -> None:
    cases = pd.DataFrame({"dice": [0.4, 0.6, 0.9, np.nan], "site": ["A", "A", "B", None]})
    table = by_group(cases, ["dice"], "site").set_index("group")
    assert list(table.index) == ["all", "A", "B", "n/a"]
    assert table["n"].to_dict() == {"all": 3, "A": 2, "B": 1, "n/a": 0}
    assert table.loc["A", "mean"] == 0.5
    assert np.isnan(table.loc["B", "ci_low"])  # one case says nothing about the spread


def test_pairs_are_matched_by_case() -> None:
    first = pd.DataFrame({"case": ["a", "b", "c"], "dice": [0.5, 0.6, 0.7]})
    second = pd.DataFrame({"case": ["c", "a", "d"], "dice": [0.8, 0.9, 0.1]})
    table = paired(first, second, "dice")
    assert table["case"].tolist() == ["a", "c"]
    assert table["difference"].tolist() == pytest.approx([0.4, 0.1])
    row = paired_test(first, second, "dice")
    assert row["n"] == 2
    assert row["mean_difference"] == pytest.approx(0.25)
    assert np.isnan([row["ci_low"], row["ci_high"]]).all()  # nor an interval
    assert np.isnan(row["wilcoxon_p"])  # two cases cannot give one


def test_metrics_keep_their_order_and_their_groups_stand_together() -> None:
    cases = pd.DataFrame({"sensitivity": [0.5, 0.7], "dice": [0.4, 0.6], "site": ["B", "A"]})
    table = by_group(cases, ["sensitivity", "dice"], "site")
    assert table["metric"].tolist() == ["sensitivity"] * 3 + ["dice"] * 3
    assert table["group"].tolist() == ["all", "A", "B"] * 2


def test_results_of_the_opened_folder_itself(study: Path) -> None:
    opened = open_folder([str(study / NAME)])
    assert isinstance(opened, Opened)
    assert len(read_results(opened, ".").cases) == 4


def test_what_newer_records_say_is_shown(study: Path) -> None:
    path = record_of(study, "P1")
    more = {
        "lesion_volume_interval_ml": {"low": 0.2, "high": 0.4, "rate": 0.8},
        "scan_uncertainty": 0.31,
        "quality": {"verdict": "caution", "snr": 12.5, "list": [1]},
    }
    path.write_text(json.dumps(json.loads(path.read_text()) | more))
    row = read(study).cases.set_index("case").loc["sub-P1"]
    assert (row["volume_low_ml"], row["volume_high_ml"], row["scan_uncertainty"]) == (
        0.2,
        0.4,
        0.31,
    )
    assert (row["quality"], row["quality_snr"]) == ("caution", 12.5)
    assert np.isnan(read(study).cases.set_index("case").loc["sub-P2", "scan_uncertainty"])


def test_an_interval_that_is_none_is_named(study: Path) -> None:
    path = record_of(study, "P1")
    path.write_text(
        json.dumps(json.loads(path.read_text()) | {"lesion_volume_interval_ml": {"low": 1}})
    )
    results = read(study)
    assert len(results.cases) == 3
    assert "sub-P1" in results.problems[0]


def test_what_only_the_cohort_table_knows_is_joined_by_record(study: Path) -> None:
    path = study / NAME / "cases.tsv"
    table = pd.read_csv(path, sep="\t")
    table["quality"] = ["pass", "pass", "fail", "n/a"]
    table.iloc[::-1].to_csv(path, sep="\t", index=False)
    cases = read(study).cases.set_index("case")
    assert cases["quality"].tolist()[:3] == ["pass", "pass", "fail"]
    assert cases.loc["sub-P3", "flags"] == "no lesion, quality: fail"
    assert cases.loc["sub-P1", "flags"] == ""


def test_a_broken_cohort_table_is_named(study: Path) -> None:
    (study / NAME / "cases.tsv").write_text("nothing\n")
    results = read(study)
    assert len(results.cases) == 4
    assert results.problems == (
        f"{NAME}/cases.tsv: expected tabs and a column record, cannot be read; left out",
    )


def test_a_changed_table_is_noticed(study: Path) -> None:
    opened = open_folder([str(study)])
    before = fingerprint(opened, NAME)
    path = table_of(study, "P1")
    path.write_text(path.read_text().replace("\n", "\tmore\n"))
    assert fingerprint(opened, NAME) != before


def test_lesions_are_counted_by_region_where_they_have_one(study: Path) -> None:
    for subject, regions in (
        ("P1", ["periventricular", "periventricular", "infratentorial"]),
        ("P2", [None, None]),
    ):
        path = table_of(study, subject)
        pd.read_csv(path, sep="\t").assign(region=regions).to_csv(
            path, sep="\t", index=False, na_rep="n/a"
        )
    cases = read(study).cases.set_index("case")
    counts = cases[["periventricular_lesions", "juxtacortical_lesions", "infratentorial_lesions"]]
    assert counts.loc["sub-P1"].tolist() == [2, 0, 1]
    assert (
        counts.loc["sub-P2"].isna().all()
    )  # no region was found, which is not the same as none being there


def test_flagged_lesions_and_confidence_reach_the_case(study: Path) -> None:
    path = table_of(study, "P1")
    table = pd.read_csv(path, sep="\t")
    table.assign(flags=["", "small", "small"], confidence=[0.9, 0.4, 0.6]).to_csv(
        path, sep="\t", index=False
    )
    cases = read(study).cases.set_index("case")
    assert cases.loc["sub-P1", "flagged_lesions"] == 2
    assert cases.loc["sub-P1", "least_confidence"] == 0.4
    assert cases.loc["sub-P1", "flags"] == ""  # nearly every real case has some


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("volume_mm3", "n/a", "volume_mm3 must be numbers above 0"),
        ("volume_mm3", "nan", "expected a lesion table"),
        ("volume_mm3", "inf", "volume_mm3 must be numbers above 0"),
        ("volume_mm3", "-1", "volume_mm3 must be numbers above 0"),
        ("index", "n/a", "index must be whole numbers from 1"),
        ("index", "0", "index must be whole numbers from 1"),
        ("index", "1.5", "index must be whole numbers from 1"),
        ("mean_probability", "inf", "mean_probability must be numbers, found one without end"),
    ],
)
def test_a_lesion_that_cannot_be_is_named_and_its_case_skipped(
    study: Path, column: str, value: str, said: str
) -> None:
    [path] = study.glob("derivatives/fsh/sub-P1/anat/*_dseg.tsv")
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    table.loc[1, column] = value
    table.to_csv(path, sep="\t", index=False)
    results = read_results(open_folder([str(study)]), "derivatives/fsh")
    assert results.cases["case"].tolist() == ["sub-P2", "sub-P3", "sub-P4"]
    assert said in results.problems[0]
