"""Sections of an agreement study that are tables alone: repeatability, and the consensus."""

import numpy as np

from fsh_core.report.page import MISSING, Section, Table, by_name, show, show_interval
from fsh_core.studies.agreement import Agreement
from fsh_core.studies.pooled import RATER_COLUMNS, rater_means

_PAIR = 2  # raters


def repeatability_section(agreement: Agreement) -> Section:
    """Coefficient of variation and intraclass correlations."""
    rows = []
    for row in agreement.repeatability.to_dict("records"):
        unit = "_ml" if "ml" in row["quantity"] else "count"
        digits = [
            show(row[name], unit)
            for name in ("mean", "within_case_sd", "repeatability_coefficient")
        ]
        cv = row["cv_fraction"]
        cells = [row["quantity"], *digits, MISSING if np.isnan(cv) else f"{100 * cv:.1f} %"]
        for icc in ("icc_2_1", "icc_3_1"):
            interval = show_interval(row[f"{icc}_low"], row[f"{icc}_high"], icc)
            cells.append(show(row[icc], icc) + (f" ({interval})" if interval != MISSING else ""))
        rows.append(cells)
    headings = [
        ("", ""),
        ("Mean", ""),
        ("SD", "within a case"),
        ("Repeatability", "coefficient"),
        ("CV", ""),
    ]
    headings += [("ICC(2,1)", "agreement"), ("ICC(3,1)", "consistency")]
    note = (
        "Intervals: 95 % (McGraw and Wong 1996). Intraclass correlations need two patients, "
        "their intervals five."
    )
    return Section("Repeatability", table=Table(headings, rows), note=note)


def consensus_section(agreement: Agreement) -> Section:
    """How each rater compares with the STAPLE consensus, on average."""
    means = by_name(rater_means(agreement.ratings), "rater")
    rows = [
        [rater, *(show(means[rater][name], name) for name in RATER_COLUMNS)]
        for rater in agreement.raters
        if rater in means
    ]
    headings = [
        ("", ""),
        ("Volume", "ml, mean"),
        ("Dice", "with the consensus"),
        ("Sensitivity", "STAPLE"),
    ]
    headings += [("Specificity", "STAPLE, near lesions")]
    note = (
        "Means over cases. The consensus is estimated from these masks; each rater is part of it."
    )
    if len(agreement.raters) == _PAIR:
        note += (
            " Of two raters STAPLE cannot tell who is right: read these numbers with three or more."
        )
    return Section("Consensus", table=Table(headings, rows), note=note)
