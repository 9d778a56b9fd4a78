"""Text from a file on a page: shown as it stands, never as markup.

Streamlit reads nearly every text as Markdown, with links, pictures, formulas, colours and emoji.
A case called ``![x](http://…)`` would make the browser ask for a picture.
"""

import re
import string

from fsh_core.visible import visible

_JOINER = "\N{WORD JOINER}"
"""Invisible; keeps apart what would be read as one."""

_ESCAPES = str.maketrans({letter: f"\\{letter}" for letter in string.punctuation})
# These are looked for in the text after Markdown has been read, so that a backslash does not help.
_READ_LATER = re.compile(
    r"(?<=:)(?=//)"  # links: http://…
    r"|(?<=:)(?=[\w+/-]+:)"  # emoji and icons: :smile:, :material/home:
    r"|(?i:(?<=www))(?=\.)"
    r"|(?<=@)"
)
_SIGNS = re.compile(r"(?<!\S)([<>~-])(->|-|=|>)(?!\S)")  # ``->``, ``<->``, ``--``, ``>=`` alone


def plain(text: object) -> str:
    """Write any text so that Markdown gives back exactly what it says.

    Control characters become signs that are seen, and runs of white space one space. Names that
    one reads are not changed otherwise.
    """
    one_line = re.sub(r"\s+", " ", visible(text)).strip()
    apart = _SIGNS.sub(rf"\1{_JOINER}\2", _READ_LATER.sub(_JOINER, one_line))
    return apart.translate(_ESCAPES)
