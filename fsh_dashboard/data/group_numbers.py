"""Numbers of patients that groups are compared by."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from fsh_core.evaluation.case_metrics import CASE_COLUMNS
from fsh_dashboard.data.activity import by_patient

NEW_PER_YEAR = "new_lesions_per_year"
FIRST = ("lesion_volume_ml", "lesion_count", NEW_PER_YEAR, "dice", "lesion_f1")
# What a scan was taken and read with, which says nothing about a patient.
NOT_COMPARED = frozenset({"voxel_volume_mm3", "seconds"})


def with_new_lesions(cases: pd.DataFrame, intervals: pd.DataFrame) -> pd.DataFrame:
    """Add each patient's own new lesions a year.

    Parameters
    ----------
    cases : DataFrame
        With ``subject``.
    intervals : DataFrame
        From `fsh_dashboard.data.followed.read_patients`; those that count.

    Returns
    -------
    DataFrame
        The cases, with the column `NEW_PER_YEAR` where somebody has an interval with dates.
    """
    patients = by_patient(intervals)
    dated = patients[patients["years"] > 0]
    if dated.empty:
        return cases
    rates = dated["dated_new"] / dated["years"]
    return cases.assign(**{NEW_PER_YEAR: ("sub-" + cases["subject"].astype(str)).map(rates)})


def without_trained(cases: pd.DataFrame) -> pd.DataFrame:
    """Leave out the scores of patients that the weights learned from; they say little."""
    scores = [name for name in CASE_COLUMNS if name in cases and name != "case"]
    seen = cases["trained_on"] == "yes"
    return cases.assign(**{name: cases[name].where(~seen, np.nan) for name in scores})


def numbers_of(cases: pd.DataFrame, group: str) -> Sequence[str]:
    """List the columns that groups can be compared by, what one asks for first in front."""
    known = [
        str(name)
        for name in cases.select_dtypes("number")
        if cases[name].notna().any() and name != group and name not in NOT_COMPARED
    ]
    return sorted(known, key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))
