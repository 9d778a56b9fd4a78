"""Every example runs as a user would run it, and does what it says."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

EXAMPLES = sorted(file.name for file in (REPOSITORY / "examples").glob("*.py"))
SECONDS = 300  # far more than any needs: a busy machine is no failure

# What each prints and writes; an example without a row here fails.
PRINTS = {
    "custom_predictor.py": "Dice 0.",
    "evaluate_folders.py": "lesion_f1",
    "follow_visits.py": "8 new lesions found, 8 were planted",
    "segment_scan.py": "lesions, 6",  # 60 to 69 ml of the sample
    "train_on_your_masks.py": "last.safetensors on sub-03",
}
WRITES = {
    "custom_predictor.py": [],
    "follow_visits.py": [],
    "evaluate_folders.py": ["scores/cases.csv", "scores/summary.csv"],
    "segment_scan.py": ["segmented/lesions_at_0.3.nii.gz", "segmented/sub-*/anat/*.tsv"],
    "train_on_your_masks.py": ["run/last.safetensors", "run/log.jsonl"],
}


def run(example: str, *words: str | Path, folder: Path) -> str:
    """Run an example in a folder and return what it prints; a warning is an error."""
    ran = subprocess.run(
        [sys.executable, "-W", "error", REPOSITORY / "examples" / example, *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.parametrize("example", EXAMPLES)
def test_it_runs_and_writes_into_the_folder_where_it_is_started(
    example: str, tmp_path: Path
) -> None:
    assert PRINTS[example] in run(example, folder=tmp_path)
    for file in WRITES[example]:
        assert list(tmp_path.glob(file)), file
    assert bool(list(tmp_path.iterdir())) == bool(WRITES[example])


@pytest.mark.parametrize("example", EXAMPLES)
def test_it_says_what_it_shows_and_how_it_is_run(example: str) -> None:
    text = (REPOSITORY / "examples" / example).read_text(encoding="utf-8")
    assert text.startswith('"""')
    assert f"\n    python examples/{example}" in text.split('"""')[1]


def test_folders_of_the_user_can_be_evaluated(tmp_path: Path) -> None:
    run("evaluate_folders.py", folder=tmp_path)
    references = tmp_path / "references"
    copies = shutil.copytree(references, tmp_path / "copies")
    printed = run("evaluate_folders.py", copies, references, folder=tmp_path)
    row = next(line for line in printed.splitlines() if line.startswith("sub-01"))
    assert row.split()[1] == "1.000"  # Dice of masks with themselves
