"""One case for every kind of bad table: the class of the error, and one line that states the
location, the value and the remedy."""

import bz2
import gzip
import io
import lzma
import os
import random
import re

import polars as pl
import pytest

from chainrule.data import Preprocessor, decide_kinds, decide_targets, holdout, read_table
from chainrule.errors import DataError, InputError

ZSTD = bytes.fromhex("28b52ffd200c610000782c790a312c610a322c620a")


def learn(path, target="t"):
    """Go the way of `chainrule train` up to the matrices."""
    table = decide_kinds(read_table(path))
    wanted = decide_targets(table, target)
    codes = wanted.codes(table) if hasattr(wanted, "codes") else None
    train, _ = holdout(table.n_rows, 0.5, seed=0, classes=codes)
    part = table.take(train)
    return Preprocessor.fit(part, exclude=wanted.names).transform(part), wanted.encode(part)


def parquet(frame=pl.DataFrame({"x": [1.0, 2.0, 3.0, 4.0], "t": [0, 1, 0, 1]})):  # noqa: B008
    data = io.BytesIO()
    frame.write_parquet(data)
    return data.getvalue()


GOOD = b"x,c,t\n1,a,0\n2,b,1\n3,a,0\n4,b,1\n"

# name: (bytes of the file, what the message states: location, value, remedy)
CASES = {
    "empty": (b"", r"the file is empty; it needs a header row"),
    "only spaces": (b" \n\r\n ", r"the file is empty; it needs a header row"),
    "only a mark": (b"\xef\xbb\xbf", r"the file is empty; it needs a header row"),
    "header only": (b"x,t\n", r"has a header but no rows of data; add rows"),
    "header without line end": (b"x,t", r"header but no rows of data; add rows"),
    "header and blank lines": (b"x,t\n\n\r\n\n", r"header but no rows of data; add rows"),
    "single header and blank lines": (b"t\n\n\n", r"header but no rows of data; add rows"),
    "doubled name": (
        b"x,t, x\n1,2,3\n",
        r"line 1: columns 1 and 3 are both named 'x'; give every column a unique name",
    ),
    "no name": (b",t\n1,2\n", r"line 1: column 1 of 2 has no name; name it, or write the table"),
    "no header": (b"1.5,2\n2.5,3\n", r"line 1: the header holds only numbers .* put a row with"),
    "short row": (b"x,t\n1,2\n3\n", r"line 3: has 1 cell where the header has 2; complete or"),
    "long row": (
        b'x,t\n"1\n",2\n\n3,4,5\n',
        r"line 5: has 3 cells where the header has 2; .*put quotes around a cell that contains ','",
    ),
    "short row among odd quotes": (b'x,t\n1,2" pipe\n3\n', r"line 3: has 1 cell where the header"),
    "open quote": (b'x,t\n1,2\n3,"4\n5,6\n', r"line 3: a quote \(\"\) is never closed; close it"),
    "text behind a quote": (b'x,t\n1,"a"b\n', r"line 2: .*close every quote"),
    "latin 1": (
        b"x,t\n1,a\n2,\xe9\n",
        r"line 3: the byte 0xe9 is not UTF-8 text; save the file as",
    ),
    "cut utf 16": ("x,t\n1,2\n".encode("utf-16")[:-1], r"begins like UTF-16 text, .*; save the"),
    "utf 16 without mark": ("x,t\n1,2\n".encode("utf-16-le"), r"line 1: holds a NUL byte"),
    "a zip file": (
        b"PK\x03\x04rest",
        r"is a zip file, but not an Excel workbook .*; save the table",
    ),
    "pdf": (b"%PDF-1.7", r"is a PDF file; save the table as CSV or Parquet"),
    "cut gzip": (gzip.compress(GOOD)[:-9], r"the gzip data cannot be decompressed .*fetch or"),
    "damaged gzip": (
        gzip.compress(GOOD)[:12] + b"junk" * 9,
        r"the gzip data cannot be decompressed",
    ),
    "cut bzip2": (bz2.compress(GOOD)[:-9], r"the bzip2 data cannot be decompressed .*fetch or"),
    "cut xz": (lzma.compress(GOOD)[:-9], r"the xz data cannot be decompressed .*fetch or"),
    "cut zstd": (ZSTD[:-4], r"the zstd data cannot be decompressed .*fetch or"),
    "empty gzip": (gzip.compress(b""), r"the compressed file is empty; it needs a header row"),
    "parquet in name only": (b"PAR1 and nothing else", r"cannot be read as Parquet .*; fetch or"),
    "cut parquet": (parquet()[:-20], r"cannot be read as Parquet .*; fetch or write"),
    "parquet without rows": (
        parquet(pl.DataFrame({"x": [], "t": []}, schema={"x": pl.Float64, "t": pl.Int64})),
        r"has 0 rows and 2 columns; give at least one of each",
    ),
    "parquet of lists": (
        parquet(pl.DataFrame({"x": [[1], [2]], "t": [0, 1]})),
        r"column 'x' holds List.*convert the column, or leave it out",
    ),
    "parquet with nan": (
        parquet(pl.DataFrame({"x": [1.0, float("nan")], "t": [0, 1]})),
        r"row 1, column 'x': nan is not a finite number; .*leave the cell empty",
    ),
    "a slip among numbers": (
        b"x,t\n" + b"1,0\n2,1\n" * 9 + b"1O,0\n3,1\n",
        r"line 20, column 'x': '1O' is not a number, but 19 .*or declare the column categorical",
    ),
    "infinity": (b"x,t\n1,0\n-inf,1\n", r"line 3, column 'x': '-inf' is not a finite number"),
    "beyond doubles": (b"x,t\n1,0\n1e999,1\n", r"line 3, column 'x': '1e999' is not a finite"),
    "too large": (b"x,t\n1,0\n1e200,1\n", r"line 3, column 'x': '1e200' is too large .*unit, or"),
    "a mixture of decimal signs": (
        b"x;t\n1,5;0\n2.5;1\n",
        r"line 2, column 'x': '1,5' is not written like '2.5' in line 3: .*; write all",
    ),
    "thousands or decimals": (
        b"x;t\n7;0\n1,234;1\n",
        r"line 3, column 'x': '1,234' may be 1234 .* or 1.234 .*; declare the decimal sign",
    ),
    "day or month": (
        b"x,t\n01/02/2020,0\n03/02/2020,1\n",
        r"line 2, column 'x': '01/02/2020' may have the day or the month first, .*; declare",
    ),
    "no date": (
        b"x,t\n" + b"2020-01-02,0\n" * 9 + b"2020-02-30,1\n",
        r"line 11, column 'x': '2020-02-30' is not a date .*; correct the cell",
    ),
    "a row of units": (
        b"x,t\nm,kg\n1,0\n2,1\n3,0\n4,1\n5,0\n",
        r"line 2, column 'x': 'm' is not a number, but all cells below it are; remove the row",
    ),
    "no such target": (b"x,Target\n1,0\n2,1\n", r"unknown column 't'.*'Target'"),
    "missing target": (
        b"x,t\n1,0\n2,\n3,1\n",
        r"line 3, column 't': the target is missing, .* rem",
    ),
    "one class": (b"x,t\n1,a\n2,a\n", r"target 't' has one class only, 'a', in all 2 rows; give"),
    "constant target": (
        b"x,t\n1,.5\n2,.5\n",
        r"target 't' is 0.5 in all 2 rows, .* another target",
    ),
    "keys as target": (
        b"x,t\n" + b"".join(b"%d,n%d\n" % (i, i) for i in range(60)),
        r"target 't' has 60 different values in 60 rows, .*name another target, or append ':class'",
    ),
    "constant column": (b"x,t\n1,0\n1,1\n1,0\n1,1\n", r"no column is left .*'x' is constant.*give"),
    "target alone": (b"t\n0\n1\n0\n1\n", r"no column is left to learn from beside the target"),
}


