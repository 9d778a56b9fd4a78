"""Every key of the review: what it calls, and what the help says of it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from fsh_napari.presets import WindowPresets
from fsh_napari.review.controller import ReviewController
from fsh_napari.review.looking import Looking


@dataclass(frozen=True)
class Key:
    """A key and its command.

    Attributes
    ----------
    keys : str
        As Qt writes them.
    command : callable
        A method of the controller, such as `ReviewController`.
    text : str
        What the help says.
    button : str
        Text of its button; empty = none.
    """

    keys: str
    command: Callable[[Any], None]
    text: str
    button: str = ""


def _look(command: Callable[[Looking], None]) -> Callable[[ReviewController], None]:
    """Make a command of the controller of one that changes only what is seen."""

    @wraps(command)
    def run(controller: ReviewController) -> None:
        command(controller.look)

    return run


def of_presets(command: Callable[[WindowPresets], None]) -> Callable[[Any], None]:
    """Make a command of a controller of one for window and level."""

    @wraps(command)
    def run(controller: Any) -> None:
        command(controller.presets)

    return run


KEYS = (
    Key("N", ReviewController.next, "next lesion (Enter in the list goes to the selected one)"),
    Key("Shift+N", ReviewController.previous, "previous lesion"),
    Key("A", ReviewController.accept, "accept", "Accept (A)"),
    Key("R", ReviewController.reject, "reject: it stays visible and does not count", "Reject (R)"),
    Key("U", ReviewController.unsure, "unsure", "Unsure (U)"),
    Key("D", ReviewController.delete, "delete its voxels", "Delete (D)"),
    Key(
        "S",
        ReviewController.split,
        "split, at points set with Shift+click, or by its shape",
        "Split (S)",
    ),
    Key("J", ReviewController.join, "join with the lesion clicked next", "Join (J)"),
    Key(
        "I",
        ReviewController.add,
        "insert a missed lesion: it grows from the next click",
        "Add (I)",
    ),
    Key("+", ReviewController.grow, "grow it where you click or scribble next", "Grow (+)"),
    Key("-", ReviewController.shrink, "shrink it where you click or scribble next", "Shrink (-)"),
    Key(
        "Shift+F",
        ReviewController.fill_between_slices,
        "fill it between the slices in which you painted it",
        "Fill (Shift+F)",
    ),
    Key("B", ReviewController.brush_in_3d, "brush and eraser in 3-D, or in the slice"),
    Key("Shift+B", ReviewController.brush_range, "limit the brush by intensity, by probability"),
    Key(
        "K", ReviewController.note_lesion, "write a note (about the case, if no lesion is selected)"
    ),
    Key("Shift+M", ReviewController.measure, "measure, in mm, between the next two clicks"),
    Key("M", ReviewController.diameters, "longest diameters of the selected lesion, or no longer"),
    Key("G", _look(Looking.outline), "outline or fill"),
    Key("O", _look(Looking.opacity), "opacity"),
    Key("H", _look(Looking.hide_lesions), "hide or show all lesions"),
    Key("1", of_presets(WindowPresets.narrow_window), "narrow window: faint lesions"),
    Key("2", of_presets(WindowPresets.normal_window), "normal window"),
    Key("3", of_presets(WindowPresets.wide_window), "wide window: all that is bright or dark"),
    Key("Q", _look(Looking.companion), "T1w, T2w or earlier visit instead of the FLAIR, in turn"),
    Key("Shift+Q", _look(Looking.companion_before), "the same, backwards"),
    Key("V", _look(Looking.in_3d), "lesions in 3-D below the small planes, or no longer"),
    Key("L", _look(Looking.layout), "reading layout: napari's lists away, or back"),
    Key("Shift+L", _look(Looking.planes_window), "small planes in a window of their own, or back"),
    Key(
        "Y",
        of_presets(WindowPresets.reset_window),
        "window and level as they were at the beginning",
    ),
    Key(
        "T",
        _look(Looking.other_visit),
        "other visit, side by side; once more: the next one, or none",
    ),
    Key(
        "C",
        ReviewController.complete,
        "complete the case: save it, and go to the next of the cohort",
    ),
    Key(
        "Shift+C",
        ReviewController.next_case,
        "next case of the cohort, leaving this one as it is",
    ),
    Key("Shift+S", ReviewController.sign, "sign the completed case of a trial: it is closed then"),
    Key("W", ReviewController.reveal, "what the other readers decided, and how far you agree"),
    Key("Ctrl+Z", ReviewController.undo, "undo, whatever it was", "Undo"),
    Key("Ctrl+Shift+Z", ReviewController.redo, "do it again", "Redo"),
    Key("Esc", ReviewController.cancel, "let joining, adding or correcting be; close this help"),
    Key("F1", _look(Looking.show_keys), "show or hide these keys"),
)

MOUSE = {
    "wheel": "slices (with Ctrl: zoom)",
    "click": "move all planes; selects the lesion there",
    "right drag": "window (right: wider), level (up: darker); the brush encircles and fills",
    "double click": "enlarge a plane, and back",
    "P, E, F": "napari's brush, eraser, bucket; [ and ] size the brush; Z ends painting",
}
