"""The lesion table of a page."""

import math
from collections.abc import Callable
from typing import NamedTuple

import pandas as pd

MISSING = "–"
_WHOLE_FROM_MM3 = 10.0
TABLE_NOTE = (
    "Largest first. Diameter: that of a ball of equal volume. Longest: the longest diameter in "
    "3-D, and within one axial slice, between the centres of two voxel faces. Position: a point "
    "inside the lesion, in mm from the scan's origin towards the patient's right (R) or left (L), "
    "anterior (A) or posterior (P), superior (S) or inferior (I). Contrast: mean intensity over "
    "that of the tissue around. The table file has the bounding box, too."
)


class _Column(NamedTuple):
    """A column of the page: heading, unit, source columns, and number format."""

    heading: str
    unit: str
    takes: tuple[str, ...]
    write: Callable[..., str]


def lesion_cells(lesions: pd.DataFrame) -> tuple[list[tuple[str, str]], list[tuple[str, ...]]]:
    """Write a lesion table: headings with their units, and the cells of each row.

    Columns in which no lesion has anything to say are left out: the region of a scan that
    was not registered, a border that none touches.
    """
    written = [
        (
            column,
            [
                column.write(*values)
                for values in zip(*(lesions[name] for name in column.takes), strict=True)
            ],
        )
        for column in _COLUMNS
        if set(column.takes) <= set(lesions.columns)
    ]
    shown = [(column, cells) for column, cells in written if not set(cells) <= {"", MISSING}]
    rows = list(zip(*(cells for _, cells in shown), strict=True))
    return [(column.heading, column.unit) for column, _ in shown], rows


def format_ratio(value: float) -> str:
    """Write a ratio with two digits; a dash where there is none."""
    return f"{value:.2f}" if math.isfinite(value) else MISSING


def _percent(value: float) -> str:
    return f"{100 * value:.0f}" if math.isfinite(value) else MISSING


def _towards(letters: str, value: float) -> str:
    """Write a coordinate with its direction: R 18 or L 18."""
    return f"{letters[value < 0]} {abs(round(value))}"


def _longest(*sizes_mm: float) -> str:
    """Write lengths beside each other; a dash for one that is not known."""
    return ", ".join(f"{size:.1f}" if math.isfinite(size) else MISSING for size in sizes_mm)


def _mm3(value: float) -> str:
    return f"{value:,.0f}" if value >= _WHOLE_FROM_MM3 else f"{value:.1f}"


def _words(keys: str) -> str:
    return keys.replace(";", ", ").replace("_", " ")


_COLUMNS = (
    _Column("Lesion", "", ("label",), str),
    _Column("Volume", "mm³", ("volume_mm3",), _mm3),
    _Column("Diameter", "mm", ("equivalent_diameter_mm",), lambda value: f"{value:.1f}"),
    _Column("Longest", "3-D, axial, mm", ("longest_diameter_mm", "axial_diameter_mm"), _longest),
    _Column("Region", "", ("region",), _words),
    _Column("R, L", "mm", ("inside_r_mm",), lambda value: _towards("RL", value)),
    _Column("A, P", "mm", ("inside_a_mm",), lambda value: _towards("AP", value)),
    _Column("S, I", "mm", ("inside_s_mm",), lambda value: _towards("SI", value)),
    _Column(
        "Parts",
        "if split",
        ("parts",),
        lambda value: f"{value:.0f}" if math.isfinite(value) else MISSING,
    ),
    _Column("Probability", "mean", ("mean_probability",), format_ratio),
    _Column("Real", "chance, %", ("confidence",), _percent),
    _Column("Contrast", "ratio", ("contrast",), format_ratio),
    _Column("May be", "", ("flags",), _words),
    _Column(
        "Border", "of the image", ("touches_border",), lambda touches: "touches" if touches else ""
    ),
)