@pytest.mark.parametrize("name", CASES)
def test_bad_tables(tmp_path, name):
    data, expected = CASES[name]
    path = tmp_path / "bad table.csv"
    path.write_bytes(data)
    with pytest.raises(DataError) as caught:
        learn(path)
    message = str(caught.value)
    assert message.startswith(str(path)), message
    assert re.search(expected, message), message
    assert len(message.splitlines()) == 1
    assert "; " in message or "Available: " in message  # the remedy
    assert isinstance(caught.value, ValueError)


def test_the_good_table_is_good(tmp_path):
    path = tmp_path / "good.csv"
    path.write_bytes(GOOD)
    X, Y = learn(path)
    assert X.shape == (2, 3)
    assert Y.shape == (2, 1)


def test_too_few_rows_for_the_split(tmp_path):
    path = tmp_path / "few.csv"
    path.write_bytes(b"x,t\n1,a\n2,b\n")
    with pytest.raises(InputError, match=r"2 rows with 2 classes, .* at least 4 are needed"):
        learn(path)


def test_a_missing_file_suggests_the_nearest_name(tmp_path):
    (tmp_path / "iris.csv").write_bytes(GOOD)
    with pytest.raises(DataError, match=r"iris.cvs: no such file; did you mean '.*iris\.csv'\?"):
        read_table(tmp_path / "iris.cvs")
    with pytest.raises(DataError, match="no such file; check the path, or give - for standard"):
        read_table(tmp_path / "zebra")
    with pytest.raises(DataError, match=r"no such file; there is no directory '.*none'"):
        read_table(tmp_path / "none" / "iris.csv")


