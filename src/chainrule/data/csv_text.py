"""From the bytes of a CSV file to columns of text, with the line on which each row begins.

Accepted: what `csv_layout` prepares; one header row; records that end with LF, CRLF or CR; comma,
semicolon or tab as separator; cells quoted with ``"``, a quote inside doubled, or all of them with
``'``. Blank lines are skipped (in a table of one column they are missing cells, except those at the
end). A separator at the end of every row, but not of the header, is ignored. Anything else is an
error that names the line.

There are two readers. polars reads about ten million cells a second, but fills a short row with
nulls without an error and does not report line numbers. Therefore the structure (records,
separators, quotes) is first scanned with NumPy, which takes about as long again and finds ragged
rows and unclosed quotes. Files whose quotes are irregular (``5" pipe``, a space before a
quote) are read by the standard library's reader, which is exact and about five times slower.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from chainrule.arrays import BoolArray, IntArray
from chainrule.data.csv_layout import prepared
from chainrule.data.tables import refuse_long_cells, refuse_names
from chainrule.data.unpacked_sizes import LONGEST_CELL
from chainrule.errors import DataError, one_line, shown

if TYPE_CHECKING:
    import polars as pl

__all__ = ["parse_csv"]

NEWLINE, RETURN, QUOTE = (ord(character) for character in '\n\r"')
CHUNK = 1 << 22
BLOCK = 1 << 26  # bytes that polars reads at a time; it holds several times as many meanwhile
QUOTED = re.compile(r"(?s:'[^']+')")
FEWEST_QUOTED = 3  # of fewer rows it may be chance
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


class ParsedCsv(NamedTuple):
    """Columns of text (missing cells null or empty) and the line on which each row begins."""

    frame: pl.DataFrame
    lines: IntArray


class Records(NamedTuple):
    """Where the records of a file end (bytes, line break excluded), their lines and their shape.

    The first begins at the byte ``start``, every other one behind the line break of the one before.
    """

    start: int
    ends: IntArray
    lines: IntArray
    cells: IntArray
    blank: BoolArray

    @property
    def starts(self) -> IntArray:
        """Where each begins, (records,)."""
        return np.concatenate([[self.start], self.ends + 1])[: len(self.ends)]

    def after(self, record: int) -> Records:
        """Return the records after one of them."""
        rest = slice(record + 1, None)
        start = int(self.ends[record]) + 1
        return Records(start, self.ends[rest], self.lines[rest], self.cells[rest], self.blank[rest])

    def blocks(self) -> Iterator[tuple[slice, int]]:
        """Yield where about `BLOCK` bytes of whole records lie, and their number of records."""
        first, start = 0, self.start
        while first < len(self.ends):
            last = int(np.searchsorted(self.ends, start + BLOCK))
            last = min(max(last, first + 1), len(self.ends))
            end = int(self.ends[last - 1]) + 1
            yield slice(start, end), last - first
            first, start = last, end


def parse_csv(data: bytes, source: str, encoding: str | None = None) -> ParsedCsv:
    """Return the columns of a CSV file as text, which is UTF-8 or of an encoding by its name.

    Raises DataError for an empty file, a header alone, names that are missing or doubled, a row
    with too many or too few cells, a quote that is never closed and text that is not UTF-8.

    >>> parsed = parse_csv(b'name,age\\n"Ann,\\nB.",3\\nCid,\\n', "people.csv")
    >>> parsed.frame.rows()
    [('Ann,\\nB.', '3'), ('Cid', None)]
    >>> parsed.lines.tolist()
    [2, 4]
    >>> parse_csv(b'name,age\\nAnn\\n', "people.csv")
    Traceback (most recent call last):
    ...
    chainrule.errors.DataError: people.csv, line 2: has 1 cell where the header has 2; \
