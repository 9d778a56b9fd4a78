"""Of another program's answer a lesion takes what belongs to the click, and nothing else."""

import numpy as np
import pytest

from fsh_core.errors import InputError
from fsh_core.review.answer import Answer, Question, voxels_of_answer
from fsh_core.review.correct import GROW, SHRINK, Surroundings

SHAPE = (60, 40, 16)


def scan() -> Surroundings:
    """Lesion 1 is a bar, lesion 2 lies against it, and the brain ends at i = 50."""
    labels = np.zeros(SHAPE, dtype=np.int16)
    labels[20:26, 18:22, 7:9] = 1
    labels[20:26, 22:24, 7:9] = 2
    brain = np.ones(SHAPE, dtype=bool)
    brain[50:] = False
    nothing = np.zeros(SHAPE, dtype=np.float32)
    return Surroundings(labels, brain, None, nothing, (1.0, 1.0, 2.0))


def mask(*boxes: tuple[slice, slice, slice]) -> np.ndarray:
    found = np.zeros(SHAPE, dtype=bool)
    for box in boxes:
        found[box] = True
    return found


def changed(tool: str, lesion: np.ndarray, *clicked: tuple[int, int, int]) -> np.ndarray:
    answer = Answer(Question(1, clicked, tool), lesion, "a program")
    found = np.zeros(SHAPE, dtype=bool)
    found.reshape(-1)[voxels_of_answer(answer, scan())] = True
    return found


def test_it_grows_by_what_is_connected_with_the_click_free_and_near() -> None:
    bar = np.s_[20:55, 18:24, 7:9]  # over lesion 2, and out of brain and box
    elsewhere = np.s_[30:33, 30:33, 7:9]
    found = changed(GROW, mask(bar, elsewhere), (27, 20, 7))
    wanted = mask(np.s_[26:43, 18:24, 7:9])  # 15 mm from the click, which is at 27
    np.testing.assert_array_equal(found, wanted)


def test_it_does_not_leave_the_brain() -> None:
    found = changed(GROW, mask(np.s_[20:55, 18:22, 7:9]), (27, 20, 7), (45, 20, 7))
    assert np.argwhere(found)[:, 0].max() == 49


def test_it_shrinks_by_what_the_answer_leaves_out_at_the_click() -> None:
    answer = mask(np.s_[22:24, 18:22, 7:9])  # without both ends
    found = changed(SHRINK, answer, (20, 20, 7))
    np.testing.assert_array_equal(found, mask(np.s_[20:22, 18:22, 7:9]))


@pytest.mark.parametrize(
    ("tool", "lesion", "clicked", "said"),
    [
        (GROW, mask(), (27, 20, 7), "changes nothing of lesion 1 where you clicked"),
        (GROW, mask(np.s_[30:32, 20, 7]), (27, 20, 7), "changes nothing of lesion 1"),
        (SHRINK, mask(np.s_[20:26, 18:22, 7:9]), (20, 20, 7), "changes nothing of lesion 1"),
        (SHRINK, mask(), (20, 20, 7), "nothing of lesion 1 would be left"),
        (GROW, mask(), (48, 20, 7), "lesion 1 is more than 15 mm from the click"),
    ],
)
def test_what_cannot_be_used_is_said(tool, lesion, clicked, said) -> None:
    with pytest.raises(InputError, match=said):
        changed(tool, lesion, clicked)


def test_the_journal_names_tool_and_program() -> None:
    assert Answer(Question(1, [(0, 0, 0)], GROW), mask(), "a program 2").tool == (
        "grow by a program 2"
    )
