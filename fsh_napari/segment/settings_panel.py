"""The controls of Segment: which scan, which weights, which settings."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from fsh_core.config import SegmentConfig
from fsh_core.errors import InputError
from fsh_core.lesions.describe import DESCRIBED_COLUMNS
from fsh_napari.preferences import preferences
from fsh_napari.review.view import beside
from fsh_napari.segment.fields import ConfigForm, config_from
from fsh_napari.segment.threshold import LIVE
from fsh_napari.table import LesionTable

if TYPE_CHECKING:
    import napari

_OTHERS = [name for name in SegmentConfig.model_fields if name not in LIVE]
_log = logging.getLogger(__name__)


class ChoosingPanel(QWidget):
    """Scan, weights, settings, progress, list, folder, and a line that tells the user what happens.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer whose scans are offered.
    """

    def __init__(self, viewer: "napari.viewer.Viewer") -> None:
        super().__init__()
        self.viewer = viewer
        wanted = preferences()
        self.scan = QComboBox(accessibleName="Scan")
        self.scan.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.scan.setMinimumContentsLength(12)
        self.weights = QLineEdit(
            wanted.weights, placeholderText="bundled", accessibleName="Weights"
        )
        self.live = ConfigForm(SegmentConfig, LIVE)
        self.live.set_value("threshold", wanted.threshold)
        self.live.set_value("minimum_volume_mm3", wanted.minimum_volume_mm3)
        self.slider = QSlider(Qt.Orientation.Horizontal, accessibleName="Threshold slider")
        self.slider.setRange(1, 99)
        self.slider.setValue(round(100 * wanted.threshold))
        self.slider.valueChanged.connect(
            lambda value: self.live.set_value("threshold", value / 100)
        )
        self.more = ConfigForm(SegmentConfig, _OTHERS)
        self.more.hide()
        self.run_button = QPushButton("Run")
        self.cancel_button = QPushButton("Cancel")
        self.progress = QProgressBar(accessibleName="Progress")
        self.message = QLabel(wordWrap=True, accessibleName="Message")
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.table = LesionTable(DESCRIBED_COLUMNS)
        self.table.setMinimumHeight(120)
        self.folder = QLineEdit("~/F.sh", accessibleName="Folder for records")
        self.save_button = QPushButton("Save record")
        self.save_button.setToolTip(
            "Write masks, probability, lesion table and record, so that they can be reviewed"
        )
        self.setMinimumWidth(330)
        self._lay_out()

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        form.addRow("Scan", beside(self.scan, _button("Open…", "Open a file", self._open_scan)))
        form.addRow(
            "Weights", beside(self.weights, _button("…", "Choose weights", self._choose_weights))
        )
        inner = QWidget()
        layout = QVBoxLayout(inner)
        layout.addLayout(form)
        for widget in (
            self.slider,
            self.live,
            self._toggle(),
            self.more,
            beside(self.run_button, self.cancel_button),
            self.progress,
            self.message,
        ):
            layout.addWidget(widget)
        layout.addWidget(self.table, stretch=1)
        layout.addWidget(
            beside(self.folder, _button("…", "Choose the folder", self._choose_folder))
        )
        layout.addWidget(self.save_button)
        area = QScrollArea(widgetResizable=True, frameShape=QScrollArea.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inner)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(area)

    def _toggle(self) -> QToolButton:
        """Make the button that shows the settings which are seldom changed."""

        def show(shown: bool) -> None:
            self.more.setVisible(shown)
            toggle.setArrowType(Qt.ArrowType.DownArrow if shown else Qt.ArrowType.RightArrow)

        toggle = QToolButton(
            text="More settings", checkable=True, arrowType=Qt.ArrowType.RightArrow
        )
        toggle.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        toggle.toggled.connect(show)
        return toggle

    def offer_scans(self) -> None:
        """Offer the scans that are open, now and whenever one comes or goes."""
        self.viewer.layers.events.inserted.connect(self._list_scans)
        self.viewer.layers.events.removed.connect(self._list_scans)
        self._list_scans()

    def _list_scans(self, event: object = None) -> None:
        chosen = self.scan.currentText()
        names = [layer.name for layer in self.viewer.layers if _is_scan(layer)]
        self.scan.clear()
        self.scan.addItems(names)
        if chosen in names:
            self.scan.setCurrentText(chosen)
        if not names:
            self.show_message("Open a FLAIR, or File > Open Sample > F.sh > MS FLAIR sample.")
        elif self.is_idle:
            self.show_message("Press Run to find the lesions.")

    @property
    def is_idle(self) -> bool:
        """Whether nothing was found yet, and nothing is being looked for."""
        raise NotImplementedError

    def _open_scan(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open a FLAIR", "", "NIfTI (*.nii *.nii.gz)")
        if path:
            self.open_scan(Path(path))

    def open_scan(self, path: Path) -> None:
        """Show a file and choose it."""
        try:
            layers = self.viewer.open(str(path), plugin="fsh-ms")
        except InputError as error:
            self.show_message(str(error), wrong=True)
            return
        self.scan.setCurrentText(layers[0].name)

    def _choose_weights(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Choose weights", "", "Weights (*.safetensors)")
        if path:
            self.weights.setText(path)

    def _choose_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(
            self, "Folder for records", str(self.records_folder)
        )
        if path:
            self.folder.setText(path)

    @property
    def records_folder(self) -> Path:
        """Where records are written."""
        return Path(self.folder.text()).expanduser()

    def config(self) -> SegmentConfig:
        """Return the settings.

        Raises
        ------
        InputError
            If a field cannot be used.
        """
        return config_from(self.live, self.more)

    def show_message(self, sentence: str, wrong: bool = False) -> None:
        """Tell the user something; what is wrong begins with a sign, not only with a colour."""
        self.message.setText(f"⚠ {sentence}" if wrong else sentence)
        if wrong:
            _log.warning("%s", sentence)


def _button(text: str, name: str, action: Callable[[], Any]) -> QPushButton:
    button = QPushButton(text, accessibleName=name, toolTip=name)
    button.clicked.connect(lambda: action())
    return button


def _is_scan(layer: "napari.layers.Layer") -> bool:
    return (
        layer._type_string == "image"
        and layer.ndim == 3
        and layer.metadata.get("role") != "probability"
    )
