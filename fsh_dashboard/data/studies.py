"""What ``fsh evaluate`` and ``fsh agreement`` wrote into the opened folder."""

from dataclasses import replace
from pathlib import Path

from fsh_core.studies.written import WrittenStudy, kind_of_study, read_study, study_files
from fsh_dashboard.data.folder import Opened, walk


def find_studies(opened: Opened) -> dict[str, str]:
    """List the studies of the opened folder: path relative to it, and kind."""
    kinds = {opened.named(folder): kind_of_study(folder) for folder in walk(opened)}
    return {name: kind for name, kind in kinds.items() if kind is not None}


def files_of(opened: Opened, name: str) -> list[Path]:
    """List what `read_written` looks at."""
    folder = opened.root / name
    return [*study_files(folder), folder / "consensus"]


def read_written(opened: Opened, name: str) -> WrittenStudy:
    """Read a study; what is broken, or leads out of the opened folder, is named and left out.

    Raises
    ------
    InputError
        If it is no study any more.
    """
    study = read_study(opened.root / name, opened.inside)
    named = (problem.replace(f"{opened.root}/", "") for problem in study.problems)
    return replace(study, problems=tuple(named))
