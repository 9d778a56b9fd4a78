"""How long a slice takes with every companion of the FLAIR loaded, and to flip from one to another.

``xvfb-run -a -s "-screen 0 1366x768x24" python -m benchmarks.napari_companions``, with the plugin
installed, on a machine that does nothing else. The sample is the third visit of a patient whose
T1w has finer voxels (0.9 of the FLAIR's), whose T2w has the FLAIR's own, and who lay otherwise at
the two visits before. The contrasts are made of the FLAIR, since only that is bundled; with
``--spacing`` it is resampled first. Every companion is shown in turn, and every plane turned by
single slices. The code says whether a step kept to 60 ms.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import napari
import numpy as np
from qtpy.QtWidgets import QApplication

from benchmarks.napari_review import FOLDER, make_record, open_case, rest, turn_until
from fsh_core.cases import Case
from fsh_core.derivatives import find_records
from fsh_core.sample import sample_case
from fsh_core.tracking.halfway import resample_by
from fsh_core.volume.resample import resample
from fsh_core.volume.volume import Volume, load_mask, load_volume, save_like
from fsh_napari.review.widget import ReviewWidget

STEPS, STEP_S, FLIP_S = 30, 0.060, 0.200
SPACING_MM = 1.0
_T1_FRACTION = 0.9
_TURN_RAD, _SHIFT_MM = 0.1, (5.0, -4.0, 3.0)


def make_dataset(folder: Path, spacing_mm: float = SPACING_MM) -> Path:
    """Write three visits, T1w and T2w as BIDS, and a record of the third; return that."""
    sample = sample_case()
    own = load_volume(sample.flair)
    # As a scanner writes it: in whole numbers.
    flair = own if spacing_mm == SPACING_MM else _whole(resample(own, spacing_mm))
    subject = folder / "sub-01"

    def save(volume: Volume, session: str, channel: str) -> Path:
        path = subject / f"ses-{session}/anat/sub-01_ses-{session}_{channel}.nii.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        save_like(volume.data, volume, path)
        return path

    bright = np.percentile(flair.data, 99.9)
    dark = np.where(flair.data > 0, np.maximum(bright - flair.data, 0), 0).astype(np.float32)
    save(resample(flair.with_data(dark), _T1_FRACTION * spacing_mm), "3", "T1w")
    save(flair.with_data(np.sqrt(np.maximum(flair.data, 0))), "3", "T2w")
    for visit, session in enumerate(("2", "1"), start=1):
        save(flair.with_data(resample_by(flair, flair, _movement(visit))), session, "FLAIR")
    path = save(flair, "3", "FLAIR")
    mask = load_mask(sample.reference, own)
    reference = mask if spacing_mm == SPACING_MM else resample(mask, spacing_mm)
    probability = np.clip(reference.data, 0, 1).astype(np.float32)
    return make_record(Case("01", "3", {"FLAIR": path}), probability, folder)


def _whole(volume: Volume) -> Volume:
    return volume.with_data(np.round(volume.data).astype(np.int16).astype(np.float32))


def _movement(visit: int) -> np.ndarray:
    """World of one visit to that of another, turned about the head's axis and moved."""
    angle = visit * _TURN_RAD
    movement = np.eye(4)
    movement[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    movement[:3, 3] = visit * np.array(_SHIFT_MM)
    return movement


def settle() -> None:
    """Let the window draw everything it has to draw."""
    for _ in range(3):
        QApplication.sendPostedEvents()
        QApplication.processEvents()


def timed(action: Callable[[], object]) -> float:
    """Do something, wait until it is drawn, and return the seconds."""
    began = time.perf_counter()
    action()
    settle()
    return time.perf_counter() - began


def main() -> int:
    """Open, load, flip and step; tell what each took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spacing", type=float, default=SPACING_MM, help="voxel size, in mm")
    parser.add_argument("--data", type=Path, default=FOLDER, help="what is there is used again")
    words = parser.parse_args()
    records = find_records(words.data / "derivatives")
    record = records[0] if records else make_dataset(words.data, words.spacing)
    viewer = napari.Viewer(show=True)
    viewer.window.resize(1366, 768)
    widget = ReviewWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Review", area="right")
    rest(2)
    open_case(widget, record, "opening")
    planes, flip = widget.stage.planes, widget.controller.look.companion
    began = time.perf_counter()
    flip()
    turn_until(lambda: planes.caption.startswith("T1w"))
    print(f"the first companion is there after {time.perf_counter() - began:.1f} s")
    turn_until(lambda: ", 2 of 5" in widget.view.message.text())
    print(f"all four after {time.perf_counter() - began:.1f} s")
    rest(1)
    slow = False
    for turn in range(2):
        for _ in range(5):
            flipping = timed(flip)
            rest(0.5)
            steps = {view.plane.name: steps_of(view) for view in planes.views}
            slow = slow or any(median(taken) > STEP_S for taken in steps.values())
            slow = slow or (turn == 1 and flipping > FLIP_S)
            told = ", ".join(
                f"{name} {1000 * median(taken):.0f} / {1000 * max(taken):.0f}"
                for name, taken in steps.items()
            )
            print(f"{planes.caption:50} flip {1000 * flipping:4.0f} ms; steps {told}")
    widget.close_case()
    planes.detach()
    viewer.close()
    return int(slow)


def steps_of(view: object) -> list[float]:
    """Turn a plane by single slices around where it stands; return the seconds of each."""
    view.step(-STEPS // 2)
    rest(0.3)
    taken = [timed(lambda: view.step(1)) for _ in range(STEPS)]
    view.step(-STEPS // 2)
    return taken


if __name__ == "__main__":
    raise SystemExit(main())
