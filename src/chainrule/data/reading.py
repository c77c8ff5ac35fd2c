"""Reading a file or standard input into a Table: CSV, Parquet or Excel, compressed or not.

The first bytes determine the format, not the name: standard input has no name, and names may be
wrong. gzip, bzip2, xz and zstd are decompressed, then ``PAR1`` means Parquet, a zip file that holds
a workbook Excel, and everything else is CSV. Errors: a missing, unreadable or truncated file, a
directory, an old workbook or another zip file.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.data.csv_text import parse_csv
from chainrule.data.forked_processes import refuse_dead_threads
from chainrule.data.tables import Table
from chainrule.data.text_encodings import checked_encoding
from chainrule.data.unpacked_sizes import read_all, refuse_size, zstd_bytes
from chainrule.data.workbooks import is_workbook, parse_workbook
from chainrule.errors import DataError, InputTypeError, nearest, one_line, shown

if TYPE_CHECKING:
    import polars as pl

__all__ = ["TableFile", "as_table", "read_cells", "read_table"]

PARQUET = b"PAR1"
CELL_BYTES = 8
PARQUET_SUFFIXES = (".parquet", ".pq")
COMPRESSIONS = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}
OPENERS: dict[str, Callable[[io.BytesIO], io.BufferedIOBase]] = {
    "gzip": lambda file: gzip.GzipFile(fileobj=file),
    "bzip2": bz2.BZ2File,
    "xz": lzma.LZMAFile,
}
FOREIGN = {
    b"PK\x03\x04": "a zip file, but not an Excel workbook (.xlsx)",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"%PDF": "a PDF file",
    b"SQLite format 3\x00": "an SQLite database",
    b"\x89HDF": "an HDF5 file",
    b"ARROW1": "an Arrow (Feather) file",
}


@dataclass(frozen=True)
class TableFile:
    """A file that is read where a table is needed, and is not in memory before and after.

    ``path`` and ``encoding`` are those of `read_table`.
    """

    path: str | os.PathLike[str]
    encoding: str | None = None


def read_table(path: str | os.PathLike[str], *, encoding: str | None = None) -> Table:
    """Read a CSV, Parquet or Excel file, or standard input for ``"-"``, into a Table.

    ``encoding`` is that of a CSV file which is not in UTF-8, by its name in Python, such as
    "gb18030", "windows-1252" or "shift_jis". The cells of a CSV file are still text: which columns
    are numbers is decided when a model is trained. Raises DataError, in one line, for a file that
    cannot be used, which names the first byte that is not of the encoding and its line, and
    InputError for an encoding that does not exist.

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "people.csv"
    >>> _ = path.write_text("age,city\\n31,Ulm\\n8,Bonn\\n")
    >>> table = read_table(path)
    >>> table.n_rows, table.columns, table.rows.tolist()
    (2, ('age', 'city'), [2, 3])
    >>> _ = path.write_text("年龄,城市\\n31,广州\\n", encoding="gb18030")
    >>> read_table(path, encoding="gb18030").columns
    ('年龄', '城市')
    """
    return read_cells(path, encoding)[0]


def read_cells(
    path: str | os.PathLike[str], encoding: str | None = None
) -> tuple[Table, pl.DataFrame]:
    """Read a file as `read_table` does; return its cells too, as they are in the file.

    A Table has numbers as doubles and dates as text. A Parquet file's own columns have their types,
    a CSV file's are text, so that zeros before a number stay.
    """
    encoding = None if encoding is None else checked_encoding(encoding)
    source = "standard input" if os.fspath(path) == "-" else _quoted(path)
    data = _bytes_of(path, source)
    refuse_dead_threads(source)
    if not data:
        raise DataError(f"{source}: the file is empty; it needs a header row and rows of data")
    data = _decompressed(data, source)
    if is_workbook(data):
        _refuse_encoding(encoding, source, "an Excel workbook")
        table = parse_workbook(data, source)
        return table, table.frame
    for magic, name in FOREIGN.items():
        if data.startswith(magic):
            raise DataError(f"{source}: is {name}; save the table as CSV or Parquet")
    if data.startswith(PARQUET) or os.fspath(path).lower().endswith(PARQUET_SUFFIXES):
        _refuse_encoding(encoding, source, "a Parquet file")
        cells = _parse_parquet(data, source)
        return Table.from_polars(cells, source), cells
    parsed = parse_csv(data, source, encoding)
    return Table(parsed.frame, source, parsed.lines, "line", decided=False), parsed.frame


def as_table(data: Any, source: str = "the table") -> Table:
    """Return a Table for a path, a TableFile, a data frame or a Table.

    >>> import polars
    >>> as_table(polars.DataFrame({"x": [1.5]})).columns
    ('x',)
    """
    if isinstance(data, Table):
        refuse_dead_threads(source)
        return data
    if isinstance(data, TableFile):
        return read_table(data.path, encoding=data.encoding)
    if isinstance(data, str | os.PathLike):
        return read_table(data)
    if isinstance(data, bytes):
        raise InputTypeError(f"{source}: must be a path, a data frame or a Table, got bytes")
    return Table.from_frame(data, source)


def _refuse_encoding(encoding: str | None, source: str, kind: str) -> None:
    if encoding is not None:
        raise DataError(
            f"{source}: is {kind}, which states its encoding itself; leave the encoding out"
        )


def _quoted(path: str | os.PathLike[str]) -> str:
    """Return the path for the start of a message, escaped where it would break the line."""
    text = os.fspath(path)
    return text if text.isprintable() and text.strip() else shown(text)


def _bytes_of(path: str | os.PathLike[str], source: str) -> bytes:
    if os.fspath(path) == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(path).read_bytes()
    except FileNotFoundError as error:
        raise DataError(f"{source}: no such file; {_hint_for_missing(Path(path))}") from error
    except IsADirectoryError as error:
        raise DataError(f"{source}: is a directory; give one CSV or Parquet file in it") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL character in the path
        reason = getattr(error, "strerror", None) or one_line(error)
        raise DataError(
            f"{source}: cannot be read ({reason}); check the path and its permissions"
        ) from error


def _hint_for_missing(path: Path) -> str:
    """Return the hint for a missing file: the most similar name in its directory, if any."""
    try:
        names = [entry.name for entry in path.parent.iterdir() if entry.is_file()]
    except OSError:
        return f"there is no directory {shown(str(path.parent))} either; check the path"
    suggestion = nearest(path.name, names)
    if suggestion is None:
        return "check the path, or give - for standard input"
    return f"did you mean {shown(str(path.with_name(suggestion)))}?"


def _decompressed(data: bytes, source: str) -> bytes:
    """Return the data without its compression, which its first bytes declare."""
    name = next((name for magic, name in COMPRESSIONS.items() if data.startswith(magic)), None)
    if name is None or (name == "bzip2" and data[4:10] != b"1AY&SY"):  # a header may begin "BZh"
        return data
    try:
        if name == "zstd":
            refuse_size(zstd_bytes(data), len(data), source)
            plain = _without_zstd(data)
        else:
            opened = OPENERS[name](io.BytesIO(data))
            plain = read_all(opened, len(data), source)
    except DataError:
        raise
    except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as error:
        raise DataError(
            f"{source}: the {name} data cannot be decompressed ({one_line(error)}); the file is "
            "damaged or cut off: fetch or write it again"
        ) from error
    if not plain:
        raise DataError(
            f"{source}: the compressed file is empty; it needs a header row and rows of data"
        )
    return plain


def _without_zstd(data: bytes) -> bytes:
    """Return the decompressed data of a zstd file.

    The standard library has zstd from Python 3.14 only. polars decompresses it while reading CSV,
    and reading without quotes, with a control character as separator, gives the lines. This works
    for text; a Parquet file is compressed inside and needs no compression around it.
    """
    import polars as pl

    try:
        lines = pl.read_csv(
            io.BytesIO(data),
            has_header=False,
            separator="\x1f",
            quote_char=None,
            schema={"line": pl.String},
        )["line"].fill_null("")
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise ValueError(one_line(error)) from error
    return "\n".join(lines.to_list()).encode()


def _parse_parquet(data: bytes, source: str) -> pl.DataFrame:
    import polars as pl

    try:
        whole = pl.scan_parquet(io.BytesIO(data))
        width, rows = len(whole.collect_schema()), whole.select(pl.len()).collect().item()
        refuse_size(CELL_BYTES * width * rows, len(data), source)
        cells = pl.read_parquet(io.BytesIO(data))
        # Equal texts are one in the file and in polars, but not where they are compared or stored.
        text = cells.select(pl.col(pl.String).str.len_bytes().sum())
        refuse_size(sum(text.row(0)) if text.width else 0, len(data), source)
        return cells
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise DataError(
            f"{source}: cannot be read as Parquet ({one_line(error)}); "
            "fetch or write the file again, every column with a unique name"
        ) from error
