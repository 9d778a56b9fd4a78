"""Counts over all cases of a study together, and means of each rater over cases."""

import pandas as pd

from fsh_core.evaluation.lesionwise import SIZE_BINS

COUNTS = ("reference_lesions", "detected_lesions", "prediction_lesions", "false_lesions")
RATER_COLUMNS = ("volume_ml", "consensus_dice", "staple_sensitivity", "staple_specificity")


def lesions_by_size(cases: pd.DataFrame) -> pd.DataFrame:
    """Count the lesions of each size over all cases.

    Parameters
    ----------
    cases : DataFrame
        With the columns of `fsh_core.evaluation.case_metrics.CASE_COLUMNS`; those that count.

    Returns
    -------
    DataFrame
        A row a size of `fsh_core.evaluation.lesionwise.SIZE_BINS`: ``size`` (its key) and
        `COUNTS`.
    """
    return pd.DataFrame(
        [
            {"size": size} | {name: int(cases[f"{name}_{size}"].sum()) for name in COUNTS}
            for size in SIZE_BINS
        ]
    )


def lesions_by_region(regions: pd.DataFrame) -> pd.DataFrame:
    """Add up the lesions and volumes of each region over the cases whose regions are known.

    Parameters
    ----------
    regions : DataFrame
        With the columns of `fsh_core.evaluation.regions.REGION_COLUMNS`.

    Returns
    -------
    DataFrame
        A row a region: ``region``, `COUNTS`, ``reference_ml``, ``prediction_ml``, and ``dice``,
        the mean over cases with lesions there.
    """
    known = regions[regions["note"] == ""]
    rows = [
        {"region": str(name)}
        | {column: int(lesions[column].sum()) for column in COUNTS}
        | {column: float(lesions[column].sum()) for column in ("reference_ml", "prediction_ml")}
        | {"dice": float(lesions["dice"].mean())}
        for name, lesions in known.groupby("region", sort=False)
    ]
    return pd.DataFrame(rows, columns=["region", *COUNTS, "reference_ml", "prediction_ml", "dice"])


def rater_means(ratings: pd.DataFrame) -> pd.DataFrame:
    """Average each rater's masks over cases.

    Parameters
    ----------
    ratings : DataFrame
        With the columns of `fsh_core.studies.agreement_columns.RATING_COLUMNS`.

    Returns
    -------
    DataFrame
        A row a rater, in the order of the ratings: ``rater``, ``n_cases`` and the means of
        `RATER_COLUMNS`.
    """
    grouped = ratings.groupby("rater", sort=False)
    means = grouped[list(RATER_COLUMNS)].mean()
    means.insert(0, "n_cases", grouped.size())
    return means.reset_index()
