"""The final reading of each case, as files and as a table."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from fsh_core.derivatives import StoredSegmentation
from fsh_core.derivatives.layout import to_tsv
from fsh_core.file_names import FINAL_TABLE
from fsh_core.files import sha256_of, write_atomically
from fsh_core.review.open import open_review
from fsh_core.review.save import review_paths, save_review
from fsh_core.review.trial.adjudicate import check_signed
from fsh_core.review.trial.sign import trial_of
from fsh_core.review.trial.state import Trial
from fsh_core.strict_json import parse_json

FINAL_COLUMNS: dict[str, str] = {
    "case": "Name of the case.",
    "stage": "How far it is: reading, to compare, to adjudicate or final.",
    "reader": "Whose reading is the final one; the first reader's where all agree.",
    "adjudicated": "Whether that is the adjudicator: yes or no.",
    "signed": "When that reading was signed (UTC).",
    "locked": "When the case was locked (UTC).",
    "lesions": "Lesions of the final reading that were not rejected.",
    "volume_ml": "Their volume, in ml.",
    "mask": "Its mask, relative to the folder.",
    "mask_sha256": "SHA-256 of the mask.",
    "journal_sha256": "SHA-256 of the journal that was signed.",
}
"""Every column of the table of final readings, with its unit."""


def write_final(root: Path, cases: Iterable[StoredSegmentation]) -> pd.DataFrame:
    """Write the table of final readings, and the files of those that are not saved as signed.

    Parameters
    ----------
    root : Path
        The derivatives folder.
    cases : iterable of StoredSegmentation
        Of that folder; those that are not assigned are left out.

    Returns
    -------
    DataFrame
        One row per case, columns `FINAL_COLUMNS`.

    Raises
    ------
    InputError
        If there is no trial, a reading is not what was signed, or a file cannot be written.
    """
    trial = trial_of(root)
    rows = [_row(root, trial, stored) for stored in cases if stored.record.case in trial.assigned]
    table = pd.DataFrame(rows, columns=list(FINAL_COLUMNS))
    write_atomically(root / FINAL_TABLE, to_tsv(table))
    return table


def _row(root: Path, trial: Trial, stored: StoredSegmentation) -> dict[str, Any]:
    case = stored.record.case
    row: dict[str, Any] = {"case": case, "stage": trial.stage(case)}
    if lock := trial.locks.get(case):
        row["locked"] = lock.time
    reader = trial.final_reader(case)
    if not reader:
        return row
    check_signed(trial, stored, reader)
    signed = trial.signatures[case, reader]
    paths = review_paths(stored, reader)
    saved = _saved(paths["record"])
    if saved.get("review", {}).get("journal_sha256") != signed.journal_sha256:
        save_review(open_review(stored, reader), stored)
        saved = _saved(paths["record"])
    return row | {
        "reader": reader,
        "adjudicated": "yes" if reader == trial.adjudicator else "no",
        "signed": signed.time,
        "lesions": saved["lesion_count"],
        "volume_ml": saved["lesion_volume_ml"],
        "mask": paths["mask"].relative_to(root).as_posix(),
        "mask_sha256": sha256_of(paths["mask"]),
        "journal_sha256": signed.journal_sha256,
    }


def _saved(record: Path) -> dict[str, Any]:
    """Read the record of a saved review; empty where it is not there or damaged."""
    try:
        content = parse_json(record.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
