"""participants.tsv: age, site and whatever else a study knows of its people.

Joined to the cases.
"""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from fsh_core.errors import InputError
from fsh_core.tables import TAB, read_table
from fsh_dashboard.data.columns import CASES
from fsh_dashboard.data.folder import Opened

# A column with so many different words splits people into groups.
FEWEST_GROUPS, MOST_GROUPS = 2, 6


def few_valued(table: pd.DataFrame, columns: Iterable[str]) -> list[str]:
    """List the columns, among some, that split the rows of a table into few groups."""
    counts = {column: table[column].nunique() for column in columns if column in table}
    return [column for column, count in counts.items() if FEWEST_GROUPS <= count <= MOST_GROUPS]


def participant_files(opened: Opened, folder: Path) -> list[Path]:
    """Where participants.tsv may lie: beside the results, above them, beside the scans.

    Nowhere for who reads blinded.
    """
    if opened.reader:
        return []
    above = [folder, *folder.parents]
    here = above[: above.index(opened.root) + 1]
    return [path / "participants.tsv" for path in (*here, *opened.images)]


def with_participants(
    cases: pd.DataFrame, opened: Opened, folder: Path
) -> tuple[pd.DataFrame, tuple[str, ...], list[str]]:
    """Join the first participants.tsv that is there; columns that F.sh has itself get a prefix."""
    path = next((path for path in participant_files(opened, folder) if path.is_file()), None)
    if path is None:
        return cases, (), []
    try:
        people = read_table(opened.inside(path), TAB, {"participant_id": str})
        people = people.drop_duplicates("participant_id").set_index("participant_id")
    except (KeyError, InputError):
        return (
            cases,
            (),
            [f"{path.name}: expected tabs and a column participant_id, cannot be read; left out"],
        )
    own = {*cases.columns, *CASES}  # also what is measured later, or was in no record
    people = people.rename(
        columns={column: f"participant_{column}" for column in people if column in own}
    )
    subjects = "sub-" + cases["subject"]
    for column in people:
        cases[str(column)] = subjects.map(people[column])
    return cases, tuple(map(str, people.columns)), []
