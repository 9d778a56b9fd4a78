"""A folder of segmented cases as two tables: one row per case, one row per lesion."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from fsh_core.derivatives.layout import to_json, to_tsv
from fsh_core.derivatives.read import (
    StoredSegmentation,
    find_records,
    holds_records,
    read_segmentation,
)
from fsh_core.errors import sentence_of
from fsh_core.file_names import CASES_TABLE, LESIONS_TABLE, NOT_BIDS
from fsh_core.files import check_may_write, making_folder, write_atomically
from fsh_core.lesions.regions import REGIONS
from fsh_core.locks import one_writer
from fsh_core.record import RecordedRegions

BIDS_VERSION = "1.10.0"
CASE_COLUMNS: dict[str, str] = {
    "subject": "Subject, without `sub-`.",
    "session": "Session, without `ses-`; empty where there is none.",
    "lesion_count": "Number of lesions after post-processing.",
    "part_count": "Number of parts that confluent lesions fall into; empty without `--split`.",
    "lesion_volume_ml": "Volume of all lesions after post-processing, in ml.",
    "raw_lesion_volume_ml": "Volume at or above the threshold, before post-processing, in ml.",
    "volume_low_ml": "Lower end of the interval in which a reader's volume is expected, in ml; "
    "empty for weights without a calibration, and where the scan's quality fails.",
    "volume_high_ml": "Upper end of that interval, in ml.",
    "scan_uncertainty": "1 minus the mean Dice of the ensemble's members with their mean, 0 to 1; "
    "empty without an ensemble.",
    **{
        f"{region}_{what}": f"{meaning} that are {region.replace('_', ' ')}{unit}; "
        "empty where regions were not found."
        for region in REGIONS
        for what, meaning, unit in (
            ("lesions", "Number of lesions", ""),
            ("ml", "Volume of the lesions", ", in ml"),
        )
    },
    "quality": "Verdict on the scan: pass, caution or fail.",
    "brain_source": "Where the brain mask is from: given, stripped (the scan has no skull), found "
    "or none.",
    "brain_volume_ml": "Volume of the brain mask, in ml.",
    "seconds": "Time from file to lesions, in s.",
    "version": "Version of F.sh.",
    "weights": "Name of the weights.",
    "weights_sha256": "SHA-256 of the weights' file.",
    "input_path": "The FLAIR's file, as it was given.",
    "input_sha256": "SHA-256 of that file.",
    "record": "The record, relative to the table.",
}
"""Columns of ``cases.tsv``: what they are, in which unit."""


@dataclass(frozen=True)
class Cohort:
    """Every complete case of a derivatives folder.

    Attributes
    ----------
    cases : DataFrame
        One row per case, columns `CASE_COLUMNS`.
    lesions : DataFrame
        One row per lesion: ``subject``, ``session``, then the columns of
        `fsh_core.lesions.measure.lesion_table`.
    failures : tuple of str
        One sentence for each record that could not be used; these cases are in neither table.
    """

    cases: pd.DataFrame
    lesions: pd.DataFrame
    failures: tuple[str, ...]


Known = dict[Path, tuple[tuple[int, int], dict[str, Any], pd.DataFrame]]
"""By record what its file was, its row, and its lesions: so that it is read once."""


def read_cohort(folder: str | Path, known: Known | None = None) -> Cohort:
    """Gather the complete cases of a derivatives folder.

    A record that cannot be used is named in ``failures``; the others are not affected.

    Parameters
    ----------
    folder : path
        The derivatives folder.
    known : dict, optional
        What an earlier call read; it is brought up to date, and only records that are new or were
        replaced are read.
    """
    folder = Path(folder)
    known = {} if known is None else known
    rows: list[dict[str, Any]] = []
    tables: list[pd.DataFrame] = []
    failures: list[str] = []
    for path in find_records(folder):
        try:
            facts = path.stat()
            file = facts.st_ino, facts.st_mtime_ns
            if path not in known or known[path][0] != file:
                stored = read_segmentation(path)
                known[path] = file, _case_row(stored, folder), _lesion_rows(stored)
        except Exception as error:  # whatever it is, the other records are not affected
            failures.append(sentence_of(error, path))
            continue
        rows.append(known[path][1])
        tables.append(known[path][2])
    return Cohort(pd.DataFrame(rows, columns=list(CASE_COLUMNS)), _stack(tables), tuple(failures))


def write_cohort(folder: str | Path, known: Known | None = None) -> list[str]:
    """Write the tables and ``dataset_description.json`` of a folder from its records.

    Parameters
    ----------
    folder : path
        The derivatives folder.
    known : dict, optional
        As of `read_cohort`.

    Returns
    -------
    list of str
        One sentence for each record that could not be used; empty when all were.

    Raises
    ------
    InputError
        If a table cannot be written.
    """
    folder = Path(folder)
    with one_writer(folder, "cohort"):  # or another's older look at the folder would be the last
        return _write_cohort(folder, known)


@contextmanager
def cohort_kept(folder: Path, tables: bool = True) -> Iterator[None]:
    """Write the tables at once; after the block take them away again where no case has come.

    So a folder that cannot be written is known before anything is computed, a killed command's
    folder says who made it, and a command that could use no scan leaves nothing behind. Without
    ``tables`` the folder is described alone: of many commands on one folder, each would read
    all records.

    Raises
    ------
    InputError
        If a table cannot be written.
    """
    with making_folder(folder):
        new = [folder / name for name in _FILES if not (folder / name).exists()]
        if tables:
            write_cohort(folder)
        else:
            _describe(folder)
        try:
            yield
        finally:
            if not holds_records(folder):
                for path in new:
                    path.unlink(missing_ok=True)


_DESCRIPTION, _IGNORED = "dataset_description.json", ".bidsignore"
_FILES = (LESIONS_TABLE, CASES_TABLE, _DESCRIPTION, _IGNORED)


def _write_cohort(folder: Path, known: Known | None) -> list[str]:
    cohort = read_cohort(folder, known)
    versions = sorted(set(cohort.cases["version"].astype(str)))
    tables = {LESIONS_TABLE: to_tsv(cohort.lesions), CASES_TABLE: to_tsv(cohort.cases)}
    _write_together(folder, tables | _description(versions))
    return list(cohort.failures)


def _describe(folder: Path) -> None:
    """Say whose folder it is, where nothing says so yet."""
    with one_writer(folder, "cohort"):
        if not (folder / _DESCRIPTION).exists():
            _write_together(folder, _description([version("fsh-ms")]))


def _description(versions: list[str]) -> dict[str, str]:
    """Return the files of a folder that describe it."""
    description = {
        "Name": "F.sh: multiple-sclerosis lesions on FLAIR MRI",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "F.sh", "Version": version} for version in versions]
        or [{"Name": "F.sh"}],
    }
    return {
        _DESCRIPTION: to_json(description),
        _IGNORED: "".join(f"{name}\n" for name in NOT_BIDS),
    }


def _write_together(folder: Path, payloads: dict[str, str]) -> None:
    for name in payloads:  # all or none
        check_may_write(folder / name)
    for name, payload in payloads.items():
        write_atomically(folder / name, payload)


def _case_row(stored: StoredSegmentation, folder: Path) -> dict[str, Any]:
    record = stored.record
    interval, quality = record.lesion_volume_interval_ml, record.quality
    return {
        "subject": record.subject,
        "session": record.session,
        "lesion_count": record.lesion_count,
        "part_count": record.part_count,
        "lesion_volume_ml": record.lesion_volume_ml,
        "raw_lesion_volume_ml": record.raw_lesion_volume_ml,
        "volume_low_ml": interval.low if interval else None,
        "volume_high_ml": interval.high if interval else None,
        "scan_uncertainty": record.scan_uncertainty,
        **_region_cells(record.regions),
        "quality": quality.verdict if quality else None,
        "brain_source": record.brain.source,
        "brain_volume_ml": record.brain.volume_ml,
        "seconds": record.run.seconds,
        "version": record.version,
        "weights": record.weights.name,
        "weights_sha256": record.weights.sha256,
        "input_path": record.flair.path,
        "input_sha256": record.flair.sha256,
        "record": stored.paths["record"].relative_to(folder).as_posix(),
    }


def _region_cells(regions: RecordedRegions | None) -> dict[str, float]:
    """Count lesions and volume by region; nothing where regions were not found or not asked for."""
    if regions is None or regions.dissemination is None:
        return {}
    cells: dict[str, float] = {}
    for region, counted in regions.dissemination.regions.items():
        cells |= {f"{region}_lesions": counted.count, f"{region}_ml": counted.volume_ml}
    return cells


def _lesion_rows(stored: StoredSegmentation) -> pd.DataFrame:
    table = stored.lesions.copy()
    table.insert(0, "subject", stored.record.subject)
    table.insert(1, "session", stored.record.session)
    return table


def _stack(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Stack, keeping the header when no case has a lesion."""
    if not tables:
        return pd.DataFrame(columns=["subject", "session", "label"])
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else tables[0]