complete or remove the row, and put quotes around a cell that contains ','
    """
    data, separator = prepared(data, source, encoding)
    quotes = _positions(data, QUOTE)
    if not _regular(data, quotes, ord(separator)):
        return _parse_slowly(data, separator, source)
    if len(quotes) % 2:
        line = data.count(b"\n", 0, int(quotes[-1])) + 1
        raise DataError(
            f'{source}, line {line}: a quote (") is never closed; close it, or double it '
            "where it is part of the text"
        )
    records = _scan(data, quotes, ord(separator))
    first = int(np.flatnonzero(~records.blank)[0])
    header = data[records.starts[first] : records.ends[first]].decode().removesuffix("\r")
    try:
        cells = next(csv.reader([header], delimiter=separator))
    except csv.Error as error:
        raise _unreadable(error, source, int(records.lines[first])) from error
    names = _names(cells, source, records.lines[first])
    records = records.after(first)
    if len(names) == 1 and records.blank.any():
        # polars drops some blank lines of a single column; the exact reader keeps them as cells.
        return _parse_slowly(data, separator, source)
    trailing = _ends_with_separators(data, records, len(names), ord(separator))
    if not trailing:
        _refuse_ragged(records, len(names), source, separator)

    import polars as pl

    if records.blank.all():
        raise _header_only(source)
    frames = []
    for block, height in records.blocks():
        try:
            frame = pl.read_csv(
                data[block],
                has_header=False,
                separator=separator,
                schema=dict.fromkeys([*names, ""] if trailing else names, pl.String),
                raise_if_empty=False,
            )
        except pl.exceptions.PolarsError:
            return _parse_slowly(data, separator, source)
        if frame.height != height:
            return _parse_slowly(data, separator, source)
        frames.append(frame)
    frame = frames[0] if len(frames) == 1 else pl.concat(frames, rechunk=False)
    frame = frame.drop("") if trailing else frame
    if (records.ends - records.starts).max() > LONGEST_CELL:
        refuse_long_cells(frame, lambda row: f"{source}, line {records.lines[row]}")
    lines = records.lines
    if records.blank.any():
        frame, lines = frame.filter(pl.Series(~records.blank)), lines[~records.blank]
    return ParsedCsv(_without_quotes(frame), lines)


def _positions(data: bytes, *wanted: int) -> IntArray:
    """Return the positions of the given bytes, (found,), by chunks that fit the cache."""
    view = np.frombuffer(data, dtype=np.uint8)
    found = []
    if len(wanted) == 1 and wanted[0] not in data:
        return np.empty(0, dtype=np.int64)
    for start in range(0, len(view), CHUNK):
        chunk = view[start : start + CHUNK]
        hit = chunk == wanted[0]
        for byte in wanted[1:]:
            hit |= chunk == byte
        found.append(np.flatnonzero(hit) + start)
    return np.concatenate(found) if found else np.empty(0, dtype=np.int64)


def _regular(data: bytes, quotes: IntArray, separator: int) -> bool:
    """Return whether every quote opens or closes a whole cell, or is one of a doubled pair.

    Only then does the parity of the number of quotes before a byte determine whether it is quoted.
    ``quotes`` are the positions of all quotes, (quotes,).
    """
    if len(quotes) == 0:
        return True
    view = np.frombuffer(data, dtype=np.uint8)
    before_opening = quotes[0::2] - 1
    before_opening = before_opening[before_opening >= 0]
    after_closing = quotes[1::2] + 1
    after_closing = after_closing[after_closing < len(view)]
    edges = [separator, NEWLINE, QUOTE]
    return bool(
        np.isin(view[before_opening], edges).all()
        and np.isin(view[after_closing], [*edges, RETURN]).all()
    )


def _scan(data: bytes, quotes: IntArray, separator: int) -> Records:
    """Return end, line and number of cells of every record, (records,) each.

    The bytes are looked at by chunks: the separators of a whole file would take as much memory as
    its cells.
    """
    view = np.frombuffer(data, dtype=np.uint8)
    ends: list[IntArray] = []
    separators: list[IntArray] = []
    lines: list[IntArray] = [np.ones(1, dtype=np.int64)]
    begun = 0  # the separators of the record in which a chunk ends
    line = 1
    for start in range(0, len(view), CHUNK):
        marks = _positions(data[start : start + CHUNK], NEWLINE, separator) + start
        is_break = view[marks] == NEWLINE
        line_ended = np.arange(line, line + np.count_nonzero(is_break))
        line += len(line_ended)
        if len(quotes):
            outside = np.searchsorted(quotes, marks) % 2 == 0
            line_ended = line_ended[outside[is_break]]
            marks, is_break = marks[outside], is_break[outside]
        breaks = np.flatnonzero(is_break)
        if not len(breaks):
            begun += len(marks)
            continue
        ends.append(marks[breaks])
        separators.append(np.diff(breaks, prepend=-1 - begun) - 1)
        lines.append(line_ended + 1)
        begun = len(marks) - 1 - int(breaks[-1])
    if not ends or ends[-1][-1] + 1 < len(view):  # the last record has no line break
        ends.append(np.array([len(view)]))
        separators.append(np.array([begun]))
    cells = np.concatenate(separators) + 1
    records = Records(
        0, np.concatenate(ends), np.concatenate(lines)[: len(cells)], cells, cells < 0
    )
    starts = records.starts
    length = records.ends - starts
    returns = view[np.minimum(starts, len(view) - 1)] == RETURN
    return records._replace(blank=(length == 0) | ((length == 1) & returns))


def _names(cells: list[str], source: str, line: int) -> list[str]:
    """Return the names of the columns: without surrounding spaces."""
    where = f"{source}, line {line}"
    names = [cell.strip() for cell in cells]
    if all(NUMBER.fullmatch(name) for name in names) and not all(n.isdigit() for n in names):
        raise DataError(
            f"{where}: the header holds only numbers ({shown(names[0])} first); put a row with "
            "the names of the columns above the data"
        )
    refuse_names(names, where)
    return names


def _ends_with_separators(data: bytes, records: Records, width: int, separator: int) -> bool:
    """Return whether every row has one more cell than the header, and that cell is empty."""
    filled = ~records.blank
    if not filled.any() or records.cells[int(filled.argmax())] != width + 1:
        return False
    if not (records.cells[filled] == width + 1).all():
        return False
    view = np.frombuffer(data, dtype=np.uint8)
    last = records.ends[filled] - 1
    last = last - (view[last] == RETURN)
    return bool((view[last] == separator).all())


def _without_quotes(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the cells without the quotes ``'`` that are around every one of them."""
    import polars as pl

    if frame.height < FEWEST_QUOTED or not all(map(_is_quoted, frame.row(0))):
        return frame
    quoted = frame.select(pl.all().str.contains(f"^{QUOTED.pattern}$").all())
    if not all(quoted.row(0)):
        return frame
    return frame.select(pl.all().str.slice(1).str.head(-1))


