"""What is closed is forgotten: no window, case or image stays in memory, however it was closed."""

import weakref

import pytest

pytest.importorskip("napari", reason="napari is not installed: pip install '.[app]'")
pytest.importorskip("pytestqt", reason="pytest-qt is not installed: pip install '.[dev]'")

from fsh_napari.segment.widget import SegmentWidget
from fsh_napari.task import Task
from tests.napari.driving import forgets, open_review_widget, settle


class Listener:
    """Something that knows its task, and is known by it."""

    def __init__(self) -> None:
        self.answers, self.task = [], Task(lambda: 1)
        self.task.finished.connect(lambda answer: self.answers.append(answer))


def test_a_listener_that_knows_its_task(screen, qtbot):
    listener = Listener()
    listener.task.start()
    settle(20)
    assert listener.answers == [1]
    reference = weakref.ref(listener)
    del listener
    assert forgets(reference)


def test_the_planes(viewer, record, qtbot):
    widget = open_review_widget(viewer, record)
    planes = weakref.ref(widget.stage.show_planes())
    viewer.window.remove_dock_widget(planes())
    assert forgets(planes)


@pytest.mark.parametrize("what", ["review", "segment"])
def test_the_window(viewer, record, qtbot, what):
    if what == "review":
        open_review_widget(viewer, record)
    else:
        viewer.window.add_dock_widget(SegmentWidget(viewer), name="Segment")
    window = weakref.ref(viewer.window._qt_window)
    viewer.close()
    assert forgets(window)
