"""A frozen cohort: the same files give the same bytes, and what it says can be checked."""

import hashlib
import os
import re
import shutil
from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest

from fsh_core.errors import InputError
from fsh_dashboard.data.cohort_report import cohort_report, data_sha256
from fsh_dashboard.data.cohort_tables import read_results
from fsh_dashboard.data.folder import open_folder
from fsh_dashboard.data.reviews import read_reviews, with_review
from tests.core.report.pdf_text import text_of

FSH = "derivatives/fsh"


def freeze(folder: Path, *filters: str, keep: str = "") -> str:
    opened = open_folder([str(folder)])
    results = read_results(opened, FSH)
    cases = results.cases
    reviews = read_reviews(opened, results)
    cases = cases if reviews.progress.empty else with_review(cases, reviews)
    kept = cases[cases["case"].str.contains(keep)]
    return cohort_report(opened, results, kept, filters).html().decode()


def words(page: str) -> str:
    return unescape(re.sub(r"<[^>]+>", " ", page))


def test_the_same_files_give_the_same_bytes(study: Path, tmp_path: Path) -> None:
    first = freeze(study)
    elsewhere = Path(shutil.copytree(study, tmp_path / "elsewhere"))
    for path in elsewhere.rglob("*"):
        os.utime(path, (1e9, 1e9))
    assert freeze(elsewhere) == first
    assert str(tmp_path) not in first


def test_the_pdf_has_the_same_content_and_the_same_bytes(study: Path, tmp_path: Path) -> None:
    opened = open_folder([str(study)])
    results = read_results(opened, FSH)
    report = cohort_report(opened, results, results.cases, ("name contains P",))
    payload = report.pdf()
    elsewhere = Path(shutil.copytree(study, tmp_path / "elsewhere"))
    opened = open_folder([str(elsewhere)])
    again = cohort_report(opened, read_results(opened, FSH), results.cases, ("name contains P",))
    assert again.pdf() == payload
    said = "".join(text_of(payload).split())
    for text in re.findall(r"[^\s]+", words(report.html().decode().partition("<h1>")[2])):
        if text.isascii() and text.isalnum():
            assert text in said, text
    assert str(tmp_path) not in said


def test_it_says_filters_weights_version_and_date_of_the_data(study: Path) -> None:
    said = words(freeze(study, "name contains P1", keep="P1"))
    assert "1 of 4 cases in derivatives/fsh" in said
    assert "Filters: name contains P1" in said
    assert f"Weights: default, SHA-256 {'1' * 64}" in said
    assert "Segmented by F.sh 0.1.0, the last of them on 2026-01-01T00:00:00+00:00" in said
    assert "Filters: none, all cases" in words(freeze(study))


def test_every_hash_is_that_of_its_file_and_the_sum_can_be_checked(study: Path) -> None:
    page = freeze(study)
    rows = re.findall(r"<tr><td[^>]*>([^<]+)</td><td[^>]*>([0-9a-f]{64})</td></tr>", page)
    assert len(rows) == 9  # records and tables of four cases, and participants.tsv
    for path, sha256 in rows:
        assert hashlib.sha256((study / path).read_bytes()).hexdigest() == sha256
    listed = "".join(f"{sha256}  {path}\n" for path, sha256 in rows)
    total = hashlib.sha256(listed.encode()).hexdigest()
    assert f"SHA-256 of the data: {total} (9 files)" in words(page)
    assert data_sha256(dict(rows)) == total


def test_one_changed_letter_is_another_report(study: Path) -> None:
    before = freeze(study)
    people = study / "participants.tsv"
    people.write_text(people.read_text().replace("31", "32"))
    assert freeze(study) != before


def test_what_readers_decided_is_in_it(study: Path, decide: Callable[..., None]) -> None:
    decide(study, "P1", "AB", {1: "rejected"})
    page = freeze(study)
    (journal,) = (path for path in study.rglob("*AB*") if path.suffix == ".jsonl")
    assert journal.relative_to(study).as_posix() in page
    assert "Volume after review (ml)" in page
    assert len(re.findall(r"<td[^>]*>[0-9a-f]{64}</td>", page)) == 10


def test_scores_leave_out_patients_that_were_trained_on(study: Path) -> None:
    opened = open_folder([str(study)])
    results = read_results(opened, FSH)
    report = cohort_report(opened, results, results.cases.assign(trained_on="yes"), ())
    page = report.html().decode()
    assert ">Dice</td>" not in page
    assert ">Dice</td>" in freeze(study)


def test_text_of_a_file_is_no_markup(study: Path) -> None:
    people = study / "participants.tsv"
    people.write_text(people.read_text().replace("site", "<script>x</script>"))
    assert "<script>" not in freeze(study, "<script>x</script> is A")


def test_a_file_that_leads_out_is_refused(study: Path, tmp_path: Path) -> None:
    opened = open_folder([str(study)])
    results = read_results(opened, FSH)
    table = next(study.glob(f"{FSH}/sub-P1/anat/*_dseg.tsv"))
    table.rename(tmp_path / "table.tsv")
    table.symlink_to(tmp_path / "table.tsv")
    with pytest.raises(InputError, match="leads out of the opened folder"):
        cohort_report(opened, results, results.cases, ())
