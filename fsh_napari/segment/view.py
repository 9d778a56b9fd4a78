"""The panel of Segment: it shows what it is given, and tells what the user wants."""

import logging
from pathlib import Path
from typing import Any

import pandas as pd
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from fsh_core.config import SegmentConfig
from fsh_core.lesions.describe import DESCRIBED_COLUMNS
from fsh_napari.messages import show_sentence, tip_of
from fsh_napari.preferences import preferences
from fsh_napari.segment.settings_panel import SettingsPanel
from fsh_napari.table import LesionTable
from fsh_napari.widgets import in_a_row, push_button

_SMALLEST_WIDTH_PIXELS = 330
_SMALLEST_LIST_PIXELS = 120
_SHORTEST_SCAN_NAME = 12  # letters; longer names are cut rather than the panel widened
_log = logging.getLogger(__name__)


class SegmentView(QWidget):
    """Scan, weights, settings, progress, list, folder, and a line for messages.

    Signals
    -------
    run_wanted, cancel_wanted, save_wanted : no arguments
        Their button was pressed.
    scan_picked : Path
        A file to open.
    live_changed : no arguments
        A setting that works without the network.
    lesion_picked : int
        A lesion of the list.
    """

    run_wanted = Signal()
    cancel_wanted = Signal()
    save_wanted = Signal()
    scan_picked = Signal(object)
    live_changed = Signal()
    lesion_picked = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.scan_box = QComboBox(accessibleName="Scan")
        self.scan_box.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.scan_box.setMinimumContentsLength(_SHORTEST_SCAN_NAME)
        self.scan_box.currentTextChanged.connect(self._show_whole_name)
        self._show_whole_name("")
        self.weights_field = QLineEdit(
            preferences().weights, placeholderText="bundled", accessibleName="Weights"
        )
        self.weights_field.setToolTip("A .safetensors file; empty = the bundled weights")
        self.settings = SettingsPanel()
        self.run_button = QPushButton("Run", toolTip="Find the lesions of the scan")
        self.cancel_button = QPushButton("Cancel", toolTip="Stop at once; nothing is changed")
        self.progress = QProgressBar(accessibleName="Progress")
        self.message = QLabel(wordWrap=True, accessibleName="Message")
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.table = LesionTable(DESCRIBED_COLUMNS)
        self.table.setMinimumHeight(_SMALLEST_LIST_PIXELS)
        self.folder_field = QLineEdit("~/F.sh", accessibleName="Folder for records")
        self.folder_field.setToolTip("Where Save record writes; what Cohort and the dashboard open")
        self.save_button = QPushButton("Save record")
        self.save_button.setToolTip(
            "Write masks, probability, lesion table and record, so that they can be reviewed"
        )
        self.setMinimumWidth(_SMALLEST_WIDTH_PIXELS)
        self.hide_progress()
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        form.addRow(
            "Scan", in_a_row(self.scan_box, push_button("Open…", self._pick_scan, "Open a file"))
        )
        form.addRow(
            "Weights",
            in_a_row(self.weights_field, push_button("…", self._pick_weights, "Choose weights")),
        )
        inner = QWidget()
        layout = QVBoxLayout(inner)
        layout.addLayout(form)
        for widget in (
            self.settings,
            in_a_row(self.run_button, self.cancel_button),
            self.progress,
            self.message,
        ):
            layout.addWidget(widget)
        layout.addWidget(self.table, stretch=1)
        layout.addWidget(
            in_a_row(self.folder_field, push_button("…", self._pick_folder, "Choose the folder"))
        )
        layout.addWidget(self.save_button)
        area = QScrollArea(widgetResizable=True, frameShape=QScrollArea.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inner)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(area)

    def _connect(self) -> None:
        self.run_button.clicked.connect(lambda: self.run_wanted.emit())
        self.cancel_button.clicked.connect(lambda: self.cancel_wanted.emit())
        self.save_button.clicked.connect(lambda: self.save_wanted.emit())
        self.settings.live_changed.connect(self.live_changed)
        self.table.opened.connect(self.lesion_picked)
        self.table.chosen.connect(self.lesion_picked)

    # ---- what the user has set

    @property
    def scan(self) -> str:
        """Name of the chosen scan; empty = none."""
        return str(self.scan_box.currentText())

    @property
    def weights(self) -> str:
        """Checkpoint file; empty = bundled."""
        return str(self.weights_field.text().strip())

    @property
    def records_folder(self) -> Path:
        """Where records are written."""
        return Path(self.folder_field.text()).expanduser()

    def config(self) -> SegmentConfig:
        """Return the settings.

        Raises
        ------
        InputError
            If a field cannot be used.
        """
        return self.settings.config()

    def live_settings(self) -> dict[str, Any]:
        """Return the settings that work without the network.

        Raises
        ------
        InputError
            If a field cannot be used.
        """
        return self.settings.live_settings()

    # ---- what is shown to the user

    def offer_scans(self, names: list[str]) -> None:
        """Offer scans, keeping the chosen one."""
        chosen = self.scan
        self.scan_box.clear()
        self.scan_box.addItems(names)
        if chosen in names:
            self.choose_scan(chosen)

    def choose_scan(self, name: str) -> None:
        """Choose a scan."""
        self.scan_box.setCurrentText(name)

    def show_message(self, sentence: str, wrong: bool = False) -> None:
        """Tell the user something; what is wrong begins with a sign, not only with a colour."""
        show_sentence(self.message, f"⚠ {sentence}" if wrong else sentence)
        if wrong:
            _log.warning("%s", sentence)

    def show_state(self, can_run: bool, can_cancel: bool, can_save: bool) -> None:
        """Enable the buttons that can be pressed."""
        self.run_button.setEnabled(can_run)
        self.cancel_button.setEnabled(can_cancel)
        self.save_button.setEnabled(can_save)

    def show_progress(self, done: int, total: int) -> None:
        """Show how many patches are done; Qt draws a total of 0 as a bar that runs to and fro."""
        self.progress.setVisible(True)
        self.progress.setRange(0, total)
        self.progress.setValue(done)

    def hide_progress(self) -> None:
        """Show no progress any more."""
        self.progress.setVisible(False)

    def show_lesions(self, lesions: pd.DataFrame) -> None:
        """List lesions."""
        self.table.show_lesions(lesions)

    def _show_whole_name(self, name: str) -> None:
        """Show the name that may be cut in the box."""
        self.scan_box.setToolTip(tip_of(name or "Scan to segment"))

    # ---- files

    def _pick_scan(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open a FLAIR", "", "NIfTI (*.nii *.nii.gz)")
        if path:
            self.scan_picked.emit(Path(path))

    def _pick_weights(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Choose weights", "", "Weights (*.safetensors)")
        if path:
            self.weights_field.setText(path)

    def _pick_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(
            self, "Folder for records", str(self.records_folder)
        )
        if path:
            self.folder_field.setText(path)
