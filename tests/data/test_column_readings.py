"""How columns are read: cases by name, formats against each other, the files of our trials."""

import datetime
import io
import json
from pathlib import Path
from unittest.mock import ANY

import numpy as np
import polars as pl
import pytest

from chainrule.data import (
    ClassTarget,
    ColumnReading,
    NumberTarget,
    Table,
    TableReading,
    decide_kinds,
    decide_targets,
    read_table,
)
from chainrule.errors import DataError, InputError, ModelFileError
from tests.costs.growth import ratio

TRIALS = Path(__file__).resolve().parents[2].parent / "shared" / "trials" / "tables"


def raw(*cells, **options):
    columns = options or {"x": list(cells)}
    frame = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
    return Table(frame, "f.csv", np.arange(2, 2 + frame.height), "line", decided=False)


MINUS_SIGNS = "x: minus signs U+2212, read as numbers"
CLOCK = "x: times of day, read as text: write them as hours (8.5) or minutes (510) to have numbers"
DURATIONS = "x: durations, read as text: write them in one unit (8.5 h) to have numbers"
# name: (cells, kind, values, decision line)
CASES = {
    "plain": (["1", "2.5", ""], "numeric", [1.0, 2.5, None], ""),
    "text": (["a", "b"], "categorical", ["a", "b"], ""),
    "full-width digits": (["５２１", "－１．５", "７"], "numeric", [521.0, -1.5, 7.0], MINUS_SIGNS),
    "times of day": (["08:30", "9:05"], "categorical", ["08:30", "9:05"], CLOCK),
    "durations": (["8h 30m", "2h"], "categorical", ["8h 30m", "2h"], DURATIONS),
    "seasons": (["2012-13", "2013-14"], "categorical", ["2012-13", "2013-14"], ""),
    "percent": (["12 %", "3.5%"], "numeric", [12.0, 3.5], "x: unit %, read as numbers"),
    "currency in front": (
        ["$1,200.50", "-$3", "$ 4"],
        "numeric",
        [1200.5, -3.0, 4.0],
        "x: currency $, thousands separator ',', read as numbers",
    ),
    "currency of thousands alone": (
        ["$1,200", "$2,500"],
        "numeric",
        [1200.0, 2500.0],
        "x: currency $, thousands separator ',', read as numbers",
    ),
    "euros": (
        ["€ 3,50", "€ 1.003,25"],
        "numeric",
        [3.5, 1003.25],
        "x: currency €, decimal comma, thousands separator '.', read as numbers",
    ),
    "parentheses": (
        ["(4.21)", "(3)", "1"],
        "numeric",
        [-4.21, -3.0, 1.0],
        "x: parentheses for negative numbers, read as numbers",
    ),
    "unit": (["3.5 kg", "-4 kg"], "numeric", [3.5, -4.0], "x: unit kg, read as numbers"),
    "万 and 亿": (
        ["8000", "1.2万", "4.35 萬", "0.5亿", "-1.2万亿"],
        "numeric",
        [8000.0, 12000.0, 43500.0, 5e7, -1.2e12],
        "x: multiplier 万 (10,000), multiplier 万亿 (1,000,000,000,000), multiplier 亿 "
        "(100,000,000), multiplier 萬 (10,000), read as numbers",
    ),
    "元": (
        ["1,200元", "3.2万元", "85元"],
        "numeric",
        [1200.0, 32000.0, 85.0],
        "x: currency 元, thousands separator ',', multiplier 万 (10,000), read as numbers",
    ),
    "元 for each": (
        ["12,500元/平米", "9,800元/平米"],
        "numeric",
        [12500.0, 9800.0],
        "x: unit 元/平米, thousands separator ',', read as numbers",
    ),
    "￥": (["￥1,200", "￥ 3万"], "numeric", [1200.0, 30000.0], ANY),
    "平米": (["89平米", "120.5 平米"], "numeric", [89.0, 120.5], "x: unit 平米, read as numbers"),
    "㎡": (["1,089㎡", "89.5㎡"], "numeric", [1089.0, 89.5], ANY),
    "岁": (["31岁", "8岁", "未知"], "categorical", ["31岁", "8岁", "未知"], ""),
    "％": (["31％", "8.5％"], "numeric", [31.0, 8.5], "x: unit ％, read as numbers"),
    "multipliers show the comma": (["1,200万", "1,300万"], "numeric", [1.2e7, 1.3e7], ANY),
    "names that are numbers": (["12路", "3路"], "categorical", ["12路", "3路"], ""),
    "numbers and more": (["2室1厅", "3室1厅"], "categorical", ["2室1厅", "3室1厅"], ""),
    "two exponents": (["1e3万", "2e3万"], "categorical", ["1e3万", "2e3万"], ""),
    "decimal comma": (["1,5", "2"], "numeric", [1.5, 2.0], "x: decimal comma, read as numbers"),
    "no thousands begin with 0": (
        ["0,123", "1,234"],
        "numeric",
        [0.123, 1.234],
        "x: decimal comma, read as numbers",
    ),
    "exponents show the comma": (
        ["1,234e+00", "2,500e+01"],
        "numeric",
        [1.234, 25.0],
        "x: decimal comma, read as numbers",
    ),
    "thousands": (
        ["1,234,567", "3"],
        "numeric",
        [1234567.0, 3.0],
        "x: thousands separator ',', read as numbers",
    ),
    "narrow spaces": (
        ["1\u202f234,5", "2"],
        "numeric",
        [1234.5, 2.0],
        "x: decimal comma, thousands separator ' ', read as numbers",
    ),
    "minus": (["\u22124", "2"], "numeric", [-4.0, 2.0], "x: minus signs U+2212, read as numbers"),
    "Fortran": (
        ["1.5D+03", "2d0"],
        "numeric",
        [1500.0, 2.0],
        "x: exponents with D, read as numbers",
    ),
    "hexadecimal": (
        ["0x1f", "0xA"],
        "categorical",
        ["0x1f", "0xA"],
        "x: hexadecimal numbers, read as text",
    ),
    "leading zeros": (
        ["007", "12"],
        "categorical",
        ["007", "12"],
        "x: whole numbers with leading zeros, read as text",
    ),
    "beyond 2^53": (
        ["9007199254740993", "1"],
        "categorical",
        ["9007199254740993", "1"],
        "x: whole numbers beyond 2^53, which float64 cannot represent: read as text",
    ),
    "beyond 2^53 and a mark": (
        ["9007199254740993", "NA"],
        "categorical",
        ["9007199254740993", "NA"],
        "x: whole numbers beyond 2^53, which float64 cannot represent: read as text",
    ),
    "years": (["1 year", "2 years"], "categorical", ["1 year", "2 years"], ""),
    "large but exact": (["100000000000000000000", "1"], "numeric", [1e20, 1.0], ""),
    "marks": (
        ["1", "NA", "n/a", "NA", "-"],
        "numeric",
        [1.0, None, None, None, None],
        "x: 'NA', '-', 'n/a' in 4 cells count as missing",
    ),
    "a mark and a comma": (
        ["1,5", "?"],
        "numeric",
        [1.5, None],
        "x: decimal comma, read as numbers; '?' in 1 cell counts as missing",
    ),
    "marks among text": (["none", "low", "?"], "categorical", ["none", "low", "?"], ""),
    "booleans": (
        ["True", "false", ""],
        "boolean",
        [1.0, 0.0, None],
        "x: true and false, read as one feature",
    ),
    "house numbers": (["12", "3a", "7b", "9c"], "categorical", ["12", "3a", "7b", "9c"], ""),
    "addresses": (["192.168.0.1", "10.0.0.1"], "categorical", ["192.168.0.1", "10.0.0.1"], ""),
    "tickets": (
        [str(n) for n in range(20)] + ["A/5 2", "PC 1", "C.A. 7", "SO 2"],
        "categorical",
        None,
        "",
    ),
    "empty": (["", " "], "empty", [None, None], ""),
}