def _is_quoted(cell: str | None) -> bool:
    return cell is not None and QUOTED.fullmatch(cell) is not None


def _refuse_ragged(records: Records, width: int, source: str, separator: str) -> None:
    wrong = np.flatnonzero((records.cells != width) & ~records.blank)
    if len(wrong):
        raise _ragged(
            source, int(records.lines[wrong[0]]), int(records.cells[wrong[0]]), width, separator
        )


def _ragged(source: str, line: int, cells: int, width: int, separator: str) -> DataError:
    return DataError(
        f"{source}, line {line}: has {cells} cell{'s' if cells != 1 else ''} where the header has "
        f"{width}; complete or remove the row, and put quotes around a cell that contains "
        f"{shown(separator)}"
    )


def _header_only(source: str) -> DataError:
    return DataError(f"{source}: has a header but no rows of data; add rows")


def _parse_slowly(data: bytes, separator: str, source: str) -> ParsedCsv:
    """Read record by record with the standard library, which accepts irregular quotes."""
    import polars as pl

    text = data.decode("utf-8")
    reader = csv.reader(_text_lines(text), delimiter=separator, strict=True, skipinitialspace=True)
    names: list[str] = []
    rows: list[list[str]] = []
    lines: list[int] = []
    begins = 1
    try:
        for cells in reader:
            if cells and not names:
                names = _names(cells, source, begins)
            elif len(names) == 1 and not cells:
                rows.append([""])
                lines.append(begins)
            elif cells and len(cells) != len(names):
                raise _ragged(source, begins, len(cells), len(names), separator)
            elif cells:
                rows.append(cells)
                lines.append(begins)
            begins = reader.line_num + 1
    except csv.Error as error:
        raise _unreadable(error, source, begins) from error
    last = text.rstrip("\r\n").count("\n") + 1
    while lines and lines[-1] > last:  # blank lines at the end of a single column
        rows.pop()
        lines.pop()
    if not rows:
        raise _header_only(source)
    frame = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")
    return ParsedCsv(frame, np.array(lines, dtype=np.int64))


def _unreadable(error: csv.Error, source: str, line: int) -> DataError:
    """Return the error for a record that the standard library cannot read."""
    where, reason = f"{source}, line {line}", one_line(error)
    if "new-line" in reason:
        return DataError(
            f"{where}: a carriage return stands alone within the line, as in files of old Macs; "
            "save the file with one kind of line end"
        )
    if "field larger" in reason:
        return DataError(
            f"{where}: a cell or a name is longer than {LONGEST_CELL} characters; shorten it, or "
            "write the table without its column"
        )
    return DataError(
        f'{where}: {reason}; close every quote ("), and double it where it is part of the text'
    )


def _text_lines(text: str) -> Iterator[str]:
    """Yield the lines as an editor counts them; str.splitlines would also split at form feeds."""
    start = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        yield text[start:end]
        start = end
