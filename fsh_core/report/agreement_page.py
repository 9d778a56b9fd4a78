"""HTML page of an agreement study."""

from itertools import combinations
from pathlib import Path

import numpy as np

from fsh_core.figures.measurement_agreement import draw_bland_altman
from fsh_core.report.page import (
    MISSING,
    Number,
    Section,
    Table,
    by_name,
    count_patients,
    failures_section,
    show,
    show_interval,
    write_page,
)
from fsh_core.report.rater_sections import consensus_section, repeatability_section
from fsh_core.report.volume_section import describe_limits
from fsh_core.studies.agreement import Agreement
from fsh_core.studies.agreement_columns import MATRIX_COLUMNS, PAIR_COLUMNS, RATING_COLUMNS
from fsh_core.studies.bland_altman import bland_altman
from fsh_core.studies.repeatability import REPEATABILITY_COLUMNS
from fsh_core.studies.statistics import FEWEST_FOR_AN_INTERVAL, patients_of

_MOST_PANELS = 6
_MOST_TINT = 0.35


def write_agreement_page(
    agreement: Agreement, path: str | Path, subtitle: str, repeated_scans: bool
) -> None:
    """Write the page of an agreement study.

    Parameters
    ----------
    agreement : Agreement
        From `fsh_core.studies.agreement.measure_agreement`.
    path : path
        Ends in .html.
    subtitle : str
        What was compared.
    repeated_scans : bool
        The masks are of several scans, not of several raters.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    sections = [
        _matrix_section(agreement, "dice", "Dice"),
        _matrix_section(agreement, "lesion_f1", "Lesion F1"),
        _volume_section(agreement),
        repeatability_section(agreement),
    ]
    if not repeated_scans:
        sections.append(consensus_section(agreement))
    sections += [_case_section(agreement), *failures_section(agreement.failures, "Not used")]
    title = "Repeated scans" if repeated_scans else "Agreement of raters"
    write_page(
        path,
        title,
        subtitle,
        _numbers(agreement, repeated_scans),
        sections,
        _definitions(repeated_scans),
    )


def _numbers(agreement: Agreement, repeated_scans: bool) -> list[Number]:
    volume = by_name(agreement.repeatability, "quantity")["lesion volume (ml)"]
    dice = agreement.pairs["dice"].to_numpy(dtype=float)
    mean_dice = float(np.nanmean(dice)) if np.isfinite(dice).any() else float("nan")
    cv = float(volume["cv_fraction"])
    who = "Scans of each case" if repeated_scans else "Raters"
    numbers = [
        Number(who, str(len(agreement.raters))),
        *count_patients(agreement.ratings.drop_duplicates("case")),
        Number("Mean Dice of two", show(mean_dice, "dice")),
        Number("Variation of the volume", MISSING if np.isnan(cv) else f"{100 * cv:.1f}", "%"),
    ]
    if np.isfinite(volume["icc_2_1"]):
        numbers.append(Number("ICC(2,1) of the volume", show(volume["icc_2_1"], "icc")))
    return numbers


def _matrix_section(agreement: Agreement, metric: str, name: str) -> Section:
    """Matrix of the raters: tinted means above the diagonal, their intervals below."""
    found = {(row["rater_1"], row["rater_2"]): row for row in agreement.matrix.to_dict("records")}
    rows, shades = [], []
    for rater in agreement.raters:
        cells, tints = [rater], [0.0]
        for other in agreement.raters:
            pair = found.get((rater, other)) or found.get((other, rater))
            if pair is None:
                cells.append("")
                tints.append(0.0)
                continue
            value = float(pair[metric])
            if (rater, other) in found:  # above the diagonal
                cells.append(show(value, metric))
                tints.append(_MOST_TINT * max(0.0, value) if np.isfinite(value) else 0.0)
            else:
                cells.append(show_interval(pair[f"{metric}_low"], pair[f"{metric}_high"], metric))
                tints.append(0.0)
        rows.append(cells)
        shades.append(tints)
    headings = [("", ""), *((name, "") for name in agreement.raters)]
    note = (
        "Above the diagonal: mean over patients. Below: "
        "its 95 % bootstrap interval over patients, of five or more."
    )
    return Section(name, table=Table(headings, rows, shades), note=note)


def _volume_section(agreement: Agreement) -> Section:
    """Bland and Altman's figure for every two raters, and the numbers as a table."""
    panels = {}
    for rater_1, rater_2 in list(combinations(agreement.raters, 2))[:_MOST_PANELS]:
        pairs = agreement.pairs[
            (agreement.pairs["rater_1"] == rater_1) & (agreement.pairs["rater_2"] == rater_2)
        ]
        first = pairs["volume_1_ml"].to_numpy(dtype=float)
        second = pairs["volume_2_ml"].to_numpy(dtype=float)
        panels[f"{rater_2} − {rater_1}"] = (
            first,
            second,
            bland_altman(first, second, patients_of(pairs)),
        )
    several = agreement.ratings["case"].nunique() > 1
    few = len(set(patients_of(agreement.pairs))) < FEWEST_FOR_AN_INTERVAL
    rows = [
        [
            f"{row['rater_2']} − {row['rater_1']}",
            show(row["volume_bias_ml"], "_ml", signed=True),
            show(row["volume_lower_ml"], "_ml", signed=True),
            show(row["volume_upper_ml"], "_ml", signed=True),
            show(row["volume_ccc"], "ccc"),
            show_interval(row["volume_ccc_low"], row["volume_ccc_high"], "ccc"),
            str(row["n_cases"]),
        ]
        for row in agreement.matrix.to_dict("records")
    ]
    headings = [
        ("", ""),
        ("Bias", "ml"),
        ("Lower limit", "ml"),
        ("Upper limit", "ml"),
        ("CCC", ""),
        ("CCC", "95 % interval"),
        ("Cases", ""),
    ]
    text = ""
    if len(panels) == 1:
        text = describe_limits(
            next(iter(panels.values()))[2],
            f"Compared with {agreement.raters[0]}, {agreement.raters[1]}",
        )
    elif few:
        text = "Limits of agreement need at least five patients."
    return Section(
        "Volumes",
        text,
        draw_bland_altman(panels, what="lesion volume") if several else None,
        "Differences of the volumes against their mean, a dot for each case",
        Table(headings, rows),
        "95 % of differences are expected between the limits (Bland and Altman 1999); shaded: "
        "95 % intervals.",
    )


