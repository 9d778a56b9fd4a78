"""Who read a case: a reader is the exact name, and each has a journal of their own.

File names hold letters and digits only, so that several names would make one label. The label
of a name that cannot be spelled so therefore ends in a part of its hash. Journals of earlier
versions, which had no hash, are found by the name that stands in their events.
"""

import hashlib
import re
import unicodedata
from pathlib import Path

from fsh_core.derivatives import StoredSegmentation
from fsh_core.errors import InputError
from fsh_core.file_names import (
    ANY_JOURNAL,
    beside_record,
    case_of_record,
    journal_ending,
    split_journal_name,
)
from fsh_core.strict_json import parse_json

_HASH_LETTERS = 8
_LONGEST_LABEL = 40  # letters; file systems allow 255 in a name
_NAMELESS = "Reader"  # of whose name no letter from a to z is left


def exact_name(reader: str) -> str:
    """Return a reader's name as it is compared: composed, without spaces around it.

    Raises
    ------
    InputError
        If nothing is left of it.
    """
    name = unicodedata.normalize("NFC", reader).strip()
    if not name:
        raise InputError("the reader's name is empty; give one in File > Preferences > F.sh")
    return name


def journal_path(stored: StoredSegmentation, reader: str) -> Path:
    """Name a reader's journal; it lies beside the record.

    Raises
    ------
    InputError
        If the reader's name is empty.
    """
    return beside_record(stored.paths["record"], journal_ending(file_label(stored, reader)))


def file_label(stored: StoredSegmentation, reader: str) -> str:
    """Return what stands for a reader in the names of the files of a case.

    Raises
    ------
    InputError
        If the reader's name is empty.
    """
    name = exact_name(reader)
    plain, own = labels_of_name(name)
    if beside_record(stored.paths["record"], journal_ending(own)).exists():
        return own
    if plain:
        # Where small and capital letters are the same to the disk, another's journal is found.
        begun = beside_record(stored.paths["record"], journal_ending(plain))
        if begun.exists():
            return plain if _reader_of(begun) in (name, "") else own
    return plain if plain == name else own


def other_readers(stored: StoredSegmentation, reader: str) -> list[str]:
    """Name the other readers who began this case."""
    record = stored.paths["record"]
    case, own = case_of_record(record), journal_path(stored, reader)
    names = []
    for path in record.parent.glob(f"{case}{ANY_JOURNAL}"):
        start, label = split_journal_name(path.name)
        if start == case and path != own:
            names.append(_reader_of(path) or label)
    return sorted(names)


def labels_of_name(name: str) -> tuple[str, str]:
    """Return the letters and digits of a reader's name, and the same with a part of its hash.

    The first may be empty, or stand for several names; the second stands for this one alone.
    """
    plain = re.sub(r"[^0-9A-Za-z]", "", name)[:_LONGEST_LABEL]
    own = (plain or _NAMELESS) + hashlib.sha256(name.encode()).hexdigest()[:_HASH_LETTERS]
    return plain, own


def _reader_of(journal: Path) -> str:
    """Return the name in the first event of a journal; empty if it cannot be told."""
    try:
        with journal.open("rb") as file:
            file.readline()
            line = file.readline()
        event = parse_json(line) if line.endswith(b"\n") else None
    except (OSError, ValueError):
        return ""
    name = event.get("reader") if isinstance(event, dict) else None
    return exact_name(name) if isinstance(name, str) and name.strip() else ""
