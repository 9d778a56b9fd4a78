"""Draw the pictures of docs/napari.md with the real program: ``xvfb-run -a python scripts/napari_screenshots.py``.

The sample is opened, segmented with the bundled weights, saved and reviewed, as a person
would do it, in a window of a laptop's size.
"""

import os
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "images"
SCRATCH = Path(tempfile.mkdtemp(prefix="fsh-screenshots-"))
os.environ["NAPARI_CONFIG"] = str(SCRATCH / "settings.yaml")
os.environ["HOME"] = str(SCRATCH)  # where records go

import napari  # noqa: E402
from qtpy.QtCore import QEventLoop, QTimer  # noqa: E402

from fsh_napari.window import window_of  # noqa: E402


def wait(seconds: float = 1.0) -> None:
    """Let the window work."""
    loop = QEventLoop()
    QTimer.singleShot(round(1000 * seconds), loop.quit)
    loop.exec()


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
    shown = False
    while segment.process is not None:
        wait(0.1)
        if segment.progress.value() > 1 and not shown:
            keep("running")
            shown = True
    if segment.result is None:
        print(segment.message.text(), file=sys.stderr)
        return 1
    segment.table.select(segment.table.labels[0])
    keep("segment")
    segment.save()
    while "Saved" not in segment.message.text():
        wait(0.1)
    viewer.window.remove_dock_widget(dock)
    _, review = viewer.window.add_plugin_dock_widget("fsh-ms", "Review")
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
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # a window that is still open has nothing to say
