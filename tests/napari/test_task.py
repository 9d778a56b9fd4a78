"""What works beside the window, and when its answers come."""

import threading
import time

import pytest

pytest.importorskip("napari", reason="napari is not installed: pip install '.[app]'")
pytest.importorskip("pytestqt", reason="pytest-qt is not installed: pip install '.[dev]'")

from qtpy.QtCore import Qt

from fsh_core.errors import InputError
from fsh_napari.task import LatestTask, Task, Turns, is_idle
from tests.napari.driving import settle

pytestmark = pytest.mark.usefixtures("screen", "qtbot")


def test_in_line_one_after_another():
    done, gate = [], threading.Event()
    tasks = [Task(lambda: gate.wait(10) and done.append("first"), in_line=True)]
    tasks.append(Task(lambda: done.append("second"), in_line=True))
    for task in tasks:
        task.start()
    assert not is_idle()
    assert done == []
    gate.set()
    settle()
    assert done == ["first", "second"]
    assert is_idle()


def test_everybody_hears_though_the_thread_is_slow_to_tell():
    told = []
    task = Task(lambda: "answer", in_line=True)
    # In the task's own thread, and between its first listener, which lets go of it, and the last.
    task.finished.connect(lambda answer: time.sleep(0.3), Qt.ConnectionType.DirectConnection)
    task.finished.connect(told.append)
    task.start()
    settle(50)
    assert told == ["answer"]


def test_only_the_latest_waits():
    gate, done, told = threading.Event(), [], []
    latest = LatestTask()
    latest.finished.connect(lambda answer: told.append((answer, threading.current_thread())))

    def work(number):
        gate.wait(10)
        done.append(number)
        return number

    for number in range(4):
        latest.ask(lambda number=number: work(number))
    gate.set()
    settle(50)
    assert done == [0, 3]
    assert told == [(0, threading.main_thread()), (3, threading.main_thread())]


def test_what_fails_is_told_and_the_next_is_done():
    told, done = [], []
    latest = LatestTask()
    latest.failed.connect(told.append)

    def fail():
        raise InputError("a.nii: no such file; check the name")

    latest.ask(fail)
    latest.ask(lambda: done.append(1))
    settle(50)
    assert told == ["a.nii: no such file; check the name"]
    assert done == [1]


def test_steps_in_turns_of_the_window():
    taken, turns, told = [], Turns(), []
    turns.failed.connect(told.append)

    def steps(name, wrong=False):
        for number in range(3):
            taken.append((name, number))
            yield
        if wrong:
            raise InputError("it went wrong")

    turns.take(steps("dropped"))
    turns.take(steps("a"))
    assert taken == []
    assert not turns.are_over
    settle(100)
    assert taken == [("a", 0), ("a", 1), ("a", 2)]
    assert turns.are_over
    turns.take(steps("b", wrong=True))
    settle(100)
    assert told == ["it went wrong"]
    assert turns.are_over
    turns.take(steps("c"))
    turns.stop()
    settle(50)
    assert taken[-1] == ("b", 2)
