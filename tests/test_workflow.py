"""The workflow and the pre-commit hooks are well formed and agree with the project."""

import re
from typing import Any

import pytest

from fsh_core.config import SegmentConfig
from tests.conftest import REPOSITORY

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed; napari brings it")


def read(path: str) -> Any:
    return yaml.safe_load((REPOSITORY / path).read_text(encoding="utf-8"))


def commands(job: str) -> list[str]:
    """What a job of the workflow runs, step by step."""
    steps = read(".github/workflows/test.yml")["jobs"][job]["steps"]
    return [step["run"] for step in steps if "run" in step]


def test_linux_runs_every_test() -> None:
    assert any(command.startswith("make test") for command in commands("linux"))


def test_macos_and_windows_install_and_segment_the_sample() -> None:
    job = read(".github/workflows/test.yml")["jobs"]["smoke"]
    assert job["strategy"]["matrix"]["os"] == ["macos-latest", "windows-latest"]
    torch, package, *used = commands("smoke")
    pinned = re.search(r"^TORCH := (\S+)$", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    assert pinned is not None
    assert torch.split()[-1] == pinned[1]
    assert package.endswith('install -c constraints.txt ".[app,dashboard]"')
    assert [command.split()[:2] for command in used] == [
        ["python", "-c"],
        ["fsh", "--help"],
        ["fsh", "doctor"],
        ["fsh", "segment"],
    ]


def test_the_fast_settings_are_settings() -> None:
    flags = re.findall(r"--([a-z-]+)", commands("smoke")[-1])
    settings = [flag.removeprefix("no-").replace("-", "_") for flag in flags]
    assert {"sample", "out"} < set(settings)
    assert set(settings) - {"sample", "out"} <= set(SegmentConfig.model_fields)


def test_hooks_use_the_tools_of_the_project_and_no_network() -> None:
    (repository,) = read(".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    entries = {hook["id"]: hook["entry"].split() for hook in repository["hooks"]}
    assert {name: words[0] for name, words in entries.items()} == {
        "ruff-check": ".venv/bin/ruff",
        "ruff-format": ".venv/bin/ruff",
        "mypy": ".venv/bin/mypy",
    }
    assert entries["ruff-check"][1] == "check"
    assert entries["ruff-format"][1] == "format"
