"""Write docs/keys.md, the keys on one page to print: python scripts/make_keys.py.

The keys are those of `fsh_napari.review.keys` and `fsh_napari.changes.keys`.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

from fsh_napari.changes.keys import KEYS as CHANGES
from fsh_napari.changes.keys import MOUSE as CHANGES_MOUSE
from fsh_napari.review.keys import KEYS as REVIEW
from fsh_napari.review.keys import MOUSE as REVIEW_MOUSE

PAGE = Path(__file__).resolve().parents[1] / "docs" / "keys.md"
_BEGINNING = """# The keys of F.sh in napari

See also [a reading in five minutes](reading.md) and [F.sh in napari](napari.md).
Letters and digits act where no field that takes letters has the keyboard. `F1` shows the keys.
"""


def keys_page() -> str:
    """Return the page: a table of keys and one of the mouse, with a column for each widget."""
    review = {key.keys: key.text for key in REVIEW}
    changes = {key.keys: key.text for key in CHANGES}
    return "\n".join(
        (
            _BEGINNING,
            *_table("Key", review, changes, "`"),
            "",
            *_table("Mouse", REVIEW_MOUSE, CHANGES_MOUSE, ""),
            "",
        )
    )


def _table(
    title: str, review: Mapping[str, str], changes: Mapping[str, str], mark: str
) -> list[str]:
    """Return the lines of a table; what only one of the two has leaves the other's cell empty."""
    rows = [
        f"| {mark}{name}{mark} | {review.get(name, '')} | {changes.get(name, '')} |"
        for name in dict.fromkeys([*review, *changes])
    ]
    return [f"| {title} | in Review | in Changes |", "|---|---|---|", *rows]


def main() -> None:
    """Write the page."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    PAGE.write_text(keys_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
