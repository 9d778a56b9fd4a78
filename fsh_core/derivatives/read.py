"""Reading cases back: records, tables, and whether a case is still current."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from fsh_core.cases import Case
from fsh_core.config import SegmentConfig
from fsh_core.derivatives.layout import RECORD_ENDING, derivative_paths
from fsh_core.errors import InputError
from fsh_core.files import sha256_of
from fsh_core.lesions.describe import DESCRIBED_COLUMNS, TEXT_COLUMNS, WHOLE_COLUMNS

_TYPES = (
    dict.fromkeys(WHOLE_COLUMNS, "int64")
    | dict.fromkeys(TEXT_COLUMNS, "str")
    | {"touches_border": "bool"}
)
_NEEDED_KEYS = (
    "case",
    "subject",
    "session",
    "input",
    "version",
    "weights",
    "settings",
    "lesion_count",
    "files",
)


@dataclass(frozen=True)
class StoredSegmentation:
    """A case as it lies on disk: what is needed to reopen it.

    Attributes
    ----------
    record : dict
        The record, see `fsh_core.pipeline.Segmentation`.
    paths : dict of str to Path
        The files that were written: ``mask``, ``raw_mask``, ``probability``, ``brain``,
        ``labels``, ``table``, ``record``, of an ensemble ``entropy`` and ``variance``, and
        where drawn ``figure`` and ``report``.
    lesions : DataFrame
        One row per lesion, as in `fsh_core.lesions.measure.lesion_table`.
    """

    record: dict[str, Any]
    paths: dict[str, Path]
    lesions: pd.DataFrame


def read_record(path: str | Path) -> dict[str, Any]:
    """Read a record.

    Raises
    ------
    InputError
        If the file is missing, is not JSON, or lacks what a record holds.
    """
    path = Path(path)
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
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
    missing = (
        [key for key in _NEEDED_KEYS if key not in record]
        if isinstance(record, dict)
        else list(_NEEDED_KEYS)
    )
    if missing:
        raise InputError(
            f"{path}: expected a record of F.sh, {', '.join(missing)} is missing; segment the case again"
        )
    return dict(record)


def read_segmentation(record_path: str | Path) -> StoredSegmentation:
    """Reopen a case from its record.

    Raises
    ------
    InputError
        If the record or the lesion table cannot be read, or a file that the record
        names is gone.
    """
    record_path = Path(record_path)
    record = read_record(record_path)
    paths = _recorded_paths(record, record_path)
    gone = [path for path in paths.values() if not path.is_file()]
    if gone:
        raise InputError(
            f"{gone[0]}: named by the record {record_path.name}, but gone; segment the case again"
        )
    lesions = _read_table(paths["table"])
    if len(lesions) != record["lesion_count"]:
        raise InputError(
            f"{paths['table']}: must have {record['lesion_count']} rows as the record says, has {len(lesions)}; "
            "segment the case again"
        )
    return StoredSegmentation(record, paths, lesions)


def _read_table(path: Path) -> pd.DataFrame:
    """Read a lesion table, with the columns and types it was written from."""
    try:
        table = pd.read_csv(path, sep="\t", na_values=["n/a"], keep_default_na=False)
        table = table.drop(columns="name").rename(columns={"index": "label"})
        types = {
            column: _TYPES.get(column, "float64")
            for column in table.columns
            if column in DESCRIBED_COLUMNS
        }
        for column in table.columns.intersection(list(TEXT_COLUMNS)):
            table[column] = table[column].astype("object").fillna("")
        return table.astype(types)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{path}: expected a lesion table, cannot be read ({error}); segment the case again"
        ) from None


def find_records(folder: str | Path) -> list[Path]:
    """List the records of complete cases in a derivatives folder, by name."""
    folder = Path(folder)
    found = (
        *folder.glob(f"sub-*/anat/*{RECORD_ENDING}"),
        *folder.glob(f"sub-*/ses-*/anat/*{RECORD_ENDING}"),
    )
    return sorted(found)


def is_current(case: Case, folder: Path, weights_sha256: str, config: SegmentConfig) -> bool:
    """Tell whether a case need not be segmented again.

    Parameters
    ----------
    case : Case
        The case, with the files it would be segmented from now.
    folder : Path
        The derivatives folder.
    weights_sha256 : str
        Hash of the weights that would be used.
    config : SegmentConfig
        The settings that would be used.

    Returns
    -------
    bool
        True if its record exists, was made by these weights and settings from files of
        the same content (image channels, and the brain mask or none), and every file
        named in the record is there.
    """
    record_path = derivative_paths(case, folder)["record"]
    try:
        record = read_record(record_path)
        return (
            record["weights"]["sha256"] == weights_sha256
            and record["settings"] == config.model_dump(mode="json")
            and all(path.is_file() for path in _recorded_paths(record, record_path).values())
            and _same_input(case, record["input"])
        )
    except (InputError, KeyError, TypeError, AttributeError):
        return False


def _same_input(case: Case, recorded: Mapping[str, Any]) -> bool:
    """Compare the content of the input files, whatever their names are now."""
    if ("brain" in recorded) != (case.brain is not None):
        return False
    for channel, source in recorded.items():
        path = case.brain if channel == "brain" else case.channels.get(channel)
        if path is None or not path.is_file() or sha256_of(path) != source["sha256"]:
            return False
    return True


def _recorded_paths(record: Mapping[str, Any], record_path: Path) -> dict[str, Path]:
    """Resolve the record's file names, which are relative to the derivatives folder."""
    files = record["files"]
    if not isinstance(files, dict) or not {"record", "table"} <= files.keys():
        raise InputError(
            f"{record_path}: expected a record of F.sh, its list of files is damaged; segment it again"
        )
    folder = record_path.parents[len(Path(files["record"]).parts) - 1]
    return {key: folder / name for key, name in files.items()}