@pytest.mark.parametrize("name", CASES)
def test_the_rule(name):
    cells, kind, values, line = CASES[name]
    table = raw(*cells)
    reading = TableReading.decide(table)
    (column,) = reading.columns
    assert column.kind == kind
    assert column.line == line
    assert reading.lines == ((column.line,) if line else ())
    applied = reading.apply(table)
    assert set(applied.frame.dtypes) <= {pl.Float64, pl.String}
    if values is not None:
        assert applied.frame["x"].to_list() == values
    restored = TableReading.from_dict(json.loads(json.dumps(reading.to_dict())))
    assert restored == reading
    assert restored.apply(table).frame.equals(applied.frame)
    assert decide_kinds(table).frame.equals(applied.frame)


@pytest.mark.parametrize(
    ("cells", "line", "day"),
    [
        (["2020-03-31", "2020-04-02"], "year-month-day", 31),
        (["31/03/2020", "02/04/2020"], "day/month/year", 31),
        (["03/31/2020", "4/2/2020"], "month/day/year", 31),
        (["2020年3月31日", "2020年04月02日"], "as 2020年3月31日", 31),
        (["2020年3月31日", "2020-04-02"], "as 2020年3月31日", 31),
        (["2020年3月", "2020年04月02日"], "as 2020年3月31日", 1),
        (["31.3.2020", "2.4.2020"], "day/month/year", 31),
        (["2020-03", "2020-04-02"], "year-month-day", 1),
        (["Mar 31, 2020", "April 2 2020"], "as Mar 31, 2020", 31),
        (["31-Mar-2020", "2 APR 2020"], "as Mar 31, 2020", 31),
        (["31st March 2020", "2020-04-02"], "as Mar 31, 2020", 31),
        (["2020-03-31T00:00:00Z", "2020-04-02 00:00"], "year-month-day", 31),
    ],
)
def test_dates_become_numbers(cells, line, day):
    made = decide_kinds(raw(*cells, "NA"))
    assert made.reading.lines == (
        f"x: dates ({line}), read as year, month, day of week, day of year and days since the "
        "earliest; 'NA' in 1 cell counts as missing",
    )
    dates = [datetime.date(2020, 3, day), datetime.date(2020, 4, 2)]
    assert made.columns == ("x.year", "x.month", "x.day_of_week", "x.day_of_year", "x.age")
    assert made.frame.rows() == [
        *(
            (d.year, d.month, d.isoweekday(), d.timetuple().tm_yday, (d - dates[0]).days)
            for d in dates
        ),
        (None,) * 5,
    ]


