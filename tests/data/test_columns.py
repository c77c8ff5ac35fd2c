"""The rule that decides numbers and categories, and the numbers themselves against Python's."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.data import Table, column_kinds, decide_kinds, numbers, texts
from chainrule.data.columns import number_text
from chainrule.data.csv_text import NUMBER
from chainrule.errors import DataError, InputError


def raw(cells, name="x"):
    """Return a table as it comes from a CSV file with one column."""
    frame = pl.DataFrame({name: cells}, schema={name: pl.String})
    return Table(frame, "f.csv", np.arange(2, 2 + len(cells)), "line", decided=False)


def kind(cells):
    return column_kinds(decide_kinds(raw(cells)))["x"]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1", "-2.5", "+.5e-3", "5.", "1E5", "007"], "numeric"),
        (["1", None, "", "  ", "2"], "numeric"),
        ([" 1", "2 ", "\t3"], "numeric"),
        (["a", "b"], "categorical"),
        (["1"] * 8 + ["a"] * 2, "categorical"),
        (["1_000", "2_000"], "categorical"),
        (["0x10", "true"], "categorical"),
        (["١", "٢"], "categorical"),
        (["nan", "inf"], "categorical"),
        (["1,2", "a"], "categorical"),
        ([None, "", " "], "empty"),
        (["01", "2"], "categorical"),
        (["1", "NA", "2"], "numeric"),
        (["nan", "1"], "numeric"),
    ],
)
def test_the_rule(cells, expected):
    assert kind(cells) == expected


@given(st.lists(st.sampled_from(["1", "2.5", "-3", "x", "", " "]), min_size=1, max_size=60))
def test_ninety_percent_is_the_border(cells):
    present = [cell for cell in cells if cell.strip()]
    n_numbers = sum(cell != "x" for cell in present)
    if present and n_numbers < len(present) and n_numbers / len(present) >= 0.9:
        line = cells.index("x") + 2
        with pytest.raises(DataError, match=f"f.csv, line {line}, column 'x': 'x' is not a number"):
            decide_kinds(raw(cells))
    elif not present:
        assert kind(cells) == "empty"
    else:
        assert kind(cells) == ("numeric" if n_numbers == len(present) else "categorical")


def test_the_message_for_a_bad_cell_states_both_remedies():
    with pytest.raises(DataError) as caught:
        decide_kinds(raw(["1"] * 9 + ["4O"]))
    assert str(caught.value) == (
        "f.csv, line 11, column 'x': '4O' is not a number, but 9 of the column's 10 cells are; "
        "correct the cell (leave the cell empty for a missing value), or declare the column "
        "categorical"
    )


@pytest.mark.parametrize("word", ["inf", "-Inf", "+INF", "Infinity", "1e999"])
@pytest.mark.parametrize("share", [1, 9])
def test_what_is_not_finite_is_refused_among_numbers(word, share):
    with pytest.raises(
        DataError, match=r"line 3, column 'x': .*not a finite.*leave the cell empty"
    ):
        decide_kinds(raw(["1.5"] + [word] * share))


@pytest.mark.parametrize("cell", ["1e151", "-1e308"])
def test_numbers_too_large_to_square_are_refused(cell):
    message = rf"line 3, column 'x': '{cell}' is too large to compute with.*in a larger unit"
    with pytest.raises(DataError, match=message):
        decide_kinds(raw(["1e150", cell]))
    with pytest.raises(DataError, match=message):
        numbers(raw(["1e150", cell]), "x")
    frame = Table.from_frame(pl.DataFrame({"x": [1.0, float(cell)]}))
    with pytest.raises(DataError, match=r"row 1, column 'x': .* too large to compute with"):
        decide_kinds(frame)


@pytest.mark.parametrize("mark", ["NA", "n/a", "null", "None", "?", "-", "nan"])
def test_marks_of_missing_count_as_missing_however_many(mark):
    table = decide_kinds(raw(["1", "2", f" {mark}", mark, mark, mark]))
    assert table.frame["x"].to_list() == [1.0, 2.0, None, None, None, None]
    assert table.reading.lines == (f"x: '{mark}' in 4 cells count as missing",)


def test_marks_among_categories_are_categories():
    assert kind(["none", "low", "high", "1"]) == "categorical"


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["3,14", "2,5"], [3.14, 2.5]),
        (["1.234,5", "-2,0"], [1234.5, -2.0]),
        (["1,234,567", "2"], [1234567.0, 2.0]),
    ],
)
def test_decimal_commas_and_thousands_are_read(cells, values):
    assert decide_kinds(raw(cells)).frame["x"].to_list() == values


def test_declarations_override():
    table = raw(["01", "2", "nan"])
    assert decide_kinds(table, categorical=["x"]).frame["x"].to_list() == ["01", "2", "nan"]
    with pytest.raises(DataError, match="line 3, column 'x': 'b' is not a number, but the column"):
        decide_kinds(raw(["1", "b", "c", "d"]), numeric=["x"])
    assert decide_kinds(raw(["01", "2"]), numeric=["x"]).frame["x"].to_list() == [1.0, 2.0]
    with pytest.raises(InputError, match="both categorical and numeric"):
        decide_kinds(table, categorical=["x"], numeric=["x"])
    with pytest.raises(DataError, match=r"unknown column 'X'. Did you mean 'x'"):
        decide_kinds(table, categorical=["X"])


def test_frames_keep_their_kinds_unless_overruled():
    table = Table.from_frame(pl.DataFrame({"s": ["1", "2"], "f": [1.0, 2.5]}))
    assert column_kinds(decide_kinds(table)) == {"s": "categorical", "f": "numeric"}
    turned = decide_kinds(table, categorical=["f"], numeric=["s"])
    assert turned.frame.rows() == [(1.0, "1"), (2.0, "2.5")]


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_frames_with_nan_are_refused(number):
    table = Table.from_frame(pl.DataFrame({"f": [1.0, number]}), source="X")
    for declared in ((), ("f",)):
        with pytest.raises(DataError, match=r"X, row 1, column 'f': .*not a finite number"):
            decide_kinds(table, categorical=declared)


def test_deciding_twice_changes_nothing():
    once = decide_kinds(raw(["1", ""]))
    assert decide_kinds(once).frame.equals(once.frame)


def test_numbers_marks_missing_by_nan_and_is_writable():
    values = numbers(raw(["1", "", " 3 "]), "x")
    np.testing.assert_array_equal(values, [1.0, np.nan, 3.0])
    values[0] = 7


def test_texts_strips_and_marks_missing_by_null():
    assert texts(raw([" a b ", "", "  ", None]), "x").to_list() == ["a b", None, None, None]


@given(st.lists(st.floats(-1e150, 1e150), min_size=1, max_size=20))
def test_numbers_are_read_to_the_last_bit(values):
    np.testing.assert_array_equal(numbers(raw([repr(v) for v in values]), "x"), values)


@given(st.text(st.sampled_from("0123456789+-.eE"), min_size=1, max_size=9))
def test_numbers_are_those_that_python_reads(text):
    read = raw([text]).frame["x"].cast(pl.Float64, strict=False)[0]
    expected = float(text) if NUMBER.fullmatch(text) else None
    assert read == expected


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_number_text_reads_back(number):
    assert float(number_text(number)) == number
