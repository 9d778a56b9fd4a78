"""Pages of results: how numbers are written, and the pictures on them."""

import numpy as np
import pytest

from fsh_core.errors import InputError
from fsh_core.figures import to_png
from fsh_core.figures.measurement_agreement import draw_bland_altman, draw_differences
from fsh_core.report.page import (
    MISSING,
    Number,
    Section,
    Table,
    show,
    show_interval,
    show_p,
    write_page,
)
from fsh_core.studies.bland_altman import Estimate, bland_altman

FIRST = np.array([1.0, 5.0, 20.0, 60.0])


@pytest.mark.parametrize(
    ("value", "column", "signed", "expected"),
    [
        (0.8123, "dice", False, "0.812"),
        (12.345, "prediction_ml", False, "12.35"),
        (0.0031, "prediction_ml", False, "0.003"),
        (1234.5, "prediction_ml", False, "1,234.50"),
        (-0.25, "volume_difference_ml", True, "\N{MINUS SIGN}0.25"),
        (0.25, "volume_difference_ml", True, "+0.25"),
        (-1e-9, "volume_difference_ml", True, "0.00"),
        (3.456, "hd95_mm", False, "3.46"),
        (34.56, "hd95_mm", False, "34.6"),
        (7, "reference_lesions", False, "7"),
        (float("nan"), "dice", False, MISSING),
        (float("inf"), "hd95_mm", True, MISSING),
    ],
)
def test_numbers_are_written_as_their_unit_deserves(value, column, signed, expected):
    assert show(value, column, signed) == expected


def test_intervals_and_p_values():
    assert show_interval(0.1, 0.25, "dice") == "0.100 to 0.250"
    assert show_interval(float("nan"), 0.25, "dice") == MISSING
    assert [show_p(value) for value in (0.0312, 0.0001, float("nan"))] == [
        "0.031",
        "< 0.001",
        MISSING,
    ]


def test_a_page_holds_what_it_is_given_and_nothing_from_outside(tmp_path):
    section = Section(
        "Numbers",
        "A < B.",
        draw_bland_altman({"t": (FIRST, FIRST + 1, bland_altman(FIRST, FIRST + 1))}),
        "A picture",
    )
    table = Section(
        "Cells",
        table=Table([("Name", "unit")], [["a<b"]], [[0.5]]),
        note="A note.",
        points=["One thing."],
    )
    path = tmp_path / "page.html"
    write_page(
        path,
        "Title & more",
        "subtitle",
        [Number("Cases", "4", "of 5")],
        [section, table],
        {"Dice": "Overlap."},
    )
    page = path.read_text()
    for text in (
        "Title &amp; more",
        "A &lt; B.",
        "a&lt;b",
        'alt="A picture"',
        "A note.",
        "One thing.",
        "Overlap.",
    ):
        assert text in page
    assert "rgb(0 114 178 / 0.50)" in page
    assert "http:" not in page
    assert "https:" not in page
    assert "<script" not in page


def test_a_page_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        write_page(tmp_path / "file" / "page.html", "t", "s", [], [], {})


def test_the_limits_are_where_they_were_computed():
    first = np.array([*FIRST, 7.0])
    second = first + np.array([1.0, -1.0, 2.0, 4.0, 0.5])
    found = bland_altman(first, second)
    axes = draw_bland_altman({"second - first": (first, second, found)}).axes[0]
    lines = sorted({float(np.asarray(line.get_ydata())[0]) for line in axes.lines})
    assert lines == pytest.approx(
        sorted([0.0, found.bias.value, found.lower.value, found.upper.value])
    )
    dots = axes.collections[-1].get_offsets()
    assert dots[:, 0].tolist() == pytest.approx(((first + second) / 2).tolist())
    assert dots[:, 1].tolist() == pytest.approx((second - first).tolist())


@pytest.mark.parametrize("count", [1, 2, 4])
def test_panels_for_several_pairs_share_a_scale(count):
    panels = {
        f"pair {one}": (FIRST, FIRST + one, bland_altman(FIRST, FIRST + one))
        for one in range(count)
    }
    figure = draw_bland_altman(panels)
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert len(shown) == count
    assert len({axes.get_ylim() for axes in shown}) == 1
    assert shown[0].get_ylim()[1] > count - 1


def test_equal_or_single_measurements_can_be_drawn():
    for first, second in (([2.0, 3.0], [2.0, 3.0]), ([0.0], [0.0]), ([2.0], [5.0])):
        figure = draw_bland_altman({"t": (first, second, bland_altman(first, second))})
        low, high = figure.axes[0].get_ylim()
        assert low < min(0, second[0] - first[0]) <= max(0, second[0] - first[0]) < high
        assert to_png(figure).startswith(b"\x89PNG")


def test_differences_are_drawn_a_dot_for_each_case_the_same_every_time():
    differences = {"Dice": [0.1, -0.2, np.nan], "Lesion F1": [0.0, 0.3, 0.3]}
    intervals = {"Dice": Estimate(-0.05, -0.2, 0.1), "Lesion F1": Estimate(0.2, np.nan, np.nan)}
    figures = [draw_differences(differences, intervals, ("A", "B")) for _ in range(2)]
    dots = [len(one.get_offsets()) for one in figures[0].axes[0].collections]
    assert dots == [2, 3]
    assert figures[0].axes[0].get_xlabel() == "B minus A"
    assert to_png(figures[0]) == to_png(figures[1])