def test_decisions_in_chinese():
    made = decide_kinds(
        raw(
            price=["1.234,50 €", "−7,25 €", "NA"],
            day=["31.3.2020 10:00", "1.4.2020", "2.4.2020"],
            code=["007", "8", "9"],
            sold=["true", "false", "?"],
            worth=["8000元", "1.2万元", "3亿元"],
        ),
        drop=["code"],
    )
    assert made.reading.lines_in("zh") == (
        "price：货币 €、小数点为逗号、千位分隔符“.”、负号为 U+2212，读作数值；"
        "1 个单元格中的 'NA' 视为缺失",
        "day：日期（日/月/年，含时刻），读作年、月、星期几、一年中的第几天、小时和距最早日期的天数",
        "code：按声明不使用",
        "sold：真与假，读作一个特征；1 个单元格中的 '?' 视为缺失",
        "worth：货币 元、“万”按 10,000 倍计、“亿”按 100,000,000 倍计，读作数值",
    )


def test_multipliers_and_units_are_read_as_declared_and_stay_together():
    reading = TableReading.decide(raw("12.5万", "8000"), columns={"x": "numeric"})
    assert reading.apply(raw("3万", "1亿")).frame["x"].to_list() == [3e4, 1e8]
    with pytest.raises(DataError, match="line 3, column 'x': '2元' has the unit 元, but 2 of the"):
        decide_kinds(raw("3万", "2元", "8"))
    with pytest.raises(DataError, match="line 2, column 'x': '3号' is not a number"):
        decide_kinds(raw("3号", "4号"), columns={"x": "numeric"})


def test_chinese_dates_with_times():
    made = decide_kinds(raw("2021年3月5日 14:30", "2021年3月5日02:30:00"), columns={"x": "date"})
    assert made.reading.lines_in("zh") == (
        "x：日期（某年某月某日，含时刻），读作年、月、星期几、一年中的第几天、小时和距最早日期的天数",
    )
    assert made.frame["x.hour"].to_list() == [14.0, 2.0]
    assert made.frame["x.age"].to_list() == [0.5, 0.0]


@pytest.mark.parametrize(
    ("cell", "hour"),
    [
        ("03/31/2021 02:00 PM", 14.0),
        ("03/31/2021 2:30:15 pm", 14.0),
        ("03/31/2021 12:05AM", 0.0),
        ("3/31/2021 12:05 p.m.", 12.0),
        ("2021-03-31 11:59 P.M. +01:00", 23.0),
        ("2021年3月31日 1:00 AM", 1.0),
    ],
)
def test_times_of_twelve_hours(cell, hour):
    made = decide_kinds(raw(cell, cell))
    assert made.frame["x.hour"].to_list() == [hour] * 2
    with pytest.raises(DataError, match="line 3, column 'x': '03/31/2021 13:00 PM' is not a date"):
        decide_kinds(raw("03/31/2021 02:00 PM", "03/31/2021 13:00 PM"))


