"""docs/keys.md has the keys of the program."""

import pytest

pytest.importorskip("napari", reason="napari is not installed: pip install '.[app]'")

from fsh_napari.review.keys import KEYS
from scripts.make_keys import PAGE, keys_page


def test_the_page_has_the_keys_of_the_program() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == keys_page(), "run python scripts/make_keys.py"
    assert all(f"| `{key.keys}` | {key.text} |" in page for key in KEYS)
