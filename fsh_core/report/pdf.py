"""A page of results as PDF: the same parts as `fsh_core.report.page.page_html`, on A4.

Nothing but matplotlib is needed, and nothing in the file is of the clock.
"""

import io
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from fsh_core.figures.style import INK, QUIET, RULE
from fsh_core.report.lettering import FAMILY, break_lines, known_letters, width_of
from fsh_core.report.page import Number, Section, Table

_WIDTH, _HEIGHT = 595.0, 842.0  # A4 in points
_MARGIN = 45.0
_TEXT, _SMALL, _HEADING, _TITLE = 8.5, 7.0, 11.5, 18.0  # letters, in points
_OF_TABLES = (_SMALL, 6.5, 6.0, 5.5)  # the largest in which no cell is broken
_LINE = 1.4  # of the size of the letters
_GAP = 10.0  # between columns, in points
_ABOVE_HEADING, _BELOW_HEADING = 14.0, 3.0
_HEADER = "F.sh: multiple-sclerosis lesions on FLAIR MRI. Research software, not a medical device"
_FOOTER = "Made by F.sh {version}, which sends no data anywhere."
_BULLET = "• "
# From matplotlib 3.11 on f and i are drawn as one sign, which a search for the word does not find.
_LETTERS_ALONE: dict[str, Any] = (
    {"fontfeatures": ("-liga",)} if hasattr(Text, "set_fontfeatures") else {}
)


def page_pdf(
    title: str,
    subtitle: str,
    numbers: Sequence[Number],
    sections: Sequence[Section],
    definitions: Mapping[str, str],
) -> bytes:
    """Make a PDF of the parts of a page; the same parts give the same bytes.

    Parameters
    ----------
    title, subtitle, numbers, sections, definitions
        As for `fsh_core.report.page.page_html`. The picture of a section is a page of its own;
        a letter that the font does not have is a question mark.

    Returns
    -------
    bytes
        The file. Rows and lines that are too long go on in a new line, long tables on a new page
        with their headings again.
    """
    buffer = io.BytesIO()
    facts = {"Title": title, "Creator": f"F.sh {version('fsh-ms')}", "CreationDate": None}
    with PdfPages(buffer, metadata=facts) as pdf:
        sheet = _Sheet(pdf)
        sheet.write(_HEADER, _SMALL, colour=QUIET)
        sheet.write(title, _TITLE, weight="bold")
        sheet.write(subtitle, _TEXT, colour=QUIET)
        sheet.skip(_TEXT)
        for number in numbers:
            unit = f" {number.unit}" if number.unit else ""
            sheet.write(f"{number.name}: {number.value}{unit}", _TEXT)
        for section in sections:
            _write_section(sheet, section)
        if definitions:
            sheet.head("What the names mean")
            for name, meaning in definitions.items():
                sheet.write(f"{name}: {meaning}", _SMALL, colour=QUIET)
        sheet.skip(_TEXT)
        sheet.write(_FOOTER.format(version=version("fsh-ms")), _SMALL, colour=QUIET)
        sheet.end()
    return buffer.getvalue()


def _write_section(sheet: "_Sheet", section: Section) -> None:
    sheet.head(section.heading)
    if section.text:
        sheet.write(section.text, _TEXT)
    for point in section.points:
        sheet.write(f"{_BULLET}{point}", _TEXT)
    if section.figure is not None:
        sheet.add(section.figure)
    if section.table is not None:
        _write_table(sheet, section.table)
    if section.note:
        sheet.write(section.note, _SMALL, colour=QUIET)


