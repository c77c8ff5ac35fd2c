"""How columns are read: cases by name."""

import json
from unittest.mock import ANY

import polars as pl
import pytest

from chainrule.data import (
    ColumnReading,
    TableReading,
    decide_kinds,
)
from chainrule.errors import DataError
from tests.data.raw_tables import raw

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


def test_the_first_files_have_neither_remarks_nor_multipliers():
    record = ColumnReading("x", "boolean").to_dict()
    del record["multipliers"]
    del record["remarks"]
    reading = ColumnReading.from_dict({**record, "why": "as it was stated"})
    assert reading.line == "x: as it was stated"
    assert ColumnReading.from_dict({**record, "kind": "numeric", "why": ""}).line == ""
