"""How wide letters are and where lines are broken, for what is drawn by matplotlib."""

from functools import lru_cache

from matplotlib import font_manager
from matplotlib.ft2font import FT2Font, LoadFlags

from fsh_core.visible import visible

FAMILY = "DejaVu Sans"  # comes with matplotlib, so that it is the same everywhere
_UNKNOWN = "?"  # for a letter that the font does not have
_PER_EM = 1000


def break_lines(text: str, size: float, room: float) -> list[str]:
    """Break a text into lines: between words, and within one that is longer than a line."""
    lines, line = [], ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if width_of(longer, size) <= room:
            line = longer
            continue
        if line:
            lines.append(line)
        while width_of(word, size) > room and len(word) > 1:
            count = len(word)
            while count > 1 and width_of(word[:count], size) > room:
                count -= 1
            lines.append(word[:count])
            word = word[count:]
        line = word
    return [*lines, line]


def known_letters(text: str) -> str:
    """Write letters that the font does not have as question marks."""
    letters = _letters()
    return "".join(letter if ord(letter) in letters else _UNKNOWN for letter in visible(text))


def width_of(text: str, size: float) -> float:
    """Return the width of a text in points."""
    return sum(map(_advance, text)) * size / _PER_EM


@lru_cache(maxsize=1)
def _font() -> FT2Font:
    return font_manager.get_font(font_manager.findfont(FAMILY))


@lru_cache(maxsize=1)
def _letters() -> frozenset[int]:
    return frozenset(_font().get_charmap())


@lru_cache(maxsize=4096)
def _advance(letter: str) -> float:
    """Return the width of a letter, in thousandths of the size of the letters."""
    font = _font()
    font.set_size(_PER_EM, 72)
    glyph = font.load_char(ord(letter), flags=LoadFlags.NO_HINTING)
    return float(glyph.linearHoriAdvance) / 65536