def test_hours_are_those_of_the_offset_that_all_cells_have():
    table = raw("2021-01-01T00:30:00+08:00", "2021-01-02 07:30 +0800")
    made = decide_kinds(table)
    assert made.frame["x.hour"].to_list() == [0.0, 7.0]
    assert made.frame["x.year"].to_list() == [2021.0, 2021.0]
    assert made.frame["x.age"].to_list() == pytest.approx([0.0, 1 + 7 / 24])
    assert made.reading.lines[0].endswith("; in the local time that is written, +08:00")
    assert TableReading.from_dict(made.reading.to_dict()) == made.reading
    later = made.reading.apply(raw("2021-01-02T00:00:00Z", "2021-01-02T09:00:00+09:00"))
    assert later.frame["x.hour"].to_list() == [8.0, 8.0]
    with pytest.raises(DataError, match=r"'2021-01-02 08:00' has no offset from UTC, .* \+08:00"):
        made.reading.apply(raw("2021-01-02 08:00"))


def test_hours_are_of_utc_where_offsets_differ():
    made = decide_kinds(raw("2021-01-01T00:30:00+08:00", "2021-01-02 07:30 -01:30"))
    assert made.frame["x.hour"].to_list() == [16.0, 9.0]
    assert made.reading.lines[0].endswith("; offsets from UTC differ, so hours are those of UTC")


def test_a_type_with_a_zone_has_the_hours_of_that_zone():
    times = pl.Series("x", [datetime.datetime(2021, 1, 1, 20)]).dt.replace_time_zone("UTC")
    frame = times.dt.convert_time_zone("Asia/Shanghai").to_frame()
    assert decide_kinds(Table.from_frame(frame)).frame["x.hour"].to_list() == [4.0]


def test_the_first_files_have_no_zone():
    record = decide_kinds(raw("2021-01-01 07:30", "2021-01-02")).reading.columns[0].to_dict()
    del record["zone"]
    assert ColumnReading.from_dict(record).zone == 0


def test_the_first_files_have_neither_remarks_nor_multipliers():
    record = ColumnReading("x", "boolean").to_dict()
    del record["multipliers"]
    del record["remarks"]
    reading = ColumnReading.from_dict({**record, "why": "as it was stated"})
    assert reading.line == "x: as it was stated"
    assert ColumnReading.from_dict({**record, "kind": "numeric", "why": ""}).line == ""


@pytest.mark.parametrize(("kind", "month", "day"), [("date_dmy", 6, 5), ("date_mdy", 5, 6)])
def test_a_declaration_says_whether_the_day_is_first(kind, month, day):
    made = decide_kinds(raw("05/06/2020", "07/08/2020"), columns={"x": kind})
    assert made.frame["x.month"][0] == month
    assert made.frame["x.day_of_year"][0] == datetime.date(2020, month, day).timetuple().tm_yday
    restored = TableReading.from_dict(made.reading.to_dict())
    assert restored.apply(raw("05/06/2020")).frame["x.month"].to_list() == [month]


def test_times_add_the_hour_and_zones_are_converted():
    made = decide_kinds(raw("2020-03-31T23:30:00-02:00", "2020-03-31 12:00:00.5"))
    assert made.frame["x.hour"].to_list() == [1.0, 12.0]
    assert made.frame["x.month"].to_list() == [4.0, 3.0]
    assert made.frame["x.age"].to_list() == [pytest.approx(13.5 / 24, abs=1e-4), 0.0]


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


def mixed():
    """Return a frame whose types a CSV file does not have."""
    return pl.DataFrame(
        {
            "whole": [1, 2, None],
            "half": [0.5, None, 1.5],
            "flag": [True, False, None],
            "text": ["a", "b", None],
            "price": ["$1,200.50", "$3", "$4"],
            "comma": ["1,5", "NA", "2,5"],
            "code": ["01", "02", "10"],
            "big": [2**53, 2**53 + 1, 1],
            "day": [datetime.date(2020, 2, 28), datetime.date(2020, 3, 1), None],
            "time": [datetime.datetime(2020, 2, 28, 13, 30), None, datetime.datetime(2020, 1, 1)],
        }
    )


