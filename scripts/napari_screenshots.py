"""Draw the pictures of docs/napari.md with the real program: ``xvfb-run -a python scripts/napari_screenshots.py``.

The sample is opened, segmented with the bundled weights, saved and reviewed, as a person
would do it, in a window of a laptop's size. The later visit is the sample itself, turned by
8 degrees and moved, since only one visit is bundled.
"""

import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "images"
SCRATCH = Path(tempfile.mkdtemp(prefix="fsh-screenshots-"))
os.environ["NAPARI_CONFIG"] = str(SCRATCH / "settings.yaml")
os.environ["HOME"] = str(SCRATCH)  # where records go
os.environ["LOGNAME"] = "Anna"  # who reads

import napari  # noqa: E402
import numpy as np  # noqa: E402
from qtpy.QtCore import QEventLoop, QTimer  # noqa: E402
from scipy import ndimage  # noqa: E402

from fsh_core.cases import Case  # noqa: E402
from fsh_core.config import SegmentConfig  # noqa: E402
from fsh_core.derivatives import write_segmentation  # noqa: E402
from fsh_core.files import sha256_of  # noqa: E402
from fsh_core.imaging.volume import save_like  # noqa: E402
from fsh_core.inference.segment import Segmentation, find_lesions  # noqa: E402
from fsh_core.lesions.table import lesion_table  # noqa: E402
from fsh_core.review import Queue, QueueItem, open_review, save_queue  # noqa: E402
from fsh_napari.window import window_of  # noqa: E402

RECORDS = SCRATCH / "F.sh"
_DEGREES, _SHIFT = 8.0, (6.0, -5.0, 4.0)


def wait(seconds: float = 1.0) -> None:
    """Let the window work."""
    loop = QEventLoop()
    QTimer.singleShot(round(1000 * seconds), loop.quit)
    loop.exec()


def turned(data: np.ndarray, order: int) -> np.ndarray:
    """Turn a volume about its third axis, as if the patient lay otherwise."""
    angle, middle = np.radians(_DEGREES), (np.array(data.shape) - 1) / 2
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    return ndimage.affine_transform(data, turn, middle - turn @ middle + _SHIFT, order=order)


def write_later_visit(found: Segmentation) -> Path:
    """Write a second session of the sample."""
    path = SCRATCH / "later_FLAIR.nii.gz"
    flair = found.flair.with_data(turned(found.flair.data, 1))
    save_like(flair.data, flair, path)
    probability, brain = turned(found.probability, 1), turned(found.brain.astype(np.uint8), 0) > 0
    raw, labels = find_lesions(probability, brain, flair, SegmentConfig(**found.record["settings"]))
    lesions = lesion_table(labels, flair, probability, brain)
    case = Case(found.case.subject, "later", {"FLAIR": path})
    record = found.record | {
        "case": case.name,
        "session": "later",
        "lesion_count": len(lesions),
        "input": {"FLAIR": {"path": str(path), "sha256": sha256_of(path)}},
    }
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


def main() -> int:
    """Take every picture."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    viewer = napari.Viewer(show=True)
    viewer.window.resize(1366, 768)
    window, _ = window_of(viewer)

    def keep(name: str) -> None:
        wait()
        window.grab().save(str(FOLDER / f"napari-{name}.png"))

    viewer.open_sample("fsh-ms", "ms-flair")
    dock, segment = viewer.window.add_plugin_dock_widget("fsh-ms", "Segment")
    segment.run()
    while segment.process is not None:
        wait(0.1)
        if segment.progress.value() == 2:
            window.grab().save(str(FOLDER / "napari-running.png"))
    if segment.result is None:
        print(segment.message.text(), file=sys.stderr)
        return 1
    segment.table.select(segment.table.labels[0])
    keep("segment")
    found = segment.result
    segment.save()
    while "Saved" not in segment.message.text():
        wait(0.1)
    viewer.window.remove_dock_widget(dock)
    viewer.layers.clear()

    records = [next(RECORDS.glob("sub-*/anat/*_dseg.json")), write_later_visit(found)]
    labels = [int(label) for label in found.lesions["label"]]
    second = open_review(records[0], "Ben")
    for turn, label in enumerate(labels):
        second.set_status(label, "rejected" if turn % 4 == 3 else "accepted")
    second.set_case_status("completed")
    reason = "uncertain lesions"
    items = [
        QueueItem(path.name.split("_seg-")[0], path.relative_to(RECORDS).as_posix(), reason=reason) for path in records
    ]
    save_queue(RECORDS, Queue("second look", "2026-01-01T00:00:00+00:00", "the most uncertain first", tuple(items)))

    _, cohort = viewer.window.add_plugin_dock_widget("fsh-ms", "Cohort")
    cohort.folder.setText("~/F.sh")
    cohort.load()
    keep("cohort")
    cohort.open(0)
    review = cohort.review
    wait(2)
    for decide in (review.accept, review.reject, review.unsure, review.accept):
        decide()
        wait(0.2)
    keep("review")
    review.show_keys()
    keep("keys")
    review.show_keys()
    viewer.theme = "light"
    keep("light")
    viewer.theme = "dark"
    review.other_visit()
    while "are linked" not in review.message.text():
        wait(0.2)
    keep("visits")
    review.other_visit()
    review.has_cohort = False
    for turn, label in enumerate(labels):
        review.case.review.set_status(label, "rejected" if turn % 8 == 3 else "accepted")
    review.complete()
    keep("readers")
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # a window that is still open has nothing to say
