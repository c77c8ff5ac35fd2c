"""Files that become far larger in memory than they are, and cells that are no values."""

import bz2
import gzip
import io
import lzma
import os
import subprocess
import sys
import time
import zipfile

import polars as pl
import pytest

import chainrule as cr
from chainrule.data import Table, read_table
from chainrule.data.unpacked_sizes import VARIABLE, zstd_bytes
from chainrule.errors import DataError, InputError

LINES = b"a,b\n" + b"\n" * (200 << 20)


def zstd_of_repeated(byte, blocks):
    """A frame of blocks that each repeat one byte 131,072 times."""
    size = 1 << 17
    block = (size << 3 | 1 << 1).to_bytes(3, "little") + byte
    end = (0 << 3 | 1).to_bytes(3, "little")
    return b"\x28\xb5\x2f\xfd" + bytes([0, 0x58]) + block * blocks + end


def parquet():
    data = io.BytesIO()
    zeros = pl.zeros(50_000_000, eager=True)
    pl.DataFrame({"x": zeros}).write_parquet(data, compression="zstd")
    return data.getvalue()


def texts():
    data = io.BytesIO()
    cells = ["y" * 100_000, "z" * 100_000] * 10_000
    pl.DataFrame({"x": cells, "t": 1.0}).write_parquet(data)
    return data.getvalue()


def workbook():
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("xl/workbook.xml", "<workbook/>")
        file.writestr("xl/worksheets/sheet1.xml", b" " * (100 << 20))
    return data.getvalue()


BOMBS = {
    "gzip": lambda: gzip.compress(LINES),
    "bzip2": lambda: bz2.compress(LINES[: 60 << 20]),
    "xz": lambda: lzma.compress(LINES, preset=0),
    "zstd": lambda: zstd_of_repeated(b"\n", 2000),
    "parquet": parquet,
    "parquet of equal texts": texts,
    "blank lines": lambda: LINES[: 50 << 20],
    "blank lines of Windows": lambda: b"a,b\r\n" + b"\r\n" * (20 << 20),
}
READ = """
import resource, sys, time
from chainrule.data import read_table
from chainrule.errors import DataError
read_table("small.parquet"), read_table("small.csv")
before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
try:
    read_table("bomb")
except DataError as error:
    print(error)
print(time.perf_counter() - begun)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


@pytest.mark.parametrize("kind", BOMBS)
def test_bombs_are_refused_within_two_seconds_and_300_mb(tmp_path, kind):
    (tmp_path / "bomb").write_bytes(BOMBS[kind]())
    small = pl.DataFrame({"x": [1.0, 2.0]})
    small.write_parquet(tmp_path / "small.parquet")
    small.write_csv(tmp_path / "small.csv")
    ran = subprocess.run(
        [sys.executable, "-c", READ], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    message, seconds, megabytes = ran.stdout.splitlines()
    expected = "remove the blank lines" if "blank" in kind else VARIABLE
    assert expected in message, ran
    assert float(seconds) < 2
    assert float(megabytes) < 300


def test_a_workbook_that_unpacks_to_too_much(tmp_path):
    path = tmp_path / "t.xlsx"
    path.write_bytes(workbook())
    with pytest.raises(DataError, match=VARIABLE):
        read_table(path)


def test_the_limit_can_be_raised(tmp_path, monkeypatch):
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"x,y\n" + b"1,2\n" * (9 << 20)))
    with pytest.raises(
        DataError, match=r"becomes more than 33 MB, from 0\.0\d+ MB in the file; if"
    ):
        read_table(path)
    monkeypatch.setenv(VARIABLE, "40")
    assert read_table(path).n_rows == 9 << 20
    monkeypatch.setenv(VARIABLE, "many")
    with pytest.raises(InputError, match=f"{VARIABLE} must be a number of megabytes, got 'many'"):
        read_table(path)


def test_the_size_in_the_blocks_of_zstd():
    assert zstd_bytes(zstd_of_repeated(b"x", 3)) == 3 << 17
    skipped = b"\x50\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"12345"
    assert zstd_bytes(skipped + zstd_of_repeated(b"x", 3) * 2) == 6 << 17
    for data in (b"", b"\x28\xb5\x2f\xfd", zstd_of_repeated(b"x", 3)[:9], os.urandom(999)):
        assert zstd_bytes(data) <= 1 << 17


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"a\rb,t\n1,2\n3,4\n", r"line 1: a carriage return stands alone within the line"),
        (b"\na,t\r1,2\n3,4\n", r"line 2: a carriage return stands alone within the line"),
        (b'a,t\n1,2" pipe\n5\r6,4\n', r"line 3: a carriage return stands alone"),
        (b"x" * 200_000 + b",t\n1,2\n", r"line 1: a cell or a name is longer than 131072"),
        (b"x" * 200_000 + b',t\n1,2" pipe\n', r"line 1: a cell or a name is longer than 131072"),
        (b"a,t\n1,2\n" + b"y" * 200_000 + b",3\n", r"line 3, column 'a': the cell has 200000 b"),
        (b'a,t\n1,2" pipe\n' + b"y" * 200_000 + b",3\n", r"line 3: a cell or a name is longer"),
        (b'a,t\n1,2\n"' + b"y\n" * 100_000 + b'",3\n', r"line 3, column 'a': the cell has 200000"),
    ],
)
def test_line_ends_and_cells_that_are_none(tmp_path, text, expected):
    path = tmp_path / "t.csv"
    path.write_bytes(text)
    with pytest.raises(DataError, match=expected) as caught:
        cr.train_table(path, "t", hidden=(2,), epochs=1)
    assert len(str(caught.value).splitlines()) == 1


def test_long_cells_and_names_of_a_frame():
    with pytest.raises(DataError, match="row 1, column 'a': the cell has 200000 bytes"):
        Table.from_frame(pl.DataFrame({"a": ["x", "y" * 200_000]}))
    with pytest.raises(DataError, match="the name of column 2 has 200000 characters"):
        Table.from_frame(pl.DataFrame({"b": ["x"], "a" * 200_000: ["x"]}))


def test_the_work_of_a_wide_table_grows_as_its_width():
    """20,000 columns take seconds, where names listed anew took minutes."""
    frame = pl.DataFrame({f"x{number}": [1.0, 2.0, 3.0, 4.0] * 3 for number in range(20_000)})
    frame = frame.with_columns(y=pl.Series(["a", "b", "b", "a"] * 3))
    begun = time.process_time()
    cr.train_table(frame, "y", hidden=(2,), epochs=1)
    assert time.process_time() - begun < 30