def as_csv(frame):
    return frame.write_csv().encode()


def as_parquet(frame):
    data = io.BytesIO()
    frame.write_parquet(data)
    return data.getvalue()


def check_same(table, later):
    expected = decide_kinds(Table.from_frame(mixed()))
    made = decide_kinds(table)
    assert made.frame.equals(expected.frame)
    assert made.reading.lines == expected.reading.lines
    # What was decided from one format is applied to another.
    assert made.reading.apply(later).frame.equals(expected.frame)
    assert expected.reading.apply(table).frame.equals(expected.frame)


@pytest.mark.parametrize("written", [as_csv, as_parquet])
def test_every_format_gives_the_same_table(tmp_path, written):
    path = tmp_path / "t"
    path.write_bytes(written(mixed()))
    check_same(read_table(path), Table.from_frame(mixed()))


@pytest.mark.peers("pandas", "pyarrow")
@pytest.mark.parametrize("library", ["pandas", "pandas csv", "pyarrow"])
def test_every_library_gives_the_same_table(tmp_path, library):
    pd = pytest.importorskip("pandas")
    if library == "pyarrow":
        frame = mixed().to_arrow()
    else:
        frame = pd.DataFrame({n: pd.Series(mixed()[n].to_list(), dtype=object) for n in ("text",)})
        for name in ("whole", "half"):
            frame[name] = mixed()[name].to_numpy()
        frame["flag"] = pd.array([True, False, None], dtype="boolean")
        for name in ("price", "comma", "code"):
            frame[name] = mixed()[name].to_list()
        frame["big"] = np.array([2**53, 2**53 + 1, 1])
        for name in ("day", "time"):
            frame[name] = pd.to_datetime(pd.Series(mixed()[name].to_list()))
        frame = frame[mixed().columns]
    if library == "pandas csv":
        frame.to_csv(tmp_path / "t.csv", index=False)
        assert b"True" in (tmp_path / "t.csv").read_bytes()
        check_same(read_table(tmp_path / "t.csv"), Table.from_frame(frame))
    else:
        check_same(Table.from_frame(frame), Table.from_frame(mixed()))


@pytest.mark.parametrize(
    ("table", "labels", "kind"),
    [
        (raw("True", "False", "TRUE"), ("False", "TRUE"), np.str_),
        (Table.from_frame(pl.DataFrame({"x": [True, False, True]})), (False, True), np.bool_),
        (raw("9007199254740993", "9007199254740992", "9007199254740993"),
         (2**53, 2**53 + 1), np.int64),
        (Table.from_frame(pl.DataFrame({"x": [2**60 + 1, 2**60, 2**60 + 1]})),
         (2**60, 2**60 + 1), np.int64),
        (raw("01", "002", "01"), ("002", "01"), np.str_),
    ],
)  # fmt: skip
def test_labels_come_back_as_they_were(table, labels, kind):
    target = decide_targets(table, "x")
    assert target == ClassTarget("x", labels)
    assert ClassTarget.from_dict(json.loads(json.dumps(target.to_dict()))) == target
    made = decide_kinds(table)
    codes = target.codes(made)
    np.testing.assert_array_equal(codes, target.codes(table))
    decoded = target.decode(codes[:, np.newaxis].astype(float))
    assert decoded.dtype.type is kind
    assert [str(label).lower() for label in decoded] == [
        str(cell).lower() for cell in table.series("x").to_list()
    ]


def test_text_of_a_frame_that_is_plain_numbers_stays_text_and_says_so():
    made = decide_kinds(Table.from_frame(pl.DataFrame({"x": ["1", "2"]})))
    assert made.frame["x"].to_list() == ["1", "2"]
    assert made.reading.lines == (
        "x: text in the data frame, though all cells are numbers: read as categories",
    )
    assert made.reading.apply(raw("1", "2")).frame.equals(made.frame)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "other"},
        {"decimal": ";"},
        {"thousands": "."},
        {"marks": [3]},
        {"words": ["no", "yes"]},
        {"labels": "float"},
        {"multipliers": ["dozen"]},
        {"multipliers": [[]]},
        {"times": 1},
        {"kind": "date", "earliest": "soon"},
        {"remarks": None},
        {"remarks": [{"key": "unheard", "values": {}}]},
        {"remarks": [{"key": "marks", "values": {"marks": "'NA'"}}]},
        {"remarks": [{"key": "leading_zeros", "values": [1]}]},
    ],
)
def test_damaged_records_are_refused(change):
    record = ColumnReading("x", "numeric").to_dict()
    assert ColumnReading.from_dict(record) == ColumnReading("x", "numeric")
    with pytest.raises(ModelFileError, match="damaged") as caught:
        ColumnReading.from_dict({**record, **change})
    assert len(str(caught.value).splitlines()) == 1
    with pytest.raises(ModelFileError, match="named once"):
        TableReading.from_dict({"columns": [record, record]})


