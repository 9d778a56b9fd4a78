"""What readers decided about changes, as they saved it beside the changes that were found."""

from pathlib import Path

import numpy as np
import pandas as pd

from fsh_core.derivatives.layout import track_paths
from fsh_core.errors import InputError
from fsh_core.file_names import reader_of_changes, reviewed_changes_endings
from fsh_core.files import sha256_of
from fsh_core.follow_up import REVIEWED_COLUMNS, TrackRecord
from fsh_core.follow_up.tables import as_text, read_followed
from fsh_core.strict_json import parse_json
from fsh_dashboard.data.change_tables import CHANGES
from fsh_dashboard.data.folder import Opened

KEYS = ["interval", "change"]
PREFIX = "decision "
"""Before the reader's name, in the columns of `with_decisions`."""
UNREVIEWED = "unreviewed"


def decisions_of(
    opened: Opened, results: str, record: TrackRecord
) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Read what each reader decided about the changes of a patient, and saved.

    Returns
    -------
    decisions : dict of str to DataFrame
        By the label of the reader: the columns of `fsh_core.follow_up.REVIEWED_COLUMNS` and
        ``interval``; lesions that the reader added are rows too.
    problems : list of str
        One sentence for every table that was skipped.
    """
    found: dict[str, pd.DataFrame] = {}
    problems: list[str] = []
    changes = track_paths(record.subject, opened.root / results)["changes"]
    for path in sorted(changes.parent.glob("*.tsv")):
        reader = reader_of_changes(path.name)
        if not reader:
            continue
        try:
            _check_is_about(opened, path, reader, changes)
            found[reader] = _read(opened, path, record)
        except InputError as error:
            problems.append(str(error).replace(f"{opened.root}/", ""))
    return found, problems


def with_decisions(changes: pd.DataFrame, decisions: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Add a column for each reader, and the lesions that readers added.

    What a reader decided, and what the change is then called where that is another kind; None
    where nothing was decided.
    """
    for reader, table in decisions.items():
        column = f"{PREFIX}{reader}"
        own = table.copy()
        own[column] = _words(table)
        said = changes[KEYS].merge(own[[*KEYS, column]], "left", on=KEYS)[column]
        changes = changes.assign(**{column: said.to_numpy()})
        added = own[own["evidence"] == "reader"]
        if len(added):
            kept = [name for name in own if name in changes]
            changes = pd.concat([changes, added[kept]], ignore_index=True)
    return changes


def _words(table: pd.DataFrame) -> list[str | None]:
    rows = zip(table["status"], table["kind"], table["kind_reviewed"], strict=True)
    return [
        None if status == UNREVIEWED else status if after == kind else f"{status} → {after}"
        for status, kind, after in rows
    ]


def _read(opened: Opened, path: Path, record: TrackRecord) -> pd.DataFrame:
    table = read_followed(opened.inside(path))
    if missing := [column for column in REVIEWED_COLUMNS if column not in table]:
        raise InputError(
            f"{path}: expected changes as a reader judged them, found no column {missing[0]}; "
            "save the review again"
        )
    numbers = pd.to_numeric(table["change"], errors="coerce").replace([np.inf, -np.inf], np.nan)
    places = {(pair.earlier, pair.later): place for place, pair in enumerate(record.pairs)}
    visits = zip(table["from_visit"], table["to_visit"], strict=True)
    known = as_text(table).assign(
        change=numbers, interval=[places.get(both, float("nan")) for both in visits]
    )
    known = known.dropna(subset=KEYS).astype(dict.fromkeys(KEYS, "int64"))
    for column in CHANGES.columns:
        if column not in CHANGES.texts:
            known[column] = pd.to_numeric(known[column], errors="coerce")
    return known.drop_duplicates(KEYS, keep="last")


def _check_is_about(opened: Opened, path: Path, reader: str, changes: Path) -> None:
    """Refuse decisions about changes that were found before these."""
    endings = reviewed_changes_endings(reader)
    saved = path.with_name(path.name.removesuffix(endings["table"]) + endings["record"])
    try:
        content = parse_json(opened.inside(saved).read_bytes())
        about = content.get("changes_sha256") if isinstance(content, dict) else None
        is_same = about == sha256_of(opened.inside(changes))
    except (OSError, ValueError):
        is_same = False
    if not is_same:
        raise InputError(
            f"{path}: expected decisions about the changes of {changes.name}, found those about "
            "others; save the review again"
        )
