"""Texts for people, shown as they stand, whatever a file has in them.

Qt reads what looks like HTML as HTML, in labels and in tips; a name in a file may look like that.
"""

import html
import re

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel

from fsh_core.visible import visible

_LEADING_PATH = re.compile(r"^(⚠ )?((?:[A-Za-z]:)?[/\\][^:]*[/\\])([^/\\:]+): ")


def show_sentence(label: QLabel, sentence: str) -> None:
    """Show a sentence; one that begins with a long path begins with the file's name instead.

    The whole sentence is in the tip.
    """
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setText(visible(without_folder(sentence)))
    label.setToolTip(tip_of(sentence))


def tip_of(text: str) -> str:
    """Write a text as a tip that shows just that."""
    plain = visible(text)
    return f"<p>{html.escape(plain)}</p>" if Qt.mightBeRichText(plain) else plain


def bold(text: str) -> str:
    """Write a text in bold, as a part of a label's HTML."""
    return f"<b>{html.escape(visible(text))}</b>"


def unkeyed(text: str) -> str:
    """Write a text on a button or beside a box: there & would mark the letter of a key."""
    return visible(text).replace("&", "&&")


def without_folder(sentence: str) -> str:
    """Leave the folder out of the path that an error begins with."""
    return _LEADING_PATH.sub(lambda found: f"{found[1] or ''}{found[3]}: ", sentence)
