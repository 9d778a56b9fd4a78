"""Volumes on a page: Bland and Altman's plot, and bias and limits on three scales."""

import numpy as np
import pandas as pd

from fsh_core.figures.measurement_agreement import draw_bland_altman
from fsh_core.report.page import MISSING, Section, Table, show, show_interval
from fsh_core.studies.bland_altman import BlandAltman
from fsh_core.studies.counting import counted
from fsh_core.studies.statistics import FEWEST_FOR_AN_INTERVAL
from fsh_core.studies.volume_agreement import SCALE_NAMES

_UNITS = {"ml": "_ml", "percent": "count", "ratio": "ratio"}
_HEADINGS = [
    ("Load", "mean of both"),
    ("Patients", ""),
    ("Scans", ""),
    ("Left out", ""),
    ("Bias", ""),
    ("Interval", "95 %"),
    ("Lower limit", ""),
    ("Upper limit", ""),
]


def volume_sections(
    cases: pd.DataFrame, limits: BlandAltman, volumes: pd.DataFrame
) -> list[Section]:
    """Show the volumes: the plot in ml, and a table for each scale.

    Parameters
    ----------
    cases : DataFrame
        ``reference_ml`` and ``prediction_ml`` of the cases that count.
    limits : BlandAltman
        Of these, in ml.
    volumes : DataFrame
        From `fsh_core.studies.volume_agreement.volume_agreement`.
    """
    drawn = None
    if limits.n:
        panels = {
            "Predicted minus reference": (cases["reference_ml"], cases["prediction_ml"], limits)
        }
        drawn = draw_bland_altman(panels, what="lesion volume")
    plot = Section(
        "Volumes",
        f"{describe_limits(limits, 'The prediction')} {describe_slope(limits)}".strip(),
        drawn,
        "Difference of the volumes against their mean, a dot for each case",
        note="Lines: bias and limits of agreement of one scan (Bland and Altman 1999, 2007); "
        "shaded: their 95 % intervals.",
    )
    return [plot, *(_table_section(volumes, scale) for scale in SCALE_NAMES)]


def _table_section(volumes: pd.DataFrame, scale: str) -> Section:
    """One row per lesion load."""
    unit, signed = _UNITS[scale], scale != "ratio"
    rows = [
        [
            str(row["load"]),
            *(str(row[name]) for name in ("n_patients", "n", "n_left_out")),
            show(row["bias"], unit, signed),
            show_interval(row["bias_low"], row["bias_high"], unit, signed),
            show(row["lower"], unit, signed),
            show(row["upper"], unit, signed),
        ]
        for row in volumes[volumes["scale"] == scale].to_dict("records")
    ]
    left_out = int(
        volumes[(volumes["scale"] == scale) & (volumes["load"] == "all")]["n_left_out"].sum()
    )
    note = "No interval and no limits for fewer than five patients."
    if left_out:
        why = "both volumes are 0" if scale == "percent" else "a volume is 0"
        note += f" Left out, because {why}: {counted(left_out, 'scan')}."
    return Section(
        f"Volumes: {SCALE_NAMES[scale].lower()}", table=Table(_HEADINGS, rows), note=note
    )


def describe_limits(limits: BlandAltman, who: str) -> str:
    """Say bias and limits of agreement in a sentence."""
    if limits.patients < FEWEST_FOR_AN_INTERVAL:
        return "Limits of agreement need at least five patients."
    return (
        f"{who} differs by {show(limits.bias.value, '_ml', signed=True)} ml on average "
        f"({show_interval(limits.bias.low, limits.bias.high, '_ml', signed=True)}); 95 % of "
        f"differences are expected between {show(limits.lower.value, '_ml', signed=True)} "
        f"({show_interval(limits.lower.low, limits.lower.high, '_ml', signed=True)}) and "
        f"{show(limits.upper.value, '_ml', signed=True)} ml "
        f"({show_interval(limits.upper.low, limits.upper.high, '_ml', signed=True)})."
    )


def describe_slope(limits: BlandAltman) -> str:
    """Say the proportional bias in a sentence; empty where it is undefined."""
    slope = limits.slope
    if not np.isfinite(slope.value):
        return ""
    interval = show_interval(slope.low, slope.high, "ratio", signed=True)
    words = (
        "the difference does not clearly depend on the volume"
        if slope.low <= 0 <= slope.high
        else "the difference depends on the volume, so read the ratio or the limits by load"
    )
    value = show(slope.value, "ratio", signed=True)
    return f"Proportional bias {value} ml per ml ({interval or MISSING}): {words}."
