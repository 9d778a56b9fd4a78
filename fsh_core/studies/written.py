"""Studies as ``fsh evaluate`` and ``fsh agreement`` wrote them, read back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from fsh_core.errors import InputError
from fsh_core.evaluation.regions import REGION_COLUMNS
from fsh_core.studies.agreement_columns import MATRIX_COLUMNS, PAIR_COLUMNS, RATING_COLUMNS
from fsh_core.studies.evaluate import STUDY_COLUMNS, Evaluation
from fsh_core.studies.paired import PAIRED_COLUMNS
from fsh_core.studies.repeatability import REPEATABILITY_COLUMNS
from fsh_core.studies.statistics import SUMMARY_COLUMNS
from fsh_core.studies.volume_agreement import VOLUME_COLUMNS
from fsh_core.tables import read_table

EVALUATION, COMPARISON, AGREEMENT = "evaluation", "comparison", "agreement"
MARK = "columns.json"
"""Lies beside every study."""

TABLES: dict[str, dict[str, Mapping[str, str]]] = {
    EVALUATION: {
        "summary": SUMMARY_COLUMNS,
        "cases": STUDY_COLUMNS,
        "volumes": VOLUME_COLUMNS,
        "regions": REGION_COLUMNS,
    },
    COMPARISON: {"comparison": PAIRED_COLUMNS},
    AGREEMENT: {
        "matrix": MATRIX_COLUMNS,
        "repeatability": REPEATABILITY_COLUMNS,
        "pairs": PAIR_COLUMNS,
        "ratings": RATING_COLUMNS,
    },
}
"""Tables of each kind of study, with the meaning of their columns; the first tells the kind."""

_OPTIONAL = ("regions", "failures")
_FAILURES = {"case": "Name of the case.", "reason": "Why it could not be used."}
_TEXTS = frozenset({"case", "subject", "metric", "scale", "load", "region", "note", "reason"})
_RATERS = frozenset({"rater", "rater_1", "rater_2", "quantity"})
# What an earlier version did not write.
_NEWER = frozenset({"volume_ccc", "volume_ccc_low", "volume_ccc_high"})
_TRUTH = "trained_on"  # True, False or not known


@dataclass(frozen=True)
class WrittenStudy:
    """A study on disk.

    Attributes
    ----------
    kind : str
        `EVALUATION`, `COMPARISON` or `AGREEMENT`.
    tables : dict of str to DataFrame
        By file name without ``.csv``, with the columns of `TABLES`; undefined numbers are NaN.
        ``failures`` has ``case`` and ``reason``.
    consensus : int
        Consensus masks beside an agreement study.
    problems : tuple of str
        One sentence for every table that is missing or cannot be read, and is left out.
    """

    kind: str
    tables: dict[str, pd.DataFrame]
    consensus: int
    problems: tuple[str, ...]

    @property
    def evaluation(self) -> Evaluation | None:
        """The evaluation as the command had it; None if a table of it is not there."""
        if not {"cases", "summary"} <= self.tables.keys():
            return None
        cases, summary = self.tables["cases"], self.tables["summary"]
        failures = self.tables.get("failures", pd.DataFrame(columns=list(_FAILURES)))
        # Every row of the summary says of how many cases it is, those without a value included.
        counted = int((summary["n"] + summary["n_missing"]).max()) if len(summary) else 0
        return Evaluation(
            cases,
            summary,
            [(str(row.case), str(row.reason)) for row in failures.itertuples(index=False)],
            self.tables.get("regions"),
            with_training_patients=counted == len(cases),
        )


def kind_of_study(folder: Path) -> str | None:
    """Tell which kind of study a folder holds; None if it holds none."""
    if not (folder / MARK).is_file():
        return None
    for kind, tables in TABLES.items():
        if (folder / f"{next(iter(tables))}.csv").is_file():
            return kind
    return None


def study_files(folder: Path) -> list[Path]:
    """List the tables of a study that are there."""
    kind = kind_of_study(folder)
    names = [*TABLES[kind], "failures"] if kind else []
    paths = [folder / f"{name}.csv" for name in names]
    return [path for path in paths if path.is_file()]


def read_study(folder: Path, door: Callable[[Path], Path] = Path) -> WrittenStudy:
    """Read the tables of a study; a broken one is named and left out.

    Parameters
    ----------
    folder : Path
        What ``-o`` named.
    door : callable
        Returns the path under which a table may be opened, or raises an `InputError`.

    Raises
    ------
    InputError
        If the folder holds no study.
    """
    kind = kind_of_study(folder)
    if kind is None:
        raise InputError(
            f"{folder}: expected the tables of fsh evaluate or fsh agreement, found none; "
            "name the folder that -o named"
        )
    tables: dict[str, pd.DataFrame] = {}
    problems = []
    for name, columns in {**TABLES[kind], "failures": _FAILURES}.items():
        path = folder / f"{name}.csv"
        if name in _OPTIONAL and not path.is_file():
            continue
        try:
            tables[name] = _read(door(path), columns)
        except InputError as error:
            problems.append(str(error))
    masks = len(list((folder / "consensus").glob("*_desc-staple_mask.nii.gz")))
    return WrittenStudy(kind, tables, masks, tuple(problems))


def _read(path: Path, columns: Mapping[str, str]) -> pd.DataFrame:
    """Read one table with the types of its columns.

    Raises
    ------
    InputError
        If it cannot be read or lacks a column.
    """
    types: dict[str, type] = {name: str if name in _TEXTS | _RATERS else float for name in columns}
    types.pop(_TRUTH, None)
    table = read_table(path, types=types)
    missing = [name for name in columns if name not in table and name not in _NEWER]
    if missing:
        raise InputError(
            f"{path}: expected the column {missing[0]}, found none of that name; "
            "write it again with this version"
        )
    if _TRUTH in table:
        known = {"True": True, "False": False, True: True, False: False}
        table[_TRUTH] = table[_TRUTH].map(lambda value: known.get(value)).astype(object)
    return table.reindex(columns=list(columns))
