"""F.sh as a BIDS App: the arguments that schedulers give, and the codes that they read."""

import json
import os
from pathlib import Path

import pandas as pd
import pytest

from fsh_core.cases import discover_cases
from fsh_core.cases.selection import Selection, read_filter
from fsh_core.cli import bids
from fsh_core.errors import InputError
from fsh_core.volume.volume import save_like
from tests.core.cli.test_app import weights  # noqa: F401  (a fixture)


@pytest.fixture
def dataset(phantom, tmp_path: Path) -> Path:
    """Two participants, one with two sessions, one with two FLAIRs in a session."""
    root = tmp_path / "bids"
    for name in (
        "sub-01/ses-m00/anat/sub-01_ses-m00_FLAIR.nii.gz",
        "sub-01/ses-m12/anat/sub-01_ses-m12_acq-3d_FLAIR.nii.gz",
        "sub-01/ses-m12/anat/sub-01_ses-m12_acq-2d_run-01_FLAIR.nii.gz",
        "sub-02/anat/sub-02_FLAIR.nii.gz",
    ):
        save_like(phantom.flair.data, phantom.flair, root / name)
    (root / "dataset_description.json").write_text('{"Name": "x", "BIDSVersion": "1.10.0"}')
    return root


@pytest.fixture
def run(dataset, tmp_path, weights, monkeypatch, capsys):  # noqa: F811
    """Run ``fsh-bids``; gives the code, and all that was said in one line."""
    for name in bids._THREAD_SETTINGS:
        monkeypatch.delenv(name, raising=False)

    def call(*words: str | Path) -> tuple[int, str]:
        given = [dataset, tmp_path / "out", *words]
        if "participant" in words:
            given += ["--weights", weights]
        code = bids.main([str(word) for word in given])
        said = capsys.readouterr()
        return code, " ".join((said.out + said.err).split())

    return call


def segmented(tmp_path: Path) -> list[str]:
    return sorted(path.name.split("_seg-")[0] for path in (tmp_path / "out").rglob("*_dseg.json"))


def test_participants_then_the_group(run, tmp_path) -> None:
    code, said = run("participant", "--participant-label", "02", "sub-01", "--session-label", "m00")
    assert (code, segmented(tmp_path)) == (bids.SOME_FAILED, ["sub-01_ses-m00"])
    assert "expected participant 02 with a FLAIR that fits, found none; check the label" in said
    code, _ = run("participant", "--participant_label", "02", "--skip-bids-validation")
    assert (code, segmented(tmp_path)) == (bids.ALL_WORKED, ["sub-01_ses-m00", "sub-02"])
    assert not (tmp_path / "out" / "cases.tsv").exists()  # of a thousand jobs each would write it
    described = json.loads((tmp_path / "out" / "dataset_description.json").read_text())
    assert described["DatasetType"] == "derivative"
    code, _ = run("group")
    assert code == bids.ALL_WORKED
    cases = pd.read_csv(tmp_path / "out" / "cases.tsv", sep="\t", dtype=str)
    assert cases["subject"].tolist() == ["01", "02"]


def test_what_is_done_is_not_done_again(run) -> None:
    assert run("participant", "--participant-label", "sub-02")[0] == bids.ALL_WORKED
    code, said = run("participant", "--participant-label", "sub-02")
    assert code == bids.ALL_WORKED
    assert "done already" in said


def test_the_code_tells_some_from_none(run, dataset) -> None:
    code, said = run("participant", "--participant-label", "99")
    assert code == bids.NONE_WORKED
    assert "found none in 0 subject folder(s) that are wanted" in said
    (dataset / "sub-02" / "anat" / "sub-02_FLAIR.nii.gz").write_bytes(b"no scan")
    code, said = run("participant", "--participant-label", "02")
    assert code == bids.NONE_WORKED
    code, said = run("participant")  # two FLAIRs in one session, and a damaged file
    assert code == bids.SOME_FAILED
    assert "must be the only FLAIR of its case" in said


def test_a_filter_file_says_which_image_is_meant(run, tmp_path) -> None:
    wanted = tmp_path / "filter.json"
    wanted.write_text(
        json.dumps({"flair": {"suffix": "FLAIR", "acquisition": [None, "2d"], "run": [None, 1]}})
    )
    code, _ = run("participant", "--participant-label", "01", "--bids-filter-file", wanted)
    assert (code, segmented(tmp_path)) == (
        bids.ALL_WORKED,
        ["sub-01_ses-m00", "sub-01_ses-m12"],
    )


def test_threads_memory_and_work(run, tmp_path) -> None:
    code, said = run(
        "participant", "--participant-label", "02", "--n-cpus", "1", "--mem-mb", "500", "-w", "work"
    )
    assert code == bids.ALL_WORKED
    assert os.environ["OMP_NUM_THREADS"] == "1"
    assert "--mem-mb 500: a scan of 1 mm takes about" in said
    assert "work: nothing is kept there" in said
    assert "1 thread" in said
    assert not (tmp_path / "work").exists()


def test_the_group_needs_results(run) -> None:
    code, said = run("group")
    assert code == bids.NONE_WORKED
    assert "expected segmented scans, found none; run the participant level first" in said


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "expected JSON"),
        ("[]", "found a list"),
        ('{"bold": {}}', "expected entities for flair, t1w, t2w, found 'bold'"),
        ('{"flair": {"suffix": "T1w"}}', "found 'suffix': 'T1w'"),
        ('{"flair": {"run": {"a": 1}}}', "found 'run'"),
    ],
)
def test_a_filter_that_cannot_be_used(tmp_path, text, sentence) -> None:
    path = tmp_path / "filter.json"
    path.write_text(text)
    with pytest.raises(InputError, match=sentence.replace("[", r"\[")):
        read_filter(path)


def test_nothing_is_selected_by_default(dataset) -> None:
    problems: list[InputError] = []
    everything = discover_cases(dataset, on_problem=problems.append)
    assert discover_cases(dataset, on_problem=problems.append, selection=Selection()) == everything
    assert [case.name for case in everything] == ["sub-01_ses-m00", "sub-02"]


def test_the_version_needs_nothing_else(capsys) -> None:
    assert bids.main(["--version"]) == bids.ALL_WORKED
    assert capsys.readouterr().out.startswith("fsh-ms ")


def test_arguments_that_make_no_sense(dataset, capsys) -> None:
    with pytest.raises(SystemExit) as stop:
        bids.main([str(dataset), "out", "session"])
    assert stop.value.code == bids.NONE_WORKED
    assert "invalid choice" in capsys.readouterr().err
