"""The widget that finds lesions: choose, run, move the threshold, keep."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
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

from fsh_core.cases import discover_cases
from fsh_core.config import SegmentConfig
from fsh_core.derivatives import write_cohort, write_segmentation
from fsh_core.errors import InputError
from fsh_core.imaging.volume import save_like
from fsh_core.inference.segment import Segmentation, find_lesions
from fsh_core.lesions.describe import DESCRIBED_COLUMNS, describe_lesions
from fsh_core.lesions.table import lesion_table
from fsh_napari.colours import lesion_colours
from fsh_napari.fields import ConfigForm, config_from
from fsh_napari.files import LayerData, features_by_label
from fsh_napari.layers import Grid, grid_of_layer, labels_layer, probability_layer
from fsh_napari.preferences import preferences
from fsh_napari.table import LesionTable
from fsh_napari.window import plain
from fsh_napari.worker import NETWORK, Job, SegmentProcess, Task, missing_torch

if TYPE_CHECKING:
    import napari

LIVE = ["threshold", "minimum_volume_mm3", "smooth"]
"""Settings that act on the probability, so that no network runs when they change."""
_OTHERS = [name for name in SegmentConfig.model_fields if name not in LIVE]
_SHOWN = ("label", "volume_mm3", "region", "uncertainty", "confidence", "mean_probability", "contrast")
_OF_THE_RUN = {
    "uncertainty",
    "lesion_volume_interval_ml",
    "regions",
    "part_count",
}  # of the record: true of the network's own threshold alone
_log = logging.getLogger(__name__)


class SegmentWidget(QWidget):
    """Find the lesions of a FLAIR.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer.
    network : str
        Module with ``load_predictor`` and ``BrainFinder``; imported in another process only.
    """

    def __init__(self, napari_viewer: "napari.viewer.Viewer", network: str = NETWORK) -> None:
        super().__init__()
        self.viewer = plain(napari_viewer)
        self.network = network
        self.process: SegmentProcess | None = None
        self.result: Segmentation | None = None
        self._found: Segmentation | None = None  # as the network left it, whatever the threshold is now
        self._task: Task | None = None
        self._build()
        self._measure_later = QTimer(self, singleShot=True, interval=250)
        self._measure_later.timeout.connect(self.measure)
        self.viewer.layers.events.inserted.connect(self._list_scans)
        self.viewer.layers.events.removed.connect(self._list_scans)
        self._list_scans()
        self._set_running(False)

    def _build(self) -> None:
        wanted = preferences()
        self.scan = QComboBox()
        self.scan.setAccessibleName("Scan")
        self.scan.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.scan.setMinimumContentsLength(12)
        self.weights = QLineEdit(wanted.weights)
        self.weights.setPlaceholderText("bundled")
        self.weights.setAccessibleName("Weights")
        self.live = ConfigForm(SegmentConfig, LIVE)
        self.live.set_value("threshold", wanted.threshold)
        self.live.set_value("minimum_volume_mm3", wanted.minimum_volume_mm3)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(1, 99)
        self.slider.setValue(round(100 * wanted.threshold))
        self.slider.setAccessibleName("Threshold")
        self.slider.valueChanged.connect(lambda value: self.live.set_value("threshold", value / 100))
        self.live.changed.connect(self._on_live)
        self.more = ConfigForm(SegmentConfig, _OTHERS)
        self.more.hide()
        toggle = QToolButton(text="More settings", checkable=True, arrowType=Qt.ArrowType.RightArrow)
        toggle.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        toggle.toggled.connect(self.more.setVisible)
        toggle.toggled.connect(
            lambda shown: toggle.setArrowType(Qt.ArrowType.DownArrow if shown else Qt.ArrowType.RightArrow)
        )
        self.run_button = QPushButton("Run")
        self.run_button.clicked.connect(self.run)
        self.cancel_button = QPushButton("Cancel")
        self.cancel_button.clicked.connect(self.cancel)
        self.progress = QProgressBar()
        self.progress.setAccessibleName("Progress")
        self.message = QLabel(wordWrap=True, accessibleName="Message")
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.table = LesionTable(DESCRIBED_COLUMNS)
        self.table.opened.connect(self.go_to)
        self.table.chosen.connect(self.go_to)
        self.table.setMinimumHeight(120)
        self.folder = QLineEdit("~/F.sh")
        self.folder.setAccessibleName("Folder for records")
        self.save_button = QPushButton("Save record")
        self.save_button.setToolTip("Write masks, probability, lesion table and record, so that they can be reviewed")
        self.save_button.clicked.connect(self.save)

        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        form.addRow("Scan", _beside(self.scan, self._button("Open…", "Open a file", self._open_scan)))
        form.addRow("Weights", _beside(self.weights, self._button("…", "Choose weights", self._choose_weights)))
        inner = QWidget()
        layout = QVBoxLayout(inner)
        layout.addLayout(form)
        layout.addWidget(self.slider)
        layout.addWidget(self.live)
        layout.addWidget(toggle)
        layout.addWidget(self.more)
        layout.addWidget(_beside(self.run_button, self.cancel_button))
        layout.addWidget(self.progress)
        layout.addWidget(self.message)
        layout.addWidget(self.table, stretch=1)
        layout.addWidget(_beside(self.folder, self._button("…", "Choose the folder", self._choose_folder)))
        layout.addWidget(self.save_button)
        area = QScrollArea(widgetResizable=True, frameShape=QScrollArea.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inner)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(area)
        self.setMinimumWidth(330)

    def _button(self, text: str, name: str, action) -> QPushButton:  # type: ignore[no-untyped-def]
        button = QPushButton(text, accessibleName=name, toolTip=name)
        button.clicked.connect(action)
        return button

    # ---- choosing

    def _list_scans(self, event: object = None) -> None:
        chosen = self.scan.currentText()
        names = [layer.name for layer in self.viewer.layers if _is_scan(layer)]
        self.scan.clear()
        self.scan.addItems(names)
        if chosen in names:
            self.scan.setCurrentText(chosen)
        if not names:
            self.say("Open a FLAIR, or File > Open Sample > F.sh > MS FLAIR sample.")
        elif self.result is None and self.process is None:
            self.say("Press Run to find the lesions.")

    def _open_scan(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open a FLAIR", "", "NIfTI (*.nii *.nii.gz)")
        if path:
            self.open_scan(Path(path))

    def open_scan(self, path: Path) -> None:
        """Show a file and choose it."""
        try:
            layers = self.viewer.open(str(path), plugin="fsh-ms")
        except InputError as error:
            self.say(str(error), wrong=True)
            return
        self.scan.setCurrentText(layers[0].name)

    def _choose_weights(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Choose weights", "", "Weights (*.safetensors)")
        if path:
            self.weights.setText(path)

    def _choose_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "Folder for records", str(Path(self.folder.text()).expanduser()))
        if path:
            self.folder.setText(path)

    def config(self) -> SegmentConfig:
        """Return the settings.

        Raises
        ------
        InputError
            If a field cannot be used.
        """
        return config_from(self.live, self.more)

    # ---- running

    def run(self) -> None:
        """Start the network; what goes wrong is said in one sentence."""
        try:
            if self.network == NETWORK and (sentence := missing_torch()):
                raise InputError(sentence)
            job = self._job()
        except InputError as error:
            self.say(str(error), wrong=True)
            return
        self.process = SegmentProcess(job, self)
        self.process.progressed.connect(self._on_progress)
        self.process.finished.connect(self._on_finished)
        self.process.failed.connect(self._on_failed)
        self.process.cancelled.connect(self._on_cancelled)
        self._set_running(True)
        self.progress.setRange(0, 0)
        self.say("Loading the network…")
        self.process.start()

    def cancel(self) -> None:
        """Stop at once."""
        if self.process is not None:
            self.process.cancel()

    def _job(self) -> Job:
        """Describe what to segment: the layer's file, or a copy of a layer that has none."""
        if not self.scan.currentText():
            raise InputError("there is no scan; open a FLAIR first")
        layer = self.viewer.layers[self.scan.currentText()]
        source = layer.metadata.get("source", "")
        if not source or not Path(source).is_file():
            grid = grid_of_layer(layer.data.shape, {**layer.as_layer_data_tuple()[1], "name": layer.name})
            source = str(Path(self.folder.text()).expanduser() / "scans" / f"{_as_file_name(layer.name)}_FLAIR.nii.gz")
            data = grid.from_layer(np.asarray(layer.data)).astype(np.float32)
            save_like(data, grid.volume(data), source)
        case = discover_cases(source)[0]
        settings = self.config().model_dump(mode="json")
        return Job(
            source,
            case.subject,
            case.session or "",
            weights=self.weights.text().strip(),
            settings=settings,
            module=self.network,
        )

    def _on_progress(self, done: int, total: int, seconds_left: float) -> None:
        self.progress.setRange(0, total)
        self.progress.setValue(done)
        left = "" if seconds_left < 0 else f", about {_duration(seconds_left)} left"
        self.say(f"Patch {done} of {total}{left}")

    def _on_finished(self, found: Segmentation) -> None:
        self.cancel_button.setEnabled(False)
        self.show_result(found)

    def _on_failed(self, sentence: str) -> None:
        self._set_running(False)
        self.say(sentence, wrong=True)

    def _on_cancelled(self) -> None:
        self._set_running(False)
        self.say("Cancelled; nothing was changed.")

    def _set_running(self, running: bool) -> None:
        if not running:
            self.process = None
        self.run_button.setEnabled(not running)
        self.cancel_button.setEnabled(running)
        self.progress.setVisible(running)
        self.save_button.setEnabled(not running and self.result is not None)

    # ---- the result

    def show_result(self, found: Segmentation) -> None:
        """Show probability (hidden) and lesions (outlined), one after another, so that the window can draw between."""
        self.result = self._found = found
        self._grid = Grid.of(found.flair)
        self._to_show = [
            ("probability", probability_layer, found.probability),
            ("lesions", labels_layer, found.lesion_labels),
        ]
        self._show_next()

    def _show_next(self) -> None:
        if self._to_show:
            role, make, array = self._to_show.pop(0)
            self._show_layer(role, make(self._found.flair.with_data(array), f"{self._found.case.name} {role}"))
            QTimer.singleShot(0, self._show_next)
            return
        self._set_running(False)
        self._on_live()
        self.measure()

    def _show_layer(self, role: str, layer: LayerData) -> None:
        data, options, kind = layer
        options["metadata"] |= {"role": role, "fsh_case": self._found.case.name}
        if options["name"] in self.viewer.layers:
            self.viewer.layers[options["name"]].data = data
        elif kind == "labels":
            shown = self.viewer.add_labels(data, **options)
            shown.contour, shown.colormap = 1, lesion_colours(preferences().colours)
        else:
            self.viewer.add_image(data, **options)

    @property
    def lesions_layer(self) -> "napari.layers.Labels | None":
        """The layer of the result's lesions."""
        name = f"{self.result.case.name} lesions" if self.result else ""
        return next((layer for layer in self.viewer.layers if layer.name == name), None)

    def _on_live(self, setting: str = "") -> None:
        """Find the lesions again, without the network."""
        threshold = self.live.values()["threshold"]
        self.slider.blockSignals(True)
        self.slider.setValue(round(100 * threshold))
        self.slider.blockSignals(False)
        if self.result is None:
            return
        try:
            config = SegmentConfig(
                **{**self._found.record["settings"], **config_from(self.live).model_dump(include=set(LIVE))}
            )
        except InputError as error:
            self.say(str(error), wrong=True)
            return
        found = self._found
        settings = config.model_dump(mode="json")
        if settings == found.record["settings"]:
            self.result, labels = found, found.lesion_labels
        else:
            raw, labels = find_lesions(found.probability, found.brain, found.flair, config)
            record = {**found.record, "settings": settings, **dict.fromkeys(_OF_THE_RUN & found.record.keys())}
            self.result = replace(found, raw_prediction=raw, lesion_labels=labels, record=record)
        if (layer := self.lesions_layer) is not None:
            layer.data = self._grid.to_layer(labels)
        note = str(found.record["brain"]["note"])
        volume_ml = float(np.count_nonzero(labels)) * found.flair.voxel_volume_mm3 / 1000
        self.say(f"{int(labels.max(initial=0))} lesions, {volume_ml:.2f} ml. {note[:1].upper()}{note[1:]}.")
        self._measure_later.start()

    def measure(self) -> None:
        """Measure the lesions of the last threshold, and list them."""
        if self.result is None:
            return
        if self.result is not self._found:
            self._measure()
        lesions = self.result.lesions
        self.table.show_lesions(_shown(lesions))
        if (layer := self.lesions_layer) is not None:
            layer.features = features_by_label(lesions)

    def _measure(self) -> None:
        """Measure again; how sure the network's passes were of these lesions is not known."""
        found = self.result
        lesions = lesion_table(found.lesion_labels, found.flair, found.probability, found.brain)
        voxel_ml = found.flair.voxel_volume_mm3 / 1000
        record = {
            **found.record,
            "lesion_count": len(lesions),
            "lesion_volume_ml": round(float(np.count_nonzero(found.lesion_labels)) * voxel_ml, 4),
            "raw_lesion_volume_ml": round(float(np.count_nonzero(found.raw_prediction)) * voxel_ml, 4),
        }
        self.result = replace(found, lesions=lesions, record=record)

    def go_to(self, label: int) -> None:
        """Show the slice of a lesion, at a voxel inside it."""
        if self.result is None:
            return
        row = self.result.lesions.set_index("label").loc[label]
        point = self._grid.to_viewer_mm((row["inside_i"], row["inside_j"], row["inside_k"]))
        self.viewer.dims.set_point(range(3), point)

    def save(self) -> None:
        """Write the record, in a thread."""
        if self.result is None:
            return
        self.measure()
        found, folder = self.result, Path(self.folder.text()).expanduser()
        is_of_the_run = found is self._found

        def write() -> Path:
            paths = write_segmentation(found if is_of_the_run else _described(found), folder)
            write_cohort(folder)
            return paths["record"]

        self.save_button.setEnabled(False)
        self.say("Saving…")
        self._task = Task(write)
        self._task.finished.connect(self._on_saved)
        self._task.failed.connect(self._on_failed)
        self._task.start()

    def _on_saved(self, record: Path) -> None:
        self.save_button.setEnabled(True)
        for layer in self.viewer.layers:
            if self.result and layer.metadata.get("fsh_case") == self.result.case.name:
                layer.metadata["fsh_record"] = str(record)
        self.say(f"Saved: {record}. Plugins > F.sh > Review goes through the lesions.")

    def say(self, sentence: str, wrong: bool = False) -> None:
        """Tell the user something; what is wrong begins with a sign, not only with a colour."""
        self.message.setText(f"⚠ {sentence}" if wrong else sentence)
        if wrong:
            _log.warning("%s", sentence)

    def closeEvent(self, event: object) -> None:
        """Leave no process behind."""
        self.cancel()
        super().closeEvent(event)


def _shown(lesions: pd.DataFrame) -> pd.DataFrame:
    """Return the columns for the list, without those that say nothing."""
    table = lesions[[name for name in _SHOWN if name in lesions]]
    if table.empty:
        return table
    known = table.replace("", np.nan).dropna(axis=1, how="all")
    if "region" in known:
        known["region"] = known["region"].fillna("").str.replace("_", " ")
    return known


def _described(found: Segmentation) -> Segmentation:
    """Judge the lesions of another threshold; where they lie and how sure they are, only a run can tell."""
    threshold = found.record["settings"]["threshold"]
    lesions = describe_lesions(found.lesion_labels, found.flair, found.brain, found.probability, (), threshold)
    return replace(found, lesions=lesions)


def _is_scan(layer: "napari.layers.Layer") -> bool:
    return layer._type_string == "image" and layer.ndim == 3 and layer.metadata.get("role") != "probability"


def _as_file_name(name: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in name).strip("-") or "scan"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def _beside(*widgets: QWidget) -> QWidget:
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        layout.addWidget(widget)
    return row
