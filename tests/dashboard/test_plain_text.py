"""Text from a file on a page: it comes back from Markdown as it was."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from fsh_dashboard.plain_text import plain

JOINER = "\N{WORD JOINER}"
# What GFM and Streamlit look for in the text after Markdown has been read.
READ_LATER = re.compile(
    r"https?://\S|www\.\S|[-.\w+]@[-\w]|:[\w+/-]+:|(^|\s)(<->|->|<-|--|>=|<=|~=)(\s|$)",
    re.IGNORECASE,
)
MARKUP = st.text(st.sampled_from("a 1:/.@-<>=~_*`[]()!$#|&;\\\n\"'w+"), max_size=30)


def rendered(text: str) -> str:
    """What a page says: the words of the one paragraph that Markdown makes."""
    [paragraph] = re.fullmatch(r"<p>(.*)</p>\n", MarkdownIt("commonmark").render(text)).groups()
    assert "<" not in paragraph
    return html.unescape(paragraph)


@given(MARKUP.filter(str.strip))
def test_markdown_gives_back_what_was_said(text: str) -> None:
    said = rendered(plain(text))
    assert said.replace(JOINER, "") == " ".join(text.split())
    assert not READ_LATER.search(said)


@given(st.text(max_size=30))
def test_every_text_is_one_visible_line(text: str) -> None:
    said = plain(text).replace(JOINER, "")
    assert all(letter == " " or letter.isprintable() for letter in said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sub-P1_ses-2", "sub-P1_ses-2"),
        ("C:\\scans\\a.nii", "C:\\scans\\a.nii"),
        ("fsh dashboard FOLDER --images SCANS", "fsh dashboard FOLDER --images SCANS"),
        ("Müller, 李雷", "Müller, 李雷"),
        ("a\x07b\x00\n\tc", "a␇b␀ c"),
        ("evil\u202egnp.exe", "evil\N{REPLACEMENT CHARACTER}gnp.exe"),
        ("", ""),
    ],
)
def test_names_and_commands_can_be_copied(text: str, said: str) -> None:
    assert (rendered(plain(text)) if text else plain(text)) == said
