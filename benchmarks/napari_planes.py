"""How long the three planes take to open, and each slice of them to be shown.

``xvfb-run -a -s "-screen 0 1366x768x24" python benchmarks/napari_planes.py``, with the plugin
installed, on a machine that does nothing else. The sample lies in the window with a hidden
probability and outlined lesions; a step turns one plane by a slice, and ends when every
picture that changes with it has been drawn.
"""

import argparse
import os
import platform
import tempfile
import time
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from statistics import median

os.environ["NAPARI_CONFIG"] = str(Path(tempfile.mkdtemp(prefix="fsh-planes-")) / "settings.yaml")

import napari
import numpy as np
from qtpy.QtWidgets import QApplication

from fsh_core.sample import sample_case
from fsh_core.volume.components import label_components
from fsh_core.volume.volume import load_mask, load_volume
from fsh_napari.layers.colours import lesion_colours
from fsh_napari.layers.convert import image_layer, labels_layer, probability_layer
from fsh_napari.views.planes import PlanesWidget

STEPS = 40  # of each plane, around the middle of the head
OPENING_S, STEP_S = 1.5, 0.060  # what is asked for


class Watch:
    """Seconds between two looks: by the clock, of this thread's processor, of all threads'."""

    def __init__(self) -> None:
        self._clocks = (time.perf_counter, time.thread_time, time.process_time)
        self.start()

    def start(self) -> None:
        """Look for the first time."""
        self._then = [clock() for clock in self._clocks]

    def seconds(self) -> list[float]:
        """Look again."""
        return [clock() - then for clock, then in zip(self._clocks, self._then, strict=True)]


def open_sample(viewer: "napari.Viewer") -> None:
    """Show the sample as it is reviewed: scan, hidden probability, outlined lesions."""
    case = sample_case()
    flair = load_volume(case.flair)
    reference = load_mask(case.reference, flair)
    probability = flair.with_data(reference.data * np.float32(0.9))
    labels = flair.with_data(label_components(reference.data)[0])
    for volume, make in (
        (flair, image_layer),
        (probability, probability_layer),
        (labels, labels_layer),
    ):
        data, options, kind = make(volume, make.__name__)
        getattr(viewer, f"add_{kind}")(data, **options)
    viewer.layers[-1].contour = 1
    viewer.layers[-1].colormap = lesion_colours()


def settle() -> None:
    """Let the window draw everything it has to draw."""
    for _ in range(3):
        QApplication.sendPostedEvents()
        QApplication.processEvents()


def rest(seconds: float = 1.0) -> None:
    """Let what is put off happen now, so that no step pays for it."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        settle()


def told(name: str, seconds: list[list[float]]) -> str:
    """Say what steps took: median and worst."""
    parts = [
        f"{title} {1000 * median(column):4.0f} / {1000 * max(column):4.0f}"
        for title, column in zip(
            ("clock", "this thread", "all threads"), zip(*seconds, strict=True), strict=True
        )
    ]
    return f"{name:9} " + "   ".join(parts)


def main() -> int:
    """Open, step, tell; the code says whether the clock kept to what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=STEPS, help="slices to turn in each plane")
    steps = parser.parse_args().steps
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    print(f"{machine}, Python {platform.python_version()}, napari {version('napari')}")
    viewer = napari.Viewer(show=True)
    viewer.window.resize(1366, 768)
    open_sample(viewer)
    rest()
    watch = Watch()
    planes = PlanesWidget(viewer)
    viewer.window.add_dock_widget(planes, name="Three planes", area="right")
    settle()
    opening = watch.seconds()
    print(
        f"opening, in s: clock {opening[0]:.2f}, this thread {opening[1]:.2f}, "
        f"all threads {opening[2]:.2f}"
    )
    rest()
    drawn: Counter[str] = Counter()
    for view in planes.views:
        scene = view.qt_viewer.canvas._scene_canvas
        scene.events.draw.connect(lambda event, name=view.plane.name: drawn.update([name]))
    print("a step, median / worst in ms; pictures drawn for it")
    slow = opening[0] > OPENING_S
    for view in planes.views:
        view.step(-steps // 2)
        rest(0.5)
        drawn.clear()
        taken = []
        for _ in range(steps):
            watch.start()
            view.step(1)
            settle()
            taken.append(watch.seconds())
        pictures = ", ".join(f"{count / steps:.1f} {name}" for name, count in sorted(drawn.items()))
        print(f"{told(view.plane.name, taken)}   {pictures}")
        slow = slow or median(row[0] for row in taken) > STEP_S
    planes.detach()
    viewer.close()
    return int(slow)


if __name__ == "__main__":
    raise SystemExit(main())
