"""Data frames of several libraries become the same table, and rows retain their numbers."""

import datetime
import decimal
import sys

import numpy as np
import polars as pl
import pytest

from chainrule.data import Table, decide_kinds
from chainrule.errors import DataError, InputTypeError

EXPECTED = [(1.0, 1.5, "a", "true"), (2.0, None, None, "false")]


def of_polars():
    return pl.DataFrame({"i": [1, 2], "f": [1.5, None], "s": ["a", None], "b": [True, False]})


def of_pandas():
    pd = pytest.importorskip("pandas")
    return pd.DataFrame({"i": [1, 2], "f": [1.5, np.nan], "s": ["a", None], "b": [True, False]})


def of_pandas_nullable():
    pd = pytest.importorskip("pandas")
    return pd.DataFrame(
        {
            "i": pd.array([1, 2], dtype="Int64"),
            "f": pd.array([1.5, None], dtype="Float64"),
            "s": pd.Categorical(["a", None]),
            "b": pd.array([True, False], dtype="boolean"),
        }
    )


def of_pandas_objects():
    pd = pytest.importorskip("pandas")
    return pd.DataFrame(
        {"i": [1, 2], "f": [1.5, None], "s": ["a", None], "b": [True, False]}, dtype=object
    )


def of_pyarrow():
    pa = pytest.importorskip("pyarrow")
    return pa.table({"i": [1, 2], "f": [1.5, None], "s": ["a", None], "b": [True, False]})


@pytest.mark.parametrize(
    "make", [of_polars, of_pandas, of_pandas_nullable, of_pandas_objects, of_pyarrow]
)
def test_every_library_gives_the_same_table(make):
    table = Table.from_frame(make())
    assert table.frame.rows() == EXPECTED
    assert table.frame.dtypes == [pl.Float64, pl.Float64, pl.String, pl.String]
    assert decide_kinds(table).frame.rows() == [(1.0, 1.5, "a", 1.0), (2.0, None, None, 0.0)]


def test_pandas_needs_no_pyarrow(monkeypatch):
    pd = pytest.importorskip("pandas")
    with pd.option_context("mode.string_storage", "python"):  # as where pyarrow is missing
        frame = of_pandas()
    for name in [name for name in sys.modules if name.partition(".")[0] == "pyarrow"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert Table.from_frame(frame).frame.rows() == EXPECTED


def test_pandas_columns_named_by_numbers_and_dates():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({0: [1.0, 2.0], 1: pd.to_datetime(["2020-01-02", None])}, index=[7, 9])
    table = Table.from_frame(frame)
    assert table.columns == ("0", "1")
    assert table.frame["1"].to_list() == ["2020-01-02 00:00:00", None]


def test_other_types_of_polars():
    table = Table.from_frame(
        pl.DataFrame(
            {
                "decimal": [decimal.Decimal("1.25")],
                "time": [datetime.time(1, 2, 3)],
                "nothing": [None],
            }
        )
    )
    assert table.frame.rows()[0][0] == 1.25
    assert table.frame.rows()[0][1].startswith("01:02:03")
    assert table.frame.dtypes == [pl.Float64, pl.String, pl.Float64]


@pytest.mark.parametrize(
    ("values", "kind"),
    [([[1, 2]], "List"), ([{"a": 1}], "Struct"), ([b"x"], "Binary"),
     ([datetime.timedelta(1)], "Duration")],
)  # fmt: skip
def test_cells_that_are_neither_numbers_nor_text_are_refused(values, kind):
    with pytest.raises(DataError, match=rf"X: column 'c' holds {kind}.*convert the column"):
        Table.from_frame(pl.DataFrame({"c": values}), source="X")


def test_mixed_objects_are_refused():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"c": pd.Series(["a", 3], dtype=object)})
    with pytest.raises(DataError, match=r"column 'c' holds Python objects \(int, str\); make all"):
        Table.from_frame(frame)


def test_a_lazy_frame_is_refused():
    with pytest.raises(InputTypeError, match=r"LazyFrame.*collect\(\)"):
        Table.from_frame(pl.DataFrame({"x": [1]}).lazy())


def test_doubled_names_of_pandas_are_refused():
    pd = pytest.importorskip("pandas")
    with pytest.raises(DataError, match="a unique name"):
        Table.from_frame(pd.DataFrame([[1, 2]], columns=["a", "a"]))


@pytest.mark.parametrize("frame", [pl.DataFrame(), pl.DataFrame({"x": []})])
def test_a_frame_without_cells_is_refused(frame):
    with pytest.raises(DataError, match="give at least one of each"):
        Table.from_frame(frame)


def test_rows_keep_their_places():
    frame = pl.DataFrame({"x": ["a", "b", "c"]})
    table = Table(frame, "f.csv", np.array([2, 5, 6]), "line", decided=False)
    part = table.take([2, 1]).take([1])
    assert part.frame.rows() == [("b",)]
    assert part.location(0, "x") == "f.csv, line 5, column 'x'"
    assert not part.decided
    assert table.n_rows == 3


def test_an_unknown_column_suggests_the_nearest():
    table = Table.from_frame(pl.DataFrame({"sepal_width": [1], "species": ["a"]}), source="X")
    with pytest.raises(DataError, match=r"X: unknown column 'Specis'. Did you mean 'species'"):
        table.series("Specis")
