"""Files of every format and compression give the same table; so does standard input."""

import bz2
import datetime
import gzip
import io
import lzma
import os
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

from chainrule.data import as_table, column_kinds, decide_kinds, read_table
from chainrule.errors import InputTypeError

TEXT = b"x,y\n1,a\n2,b\n"
ZSTD = bytes.fromhex("28b52ffd200c610000782c790a312c610a322c620a")  # TEXT, by zstd itself


def compressed(name):
    return {
        "plain": lambda: TEXT,
        "gzip": lambda: gzip.compress(TEXT),
        "gzip in two parts": lambda: gzip.compress(TEXT[:5]) + gzip.compress(TEXT[5:]),
        "bzip2": lambda: bz2.compress(TEXT),
        "xz": lambda: lzma.compress(TEXT),
        "zstd": lambda: ZSTD,
    }[name]()


COMPRESSIONS = ["plain", "gzip", "gzip in two parts", "bzip2", "xz", "zstd"]


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_the_first_bytes_tell_the_compression(tmp_path, compression):
    path = tmp_path / "table.csv"  # the name does not
    path.write_bytes(compressed(compression))
    table = decide_kinds(read_table(path))
    assert table.frame.rows() == [(1.0, "a"), (2.0, "b")]
    assert table.rows.tolist() == [2, 3]


def test_zstd_keeps_quotes_blank_lines_and_lines(tmp_path):
    pa = pytest.importorskip("pyarrow")
    text = 'x,y\n"1","a\n\n""b"""\n\n\n2,é\n'.encode()
    path = tmp_path / "t.csv.zst"
    path.write_bytes(pa.compress(text, codec="zstd", asbytes=True))
    table = read_table(path)
    assert table.frame.rows() == [("1", 'a\n\n"b"'), ("2", "é")]
    assert table.rows.tolist() == [2, 7]


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_standard_input(monkeypatch, compression):
    stream = io.TextIOWrapper(io.BytesIO(compressed(compression)))
    monkeypatch.setattr("sys.stdin", stream)
    table = read_table("-")
    assert table.source == "standard input"
    assert table.frame.rows() == [("1", "a"), ("2", "b")]


def test_a_header_that_begins_like_bzip2(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"BZh9,y\n1,2\n")
    assert read_table(path).columns == ("BZh9", "y")


def test_parquet_states_its_kinds(tmp_path):
    path = tmp_path / "t.parquet"
    pl.DataFrame(
        {
            "whole": [1, None],
            "half": [0.5, 1.5],
            "digits": ["01", "02"],
            "flag": [True, None],
            "day": [datetime.date(2020, 1, 2), None],
            "gone": pl.Series([None, None], dtype=pl.Int32),
            "kind": pl.Series(["u", "v"], dtype=pl.Categorical),
            "sort": pl.Series(["u", "v"], dtype=pl.Enum(["v", "u"])),
        }
    ).write_parquet(path)
    table = decide_kinds(read_table(path))
    days = ["day.year", "day.month", "day.day_of_week", "day.day_of_year", "day.age"]
    assert table.columns == ("whole", "half", "digits", "flag", *days, "gone", "kind", "sort")
    assert table.frame.rows() == [
        (1.0, 0.5, "01", 1.0, 2020.0, 1.0, 4.0, 2.0, 0.0, None, "u", "u"),
        (None, 1.5, "02", None, None, None, None, None, None, None, "v", "v"),
    ]
    kinds = column_kinds(table)
    assert kinds["flag"] == "numeric"  # one feature, not two categories
    assert kinds["gone"] == "empty"
    assert {kinds[name] for name in days} == {"numeric"}
    assert [name for name in kinds if kinds[name] == "categorical"] == ["digits", "kind", "sort"]
    assert table.location(1) == f"{path}, row 1"


def test_parquet_is_known_by_its_first_bytes(tmp_path):
    path = tmp_path / "t.csv"
    pl.DataFrame({"x": [1.5]}).write_parquet(path)
    assert read_table(path).frame.rows() == [(1.5,)]


def test_as_table_takes_paths_frames_and_tables(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(TEXT)
    table = as_table(str(path))
    assert as_table(table) is table
    assert as_table(os.fspath(path)).columns == as_table(path).columns == ("x", "y")
    assert as_table(pl.DataFrame({"x": [1]}), source="X").location(0) == "X, row 0"


@pytest.mark.parametrize("data", [b"x", 3, [1, 2], np.zeros((2, 2)), {"x": [1]}, None])
def test_as_table_refuses_other_types(data):
    with pytest.raises(InputTypeError, match="data frame") as caught:
        as_table(data)
    assert len(str(caught.value).splitlines()) == 1


def test_importing_the_floor_imports_no_reader():
    code = (
        "import sys, chainrule.data; "
        "print([m for m in ('polars', 'narwhals', 'pandas', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# Published sizes, kinds and missing cells of the shared data sets, from the table that comes with
# them: rows, numeric features, categorical features, missing cells by column (None: in a number of
# columns), target's classes (None: regression).
SHARED = {
    "california_housing": (20640, 8, 1, {"total_bedrooms": 207}, None),
    "adult": (48842, 6, 8, 6465, 2),
    "wine_quality": (6497, 11, 0, {}, 7),
    "abalone": (4177, 7, 1, {}, None),
    "concrete": (1030, 8, 0, {}, None),
    "kin8nm": (8192, 8, 0, {}, None),
    "pima_diabetes": (768, 8, 0, {}, 2),
    "german_credit": (1000, 7, 13, {}, 2),
    "letter": (20000, 16, 0, {}, 26),
    "covertype_20k": (20000, 54, 0, {}, 7),
}


@pytest.mark.parametrize("name", SHARED)
def test_shared_data_sets_read_as_their_table_says(shared_data, name):
    from chainrule.data import Preprocessor, decide_targets, holdout, summarize
    from chainrule.data.targets import ClassTarget

    n_rows, n_numeric, n_categorical, missing, n_classes = SHARED[name]
    path = shared_data / f"{name}.csv.gz"
    if not path.exists():
        pytest.skip(f"{path.name} is not there")
    table = decide_kinds(read_table(path))
    target = decide_targets(table, "target")
    summary = summarize(table, target)
    assert summary.n_rows == n_rows
    assert (len(summary.numeric), len(summary.categorical)) == (n_numeric, n_categorical)
    if isinstance(missing, int):
        assert sum(summary.missing.values()) == missing
        assert len(summary.missing) == 3
        assert set(summary.missing) <= set(summary.categorical)
    else:
        assert summary.missing == missing
    assert (len(target.labels) if isinstance(target, ClassTarget) else None) == n_classes
    codes = target.codes(table) if isinstance(target, ClassTarget) else None
    train, held_out = holdout(table.n_rows, 0.2, seed=0, classes=codes)
    preprocessor = Preprocessor.fit(table.take(train), exclude=target.names)
    for rows in (train, held_out):
        part = preprocessor.apply(table.take(rows))
        assert part.matrix.shape == (len(rows), preprocessor.n_features)
        assert np.isfinite(part.matrix).all()
    # Undecided, as at prediction, gives the same bits.
    raw = read_table(path).take(held_out)
    np.testing.assert_array_equal(preprocessor.transform(raw), part.matrix)
    np.testing.assert_array_equal(target.encode(raw), target.encode(table.take(held_out)))


def test_the_shared_table_is_the_one_checked_here(shared_data):
    assert {path.name.removesuffix(".csv.gz") for path in shared_data.glob("*.csv.gz")} == set(
        SHARED
    )
