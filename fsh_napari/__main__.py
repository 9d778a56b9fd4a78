"""``python -m fsh_napari [PATH]``: napari with a scan, a record or a folder of records opened.

A record opens with the review beside it, a folder whose patients were followed over visits with
their changes too, anything else with the widget that segments.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import napari

from fsh_core.derivatives import find_records
from fsh_core.file_names import TRACKS_ENDINGS
from fsh_core.follow_up import find_tracks
from fsh_napari.changes.widget import ChangesWidget

PLUGIN = "fsh-ms"


def open_viewer(path: Path | None) -> napari.Viewer:
    """Open a window on a path; on the bundled scan if there is none.

    Raises
    ------
    InputError
        If the path cannot be used.
    """
    viewer = napari.Viewer()
    if path is not None and path.name.endswith(TRACKS_ENDINGS["record"]):
        _add_changes(viewer).open(path)
        return viewer
    has_record = path is not None and (path.suffix == ".json" or bool(find_records(path)))
    if path is None:
        viewer.open_sample(PLUGIN, "ms-flair")
    else:
        viewer.open(str(path), plugin=PLUGIN)
    viewer.window.add_plugin_dock_widget(PLUGIN, "Review" if has_record else "Segment")
    if path is not None and find_tracks(path):
        _add_changes(viewer).offer(path)
    return viewer


def _add_changes(viewer: napari.Viewer) -> ChangesWidget:
    """Add the widget of changes, as a tab of what stands there."""
    _, changes = viewer.window.add_plugin_dock_widget(PLUGIN, "Changes", tabify=True)
    return cast(ChangesWidget, changes)


def main(arguments: Sequence[str]) -> int:
    """Open the window and stay until it is closed."""
    open_viewer(Path(arguments[0]) if arguments else None)
    napari.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
