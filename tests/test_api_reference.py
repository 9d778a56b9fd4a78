"""Everything public explains itself, and the API reference can be made from it."""

import ast
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import fsh_core
from tests.conftest import REPOSITORY

PACKAGES = ("fsh_core", "fsh_napari", "fsh_dashboard")
MODULES = sorted(
    file.relative_to(REPOSITORY).as_posix()
    for package in PACKAGES
    for file in (REPOSITORY / package).rglob("*.py")
)


@pytest.mark.parametrize("module", MODULES)
def test_every_module_says_what_it_is(module: str) -> None:
    docstring = ast.get_docstring(ast.parse((REPOSITORY / module).read_text(encoding="utf-8")))
    assert docstring


@pytest.mark.parametrize("name", fsh_core.__all__)
def test_every_public_name_says_what_it_is(name: str) -> None:
    assert getattr(fsh_core, name).__doc__


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The API reference; the script fails on a warning."""
    needed = ("pdoc", "napari", "streamlit", "altair")
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"the API reference needs {', '.join(missing)}, which is not installed")
    out = tmp_path_factory.mktemp("pages")
    made = subprocess.run(
        [sys.executable, REPOSITORY / "scripts" / "make_docs.py", out, "--no-source"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(REPOSITORY), *sys.path])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    return out


def test_a_page_for_every_module(pages: Path) -> None:
    for module in MODULES:
        path = Path(module.removesuffix("/__init__.py").removesuffix(".py"))
        # Pages of the dashboard are scripts in a plain folder, not modules.
        is_module = (REPOSITORY / module).with_name("__init__.py").exists()
        if is_module and not path.name.startswith("_"):
            assert (pages / path.with_suffix(".html")).is_file(), module


def test_the_first_page_shows_the_public_names(pages: Path) -> None:
    text = (pages / "fsh_core.html").read_text(encoding="utf-8")
    for name in fsh_core.__all__:
        assert f'id="{name}"' in text


def test_names_in_backticks_are_links(pages: Path) -> None:
    text = (pages / "fsh_core" / "api.html").read_text(encoding="utf-8")
    links = dict(re.findall(r'<a href="([^"]*)">(fsh_core\.[^<]*)</a>', text))
    assert links["../fsh_core.html#load_predictor"] == "fsh_core.load_predictor"
