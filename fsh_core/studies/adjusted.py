"""Groups of patients compared with covariates held equal: analysis of covariance."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fsh_core.errors import InputError
from fsh_core.studies.groups import adjust_p, by_patient
from fsh_core.studies.statistics import FEWEST_FOR_AN_INTERVAL, patients_of

ADJUSTED_COLUMNS: dict[str, str] = {
    "number": "What is compared.",
    "group": "Group of patients.",
    "baseline": "The group that it is compared with.",
    "patients": "Patients of both and the other groups with a value and every covariate.",
    "scale": "ratio: of volumes that are all above 0, from their logarithms; difference: of "
    "everything else, in the number's unit.",
    "effect": "Ratio of the geometric means, or difference of the means, of the group and the "
    "baseline at the same covariates.",
    "effect_low": "Lower end of its 95 % interval (Student's t, HC3); none for fewer than 5 "
    "patients in either group, or where the covariates leave fewer than 5 degrees of freedom.",
    "effect_high": "Upper end of that interval.",
    "p": "Two-sided p of that effect (Student's t, HC3).",
    "p_adjusted": "The same after Benjamini and Hochberg's correction for all tests of this table.",
}
"""Every column of the table of adjusted differences and what it holds."""

RATIO, DIFFERENCE = "ratio", "difference"
_VOLUMES = ("_ml", "_mm3")
_MOST_LEVERAGE = 1 - 1e-6  # a patient who alone decides about a coefficient


def adjusted_differences(
    cases: pd.DataFrame,
    numbers: Sequence[str],
    group: str,
    covariates: Sequence[str],
    baseline: str,
) -> pd.DataFrame:
    """Set each group against a baseline, by a linear model with covariates.

    One row a patient (visits are averaged), so that the intervals are over patients. Ordinary
    least squares of statsmodels, with the HC3 covariance, which holds where the spread grows with
    the number (MacKinnon and White, Journal of Econometrics 1985; Long and Ervin, The American
    Statistician 2000). Volumes, which are skewed, are compared by their logarithms.

    Parameters
    ----------
    cases : DataFrame
        As for `fsh_core.studies.groups.by_patient`.
    numbers : sequence of str
        Columns of numbers.
    group : str
        Column of the group.
    covariates : sequence of str
        Columns of numbers (linear) or words (a step each); the first known value of a patient
        counts. Patients without one are left out.
    baseline : str
        The group that the others are compared with.

    Returns
    -------
    DataFrame
        Columns `ADJUSTED_COLUMNS`.

    Raises
    ------
    InputError
        If statsmodels is not installed.
    """
    means, _, _ = by_patient(cases, numbers, group)
    names = [str(name) for name in patients_of(cases)]
    told = cases[list(covariates)].groupby(names).first()
    told.index.name = None
    known = means.join(told.rename(columns=lambda name: f"of {name}"))
    rows = [row for number in numbers for row in _rows(known, number, baseline)]
    table = pd.DataFrame(rows, columns=list(ADJUSTED_COLUMNS))
    table["p_adjusted"] = adjust_p(table["p"].to_numpy(dtype=np.float64))
    return table


def _rows(known: pd.DataFrame, number: str, baseline: str) -> list[dict[str, Any]]:
    told = [str(name) for name in known if str(name).startswith("of ")]
    table = known[["group", number, *told]].dropna()
    values = table[number].to_numpy(dtype=np.float64)
    is_ratio = number.endswith(_VOLUMES) and bool((values > 0).all())
    sizes = table["group"].value_counts()
    others = [name for name in sorted(set(known["group"])) if name != baseline]
    design = _design(table, told, baseline)
    fitted = _fit(np.log(values) if is_ratio else values, design)
    rows = []
    for name in others:
        row: dict[str, Any] = {"number": number, "group": name, "baseline": baseline}
        row |= {"patients": len(table), "scale": RATIO if is_ratio else DIFFERENCE}
        counted = min(sizes.get(name, 0), sizes.get(baseline, 0))
        if fitted is not None and counted >= FEWEST_FOR_AN_INTERVAL:
            place = design.columns.get_loc(f"group {name}")
            effect = np.array([fitted.params[place], *fitted.conf_int()[place]])
            effect = np.exp(effect) if is_ratio else effect
            row |= dict(zip(("effect", "effect_low", "effect_high"), effect, strict=True))
            row["p"] = float(fitted.pvalues[place])
        rows.append(row)
    return rows


def _design(table: pd.DataFrame, told: Sequence[str], baseline: str) -> pd.DataFrame:
    """Return the columns of the model: 1, the other groups, the covariates around their means."""
    columns: dict[str, NDArray[np.float64]] = {"1": np.ones(len(table))}
    for name in sorted(set(table["group"]) - {baseline}):
        columns[f"group {name}"] = np.where(table["group"] == name, 1.0, 0.0)
    for name in told:
        if pd.api.types.is_numeric_dtype(table[name]):
            values = table[name].to_numpy(dtype=np.float64)
            columns[name] = values - values.mean()
        else:
            said = table[name].map(str)
            for word in sorted(set(said))[1:]:
                columns[f"{name} {word}"] = np.where(said == word, 1.0, 0.0)
    return pd.DataFrame(columns)


def _fit(values: NDArray[np.float64], design: pd.DataFrame) -> Any:
    """Fit the model; None where the patients are too few, or do not tell its parts apart."""
    try:
        from statsmodels.api import OLS
    except ImportError:
        raise InputError(
            "statsmodels is not installed, which the adjustment for covariates needs; install it "
            "with: pip install 'fsh-ms[dashboard]'"
        ) from None
    matrix = design.to_numpy(dtype=np.float64)
    patients, parts = matrix.shape
    if patients - parts < FEWEST_FOR_AN_INTERVAL or np.linalg.matrix_rank(matrix) < parts:
        return None
    leverage = np.einsum("ij,ji->i", matrix, np.linalg.pinv(matrix))
    if leverage.max() > _MOST_LEVERAGE:
        return None
    return OLS(values, matrix).fit(cov_type="HC3", use_t=True)
