"""Every key of the review of changes: what it calls, and what the help says of it."""

from fsh_napari.changes.controller import ChangesController
from fsh_napari.presets import WindowPresets
from fsh_napari.review.keys import Key, of_presets

KEYS = (
    Key("N", ChangesController.next, "next change, in both visits (Enter in the list goes there)"),
    Key("Shift+N", ChangesController.previous, "previous change"),
    Key("A", ChangesController.accept, "accept: this change is real", "Accept (A)"),
    Key("R", ChangesController.reject, "reject: nothing changed there", "Reject (R)"),
    Key("U", ChangesController.unsure, "unsure", "Unsure (U)"),
    Key(
        "I",
        ChangesController.add,
        "insert a missed new lesion: it grows from the next click",
        "Add new (I)",
    ),
    Key(
        "K",
        ChangesController.note_change,
        "write a note (about both visits, if no change is selected)",
    ),
    Key(
        "T",
        ChangesController.swap_visits,
        "swap before and after in the large view, at the same place",
        "Swap (T)",
    ),
    Key(
        "D",
        ChangesController.difference,
        "show or hide the difference: orange brighter, blue darker",
        "Difference (D)",
    ),
    Key("H", ChangesController.hide_outlines, "hide or show all outlines"),
    Key("1", of_presets(WindowPresets.narrow_window), "narrow window in both visits"),
    Key("2", of_presets(WindowPresets.normal_window), "normal window"),
    Key("3", of_presets(WindowPresets.wide_window), "wide window: all that is bright or dark"),
    Key("S", ChangesController.next_plane, "next plane: axial, coronal, sagittal"),
    Key(
        "Y",
        of_presets(WindowPresets.reset_window),
        "window and level as they were at the beginning",
    ),
    Key("C", ChangesController.complete, "complete these visits and save"),
    Key("Ctrl+Z", ChangesController.undo, "undo, whatever it was", "Undo"),
    Key("Ctrl+Shift+Z", ChangesController.redo, "do it again", "Redo"),
    Key("Esc", ChangesController.cancel, "let adding be; close this help"),
    Key("F1", ChangesController.show_keys, "show or hide these keys"),
)

MOUSE = {
    "wheel": "slices of both visits (with Ctrl: zoom)",
    "click": "move both crosshairs; selects the change there",
    "right drag": "window (right: wider) and level (up: darker)",
}
