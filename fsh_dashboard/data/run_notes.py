"""What people note about a training run: a text file in its folder."""

from fsh_core.errors import InputError
from fsh_core.file_names import RUN_NOTES_FILE
from fsh_core.files import write_atomically
from fsh_dashboard.data.folder import Opened

MOST_LETTERS = 20_000


def read_notes(opened: Opened, run: str) -> str:
    """Read the notes of a run; empty where there are none.

    Raises
    ------
    InputError
        If they lead out of the opened folder, cannot be read, or are no text.
    """
    path = opened.inside(f"{run}/{RUN_NOTES_FILE}")
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no UTF-8 text"
        raise InputError(
            f"{run}/{RUN_NOTES_FILE}: expected notes, cannot be read ({reason}); look at the file"
        ) from None


def write_notes(opened: Opened, run: str, seen: str, text: str) -> None:
    """Replace the notes of a run, if they are still those that were seen.

    Raises
    ------
    InputError
        If somebody changed them meanwhile, they are too long, or they cannot be written.
    """
    if len(text) > MOST_LETTERS:
        raise InputError(
            f"{run}/{RUN_NOTES_FILE}: at most {MOST_LETTERS:,} letters, got {len(text):,}; "
            "shorten the notes"
        )
    if read_notes(opened, run) != seen:
        raise InputError(
            f"{run}/{RUN_NOTES_FILE}: was changed meanwhile; copy your text, load the page again "
            "and add it to what is there now"
        )
    write_atomically(opened.inside(f"{run}/{RUN_NOTES_FILE}"), text)
