"""``python -m fsh_napari [PATH]``: napari with a scan, a record or a folder of records opened.

A record opens with the review beside it, anything else with the widget that segments.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import napari

from fsh_core.derivatives import find_records

PLUGIN = "fsh-ms"


def open_viewer(path: Path | None) -> napari.Viewer:
    """Open a window on a path; on the bundled scan if there is none.

    Raises
    ------
    InputError
        If the path cannot be used.
    """
    viewer = napari.Viewer()
    has_record = path is not None and (path.suffix == ".json" or bool(find_records(path)))
    if path is None:
        viewer.open_sample(PLUGIN, "ms-flair")
    else:
        viewer.open(str(path), plugin=PLUGIN)
    viewer.window.add_plugin_dock_widget(PLUGIN, "Review" if has_record else "Segment")
    return viewer


def main(arguments: Sequence[str]) -> int:
    """Open the window and stay until it is closed."""
    open_viewer(Path(arguments[0]) if arguments else None)
    napari.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
