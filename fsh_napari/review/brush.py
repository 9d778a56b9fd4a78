"""How napari's brush paints in a review: in the slice or in 3-D, anywhere or within a range."""

from collections.abc import Mapping

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QLabel, QVBoxLayout, QWidget

from fsh_core.review.brush import INTENSITY, PROBABILITY, BrushRange
from fsh_napari.widgets import in_a_row

_TEXTS = {
    "": "paints anywhere",
    INTENSITY: "paints by intensity",
    PROBABILITY: "paints by probability",
}
_STEPS = 50  # of the arrows, over the whole range
_LEAST_STEP = 0.01


class BrushRow(QWidget):
    """The switches of the brush. ``changed`` says that one was turned.

    Attributes
    ----------
    in_3d : QCheckBox
        Whether the brush paints a ball and not a disc.
    source : QComboBox
        What limits it, if anything.
    low, high : QDoubleSpinBox
        Its range, shown where something limits it.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._ranges: Mapping[str, BrushRange] = {}
        self.in_3d = QCheckBox("3-D brush (B)", accessibleName="3-D brush")
        self.in_3d.setToolTip("Brush, eraser and bucket work through the slices, too")
        self.source = QComboBox(accessibleName="Limit of the brush")
        self.source.setToolTip("Shift+B: brush and eraser change only voxels within a range")
        self.low = QDoubleSpinBox(accessibleName="Brush from")
        self.high = QDoubleSpinBox(accessibleName="Brush to")
        self._limits = in_a_row(QLabel("from"), self.low, QLabel("to"), self.high)
        self._limits.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addWidget(in_a_row(self.in_3d, self.source))
        layout.addWidget(self._limits)
        self.in_3d.toggled.connect(self.changed)
        self.source.currentIndexChanged.connect(self._show_range)
        for box in (self.low, self.high):
            box.valueChanged.connect(self.changed)
        self.offer({})

    def offer(self, ranges: Mapping[str, BrushRange]) -> None:
        """Begin with these ranges, by what limits the brush; painting anywhere, in the slice."""
        self._ranges = ranges
        self.in_3d.setChecked(False)
        self.source.clear()
        for value, text in _TEXTS.items():
            if not value or value in ranges:
                self.source.addItem(text, value)

    @property
    def range(self) -> BrushRange | None:
        """Where the brush works; None = anywhere."""
        source = self.source.currentData()
        return BrushRange(source, self.low.value(), self.high.value()) if source else None

    def next_range(self) -> None:
        """Let the next thing limit the brush, or after the last one nothing."""
        self.source.setCurrentIndex((self.source.currentIndex() + 1) % self.source.count())

    def _show_range(self) -> None:
        """Show the range that is suggested."""
        suggested = self._ranges.get(self.source.currentData())
        self._limits.setVisible(suggested is not None)
        if suggested is not None:
            step = max(abs(suggested.high) / _STEPS, _LEAST_STEP)
            for box, value in ((self.low, suggested.low), (self.high, suggested.high)):
                box.blockSignals(True)  # one change, not five
                box.setRange(min(0.0, suggested.low), suggested.high)
                box.setSingleStep(step)
                box.setValue(value)
                box.blockSignals(False)
        self.changed.emit()