class _Sheet:
    """Pages that are written from top to bottom."""

    def __init__(self, pdf: PdfPages) -> None:
        self._pdf = pdf
        self._begin()

    def _begin(self) -> None:
        # Inches have 72 points; with 72 dots an inch a size in points is one in dots.
        self._figure = Figure(figsize=(_WIDTH / 72, _HEIGHT / 72), dpi=72)
        self._left = _HEIGHT - _MARGIN  # how high the next line may reach, in points

    def end(self) -> None:
        """Put the page into the file."""
        self._pdf.savefig(self._figure)  # type: ignore[no-untyped-call]

    def need(self, height: float) -> bool:
        """Begin a new page where there is no room for so much; tell whether that was so."""
        if self._left - height >= _MARGIN:
            return False
        self.end()
        self._begin()
        return True

    def skip(self, height: float) -> None:
        """Leave some room."""
        self._left -= height

    def add(self, figure: Figure) -> None:
        """Put a picture on a page of its own."""
        self.end()
        self._pdf.savefig(figure)  # type: ignore[no-untyped-call]
        self._begin()

    def head(self, text: str) -> None:
        """Write a heading, never as the last line of a page."""
        if not self.need(_ABOVE_HEADING + _LINE * (_HEADING + 3 * _TEXT)):
            self.skip(_ABOVE_HEADING)
        self.write(text, _HEADING, weight="bold")
        self.skip(_BELOW_HEADING)

    def write(self, text: str, size: float, colour: str = INK, weight: str = "normal") -> None:
        """Write a paragraph."""
        for line in break_lines(known_letters(text), size, _WIDTH - 2 * _MARGIN):
            self.need(size * _LINE)
            self.row([(line, _MARGIN)], size, colour, weight)

    def row(
        self,
        words: Iterable[tuple[str, float]],
        size: float,
        colour: str = INK,
        weight: str = "normal",
    ) -> None:
        """Write words in one line, each from a place on."""
        self._left -= size * _LINE
        for word, place in words:
            self._figure.text(
                place / _WIDTH,
                self._left / _HEIGHT,
                word,
                fontsize=size,
                color=colour,
                family=FAMILY,
                weight=weight,
                parse_math=False,
                **_LETTERS_ALONE,
            )

    def rule(self) -> None:
        """Draw a line across the page."""
        height = (self._left - 2.5) / _HEIGHT
        ends = [_MARGIN / _WIDTH, 1 - _MARGIN / _WIDTH]
        self._figure.add_artist(Line2D(ends, [height, height], color=RULE, linewidth=0.6))
        self._left -= 2.5


def _write_table(sheet: _Sheet, table: Table) -> None:
    headings = [
        known_letters(f"{name} ({unit})" if unit else name) for name, unit in table.headings
    ]
    rows = [[known_letters(cell) for cell in row] for row in table.rows]
    size, widths = _layout([headings, *rows])
    places = [_MARGIN + sum(widths[:column]) for column in range(len(widths))]

    def head() -> None:
        _write_row(sheet, headings, size, widths, places, QUIET)
        sheet.rule()

    head()
    for row in rows:
        lines = max(
            len(break_lines(cell, size, width - _GAP))
            for cell, width in zip(row, widths, strict=True)
        )
        if sheet.need(lines * size * _LINE):
            head()
        _write_row(sheet, row, size, widths, places, INK)


def _write_row(
    sheet: _Sheet,
    cells: Sequence[str],
    size: float,
    widths: Sequence[float],
    places: Sequence[float],
    colour: str,
) -> None:
    columns = [
        break_lines(cell, size, width - _GAP) for cell, width in zip(cells, widths, strict=True)
    ]
    for line in range(max(map(len, columns))):
        words = zip(columns, places, strict=True)
        sheet.row([(own[line], place) for own, place in words if line < len(own)], size, colour)


def _layout(rows: Sequence[Sequence[str]]) -> tuple[float, list[float]]:
    """Return the size of a table's letters, and the widths of its columns, in points.

    Each has what it needs; where that is too much also for the smallest letters, the narrowest are
    served first, so that only what is long is broken.
    """
    room = _WIDTH - 2 * _MARGIN
    columns = list(zip(*rows, strict=True))
    for size in _OF_TABLES:
        wanted = [max(width_of(cell, size) for cell in column) + _GAP for column in columns]
        if sum(wanted) <= room:
            return size, wanted
    given = dict.fromkeys(range(len(wanted)), 0.0)
    for place, column in enumerate(sorted(given, key=lambda column: wanted[column])):
        given[column] = min(wanted[column], room / (len(wanted) - place))
        room -= given[column]
    return size, list(given.values())
