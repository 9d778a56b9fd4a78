"""Small widgets that every panel has."""

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QWidget


def push_button(text: str, action: Callable[[], Any], tip: str) -> QPushButton:
    """Make a button that takes the keyboard with Tab only: letters stay with the picture."""
    button = QPushButton(text, toolTip=tip, accessibleName=tip if text in "…" else text)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.clicked.connect(lambda: action())
    return button


def in_a_row(*widgets: QWidget) -> QWidget:
    """Put widgets side by side."""
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        layout.addWidget(widget)
    return row
