"""Every script and benchmark can be loaded, and those that are run explain themselves."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
FILES = sorted(
    file.relative_to(REPOSITORY).as_posix()
    for folder in ("benchmarks", "scripts")
    for file in (REPOSITORY / folder).glob("*.py")
)
# What the extras bring; whoever has not installed them cannot run what needs them.
OPTIONAL = {"altair", "napari", "playwright", "pdoc", "qtpy", "streamlit"}

# All of them in one process, which imports torch and napari once.
LOAD_ALL = """
import contextlib, io, json, runpy, sys

def load(file, name, words):
    sys.argv = [file, *words]
    shown = io.StringIO()
    try:
        with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(shown):
            runpy.run_path(file, run_name=name)
    except SystemExit as stop:
        return {"code": stop.code or 0, "shown": shown.getvalue()}
    except ModuleNotFoundError as error:
        return {"missing": error.name, "error": repr(error)}
    except BaseException as error:
        return {"error": repr(error)}
    return {"code": None, "shown": shown.getvalue()}

print(json.dumps({
    file: [load(file, "loaded", []), load(file, "__main__", ["--help"]) if runs else None]
    for file, runs in json.loads(sys.argv[1])
}))
"""


def is_run(file: str) -> bool:
    return 'if __name__ == "__main__":' in (REPOSITORY / file).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict]]:
    """What came of loading each file, and of running it with ``--help``."""
    scratch = str(tmp_path_factory.mktemp("scratch"))
    paths = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "scripts")])
    ran = subprocess.run(
        [sys.executable, "-c", LOAD_ALL, json.dumps([(file, is_run(file)) for file in FILES])],
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONPATH": paths, "TMPDIR": scratch, "TEMP": scratch, "TMP": scratch},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout.splitlines()[-1])


def result_of(loaded: dict[str, list[dict]], file: str, which: int) -> dict:
    result = loaded[file][which]
    if result.get("missing") in OPTIONAL:
        pytest.skip(f"{file} needs {result['missing']}, which is not installed")
    assert "error" not in result, result["error"]
    return result


@pytest.mark.parametrize("file", FILES)
def test_it_can_be_loaded_and_does_nothing_then(loaded, file: str) -> None:
    assert result_of(loaded, file, 0) == {"code": None, "shown": ""}


@pytest.mark.parametrize("file", [file for file in FILES if is_run(file)])
def test_it_says_how_it_is_run(loaded, file: str) -> None:
    result = result_of(loaded, file, 1)
    assert result["code"] == 0
    assert result["shown"].startswith("usage: ")
    assert Path(file).stem in result["shown"]
