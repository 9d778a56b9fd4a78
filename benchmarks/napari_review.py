"""How long a case takes to open and to complete in Review, what waits meanwhile, and memory.

``xvfb-run -a -s "-screen 0 1366x768x24" python benchmarks/napari_review.py``, with the plugin
installed, on a machine that does nothing else. The sample is resampled to voxels of 0.5 mm
and segmented as if the network had found what the experts drew; two copies of that case are then
opened in turn. A gap is the longest time between two turns of the window's event loop. Then Segment
finds the lesions of the sample itself, and its threshold moves.
"""

import argparse
import multiprocessing
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path

os.environ["NAPARI_CONFIG"] = str(Path(tempfile.mkdtemp(prefix="fsh-review-")) / "settings.yaml")

import napari
import numpy as np
import psutil
from numpy.typing import NDArray
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication

from fsh_core.cases import Case
from fsh_core.config import SegmentConfig
from fsh_core.derivatives import write_segmentation
from fsh_core.lesions.measure import lesion_table
from fsh_core.pipeline import find_lesions, segment_case
from fsh_core.sample import sample_case
from fsh_core.volume.resample import resample
from fsh_core.volume.volume import load_mask, load_volume, save_like
from fsh_napari.review.widget import ReviewWidget
from fsh_napari.segment.widget import SegmentWidget
from fsh_napari.task import is_idle

FOLDER = Path(os.environ["NAPARI_CONFIG"]).parent
SPACING_MM, OPENINGS = 0.5, 20
LARGEST_GAP_MS, LARGEST_MB, GROWTH_MB = 50, 1500, 50  # what is asked for
_PATIENCE_S = 120
_MB = 2**20


class Gaps:
    """The longest that the window's thread takes between two turns of its event loop, in ms.

    ``busy_ms`` is its own work, whatever else the machine is doing; ``pause_ms`` is what a
    reader sees of it.
    """

    def __init__(self) -> None:
        self.busy_ms = self.pause_ms = 0.0
        self.peak_mb = 0.0
        self._process = psutil.Process()
        self._busy, self._time = time.thread_time(), time.perf_counter()
        self._timer = QTimer(interval=0)
        self._timer.timeout.connect(self._tick)
        self._timer.start()

    def _tick(self) -> None:
        busy, now = time.thread_time(), time.perf_counter()
        self.busy_ms = max(self.busy_ms, (busy - self._busy) * 1000)
        self.pause_ms = max(self.pause_ms, (now - self._time) * 1000)
        self._busy, self._time = busy, now
        self.peak_mb = max(self.peak_mb, self._process.memory_info().rss / _MB)

    def stop(self) -> None:
        """Listen no more."""
        self._tick()
        self._timer.stop()


def make_records(spacing_mm: float, folder: Path) -> list[Path]:
    """Write two cases of the resampled sample; return their records."""
    sample = sample_case()
    flair = load_volume(sample.flair)
    fine = resample(flair, spacing_mm)
    reference = resample(load_mask(sample.reference, flair), spacing_mm).data
    probability = np.clip(reference, 0, 1).astype(np.float32)
    records = []
    for name in ("01", "02"):
        path = folder / f"sub-{name}_FLAIR.nii.gz"
        save_like(np.round(fine.data).astype(np.int16), fine, path)
        records.append(make_record(Case(name, None, {"FLAIR": path}), probability, folder))
    return records


def make_record(case: Case, probability: NDArray[np.float32], folder: Path) -> Path:
    """Write a case as if the network had found a probability; return the record."""
    blank = segment_case(case, _no_lesion, SegmentConfig(regions=False))
    inside = probability * blank.brain
    raw, labels = find_lesions(inside, blank.brain, blank.flair, SegmentConfig())
    lesions = lesion_table(labels, blank.flair, inside, blank.brain)
    found = replace(
        blank,
        probability=inside,
        raw_prediction=raw,
        lesion_labels=labels,
        lesions=lesions,
        record=blank.record.changed(lesion_count=len(lesions)),
    )
    print(f"{len(lesions)} lesions, {' x '.join(map(str, blank.flair.shape))} voxels")
    return write_segmentation(found, folder / "derivatives")["record"]


def _no_lesion(image: NDArray[np.float32], on_patch: object = None) -> NDArray[np.float32]:
    """Stand in for the network: what the experts drew is put in afterwards."""
    return np.zeros(image.shape[1:], dtype=np.float32)


