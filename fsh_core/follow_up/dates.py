"""When a visit was: the dates of a BIDS dataset."""

import re
from datetime import datetime
from pathlib import Path

from fsh_core.tables import TAB, read_table

DAYS_A_YEAR = 365.25
_COLUMN = "acq_time"


def date_of_scan(flair: Path) -> datetime | None:
    """Read when a scan was taken, from the tables beside it.

    Looked up in ``sub-X_ses-Y_scans.tsv`` of the session, then in ``sub-X_sessions.tsv`` of the
    subject, both in their column ``acq_time``. Shifted dates, as anonymised datasets have them,
    are as good as true ones: only what lies between them counts.

    Parameters
    ----------
    flair : Path
        The scan, in ``sub-X/ses-Y/anat``.

    Returns
    -------
    datetime or None
        None where no table says it, or none that can be read.
    """
    of_session, of_subject = tables_with_dates(flair)
    in_session = _lookup(of_session, "filename", f"{flair.parent.name}/{flair.name}")
    return in_session or _lookup(of_subject, "session_id", flair.parent.parent.name)


def tables_with_dates(flair: Path) -> tuple[Path, Path]:
    """Return where BIDS writes the date of a scan: the table of its session, of its subject."""
    session = flair.parent.parent
    subject = session.parent
    return (
        session / f"{subject.name}_{session.name}_scans.tsv",
        subject / f"{subject.name}_sessions.tsv",
    )


def visit_order(name: str) -> tuple[tuple[bool, int | str], ...]:
    """Key that sorts visits by name as people count: ``m6`` before ``m12``."""
    parts = re.findall(r"\d+|\D+", name)
    return tuple((part.isdigit(), int(part) if part.isdigit() else part) for part in parts)


def _lookup(table: Path, column: str, wanted: str) -> datetime | None:
    """Read the date of a row of a table."""
    if not table.is_file():
        return None
    try:
        rows = read_table(table, TAB, {column: str, _COLUMN: str})
        found = rows.loc[rows[column] == wanted, _COLUMN]
        if found.empty:
            return None
        # By the clock of the place: a date with a time zone and one without could not be
        # compared, and what counts are days.
        return datetime.fromisoformat(str(found.iloc[0])).replace(tzinfo=None)
    except (OSError, ValueError, KeyError):
        return None