def _case_section(agreement: Agreement) -> Section:
    """Volume and number of each mask, case by case, and the mean Dice of two."""
    dice = agreement.pairs.groupby("case")["dice"].mean().to_dict()
    rows = []
    for case, ratings in agreement.ratings.groupby("case", sort=True):
        by_rater = by_name(ratings, "rater")
        masks = [
            f"{show(by_rater[rater]['volume_ml'], '_ml')} ({by_rater[rater]['lesions']})"
            for rater in agreement.raters
        ]
        rows.append([str(case), *masks, show(float(dice[case]), "dice")])
    headings = [
        ("Case", ""),
        *((rater, "ml (lesions)") for rater in agreement.raters),
        ("Dice", "mean of two"),
    ]
    return Section("Cases", table=Table(headings, rows))


def _definitions(repeated_scans: bool) -> dict[str, str]:
    meanings = {
        "Dice": PAIR_COLUMNS["dice"],
        "Lesion F1": PAIR_COLUMNS["lesion_f1"],
        "Bias": MATRIX_COLUMNS["volume_bias_ml"],
        "CCC": MATRIX_COLUMNS["volume_ccc"],
        "SD within a case": REPEATABILITY_COLUMNS["within_case_sd"],
        "Repeatability coefficient": REPEATABILITY_COLUMNS["repeatability_coefficient"],
        "CV": REPEATABILITY_COLUMNS["cv_fraction"],
        "ICC(2,1)": REPEATABILITY_COLUMNS["icc_2_1"],
        "ICC(3,1)": REPEATABILITY_COLUMNS["icc_3_1"],
    }
    consensus = {
        "Consensus": "STAPLE (Warfield et al. 2004): the mask that is most probable given all "
        "raters, each weighted by the sensitivity and specificity estimated for them.",
        "STAPLE sensitivity": RATING_COLUMNS["staple_sensitivity"],
        "STAPLE specificity": RATING_COLUMNS["staple_specificity"],
    }
    return meanings if repeated_scans else meanings | consensus
