"""Which file is where, and in what form: the folders and formats of BIDS derivatives.

The names of the files are in `fsh_core.file_names`.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from fsh_core.cases import Case
from fsh_core.file_names import (
    ANAT_ENDINGS,
    FIGURE_ENDING,
    REPORT_ENDING,
    TRACKS_ENDINGS,
    TRACKS_FOLDER,
    TRACKS_REPORT_ENDING,
    pair_endings,
)
from fsh_core.lesions.describe import DESCRIBED_COLUMNS
from fsh_core.tables import TAB, format_table


def derivative_paths(case: Case, folder: Path) -> dict[str, Path]:
    """Name the files of a case; nothing is touched.

    The images, the lesion table and the record lie in ``sub-X[/ses-Y]/anat``, the
    figure in ``sub-X[/ses-Y]/figures``, and the report at the top, where people look.

    Parameters
    ----------
    case : Case
        The case.
    folder : Path
        The derivatives folder.

    Returns
    -------
    dict of str to Path
        Paths by the keys of `StoredSegmentation.paths`.
    """
    home = folder / f"sub-{case.subject}"
    if case.session:
        home = home / f"ses-{case.session}"
    paths = {key: home / "anat" / f"{case.name}{ending}" for key, ending in ANAT_ENDINGS.items()}
    paths["figure"] = home / "figures" / f"{case.name}{FIGURE_ENDING}"
    paths["report"] = folder / f"{case.name}{REPORT_ENDING}"
    return paths


def track_paths(subject: str, folder: Path) -> dict[str, Path]:
    """Name the files about all visits of a patient; nothing is touched.

    They lie in ``sub-X/tracks``, and the report at the top, where people look.

    Returns
    -------
    dict of str to Path
        ``tracks``, ``changes``, ``record`` and ``report``.
    """
    home = folder / f"sub-{subject}" / TRACKS_FOLDER
    paths = {key: home / f"sub-{subject}{ending}" for key, ending in TRACKS_ENDINGS.items()}
    paths["report"] = folder / f"sub-{subject}{TRACKS_REPORT_ENDING}"
    return paths


def pair_paths(subject: str, earlier: str, later: str, folder: Path) -> dict[str, Path]:
    """Name the files about two visits, see `fsh_core.file_names.pair_endings`."""
    home = folder / f"sub-{subject}" / TRACKS_FOLDER
    endings = pair_endings(earlier, later)
    return {key: home / f"sub-{subject}{ending}" for key, ending in endings.items()}


def with_bids_columns(lesions: pd.DataFrame) -> pd.DataFrame:
    """Name the columns as BIDS asks: ``index`` (in memory ``label``) and ``name``."""
    table = lesions.rename(columns={"label": "index"})
    table.insert(1, "name", [f"lesion {label}" for label in lesions["label"]])
    return table


def describe_columns(columns: Iterable[str]) -> dict[str, dict[str, str]]:
    """Describe the columns of the table as BIDS sidecars do: by name, at the top level."""
    texts = DESCRIBED_COLUMNS | {"index": DESCRIBED_COLUMNS["label"], "name": "Name of the lesion."}
    described = {}
    for column in columns:
        unit = next((unit for unit in ("mm3", "ml", "mm") if column.endswith(f"_{unit}")), None)
        described[column] = {"Description": texts.get(column, column)} | (
            {"Units": unit} if unit else {}
        )
    return described


def to_tsv(table: pd.DataFrame) -> str:
    """Format a table as BIDS wants it: tabs, ``n/a`` for what is missing."""
    return format_table(table, TAB)


def to_json(content: Mapping[str, Any]) -> str:
    """Format as strict JSON: NaN is refused."""
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
