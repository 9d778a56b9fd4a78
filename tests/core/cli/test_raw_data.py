"""No command writes over data that it reads, whatever the path is spelled like."""

import os
import shutil
from pathlib import Path

import pytest

from fsh_core.cases import discover_cases
from fsh_core.cases.raw import is_own_output, raw_files
from fsh_core.cli import main
from fsh_core.errors import InputError
from fsh_core.files import never_overwriting, write_atomically
from fsh_core.volume.volume import save_like
from tests.core.cli.test_app import FAST, weights  # noqa: F401  (a fixture)

REFUSED = "belongs to the data that is read, and is never written over; choose another output"


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.fixture
def dataset(phantom_bids: Path) -> Path:
    """A raw dataset with everything that BIDS has at the top."""
    (phantom_bids / "dataset_description.json").write_text('{"Name": "raw", "BIDSVersion": "1.8"}')
    (phantom_bids / ".bidsignore").write_text("notes\n")
    (phantom_bids / "cases.tsv").write_text("mine\n")
    (phantom_bids / "cases.csv").write_text("mine\n")
    return phantom_bids


def spelled(folder: Path, way: str) -> Path:
    """The same folder by another path."""
    if way == "link":
        link = folder.with_name("link")
        link.symlink_to(folder)
        return link
    return {"plain": folder, "dots": folder / ".." / folder.name / "."}[way]


@pytest.mark.parametrize("way", ["plain", "dots", "link"])
@pytest.mark.parametrize("command", ["segment", "simulate", "evaluate", "agreement"])
def test_into_the_dataset_that_it_reads(
    dataset: Path,
    weights: Path,  # noqa: F811
    command: str,
    way: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    masks = dataset / "derivatives" / "manual"
    shutil.copytree(masks, dataset / "second")
    before, out = contents(dataset), spelled(dataset, way)
    words = {
        "segment": [dataset, "-o", out, "--weights", weights, *FAST],
        "simulate": [dataset, "-o", out, "--count", "1"],
        "evaluate": [masks, dataset, "-o", out],
        "agreement": [dataset, dataset / "second", "-o", out],
    }[command]
    if command in ("evaluate", "agreement"):  # these write at the end
        words = [str(word) for word in words]
        words[:2] = [str(masks), str(dataset / "second")]
        (masks / "columns.json").write_text("mine")
        before = contents(dataset)
        words[-1] = str(spelled(masks, way))
    assert main([command, *map(str, words)]) == 2
    assert REFUSED in " ".join(capsys.readouterr().err.split())
    after = contents(dataset)
    assert {name: after.get(name) for name in before} == before


def test_a_scan_given_as_a_file_is_guarded_too(phantom, tmp_path: Path) -> None:
    flair = tmp_path / "sub-01" / "anat" / "sub-01_FLAIR.nii.gz"
    save_like(phantom.flair.data, phantom.flair, flair)
    before = flair.read_bytes()
    assert main(["simulate", str(flair), "-o", str(tmp_path), "--count", "1"]) == 2
    assert flair.read_bytes() == before
    assert not (tmp_path / "dataset_description.json").exists()


def test_into_a_folder_inside_the_dataset_again_and_again(
    dataset: Path,
    weights: Path,  # noqa: F811
) -> None:
    before = contents(dataset)
    words = ["segment", str(dataset), "-o", str(dataset / "results"), "--weights", str(weights)]
    for more in ([], ["--force"]):
        assert main([*words, *FAST, *more]) == 0
    assert {name: contents(dataset)[name] for name in before} == before


def test_a_folder_of_scans_may_hold_its_results_again_and_again(
    phantom,
    tmp_path: Path,
    weights: Path,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    save_like(phantom.flair.data, phantom.flair, tmp_path / "a_FLAIR.nii.gz")
    words = ["segment", str(tmp_path), "-o", str(tmp_path), "--weights", str(weights), *FAST]
    assert main(words) == 0
    capsys.readouterr()
    assert main(words) == 0
    assert "done already" in capsys.readouterr().out


class TestGuard:
    def test_it_ends_with_the_block(self, tmp_path: Path) -> None:
        file = tmp_path / "scan"
        file.write_text("raw")
        with never_overwriting([file]), pytest.raises(InputError, match=REFUSED):
            write_atomically(file, "new")
        assert file.read_text() == "raw"
        write_atomically(file, "new")
        assert file.read_text() == "new"

    def test_a_hard_link_is_the_same_file(self, tmp_path: Path) -> None:
        (tmp_path / "scan").write_text("raw")
        os.link(tmp_path / "scan", tmp_path / "other")
        with never_overwriting([tmp_path / "scan"]), pytest.raises(InputError, match=REFUSED):
            write_atomically(tmp_path / "other", "new")

    def test_one_inside_another(self, tmp_path: Path) -> None:
        file = tmp_path / "scan"
        file.write_text("raw")
        with never_overwriting([file]):
            with never_overwriting([file, tmp_path / "absent"]):
                pass
            with pytest.raises(InputError, match=REFUSED):
                write_atomically(file, "new")


def test_a_simulated_dataset_is_segmented_and_its_truth_is_a_reference(
    phantom_bids: Path, tmp_path: Path
) -> None:
    out = tmp_path / "simulated"
    assert main(["simulate", str(phantom_bids / "sub-01"), "-o", str(out), "--count", "1"]) == 0
    (case,) = discover_cases(out)
    assert case.reference is not None


@pytest.mark.parametrize(
    "names", [("config.json", "split.json", "log.jsonl"), ("columns.json", "failures.csv")]
)
def test_what_fsh_made_inside_a_dataset_is_not_raw(tmp_path: Path, names: tuple[str, ...]) -> None:
    (tmp_path / "made").mkdir()
    for name in (*names, "more.csv"):
        (tmp_path / "made" / name).touch()
    (tmp_path / "scan.nii").touch()
    assert is_own_output(tmp_path / "made")
    assert [path.name for path in raw_files([tmp_path])] == ["scan.nii"]
