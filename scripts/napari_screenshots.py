"""Draw the pictures of docs/napari.md with the real program, wherever the plugin is installed.

``xvfb-run -a -s "-screen 0 1366x768x24" python scripts/napari_screenshots.py [FOLDER]``

The sample is opened, segmented with the bundled weights, saved and reviewed, as a person would
do it, in a window of a laptop's size; another size, and the light theme, are options. The later
visit is the sample itself, turned by 8 degrees and moved, with three lesions more, since only one
visit is bundled. Nothing is asked, and nothing is left behind but the pictures.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "images"
PATIENCE_S = 3600  # for the network on a busy machine
SCRATCH = Path(tempfile.mkdtemp(prefix="fsh-screenshots-"))
os.environ["NAPARI_CONFIG"] = str(SCRATCH / "settings.yaml")
os.environ["HOME"] = str(SCRATCH)  # where records go
os.environ["LOGNAME"] = "Anna"  # who reads

import napari  # noqa: E402
import numpy as np  # noqa: E402
from qtpy.QtCore import QEventLoop, QTimer  # noqa: E402
from scipy import ndimage  # noqa: E402

from fsh_core.cases import Case  # noqa: E402
from fsh_core.cli import main as fsh  # noqa: E402
from fsh_core.derivatives import write_segmentation  # noqa: E402
from fsh_core.files import sha256_of  # noqa: E402
from fsh_core.lesions.measure import lesion_table  # noqa: E402
from fsh_core.pipeline import Segmentation, find_lesions  # noqa: E402
from fsh_core.review import Queue, QueueItem, open_review, save_queue  # noqa: E402
from fsh_core.volume.volume import save_like  # noqa: E402
from fsh_napari.task import is_idle  # noqa: E402
from fsh_napari.views.window import window_of  # noqa: E402

RECORDS = SCRATCH / "F.sh"
_DEGREES, _SHIFT = 8.0, (6.0, -5.0, 4.0)
_PLANTED, _RADIUS_MM, _APART_MM = 3, 4.0, 25.0


def wait(seconds: float = 1.0) -> None:
    """Let the window work."""
    loop = QEventLoop()
    QTimer.singleShot(round(1000 * seconds), loop.quit)
    loop.exec()


def settle() -> None:
    """Let the window draw all it has to, on a slow machine too."""
    for _ in range(6):
        wait(0.25)


def wait_until(done: Callable[[], bool], told: Callable[[], str]) -> None:
    """Let the window work until something is done.

    Raises
    ------
    TimeoutError
        If it never is; with what the program said last.
    """
    until = time.monotonic() + PATIENCE_S
    while not done():
        if time.monotonic() > until:
            raise TimeoutError(f"the program got no further than: {told()}")
        wait(0.1)


def turned(data: np.ndarray, order: int) -> np.ndarray:
    """Turn a volume about its third axis, as if the patient lay otherwise."""
    angle, middle = np.radians(_DEGREES), (np.array(data.shape) - 1) / 2
    turn = np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    )
    return ndimage.affine_transform(data, turn, middle - turn @ middle + _SHIFT, order=order)


def plant(flair: np.ndarray, probability: np.ndarray, brain: np.ndarray) -> None:
    """Plant bright balls deep in the brain, far from lesions and from each other (1 mm voxels)."""
    lesion = probability > 1 / 2
    bright = float(np.median(flair[lesion]))
    tissue = np.abs(flair / np.median(flair[brain]) - 1) < 1 / 4
    free = ndimage.binary_erosion(tissue & brain) & ~lesion
    room = ndimage.distance_transform_edt(free)
    grid = np.indices(flair.shape)
    for _ in range(_PLANTED):
        centre = np.unravel_index(int(np.argmax(room)), room.shape)
        away = np.sqrt(sum((axis - at) ** 2 for axis, at in zip(grid, centre, strict=True)))
        ball = np.clip(_RADIUS_MM + 1 / 2 - away, 0, 1)
        flair += ((bright - flair) * ball).astype(flair.dtype)
        np.maximum(probability, (0.9 * ball).astype(probability.dtype), out=probability)
        room[away < _APART_MM] = 0


def write_later_visit(found: Segmentation) -> Path:
    """Write a second session of the sample."""
    path = SCRATCH / "later_FLAIR.nii.gz"
    flair = found.flair.with_data(turned(found.flair.data, 1))
    probability, brain = turned(found.probability, 1), turned(found.brain.astype(np.uint8), 0) > 0
    plant(flair.data, probability, brain)
    save_like(flair.data, flair, path)
    raw, labels = find_lesions(probability, brain, flair, found.record.settings.to_config())
    lesions = lesion_table(labels, flair, probability, brain)
    case = Case(found.case.subject, "second", {"FLAIR": path})
    record = found.record.changed(
        case=case.name,
        session="second",
        lesion_count=len(lesions),
        input={"FLAIR": {"path": str(path), "sha256": sha256_of(path)}},
    )
    later = replace(
        found,
        case=case,
        flair=flair,
        brain=brain,
        probability=probability,
        raw_prediction=raw,
        lesion_labels=labels,
        lesions=lesions,
        record=record,
    )
    return write_segmentation(later, RECORDS)["record"]


def write_queue(records: list[Path], labels: list[int]) -> None:
    """Let Ben have read the first case, and the dashboard have asked for a second look at both."""
    second = open_review(records[0], "Ben")
    for turn, label in enumerate(labels):
        second.set_status(label, "rejected" if turn % 4 == 3 else "accepted")
    second.set_case_status("completed")
    reason = "uncertain lesions"
    items = [
        QueueItem(path.name.split("_seg-")[0], path.relative_to(RECORDS).as_posix(), reason=reason)
        for path in records
    ]
    save_queue(
        RECORDS,
        Queue("second look", "2026-01-01T00:00:00+00:00", "the most uncertain first", tuple(items)),
    )


class Photographer:
    """A window, and the folder its pictures go to."""

    def __init__(self, folder: Path, size: str, theme: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.viewer = napari.Viewer(show=True)
        self.viewer.theme = self.theme = theme
        width, height = size.split("x")
        self.viewer.window.resize(int(width), int(height))
        self.window, _ = window_of(self.viewer)

    def keep(self, name: str, at_once: bool = False) -> None:
        """Take a picture of what the window shows, or first let it finish."""
        if not at_once:
            settle()
        self.window.grab().save(str(self.folder / f"napari-{name}.png"))

    def segment(self) -> Segmentation:
        """Segment the sample and save the record.

        Raises
        ------
        RuntimeError
            If it went wrong; with what the program said.
        """
        self.viewer.open_sample("fsh-ms", "ms-flair")
        dock, segment = self.viewer.window.add_plugin_dock_widget("fsh-ms", "Segment")
        view, controller = segment.view, segment.controller

        def keep_while_running(done: int) -> None:
            if 0 < done <= view.progress.maximum() / 2:
                self.keep("running", at_once=True)

        view.progress.valueChanged.connect(keep_while_running)
        controller.run()
        wait_until(lambda: segment.process is None, view.message.text)
        if controller.result is None:
            raise RuntimeError(view.message.text())
        view.table.select(view.table.labels[0])
        self.keep("segment")
        controller.save()
        wait_until(lambda: "Saved" in view.message.text(), view.message.text)
        self.viewer.window.remove_dock_widget(dock)
        self.viewer.layers.clear()
        return controller.result

    def review(self, labels: list[int]) -> None:
        """Go through the first case of the cohort."""
        _, cohort = self.viewer.window.add_plugin_dock_widget("fsh-ms", "Cohort")
        cohort.folder.setText("~/F.sh")
        cohort.load()
        self.keep("cohort")
        cohort.open(0)
        review = cohort.review
        wait_until(lambda: review.case is not None, review.view.message.text)
        settle()
        for decide in (
            review.controller.accept,
            review.controller.reject,
            review.controller.unsure,
            review.controller.accept,
        ):
            decide()
        self.keep("review")
        review.controller.look.in_3d()
        wait_until(is_idle, review.view.message.text)
        self.keep("3d")
        review.controller.look.in_3d()
        review.controller.look.show_keys()
        self.keep("keys")
        review.controller.look.show_keys()
        self.viewer.theme = "light"
        self.keep("light")
        self.viewer.theme = self.theme
        review.controller.look.other_visit()
        wait_until(lambda: "are linked" in review.view.message.text(), review.view.message.text)
        self.keep("visits")
        review.controller.look.other_visit()
        review.controller.has_cohort = False
        for turn, label in enumerate(labels):
            review.case.review.set_status(label, "rejected" if turn % 8 == 3 else "accepted")
        review.controller.complete()
        self.keep("readers")
        review.close_case()

    def changes(self) -> None:
        """Follow the patient over both visits, and look at what changed.

        Raises
        ------
        RuntimeError
            If the visits could not be followed.
        """
        if fsh(["track", str(RECORDS)]):
            raise RuntimeError("the two visits could not be followed")
        _, changes = self.viewer.window.add_plugin_dock_widget("fsh-ms", "Changes")
        changes.offer(RECORDS)
        changes.view.pairs.activated.emit(0)
        wait_until(lambda: changes.pair is not None, changes.view.message.text)
        settle()
        changes.controller.accept()
        self.keep("changes")


def main() -> int:
    """Take every picture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    parser.add_argument("--size", default="1366x768", metavar="WIDTHxHEIGHT")
    parser.add_argument("--theme", default="dark", choices=("dark", "light"))
    words = parser.parse_args()
    photographer = Photographer(words.folder.resolve(), words.size, words.theme)
    found = photographer.segment()
    labels = [int(label) for label in found.lesions["label"]]
    write_queue([next(RECORDS.glob("sub-*/anat/*_dseg.json")), write_later_visit(found)], labels)
    photographer.review(labels)
    photographer.changes()
    return 0


if __name__ == "__main__":
    try:
        code = main()
    except (RuntimeError, TimeoutError) as error:
        print(error, file=sys.stderr)
        code = 1
    shutil.rmtree(SCRATCH, ignore_errors=True)
    sys.stdout.flush()
    os._exit(code)  # a window that is still open has nothing to say
