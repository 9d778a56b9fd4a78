"""Sentences for people: the name of a file first, its folder where there is room."""

import re

from qtpy.QtWidgets import QLabel

_LEADING_PATH = re.compile(r"^(⚠ )?((?:[A-Za-z]:)?[/\\][^:]*[/\\])([^/\\:]+): ")


def show_sentence(label: QLabel, sentence: str) -> None:
    """Show a sentence; one that begins with a long path begins with the file's name instead.

    The whole sentence is in the tip.
    """
    label.setText(without_folder(sentence))
    label.setToolTip(sentence)


def without_folder(sentence: str) -> str:
    """Leave the folder out of the path that an error begins with."""
    return _LEADING_PATH.sub(lambda found: f"{found[1] or ''}{found[3]}: ", sentence)
