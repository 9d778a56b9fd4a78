"""Reading cases back: records, tables, and whether a result is still current."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from fsh_core.cases import Case
from fsh_core.config import SegmentConfig
from fsh_core.derivatives.layout import derivative_paths
from fsh_core.errors import InputError, reason_of
from fsh_core.file_names import RECORD_ENDING, entries_in_anat, in_anat
from fsh_core.files import sha256_of
from fsh_core.lesions.describe import DESCRIBED_COLUMNS, TEXT_COLUMNS, WHOLE_COLUMNS
from fsh_core.record import InputFile, Record, read_record
from fsh_core.tables import TAB, read_table

_TYPES = (
    dict.fromkeys(WHOLE_COLUMNS, "int64")
    | dict.fromkeys(TEXT_COLUMNS, "str")
    | {"touches_border": "bool"}
)

_INPUT_NAMES = {"brain": "brain mask", "reference": "reference mask"}


@dataclass(frozen=True)
class StoredSegmentation:
    """A case as it lies on disk: what is needed to reopen it.

    Attributes
    ----------
    record : Record
        What made it and what was found.
    paths : dict of str to Path
        The files that were written: ``mask``, ``raw_mask``, ``probability``, ``brain``,
        ``labels``, ``table``, ``record``, of an ensemble ``entropy`` and ``variance``, and
        where drawn ``figure`` and ``report``.
    lesions : DataFrame
        One row per lesion, as in `fsh_core.lesions.measure.lesion_table`.
    """

    record: Record
    paths: dict[str, Path]
    lesions: pd.DataFrame


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
    if len(lesions) != record.lesion_count:
        raise InputError(
            f"{paths['table']}: must have {record.lesion_count} rows as the record says, "
            f"has {len(lesions)}; segment the case again"
        )
    return StoredSegmentation(record, paths, lesions)


def _read_table(path: Path) -> pd.DataFrame:
    """Read a lesion table, with the columns and types it was written from."""
    try:
        table = read_table(path, TAB, dict.fromkeys(TEXT_COLUMNS, str))
        table = table.drop(columns="name").rename(columns={"index": "label"})
        types = {
            column: _TYPES.get(column, "float64")
            for column in table.columns
            if column in DESCRIBED_COLUMNS
        }
        return table.astype(types)
    except (OSError, ValueError, KeyError, OverflowError) as error:
        raise InputError(
            f"{path}: expected a lesion table, cannot be read ({reason_of(error)}); "
            "segment the case again"
        ) from None


def find_records(folder: str | Path) -> list[Path]:
    """List the records of complete cases in a derivatives folder, by name."""
    return in_anat(Path(folder), RECORD_ENDING)


def holds_records(folder: str | Path) -> bool:
    """Tell whether a derivatives folder has a complete case, without listing all of them."""
    return next(entries_in_anat(Path(folder), RECORD_ENDING), None) is not None


def why_stale(
    case: Case, folder: Path, weights_sha256: str | None, config: SegmentConfig
) -> str | None:
    """Say why a case must be segmented, or segmented again; None where its result is current.

    Parameters
    ----------
    case : Case
        The case, with the files it would be segmented from now.
    folder : Path
        The derivatives folder.
    weights_sha256 : str or None
        Hash of the weights that would be used; None if it is not known.
    config : SegmentConfig
        The settings that would be used.

    Returns
    -------
    str or None
        None if its record exists, was made by these weights and settings from files of the
        same content (image channels, and the brain mask and the reference or none), and every
        file named in the record is there.
    """
    record_path = derivative_paths(case, folder)["record"]
    if not record_path.exists():
        return "not segmented yet"
    try:
        record = read_record(record_path)
        paths = _recorded_paths(record, record_path)
    except InputError:
        return "its record cannot be read"
    gone = [path.name for path in paths.values() if not path.is_file()]
    if gone:
        return f"{gone[0]} is gone"
    if weights_sha256 is None or record.weights.sha256 != weights_sha256:
        return "the weights are others"
    before, now = record.settings.complete(), config.model_dump(mode="json")
    if before != now:
        others = [name for name in before if before[name] != now.get(name)]
        return f"the settings are others ({', '.join(others)})"
    return _changed_input(case, record.input)


def _changed_input(case: Case, recorded: Mapping[str, InputFile]) -> str | None:
    """Compare the content of the input files, whatever their names are now."""
    given = case.channels | {
        name: path
        for name, path in (("brain", case.brain), ("reference", case.reference))
        if path is not None
    }
    for name in (*recorded, *(name for name in ("brain", "reference") if name in given)):
        if name not in recorded:
            return f"there was no {_INPUT_NAMES[name]} then"
        path = given.get(name)
        if path is None or not path.is_file():
            return f"there is no {_INPUT_NAMES.get(name, name)} any more"
        if sha256_of(path) != recorded[name].sha256:
            return f"its {_INPUT_NAMES.get(name, name)} changed"
    return None


def _recorded_paths(record: Record, record_path: Path) -> dict[str, Path]:
    """Resolve the record's file names, which are relative to the derivatives folder."""
    folder = record.folder(record_path)
    return {key: folder / name for key, name in record.files.items()}
