"""Every table is read back as it was written, and no spreadsheet runs it."""

import io
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsh_core.errors import InputError
from fsh_core.tables import COMMA, TAB, format_table, read_table


def again(table, separator, **types):
    return read_table(io.StringIO(format_table(table, separator)), separator, types)


@pytest.mark.parametrize("separator", [TAB, COMMA])
def test_dates_and_differences_come_back(separator):
    table = pd.DataFrame(
        {
            "date": [20231105.0, np.nan],  # a column with a gap is one of floats
            "change": ["-1.5", "2"],  # a number, though its type is text
            "volume_ml": [0.1 + 0.2, 1e-17],
            "n": [3, -4],
            "is_new": [True, False],
            "label": ["007", "n-1"],
        }
    )
    text = format_table(table, separator)
    assert text.splitlines()[1].split(separator)[:3] == ["20231105", "-1.5", "0.30000000000000004"]
    found = again(table, separator)
    assert found["date"].iloc[0] == 20231105
    assert math.isnan(found["date"].iloc[1])
    assert found["change"].tolist() == [-1.5, 2]
    assert found["volume_ml"].tolist() == [0.1 + 0.2, 1e-17]
    assert found["n"].tolist() == [3, -4]
    assert found["is_new"].tolist() == [True, False]
    assert found["label"].tolist() == ["007", "n-1"]


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=8))
@settings(max_examples=200, deadline=None)
def test_every_float_comes_back(values):
    table = pd.DataFrame({"value": values})
    for separator in (TAB, COMMA):
        found = again(table, separator, value=float)["value"].to_numpy()
        np.testing.assert_array_equal(found, np.array(values, dtype=float))


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=6), min_size=1, max_size=6))
@settings(max_examples=300, deadline=None)
def test_every_text_comes_back(texts):
    texts = [text for text in texts if text != "n/a"] or ["x"]
    table = pd.DataFrame({"text": texts, "n": range(len(texts))}, dtype=object)
    for separator in (TAB, COMMA):
        assert again(table, separator, text=str)["text"].tolist() == texts


@pytest.mark.parametrize("text", ["=1+1", "+x", "-x", "@a", "\tx", "\rx", "'=a", "-"])
@pytest.mark.parametrize("separator", [TAB, COMMA])
def test_a_formula_is_text_in_cells_and_headings(text, separator):
    table = pd.DataFrame({text: [text, "plain"]})
    heading, cell = format_table(table, separator).lstrip('"').split("plain")[0], f"'{text}"
    assert heading.startswith(cell)
    assert heading.count(cell) == 2
    found = again(table, separator)
    assert list(found.columns) == [text]
    assert found[text].tolist() == [text, "plain"]


def test_what_would_not_come_back_stays_text():
    text = "site\tbig\tcode\n1\t12345678901234567\t01\nn/a\t1\t+5\n"
    table = read_table(io.StringIO(text), TAB)
    assert table["big"].tolist() == ["12345678901234567", "1"]
    assert table["code"].tolist() == ["01", "+5"]
    assert table["site"].iloc[0] == 1
    assert format_table(table, TAB) == text


def test_no_table_is_said(tmp_path):
    path = tmp_path / "cases.tsv"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"cases\.tsv: expected a table with tabs, cannot be read"):
        read_table(path, TAB)
    path.write_bytes(b"")
    with pytest.raises(InputError, match="expected a table with tabs"):
        read_table(path, TAB)


def test_a_mark_of_byte_order_is_no_part_of_the_heading(tmp_path):
    path = tmp_path / "cases.csv"
    path.write_bytes("case,n\na,1\n".encode("utf-8-sig"))
    assert list(read_table(path)) == ["case", "n"]


def test_numbers_on_several_lines_of_one_cell_are_text(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text('lines,long,few\n"1\n2",1234567890123456789,1\n3,4,n/a\n', encoding="utf-8")
    table = read_table(path)
    assert table["lines"].tolist() == ["1\n2", "3"]
    assert table["long"].tolist() == ["1234567890123456789", "4"]
    assert table["few"].isna().tolist() == [False, True]
