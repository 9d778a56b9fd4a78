"""The PDF of a page: the same bytes, every word, and tables that go on over pages."""

import re

from matplotlib.figure import Figure

from fsh_core.report.lettering import break_lines, width_of
from fsh_core.report.page import Number, Section, Table
from fsh_core.report.pdf import page_pdf
from tests.core.report.pdf_text import text_of


def pages_of(payload: bytes) -> int:
    return len(re.findall(rb"/Type /Page\b", payload))


def make(sections=(), title: str = "A title") -> bytes:
    numbers = [Number("Scans", "4"), Number("Median volume", "1.2", "ml")]
    return page_pdf(title, "What it is of", numbers, sections, {"Dice": "Overlap, 0 to 1."})


def test_every_part_is_in_it_and_the_bytes_are_the_same() -> None:
    section = Section(
        "Numbers",
        text="Some text.",
        table=Table([("", ""), ("Volume", "ml")], [["first", "1.0"], ["second", "2.0"]]),
        note="A note.",
        points=["one point"],
    )
    payload = make([section])
    said = text_of(payload)
    for text in (
        *("A title", "What it is of", "Scans: 4", "Median volume: 1.2 ml", "Numbers", "Some text."),
        *("one point", "Volume (ml)", "first", "2.0", "A note.", "Dice: Overlap, 0 to 1."),
    ):
        assert text in said
    assert make([section]) == payload
    assert b"CreationDate" not in payload
    assert pages_of(payload) == 1


def test_a_long_table_goes_on_with_its_headings() -> None:
    rows = [[f"case {number}", "x"] for number in range(200)]
    payload = make([Section("Cases", table=Table([("Name", ""), ("Sign", "")], rows))])
    said = text_of(payload).splitlines()
    pages = pages_of(payload)
    assert pages > 2
    assert said.count("Name") == pages
    assert [line for line in said if line.startswith("case ")] == [row[0] for row in rows]


def test_what_is_too_long_is_broken_and_nothing_is_lost() -> None:
    long = "word " * 60 + "a" * 300
    lines = break_lines(long, 8, 200)
    assert all(width_of(line, 8) <= 200 for line in lines)
    assert "".join(lines).replace(" ", "") == long.replace(" ", "")
    said = text_of(make([Section("Files", table=Table([("", ""), ("", "")], [[long, "z" * 64]]))]))
    assert said.count("z") == 64
    assert said.count("a") >= 300


def test_text_is_no_formula_and_unknown_letters_are_question_marks() -> None:
    said = text_of(make(title="$x$ costs (5) \\ 李"))
    assert "$x$ costs (5) \\ ?" in said


def test_a_picture_is_a_page_of_its_own() -> None:
    assert pages_of(make([Section("Picture", figure=Figure(figsize=(4, 3)))])) == 3
