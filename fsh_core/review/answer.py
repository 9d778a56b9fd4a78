"""Voxels that a lesion gains or loses by the answer of another program to a click."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsh_core.errors import InputError
from fsh_core.review.correct import GROW, SURROUNDINGS_MM, Surroundings
from fsh_core.review.edits import Voxel
from fsh_core.volume.boxes import box_of_voxels, first_voxel, voxels_across, widen
from fsh_core.volume.components import label_components


@dataclass(frozen=True)
class Question:
    """Where a lesion is to grow or shrink.

    Attributes
    ----------
    label : int
        The lesion.
    scribble : sequence of voxels
        Where the mouse was; at least one.
    tool : str
        `fsh_core.review.correct.GROW` or ``SHRINK``.
    """

    label: int
    scribble: Sequence[Voxel]
    tool: str


@dataclass(frozen=True)
class Answer:
    """What another program makes of a lesion.

    Attributes
    ----------
    question : Question
        What was asked.
    lesion : (I, J, K) bool
        The lesion as the program would have it.
    source : str
        Which program, in which version, for the journal.
    """

    question: Question
    lesion: NDArray[np.bool_]
    source: str

    @property
    def tool(self) -> str:
        """What the journal calls it."""
        return f"{self.question.tool} by {self.source}"


def voxels_of_answer(answer: Answer, around: Surroundings) -> NDArray[np.int64]:
    """Take of an answer what belongs to the click.

    Only what is connected with the clicked voxels counts, in a box of `SURROUNDINGS_MM` around
    them; a lesion grows only in the brain and not into another one.

    Parameters
    ----------
    answer : Answer
        On the grid of the scan.
    around : Surroundings
        The scan, with the lesions as they are now.

    Returns
    -------
    (N,) int64
        Flat indices (C order), ascending, of the voxels that the lesion gains or loses.

    Raises
    ------
    InputError
        If the lesion is not near, the answer changes nothing there, or nothing would be left.
    """
    label, scribble = answer.question.label, answer.question.scribble
    shape = around.labels.shape
    clicked = np.ravel_multi_index(tuple(np.transpose(scribble)), shape)
    margin = voxels_across(SURROUNDINGS_MM, around.spacing_mm)
    box = widen(box_of_voxels(clicked, shape), margin, shape)
    own, lesion = around.labels[box] == label, answer.lesion[box]
    if not own.any():
        raise InputError(
            f"lesion {label} is more than {SURROUNDINGS_MM:.0f} mm from the click; click nearer to "
            "it, or select the lesion that is meant"
        )
    if answer.question.tool == GROW:
        free = around.brain[box] & (around.labels[box] == 0)
        changed = _at_click(lesion & (own | free), scribble, first_voxel(box)) & free
    else:
        changed = _at_click(own & ~lesion, scribble, first_voxel(box))
    if not changed.any():
        raise InputError(
            f"nnInteractive's answer changes nothing of lesion {label} where you clicked; click "
            "elsewhere, or switch to F.sh's own correction"
        )
    shrinks = answer.question.tool != GROW
    if shrinks and np.count_nonzero(changed) == np.count_nonzero(around.labels == label):
        raise InputError(
            f"nothing of lesion {label} would be left; D deletes it, the eraser (E) takes a part"
        )
    places = np.argwhere(changed) + first_voxel(box)
    return np.sort(np.ravel_multi_index(tuple(places.T), shape)).astype(np.int64)


def _at_click(
    mask: NDArray[np.bool_], scribble: Sequence[Voxel], first: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """Keep the components of a mask in a box that hold a clicked voxel."""
    components, _ = label_components(mask)
    inside = components[tuple(np.transpose(scribble) - first[:, None])]
    return np.isin(components, inside[inside > 0])
