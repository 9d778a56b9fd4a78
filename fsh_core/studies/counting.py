"""Numbers of things in words: ``1 case``, ``14 patients, 56 scans``."""

import pandas as pd

from fsh_core.studies.statistics import patients_of


def counted(number: int, noun: str) -> str:
    """Write a number of things: ``1 case``, ``2 cases``."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def patients_and_scans(cases: pd.DataFrame) -> str:
    """Write the size of a cohort: ``14 patients, 56 scans``."""
    patients = counted(len(set(patients_of(cases))), "patient")
    return f"{patients}, {counted(len(cases), 'scan')}"
