"""Controls that every panel with a list to decide on has: the review, and that of changes."""

from collections.abc import Callable, Iterable, Sequence

from qtpy.QtWidgets import QCheckBox, QComboBox, QGridLayout, QLineEdit

from fsh_napari.review.keys import Key
from fsh_napari.table import LesionTable
from fsh_napari.widgets import push_button


def note_field(written: Callable[[str], object]) -> QLineEdit:
    """Make the field of a note; what was typed is told."""
    field = QLineEdit(accessibleName="Note", placeholderText="Note (K)")
    field.setToolTip("Kept with Enter, in the journal and in the saved table")
    field.editingFinished.connect(lambda: written(field.text()))
    return field


def advance_box(one: str) -> QCheckBox:
    """Make the box that lets a decision lead to the next undecided entry of the list."""
    text = "Go on after a decision"
    box = QCheckBox(text, checked=True, accessibleName=text)
    box.setToolTip(f"The next undecided {one} comes by itself after A, R and U")
    return box


def server_box() -> QCheckBox:
    """Make the box that lets a server of nnInteractive answer clicks; `offer_server` shows it."""
    text = "Grow, shrink by nnInteractive"
    box = QCheckBox(text, accessibleName=text)
    box.hide()
    return box


def offer_server(box: QCheckBox, address: str) -> None:
    """Let a reader choose a server, or take the choice away where there is none."""
    box.setToolTip(
        f"+ and - are answered by the server {address}: the whole scan is sent to it. "
        "Off: F.sh's own correction, and nothing is sent."
    )
    box.setVisible(bool(address))
    if not address:
        box.setChecked(False)


def command_buttons(
    keys: Iterable[Key], wanted: Callable[[Key], object], in_a_row: int
) -> QGridLayout:
    """Make a button for each key that has one; the key is told when it is pressed."""
    grid = QGridLayout()
    grid.setVerticalSpacing(3)
    for place, key in enumerate(key for key in keys if key.button):
        button = push_button(key.button, _telling(wanted, key), f"{key.keys}: {key.text}")
        grid.addWidget(button, place // in_a_row, place % in_a_row)
    return grid


def _telling(wanted: Callable[[Key], object], key: Key) -> Callable[[], object]:
    return lambda: wanted(key)


def filter_box(
    table: LesionTable, name: str, texts: Sequence[str], column: str, values: Sequence[str] = ()
) -> QComboBox:
    """Make a box that lists only what has some value in a column.

    Parameters
    ----------
    table : LesionTable
        The list.
    name : str
        What the box is called.
    texts : sequence of str
        What it offers; the first one lists everything.
    column : str
        Column of the list.
    values : sequence of str
        What stands there for each text, where that is not the text itself.
    """
    box = QComboBox(accessibleName=name)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(8)
    box.addItems(texts)

    def want(index: int) -> None:
        value = values[index] if values else box.currentText()
        table.filter.want(column, value if index > 0 else "")

    box.currentIndexChanged.connect(want)
    return box
