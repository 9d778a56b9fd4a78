"""``python -m fsh_napari``, what ``make napari`` runs."""

import pytest

pytest.importorskip("napari", reason="napari is not installed: pip install '.[app]'")
pytest.importorskip("pytestqt", reason="pytest-qt is not installed: pip install '.[dev]'")

from tests.napari.driving import settle


@pytest.fixture
def open_viewer(viewer):
    """Open windows that are closed again; the fixture's own has registered the plugin."""
    from fsh_napari.__main__ import open_viewer

    opened = []

    def start(path):
        opened.append(open_viewer(path))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


def test_a_folder_with_a_record_opens_with_its_review(open_viewer, record):
    viewer = open_viewer(record.parents[2])
    settle()  # the review is loaded beside the window
    assert [layer.metadata.get("role") for layer in viewer.layers].count("lesions") == 1
    assert list(viewer.window.dock_widgets) == ["Review (fsh-ms)", "Three planes"]


def test_without_a_path_the_sample_opens_with_segment(open_viewer):
    viewer = open_viewer(None)
    assert "mslessegP39" in viewer.layers[0].name
    assert list(viewer.window.dock_widgets) == ["Segment (fsh-ms)"]
