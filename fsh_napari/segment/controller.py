"""What Segment does: its state and its commands. It knows no widget and no window.

What it needs of the window stands in `fsh_napari.segment.interfaces`: a view has the controls, a
stage shows layers, a runner does what takes long beside the window and then calls back.
"""

from collections.abc import Callable
from pathlib import Path

from fsh_core.cases import discover_cases
from fsh_core.derivatives import write_cohort, write_segmentation
from fsh_core.derivatives.layout import derivative_paths
from fsh_core.errors import InputError
from fsh_core.locks import clear_after_killed
from fsh_core.pipeline import Segmentation
from fsh_napari.segment.interfaces import Runner, Stage, View
from fsh_napari.segment.job import NETWORK, Job, missing_openvino
from fsh_napari.segment.threshold import described, in_words, listed, measured, with_settings
from fsh_napari.segment.words import progress_in_words, sequence_of


class SegmentController:
    """Segmenting in the window.

    Parameters
    ----------
    view, stage, runner : View, Stage, Runner
        The window.
    network : str
        Module with ``load_predictor`` and ``BrainFinder``; imported in another process only.

    Attributes
    ----------
    found : Segmentation or None
        As the network left it.
    result : Segmentation or None
        At the threshold that is shown.
    is_running : bool
        Whether a scan is being segmented, or its result is not wholly shown yet.
    """

    def __init__(self, view: View, stage: Stage, runner: Runner, network: str = NETWORK) -> None:
        self.view, self.stage, self.runner, self.network = view, stage, runner, network
        self.found: Segmentation | None = None
        self.result: Segmentation | None = None
        self.is_running = False
        self._is_saving = False
        self._asked_about = ""  # the scan whose name was no FLAIR's

    # ---- choosing a scan

    def list_scans(self) -> None:
        """Offer the scans that are open."""
        names = self.stage.scans()
        self.view.offer_scans(names)
        if not names:
            self.view.show_message("Open a FLAIR, or File > Open Sample > MS FLAIR sample (F.sh).")
        elif self.result is None and not self.is_running:
            self.view.show_message("Press Run to find the lesions.")

    def open_scan(self, path: Path) -> None:
        """Show a file and choose it."""
        try:
            self.view.choose_scan(self.stage.open_scan(path))
        except InputError as error:
            self.view.show_message(str(error), wrong=True)

    # ---- running

    def run(self) -> None:
        """Start the network; what goes wrong is said in one sentence."""
        try:
            job = self._job()
        except InputError as error:
            self.view.show_message(str(error), wrong=True)
            return
        self.is_running = True
        self._show_state()
        self.view.show_progress(0, 0)
        self.view.show_message("Loading the network…")
        self.runner.start(job)

    def cancel(self) -> None:
        """Stop at once."""
        self.runner.cancel()

    def _job(self) -> Job:
        """Describe what to segment.

        Raises
        ------
        InputError
            If OpenVINO is missing, no scan is open, or a setting cannot be used.
        """
        if self.network == NETWORK:
            missing = missing_openvino()
            if missing:
                raise InputError(missing)
        if not self.view.scan:
            raise InputError("there is no scan; open a FLAIR first")
        self._ask_about(self.view.scan)
        source = self.stage.scan_file(self.view.scan, self.view.records_folder)
        case = discover_cases(source)[0]
        return Job(
            str(source),
            case.subject,
            case.session or "",
            weights=self.view.weights,
            settings=self.view.config().model_dump(mode="json"),
            module=self.network,
        )

    def _ask_about(self, name: str) -> None:
        """Ask once before a scan is segmented whose name says that it is no FLAIR."""
        sequence, asked = sequence_of(name), self._asked_about
        self._asked_about = name
        if sequence and asked != name:
            raise InputError(
                f"{name} is named like a {sequence}, and the network reads FLAIR; choose the "
                "FLAIR, or press Run once more to segment it all the same"
            )

    def progressed(self, done: int, total: int, seconds_left: float) -> None:
        """Show how far the network is."""
        self.view.show_progress(done, total)
        self.view.show_message(progress_in_words(done, total, seconds_left))

    def finished(self, found: Segmentation) -> None:
        """Show what the network found; nothing can be cancelled any more."""
        self.found = self.result = found
        self.view.show_state(can_run=False, can_cancel=False, can_save=False)
        self.stage.show_result(found)

    def result_shown(self) -> None:
        """Bring the result to the threshold that the controls show by now."""
        self._end_run()
        self.settings_changed()
        self.measure()

    def failed(self, sentence: str) -> None:
        """Tell why there is no result."""
        self._end_run()
        self.view.show_message(sentence, wrong=True)

    def cancelled(self) -> None:
        """Tell that the user's wish was done."""
        self._end_run()
        self.view.show_message("Cancelled; nothing was changed.")

    def _end_run(self) -> None:
        self.is_running = False
        self.view.hide_progress()
        self._show_state()

    def _show_state(self) -> None:
        can_save = self.result is not None and not self.is_running and not self._is_saving
        self.view.show_state(not self.is_running, self.is_running, can_save)

    # ---- the threshold

    def settings_changed(self) -> None:
        """Find the lesions again, without the network, beside the window."""
        if self.found is None:
            return
        try:
            find = self._finding(self.found)
        except InputError as error:
            self.view.show_message(str(error), wrong=True)
            return
        self.runner.find(find)

    def _finding(self, found: Segmentation) -> Callable[[], Segmentation]:
        """Return what finds the lesions at the settings that the controls show now.

        Raises
        ------
        InputError
            If a setting cannot be used.
        """
        config = found.record.settings.to_config(**self.view.live_settings())
        return lambda: with_settings(found, config)

    def found_again(self, result: Segmentation) -> None:
        """Show the lesions of another threshold; not those of a run before this one."""
        if self.found is None or result.probability is not self.found.probability:
            return
        self.result = result
        self.stage.show_labels(result)
        self.view.show_message(in_words(result))
        self.runner.measure_later()

    def measure(self) -> None:
        """Measure the lesions of the last threshold, beside the window, and list them."""
        result = self.result
        if result is None:
            return
        if result is self.found:
            self.measured(result)  # by the run
        else:
            self.runner.measure(lambda: measured(result))

    def measured(self, result: Segmentation) -> None:
        """List the lesions that are shown, unless others are shown by now."""
        if self.result is None or result.lesion_labels is not self.result.lesion_labels:
            return
        self.result = result
        self.view.show_lesions(listed(result.lesions))
        self.stage.show_features(result)

    def go_to(self, label: int) -> None:
        """Show the slice of a lesion, at a voxel inside it."""
        if self.result is None:
            return
        lesions = self.result.lesions
        inside = lesions.loc[lesions["label"] == label, ["inside_i", "inside_j", "inside_k"]]
        i, j, k = inside.to_numpy()[0].tolist()
        self.stage.go_to((i, j, k))

    # ---- keeping

    def save(self) -> None:
        """Write the record of what the controls say, in a thread."""
        if self.found is None:
            return
        found, folder = self.found, self.view.records_folder
        if self.stage.is_under_review(derivative_paths(found.case, folder)["record"]):
            self.view.show_message(
                f"{found.case.name} is being reviewed from this folder, and its lesions stay as "
                "they are; close Review, or choose another folder for records",
                wrong=True,
            )
            return
        try:
            find = self._finding(found)
        except InputError as error:
            self.view.show_message(str(error), wrong=True)
            return

        def write() -> Path:
            # The run described its own lesions; those of another threshold were only found.
            result = find()
            clear_after_killed(folder)
            paths = write_segmentation(result if result is found else described(result), folder)
            write_cohort(folder)
            return paths["record"]

        self._is_saving = True
        self._show_state()
        self.view.show_message("Saving…")
        self.runner.write(write)

    def saved(self, record: Path) -> None:
        """Tell where the record is."""
        self._is_saving = False
        self._show_state()
        if self.result is not None:
            self.stage.note_record(self.result.case.name, record)
        self.view.show_message(
            f"Saved: {record}. Plugins > F.sh > Review goes through the lesions."
        )

    def save_failed(self, sentence: str) -> None:
        """Tell why there is no record."""
        self._is_saving = False
        self._show_state()
        self.view.show_message(sentence, wrong=True)
