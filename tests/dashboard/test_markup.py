"""Nothing that comes from a file is rendered as markup: what the pages hand to the browser."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.dashboard.poisoned import CARD, NAME, poison

# A sign of markup without a backslash before it, a link in one piece, a control character.
MARKUP_LEFT = re.compile(
    r"(?<!\\)([!\[]i|<img|<script|\$x|:smile|:red)|http://|[\x00-\x09\x0b-\x1f]"
)
# Their texts are in tables and charts alone.
NAMELESS = (("cohort", None), ("groups", None), ("lesions", "sub-P1"), ("quality", None))
OpenPage = Callable[..., AppTest]
# What Streamlit reads as Markdown: the fields of its messages that hold text.
READ_AS_MARKDOWN = {"body", "label", "text", "help", "caption"}
# Kinds whose text is shown as it stands.
SHOWN_AS_IT_IS = {"text", "code", "json", "html", "arrow_data_frame", "vega_lite_chart"}


def markdown_of(app: AppTest) -> Iterator[tuple[str, str]]:
    """Every text of a page that is read as Markdown, with the kind of its element."""
    todo: list[Any] = [app.main, app.sidebar]
    while todo:
        block = todo.pop()
        for child in block.children.values():
            if hasattr(child, "children"):
                todo.append(child)
            if child.type in SHOWN_AS_IT_IS or not getattr(child, "proto", None):
                continue
            for field, value in child.proto.ListFields():
                if field.name in READ_AS_MARKDOWN and isinstance(value, str):
                    yield child.type, value
                if field.name == "expandable":
                    yield child.type, value.label


@pytest.fixture
def poisoned(study: Path, run_folder: Path) -> tuple[Path, str]:
    (run_folder / "runs").rename(study / "runs")
    case = poison(study, study / "runs" / "second")
    return study, " ".join(case.split())


@pytest.mark.parametrize(
    ("page", "query", "toggled"),
    [
        ("cohort", {}, "mosaic"),
        ("lesions", {"case": "sub-P1"}, ""),
        ("lesions", {"case": "markup"}, ""),
        ("case", {"case": "sub-P1"}, ""),
        ("case", {"case": "markup"}, ""),
        ("change", {}, ""),
        ("change", {"patient": "sub-P1"}, "failed"),
        ("quality", {}, "incomplete"),
        ("groups", {}, ""),
        ("evaluation", {"study": f"{NAME}/evaluation"}, ""),
        ("evaluation", {"study": f"{NAME}/agreement"}, ""),
        ("review", {}, ""),
        ("training", {"run": f"runs/{NAME}"}, ""),
        ("model", {"card": CARD}, ""),
    ],
)
def test_no_text_of_a_file_is_markup(
    poisoned: tuple[Path, str], open_page: OpenPage, page: str, query: dict[str, str], toggled: str
) -> None:
    study, case = poisoned
    app = open_page(
        page, study, **{key: case if value == "markup" else value for key, value in query.items()}
    )
    if toggled:
        app.toggle(key=toggled).set_value(True).run()
    assert not app.exception
    texts = list(markdown_of(app))
    assert len(texts) > 3
    for kind, text in texts:
        assert not MARKUP_LEFT.search(text), (kind, text)
    if (page, query.get("case")) not in NAMELESS:
        assert any("evil\\.example" in text for _, text in texts)  # it is said, and harmless