def test_a_directory(tmp_path):
    with pytest.raises(DataError, match="is a directory; give one CSV or Parquet file in it"):
        read_table(tmp_path)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(GOOD)
    path.chmod(0)
    with pytest.raises(DataError, match=r"cannot be read \(.*\); check the path and its perm"):
        read_table(path)


@pytest.mark.parametrize("path", ["", "a\0b", "a\nb", "x" * 5000, "t.csv/x.csv"])
def test_paths_that_cannot_be(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_bytes(GOOD)
    with pytest.raises(DataError) as caught:
        read_table(path)
    assert len(str(caught.value).splitlines()) == 1


def test_parquet_by_name_but_not_by_content(tmp_path):
    path = tmp_path / "t.parquet"
    path.write_bytes(GOOD)
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        read_table(path)


def test_standard_input_that_is_empty(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"")))
    with pytest.raises(DataError, match="standard input: the file is empty"):
        read_table("-")


def test_a_cell_and_a_name_with_line_breaks_stay_on_one_line(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b'"x\ny",t\n' + b"1,0\n2,1\n" * 9 + b'"bad\ncell",0\n1,1\n')
    with pytest.raises(
        DataError, match=r"line 21, column 'x\\ny': 'bad\\ncell' is not a"
    ) as caught:
        learn(path)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("seed", range(60))
def test_damaged_files_are_read_or_refused_and_nothing_else(tmp_path, seed):
    noise = random.Random(seed)
    makers = [
        lambda: GOOD,
        lambda: gzip.compress(GOOD),
        lambda: bz2.compress(GOOD),
        lambda: lzma.compress(GOOD),
        lambda: ZSTD,
        parquet,
    ]
    data = bytearray(makers[seed % len(makers)]())
    for _ in range(noise.randint(1, 6)):
        data[noise.randrange(len(data))] = noise.randrange(256)
    path = tmp_path / "t.csv"
    path.write_bytes(bytes(data[: noise.randint(1, len(data))] if seed % 3 == 0 else data))
    try:
        learn(path)
        outcome = "read"
    except InputError as error:  # any other class is a failure
        outcome = str(error)
    assert len(outcome.splitlines()) == 1
