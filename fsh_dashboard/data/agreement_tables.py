"""Agreement over a cohort, as the core measures it: by group, and two results paired."""

from collections.abc import Sequence

import pandas as pd

from fsh_core.studies.paired import compare_methods
from fsh_core.studies.statistics import SUMMARY_COLUMNS, summarise

ALL = "all"


def by_group(cases: pd.DataFrame, metrics: Sequence[str], group: str | None = None) -> pd.DataFrame:
    """Summarise metrics, each with a 95 % bootstrap interval of its mean.

    Over all cases and by group.

    Returns
    -------
    DataFrame
        ``group``, then the columns of `fsh_core.studies.statistics.SUMMARY_COLUMNS`;
        one row per metric and group, the metrics in their order. A missing group is
        called ``n/a``.
    """
    parts = [(ALL, cases)]
    if group is not None:
        parts += list(cases.groupby(cases[group].fillna("n/a").astype(str), sort=True))
    known = [*(name for name in ("case", "subject") if name in cases), *metrics]
    pieces = [summarise(part[known], list(metrics)).assign(group=name) for name, part in parts]
    table = pd.concat(pieces, ignore_index=True)[["group", *SUMMARY_COLUMNS]]
    return table.sort_values(
        "metric", key=lambda names: names.map(list(metrics).index), kind="stable", ignore_index=True
    )


def paired(first: pd.DataFrame, second: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Pair two results by case.

    Returns
    -------
    DataFrame
        ``case``, ``first``, ``second`` and ``difference`` (second minus first), for the
        cases in which both have a value.
    """
    both = (
        first[["case", metric]]
        .merge(second[["case", metric]], on="case", suffixes=("_1", "_2"))
        .dropna()
    )
    both = both.rename(columns={f"{metric}_1": "first", f"{metric}_2": "second"})
    return both.assign(difference=both["second"] - both["first"]).reset_index(drop=True)


def paired_test(first: pd.DataFrame, second: pd.DataFrame, metric: str) -> "pd.Series[float]":
    """Compare two results in one metric.

    The columns of `fsh_core.studies.paired.PAIRED_COLUMNS`.
    """
    return compare_methods(first[["case", metric]], second[["case", metric]]).iloc[0]
