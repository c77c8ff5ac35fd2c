"""How dates and times are read, and which numbers they become."""

import datetime

import polars as pl
import pytest

from chainrule.data import (
    ColumnReading,
    Table,
    TableReading,
    decide_kinds,
)
from chainrule.errors import DataError
from tests.data.raw_tables import raw


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
