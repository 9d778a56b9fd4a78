"""CSV tables, with a JSON of their columns' meaning beside them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from fsh_core.files import write_atomically
from fsh_core.studies.mask_files import Failure
from fsh_core.tables import format_table


def write_tables(
    tables: Mapping[str, tuple[pd.DataFrame, Mapping[str, str]]],
    failures: Sequence[Failure],
    out_folder: str | Path,
) -> list[Path]:
    """Write tables as CSV, each whole or not at all.

    Beside them go ``failures.csv`` (only its heading when all went well, so that no older
    one stays behind) and ``columns.json``, which says what every column holds. Undefined
    values are ``n/a``.

    Parameters
    ----------
    tables : mapping of str to (DataFrame, mapping of str to str)
        File name, table, and the meaning of its columns.
    failures : sequence of (name, sentence)
        Cases that could not be used, and why.
    out_folder : path
        Made if missing.

    Returns
    -------
    list of Path
        The files, in the order above.

    Raises
    ------
    InputError
        If a file cannot be written.
    """
    reasons = pd.DataFrame(list(failures), columns=["case", "reason"])
    payloads = {name: format_table(table) for name, (table, _) in tables.items()}
    payloads["failures.csv"] = format_table(reasons)
    columns = {name: dict(meanings) for name, (_, meanings) in tables.items()}
    payloads["columns.json"] = json.dumps(columns, indent=2, ensure_ascii=False) + "\n"
    written = []
    for name, payload in payloads.items():
        path = Path(out_folder) / name
        write_atomically(path, payload)
        written.append(path)
    return written
