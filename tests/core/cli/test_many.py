"""One of ten thousand tasks asks for its own scans, and tables do not take the time of the work."""

from pathlib import Path
from threading import Barrier, Event

import pytest

from fsh_core.cases import Case
from fsh_core.cases.raw import raw_files, raw_files_of
from fsh_core.cli import segment_job
from fsh_core.cli.segment import _overlapping
from fsh_core.cli.segment_job import Tables
from fsh_core.derivatives import Known
from fsh_core.errors import InputError
from fsh_core.files import HIDDEN
from fsh_core.locks import clear_after_killed


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Two participants, masks by hand, results of F.sh."""
    made = '{"GeneratedBy": [{"Name": "F.sh"}]}'
    for name, text in {
        "participants.tsv": "",
        "sub-01/ses-m00/anat/sub-01_ses-m00_FLAIR.nii.gz": "",
        "sub-02/anat/sub-02_FLAIR.nii.gz": "",
        "derivatives/manual/dataset_description.json": "",
        "derivatives/manual/sub-01/anat/sub-01_label-L_mask.nii.gz": "",
        "derivatives/manual/sub-02/anat/sub-02_label-L_mask.nii.gz": "",
        "derivatives/fsh/dataset_description.json": made,
        "derivatives/fsh/sub-01/anat/sub-01_seg-lesions_dseg.nii.gz": "",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize("label", ["01", "sub-01"])
def test_the_raw_files_of_a_participant(dataset: Path, label: str) -> None:
    assert {path.relative_to(dataset).as_posix() for path in raw_files_of(dataset, [label])} == {
        "participants.tsv",
        "sub-01/ses-m00/anat/sub-01_ses-m00_FLAIR.nii.gz",
        "derivatives/manual/dataset_description.json",
        "derivatives/manual/sub-01/anat/sub-01_label-L_mask.nii.gz",
    }


def test_those_of_all_participants_are_those_of_the_dataset(dataset: Path) -> None:
    assert set(raw_files_of(dataset, ["01", "02"])) == set(raw_files([dataset]))


def test_results_are_not_raw_where_they_are_the_dataset(dataset: Path) -> None:
    assert not list(raw_files_of(dataset / "derivatives" / "fsh", ["01"]))


def test_what_is_hidden_further_inside_is_left_to_others(tmp_path: Path) -> None:
    lock = f"{HIDDEN}sub-01.lock"
    for folder in (tmp_path, tmp_path / "sub-01"):
        folder.mkdir(exist_ok=True)
        (folder / lock).touch()
    clear_after_killed(tmp_path, inside=False)
    assert not (tmp_path / lock).exists()
    assert (tmp_path / "sub-01" / lock).exists()
    clear_after_killed(tmp_path)
    assert not (tmp_path / "sub-01" / lock).exists()


@pytest.mark.parametrize(("one_takes_s", "least"), [(0.1, 16), (30.0, 2)])
def test_tables_take_a_twentieth_of_the_time_at_most(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, one_takes_s: float, least: int
) -> None:
    """A thousand seconds of a case each second."""
    now = 0.0
    written = []

    def write(_folder: Path, _known: Known) -> None:
        nonlocal now
        now += one_takes_s
        written.append(now)

    monkeypatch.setattr(segment_job, "write_cohort", write)
    monkeypatch.setattr(segment_job.time, "monotonic", lambda: now)
    tables = Tables(tmp_path, are_wanted=True)
    while now < 1000:
        tables.keep_up()
        now += 1
    assert written[0] == one_takes_s  # the first case is in them at once
    assert least <= len(written) <= 17
    assert sum(one_takes_s for _ in written[1:]) <= 0.06 * now


class _Fake:
    """Stands in for a job: cases wait for each other, and for the end."""

    def __init__(self, together: int) -> None:
        self.stopped, self.begun = Event(), list[str]()
        self._together = Barrier(together)

    def segment(self, case: Case, *, wait: bool) -> None:
        self.begun.append(case.subject)
        if case.subject in "ab":
            self._together.wait(60)
        if case.subject == "b":
            raise InputError("no scan")
        if case.subject == "c":
            assert self.stopped.wait(60)


def _cases(letters: str) -> list[Case]:
    return [Case(letter, None, {"FLAIR": Path(letter)}) for letter in letters]


def test_two_cases_are_worked_at_and_one_that_fails_costs_the_other_nothing() -> None:
    job = _Fake(together=2)  # each of both waits for the other
    found = list(_overlapping(job, _cases("ab"), wait=False))  # type: ignore[arg-type]
    assert [case.subject for case, _ in found] == ["a", "b"]
    assert found[0][1] is None
    assert isinstance(found[1][1], InputError)


def test_closed_early_nothing_more_begins_and_what_runs_is_told() -> None:
    job = _Fake(together=1)
    outcomes = _overlapping(job, _cases("ac"), wait=False)  # type: ignore[arg-type]
    assert next(outcomes)[0].subject == "a"
    outcomes.close()
    assert job.stopped.is_set()  # else this would not end: c waits for it
