"""The same table in every format; records of readings; the tables of our trials."""

import datetime
import io
import json
from pathlib import Path

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
from chainrule.errors import DataError, ModelFileError
from tests.costs.growth import ratio
from tests.data.raw_tables import raw

TRIALS = Path(__file__).resolve().parents[2].parent / "shared" / "trials" / "tables"


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
