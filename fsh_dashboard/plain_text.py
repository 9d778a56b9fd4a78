"""Text from a file on a page: shown as it stands, never as markup.

Streamlit reads nearly every text as Markdown, with links, pictures, formulas, colours and emoji.
A case called ``![x](http://…)`` would make the browser ask for a picture.
"""

import re
import string
import unicodedata

_JOINER = "\N{WORD JOINER}"
"""Invisible; keeps apart what would be read as one."""
_CONTROL_PICTURES = 0x2400
_FIRST_PRINTABLE = 0x20
_DELETE = 0x7F

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
    visible = "".join(_visible(letter) for letter in str(text))
    one_line = re.sub(r"\s+", " ", visible).strip()
    apart = _SIGNS.sub(rf"\1{_JOINER}\2", _READ_LATER.sub(_JOINER, one_line))
    return apart.translate(_ESCAPES)


def _visible(letter: str) -> str:
    """Write white space as a space, and what cannot be seen as a sign."""
    if letter.isspace():
        return " "
    if ord(letter) < _FIRST_PRINTABLE:
        return chr(_CONTROL_PICTURES + ord(letter))
    # Cf: directions of writing and joiners, which make a name look like another one.
    is_hidden = unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co", "Cn")
    return "\N{REPLACEMENT CHARACTER}" if is_hidden or ord(letter) == _DELETE else letter
