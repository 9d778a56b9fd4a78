"""The documentation says what the program does."""

import importlib
import re
from pathlib import Path

import pytest

from fsh_core.config import ABLATIONS, ModelConfig
from fsh_core.derivatives.cohort_tables import CASE_COLUMNS
from fsh_core.lesions.describe import DESCRIBED_COLUMNS
from fsh_core.network.model import R2AttentionUNet3d, flops, parameter_count
from tests.conftest import REPOSITORY

DOCS = REPOSITORY / "docs"
LONGEST_LINE = 120


def test_usage_explains_every_column() -> None:
    text = (DOCS / "usage.md").read_text()
    for name, meaning in [*DESCRIBED_COLUMNS.items(), *CASE_COLUMNS.items()]:
        assert f"| `{name}` | {meaning} |" in text


@pytest.mark.parametrize("name", ABLATIONS)
def test_network_states_the_size_of_every_variant(name: str) -> None:
    config = ModelConfig(**ABLATIONS[name])
    row = f"| {parameter_count(R2AttentionUNet3d(config)):,} | {flops(config) / 1e9:.1f} |"
    line = next(
        line
        for line in (DOCS / "network.md").read_text().splitlines()
        if line.startswith(f"| `{name}`")
    )
    assert line.endswith(row)


PAGES = sorted([*DOCS.glob("*.md"), REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md"])
FOLDERS = "fsh_core|fsh_napari|fsh_dashboard|tests|benchmarks|campaigns|scripts|examples"


def anchors(page: Path) -> set[str]:
    """The headings of a page as links name them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_are_named_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for path in re.findall(rf"\b(?:{FOLDERS})/[\w./-]*\w", text):
        assert (REPOSITORY / path).exists(), path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_names_that_are_named_can_be_imported(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for name in re.findall(r"\bfsh_(?:core|napari|dashboard)(?:\.\w+)+", text):
        if name.endswith((".py", ".md")):
            continue
        if name.startswith("fsh_napari"):
            pytest.importorskip("napari", reason="napari is not installed")
        module, found = resolve(name)
        assert found, f"{page.name}: {name} is not in {module}"


def resolve(name: str) -> tuple[str, bool]:
    """The longest module that a dotted name begins with, and whether it has what follows."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        module = ".".join(parts[:length])
        try:
            value: object = importlib.import_module(module)
        except ModuleNotFoundError as error:
            if not module.startswith(str(error.name)):
                raise
            continue
        for part in parts[length:]:
            if not hasattr(value, part):
                return module, False
            value = getattr(value, part)
        return module, True
    return name, False


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", text):
        linked = (page.parent / target).resolve() if target else page
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked), f"{target}#{anchor}"


# napari.md is yet to be wrapped.
@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.name != "napari.md"], ids=lambda page: page.name
)
def test_lines_are_short(page: Path) -> None:
    text = re.sub(
        r"<!-- measured: begin.*?measured: end -->", "", page.read_text(), flags=re.DOTALL
    )
    text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    long = [line for line in text.splitlines() if len(line) > LONGEST_LINE]
    assert [line for line in long if not line.lstrip().startswith("|")] == []
