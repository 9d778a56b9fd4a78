"""A derivatives folder as two tables: one row per case, one row per lesion, fast for a thousand cases."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fsh_core.derivatives import find_records, read_record
from fsh_core.errors import InputError
from fsh_core.lesions.table import LESION_COLUMNS
from fsh_dashboard.folder import Opened

OPTIONAL_BLOCKS = ("quality", "uncertainty", "review")
"""Parts of a record that later versions add; their plain values become columns such as ``quality_verdict``."""

OUTLIER_COLUMNS = {"lesion_volume_ml": "volume", "lesion_count": "count", "brain_volume_ml": "brain volume"}
OUTLIER_Z = 3.5
FEWEST_FOR_OUTLIERS = 5


@dataclass(frozen=True)
class Results:
    """Every case of a derivatives folder that could be read.

    Attributes
    ----------
    name : str
        The folder, relative to the opened one.
    cases : DataFrame
        One row per case: ``case``, ``subject``, ``session``, what was found, what made
        it, agreement with the reference under the names of
        `fsh_core.evaluation.compare.CASE_COLUMNS`, columns of participants.tsv, and
        ``flags`` (text, comma-separated).
    lesions : DataFrame
        One row per lesion: ``case``, ``subject``, ``session``, then the columns of
        `fsh_core.lesions.table.LESION_COLUMNS` and whatever else the tables hold.
    participant_columns : tuple of str
        Columns of ``cases`` that came from participants.tsv.
    problems : tuple of str
        One sentence for every file that was skipped.
    """

    name: str
    cases: pd.DataFrame
    lesions: pd.DataFrame
    participant_columns: tuple[str, ...]
    problems: tuple[str, ...]


def fingerprint(opened: Opened, name: str) -> tuple[tuple[str, int, int], ...]:
    """Name, size and time of everything `read_results` looks at: the same while nothing has changed."""
    folder = opened.root / name
    files = [*find_records(folder), *_participants(opened, folder)]
    stats = [(str(path), path.stat()) for path in files if path.exists()]
    return tuple((path, stat.st_size, stat.st_mtime_ns) for path, stat in stats)


def read_results(opened: Opened, name: str) -> Results:
    """Read the cases of a derivatives folder; what is broken is named and skipped.

    Parameters
    ----------
    opened : Opened
        The opened folder; files that lead out of it are refused.
    name : str
        The derivatives folder, from `fsh_dashboard.folder.find_results`.

    Returns
    -------
    Results
        Tables and problems.
    """
    folder = opened.root / name
    rows: list[dict[str, Any]] = []
    tables: list[Path] = []
    problems: list[str] = []
    for path in find_records(folder):
        try:
            record = read_record(opened.inside(path))
            row = _case_row(record) | {"record": opened.named(path)}
            table = opened.inside(folder / record["files"]["table"])
        except InputError as error:
            problems.append(str(error).replace(f"{opened.root}/", ""))
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            problems.append(f"{opened.named(path)}: expected a record of F.sh, found an incomplete one ({error})")
        else:
            rows.append(row)
            tables.append(table)
    lesions, broken = _read_tables(rows, tables)
    problems += [f"{opened.named(tables[index])}: {reason}; the case was skipped" for index, reason in broken.items()]
    cases = pd.DataFrame([row for index, row in enumerate(rows) if index not in broken])
    if cases.empty:
        return Results(name, pd.DataFrame(columns=["case"]), lesions, (), tuple(problems))
    cases, columns, troubles = _with_participants(_with_lesion_facts(cases, lesions), opened, folder)
    cases["flags"] = _flags(cases)
    return Results(name, cases, lesions, columns, (*problems, *troubles))


def robust_z(values: "pd.Series[float]") -> "pd.Series[float]":
    """Return modified z-scores: distance from the median in units of the median distance.

    Iglewicz and Hoaglin, How to Detect and Handle Outliers, 1993. All 0 where half of the
    values are the same, and where there are fewer than five.
    """
    known = values.astype(float)
    distance = (known - known.median()).abs().median()
    if known.notna().sum() < FEWEST_FOR_OUTLIERS or not distance > 0:
        return known * 0.0
    return 0.6745 * (known - known.median()) / distance


def _case_row(record: dict[str, Any]) -> dict[str, Any]:
    """Flatten what a table shows of a record."""
    row = {
        "case": str(record["case"]),
        "subject": str(record["subject"]),
        "session": record["session"],
        "lesion_count": int(record["lesion_count"]),
        "lesion_volume_ml": float(record["lesion_volume_ml"]),
        "raw_lesion_volume_ml": float(record["raw_lesion_volume_ml"]),
        "brain_volume_ml": float(record["brain"]["volume_ml"]),
        "brain_source": str(record["brain"]["source"]),
        "voxel_mm": " × ".join(f"{float(size):.3g}" for size in record["grid"]["spacing_mm"]),
        "seconds": float(record["run"]["seconds"]),
        "version": str(record["version"]),
        "weights": str(record["weights"].get("name", "–")),
    }
    for block in OPTIONAL_BLOCKS:
        values = record.get(block)
        if isinstance(values, dict):
            row |= {f"{block}_{key}": value for key, value in values.items() if isinstance(value, str | int | float)}
    scores = record.get("evaluation")
    if isinstance(scores, dict):
        row |= {key: np.nan if value is None else float(value) for key, value in scores.items() if key not in row}
    return row


def _read_tables(rows: Sequence[dict[str, Any]], paths: Sequence[Path]) -> tuple[pd.DataFrame, dict[int, str]]:
    """Read the lesion tables of all cases, those with the same heading in one go.

    Returns
    -------
    lesions : DataFrame
        All rows, in the order of the cases.
    broken : dict of int to str
        Why the table of a case could not be used.
    """
    broken: dict[int, str] = {}
    by_heading: dict[str, list[tuple[int, list[str]]]] = {}
    for index, (row, path) in enumerate(zip(rows, paths, strict=True)):
        try:
            heading, *lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError) as error:
            broken[index] = f"expected a lesion table, cannot be read ({getattr(error, 'strerror', None) or 'empty'})"
            continue
        if len(lines) != row["lesion_count"]:
            broken[index] = f"expected the {row['lesion_count']} lesions of the record, found {len(lines)}"
            continue
        by_heading.setdefault(heading, []).append((index, lines))
    pieces: list[pd.DataFrame] = []
    for heading, group in by_heading.items():
        try:
            pieces.append(_parse(heading, group))
        except (ValueError, KeyError):  # one of them is broken: read them one by one to name it
            for one in group:
                try:
                    pieces.append(_parse(heading, [one]))
                except (ValueError, KeyError) as error:
                    broken[one[0]] = f"expected a lesion table, found another ({str(error).splitlines()[0]})"
    names = pd.DataFrame(
        [{key: row[key] for key in ("case", "subject", "session")} for row in rows],
        columns=["case", "subject", "session"],
    )
    filled = [piece for piece in pieces if len(piece)]
    if not filled:
        return pd.DataFrame(columns=["case", "subject", "session", *LESION_COLUMNS]), broken
    lesions = pd.concat(filled).sort_index(kind="stable")
    return names.join(lesions, how="inner").reset_index(drop=True), broken


def _parse(heading: str, group: Sequence[tuple[int, list[str]]]) -> pd.DataFrame:
    """Parse the rows of several tables with one heading; the index is the number of the case."""
    text = "\n".join([heading, *(line for _, lines in group for line in lines)])
    table = pd.read_csv(io.StringIO(text), sep="\t", na_values=["n/a"], keep_default_na=False, index_col=False)
    table = table.drop(columns="name", errors="ignore").rename(columns={"index": "label"})
    if missing := {"label", "volume_mm3"} - set(table.columns):
        raise KeyError(f"no column {', '.join(sorted(missing))}")
    for column in table.columns.intersection(list(LESION_COLUMNS)):
        if len(table) and not pd.api.types.is_numeric_dtype(table[column]):
            raise ValueError(f"{column} must be numbers")
    table.index = pd.Index(np.repeat([index for index, _ in group], [len(lines) for _, lines in group]))
    return table


def _with_lesion_facts(cases: pd.DataFrame, lesions: pd.DataFrame) -> pd.DataFrame:
    """Add what the lesions say about a case."""
    grouped = lesions.groupby("case")
    facts = {"largest_lesion_mm3": grouped["volume_mm3"].max()}
    if "mean_probability" in lesions:
        facts["least_probability"] = grouped["mean_probability"].min()
    if "touches_border" in lesions:
        facts["lesions_at_border"] = grouped["touches_border"].sum()
    cases = cases.copy()
    for name, values in facts.items():
        cases[name] = pd.to_numeric(cases["case"].map(values))
    return cases


def _participants(opened: Opened, folder: Path) -> list[Path]:
    """Where participants.tsv may lie: beside the results, above them, beside the scans."""
    above = [folder, *folder.parents]
    here = above[: above.index(opened.root) + 1]
    return [path / "participants.tsv" for path in (*here, *opened.images)]


def _with_participants(
    cases: pd.DataFrame, opened: Opened, folder: Path
) -> tuple[pd.DataFrame, tuple[str, ...], list[str]]:
    """Join the first participants.tsv that is there; columns that F.sh has itself get a prefix."""
    path = next((path for path in _participants(opened, folder) if path.is_file()), None)
    if path is None:
        return cases, (), []
    try:
        people = pd.read_csv(opened.inside(path), sep="\t", na_values=["n/a"], dtype={"participant_id": str})
        people = people.drop_duplicates("participant_id").set_index("participant_id")
    except (OSError, ValueError, KeyError, InputError):
        return cases, (), [f"{path.name}: expected tabs and a column participant_id, cannot be read; left out"]
    people = people.rename(columns={column: f"participant_{column}" for column in people if column in cases})
    subjects = "sub-" + cases["subject"]
    for column in people:
        cases[str(column)] = subjects.map(people[column])
    return cases, tuple(map(str, people.columns)), []


def _flags(cases: pd.DataFrame) -> "pd.Series[str]":
    """Say in words what a person should look at in a case."""
    found: dict[str, Any] = {
        "no lesion": cases["lesion_count"] == 0,
        "brain not found": cases["brain_source"] == "none",
    }
    if "lesions_at_border" in cases:
        found["lesion at the image border"] = cases["lesions_at_border"].fillna(0) > 0
    for column, label in OUTLIER_COLUMNS.items():
        # On a logarithmic scale: volumes of a cohort are skewed, and half is as odd as double.
        z = robust_z(np.log10(cases[column].clip(lower=0) + 0.1))
        found[f"high {label}"], found[f"low {label}"] = z > OUTLIER_Z, z < -OUTLIER_Z
    marks = pd.DataFrame(found)
    return marks.apply(lambda row: ", ".join(row.index[row.to_numpy(dtype=bool)]), axis=1)
