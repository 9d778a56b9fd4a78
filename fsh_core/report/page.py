"""A page of results for people: one self-contained HTML file that prints on A4."""

import math
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from fsh_core.figures import to_png
from fsh_core.files import write_atomically
from fsh_core.report.html import embed, render
from fsh_core.studies.statistics import patients_of

_TEMPLATE = Path(__file__).with_name("page.html")
# Where the number of decimals changes, so that three figures are shown or so.
_SMALLEST_SHOWN_ML, _SMALL_ML = 0.0005, 0.1  # what is less is 0.00
_ONE_DECIMAL_FROM_MM = 10.0
_SMALLEST_P = 0.001
_MINUS = "\N{MINUS SIGN}"
MISSING = "–"

Row = Mapping[Any, Any]


class Number(NamedTuple):
    """A number for the top of the page, with its name and unit."""

    name: str
    value: str
    unit: str = ""


class Table(NamedTuple):
    """Cells as they are shown.

    Attributes
    ----------
    headings : sequence of (str, str)
        Heading and unit of each column.
    rows : sequence of sequence of str
        The cells; the first of a row is its name.
    shades : sequence of sequence of float or None
        How strongly the background of each cell is tinted, 0 to 1.
    """

    headings: Sequence[tuple[str, str]]
    rows: Sequence[Sequence[str]]
    shades: Sequence[Sequence[float]] | None = None


class Section(NamedTuple):
    """A section of the page: heading; optionally text, a picture, a table and a note."""

    heading: str
    text: str = ""
    figure: Figure | None = None
    figure_says: str = ""
    table: Table | None = None
    note: str = ""
    points: Sequence[str] = ()


def write_page(
    path: str | Path,
    title: str,
    subtitle: str,
    numbers: Sequence[Number],
    sections: Sequence[Section],
    definitions: Mapping[str, str],
) -> None:
    """Write a page: what `page_html` gives.

    Parameters
    ----------
    path : path
        Ends in .html.
    title, subtitle, numbers, sections, definitions
        As for `page_html`.

    Raises
    ------
    InputError
        If the file cannot be written; nothing is left behind.
    """
    write_atomically(path, page_html(title, subtitle, numbers, sections, definitions))


def page_html(
    title: str,
    subtitle: str,
    numbers: Sequence[Number],
    sections: Sequence[Section],
    definitions: Mapping[str, str],
) -> str:
    """Make a page that asks for nothing from outside: pictures and style are inside.

    Parameters
    ----------
    title, subtitle : str
        What the page is about, and what it was made from.
    numbers : sequence of Number
        What a reader wants to know first.
    sections : sequence of Section
        In reading order.
    definitions : mapping of str to str
        What each name on the page means.
    """
    return render(
        _TEMPLATE,
        title=title,
        subtitle=subtitle,
        numbers=numbers,
        sections=[
            section._asdict() | {"picture": embed(to_png(section.figure)) if section.figure else ""}
            for section in sections
        ],
        definitions=definitions,
        version=version("fsh-ms"),
    )


def show(value: float, column: str, signed: bool = False) -> str:
    """Format a number by its column's unit: ``0.812``, ``12.3``, ``+0.42``; a dash for NaN."""
    if not math.isfinite(value):
        return MISSING
    unit = column.rpartition("_")[2]
    size = abs(value)
    by_unit = {
        "ml": 2 + (_SMALLEST_SHOWN_ML <= size < _SMALL_ML),
        "mm": 2 - (size >= _ONE_DECIMAL_FROM_MM),
        "lesions": 0,
        "count": 1,
    }
    digits = by_unit.get(unit, 3)
    plain = f"{value:,.{digits}f}"
    if float(plain.replace(",", "")) == 0:
        return f"{0:.{digits}f}"  # without a sign
    text = f"{value:+,.{digits}f}" if signed else plain
    return text.replace("-", _MINUS)


def show_interval(low: float, high: float, column: str, signed: bool = False) -> str:
    """Write an interval: ``0.71 to 0.85``; a dash where it is undefined."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return MISSING
    return f"{show(low, column, signed)} to {show(high, column, signed)}"


def show_p(value: float) -> str:
    """Write a p-value: ``0.031``, ``< 0.001``; a dash where there is none."""
    if not math.isfinite(value):
        return MISSING
    return "< 0.001" if value < _SMALLEST_P else f"{value:.3f}"


def count_patients(cases: pd.DataFrame) -> list[Number]:
    """Say how many patients and scans a case table has: a scan more is not a patient more."""
    patients = len(set(patients_of(cases)))
    return [Number("Patients", f"{patients:,}"), Number("Scans", f"{len(cases):,}")]


def by_name(table: pd.DataFrame, column: str) -> dict[str, Row]:
    """Rows of a table by what one of its columns calls them."""
    return {str(row[column]): row for row in table.to_dict("records")}


def failures_section(failures: Sequence[tuple[str, str]], heading: str) -> list[Section]:
    """Name the cases that could not be used; no section when there are none."""
    return [Section(heading, points=[sentence for _, sentence in failures])] if failures else []