def test_many_columns_take_time_in_proportion():
    wide, narrow = (raw(**{f"c{i}": ["1.5", "2"] for i in range(width)}) for width in (4000, 500))
    assert ratio(lambda: decide_kinds(wide), lambda: decide_kinds(narrow), 16) < 16


# name: the first row of the decided table, or the error behind the file's name
TRIAL_TABLES = {
    "01a_trailing_rows": (8.44, 3.79, "hi"),
    "04a_decimal_comma": (8.44, 3.79, "hi"),
    "04b_decimal_comma_with_NA": (8.44, 3.79, "hi"),
    "04c_decimal_comma_exponent": (8.44, 3.79, "hi"),
    "04d_decimal_comma_target": (8.44, 3.79, 14.09),
    "05a_thousands": (1835.72, 3.79, "hi"),
    "07a_percent": (8.44, 3.79, "hi"),
    "07b_percent_target": (8.44, 3.79, 14.09),
    "08a_currency": (1844.5, 3.79, "hi"),
    "08c_paren_negative": (8.44, 3.79, "hi"),
    "09b_minus": (8.44, 3.79, "hi"),
    "11a_sep": (8.44, 3.79, "hi"),
    "12a_hash": (8.44, 3.79, "hi"),
    "14a_big_class": (8.44, 3.79, "9007199254740993"),
    "14c_leading_zeros": (8.44, 3.79, "01"),
    "15b_units_short": "line 2, column 'a': 'm' is not a number, but all cells below it are; ",
    "17a_na": (8.44, 3.79, "hi"),
    "17c02": (8.44, 3.79, "hi"),
    "17c04": (8.44, 3.79, "hi"),
    "17c06": (8.44, 3.79, "hi"),
    "17c11": "line 5, column 'a': '<5' is not a number, but 30 of the column's 40 cells are; ",
    "18a_tab_commas_in_names": (8.44, 3.79, "hi"),
    "18c_semicolon_names_decimal_comma": (8.44, 3.79, 14.09),
    "28b_fortran": (8.44, 3.79, "hi"),
    "28d_hex": ("0x34c", 3.79, "hi"),
    "29a_bool": (0.0, 3.79, 1.0),
    "35b_utf16": (8.44, 3.79, "hi"),
    "38a_single": (8.44, 3.79, "hi"),
    "41a_price": (16.0, 0.16, 40.0),
    "41f_kg": (38.0, 4.3, 95.0),
    "420_dc_mark": (9.56, 4.74, "hi"),
    "42x_dc_spacethousand": (10474.5, 4.74, "hi"),
    "43a_semicolon_names": (9.56, 4.74, "hi"),
}


@pytest.mark.parametrize("name", TRIAL_TABLES)
def test_the_tables_of_the_trials(name):
    path, expected = TRIALS / f"{name}.csv", TRIAL_TABLES[name]
    if not path.exists():
        pytest.skip(f"no {name}.csv beside the repository, in shared/trials/tables")
    table = read_table(path)
    if isinstance(expected, str):
        with pytest.raises(DataError) as caught:
            decide_kinds(table)
        assert str(caught.value).startswith(f"{path}, {expected}")
        return
    made = decide_kinds(table)
    assert made.frame.row(0) == expected
    target = decide_targets(made, made.columns[-1])
    assert isinstance(target, NumberTarget if isinstance(expected[-1], float) and "bool" not in name
                      else ClassTarget)  # fmt: skip


def test_every_table_of_the_trials_is_tested():
    if not TRIALS.is_dir():
        pytest.skip("no shared/trials/tables beside the repository")
    assert {path.stem for path in TRIALS.glob("*.csv")} <= set(TRIAL_TABLES)
