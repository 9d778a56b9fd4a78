"""The widget that finds lesions: run, move the threshold, keep."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QTimer

from fsh_core.cases import discover_cases
from fsh_core.derivatives import write_cohort, write_segmentation
from fsh_core.errors import InputError
from fsh_core.pipeline import Segmentation
from fsh_core.volume.volume import save_like
from fsh_napari.layers.colours import lesion_colours
from fsh_napari.layers.convert import Grid, grid_of_layer, labels_layer, probability_layer
from fsh_napari.layers.files import LayerData, features_by_label
from fsh_napari.preferences import preferences
from fsh_napari.segment.fields import config_from
from fsh_napari.segment.job import NETWORK, Job
from fsh_napari.segment.process import SegmentProcess, missing_openvino, progress_in_words
from fsh_napari.segment.settings_panel import ChoosingPanel
from fsh_napari.segment.threshold import LIVE, described, in_words, listed, measured, with_settings
from fsh_napari.task import Task
from fsh_napari.views.window import plain

if TYPE_CHECKING:
    import napari


class SegmentWidget(ChoosingPanel):
    """Find the lesions of a FLAIR.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer.
    network : str
        Module with ``load_predictor`` and ``BrainFinder``; imported in another process only.
    """

    def __init__(self, napari_viewer: "napari.viewer.Viewer", network: str = NETWORK) -> None:
        super().__init__(plain(napari_viewer))
        self.network = network
        self.process: SegmentProcess | None = None
        self.result: Segmentation | None = None
        self._found: Segmentation | None = (
            None  # as the network left it, whatever the threshold is now
        )
        self._task: Task | None = None
        self.run_button.clicked.connect(self.run)
        self.cancel_button.clicked.connect(self.cancel)
        self.save_button.clicked.connect(self.save)
        self.live.changed.connect(self._on_live)
        self.table.opened.connect(self.go_to)
        self.table.chosen.connect(self.go_to)
        self._measure_later = QTimer(self, singleShot=True, interval=250)
        self._measure_later.timeout.connect(self.measure)
        self._set_running(False)
        self.offer_scans()

    @property
    def is_idle(self) -> bool:
        """Whether nothing was found yet, and nothing is being looked for."""
        return self.result is None and self.process is None

    # ---- running

    def run(self) -> None:
        """Start the network; what goes wrong is said in one sentence."""
        try:
            if self.network == NETWORK and (sentence := missing_openvino()):
                raise InputError(sentence)
            job = self._job()
        except InputError as error:
            self.show_message(str(error), wrong=True)
            return
        self.process = SegmentProcess(job, self)
        self.process.progressed.connect(self._on_progress)
        self.process.finished.connect(self._on_finished)
        self.process.failed.connect(self._on_failed)
        self.process.cancelled.connect(self._on_cancelled)
        self._set_running(True)
        self.progress.setRange(0, 0)
        self.show_message("Loading the network…")
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
            grid = grid_of_layer(
                layer.data.shape, {**layer.as_layer_data_tuple()[1], "name": layer.name}
            )
            source = str(
                self.records_folder / "scans" / f"{_as_file_name(layer.name)}_FLAIR.nii.gz"
            )
            data = grid.from_layer(np.asarray(layer.data)).astype(np.float32)
            save_like(data, grid.volume(data), source)
        case = discover_cases(source)[0]
        return Job(
            source,
            case.subject,
            case.session or "",
            weights=self.weights.text().strip(),
            settings=self.config().model_dump(mode="json"),
            module=self.network,
        )

    def _on_progress(self, done: int, total: int, seconds_left: float) -> None:
        self.show_message(progress_in_words(done, total, seconds_left))
        self.progress.setRange(0, total)
        self.progress.setValue(done)

    def _on_finished(self, found: Segmentation) -> None:
        self.cancel_button.setEnabled(False)
        self.show_result(found)

    def _on_failed(self, sentence: str) -> None:
        self._set_running(False)
        self.show_message(sentence, wrong=True)

    def _on_cancelled(self) -> None:
        self._set_running(False)
        self.show_message("Cancelled; nothing was changed.")

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
            self._show_layer(
                role, make(self._found.flair.with_data(array), f"{self._found.case.name} {role}")
            )
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
        self.slider.blockSignals(True)
        self.slider.setValue(round(100 * self.live.values()["threshold"]))
        self.slider.blockSignals(False)
        if self.result is None:
            return
        try:
            live = config_from(self.live).model_dump(include=set(LIVE))
            config = self._found.record.settings.to_config(**live)
        except InputError as error:
            self.show_message(str(error), wrong=True)
            return
        self.result = with_settings(self._found, config)
        if (layer := self.lesions_layer) is not None:
            layer.data = self._grid.to_layer(self.result.lesion_labels)
        self.show_message(in_words(self.result))
        self._measure_later.start()

    def measure(self) -> None:
        """Measure the lesions of the last threshold, and list them."""
        if self.result is None:
            return
        if self.result is not self._found:
            self.result = measured(self.result)
        self.table.show_lesions(listed(self.result.lesions))
        if (layer := self.lesions_layer) is not None:
            layer.features = features_by_label(self.result.lesions)

    def go_to(self, label: int) -> None:
        """Show the slice of a lesion, at a voxel inside it."""
        if self.result is None:
            return
        row = self.result.lesions.set_index("label").loc[label]
        point = self._grid.to_viewer_mm((row["inside_i"], row["inside_j"], row["inside_k"]))
        self.viewer.dims.set_point(range(3), point)

    # ---- keeping

    def save(self) -> None:
        """Write the record, in a thread."""
        if self.result is None:
            return
        self.measure()
        found, folder = self.result, self.records_folder
        is_of_the_run = found is self._found

        def write() -> Path:
            paths = write_segmentation(found if is_of_the_run else described(found), folder)
            write_cohort(folder)
            return paths["record"]

        self.save_button.setEnabled(False)
        self.show_message("Saving…")
        self._task = Task(write)
        self._task.finished.connect(self._on_saved)
        self._task.failed.connect(self._on_failed)
        self._task.start()

    def _on_saved(self, record: Path) -> None:
        self.save_button.setEnabled(True)
        for layer in self.viewer.layers:
            if self.result and layer.metadata.get("fsh_case") == self.result.case.name:
                layer.metadata["fsh_record"] = str(record)
        self.show_message(f"Saved: {record}. Plugins > F.sh > Review goes through the lesions.")

    def closeEvent(self, event: object) -> None:
        """Leave no process behind."""
        self.cancel()
        super().closeEvent(event)


def _as_file_name(name: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in name).strip("-") or "scan"
