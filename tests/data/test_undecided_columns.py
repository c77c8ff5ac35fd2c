"""Columns that cannot be decided, later cells that do not fit, and what is declared."""

import pytest

from chainrule.data import (
    ColumnReading,
    TableReading,
    decide_kinds,
)
from chainrule.errors import DataError, InputError
from tests.data.raw_tables import raw

MANY = [str(n) for n in range(20)]
# name: (cells, options, the whole message)
ERRORS = {
    "thousands or decimals": (
        ["17", "1,234"],
        {},
        "f.csv, line 3, column 'x': '1,234' may be 1234 (',' between thousands) or 1.234 (',' as "
        "decimal sign), and no cell of the column shows which; declare the decimal sign "
        "(--decimal . or --decimal ,), or the column categorical",
    ),
    "decimal signs": (
        ["1.5", "2,5"],
        {},
        "f.csv, line 3, column 'x': '2,5' is not written like '1.5' in line 2: the decimal sign or "
        "the separator of thousands differs; write all numbers of the column alike, or declare the "
        "column categorical",
    ),
    "units": (
        [f"{n} kg" for n in range(20)] + ["1000 g"],
        {},
        "f.csv, line 22, column 'x': '1000 g' has the unit g, but 20 of the column's 21 cells have "
        "the unit kg; write all cells in one unit, or declare the column categorical",
    ),
    "percent and none": (
        ["0.5", "12 %", "0.25"],
        {},
        "f.csv, line 3, column 'x': '12 %' has the unit %, but 2 of the column's 3 cells have no "
        "unit; write all cells in one unit, or declare the column categorical",
    ),
    "currencies": (
        ["$5", "€6"],
        {},
        "f.csv, line 3, column 'x': '€6' has the unit €, but 1 of the column's 2 cells have the "
        "unit $; write all cells in one unit, or declare the column categorical",
    ),
    "a few other texts among numbers": (
        [*MANY, *["<5"] * 10],
        {},
        "f.csv, line 22, column 'x': '<5' is not a number, but 20 of the column's 30 cells are; "
        "correct the cell (leave the cell empty for a missing value), or declare the column "
        "categorical",
    ),
    "numbers below several limits": (
        [*map(str, range(20)), "<5", "<0.5", "<1", "<2", "<3"],
        {},
        "f.csv, line 22, column 'x': '<5' is not a number, but 20 of the column's 25 cells are; "
        "correct the cell (leave the cell empty for a missing value), or declare the column "
        "categorical",
    ),
    "day or month": (
        ["01/02/2020", "03/04/2020"],
        {},
        "f.csv, line 2, column 'x': '01/02/2020' may have the day or the month first, and no cell "
        "of the column shows which; declare the column date_dmy (--column NAME:date_dmy) or "
        "date_mdy, or write dates as 2020-03-31",
    ),
    "no date": (
        ["31/12/2020", "31/02/2020"],
        {},
        "f.csv, line 3, column 'x': '31/02/2020' is not a date (day/month/year), but the column is "
        "of dates; correct the cell (leave the cell empty for a missing value), or declare the "
        "column categorical",
    ),
    "declared month first": (
        ["05/06/2020", "13/06/2020"],
        {"columns": {"x": "date_mdy"}},
        "f.csv, line 3, column 'x': '13/06/2020' is not a date (month/day/year), but the column is "
        "of dates; correct the cell (leave the cell empty for a missing value), or declare the "
        "column categorical",
    ),
    "declared a date": (
        ["2020-01-01", "soon"],
        {"columns": {"x": "date"}},
        "f.csv, line 3, column 'x': 'soon' is not a date (year-month-day), but the column is of "
        "dates; correct the cell (leave the cell empty for a missing value), or declare the column "
        "categorical",
    ),
    "declared numeric": (
        ["1", "b", "c"],
        {"columns": {"x": "numeric"}},
        "f.csv, line 3, column 'x': 'b' is not a number, but the column is numeric; correct the "
        "cell, or leave the cell empty for a missing value",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_what_cannot_be_decided_is_an_error_that_names_a_row(name):
    cells, options, message = ERRORS[name]
    with pytest.raises(DataError) as caught:
        TableReading.decide(raw(*cells), **options)
    assert str(caught.value) == message


def test_features_of_a_date_do_not_hide_a_column():
    with pytest.raises(DataError, match=r"the column 'd' becomes 'd.year' and others, but"):
        decide_kinds(raw(**{"d.year": ["1", "2"], "d": ["2020-01-01", "2020-01-02"]}))


# name: (training cells, later cells, message)
LATER = {
    "number": (["1", "2"], ["b"], "'b' is not a number, but the column is numeric; correct"),
    "infinite": (["1", "2"], ["inf"], "'inf' is not a finite number; write a number"),
    "unit": (["1 kg", "2 kg"], ["3"], r"'3' is not a number as in the .* \(unit kg\); write it"),
    "comma": (["1,5", "2,5"], ["3.5"], r"'3.5' is not a number as .* \(decimal comma\); write"),
    "boolean": (["true", "false"], ["yes"], "'yes' is neither true nor false, but the column"),
    "thousands or decimals": (
        ["1200", "3.5"],
        ["1,200"],
        "'1,200' may be 1200 or 1.2, and the training table does not show which; write it without",
    ),
    "points of thousands": (["1,5", "2,5"], ["1.200"], "'1.200' may be 1.2 or 1200, and the"),
    "decimal sign": (["1200", "3.5"], ["12,5"], r"'12,5' is not .* table \(plain numbers\); write"),
    "new unit": (["1200", "3"], ["12 kg"], r"'12 kg' is not a number as in the .* \(plain numbers"),
    "other unit": (
        ["3万元", "8元"],
        ["3万"],
        r"'3万' is not a number as in .* \(currency 元, mult",
    ),
    "Chinese date": (
        ["2020年12月"],
        ["2020年13月"],
        r"'2020年13月' is not a date \(as 2020年3月31日",
    ),
    "date": (["31/12/2020"], ["12/31/2020"], r"'12/31/2020' is not a date \(day/month/year\)"),
}


# name: (training cells, later cells, numbers)
CERTAIN = {
    "thousands": (["1200", "3"], ["1,200.50", "1,234,567", "-2,000.0"], [1200.5, 1234567, -2000]),
    "spaces": (["1200", "3"], ["1 200", "1\u202f200,000"], [1200.0, None]),
    "multiplier": (["1200", "3"], ["1.2万", "1,200万", "0.5 亿"], [12000.0, 1.2e7, 5e7]),
    "decimal comma": (
        ["1,5", "2"],
        ["1.200,50", "1 200,5", "1.200.300"],
        [1200.5, 1200.5, 1200300],
    ),
    "currency": (["$12", "$3.5"], ["$1,200", "1 200 $"], [1200.0, 1200.0]),
    "Chinese unit": (["85元", "1200元"], ["1,200元", "3万元"], [1200.0, 30000.0]),
    "㎡": (["85㎡", "1200 ㎡"], ["1,200㎡"], [1200.0]),
    "other separator": (["1,200.5", "3"], ["1 200.5", "1'200"], [1200.5, 1200.0]),
}


@pytest.mark.parametrize("name", CERTAIN)
def test_later_numbers_that_are_written_otherwise_but_have_one_meaning(name):
    cells, later, values = CERTAIN[name]
    reading = TableReading.decide(raw(*cells))
    for cell, value in zip(later, values, strict=True):
        if value is None:
            with pytest.raises(DataError):
                reading.apply(raw(cell))
        else:  # what a cell means does not depend on the cells beside it
            assert reading.apply(raw(cell)).frame["x"].to_list() == [value]


@pytest.mark.parametrize("name", LATER)
def test_a_later_cell_that_does_not_fit_is_an_error(name):
    cells, later, message = LATER[name]
    reading = TableReading.decide(raw(*cells))
    with pytest.raises(DataError, match=rf"^f.csv, line 2, column 'x': {message}"):
        reading.apply(raw(*later))


def test_later_cells_that_fit():
    reading = TableReading.decide(raw("1,5", "2,5"))
    assert reading.apply(raw("7", "NA", " -0,5 ")).frame["x"].to_list() == [7.0, None, -0.5]
    reading = TableReading.decide(raw("31/12/2020", "13/01/2021"))
    assert reading.apply(raw("2021-01-01")).frame["x.age"].to_list() == [1.0]
    assert reading.apply(raw("2021年1月2日")).frame["x.age"].to_list() == [2.0]
    reading = TableReading.decide(raw("01", "02"))
    assert reading.apply(raw("3")).frame["x"].to_list() == ["3"]
    assert reading.apply(raw(**{"y": ["3"], "x": ["4"]})).columns == ("x",)
    reading = TableReading.decide(raw(a=["1"], b=["2"]))
    assert reading.apply(raw(a=["x"], b=["2"]), only=["b"]).frame.row(0) == (2.0, "x")
    reading = TableReading.decide(raw("31/12/2020", "13/01/2021"))
    assert reading.sources(["x.year", "y"]) == ("x",)
    with pytest.raises(DataError, match=r"^f.csv: the column 'x' of dates is missing; add it"):
        reading.apply(raw(y=["1"]), only=["x.year"])


def test_declarations():
    table = raw(a=["1,234", "5"], b=["-9", "1"], c=["1", "2"], d=["x", "y"])
    assert decide_kinds(table, decimal=".").frame["a"].to_list() == [1234.0, 5.0]
    made = decide_kinds(table, decimal=",", na=["-9"], columns={"c": "categorical"}, drop=["d"])
    assert made.frame.rows() == [(1.234, None, "1"), (5.0, 1.0, "2")]
    assert made.reading.column("d") == ColumnReading("d", "drop", marks=("-9",))
    points = raw("1.234", "5")
    assert decide_kinds(points).frame["x"].to_list() == [1.234, 5.0]
    assert decide_kinds(points, decimal=",").frame["x"].to_list() == [1234.0, 5.0]
    for options, message in (
        ({"columns": {"a": "text"}}, r"column 'a' must be one of 'numeric', .* got 'text'"),
        ({"columns": {"a": "date"}, "drop": ["a"]}, "declared date and to be left out"),
        ({"decimal": ";"}, r"`decimal` must be '.' or ',', got ';'"),
        ({"na": [""]}, r"`na` must be texts"),
        ({"drop": ["A"]}, "unknown column 'A'. Did you mean 'a'"),
        ({"drop": ["a", "b", "c", "d"]}, "all columns are left out"),
    ):
        with pytest.raises(InputError, match=message):
            decide_kinds(table, **options)