def turn_until(is_done: Callable[[], bool]) -> float:
    """Let the window work until something holds; return the seconds."""
    began = time.perf_counter()
    while not is_done():
        QApplication.processEvents()
        if time.perf_counter() - began > _PATIENCE_S:
            raise TimeoutError("the window did not get there")
    return time.perf_counter() - began


def rest(seconds: float) -> None:
    """Let what was put off happen."""
    until = time.perf_counter() + seconds
    turn_until(lambda: time.perf_counter() > until)


def timed(name: str, action: Callable[[], object], is_done: Callable[[], bool]) -> Gaps:
    """Do something, wait until it is done and drawn, and tell what it took."""
    gaps = Gaps()
    began = time.perf_counter()
    QTimer.singleShot(0, action)
    QApplication.processEvents()
    turn_until(is_done)
    seconds = time.perf_counter() - began
    rest(0.5)
    gaps.stop()
    held = psutil.Process().memory_info().rss / _MB
    print(
        f"{name:12} {seconds:5.1f} s   gap {gaps.pause_ms:6.0f} ms (own work {gaps.busy_ms:6.0f})"
        f"   {held:5.0f} MB, at most {gaps.peak_mb:5.0f}"
    )
    return gaps


def open_case(widget: ReviewWidget, record: Path, name: str) -> Gaps:
    """Open a case and wait until its list has the keyboard."""

    def is_open() -> bool:
        case = widget.case
        is_there = case is not None and case.stored.paths["record"] == record
        return is_there and not widget.is_busy

    return timed(name, lambda: widget.open(record), is_open)


def segment_and_move(viewer: napari.Viewer) -> list[Gaps]:
    """Segment the sample, then move the threshold, as a reader does."""
    viewer.layers.clear()
    segment = SegmentWidget(viewer)
    viewer.window.add_dock_widget(segment, name="Segment", area="right")
    controller, slider = segment.controller, segment.view.settings.slider
    controller.open_scan(sample_case().flair)
    rest(2)
    runs = [timed("network", controller.run, lambda: not controller.is_running and is_idle())]
    for percent in (75, 30, 50):

        def is_found(threshold: float = percent / 100) -> bool:
            result = controller.result
            return (
                result is not None and result.record.settings.threshold == threshold and is_idle()
            )

        move = partial(slider.setValue, percent)
        runs.append(timed(f"threshold {percent}", move, is_found))
    return runs


def main() -> int:
    """Open, complete, open again and again; the code says whether it kept to what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spacing", type=float, default=SPACING_MM, help="voxel size, in mm")
    parser.add_argument("--openings", type=int, default=OPENINGS, help="cases one after another")
    options = parser.parse_args()
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"napari {version('napari')}"
    )
    with ProcessPoolExecutor(1, multiprocessing.get_context("fork")) as beside:
        records = beside.submit(make_records, options.spacing, FOLDER).result()
    viewer = napari.Viewer(show=True)
    viewer.window.resize(1366, 768)
    widget = ReviewWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Review", area="right")
    rest(2)
    print(f"an empty window holds {psutil.Process().memory_info().rss / _MB:.0f} MB")

    runs = []
    held = []
    for opening in range(options.openings):
        runs.append(open_case(widget, records[opening % 2], f"opening {opening + 1}"))
        held.append(psutil.Process().memory_info().rss / _MB)
    table = widget.case.stored.paths["table"]

    def is_saved() -> bool:
        return any(table.parent.glob("*reviewed*.json"))

    runs.append(timed("completing", lambda: twice(widget.controller.complete), is_saved))
    viewer.window.remove_dock_widget(widget)
    runs += segment_and_move(viewer)
    viewer.close()
    shutil.rmtree(FOLDER, ignore_errors=True)
    grown = held[-1] - held[1] if len(held) > 1 else 0.0
    print(f"grown by {grown:.0f} MB from the second opening to the last")
    return int(
        max(run.pause_ms for run in runs) > LARGEST_GAP_MS
        or max(run.peak_mb for run in runs) > LARGEST_MB
        or grown > GROWTH_MB
    )


def twice(action: Callable[[], object]) -> None:
    """Complete a case whose lesions are undecided: the first time only asks."""
    action()
    action()


if __name__ == "__main__":
    raise SystemExit(main())
