"""The command line, in this process: words in, files and a return code out."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from fsh_core import files as fsh_files
from fsh_core.cli import main
from fsh_core.config import ModelConfig, SegmentConfig
from fsh_core.network.checkpoint import save_checkpoint
from fsh_core.network.model import R2AttentionUNet3d, arrays_of
from fsh_core.volume.volume import load_volume, save_like
from tests.core.cli.test_bad_input import CHECKPOINTS, INPUTS, MASKS, is_one_sentence, nifti, scan

FAST = ["--precision", "fp32", "--patch-size", "32,32,32", "--overlap", "0"]


@pytest.fixture(scope="session")
def weights(tmp_path_factory) -> Path:
    """A tiny network that calls bright voxels lesion with a probability of about one half."""
    import torch

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    model = R2AttentionUNet3d(ModelConfig(widths=(2, 2, 2, 2, 2)))
    save_checkpoint(model.config, path, {"name": "tiny"}, arrays_of(model))
    return path


@pytest.fixture
def flair(phantom, tmp_path: Path) -> Path:
    save_like(phantom.flair.data, phantom.flair, tmp_path / "in" / "sub-07_FLAIR.nii.gz")
    return tmp_path / "in" / "sub-07_FLAIR.nii.gz"


def segment(*words: str | Path, weights: Path) -> int:
    return main(["segment", *map(str, words), "--weights", str(weights), *FAST])


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_file_becomes_a_bids_derivative_on_its_own_grid(
    flair: Path, weights: Path, tmp_path: Path, capsys
) -> None:
    assert segment(flair, "-o", tmp_path / "out", weights=weights) == 0
    anat = tmp_path / "out" / "sub-07" / "anat"
    original = nib.load(flair)
    for ending in ("space-orig_label-L_mask", "space-orig_label-L_probseg", "seg-lesions_dseg"):
        image = nib.load(anat / f"sub-07_{ending}.nii.gz")
        assert image.shape == original.shape
        assert (image.affine == original.affine).all()
    record = json.loads((anat / "sub-07_seg-lesions_dseg.json").read_text())
    assert record["weights"]["name"] == "tiny"
    assert record["settings"]["overlap"] == 0
    assert len(pd.read_csv(tmp_path / "out" / "cases.tsv", sep="\t")) == 1
    assert (tmp_path / "out" / "dataset_description.json").exists()
    assert (tmp_path / "out" / "sub-07.html").exists()
    shown = capsys.readouterr().out
    assert "sub-07" in shown
    assert "space-orig_label-L_mask.nii.gz" in shown


def test_the_threads_that_were_used_are_said(
    flair: Path, weights: Path, tmp_path: Path, capsys, monkeypatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert segment(flair, "-o", tmp_path / "out", weights=weights) == 0
    assert "from file to lesions, the network in 1 thread." in capsys.readouterr().out
    record = tmp_path / "out" / "sub-07" / "anat" / "sub-07_seg-lesions_dseg.json"
    assert json.loads(record.read_text())["run"]["threads"] == 1


def test_two_runs_leave_the_same_bytes(flair: Path, weights: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert segment(flair, "-o", tmp_path / name, weights=weights) == 0
    one, two = contents(tmp_path / "one"), contents(tmp_path / "two")
    assert one.keys() == two.keys()
    differ = {name for name in one if one[name] != two[name]}
    # The time it took is the only difference, and stands in these three alone.
    assert differ <= {"sub-07/anat/sub-07_seg-lesions_dseg.json", "cases.tsv", "sub-07.html"}
    records = [
        json.loads(folder["sub-07/anat/sub-07_seg-lesions_dseg.json"]) for folder in (one, two)
    ]
    assert all(record.pop("run") for record in records)
    assert records[0] == records[1]


def test_done_cases_are_skipped_until_something_changes(
    flair: Path, weights: Path, tmp_path: Path, capsys
) -> None:
    out = tmp_path / "out"
    mask = out / "sub-07" / "anat" / "sub-07_space-orig_label-L_mask.nii.gz"
    segment(flair, "-o", out, weights=weights)
    first = mask.stat().st_mtime_ns
    assert segment(flair, "-o", out, weights=weights) == 0
    assert "done already" in capsys.readouterr().out
    assert mask.stat().st_mtime_ns == first
    assert segment(flair, "-o", out, "--force", weights=weights) == 0
    second = mask.stat().st_mtime_ns
    assert second > first
    assert segment(flair, "-o", out, "--threshold", "0.7", weights=weights) == 0
    assert mask.stat().st_mtime_ns > second


def test_a_dataset_gives_one_cohort_table(
    phantom_bids: Path, weights: Path, tmp_path: Path
) -> None:
    assert segment(phantom_bids, "-o", tmp_path / "out", weights=weights) == 0
    cases = pd.read_csv(tmp_path / "out" / "cases.tsv", sep="\t", dtype={"subject": str})
    assert cases["subject"].tolist() == ["01", "02", "02"]
    assert (tmp_path / "out" / "sub-02" / "ses-b" / "anat").is_dir()


def test_a_bad_case_does_not_stop_the_others(
    phantom_bids: Path, weights: Path, tmp_path: Path, capsys
) -> None:
    bad = phantom_bids / "sub-00" / "anat" / "sub-00_FLAIR.nii.gz"
    bad.parent.mkdir(parents=True)
    bad.write_bytes(b"not a scan")
    assert segment(phantom_bids, "-o", tmp_path / "out", weights=weights) == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith("fsh: ")
    assert str(bad) in error
    assert is_one_sentence(error)
    assert len(pd.read_csv(tmp_path / "out" / "cases.tsv", sep="\t")) == 3
    assert not (tmp_path / "out" / "sub-00").exists()


def test_a_missing_input_does_not_stop_the_others(
    flair: Path, weights: Path, tmp_path: Path, capsys
) -> None:
    assert segment(tmp_path / "no.nii.gz", flair, "-o", tmp_path / "out", weights=weights) == 2
    assert "no.nii.gz: no such file or folder; check the name" in capsys.readouterr().err
    assert (tmp_path / "out" / "sub-07" / "anat" / "sub-07_space-orig_label-L_mask.nii.gz").exists()


def refused(words: list[str], sentence: str, out: Path, capsys) -> None:
    """Check for one sentence on stderr, exit code 2, and no case left behind."""
    assert main(words) == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith("fsh: ")
    assert is_one_sentence(error)
    assert re.search(sentence, error)
    assert not list(out.rglob("*.nii.gz"))
    assert not list(out.rglob("*.json")) or [path.name for path in out.rglob("*.json")] == [
        "dataset_description.json"
    ]


@pytest.mark.parametrize(
    ("make", "sentence"), [row[1:] for row in INPUTS], ids=[row[0] for row in INPUTS]
)
def test_bad_input(
    tmp_path: Path, weights: Path, capsys, make: Callable[[Path], Path], sentence: str
) -> None:
    out = tmp_path / "out"
    (tmp_path / "in").mkdir()
    given = make(tmp_path / "in")
    refused(
        ["segment", str(given), "-o", str(out), "--weights", str(weights), *FAST],
        sentence,
        out,
        capsys,
    )


@pytest.mark.parametrize(
    ("make", "sentence"), [row[1:] for row in MASKS], ids=[row[0] for row in MASKS]
)
def test_bad_brain_mask(
    tmp_path: Path, weights: Path, capsys, make: Callable[[Path], Path], sentence: str
) -> None:
    out = tmp_path / "out"
    (tmp_path / "in").mkdir()
    good = nifti(scan())(tmp_path / "in").rename(tmp_path / "flair.nii.gz")
    words = ["segment", str(good), "--brain-mask", str(make(tmp_path / "in")), "-o", str(out)]
    sentence = sentence.replace("flair.nii.gz", ".*flair.nii.gz")
    refused([*words, "--weights", str(weights), *FAST], sentence, out, capsys)


@pytest.mark.parametrize(
    ("make", "sentence"), [row[1:] for row in CHECKPOINTS], ids=[row[0] for row in CHECKPOINTS]
)
def test_bad_weights(
    tmp_path: Path, flair: Path, capsys, make: Callable[[Path], Path], sentence: str
) -> None:
    out = tmp_path / "out"
    (tmp_path / "net").mkdir()
    refused(
        ["segment", str(flair), "-o", str(out), "--weights", str(make(tmp_path / "net"))],
        sentence,
        out,
        capsys,
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--threshold", "2"], r"--threshold: .*less than 1, got 2.0"),
        (["--patch-size", "60,64,64"], r"divisible by 16, got \(60, 64, 64\); try \(64, 64, 64\)"),
        (["--patch-size", "64"], r"--patch-size.*"),
        (
            ["--channels", "T3w=x.nii.gz"],
            r"--channels must be T1w=FILE or T2w=FILE, got 'T3w=x.nii.gz'",
        ),
        (["--sample"], r"--sample stands alone; leave the other inputs away"),
    ],
)
def test_bad_option(tmp_path: Path, flair: Path, capsys, words: list[str], sentence: str) -> None:
    refused(
        ["segment", str(flair), "-o", str(tmp_path / "out"), *words],
        sentence,
        tmp_path / "out",
        capsys,
    )


@pytest.mark.parametrize(
    "words", [["--no-such-option"], ["--threshold", "high"], ["--precision", "fp8"]]
)
def test_unknown_words_end_with_2(flair: Path, capsys, words: list[str]) -> None:
    assert main(["segment", str(flair), *words]) == 2
    assert capsys.readouterr().err


def test_no_input(capsys, tmp_path: Path) -> None:
    refused(["segment", "-o", str(tmp_path)], "no input was given", tmp_path, capsys)


def test_brain_mask_belongs_to_a_single_scan(phantom_bids: Path, capsys, tmp_path: Path) -> None:
    words = [
        "segment",
        str(phantom_bids),
        "--brain-mask",
        "mask.nii.gz",
        "-o",
        str(tmp_path / "out"),
    ]
    refused(words, r"belong to a single FLAIR, found 3; name one file", tmp_path / "out", capsys)


@pytest.mark.parametrize("inside", ["", "out"])
def test_an_output_folder_that_is_a_file(
    flair: Path, weights: Path, tmp_path: Path, capsys, inside: str
) -> None:
    file = tmp_path / "file"
    file.write_text("in the way")
    words = ["segment", str(flair), "-o", str(file / inside), "--weights", str(weights)]
    assert main(words) == 2
    name = str(file) if inside else "this"
    assert f"{name} is a file where a folder is expected; choose" in capsys.readouterr().err
    assert file.read_text() == "in the way"


def test_disk_full_while_writing(
    flair: Path, weights: Path, tmp_path: Path, capsys, monkeypatch
) -> None:
    out = tmp_path / "out"
    segment(flair, "-o", out, weights=weights)
    before = contents(out)
    sync, calls = fsh_files.os.fsync, iter(range(1000))

    def full_after_a_few(handle: int) -> None:
        if next(calls) == 6:
            raise OSError(28, "No space left on device")
        sync(handle)

    monkeypatch.setattr(fsh_files.os, "fsync", full_after_a_few)
    assert segment(flair, "-o", out, "--threshold", "0.7", weights=weights) == 2
    monkeypatch.undo()
    assert "cannot be written (No space left on device); free some space" in capsys.readouterr().err
    assert contents(out) == before


def test_brain_mask_and_second_channel(phantom, flair: Path, tmp_path: Path) -> None:
    path = tmp_path / "two.safetensors"
    model = R2AttentionUNet3d(ModelConfig(widths=(2, 2, 2, 2, 2), channels=("FLAIR", "T1w")))
    save_checkpoint(model.config, path, {}, arrays_of(model))
    save_like(phantom.flair.data[::-1].copy(), phantom.flair, tmp_path / "t1.nii.gz")
    save_like(phantom.brain, phantom.flair, tmp_path / "brain.nii.gz")
    words = [
        flair,
        "--channels",
        f"T1w={tmp_path / 't1.nii.gz'}",
        "--brain-mask",
        tmp_path / "brain.nii.gz",
        "-o",
        tmp_path / "out",
    ]
    assert segment(*words, weights=path) == 0
    record = json.loads((tmp_path / "out/sub-07/anat/sub-07_seg-lesions_dseg.json").read_text())
    assert record["brain"]["source"] == "given"
    assert set(record["input"]) == {"FLAIR", "T1w", "brain"}


def test_evaluate_writes_tables(phantom_bids: Path, tmp_path: Path, capsys) -> None:
    masks = phantom_bids / "derivatives" / "manual"
    other = tmp_path / "copy"
    for path in masks.rglob("*.nii.gz"):
        volume = load_volume(path)
        save_like(
            np.roll(volume.data, 1, axis=0).astype(np.uint8),
            volume,
            other / path.relative_to(masks),
        )
    assert main(["evaluate", str(other), str(masks), "-o", str(tmp_path / "out")]) == 0
    cases = pd.read_csv(tmp_path / "out" / "cases.csv")
    # Three boxes, each moved by one voxel along I: 6, 4 and 2 voxels wide, 5, 3 and 1 in common.
    expected = (5 * 12 + 3 * 8 + 1 * 2) / (6 * 12 + 4 * 8 + 2 * 2)
    assert cases["dice"].tolist() == pytest.approx([expected] * 3)
    assert cases["lesion_f1"].tolist() == [1, 1, 1]
    assert (tmp_path / "out" / "summary.csv").exists()
    assert "dice" in capsys.readouterr().out


def test_evaluate_reports_what_has_no_partner(phantom_bids: Path, tmp_path: Path, capsys) -> None:
    masks = phantom_bids / "derivatives" / "manual"
    lone = tmp_path / "sub-01_label-L_mask.nii.gz"
    lone.write_bytes((masks / "sub-01/anat/sub-01_label-L_mask.nii.gz").read_bytes())
    assert main(["evaluate", str(tmp_path), str(masks), "-o", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.count("fsh: ") >= 1


def test_doctor(weights: Path, capsys) -> None:
    assert main(["doctor", "--weights", str(weights)]) == 0
    shown = capsys.readouterr().out
    assert "two runs identical" in shown
    assert "torch 2." in shown
    assert "SHA-256" in shown


def test_every_setting_has_its_option(capsys, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    for command, config in (("segment", SegmentConfig), ("train", ModelConfig)):
        assert main([command, "--help"]) == 0
        shown = capsys.readouterr().out
        for name in config.model_fields:
            assert f"--{name.replace('_', '-')}" in shown


def test_help_waits_for_no_large_package() -> None:
    """What makes help quick; a limit in seconds would only measure the machine."""
    code = (
        "import sys; from fsh_core.cli import main; main(['--help']); "
        "print(*{name.split('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    loaded = set(ran.stderr.split())
    assert "typer" in loaded
    large = {"torch", "monai", "numpy", "scipy", "pandas", "nibabel", "skimage", "matplotlib"}
    assert not loaded & large
