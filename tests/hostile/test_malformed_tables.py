"""Sixty tables that no one should send: read as they are, or refused in one line; never slow."""

import bz2
import csv
import gzip
import io
import lzma
import resource
import time
import zipfile

import polars as pl
import pytest

import chainrule as cr
from chainrule.data import decide_kinds, read_table
from chainrule.errors import LONGEST_MESSAGE, DataError, InputError
from chainrule.table_models.prediction_table import encoded_frame, prediction_frame

SECONDS, MEGABYTES = 2.0, 300.0
ROWS = "".join(f"{row}.5,{'ab'[row % 2]},{row % 3}\n" for row in range(30)).encode()
GOOD = b"x,c,t\n" + ROWS
READ, REFUSED, EITHER = "read", "refused", "either"


def parquet(columns):
    data = io.BytesIO()
    pl.DataFrame(columns).write_parquet(data)
    return data.getvalue()


def zipped(**files):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in files.items():
            file.writestr(name, text)
    return data.getvalue()


NESTED = [[[[[1]]]]]
PARQUET = parquet({"x": [1.0, 2.0] * 9, "t": [0, 1] * 9})
CASES = {
    # nothing, or nearly
    "empty": (b"", REFUSED),
    "one NUL": (b"\0", REFUSED),
    "one byte": (b"x", REFUSED),
    "spaces": (b"   \n  \n", REFUSED),
    "a mark alone": (b"\xef\xbb\xbf", REFUSED),
    "header only": (b"x,c,t\n", REFUSED),
    "header and commas": (b"x,c,t\n,,\n,,\n", READ),
    "commas": (b",,,,\n,,,,\n", REFUSED),
    "quotes": (b'"""""""""""', REFUSED),
    "line ends": (b"\r\n" * 1000, REFUSED),
    # encodings
    "a mark and a table": (b"\xef\xbb\xbf" + GOOD, READ),
    "two marks": (b"\xef\xbb\xbf" * 2 + GOOD, EITHER),
    "UTF-16": (GOOD.decode().encode("utf-16"), READ),
    "UTF-16, big end first": (b"\xfe\xff" + GOOD.decode().encode("utf-16-be"), READ),
    "UTF-16 without a mark": (GOOD.decode().encode("utf-16-le"), REFUSED),
    "UTF-32": (GOOD.decode().encode("utf-32"), REFUSED),
    "half of UTF-16": (GOOD.decode().encode("utf-16")[:-1], REFUSED),
    "Latin 1": (GOOD.replace(b"a", b"\xe9"), REFUSED),
    "surrogates": (GOOD.replace(b"a", b"\xed\xa0\x80"), REFUSED),
    "an overlong slash": (GOOD.replace(b"a", b"\xc0\xaf"), REFUSED),
    "UTF-7": (GOOD.replace(b"a", b"+AGE-"), READ),
    "EBCDIC": (GOOD.decode().encode("cp500"), REFUSED),
    # characters that are none
    "NUL in a cell": (GOOD.replace(b"a", b"a\0"), REFUSED),
    "NUL in the header": (GOOD.replace(b"x,", b"x\0,", 1), REFUSED),
    "control characters": (GOOD.replace(b"a", b"\x1b[31m\x07"), READ),
    "right to left": (GOOD.replace(b"a", "\u202eabc\u202c".encode()), READ),
    "no-width spaces": (GOOD.replace(b"a", "\u200b".encode()), READ),
    "a header of emoji": (GOOD.replace(b"c,", "👩‍👩‍👧,".encode(), 1), READ),
    # line ends and quotes
    "carriage returns": (GOOD.replace(b"\n", b"\r"), READ),
    "mixed line ends": (GOOD.replace(b"\n", b"\r\n", 7), READ),
    "line feeds in cells": (GOOD.replace(b"a", b'"a\nb\n"'), READ),
    "an open quote": (GOOD + b'"', REFUSED),
    "an open quote at the start": (b'"' + GOOD, REFUSED),
    "quotes within": (GOOD.replace(b"a", b'"a"b"'), REFUSED),
    "a million quotes": (GOOD + b'"' * 1_000_001, REFUSED),
    "quoted commas": (GOOD.replace(b"a", b'",,,"'), READ),
    # shapes
    "short rows": (GOOD + b"1\n", REFUSED),
    "long rows": (GOOD + b"1,2,3,4\n", REFUSED),
    "a row of a million cells": (GOOD + b"1," * 1_000_000 + b"\n", REFUSED),
    "a cell of 5 MB": (GOOD + b"1," + b"y" * 5_000_000 + b",1\n", REFUSED),
    "a number of 100,000 digits": (GOOD + b"1" * 100_000 + b",a,1\n", REFUSED),
    "a name of 1 MB": (b"x" * 1_000_000 + b"," + GOOD, REFUSED),
    "5,000 columns": (
        b",".join(b"c%d" % n for n in range(5000)) + b"\n" + (b"1," * 4999 + b"2\n") * 3,
        READ,
    ),
    "a name twice": (b"x,x,t\n" + ROWS, REFUSED),
    "years as a header": (b"2001,2002,2003\n4,5,6\n", READ),
    "100,000 empty lines": (GOOD + b"\n" * 100_000, READ),
    # kinds
    "mixed kinds": (GOOD + b"true,2020-01-01,1\n", REFUSED),
    "infinity": (GOOD + b"inf,a,1\n", REFUSED),
    "beyond doubles": (GOOD + b"1e999,a,1\n", REFUSED),
    "hexadecimal": (GOOD + b"0x10,a,1\n", REFUSED),
    "fractions of JSON": (b'{"x": [1, 2], "t": [0, 1]}\n' + GOOD, EITHER),
    # other files
    "a program": (b"\x7fELF" + bytes(range(256)) * 50, REFUSED),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 50, REFUSED),
    "a pickle": (b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8c\x02os", REFUSED),
    "HTML": (b"<html><script>alert(1)</script></html>\n" * 3, EITHER),
    "nested JSON": (b"[" * 100_000, REFUSED),
    "half of gzip": (gzip.compress(GOOD)[:-9], REFUSED),
    "gzip in gzip": (gzip.compress(gzip.compress(GOOD)), EITHER),
    "gzip with junk behind": (gzip.compress(GOOD) + b"junk", EITHER),
    "half of bzip2": (bz2.compress(GOOD)[:-9], REFUSED),
    "half of xz": (lzma.compress(GOOD)[:-9], REFUSED),
    "half of Parquet": (PARQUET[: len(PARQUET) // 2], REFUSED),
    "Parquet without its middle": (PARQUET[:40] + PARQUET[90:], REFUSED),
    "Parquet with a wrong length": (PARQUET[:-8] + b"\xff\xff\xff\x7fPAR1", REFUSED),
    "Parquet of nested lists": (parquet({"x": [NESTED, NESTED], "t": [0, 1]}), REFUSED),
    "a zip file of CSV": (zipped(t=GOOD), REFUSED),
    "an empty workbook": (zipped(**{"xl/workbook.xml": b"<workbook/>"}), REFUSED),
    "half of a workbook": (zipped(**{"xl/workbook.xml": b"<workbook/>"})[:-30], REFUSED),
}


@pytest.mark.parametrize("name", CASES)
def test_read_or_refused_in_one_line_and_two_seconds(tmp_path, name):
    data, expected = CASES[name]
    path = tmp_path / "t.csv"
    path.write_bytes(data)
    before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    message = ""
    try:
        assert decide_kinds(read_table(path)).n_rows
    except InputError as error:
        message = str(error)
    outcome = REFUSED if message else READ
    if message:
        assert message.startswith(str(path))
        assert message.isprintable()
        assert len(message) < 2 * LONGEST_MESSAGE
    assert time.process_time() - begun < SECONDS * 2  # all threads together
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < MEGABYTES
    assert expected in (outcome, EITHER)


# -- names that are commands elsewhere -------------------------------------------------------------

HOSTILE = [
    '=cmd|" /C calc"!A0',
    "@SUM(1+1)*cmd",
    "<script>alert(1)</script>",
    "$(rm -rf ~)",
    "`rm`",
    "../../etc/passwd",
    "C:\\x\\..\\y",
    "a\nb\r\nc",
    "\"',;",
    "\x1b[2J\x07",
    "\u202etxt.exe",
    "\\input{/etc/passwd}%$&#_{}~^",
    "'; DROP TABLE x; --",
    "{{7*7}}${7*7}%s%n",
    "-1+1",
]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names_are_texts(tmp_path, name, monkeypatch):
    """As a column, a class and a target: in messages, CSV, LaTeX and HTML, and in no path."""
    monkeypatch.chdir(tmp_path)
    frame = pl.DataFrame(
        {name: [1.0, 2.0, 3.0, 4.0] * 5, "c": [name, "b"] * 10, "y": [name, "other"] * 10}
    )
    model = cr.train_table(frame, "y", hidden=(2,), epochs=1, validation=0).model
    assert model.classes == tuple(sorted([name, "other"]))
    cr.save(model, "m")
    assert list(cr.load("m").predict(frame)) == list(model.predict(frame))
    with pytest.raises(DataError) as caught:
        model.predict(frame.rename({name: "z"}))
    assert str(caught.value).isprintable()
    predicted = prediction_frame(model, model.read(frame), probabilities=True).frame
    text = encoded_frame(predicted, "-").decode()
    rows = list(csv.reader(io.StringIO(text, newline="")))  # another reader than ours
    assert rows[0] == ["prediction", *(f"probability_{label}" for label in model.classes)]
    assert len(rows) == 21
    assert {row[0] for row in rows[1:]} <= {name, "other"}
    numbers = frame.with_columns(pl.Series("y", range(20)))
    of_numbers = cr.train_table(numbers, "y", hidden=(2,), epochs=1, validation=0).model
    with pytest.raises(DataError) as caught:
        of_numbers.predict(frame.with_columns(pl.lit("text").alias(name)))
    assert str(caught.value).isprintable()
    assert [path.name for path in tmp_path.rglob("*")] == ["m"]
