"""Text from a file, with nothing in it that cannot be seen: for screens and pages."""

import unicodedata

_CONTROL_PICTURES = 0x2400
_FIRST_PRINTABLE = 0x20
_DELETE = 0x7F
# Cf: directions of writing and joiners, which make a name look like another one.
_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn")


def visible(text: object) -> str:
    """Write white space as spaces, and control and hidden characters as signs that are seen.

    Names that one reads are not changed otherwise. What a browser or a window would read as
    markup stays: each has its own way to show that as it stands.
    """
    return "".join(_visible(letter) for letter in str(text))


def _visible(letter: str) -> str:
    if letter.isspace():
        return " "
    if ord(letter) < _FIRST_PRINTABLE:
        return chr(_CONTROL_PICTURES + ord(letter))
    is_hidden = unicodedata.category(letter) in _HIDDEN or ord(letter) == _DELETE
    return "\N{REPLACEMENT CHARACTER}" if is_hidden else letter
