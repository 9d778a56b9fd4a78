"""The changes of all patients of a folder in one table."""

from pathlib import Path

import pandas as pd

from fsh_core.derivatives.layout import to_tsv
from fsh_core.errors import InputError
from fsh_core.file_names import CHANGES_TABLE, TRACKS_TABLE
from fsh_core.files import check_may_write, write_atomically
from fsh_core.follow_up.read import find_tracks, read_track
from fsh_core.follow_up.tables import as_text
from fsh_core.locks import one_writer
from fsh_core.tracking import CHANGE_COLUMNS, LESION_COLUMNS


def write_track_cohort(folder: Path) -> list[str]:
    """Write ``tracks.tsv`` and ``changes.tsv`` of a folder from what was followed in it.

    Returns
    -------
    list of str
        One sentence for each patient whose files could not be used.

    Raises
    ------
    InputError
        If a table cannot be written.
    """
    tables: dict[str, list[pd.DataFrame]] = {TRACKS_TABLE: [], CHANGES_TABLE: []}
    columns = {TRACKS_TABLE: LESION_COLUMNS, CHANGES_TABLE: CHANGE_COLUMNS}
    failures = []
    with one_writer(folder, "cohort"):
        for path in find_tracks(folder):
            try:
                stored = read_track(path)
            except InputError as error:
                failures.append(str(error))
                continue
            for name, table in ((TRACKS_TABLE, stored.lesions), (CHANGES_TABLE, stored.changes)):
                written = as_text(table)
                written.insert(0, "subject", stored.record.subject)
                tables[name].append(written)
        for name in tables:
            check_may_write(folder / name)
        for name, found in tables.items():
            filled = [table for table in found if len(table)]
            empty = pd.DataFrame(columns=["subject", *columns[name]])
            stacked = pd.concat(filled, ignore_index=True) if filled else empty
            write_atomically(folder / name, to_tsv(stacked))
    return failures
