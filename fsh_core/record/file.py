"""The JSON of a record: read, checked, and made to be written."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fsh_core.errors import InputError
from fsh_core.record.model import Record, damaged
from fsh_core.strict_json import first_problem, missing_keys, parse_json


def record_of(content: Mapping[str, Any], path: Path) -> Record:
    """Check the JSON of a record that lies on disk.

    Raises
    ------
    InputError
        If something is missing, or is not what a record holds; ``path`` is named.
    """
    missing = [] if "files" in content else ["files"]
    try:
        record = Record.model_validate(content)
    except ValidationError as error:
        missing = missing_keys(error) + missing
        if not missing:
            part = str(error.errors()[0]["loc"][0])
            raise damaged(path, part, first_problem(error)) from None
    if missing:
        raise InputError(
            f"{path}: expected a record of F.sh, {', '.join(missing)} is missing; "
            "segment the case again"
        )
    if not {"record", "table"} <= record.files.keys():
        raise damaged(path, "files", "it must name the record and the table")
    return record


def read_record(path: str | Path) -> Record:
    """Read a record.

    Raises
    ------
    InputError
        If the file is missing, is not JSON, or lacks what a record holds.
    """
    path = Path(path)
    try:
        content = parse_json(path.read_bytes())
    except FileNotFoundError:
        raise InputError(f"{path}: no such record; segment the case first") from None
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or error}); check its permissions"
        ) from None
    except ValueError as error:
        raise InputError(
            f"{path}: expected a JSON record, found something else ({error}); segment it again"
        ) from None
    return record_of(content if isinstance(content, dict) else {}, path)


def record_to_write(
    record: Record, files: Mapping[str, str], columns: Mapping[str, Mapping[str, str]]
) -> dict[str, Any]:
    """Return the JSON that is written beside the labels.

    Parameters
    ----------
    record : Record
        What made the labels and what was found.
    files : mapping of str to str
        The files beside it, relative to the derivatives folder.
    columns : mapping of str to mapping
        Descriptions of the table's columns; BIDS wants them at the top level.
    """
    return {**record.to_json(), "files": dict(files), **columns}
