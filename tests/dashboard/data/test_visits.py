"""What is known of visits: dates, scanners, quality by group and time, what is missing."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from fsh_core.cases import Case
from fsh_dashboard.data.cohort_tables import Results
from fsh_dashboard.data.folder import Opened, open_folder
from fsh_dashboard.data.visits import (
    NO_DATE,
    NOT_SAID,
    participants_of,
    quality_by,
    visit_facts,
    visit_matrix,
)


@pytest.fixture
def tiny(tmp_path: Path) -> Callable[..., tuple[Opened, Results, dict[str, Case]]]:
    """Cases of patients 1 and 2 with visits m6 and m12, their scans empty files."""

    def make(scans: Path = tmp_path) -> tuple[Opened, Results, dict[str, Case]]:
        names = [("1", "m6"), ("1", "m12"), ("2", "m6")]
        cases = pd.DataFrame(names, columns=["subject", "session"])
        cases["case"] = "sub-" + cases["subject"] + "_ses-" + cases["session"]
        cases["record"], cases["voxel_mm"] = "none.json", "1 × 1 × 1"
        cases["quality"] = ["pass", "fail", None]
        known = {}
        for subject, session in names:
            folder = scans / f"sub-{subject}" / f"ses-{session}" / "anat"
            folder.mkdir(parents=True, exist_ok=True)
            flair = folder / f"sub-{subject}_ses-{session}_FLAIR.nii.gz"
            flair.touch()
            case = Case(subject, session, {"FLAIR": flair})
            known[case.name] = case
        opened = open_folder([str(tmp_path)])
        return opened, Results("derivatives", cases, pd.DataFrame(), (), ()), known

    return make


def test_dates_and_scanners_are_read_beside_the_scan(tiny: Callable, tmp_path: Path) -> None:
    opened, results, known = tiny()
    (tmp_path / "sub-1" / "sub-1_sessions.tsv").write_text(
        "session_id\tacq_time\nses-m6\t2024-03-05\nses-m12\t2024-09-05\n"
    )
    said = {
        "Manufacturer": "Siemens",
        "ManufacturersModelName": "<b>Skyra</b>",
        "MagneticFieldStrength": 3.0,
        "ProtocolName": "t2_space",
        "EchoTime": [1, 2],
    }
    known["sub-1_ses-m6"].flair.with_name("sub-1_ses-m6_FLAIR.json").write_text(json.dumps(said))
    known["sub-2_ses-m6"].flair.with_name("sub-2_ses-m6_FLAIR.json").write_text("{broken")
    facts = visit_facts(opened, results, known)
    assert facts["month"].tolist() == ["2024-03", "2024-09", NO_DATE]
    assert facts["scanner_model"].tolist() == ["Siemens <b>Skyra</b> 3 T", NOT_SAID, NOT_SAID]
    assert facts["sequence_name"].tolist() == ["t2_space", NOT_SAID, NOT_SAID]
    assert facts["visit"].tolist() == ["m6", "m12", "m6"]


def test_nothing_is_read_outside_the_opened_folder(
    tiny: Callable, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "secret.json").write_text('{"Manufacturer": "secret"}')
    (elsewhere / "dates.tsv").write_text("session_id\tacq_time\nses-m6\t2024-03-05\n")
    opened, results, known = tiny()
    beside = known["sub-1_ses-m6"].flair.with_name("sub-1_ses-m6_FLAIR.json")
    beside.symlink_to(elsewhere / "secret.json")
    (tmp_path / "sub-1" / "sub-1_sessions.tsv").symlink_to(elsewhere / "dates.tsv")
    facts = visit_facts(opened, results, known)
    assert set(facts["scanner_model"]) == {NOT_SAID}
    assert set(facts["month"]) == {NO_DATE}
    opened, results, known = tiny(elsewhere)
    known["sub-1_ses-m6"].flair.with_name("sub-1_ses-m6_FLAIR.json").write_text(
        '{"Manufacturer": "secret"}'
    )
    assert set(visit_facts(opened, results, known)["scanner_model"]) == {NOT_SAID}


def test_quality_is_counted_by_group_and_time_and_undefined_without_a_verdict() -> None:
    facts = pd.DataFrame(
        {
            "site": ["A", "A", "A", "A", "B", None],
            "visit": ["m6", "m6", "m6", "m12", "m6", "m6"],
            "quality": ["pass", "fail", "caution", "fail", None, "pass"],
        }
    )
    table = quality_by(facts, "site", "visit").set_index(["group", "period"])
    assert list(table.index) == [("A", "m6"), ("A", "m12"), ("B", "m6"), (NOT_SAID, "m6")]
    first = table.loc[("A", "m6")]
    assert (first["n"], first["pass"], first["caution"], first["fail"]) == (3, 1, 1, 1)
    assert first["failed"] == pytest.approx(1 / 3)
    assert table.loc[("B", "m6"), "no verdict"] == 1
    assert pd.isna(table.loc[("B", "m6"), "failed"])
    together = quality_by(facts.drop(columns="quality"), None, "visit")
    assert together["n"].tolist() == [5, 1]
    assert together["failed"].isna().all()


def test_the_matrix_says_what_is_there_failed_not_segmented_and_missing(tiny: Callable) -> None:
    opened, results, known = tiny()
    facts = visit_facts(opened, results, known)
    third = Case("3", "m12", {"FLAIR": Path("x.nii.gz")})
    table = visit_matrix(facts, [*known.values(), third], ["4"])
    wide = table.pivot(index="patient", columns="visit", values="state")
    assert list(dict.fromkeys(table["visit"])) == ["m6", "m12"]
    assert wide["m6"].to_dict() == {
        "sub-1": "pass",
        "sub-2": "no verdict",
        "sub-3": "missing",
        "sub-4": "missing",
    }
    assert wide["m12"].to_dict() == {
        "sub-1": "fail",
        "sub-2": "missing",
        "sub-3": "not segmented",
        "sub-4": "missing",
    }
    there = table.loc[table["state"] == "fail", "case"]
    assert there.tolist() == ["sub-1_ses-m12"]


def test_one_visit_without_a_session_is_a_visit(tiny: Callable) -> None:
    opened, results, known = tiny()
    cases = results.cases.assign(session=None).drop_duplicates("subject")
    facts = visit_facts(opened, replace(results, cases=cases), known)
    assert visit_matrix(facts, [], [])["visit"].tolist() == ["one visit", "one visit"]


def test_participants_without_any_scan_are_listed(tiny: Callable, tmp_path: Path) -> None:
    opened, results, _ = tiny()
    assert participants_of(opened, results) == []
    (tmp_path / "participants.tsv").write_text("participant_id\nsub-1\nsub-9\n")
    assert participants_of(opened, results) == ["1", "9"]
    (tmp_path / "participants.tsv").write_text("name\nx\n")
    assert participants_of(opened, results) == []
