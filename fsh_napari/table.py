"""The list of lesions, as both widgets show it: sortable, with numbers that sort as numbers."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
from qtpy.QtCore import QAbstractTableModel, QModelIndex, QSortFilterProxyModel, Qt, Signal
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from fsh_core.visible import visible
from fsh_napari.messages import tip_of
from fsh_napari.signs import SIGNS

SORT_ROLE = int(Qt.ItemDataRole.UserRole) + 1
Columns = Mapping[str, tuple[str, str]]
COLUMNS: Columns = {
    "label": ("No.", "{:.0f}"),
    "status": ("St.", "{}"),
    "others": ("Others", "{}"),
    "volume_mm3": ("mm³", "{:.0f}"),
    "queue": ("Queue", "{:.0f}"),
    "confidence": ("Conf.", "{:.2f}"),
    "region": ("Region", "{}"),
    "flags": ("Flags", "{}"),
    "uncertainty": ("Uncert.", "{:.2f}"),
    "mean_probability": ("Prob.", "{:.2f}"),
    "least_member_probability": ("Least pr.", "{:.2f}"),
    "contrast": ("Contrast", "{:.2f}"),
    "lesion_frequency": ("Usual", "{:.2f}"),
    "longest_diameter_mm": ("Long. mm", "{:.1f}"),
    "note": ("Note", "{}"),
}
"""Title and format of every column that can be shown, in this order."""

# On a laptop confidence, region and flags are to be seen beside the status, without scrolling.
_ROW_PIXELS = 22
_WRAPPED = ("region", "flags")  # take two lines where there is no room for one
_LEAST_PIXELS = 56  # of them
_TITLE_MARGIN_PIXELS = 12
_COMPACT = "QTableView::item { padding: 0px 1px; } QHeaderView::section { padding: 1px 3px; }"
_UNKNOWN_SORTS_AS = -1.0  # below every number of the list


class LesionModel(QAbstractTableModel):
    """A table of lesions for Qt; missing columns are not shown."""

    def __init__(self, tips: Mapping[str, str], known: Columns = COLUMNS) -> None:
        super().__init__()
        self.table = pd.DataFrame({"label": []})
        self.known = known
        self._tips = tips
        self.columns = ["label"]
        self._cells: list[list[str | float]] = []

    def show(self, table: pd.DataFrame) -> None:
        """Show another table."""
        self.beginResetModel()
        self.table = table.reset_index(drop=True)
        self.columns = [name for name in self.known if name in table]
        # Qt asks for every cell some thirty times, and pandas takes long to find one.
        self._cells = [_column(self.table[name]) for name in self.columns]
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of lesions."""
        return len(self.table)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of columns."""
        return len(self.columns)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return text, sort key or tip of a cell."""
        name = self.columns[index.column()]
        value = self._cells[index.column()][index.row()]
        if role == SORT_ROLE:
            return _UNKNOWN_SORTS_AS if _is_unknown(value) else value
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            if _is_unknown(value):
                return "–"
            if name == "status":  # the sign alone, so that region and flags have room
                is_read_out = role == Qt.ItemDataRole.AccessibleTextRole
                return f"{SIGNS[str(value)]} {value}" if is_read_out else SIGNS[str(value)]
            return visible(self.known[name][1].format(value))
        if role == Qt.ItemDataRole.TextAlignmentRole and not isinstance(value, str):
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.ToolTipRole and isinstance(value, str):
            return tip_of(value)
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return a column's title or tip."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        name = self.columns[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return self.known[name][0]
        return self._tips.get(name) if role == Qt.ItemDataRole.ToolTipRole else None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Leave sorting to the proxy."""


class LesionFilter(QSortFilterProxyModel):
    """Shows the lesions that a rule lets through; sorts numbers as numbers."""

    def __init__(self, model: LesionModel) -> None:
        super().__init__()
        self.setSourceModel(model)
        self.setSortRole(SORT_ROLE)
        self._model = model
        self._wanted: dict[str, str] = {}

    def want(self, name: str, value: str) -> None:
        """Show only lesions with this value in a column, or among several there; empty = any."""
        self._wanted[name] = value
        self.invalidate()

    def filterAcceptsRow(self, row: int, parent: QModelIndex) -> bool:
        """Tell whether a lesion is shown."""
        table = self._model.table
        return all(
            not value or name not in table or value in str(table.at[row, name]).split(", ")
            for name, value in self._wanted.items()
        )


class LesionTable(QTableView):
    """The list. ``chosen`` says which lesion is selected, ``opened`` which one to go to."""

    chosen = Signal(int)
    opened = Signal(int)

    def __init__(
        self, tips: Mapping[str, str], parent: QWidget | None = None, columns: Columns = COLUMNS
    ) -> None:
        super().__init__(parent)
        self.lesions = LesionModel(tips, columns)
        self.filter = LesionFilter(self.lesions)
        self.setModel(self.filter)
        self.setSortingEnabled(True)
        self.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTabKeyNavigation(False)
        self.setAccessibleName("Lesions")
        self.verticalHeader().hide()
        rows = self.verticalHeader()
        rows.setMinimumSectionSize(_ROW_PIXELS)
        rows.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.setWordWrap(True)
        self.setStyleSheet(_COMPACT)
        self.horizontalHeader().setStretchLastSection(True)
        self.selectionModel().currentRowChanged.connect(self._on_current)
        self.activated.connect(lambda index: self.opened.emit(self._label_at(index)))
        self._quiet = False

    def show_lesions(self, table: pd.DataFrame) -> None:
        """Show another table, keeping selection and order."""
        label, section = self.current_label, self.horizontalHeader().sortIndicatorSection()
        key = self.lesions.columns[section] if section < len(self.lesions.columns) else "label"
        self._quiet = True
        self.lesions.show(table)
        if section >= 0 and key in self.lesions.columns and self.column(key) != section:
            self.sortByColumn(self.column(key), self.horizontalHeader().sortIndicatorOrder())
        self._fit_columns()
        self.select(label)
        self._quiet = False

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the first columns in sight."""
        super().resizeEvent(event)
        self._fit_columns()

    def _fit_columns(self) -> None:
        """Give every column what it needs; region and flags what is left, if that is less."""
        columns = self.lesions.columns
        widths = {
            name: max(self.sizeHintForColumn(place), self._title_width(place))
            for place, name in enumerate(columns)
        }
        wrapped = [name for name in _WRAPPED if name in columns]
        if wrapped:
            first = columns[: columns.index(wrapped[-1]) + 1]
            room = self.viewport().width() - sum(
                widths[name] for name in first if name not in wrapped
            )
            for place, name in enumerate(wrapped):
                others = _LEAST_PIXELS * (len(wrapped) - place - 1)
                widths[name] = max(min(widths[name], room - others), _LEAST_PIXELS)
                room -= widths[name]
        for place, name in enumerate(columns):
            self.setColumnWidth(place, widths[name])

    def _title_width(self, place: int) -> int:
        """Return what a title needs, with the arrow where the list is ordered by it."""
        header = self.horizontalHeader()
        if place == header.sortIndicatorSection():
            return int(header.sectionSizeHint(place))
        title = self.lesions.known[self.lesions.columns[place]][0]
        return int(header.fontMetrics().horizontalAdvance(title)) + _TITLE_MARGIN_PIXELS

    @property
    def labels(self) -> list[int]:
        """The lesions that are shown, in the order they are shown in."""
        return [self._label_at(self.filter.index(row, 0)) for row in range(self.filter.rowCount())]

    def least_certain_first(self) -> None:
        """Sort by the queue, else the most uncertain first, else the least probable first.

        Of equals, the smaller number comes first.
        """
        shown = self.lesions.columns
        key = next(
            name
            for name in ("queue", "uncertainty", "confidence", "mean_probability")
            if name in shown
        )
        falling = key == "uncertainty"
        self.sortByColumn(self.column("label"), Qt.SortOrder.AscendingOrder)
        order = Qt.SortOrder.DescendingOrder if falling else Qt.SortOrder.AscendingOrder
        self.sortByColumn(self.column(key), order)

    def as_given(self) -> None:
        """Show the lesions in the order of the table that is shown."""
        self.sortByColumn(-1, Qt.SortOrder.AscendingOrder)

    def column(self, name: str) -> int:
        """Return where a column stands."""
        return self.lesions.columns.index(name)

    @property
    def current_label(self) -> int:
        """The selected lesion; 0 = none."""
        index = self.currentIndex()
        return self._label_at(index) if index.isValid() else 0

    def select(self, label: int) -> None:
        """Select a lesion, if it is shown."""
        labels = self.labels
        if label in labels:
            self.selectRow(labels.index(label))

    def _label_at(self, index: QModelIndex) -> int:
        labels = self.lesions.table["label"].to_numpy()
        return int(labels[self.filter.mapToSource(index).row()])

    def _on_current(self, index: QModelIndex) -> None:
        if index.isValid() and not self._quiet:
            self.chosen.emit(self._label_at(index))


def _is_unknown(value: str | float) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _column(values: pd.Series) -> list[str | float]:
    """Return texts as they are, and the rest as numbers; NaN where one is not known."""
    return [value if isinstance(value, str) else float(value) for value in values]
