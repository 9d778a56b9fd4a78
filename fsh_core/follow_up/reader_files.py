"""A reader's files among the tracks of a patient: what they are called, and keeping them."""

from pathlib import Path
from typing import Any

from fsh_core.errors import InputError
from fsh_core.file_names import (
    change_journal_ending,
    is_change_journal,
    reader_of_changes,
    reviewed_changes_endings,
)
from fsh_core.follow_up.tables import hash_of_changes, read_followed
from fsh_core.review.readers import exact_name, labels_of_name
from fsh_core.strict_json import parse_json


def change_journal_path(home: Path, subject: str, earlier: str, later: str, reader: str) -> Path:
    """Name a reader's journal about the changes between two visits.

    Raises
    ------
    InputError
        If the reader's name is empty.
    """
    label = _label_of(home, subject, reader)
    return home / f"sub-{subject}{change_journal_ending(earlier, later, label)}"


def reviewed_changes_paths(home: Path, subject: str, reader: str) -> dict[str, Path]:
    """Name the files of the changes as a reader judged them: ``table`` and ``record``."""
    endings = reviewed_changes_endings(_label_of(home, subject, reader))
    return {key: home / f"sub-{subject}{ending}" for key, ending in endings.items()}


def check_keeps_reviews(new_table: Path, home: Path, subject: str) -> None:
    """Refuse to replace changes that were reviewed: their review would have nothing to be about.

    Parameters
    ----------
    new_table : Path
        The table of changes that is to be put in place.
    home : Path
        Where the tracks of the patient are.
    subject : str
        The patient.

    Raises
    ------
    InputError
        If a reader has begun to review changes that are not the same in the new table.
    """
    begun = _begun_reviews(home, subject)
    if not begun:
        return
    changes = read_followed(new_table)
    lost = [
        path.name
        for path, about in begun.items()
        if about.get("changes_sha256")
        != hash_of_changes(changes, str(about.get("from_visit")), str(about.get("to_visit")))
    ]
    if lost:
        raise InputError(
            f"{home / new_table.name}: expected changes that nobody has begun to review, found "
            f"the review {', '.join(lost)}; move it away to follow the visits anew"
        )


def _label_of(home: Path, subject: str, reader: str) -> str:
    """Return what stands for a reader in names of files; never that of another reader.

    Where small and capital letters are the same to the disk, so they are here.
    """
    name = exact_name(reader)
    plain, own = labels_of_name(name)
    taken = {reader_of_changes(path.name) for path in home.glob(f"sub-{subject}_*")}
    alike = {label for label in taken if label.casefold() == plain.casefold()} - {plain}
    return own if own in taken or alike or plain != name else plain


def _begun_reviews(home: Path, subject: str) -> dict[Path, dict[str, Any]]:
    """Return the first line of each journal, which says what it is about."""
    begun = {}
    for path in sorted(home.glob(f"sub-{subject}_*")):
        if is_change_journal(path.name):
            with path.open("rb") as file:
                line = file.readline()
            if line.endswith(b"\n"):  # else its very first event was never finished
                begun[path] = _header(line)
    return begun


def _header(line: bytes) -> dict[str, Any]:
    try:
        content = parse_json(line)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
