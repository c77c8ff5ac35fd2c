"""The figures of what was read."""

import json

import polars as pl

from chainrule.data import ClassTarget, NumberTarget, Table, summarize


def table():
    return Table.from_frame(
        pl.DataFrame(
            {
                "x": [1.5, None, 2.0],
                "c": ["a", None, None],
                "gone": pl.Series([None] * 3, dtype=pl.String),
                "y": [1.0, 2.0, 2.0],
                "z": [0.5, 1.5, 2.5],
            }
        ),
        source="f.csv",
    )


def test_figures_of_classes():
    summary = summarize(table(), ClassTarget("y", (1, 2)))
    assert summary.to_dict() == {
        "source": "f.csv",
        "rows": 3,
        "columns": 5,
        "numeric": ["x", "z"],
        "categorical": ["c"],
        "dates": [],
        "empty": ["gone"],
        "targets": ["y"],
        "missing": {"x": 1, "c": 2, "gone": 3},
        "classes": [[1, 1], [2, 2]],
    }
    assert json.loads(json.dumps(summary.to_dict())) == summary.to_dict()


def test_lines_of_a_regression():
    assert summarize(table(), NumberTarget(("y", "z"))).lines() == [
        "3 rows, 5 columns: 1 numeric, 1 categorical, 1 empty, 2 targets",
        "target 'y', 'z': numbers (regression)",
        "6 missing cells: 'x' 1, 'c' 2, 'gone' 3",
    ]


def test_a_column_of_dates_counts_once():
    frame = pl.DataFrame({"day": ["2020-03-01", None, "2020-03-04"], "y": [1.0, 2.0, 4.0]})
    summary = summarize(Table.from_frame(frame), NumberTarget(("y",)))
    assert summary.lines()[::2] == [
        "3 rows, 2 columns: 1 of dates, 1 target",
        "1 missing cell: 'day' 1",
    ]


def test_many_classes_are_cut_short():
    numbers = [float(i) for i in range(9)]
    frame = pl.DataFrame({"x": numbers, "t": numbers})
    lines = summarize(Table.from_frame(frame), ClassTarget("t", tuple(range(9)))).lines()
    assert lines[1] == "target 't' of 9 classes: 0 1, 1 1, 2 1, 3 1, 4 1, 5 1, 3 more"
