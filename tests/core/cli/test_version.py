"""``fsh --version``: which program and which weights this is."""

import hashlib
import json
import re
import subprocess
import sys
from importlib.metadata import PathDistribution, version
from pathlib import Path

import pytest

from fsh_core import commit as commit_module
from fsh_core.cli import main, train_main
from fsh_core.cli import version as version_module
from fsh_core.commit import commit_of_code, installed_commit
from fsh_core.network import checkpoint


def test_it_names_the_version_and_the_bundled_weights(capsys) -> None:
    assert main(["--version"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"fsh-ms {version('fsh-ms')}")
    for path in (checkpoint.DEFAULT_WEIGHTS, checkpoint.BRAIN_WEIGHTS):
        name = json.loads(path.with_suffix(".json").read_text())["name"]
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        assert f"{name}, SHA-256 {sha256[:12]}…" in shown


@pytest.mark.parametrize("words", [["--version"], ["data", "-o", "run", "--version"]])
def test_fsh_train_says_the_same_and_trains_nothing(words, monkeypatch, capsys) -> None:
    assert main(["--version"]) == 0
    expected = capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["fsh-train", *words])
    with pytest.raises(SystemExit, match=r"^0$"):
        train_main()
    assert capsys.readouterr().out == expected


def _installed(folder: Path, direct_url: str | None) -> PathDistribution:
    (folder / "METADATA").write_text("Name: fsh-ms\nVersion: 1.2.3\n")
    if direct_url is not None:
        (folder / "direct_url.json").write_text(direct_url)
    return PathDistribution(folder)


@pytest.mark.parametrize(
    ("direct_url", "commit"),
    [
        ('{"url": "https://x/f.git", "vcs_info": {"vcs": "git", "commit_id": "0a1b2c"}}', "0a1b2c"),
        ('{"url": "file:///x", "dir_info": {"editable": true}}', None),
        (None, None),
    ],
)
def test_the_commit_is_that_of_the_installation(
    direct_url, commit, tmp_path, monkeypatch, capsys
) -> None:
    for module in (version_module, commit_module):
        monkeypatch.setattr(module, "distribution", lambda _: _installed(tmp_path, direct_url))
    assert installed_commit() == commit
    assert main(["--version"]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first == "fsh-ms 1.2.3" + (f", commit {commit}" if commit else "")


def test_damaged_weights_are_not_passed_off_as_good_ones(tmp_path, monkeypatch, capsys) -> None:
    weights = tmp_path / "default.safetensors"
    weights.write_bytes(b"cut off")
    weights.with_suffix(".json").write_bytes(
        checkpoint.DEFAULT_WEIGHTS.with_suffix(".json").read_bytes()
    )
    monkeypatch.setattr(version_module, "DEFAULT_WEIGHTS", weights)
    assert main(["--version"]) == 2
    assert re.match(r"fsh: .*SHA-256 must be", capsys.readouterr().err)


def test_the_commit_of_a_checkout_is_asked_of_git(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(commit_module, "distribution", lambda _: _installed(tmp_path, None))
    package = tmp_path / "checkout" / "fsh_core"
    package.mkdir(parents=True)
    monkeypatch.setattr(commit_module, "__file__", str(package / "commit.py"))
    assert commit_of_code() is None  # no checkout
    git = ["git", "-C", str(package.parent), "-c", "user.name=A", "-c", "user.email=a@b.c"]
    subprocess.run([*git, "init", "-q"], check=True)
    assert commit_of_code() is None  # a checkout without a commit
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "first"], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    assert commit_of_code() == head.stdout.strip()
